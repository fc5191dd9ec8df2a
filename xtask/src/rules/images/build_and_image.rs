use super::reference::Image;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "build-and-image",
    title: "what runs is either pulled or built",
    doc: "With both `build` and `image` Compose first tries to pull, and builds when there is nothing to pull: what runs \
        depends on the registry. A name without a registry is one of Docker Hub, where it can be somebody else's. Say which is \
        meant: `pull_policy: build`, or a name in a registry of one's own with a version. Those are not reported, nor is \
        `pull_policy: never`.",
    category: Category::ServiceDefinitions,
    priority: Priority::P3,
    references: &[Reference::Spec("build"), Reference::Spec("services.pull_policy")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some(image) = service.image().filter(|_| service.get("build").is_some()) else { return };
    let moving = service.subject.policy.list(super::untagged_or_latest::RULE.name, "tags");
    if matches!(service.text("pull_policy"), Some("build" | "never")) || !Image::parse(image).moves(moving) {
        return;
    }
    found
        .report(
            service.spot("image"),
            format!("`{}` runs what its registry has under this name, and what is built here only if there is nothing", service.name),
            "add `pull_policy: build`, or name a version in a registry of your own",
        )
        .fix(|| {
            let draft = service.set("pull_policy", crate::yaml::Plain::Str("build".into()))?;
            Some(draft.caveat("it is built at each start, and never pulled"))
        });
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_images_of_two_origins() {
        assert_findings(
            &RULE,
            "
services:
  a:
    build: .
    image: app
#          ^^^ `a` runs what its registry has under this name, and what is built here only if there is nothing
  b: {build: ., image: 'registry.example/app:1.2'}
  c: {build: ., image: app, pull_policy: build}
  d: {build: .}
  e: {image: app}
",
        );
    }

    #[test]
    fn it_is_built() {
        let after = "services:\n  a:\n    build: .\n    image: app\n    pull_policy: build\n";
        assert_fixed(&RULE, "services:\n  a:\n    build: .\n    image: app\n", after);
    }
}
