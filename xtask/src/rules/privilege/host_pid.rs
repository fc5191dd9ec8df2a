use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "host-pid",
    title: "a container sees the processes of the host",
    doc: "With `pid: host` a container sees every process of the host, with its arguments and often its environment, and can \
        signal those of its own user; as root it reaches their file systems through `/proc`. Remove `pid`.",
    category: Category::SecuritySettings,
    priority: Priority::P1,
    references: &[Reference::Cis("5.16"), Reference::Spec("services.pid")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.text("pid") == Some("host") {
        found
            .report(service.spot("pid"), format!("`{}` sees and can signal the processes of the host", service.name), "remove `pid: host`")
            .fix(|| Some(service.remove("pid")?.caveat("what watches the processes of the host no longer sees them")));
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_it() {
        assert_findings(
            &RULE,
            "
services:
  agent:
    image: x
    pid: host
#        ^^^^ `agent` sees and can signal the processes of the host
  web: {image: x, hostname: host}
  side: {image: x, pid: 'service:web'}
",
        );
    }

    #[test]
    fn the_key_goes() {
        assert_fixed(&RULE, "services:\n  agent:\n    pid: host # see all\n    image: x\n", "services:\n  agent:\n    image: x\n");
    }
}
