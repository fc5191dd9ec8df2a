use super::security_opt::security_option;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "apparmor-disabled",
    title: "a container is not confined by AppArmor",
    doc: "On hosts with AppArmor the engine's profile `docker-default` keeps a container from mounting, and from writing to \
        parts of `/proc` and `/sys`. `apparmor=unconfined` takes it away. Remove it; what really needs more gets a profile of its \
        own, loaded on the host and named here.",
    category: Category::SecuritySettings,
    priority: Priority::P0,
    references: &[
        Reference::Cis("5.2"),
        Reference::Owasp(6),
        Reference::Spec("services.security_opt"),
        Reference::Link("Docker, AppArmor", "https://docs.docker.com/engine/security/apparmor/"),
    ],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some(option) = security_option(service, "apparmor", &["unconfined"]) else { return };
    found
        .report(
            service.item_spot("security_opt", option.index),
            format!("AppArmor does not confine `{}`", service.name),
            "remove it, or name a profile that the host has loaded",
        )
        .fix(|| {
            Some(
                service
                    .remove_item("security_opt", option.index)?
                    .caveat("it can no longer mount, nor write to parts of `/proc`")
                    .reveals(&["no-confinement-profile"]),
            )
        });
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_both_forms() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: x
    security_opt: ['apparmor:unconfined']
#                  ^^^^^^^^^^^^^^^^^^^^^ AppArmor does not confine `web`
  api:
    image: x
    security_opt: [no-new-privileges, apparmor=unconfined]
#                                     ^^^^^^^^^^^^^^^^^^^ AppArmor does not confine `api`
  default: {image: x, security_opt: ['apparmor:docker-default']}
  own: {image: x, security_opt: ['apparmor=unconfined-but-for-sys']}
",
        );
    }

    #[test]
    fn the_option_goes() {
        let before = "services:\n  a:\n    image: x\n    security_opt:\n      - apparmor:unconfined\n      - label=type:x_t\n";
        assert_fixed(&RULE, before, "services:\n  a:\n    image: x\n    security_opt:\n      - label=type:x_t\n");
    }
}
