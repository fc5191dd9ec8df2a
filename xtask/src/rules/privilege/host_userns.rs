use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "host-userns",
    title: "root in a container is root of the host",
    doc: "An engine with `userns-remap` maps root of a container to an ordinary user of the host. `userns_mode: host` takes \
        that away from one service. On an engine without it the key has no effect and can go.",
    category: Category::SecuritySettings,
    priority: Priority::P2,
    references: &[
        Reference::Cis("5.31"),
        Reference::Spec("services.userns_mode"),
        Reference::Link("Docker, user namespaces", "https://docs.docker.com/engine/security/userns-remap/"),
    ],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.text("userns_mode") == Some("host") {
        found
            .report(
                service.spot("userns_mode"),
                format!("root in `{}` is root of the host, also where the engine separates them", service.name),
                "remove `userns_mode: host`",
            )
            .fix(|| Some(service.remove("userns_mode")?.caveat("with `userns-remap` its files on host paths belong to another user")));
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
    image: x
    userns_mode: \"host\"
#                ^^^^^^ root in `web` is root of the host, also where the engine separates them
  own: {image: x, user: '1000'}
",
        );
    }

    #[test]
    fn the_key_goes() {
        assert_fixed(&RULE, "services:\n  web:\n    image: x\n    userns_mode: host\n", "services:\n  web:\n    image: x\n");
    }
}
