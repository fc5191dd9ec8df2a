use super::security_opt::security_options;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "no-confinement-profile",
    title: "a container's confinement is left to the host",
    doc: "Which AppArmor profile, SELinux label or seccomp profile confines a container is then whatever the engine of the \
        host does by default, which on a host without AppArmor and SELinux, or with a changed engine, is less than expected, and \
        no one notices. Say it: `apparmor=docker-default`, `label=type:container_t`, or a profile that allows \
        only what the service does, `seccomp=./profile.json`.",
    category: Category::SecuritySettings,
    priority: Priority::P0,
    references: &[Reference::Cis("5.2"), Reference::Cis("5.3"), Reference::Owasp(6), Reference::Spec("services.security_opt")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    // A privileged container has no confinement that could be named; its own rule says so.
    if service.flag("privileged") || security_options(service).any(|option| matches!(option.key, "apparmor" | "label" | "seccomp")) {
        return;
    }
    found
        .report(
            service.spot("security_opt"),
            format!("no profile of AppArmor, SELinux or seccomp is named for `{}`", service.name),
            "add `apparmor=docker-default` or a profile of its own to `security_opt`",
        )
        .fix(|| {
            let draft = service.append("security_opt", "apparmor=docker-default")?;
            Some(draft.caveat("a host without AppArmor ignores it; an engine that has no such profile loaded, as Podman, refuses to start"))
        });
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_services_that_name_none() {
        assert_findings(
            &RULE,
            "
services:
  web:
# ^^^ no profile of AppArmor, SELinux or seccomp is named for `web`
    image: x
  api:
    image: x
    security_opt: [no-new-privileges:true]
#   ^^^^^^^^^^^^ no profile of AppArmor, SELinux or seccomp is named for `api`
  a: {image: x, security_opt: ['apparmor:own']}
  b: {image: x, security_opt: ['seccomp=./own.json']}
  c: {image: x, security_opt: ['label=type:own_t']}
  d: {image: x, privileged: true}
",
        );
    }

    #[test]
    fn the_profile_is_named() {
        let before = "services:\n  a:\n    image: x\n    security_opt:\n      - no-new-privileges:true\n";
        assert_fixed(&RULE, before, &format!("{before}      - apparmor=docker-default\n"));
    }
}
