use super::capabilities::{capabilities, dangerous};
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "sensitive-capability-added",
    title: "a capability that reaches further than the service",
    doc: "`NET_ADMIN` rewrites routes and firewall of the network that a container is on, with `network_mode: host` the \
        host's, `SYS_PTRACE` reads other processes, `SYS_TIME` sets the host's clock, `SYSLOG` reads the kernel's messages. \
        A tunnel needs the first, a debugger the second; say so in an exception with a reason. What is as good as root of the \
        host is the matter of `dangerous-capability-added`. The parameter `capabilities` lists the names.",
    category: Category::SecuritySettings,
    priority: Priority::P1,
    references: &[
        Reference::Cis("5.4"),
        Reference::Owasp(3),
        Reference::Spec("services.cap_add"),
        Reference::Link("Linux, capabilities", "https://man7.org/linux/man-pages/man7/capabilities.7.html"),
    ],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.items("cap_add").is_empty() {
        return;
    }
    let dangerous = dangerous(service);
    let sensitive = service.subject.policy.list(RULE.name, "capabilities");
    for (index, capability) in capabilities(service, "cap_add").into_iter().enumerate() {
        if dangerous.contains(&capability) || !sensitive.contains(&capability) {
            continue;
        }
        found
            .report(
                service.item_spot("cap_add", index),
                format!("`{}` has the capability `{capability}`, which reaches further than the service", service.name),
                "remove it, or say in an exception why it is needed",
            )
            .about(capability)
            .fix(|| Some(service.remove_item("cap_add", index)?.caveat("what needs the capability fails without it")));
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_them_unless_they_are_worse() {
        assert_findings(
            &RULE,
            "
services:
  vpn:
    image: x
    cap_add: [NET_ADMIN, NET_RAW]
#             ^^^^^^^^^ `vpn` has the capability `NET_ADMIN`, which reaches further than the service
  clock:
    image: x
    cap_add: [CAP_SYS_TIME, SYS_ADMIN]
#             ^^^^^^^^^^^^ `clock` has the capability `SYS_TIME`, which reaches further than the service
  trace: {image: x, pid: host, cap_add: [SYS_PTRACE]}
  web: {image: x, cap_drop: [ALL], cap_add: [CHOWN, DAC_OVERRIDE, NET_BIND_SERVICE, SETGID, SETUID, IPC_LOCK, SYS_NICE]}
",
        );
    }

    #[test]
    fn a_debugger_is_at_home_in_development() {
        let text = "services:\n  web: {image: x, cap_add: [SYS_PTRACE]}\n";
        Fixture::new(text).dev().assert_findings(&RULE);
        assert_eq!(Fixture::new(text).findings(&RULE).len(), 1);
    }

    #[test]
    fn the_capability_goes() {
        let before = "services:\n  a:\n    image: x\n    cap_add: [NET_ADMIN]\n    init: true\n";
        assert_fixed(&RULE, before, "services:\n  a:\n    image: x\n    init: true\n");
    }
}
