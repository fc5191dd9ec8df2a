//! What a rule is.

use serde_json::{Value, json};

use super::{Look, Style};
use crate::policy::Policy;
use crate::project::Role;
use crate::rules::{self, Rule};

/// One rule, whole.
pub fn rule(rule: &Rule, look: Look) -> String {
    let mut text = format!("{}: {}\n\n{}\n\n", look.paint(Style::Info, rule.name), rule.title, rule.doc);
    let mut line = |word: &str, rest: &str| text.push_str(&look.line(Style::Dim, word, rest));
    line("Level", &format!("prod {}, dev {}", level(rule, Role::Prod), level(rule, Role::Dev)));
    line("Category", &format!("{}, {:?}", rule.category.title(), rule.priority));
    line("Fix", rule.fix.name());
    for reference in rule.references {
        let address = reference.address().map(|address| format!(" <{address}>")).unwrap_or_default();
        line("See", &format!("{}{address}", reference.title()));
    }
    line("Suppress", &format!("# audit:ignore {} reason [until YYYY-MM-DD]", rule.name));
    text
}

/// All rules, one a line.
pub fn list() -> String {
    let width = rules::all().map(|rule| rule.name.len()).max().unwrap_or_default();
    rules::all().map(|rule| format!("{:width$}  {:8}  {}\n", rule.name, level(rule, Role::Prod), rule.title)).collect()
}

pub fn json(rule: &Rule) -> Value {
    let references: Vec<Value> =
        rule.references.iter().map(|reference| json!({"title": reference.title(), "address": reference.address()})).collect();
    json!({
        "rule": rule.name,
        "title": rule.title,
        "doc": rule.doc,
        "category": rule.category,
        "priority": rule.priority,
        "prod": level(rule, Role::Prod),
        "dev": level(rule, Role::Dev),
        "fix": rule.fix,
        "references": references,
    })
}

fn level(rule: &Rule, role: Role) -> &'static str {
    Policy::of(role).severity(rule.name).map_or("off", |severity| severity.name())
}
