use super::security_opt::security_option;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "system-paths-unmasked",
    title: "a container reaches the parts of /proc and /sys that are hidden from others",
    doc: "The engine hides `/proc/kcore`, `/proc/keys`, `/sys/firmware` and others from containers and makes `/proc/sys` and \
        `/proc/sysrq-trigger` read-only. `systempaths=unconfined` takes that away: root inside can then set values of the host's \
        kernel, or crash it. Remove it; single values of a namespace are set with `sysctls`.",
    category: Category::SecuritySettings,
    priority: Priority::P0,
    references: &[
        Reference::Owasp(6),
        Reference::Spec("services.security_opt"),
        Reference::Link("Docker, security options", "https://docs.docker.com/reference/cli/docker/container/run/#security-opt"),
    ],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some(option) = security_option(service, "systempaths", &["unconfined"]) else { return };
    found
        .report(
            service.item_spot("security_opt", option.index),
            format!("`{}` reaches the parts of `/proc` and `/sys` that are hidden from others", service.name),
            "remove it; `sysctls` sets single values",
        )
        .fix(|| {
            Some(service.remove_item("security_opt", option.index)?.caveat("nested containers and writers of `/proc/sys` fail without it"))
        });
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
  build:
    image: x
    security_opt:
      - systempaths=unconfined
#       ^^^^^^^^^^^^^^^^^^^^^^ `build` reaches the parts of `/proc` and `/sys` that are hidden from others
  own: {image: x, security_opt: ['systempaths=filtered'], sysctls: {net.core.somaxconn: 1024}}
",
        );
    }

    #[test]
    fn the_option_goes() {
        let before = "services:\n  a:\n    security_opt: [systempaths=unconfined]\n    image: x\n";
        assert_fixed(&RULE, before, "services:\n  a:\n    image: x\n");
    }
}
