//! Names of capabilities, and which of those that a service adds are how dangerous.

use super::dangerous_capability_added;
use crate::rules::Service;

/// What the engine gives to every container, unless its daemon says otherwise.
pub const DEFAULT: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// A name as the engine compares it: in capitals, without `CAP_`.
pub fn capability(text: &str) -> String {
    let upper = text.trim().to_ascii_uppercase();
    upper.strip_prefix("CAP_").map(String::from).unwrap_or(upper)
}

/// The capabilities at `cap_add` or `cap_drop`, in order.
pub fn capabilities(service: &Service<'_>, key: &str) -> Vec<String> {
    service.items(key).iter().map(|item| item.as_str().map(capability).unwrap_or_default()).collect()
}

/// What is as good as root of the host in this service: some capabilities always, others only when it sees
/// the host's processes.
pub fn dangerous(service: &Service<'_>) -> Vec<String> {
    let rule = dangerous_capability_added::RULE.name;
    let list = |parameter| service.subject.policy.list(rule, parameter);
    let of_host: &[String] = if service.text("pid") == Some("host") { list("with_host_pid") } else { &[] };
    list("capabilities").iter().chain(of_host).map(|name| capability(name)).collect()
}
