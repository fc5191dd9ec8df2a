use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "host-uts",
    title: "a container shares the host's name",
    doc: "With `uts: host` a container that has the right to can rename the host, and every name that it shows is the \
        host's. A container that needs to know that name can be told it: `hostname`, or a variable.",
    category: Category::SecuritySettings,
    priority: Priority::P2,
    references: &[Reference::Cis("5.21"), Reference::Spec("services.uts")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.text("uts") == Some("host") {
        found
            .report(
                service.spot("uts"),
                format!("`{}` shares the name of the host", service.name),
                "remove `uts: host`; `hostname` gives it a name",
            )
            .fix(|| Some(service.remove("uts")?.caveat("it no longer sees the host's name as its own")));
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
  mail:
    image: x
    uts: host
#        ^^^^ `mail` shares the name of the host
  web: {image: x, hostname: host}
",
        );
    }

    #[test]
    fn the_key_goes() {
        assert_fixed(&RULE, "services:\n  mail:\n    image: x\n    uts: host\n", "services:\n  mail:\n    image: x\n");
    }
}
