use super::capabilities::{capabilities, dangerous};
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "dangerous-capability-added",
    title: "a capability that is as good as root of the host",
    doc: "With `SYS_ADMIN` a process mounts file systems, with `SYS_MODULE` or `SYS_BOOT` it loads code as the kernel, with \
        `DAC_READ_SEARCH` it opens files of the host by their numbers, with `SYS_RAWIO` it reads and writes memory: each is a known \
        way out of a container, and `ALL` is all of them. `SYS_PTRACE` is one together with `pid: host`. Find the narrower right \
        that is needed. The parameters list the names: `capabilities`, and `with_host_pid`.",
    category: Category::SecuritySettings,
    priority: Priority::P0,
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
    let dangerous = dangerous(service);
    for (index, capability) in capabilities(service, "cap_add").into_iter().enumerate() {
        if !dangerous.contains(&capability) {
            continue;
        }
        let what = if capability == "ALL" { "every capability" } else { "the capability" };
        let named = if capability == "ALL" { String::new() } else { format!(" `{capability}`") };
        found
            .report(
                service.item_spot("cap_add", index),
                format!("`{}` has {what}{named}, which is as good as root of the host", service.name),
                "remove it, and add the narrower capability or device that is needed",
            )
            .about(capability)
            .fix(|| {
                Some(
                    service
                        .remove_item("cap_add", index)?
                        .caveat("what needs the capability fails without it")
                        .reveals(&["capabilities-not-dropped"]),
                )
            });
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_them_however_they_are_written() {
        assert_findings(
            &RULE,
            "
services:
  a:
    image: x
    cap_drop: [ALL]
    cap_add:
      - NET_BIND_SERVICE
      - cap_sys_admin
#       ^^^^^^^^^^^^^ `a` has the capability `SYS_ADMIN`, which is as good as root of the host
      - SYS_MODULE
#       ^^^^^^^^^^ `a` has the capability `SYS_MODULE`, which is as good as root of the host
  b:
    image: x
    cap_add: [all]
#             ^^^ `b` has every capability, which is as good as root of the host
",
        );
    }

    #[test]
    fn tracing_counts_with_the_processes_of_the_host() {
        assert_findings(
            &RULE,
            "
services:
  vpn: {image: x, cap_add: [NET_ADMIN, SYS_PTRACE], cap_drop: [SYS_ADMIN]}
  trace:
    image: x
    pid: host
    cap_add: [SYS_PTRACE, NET_ADMIN]
#             ^^^^^^^^^^ `trace` has the capability `SYS_PTRACE`, which is as good as root of the host
",
        );
    }

    #[test]
    fn the_list_is_a_parameter() {
        let text = "services:\n  a: {image: x, cap_add: [SYS_ADMIN, SYSLOG]}\n#                                    ^^^^^^ `a` has the capability `SYSLOG`, which is as good as root of the host\n";
        Fixture::new(text).policy("rules: {dangerous-capability-added: {capabilities: [CAP_SYSLOG]}}\n").assert_findings(&RULE);
    }

    #[test]
    fn the_capability_goes() {
        let before = "services:\n  a:\n    image: x\n    cap_add:\n      - SYS_ADMIN # mounts\n      - CHOWN\n";
        assert_fixed(&RULE, before, "services:\n  a:\n    image: x\n    cap_add:\n      - CHOWN\n");
    }
}
