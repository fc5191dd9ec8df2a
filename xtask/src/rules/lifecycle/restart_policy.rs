use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};
use crate::yaml::Plain;

pub static RULE: Rule = Rule {
    name: "restart-policy",
    title: "a service stays down after a crash or a reboot",
    doc: "Without `restart` a container that ends, or whose host restarts, stays down until somebody looks. Say \
        `restart: unless-stopped` for a server; a job that shall run once says `restart: \"no\"`, and means it.",
    category: Category::ServiceDefinitions,
    priority: Priority::P2,
    references: &[Reference::Cis("5.15"), Reference::Spec("services.restart")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.get("restart").is_some() || service.get("deploy.restart_policy").is_some() {
        return;
    }
    found
        .report(
            service.name_spot(),
            format!("`{}` stays down after a crash or a reboot", service.name),
            "add `restart: unless-stopped`, or `restart: \"no\"` for a job that runs once",
        )
        .fix(|| Some(service.set("restart", Plain::Str("unless-stopped".into()))?.caveat("a job that ends by itself would start again")));
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_services_that_say_nothing() {
        assert_findings(
            &RULE,
            "
services:
  web:
# ^^^ `web` stays down after a crash or a reboot
    image: nginx
  job: {image: nginx, restart: 'no'}
  api: {image: nginx, deploy: {restart_policy: {condition: any}}}
",
        );
    }

    #[test]
    fn the_key_is_added() {
        assert_fixed(&RULE, "services:\n  web:\n    image: nginx\n", "services:\n  web:\n    image: nginx\n    restart: unless-stopped\n");
    }
}
