use super::tag_variable::{TagVariable, tag_variable};
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Draft, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "tag-not-required",
    title: "an image's version is only there if its caller sets it",
    doc: "`image: app:${TAG:-latest}` runs whatever is newest as soon as somebody forgets to set `TAG`, and nothing says so. \
        `${TAG:?set TAG}` makes Compose refuse instead. A default that is a version (`${TAG:-1.4.2}`) is not reported; which \
        tags are none is a parameter of `untagged-or-latest`.",
    category: Category::ServiceDefinitions,
    priority: Priority::P3,
    references: &[Reference::Spec("interpolation"), Reference::Spec("services.image")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let moving = service.subject.policy.list(super::untagged_or_latest::RULE.name, "tags");
    let Some(variable) = tag_variable(service, moving).filter(|variable| variable.falls_back) else { return };
    let name = &variable.name;
    found
        .report(
            service.spot("image"),
            format!("`{}` runs whatever version there is when `{name}` is not set", service.name),
            format!("write `${{{name}:?set {name}}}`, so that Compose refuses without it"),
        )
        .about(name)
        .fix(|| required(service, &variable));
}

fn required(service: &Service<'_>, variable: &TagVariable) -> Option<Draft> {
    let image = service.get("image")?;
    let written = service.subject.written(image.at);
    // A whole image is more than its tag.
    let is_whole = variable.range.len() == written.trim_matches(['"', '\'']).len();
    if is_whole || written.contains('\\') {
        return None;
    }
    let name = &variable.name;
    let text = format!("{}${{{name}:?set {name}}}{}", &written[..variable.range.start], &written[variable.range.end..]);
    let home = service.subject.home_of(image.at)?;
    let draft = service.write(&home, text.trim_matches(['"', '\'']))?;
    Some(draft.caveat(format!("Compose refuses to do anything until `{name}` is set")))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_tags_that_fall_back() {
        assert_findings(
            &RULE,
            r#"
services:
  a:
    image: "${REGISTRY:-registry.example/platform}/gateway:${TAG:-latest}"
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `a` runs whatever version there is when `TAG` is not set
  b:
    image: ${IMAGE:-registry.example:5000/app}
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `b` runs whatever version there is when `IMAGE` is not set
  c:
    image: app:${TAG-}
#          ^^^^^^^^^^^ `c` runs whatever version there is when `TAG` is not set
  d:
    image: app:$TAG
#          ^^^^^^^^ `d` runs whatever version there is when `TAG` is not set
"#,
        );
    }

    #[test]
    fn versions_and_requirements_are_clean() {
        let text = r#"
services:
  a: {image: "app:${TAG:-1.4.2}"}
  b: {image: "app:${TAG:?set TAG}"}
  c: {image: "app:v${VERSION}"}
  d: {image: "${REGISTRY:-registry.example}/app:2"}
  e: {image: "app:${FLAVOUR:-}alpine"}
  f: {image: "${IMAGE:-app:1}"}
  g: {image: "app:latest@sha256:${DIGEST:-aa}"}
  h: {image: "app:${TAG:-${OTHER:-1}}"}
  i: {image: "${IMAGE}"}
  j: {image: "app:${SERIES:-latest}-1.2"}
"#;
        Fixture::new(text).file(".env", "VERSION=3\nTAG=1\nIMAGE=app:2\n").assert_findings(&RULE);
    }

    #[test]
    fn the_variable_becomes_required() {
        let before = "services:\n  a:\n    image: \"${R:-r.example}/app:${TAG:-latest}\" # ours\n  b:\n    image: app:${TAG:-latest}\n";
        let after = "services:\n  a:\n    image: \"${R:-r.example}/app:${TAG:?set TAG}\" # ours\n  b:\n    image: app:${TAG:?set TAG}\n";
        Fixture::new(before).file(".env", "TAG=7\n").assert_fixed(&RULE, after);
    }
}
