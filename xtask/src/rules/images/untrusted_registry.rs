use super::reference::Image;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};
use crate::text::template::{Segment, parse};

pub static RULE: Rule = Rule {
    name: "untrusted-registry",
    title: "an image comes from a registry that is not listed",
    doc: "Who runs a registry decides what runs here. The parameter `registries` lists those that are trusted: a name, one with \
        `*.` before it for all below it, or one with a folder behind it. Add your own. Registries that are chosen by a variable \
        and images that the stack builds are not reported.",
    category: Category::ServiceDefinitions,
    priority: Priority::P3,
    references: &[Reference::Owasp(13), Reference::Spec("services.image")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some((image, value)) = service.image().zip(service.get("image")).filter(|_| service.get("build").is_none()) else { return };
    let reference = Image::parse(image);
    let trusted = service.subject.policy.list(RULE.name, "registries");
    if trusted.iter().any(|one| is_of(&reference, one)) || is_chosen(service.subject.written(value.at)) {
        return;
    }
    let message = format!("`{}` runs an image of the registry `{}`, which is not listed", service.name, reference.registry);
    found.report(service.spot("image"), message, "add it to `registries` of the policy, or take the image from a listed one");
}

fn is_of(image: &Image<'_>, trusted: &str) -> bool {
    let (registry, folder) = trusted.split_once('/').unwrap_or((trusted, ""));
    let is_registry = match registry.strip_prefix('*') {
        Some(ending) => image.registry.ends_with(ending),
        None => image.registry == registry,
    };
    is_registry && (folder.is_empty() || image.repository.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
}

/// A variable stands before the first slash.
fn is_chosen(written: &str) -> bool {
    let first = parse(written).into_iter().find_map(|segment| match segment {
        Segment::Var(var) => Some(var.range.start),
        _ => None,
    });
    first.is_some_and(|at| !written[..at].contains('/'))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_registries_that_nobody_listed() {
        assert_findings(
            &RULE,
            r#"
services:
  a:
    image: registry.example:5000/app:1
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^ `a` runs an image of the registry `registry.example:5000`, which is not listed
  b: {image: 'nginx:1'}
  c: {image: 'ghcr.io/team/app:1'}
  d: {image: "${REGISTRY:-registry.example/platform}/app:1"}
  e: {image: registry.example/app, build: .}
  f: {image: "docker.io/team/app:${TAG:-1}"}
"#,
        );
    }

    #[test]
    fn the_policy_lists_more() {
        let policy = "rules: {untrusted-registry: {registries: ['*.example.org', registry.example/team]}}";
        let text = "services: {a: {image: r.example.org/x}, b: {image: registry.example/team/x}, c: {image: registry.example/teams/x}, d: {image: nginx}}";
        let found = Fixture::new(text).policy(policy).findings(&RULE);
        assert_eq!(found.iter().map(|finding| finding.place.as_str()).collect::<Vec<_>>(), ["services.c.image", "services.d.image"]);
    }
}
