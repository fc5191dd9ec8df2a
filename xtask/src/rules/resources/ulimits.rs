use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Draft, Found, Reference, Rule, Service};
use crate::yaml::Plain;

pub static RULE: Rule = Rule {
    name: "ulimits",
    title: "a container has the engine's own limits on open files",
    doc: "How many files a process may open is the engine's choice: on some hosts 1024, on others a thousand million, which \
        lets one container use up the kernel's tables and makes programs that walk the whole range crawl. Say `ulimits`, so \
        that the service behaves alike on every host. The proposal is the parameter `open_files`.",
    category: Category::ResourceLimits,
    priority: Priority::P2,
    references: &[Reference::Cis("5.19"), Reference::Owasp(7), Reference::Spec("services.ulimits")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if service.get("ulimits").is_some() || service.get("provider").is_some() {
        return;
    }
    found
        .report(
            service.name_spot(),
            format!("`{}` has whatever limits on open files its host gives it", service.name),
            "add `ulimits` with `nofile`",
        )
        .fix(|| fix(service));
}

fn fix(service: &Service<'_>) -> Option<Draft> {
    let limit: i64 = service.subject.policy.word(RULE.name, "open_files")?.parse().ok()?;
    let sides = ["soft", "hard"].map(|side| (side.to_string(), Plain::Int(limit)));
    Some(service.set("ulimits.nofile", Plain::Map(sides.into()))?.caveat("what keeps more files open fails to open them"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_services_without_any() {
        assert_findings(
            &RULE,
            "
services:
  web:
# ^^^ `web` has whatever limits on open files its host gives it
    image: nginx
  short: {image: nginx, ulimits: {nofile: 1024}}
  other: {image: nginx, ulimits: {core: {soft: 0, hard: 0}}}
",
        );
    }

    #[test]
    fn the_proposal_is_written() {
        assert_fixed(
            &RULE,
            "services:\n  web:\n    image: nginx\n",
            "services:\n  web:\n    image: nginx\n    ulimits:\n      nofile:\n        soft: 65536\n        hard: 65536\n",
        );
    }
}
