use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service};

pub static RULE: Rule = Rule {
    name: "build-host-network",
    title: "an image is built on the network of the host",
    doc: "With `build.network: host`, or the entitlement `network.host`, the steps of a Dockerfile, with all that they \
        download, reach what listens on the host's `127.0.0.1` and in its networks. Remove it; a cache or mirror that a build needs \
        can be given an address that the build's own network reaches.",
    category: Category::NetworkIsolation,
    priority: Priority::P2,
    references: &[Reference::Cis("5.10"), Reference::Owasp(13), Reference::Spec("build.network"), Reference::Spec("build.entitlements")],
    fix: FixKind::Propose,
    check: Check::Service(check),
};

const CAVEAT: &str = "a step of the Dockerfile that asks the host's own address no longer gets an answer";

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let message = || format!("the image of `{}` is built on the network of the host", service.name);
    if service.text("build.network") == Some("host") {
        found
            .report(service.spot("build.network"), message(), "remove `network: host` from `build`")
            .fix(|| Some(service.remove("build.network")?.caveat(CAVEAT)));
    }
    let entitled = service.items("build.entitlements").iter().position(|item| item.as_str().map(str::trim) == Some("network.host"));
    if let Some(index) = entitled {
        found
            .report(service.item_spot("build.entitlements", index), message(), "remove `network.host` from `entitlements`")
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
      network: host
#              ^^^^ the image of `a` is built on the network of the host
  b:
    build:
      context: .
      entitlements: [network.host]
#                    ^^^^^^^^^^^^ the image of `b` is built on the network of the host
  c: {build: {context: ., network: none}, network_mode: host}
  d: {build: {context: ., network: front}}
",
        );
    }

    #[test]
    fn it_goes() {
        let before = "services:\n  a:\n    build:\n      context: .\n      network: host\n    image: x\n";
        assert_fixed(&RULE, before, "services:\n  a:\n    build:\n      context: .\n    image: x\n");
    }
}
