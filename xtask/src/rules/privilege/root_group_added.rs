use crate::finding::{Category, FixKind, Priority};
use crate::model::scalar_text;
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "root-group-added",
    title: "a container's user is in a group that owns parts of the host",
    doc: "On what a container shares with its host, files and sockets, the number of a group decides: 0 opens what belongs to \
        the group root, and the group of the engine's socket or of the disks is as good as root. Make a group of the service's own, \
        and give it what it has to reach. The parameter `groups` lists names and numbers.",
    category: Category::SecuritySettings,
    priority: Priority::P1,
    references: &[Reference::Owasp(2), Reference::Spec("services.group_add")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let groups = service.subject.policy.list(RULE.name, "groups");
    for (index, item) in service.items("group_add").iter().enumerate() {
        let Some(group) = scalar_text(&item.data).filter(|group| groups.contains(group)) else { continue };
        found
            .report(
                service.item_spot("group_add", index),
                format!("the user of `{}` is in the group `{group}`", service.name),
                "remove it, and give what the service has to reach to a group of its own",
            )
            .about(group)
            .fix(|| Some(service.remove_item("group_add", index)?.caveat("files that only this group may read are closed to it")));
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_groups_by_name_and_number() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: x
    group_add:
      - 0
#       ^ the user of `web` is in the group `0`
      - docker
#       ^^^^^^ the user of `web` is in the group `docker`
      - 1000
  media: {image: x, group_add: [video, render, '44', '109']}
",
        );
    }

    #[test]
    fn the_list_is_a_parameter() {
        let text = "services:\n  web: {image: x, group_add: [root, '998']}\n#                                   ^^^^^ the user of `web` is in the group `998`\n";
        Fixture::new(text).policy("rules: {root-group-added: {groups: [998]}}\n").assert_findings(&RULE);
    }

    #[test]
    fn the_group_goes() {
        let before = "services:\n  web:\n    image: x\n    group_add:\n      - video\n      - root\n";
        assert_fixed(&RULE, before, "services:\n  web:\n    image: x\n    group_add:\n      - video\n");
    }
}
