use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Reference, Rule};

pub static RULE: Rule = Rule {
    name: "invalid-suppression",
    title: "a comment or an exception that suppresses a rule does not hold",
    doc: "`# audit:ignore RULE reason [until DATE]` accepts what the rule finds in the entry that it stands at. It needs \
        the name of a rule that exists and a reason, and ends with its day. What it does not say rightly it does not \
        suppress, and nobody would notice: so it is a finding of its own. The same holds for an exception of a policy whose \
        day is past, or that names a stack or service which is not there.",
    category: Category::ServiceDefinitions,
    priority: Priority::P2,
    references: &[Reference::Spec("spec")],
    fix: FixKind::Report,
    // The audit itself reads the comments.
    check: Check::Elsewhere,
};
