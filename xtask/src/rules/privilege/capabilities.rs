//! Names of capabilities, and which of those that a service adds are how dangerous.

use super::{dangerous_capability_added, host_network};
use crate::rules::Service;

/// A name as the engine compares it: in capitals, without `CAP_`.
pub fn capability(text: &str) -> String {
    let upper = text.trim().to_ascii_uppercase();
    upper.strip_prefix("CAP_").map(String::from).unwrap_or(upper)
}

/// The capabilities at `cap_add` or `cap_drop`, in order.
pub fn capabilities(service: &Service<'_>, key: &str) -> Vec<String> {
    service.items(key).iter().map(|item| item.as_str().map(capability).unwrap_or_default()).collect()
}

/// What is as good as root of the host in this service: some capabilities always, others only with a
/// namespace of the host.
pub fn dangerous(service: &Service<'_>) -> Vec<String> {
    let rule = dangerous_capability_added::RULE.name;
    let list = |parameter| service.subject.policy.list(rule, parameter);
    let mut names = list("capabilities");
    if service.text("pid") == Some("host") {
        names.extend(list("with_host_pid"));
    }
    if host_network::is_on_it(service) {
        names.extend(list("with_host_network"));
    }
    names.iter().map(|name| capability(name)).collect()
}
