use super::security_opt::security_option;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "seccomp-disabled",
    title: "a container may make every system call",
    doc: "The engine's seccomp profile refuses some fifty system calls that containers do not need and that attacks on the \
        kernel do. `seccomp=unconfined` allows them all. Remove it; what really needs one more call gets a profile of its own, \
        `seccomp=./profile.json`.",
    category: Category::SecuritySettings,
    priority: Priority::P0,
    references: &[
        Reference::Cis("5.22"),
        Reference::Owasp(6),
        Reference::Spec("services.security_opt"),
        Reference::Link("Docker, seccomp", "https://docs.docker.com/engine/security/seccomp/"),
    ],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some(option) = security_option(service, "seccomp", &["unconfined"]) else { return };
    found
        .report(
            service.item_spot("security_opt", option.index),
            format!("`{}` may make every system call", service.name),
            "remove it, or name a profile: `seccomp=./profile.json`",
        )
        .fix(|| {
            Some(
                service
                    .remove_item("security_opt", option.index)?
                    .caveat("a system call that it needs may then be refused")
                    .reveals(&["no-confinement-profile"]),
            )
        });
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_both_forms() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: x
    security_opt:
      - no-new-privileges:true
      - seccomp:unconfined
#       ^^^^^^^^^^^^^^^^^^ `web` may make every system call
  api: {image: x, security_opt: ['seccomp=unconfined']}
#                                ^^^^^^^^^^^^^^^^^^^^ `api` may make every system call
  own: {image: x, security_opt: ['seccomp=./unconfined.json']}
  other: {image: x, security_opt: ['apparmor=unconfined']}
",
        );
    }

    #[test]
    fn an_overlay_is_pointed_at() {
        let over = "services:\n  web:\n    security_opt: ['seccomp=unconfined']\n#                  ^^^^^^^^^^^^^^^^^^^^ `web` may make every system call\n";
        Fixture::new("services:\n  web: {image: x, security_opt: [no-new-privileges]}\n").overlay("over.yaml", over).assert_findings(&RULE);
    }

    #[test]
    fn the_option_goes() {
        assert_fixed(
            &RULE,
            "services:\n  a:\n    image: x\n    security_opt:\n      - seccomp:unconfined\n  b:\n    image: x\n    security_opt:\n      \
             - no-new-privileges:true\n      - seccomp:unconfined\n",
            "services:\n  a:\n    image: x\n  b:\n    image: x\n    security_opt:\n      - no-new-privileges:true\n",
        );
    }
}
