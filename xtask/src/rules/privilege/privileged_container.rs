use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "privileged-container",
    title: "a container has every right of the host",
    doc: "`privileged: true` gives a container all capabilities and all devices, and switches seccomp and AppArmor off: \
        whoever gets into it owns the host. Grant the one capability or device that is needed: `cap_add`, `devices`.",
    category: Category::SecuritySettings,
    priority: Priority::P0,
    references: &[Reference::Cis("5.5"), Reference::Owasp(3), Reference::Spec("services.privileged")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.flag("privileged") {
        found
            .report(
                service.spot("privileged"),
                format!("`{}` has every right of the host", service.name),
                "remove `privileged`, and add the one capability or device that it needs",
            )
            .fix(|| {
                Some(service.remove("privileged")?.caveat("what needs a capability or a device fails without it").reveals(&[
                    "capabilities-not-dropped",
                    "no-confinement-profile",
                    "read-only-rootfs",
                ]))
            });
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
  web:
    image: nginx
    privileged: true
#               ^^^^ `web` has every right of the host
  db: {image: postgres, privileged: false}
",
        );
    }

    #[test]
    fn the_key_goes() {
        let before = "services:\n  web:\n    image: nginx # the front\n    privileged: true\n    init: true\n";
        assert_fixed(&RULE, before, "services:\n  web:\n    image: nginx # the front\n    init: true\n");
    }
}
