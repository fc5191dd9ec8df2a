use super::security_opt::security_option;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "selinux-disabled",
    title: "a container is not confined by SELinux",
    doc: "On hosts with SELinux a container's processes have the type `container_t`, which may touch only files that are \
        labelled for containers. `label=disable`, and the types `spc_t` and `unconfined_t`, take that away. Where only a mount is \
        refused, label it instead: the option `z` or `Z` of the volume.",
    category: Category::SecuritySettings,
    priority: Priority::P0,
    references: &[Reference::Cis("5.3"), Reference::Owasp(6), Reference::Spec("services.security_opt")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some(option) = security_option(service, "label", &["disable", "type:spc_t", "type:unconfined_t"]) else { return };
    found
        .report(
            service.item_spot("security_opt", option.index),
            format!("SELinux does not confine `{}`", service.name),
            "remove it, and label what it mounts with the option `z` or `Z`",
        )
        .fix(|| {
            Some(
                service
                    .remove_item("security_opt", option.index)?
                    .caveat("mounts of the host that have no label for containers are refused")
                    .reveals(&["no-confinement-profile"]),
            )
        });
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_what_switches_it_off() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: x
    security_opt: ['label:disable']
#                  ^^^^^^^^^^^^^^^ SELinux does not confine `web`
  api: {image: x, security_opt: [label=disable]}
#                                ^^^^^^^^^^^^^ SELinux does not confine `api`
  super: {image: x, security_opt: ['label=type:spc_t']}
#                                  ^^^^^^^^^^^^^^^^^^ SELinux does not confine `super`
  own: {image: x, security_opt: ['label:type:web_t', 'label=level:s0:c100,c200']}
",
        );
    }

    #[test]
    fn the_option_goes() {
        let before = "services:\n  a:\n    image: x\n    security_opt:\n      - label:disable # for the mount\n      - seccomp=x.json\n";
        assert_fixed(&RULE, before, "services:\n  a:\n    image: x\n    security_opt:\n      - seccomp=x.json\n");
    }
}
