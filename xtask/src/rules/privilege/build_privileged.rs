use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "build-privileged",
    title: "an image is built with every right of the host",
    doc: "`build.privileged: true`, or the entitlement `security.insecure`, runs steps of a Dockerfile, with all that \
        they download, without confinement: whoever controls one of those sources owns the machine that builds. Remove it, or \
        build the part that needs it elsewhere.",
    category: Category::SecuritySettings,
    priority: Priority::P1,
    references: &[Reference::Cis("5.5"), Reference::Owasp(13), Reference::Spec("build.privileged"), Reference::Spec("build.entitlements")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

const CAVEAT: &str = "a step of the Dockerfile that needs it no longer builds";

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let message = || format!("the image of `{}` is built with every right of the host", service.name);
    if service.flag("build.privileged") {
        found
            .report(service.spot("build.privileged"), message(), "remove `privileged` from `build`")
            .fix(|| Some(service.remove("build.privileged")?.caveat(CAVEAT)));
    }
    let insecure = service.items("build.entitlements").iter().position(|item| item.as_str().map(str::trim) == Some("security.insecure"));
    if let Some(index) = insecure {
        found
            .report(service.item_spot("build.entitlements", index), message(), "remove `security.insecure` from `entitlements`")
            .fix(|| Some(service.remove_item("build.entitlements", index)?.caveat(CAVEAT)));
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{assert_findings, assert_fixed};

    #[test]
    fn finds_it() {
        assert_findings(
            &RULE,
            "
services:
  a:
    build:
      context: .
      privileged: true
#                 ^^^^ the image of `a` is built with every right of the host
  b:
    build:
      context: .
      entitlements:
        - network.host
        - security.insecure
#         ^^^^^^^^^^^^^^^^^ the image of `b` is built with every right of the host
  c: {build: ., privileged: true}
  d: {build: {context: ., privileged: false, entitlements: []}}
",
        );
    }

    #[test]
    fn it_goes() {
        assert_fixed(
            &RULE,
            "services:\n  a:\n    build:\n      context: .\n      privileged: true\n  b:\n    build:\n      context: .\n      entitlements:\n        \
             - network.host\n        - security.insecure\n",
            "services:\n  a:\n    build:\n      context: .\n  b:\n    build:\n      context: .\n      entitlements:\n        - network.host\n",
        );
    }
}
