use super::limits;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Draft, Found, Reference, Rule, Service};
use crate::yaml::Plain;

pub static RULE: Rule = Rule {
    name: "cpu-limit",
    title: "a container may keep all CPUs busy",
    doc: "A container without a CPU limit that runs wild slows everything else on its host. Say `cpus`, or \
        `deploy.resources.limits.cpus`. `cpuset` and `cpu_quota` limit it as well; `cpu_shares` only orders those that \
        compete. The proposal is the parameter `proposal`, in CPUs.",
    category: Category::ResourceLimits,
    priority: Priority::P1,
    references: &[Reference::Cis("5.12"), Reference::Owasp(7), Reference::Spec("services.cpus")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let otherwise = ["cpuset", "cpu_count", "cpu_percent", "provider"];
    if limits::cpus(service).is_some() || otherwise.iter().any(|key| service.get(key).is_some()) {
        return;
    }
    found
        .report(
            service.spot("cpus"),
            format!("`{}` may keep all CPUs of the host busy", service.name),
            "add `cpus`, or `deploy.resources.limits.cpus`",
        )
        .fix(|| fix(service));
}

fn fix(service: &Service<'_>) -> Option<Draft> {
    let number = service.subject.policy.number(RULE.name, "proposal")?;
    let text = number.to_string();
    let now = serde_json::from_str(&text).ok()?;
    let draft = limits::set(service, "cpus", "cpus", Plain::Str(text), now)?;
    Some(draft.caveat("what needs more is slowed down; measure it first"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_services_without_a_limit() {
        assert_findings(
            &RULE,
            "
services:
  web:
# ^^^ `web` may keep all CPUs of the host busy
    image: nginx
    cpu_shares: 512
  none:
# ^^^^ `none` may keep all CPUs of the host busy
    image: nginx
    cpus: 0
  short: {image: nginx, cpus: 0.5}
  long: {image: nginx, deploy: {resources: {limits: {cpus: '0.5'}}}}
  quota: {image: nginx, cpu_quota: 50000}
  pinned: {image: nginx, cpuset: 0-1}
",
        );
    }

    #[test]
    fn the_proposal_can_be_changed() {
        let fixture = Fixture::new("services:\n  web:\n    image: nginx\n").policy("rules: {cpu-limit: {proposal: 0.5}}\n");
        fixture.assert_fixed(&RULE, "services:\n  web:\n    image: nginx\n    cpus: '0.5'\n");
    }
}
