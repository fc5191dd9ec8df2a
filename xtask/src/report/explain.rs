//! What a rule is, and what the faults are that need none.

use serde_json::{Value, json};

use super::{Look, Style};
use crate::finding::FixKind;
use crate::policy::Policy;
use crate::project::Role;
use crate::rules::{self, REFUSED, Refused, Rule};

/// Where prose is broken, in characters: as wide as a terminal that nobody has widened.
const WIDTH: usize = 80;

/// One rule, whole.
pub fn rule(rule: &Rule, look: Look) -> String {
    let mut text = format!("{}: {}\n\n{}\n", look.paint(Style::Info, rule.name), rule.title, wrapped(rule.doc));
    let mut line = |word: &str, rest: &str| text.push_str(&look.line(Style::Dim, word, rest));
    line("Level", &format!("prod {}, dev {}", level(rule, Role::Prod), level(rule, Role::Dev)));
    line("Category", &format!("{}, {:?}", rule.category.title(), rule.priority));
    line("Fix", &how_far(rule));
    for reference in rule.references {
        let address = reference.address().map(|address| format!(" <{address}>")).unwrap_or_default();
        line("See", &format!("{}{address}", reference.title()));
    }
    line("Suppress", &format!("# audit:ignore {} reason [until YYYY-MM-DD]", rule.name));
    text
}

/// How far the tool goes by itself, and what to type.
fn how_far(rule: &Rule) -> String {
    let (kind, name) = (rule.fix.name(), rule.name);
    match rule.fix {
        FixKind::Apply => format!("{kind}: safe alone; `cargo xtask audit --fix` shows it"),
        FixKind::Propose => format!("{kind}: for a person to confirm; `cargo xtask audit --fix={name}` shows it"),
        FixKind::Prove => format!("{kind}: holds only if the service still becomes healthy; by hand"),
        FixKind::Report => format!("{kind}: by hand; each finding says what to write"),
    }
}

/// A fault that ends the audit of a stack.
pub fn refused(refused: &Refused, look: Look) -> String {
    let mut text = format!("{}: {}\n\n{}\n", look.paint(Style::Info, refused.name), refused.title, wrapped(refused.doc));
    text.push_str(&look.line(Style::Dim, "Level", "no rule: the stack is not judged, and the audit ends with exit 2"));
    text
}

/// All rules, one a line, and the faults that need none.
pub fn list() -> String {
    let width = rules::all().map(|rule| rule.name.len()).max().unwrap_or_default();
    let line = |name: &str, level: &str, title: &str| format!("{name:width$}  {level:8}  {title}\n");
    let mut text: String = rules::all().map(|rule| line(rule.name, level(rule, Role::Prod), rule.title)).collect();
    text.extend(REFUSED.iter().map(|refused| line(refused.name, "exit 2", refused.title)));
    text
}

/// Prose in lines that fit a terminal.
fn wrapped(prose: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in prose.split_whitespace() {
        let long = word.chars().count();
        if column > 0 && column + 1 + long > WIDTH {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += long;
    }
    text.push('\n');
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_fits_a_terminal() {
        assert_eq!(wrapped("one  two\nthree"), "one two three\n");
        let long = "word ".repeat(40);
        let lines: Vec<usize> = wrapped(&long).lines().map(str::len).collect();
        assert_eq!(lines, [79, 79, 39]);
        assert_eq!(wrapped(&"x".repeat(90)), format!("{}\n", "x".repeat(90)), "a word is not broken");
    }

    #[test]
    fn a_rule_says_how_its_fix_is_had() {
        let said = |name: &str| how_far(rules::named(name).unwrap());
        assert_eq!(said("no-new-privileges"), "apply: safe alone; `cargo xtask audit --fix` shows it");
        assert_eq!(
            said("privileged-container"),
            "propose: for a person to confirm; `cargo xtask audit --fix=privileged-container` shows it"
        );
        assert!(said("schema").starts_with("report: by hand"));
    }
}
