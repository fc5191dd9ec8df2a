use super::limits;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Draft, Found, Reference, Rule, Service};
use crate::yaml::Plain;

pub static RULE: Rule = Rule {
    name: "pids-limit",
    title: "a container may start processes without end",
    doc: "Processes are a resource of the whole host: a container that starts them without end, by a fault or a fork bomb, \
        leaves none for others. Say `pids_limit`, or `deploy.resources.limits.pids`; threads count too. The proposal is the \
        parameter `proposal`.",
    category: Category::ResourceLimits,
    priority: Priority::P1,
    references: &[Reference::Cis("5.29"), Reference::Owasp(7), Reference::Spec("services.pids_limit")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if limits::pids(service).is_some() || service.get("provider").is_some() {
        return;
    }
    found
        .report(
            service.spot("pids_limit"),
            format!("`{}` may start processes without end", service.name),
            "add `pids_limit`, or `deploy.resources.limits.pids`",
        )
        .fix(|| fix(service));
}

fn fix(service: &Service<'_>) -> Option<Draft> {
    let limit: i64 = service.subject.policy.word(RULE.name, "proposal")?.parse().ok()?;
    let draft = limits::set(service, "pids_limit", "pids", Plain::Int(limit), limit.into())?;
    Some(draft.caveat("what needs more processes or threads fails to start them"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_services_without_a_limit() {
        assert_findings(
            &RULE,
            "
services:
  web:
# ^^^ `web` may start processes without end
    image: nginx
  free:
    image: nginx
    pids_limit: -1
#               ^^ `free` may start processes without end
  short: {image: nginx, pids_limit: 100}
  long: {image: nginx, deploy: {resources: {limits: {pids: 100}}}}
",
        );
    }

    #[test]
    fn the_proposal_is_written() {
        assert_fixed(
            &RULE,
            "services:\n  web:\n    image: nginx\n  free:\n    image: nginx\n    pids_limit: -1 # why not\n",
            "services:\n  web:\n    image: nginx\n    pids_limit: 512\n  free:\n    image: nginx\n    pids_limit: 512 # why not\n",
        );
    }
}
