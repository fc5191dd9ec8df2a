use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};
use crate::yaml::{Data, Value};

pub static RULE: Rule = Rule {
    name: "lifecycle-hook-privileged",
    title: "a lifecycle hook has more rights than its service",
    doc: "A command of `post_start` or `pre_stop` with `privileged: true` has every right of the host, and one with `user: root` \
        is root in a service that is not: whoever can change what it runs, a script on a volume say, gets those rights at the next \
        start or stop. What has to be prepared as root is better done by a service of its own that ends before this one starts.",
    category: Category::SecuritySettings,
    priority: Priority::P1,
    references: &[
        Reference::Cis("5.23"),
        Reference::Cis("5.24"),
        Reference::Spec("services.post_start"),
        Reference::Spec("services.pre_stop"),
    ],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let root_anyway = service.scalar("user").is_some_and(|user| is_root(&user));
    for hooks in ["post_start", "pre_stop"] {
        for (index, hook) in service.items(hooks).iter().enumerate() {
            let spot = |key: &str, value: &Value| {
                service.subject.spot(value.at, format!("services.{}.{hooks}[{index}].{key}", service.name), Some(service.name))
            };
            if let Some(privileged) = hook.get("privileged").filter(|value| value.data == Data::Bool(true)) {
                let message = format!("a command of `{hooks}` of `{}` has every right of the host", service.name);
                found.report(spot("privileged", privileged), message, "remove `privileged`").about("privileged");
            }
            if let Some(user) = hook.get("user").filter(|user| user.as_str().is_some_and(is_root) && !root_anyway) {
                let message = format!("a command of `{hooks}` of `{}` runs as root", service.name);
                let help = "remove `user`, or prepare what it does in a service that runs before this one";
                found.report(spot("user", user), message, help).about("user");
            }
        }
    }
}

fn is_root(user: &str) -> bool {
    matches!(user.split(':').next(), Some("root" | "0"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::assert_findings;

    #[test]
    fn finds_hooks_with_more_rights() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: x
    user: '1000'
    post_start:
      - command: [chown, -R, '1000', /data]
        user: root
#             ^^^^ a command of `post_start` of `web` runs as root
      - {command: ls, privileged: true}
#                                 ^^^^ a command of `post_start` of `web` has every right of the host
    pre_stop:
      - command: ./save.sh
        user: '0:0'
#             ^^^^^ a command of `pre_stop` of `web` runs as root
        privileged: true
#                   ^^^^ a command of `pre_stop` of `web` has every right of the host
",
        );
    }

    #[test]
    fn hooks_with_the_rights_of_the_service_are_clean() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: x
    post_start: [{command: ls, user: '1000:0'}, {command: ls, privileged: false}]
    pre_stop: [{command: ls}]
  root:
    image: x
    user: root
    pre_stop: [{command: ls, user: root}]
",
        );
    }
}
