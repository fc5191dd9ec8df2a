use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};
use crate::yaml::Value;

pub static RULE: Rule = Rule {
    name: "no-new-privileges",
    title: "a process may gain rights that it was not started with",
    doc: "A setuid program inside a container gives its caller root's rights there. `security_opt: \
        [no-new-privileges:true]` tells the kernel to refuse that, and costs nothing where no such program is used.",
    category: Category::SecuritySettings,
    priority: Priority::P0,
    references: &[Reference::Cis("5.26"), Reference::Owasp(4), Reference::Spec("services.security_opt")],
    fix: FixKind::Apply,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let options: Vec<&str> = service.items("security_opt").iter().filter_map(Value::as_str).collect();
    let is_set =
        |option: &&str| matches!(option.split_once([':', '=']), Some(("no-new-privileges", "true"))) || **option == *"no-new-privileges";
    if options.iter().any(is_set) {
        return;
    }
    found
        .report(
            service.spot("security_opt"),
            format!("a process of `{}` may gain rights that it was not started with", service.name),
            "add `no-new-privileges:true` to `security_opt`",
        )
        .fix(|| {
            let draft = service.append("security_opt", "no-new-privileges:true")?;
            Some(draft.caveat("setuid programs such as sudo and ping no longer get root's rights in it"))
        });
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_services_without_it() {
        assert_findings(
            &RULE,
            "
services:
  web:
# ^^^ a process of `web` may gain rights that it was not started with
    image: nginx
  off:
    image: nginx
    security_opt: [no-new-privileges:false]
#   ^^^^^^^^^^^^ a process of `off` may gain rights that it was not started with
  good: {image: nginx, security_opt: [no-new-privileges:true]}
  short: {image: nginx, security_opt: [seccomp:x.json, no-new-privileges]}
  other: {image: nginx, security_opt: ['no-new-privileges=true']}
",
        );
    }

    #[test]
    fn the_option_is_added() {
        assert_fixed(
            &RULE,
            "services:\n  web:\n    image: nginx\n  db:\n    image: x\n    security_opt:\n      - label:type:t\n",
            "services:\n  web:\n    image: nginx\n    security_opt:\n      - no-new-privileges:true\n  db:\n    image: x\n    \
             security_opt:\n      - label:type:t\n      - no-new-privileges:true\n",
        );
    }
}
