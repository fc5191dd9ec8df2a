use super::reference::Image;
use super::tag_variable::tag_variable;
use crate::finding::{Category, FixKind, Priority};
use crate::model::STAND_IN;
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "untagged-or-latest",
    title: "an image is another one tomorrow",
    doc: "Without a tag, with `latest` or with the name of a branch, each host runs what it happened to pull: two hosts differ, \
        and there is no way back to what ran before. Write a version. The parameter `tags` lists the tags that move on. \
        Images that the stack builds are not reported, and tags from variables by `tag-not-required`.",
    category: Category::ServiceDefinitions,
    priority: Priority::P2,
    references: &[
        Reference::Spec("services.image"),
        Reference::Link("Image tags", "https://docs.docker.com/build/building/best-practices/#pin-base-image-versions"),
    ],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let moving = service.subject.policy.list(RULE.name, "tags");
    let Some(image) = service.image().filter(|_| service.get("build").is_none()).map(Image::parse) else { return };
    // An image that a variable names which has no value here can be any.
    let is_any = image.tag.is_none() && image.repository == STAND_IN && image_is_made_up(service);
    if is_any || !image.moves(moving) || tag_variable(service, moving).is_some() || is_built_here(service, image.repository) {
        return;
    }
    let message = match image.tag {
        Some(tag) => format!("`{}` runs `{}` with the tag `{tag}`, which moves on", service.name, image.repository),
        None => format!("`{}` runs `{}` without a tag, which is `latest`", service.name, image.repository),
    };
    found.report(service.spot("image"), message, "write the version that runs now");
}

fn image_is_made_up(service: &Service<'_>) -> bool {
    service.get("image").is_some_and(|image| service.subject.model.stands_in(image.at).is_some())
}

/// Whether another service of the stack builds the image: then the stack itself decides what it is.
fn is_built_here(service: &Service<'_>, repository: &str) -> bool {
    service.subject.is_built(repository, |image| Image::parse(image).repository)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_tags_that_move_on() {
        assert_findings(
            &RULE,
            "
services:
  a:
    image: nginx
#          ^^^^^ `a` runs `nginx` without a tag, which is `latest`
  b:
    image: registry.example:5000/team/app:latest
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `b` runs `team/app` with the tag `latest`, which moves on
  c:
    image: ghcr.io/team/app:main
#          ^^^^^^^^^^^^^^^^^^^^^ `c` runs `team/app` with the tag `main`, which moves on
",
        );
    }

    #[test]
    fn what_is_pinned_or_built_is_clean() {
        assert_findings(
            &RULE,
            "
services:
  a: {image: 'nginx:1.27'}
  b: {image: 'nginx@sha256:aa'}
  c: {image: 'nginx:latest@sha256:aa'}
  d: {image: 'app:latest', build: .}
  worker: {image: 'app:latest'}
  e: {build: .}
  f: {image: 'app2:${TAG:-latest}'}
  g: {image: 'app3:latest-1.2'}
",
        );
    }

    #[test]
    fn the_policy_lists_the_tags() {
        let text = "services: {a: {image: 'x:weekly'}, b: {image: 'x:latest'}}";
        let found = Fixture::new(text).policy("rules: {untagged-or-latest: {tags: [weekly]}}").findings(&RULE);
        assert_eq!(found.iter().map(|finding| finding.place.as_str()).collect::<Vec<_>>(), ["services.a.image"]);
    }

    #[test]
    fn a_required_variable_can_be_any_tag_but_none() {
        assert_findings(
            &RULE,
            "
services:
  a: {image: '${IMAGE:?}'}
  b: {image: 'app:${TAG:?}'}
  c: {image: 'app@${DIGEST:?}'}
  d: {image: '${REGISTRY:?}/app:1'}
  e:
    image: ${IMAGE:?}:latest
#          ^^^^^^^^^^^^^^^^^ `e` runs `1` with the tag `latest`, which moves on
",
        );
    }
}
