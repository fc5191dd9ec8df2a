//! All rules as one document: a table, then each with its reasons.

use std::fmt::Write;

use super::markdown::{code, plain};
use crate::finding::Severity;
use crate::policy::Policy;
use crate::project::Role;
use crate::rules::{self, Rule};

const HEAD: &str = "\
# Rules

What `cargo xtask audit` looks for. This file is written by a test (`tests/rules_document.rs`) from the rules themselves; change those.

Levels are those of the built-in policies: where a project has a `policies/prod.yaml` or `policies/dev.yaml`, that is laid over them.
The kind of fix says how far the tool goes by itself: *apply* is safe alone, and verified; *prove* holds when the service still becomes
healthy on an engine; *propose* is a patch that a person confirms; *report* is words.

| rule | prod | dev | category | priority | fix |
|---|---|---|---|---|---|
";

pub fn markdown() -> String {
    let mut text = String::from(HEAD);
    for rule in rules::all() {
        let name = rule.name;
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| [{name}](#{name}) | {} | {} | {} | {:?} | {} |",
            level(rule, Role::Prod),
            level(rule, Role::Dev),
            rule.category.title(),
            rule.priority,
            rule.fix.name()
        );
    }
    rules::all().for_each(|rule| text.push_str(&chapter(rule)));
    text
}

fn chapter(rule: &Rule) -> String {
    // The documents of rules are Markdown already.
    let mut text = format!("\n## {}\n\n*{}.* {}\n", rule.name, plain(&capital(rule.title)), rule.doc);
    let references: Vec<String> = rule
        .references
        .iter()
        .map(|reference| match reference.address() {
            Some(address) => format!("[{}]({address})", plain(&reference.title())),
            None => plain(&reference.title()),
        })
        .collect();
    let _ =
        writeln!(text, "\nSee {}. To accept a finding: {}", references.join("; "), code(&format!("# audit:ignore {} REASON", rule.name)));
    text
}

fn level(rule: &Rule, role: Role) -> &'static str {
    Policy::of(role).severity(rule.name).map_or("off", Severity::name)
}

/// The first letter large; code stays as it is.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
