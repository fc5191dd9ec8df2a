use super::limits;
use crate::finding::{Category, FixKind, Priority};
use crate::model::size_bytes;
use crate::rules::{Check, Draft, Found, Reference, Rule, Service};
use crate::yaml::Plain;

pub static RULE: Rule = Rule {
    name: "memory-limit",
    title: "a container may use up the host's memory",
    doc: "A container without a memory limit that leaks takes all memory, and the kernel then ends whatever it likes, also \
        other containers. Say `mem_limit`, or `deploy.resources.limits.memory`: somewhat more than the service needs at its \
        busiest. The proposal is the parameter `proposal`; measure before you take it.",
    category: Category::ResourceLimits,
    priority: Priority::P1,
    references: &[Reference::Cis("5.11"), Reference::Owasp(7), Reference::Spec("services.mem_limit")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if limits::memory_bytes(service).is_some() || service.get("provider").is_some() {
        return;
    }
    found
        .report(
            service.spot("mem_limit"),
            format!("`{}` may use up the host's memory", service.name),
            "add `mem_limit`, or `deploy.resources.limits.memory`",
        )
        .fix(|| fix(service));
}

fn fix(service: &Service<'_>) -> Option<Draft> {
    let limit = service.subject.policy.word(RULE.name, "proposal")?;
    let now = size_bytes(&limit)?.to_string().into();
    Some(limits::set(service, "mem_limit", "memory", Plain::Str(limit), now)?.caveat("what needs more memory is ended; measure it first"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_services_without_a_limit() {
        assert_findings(
            &RULE,
            "
services:
  web:
# ^^^ `web` may use up the host's memory
    image: nginx
    mem_reservation: 64m
  none:
# ^^^^ `none` may use up the host's memory
    image: nginx
    mem_limit: 0
  short: {image: nginx, mem_limit: 512m}
  long: {image: nginx, deploy: {resources: {limits: {memory: 1g}}}}
",
        );
    }

    #[test]
    fn an_overlay_can_give_the_limit() {
        Fixture::new("services: {web: {image: nginx}}\n").overlay("prod.yaml", "services: {web: {mem_limit: 1g}}\n").assert_findings(&RULE);
    }

    #[test]
    fn the_proposal_is_written_where_the_other_limits_are() {
        assert_fixed(
            &RULE,
            "services:\n  web:\n    image: nginx\n  api:\n    image: nginx\n    deploy:\n      resources:\n        limits:\n          \
             cpus: '1'\n",
            "services:\n  web:\n    image: nginx\n    mem_limit: 512m\n  api:\n    image: nginx\n    deploy:\n      resources:\n        \
             limits:\n          cpus: '1'\n          memory: 512m\n",
        );
    }
}
