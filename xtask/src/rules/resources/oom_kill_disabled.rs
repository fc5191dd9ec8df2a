use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "oom-kill-disabled",
    title: "a container is not ended when memory runs out",
    doc: "When memory runs out the kernel ends a process to save the host. `oom_kill_disable: true` forbids that for a \
        container, which then hangs, or the host with it; `oom_score_adj: -1000` makes the kernel end everything else first, \
        the engine included. Give the service a memory limit that suits it, and let the kernel do its work.",
    category: Category::ResourceLimits,
    priority: Priority::P1,
    references: &[
        Reference::Spec("services.oom_kill_disable"),
        Reference::Spec("services.oom_score_adj"),
        Reference::Link("Docker, Resource constraints", "https://docs.docker.com/engine/containers/resource_constraints/"),
    ],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

/// The score of what the kernel never ends.
const NEVER: &str = "-1000";
const CAVEAT: &str = "the kernel may then end this service when memory runs out";

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.flag("oom_kill_disable") {
        found
            .report(
                service.spot("oom_kill_disable"),
                format!("`{}` is not ended when memory runs out, and may take the host with it", service.name),
                "remove `oom_kill_disable`, and give the service a memory limit",
            )
            .fix(|| Some(service.remove("oom_kill_disable")?.caveat(CAVEAT)));
    }
    if service.scalar("oom_score_adj").as_deref() == Some(NEVER) {
        found
            .report(
                service.spot("oom_score_adj"),
                format!("everything else on the host is ended before `{}` when memory runs out", service.name),
                "remove `oom_score_adj`, or take a value above -1000",
            )
            .fix(|| Some(service.remove("oom_score_adj")?.caveat(CAVEAT)));
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_both_ways() {
        assert_findings(
            &RULE,
            "
services:
  db:
    image: postgres
    oom_kill_disable: true
#                     ^^^^ `db` is not ended when memory runs out, and may take the host with it
    oom_score_adj: -1000
#                  ^^^^^ everything else on the host is ended before `db` when memory runs out
  good: {image: nginx, oom_kill_disable: false, oom_score_adj: -500}
",
        );
    }

    #[test]
    fn the_keys_go() {
        assert_fixed(
            &RULE,
            "services:\n  db:\n    image: postgres\n    oom_kill_disable: true\n    oom_score_adj: -1000\n    init: true\n",
            "services:\n  db:\n    image: postgres\n    init: true\n",
        );
    }
}
