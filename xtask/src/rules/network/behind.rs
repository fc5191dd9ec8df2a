//! What is behind a published port, and which of the rules about ports speaks of it.

use crate::catalogue::{Reach, is_sensitive_port};
use crate::rules::{Published, Service};

/// Something that is not for everyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Behind {
    pub target: u16,
    /// In words, where it is known: `SQL`.
    pub what: Option<&'static str>,
    pub use_: Use,
}

/// Each port has one use at most, so that one rule at most reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// For services of the same stack.
    Stack,
    /// For whoever runs the server.
    Operation,
    /// A page that people log in to, in clear text.
    Login,
}

/// The first of the ports behind an entry that is not for everyone, if other hosts reach it. What the image is
/// known to serve there decides; where nothing is known of it, lists of the policy do.
pub(super) fn behind(service: &Service<'_>, port: &Published<'_>) -> Option<Behind> {
    if port.protocol != "tcp" || !port.is_open() {
        return None;
    }
    port.targets.iter().find_map(|target| of_target(service, *target))
}

fn of_target(service: &Service<'_>, target: u16) -> Option<Behind> {
    if let Some(facts) = service.kind().and_then(|kind| kind.port(target)) {
        let use_ = match facts.reach {
            Reach::Everyone => return None,
            Reach::Stack => Use::Stack,
            Reach::Operator => Use::Operation,
            Reach::Proxied if facts.login == Some(true) => Use::Login,
            // Without a login there is no password to be read on the way.
            Reach::Proxied => return None,
        };
        return Some(Behind { target, what: Some(&facts.what), use_ });
    }
    let listed = |rule: &str| service.subject.policy.list(rule, "ports").contains(&target.to_string());
    let use_ = match () {
        () if listed(super::sensitive_port_published::RULE.name) => Use::Stack,
        () if listed(super::management_port_published::RULE.name) => Use::Operation,
        () => return None,
    };
    Some(Behind { target, what: is_sensitive_port(target), use_ })
}

/// Where other hosts reach it: the end of a sentence.
pub(super) fn reached(port: &Published<'_>) -> &'static str {
    if port.is_everywhere() { "every interface of the host" } else { "a public address" }
}
