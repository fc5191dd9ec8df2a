use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Reference, Rule};

pub static RULE: Rule = Rule {
    name: "unused-suppression",
    title: "a comment suppresses nothing",
    doc: "An `# audit:ignore` that nothing is found under has outlived its reason, or stands at the wrong line. Left there, \
        it would hide the next finding of its rule. Take it away, or put it where the finding is.",
    category: Category::ServiceDefinitions,
    priority: Priority::P3,
    references: &[Reference::Spec("spec")],
    fix: FixKind::Report,
    // The audit itself reads the comments.
    check: Check::Elsewhere,
};
