use std::net::IpAddr;

use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service, is_private};

pub static RULE: Rule = Rule {
    name: "cleartext-url",
    title: "a service talks to another host in clear text",
    doc: "What goes over a network in clear text can be read and changed on the way. Between containers of one host that is \
        hardly a network; to a host on the internet it is. Write the form with TLS: `https`, `ftps`, `amqps`, `ldaps`. \
        Reported are variables whose value is a URL of a public host with one of the `schemes`; names without a dot, of the \
        stack, of private networks and of examples are not.",
    category: Category::NetworkIsolation,
    priority: Priority::P2,
    references: &[Reference::Link(
        "OWASP Transport Layer Security Cheat Sheet",
        "https://cheatsheetseries.owasp.org/cheatsheets/Transport_Layer_Security_Cheat_Sheet.html",
    )],
    fix: FixKind::Report,
    check: Check::Service(check),
};

/// Names that lead nowhere on the internet: RFC 2606, 6761, 6762, 8375, and what networks use inside.
const INNER_ENDINGS: &[&str] = &[
    "local",
    "localhost",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "docker",
    "svc",
    "arpa",
    "test",
    "example",
    "invalid",
    "onion",
    "example.com",
    "example.net",
    "example.org",
    "domain.tld",
    "yourdomain.com",
    "mydomain.com",
    "domain.com",
];

/// Variables whose URL is a name, a filter or a proxy, and nothing that is talked to.
const OTHER_USES: &[&str] = &["PROXY", "ORIGIN", "CORS", "ALLOW", "NAMESPACE", "XMLNS", "SCHEMA", "ISSUER", "AUDIENCE", "REALM", "REFER"];

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    let schemes = service.subject.policy.list(RULE.name, "schemes");
    for (key, value) in service.entries("environment") {
        let upper = key.to_ascii_uppercase();
        let is_clear = value.as_str().and_then(host).is_some_and(|(scheme, host)| schemes.contains(&scheme) && is_public(service, &host));
        if is_clear && !OTHER_USES.iter().any(|word| upper.contains(word)) {
            let message = format!("`{}` names a host on the internet with a URL without TLS in `{key}`", service.name);
            found.report(service.entry_spot("environment", key), message, "write the form with TLS, such as https").about(key);
        }
    }
}

/// Scheme and host of a value that is one URL, both in lower case.
fn host(value: &str) -> Option<(String, String)> {
    let (scheme, rest) = value.trim().split_once("://")?;
    if rest.contains(char::is_whitespace) || rest.contains("://") || rest.contains(',') {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let address = authority.rsplit('@').next()?;
    let host = match address.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None => address.split(':').next()?,
    };
    Some((scheme.to_ascii_lowercase(), host.trim_end_matches('.').to_ascii_lowercase()))
}

fn is_public(service: &Service<'_>, host: &str) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return !is_private(address) && !address.is_unspecified();
    }
    let is_name = host.contains('.') && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
    let is_inner = INNER_ENDINGS.iter().any(|ending| host.strip_suffix(ending).is_some_and(|head| head.is_empty() || head.ends_with('.')));
    let listed = service.items("extra_hosts").iter().filter_map(|item| item.as_str()).any(|line| line.starts_with(host));
    let of_stack = |other: Service<'_>| {
        let aliases = other.entries("networks").filter_map(|(_, network)| network.get("aliases")?.as_seq());
        aliases.flatten().any(|alias| alias.as_str() == Some(host))
            || [Some(other.name), other.text("hostname"), other.text("container_name")].contains(&Some(host))
    };
    is_name && !is_inner && !listed && !service.subject.services().any(of_stack)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_urls_of_public_hosts() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: x
    environment:
      API_URL: http://api.payments.io/v1
#              ^^^^^^^^^^^^^^^^^^^^^^^^^ `web` names a host on the internet with a URL without TLS in `API_URL`
",
        );
        let text = "services:\n  web:\n    image: x\n    environment:\n      - BROKER=amqp://me:${PW:-x}@mq.payments.io:5672/\n";
        let found = Fixture::new(text).findings(&RULE);
        assert_eq!(found.len(), 1);
        assert!(!found[0].message.contains("payments") && found[0].about == "BROKER");
        assert_eq!(Fixture::new("services: {a: {image: x, environment: {A: 'http://203.0.113.9'}}}").findings(&RULE).len(), 1);
    }

    #[test]
    fn inner_hosts_and_other_uses_are_clean() {
        assert_findings(
            &RULE,
            "
services:
  web:
    image: x
    hostname: web.payments.io
    extra_hosts: ['db.payments.io:10.0.0.4']
    environment:
      A: http://api:4000
      B: http://localhost:3000/x.y
      C: http://10.0.0.7:80
      D: http://web.payments.io
      E: http://db.payments.io:9200
      F: https://api.payments.io
      G: http://shop.example.com
      H: http://api.mesh.internal
      I: http://host.docker.internal:11434
      J: http://[fd00::1]/
      K: http://0.0.0.0:9000
      L: 'see http://api.payments.io for more'
      HTTP_PROXY: http://proxy.payments.io:3128
      CORS_ORIGINS: http://www.payments.io
      M: redis://cache.payments.io
",
        );
    }
}
