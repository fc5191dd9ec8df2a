use super::scratch::{missing, wanted};
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Draft, Found, Reference, Rule, Service};
use crate::yaml::Plain;

pub static RULE: Rule = Rule {
    name: "read-only-rootfs",
    title: "a container's root file system can be written",
    doc: "Whoever gets into a container can change its programs and leave others there. `read_only: true` refuses that; what \
        must be written gets a `tmpfs` or a volume. The fix adds both, for images that are known with the paths that they \
        need, else with `/tmp`; it holds when the service becomes healthy that way.",
    category: Category::SecuritySettings,
    priority: Priority::P1,
    references: &[Reference::Cis("5.13"), Reference::Owasp(8), Reference::Spec("services.read_only")],
    fix: FixKind::Prove,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    // A privileged container is not held by it, and has a finding of its own.
    if service.flag("read_only") || service.flag("privileged") {
        return;
    }
    // Without facts a person has to say what is written where.
    let kind = if wanted(service).is_known { FixKind::Prove } else { FixKind::Propose };
    found
        .report(
            service.spot("read_only"),
            format!("whoever gets into `{}` can change its programs", service.name),
            "add `read_only: true`, and `tmpfs` for what it writes besides its volumes",
        )
        .fix_as(kind, || fix(service));
}

fn fix(service: &Service<'_>) -> Option<Draft> {
    let draft = service.set("read_only", Plain::Bool(true))?;
    let paths = missing(service);
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let draft = if paths.is_empty() { draft } else { draft.and(service.append_all("tmpfs", &paths))? };
    Some(draft.caveat("what it writes elsewhere fails, and what it writes there is gone after a restart"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::finding::FixKind;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_what_can_be_written() {
        assert_findings(
            &RULE,
            "
services:
  web:
# ^^^ whoever gets into `web` can change its programs
    image: nginx
  off:
# ^^^ whoever gets into `off` can change its programs
    image: x
    read_only: false
  good: {image: x, read_only: true}
  quoted: {image: x, read_only: 'true'}
  all: {image: x, privileged: true}
",
        );
    }

    #[test]
    fn an_overlay_may_say_it() {
        let base = "services:\n  web: {image: x}\n";
        Fixture::new(base).overlay("prod.yaml", "services: {web: {read_only: true}}\n").assert_findings(&RULE);
    }

    #[test]
    fn known_images_get_what_they_need() {
        assert_fixed(
            &RULE,
            "services:\n  db:\n    image: postgres:16\n    tmpfs:\n      - /run/postgresql:size=1m\n  cache:\n    image: redis:7\n",
            "services:\n  db:\n    image: postgres:16\n    tmpfs:\n      - /run/postgresql:size=1m\n      - /tmp\n    read_only: true\n  \
             cache:\n    image: redis:7\n    read_only: true\n",
        );
    }

    #[test]
    fn what_was_switched_off_is_switched_on() {
        let before = "services:\n  a:\n    image: redis:7\n    read_only: false\n";
        assert_fixed(&RULE, before, "services:\n  a:\n    image: redis:7\n    read_only: true\n");
    }

    #[test]
    fn unknown_images_are_a_persons_decision() {
        let found = Fixture::new("services:\n  a:\n    image: x\n  b:\n    image: redis:7\n").findings(&RULE);
        let kinds: Vec<FixKind> = found.iter().map(|finding| finding.fix.as_ref().unwrap().kind).collect();
        assert_eq!(kinds, [FixKind::Propose, FixKind::Prove]);
        assert_fixed(
            &RULE,
            "services:\n  a:\n    build: .\n",
            "services:\n  a:\n    build: .\n    read_only: true\n    tmpfs:\n      - /tmp\n",
        );
    }
}
