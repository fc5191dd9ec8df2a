use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "host-cgroup",
    title: "a container sees the control groups of the host",
    doc: "With `cgroup: host` a container sees the tree of control groups of the whole host: what runs there and with which \
        limits; with a writable mount of it, it changes them. Say `cgroup: private`, the default on current hosts.",
    category: Category::SecuritySettings,
    priority: Priority::P2,
    references: &[Reference::Cis("5.25"), Reference::Spec("services.cgroup")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.text("cgroup") == Some("host") {
        found
            .report(
                service.spot("cgroup"),
                format!("`{}` sees the control groups of the host", service.name),
                "remove `cgroup: host`, or say `cgroup: private`",
            )
            .fix(|| Some(service.remove("cgroup")?.caveat("systemd or a monitor inside may look for the host's groups")));
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
  init:
    image: x
    cgroup: host
#           ^^^^ `init` sees the control groups of the host
  own: {image: x, cgroup: private}
",
        );
    }

    #[test]
    fn the_key_goes() {
        assert_fixed(&RULE, "services:\n  init:\n    image: x\n    cgroup: host\n", "services:\n  init:\n    image: x\n");
    }
}
