use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "cgroup-parent",
    title: "a container stands under another control group than the engine's",
    doc: "`cgroup_parent` puts a container under a control group of the host's choosing: limits that hold for all containers \
        of the engine no longer hold for it, and it may share those of system services. A slice that was made for it, \
        with limits, is a good use: name it in the parameter `allowed`.",
    category: Category::ResourceLimits,
    priority: Priority::P3,
    references: &[Reference::Cis("5.25"), Reference::Spec("services.cgroup_parent")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some(parent) = service.text("cgroup_parent").filter(|parent| !parent.is_empty()) else { return };
    if service.subject.policy.list(RULE.name, "allowed").iter().any(|allowed| allowed == parent) {
        return;
    }
    found
        .report(
            service.spot("cgroup_parent"),
            format!("`{}` stands under another control group than the engine's", service.name),
            "remove `cgroup_parent`, or name the group in the rule's parameter `allowed`",
        )
        .fix(|| Some(service.remove("cgroup_parent")?.caveat("limits of that group no longer hold for it")));
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_fixed};

    #[test]
    fn finds_groups_that_are_not_allowed() {
        let text = "
services:
  web:
    image: x
    cgroup_parent: system.slice
#                  ^^^^^^^^^^^^ `web` stands under another control group than the engine's
  batch: {image: x, cgroup_parent: batch.slice}
  empty: {image: x, cgroup_parent: ''}
";
        Fixture::new(text).policy("rules: {cgroup-parent: {allowed: [batch.slice]}}\n").assert_findings(&RULE);
    }

    #[test]
    fn the_key_goes() {
        assert_fixed(&RULE, "services:\n  web:\n    image: x\n    cgroup_parent: /x\n", "services:\n  web:\n    image: x\n");
    }
}
