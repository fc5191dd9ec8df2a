use super::reference::Image;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "not-digest-pinned",
    title: "a tag can be given to another image",
    doc: "Whoever may push to a registry can give a known tag to another image. `image: nginx:1.27@sha256:...` runs the one that \
        was tested, whatever happens to the tag. Update tools such as Renovate and Dependabot keep such digests fresh. Images \
        that the stack builds have none.",
    category: Category::ServiceDefinitions,
    priority: Priority::P3,
    references: &[Reference::Owasp(13), Reference::Spec("services.image")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let Some(image) = service.image().filter(|_| service.get("build").is_none()) else { return };
    let moving = service.subject.policy.list(super::untagged_or_latest::RULE.name, "tags");
    let image = Image::parse(image);
    // A tag that moves on is another rule's.
    if image.digest.is_none() && !image.moves(moving) {
        let message = format!("`{}` runs whatever image its tag is given to", service.name);
        found.report(service.spot("image"), message, "append the digest of the image that was tested: `NAME:TAG@sha256:...`");
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::assert_findings;

    #[test]
    fn finds_images_without_a_digest() {
        assert_findings(
            &RULE,
            "
services:
  a:
    image: nginx:1.27
#          ^^^^^^^^^^ `a` runs whatever image its tag is given to
  b: {image: 'nginx:1.27@sha256:aa'}
  c: {image: 'registry.example:5000/x@sha256:aa'}
  d: {build: .}
  e: {image: app, build: .}
  f: {image: nginx}
",
        );
    }
}
