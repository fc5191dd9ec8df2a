//! No finding stands against the stack that nobody has accepted.

use std::collections::BTreeSet;

use crate::guards::Checked;
use crate::release::Accepted;

/// A finding that keeps the stack out of production.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocking {
    pub rule: String,
    /// `compose.yaml:12`, for people.
    pub at: String,
    pub message: String,
}

/// `unread`: why the stack could not be judged in full, if so.
pub fn findings_are_accepted(blocking: &[Blocking], unread: &[String], accepted: &[Accepted]) -> Checked {
    let open: BTreeSet<&Blocking> =
        blocking.iter().filter(|finding| !accepted.iter().any(|accepted| accepted.rule == finding.rule)).collect();
    let mut why: Vec<String> = unread.iter().map(|why| format!("not everything could be judged: {why}")).collect();
    why.extend(open.iter().map(|finding| format!("{}: {} ({})", finding.at, finding.message, finding.rule)));
    let rules: BTreeSet<&str> = open.iter().map(|finding| finding.rule.as_str()).collect();
    let accept: Vec<String> = rules.into_iter().map(|rule| format!("--accept {rule}")).collect();
    let help = match accept.is_empty() {
        true => "`cargo xtask audit STACK` says what to do".to_string(),
        false => {
            format!("`cargo xtask audit STACK` says how to fix them; or go on with {} --reason TEXT, which is recorded", accept.join(" "))
        }
    };
    Checked::new("findings", why, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted_by_rule_is_let_through_and_the_rest_is_not() {
        let finding = |rule: &str| Blocking { rule: rule.into(), at: "compose.yaml:3".into(), message: "it is so".into() };
        let accepted = |rule: &str| Accepted { rule: rule.into(), reason: "known".into() };
        let found = [finding("a"), finding("b"), finding("b")];
        let refusal = findings_are_accepted(&found, &[], &[accepted("a")]).refusal.unwrap();
        assert_eq!(refusal.why, ["compose.yaml:3: it is so (b)"]);
        assert!(refusal.help.contains("--accept b --reason TEXT"));
        assert_eq!(findings_are_accepted(&found, &[], &[accepted("a"), accepted("b")]).refusal, None);
        assert!(findings_are_accepted(&[], &["x".into()], &[]).refusal.is_some());
    }
}
