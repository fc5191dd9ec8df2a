use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Service, Spot};

pub static RULE: Rule = Rule {
    name: "database-network-not-internal",
    title: "what keeps data has a way to the internet",
    doc: "A database, cache, broker or search engine calls nobody outside. On a network with `internal: true` a stolen one \
        cannot send its data away, nothing can be fetched into it, and nobody outside reaches it. Its clients join that \
        network beside their own. Networks made elsewhere (`external`) are not judged.",
    category: Category::NetworkIsolation,
    priority: Priority::P0,
    references: &[Reference::Owasp(5), Reference::Spec("networks.internal")],
    fix: FixKind::Report,
    check: Check::Service(check),
};

fn check(service: &Service<'_>, found: &mut Found<'_>) {
    if !service.is_store() {
        return;
    }
    let is_open = |name: &&str| !["internal", "external"].iter().any(|key| service.subject.network_flag(name, key));
    let open: Vec<&str> = service.entries("networks").map(|(name, _)| name).filter(is_open).collect();
    let message = match open[..] {
        [] => return,
        ["default"] => format!("`{}` keeps data and is on the default network, which leads to the internet", service.name),
        [name] => format!("`{}` keeps data and is on the network `{name}`, which leads to the internet", service.name),
        _ => format!("`{}` keeps data and is on networks that lead to the internet: {}", service.name, open.join(", ")),
    };
    found.report(spot(service), message, "put it on networks with `internal: true` only, and its clients on those as well");
}

/// The networks as written. Those that Compose adds stand nowhere: their key has the place of the service.
fn spot(service: &Service<'_>) -> Spot {
    let written = service.spot("networks");
    if written.span == service.subject.spot(service.value.at, String::new(), None).span { service.name_spot() } else { written }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings};

    #[test]
    fn finds_stores_on_open_networks() {
        assert_findings(
            &RULE,
            "
services:
  db:
# ^^ `db` keeps data and is on the default network, which leads to the internet
    image: postgres:16
  cache:
    image: redis
    networks: [back]
#   ^^^^^^^^ `cache` keeps data and is on the network `back`, which leads to the internet
  queue:
    image: rabbitmq
    networks:
#   ^^^^^^^^ `queue` keeps data and is on networks that lead to the internet: back, front
      back:
      data:
      front: {aliases: [mq]}
  web: {image: nginx, networks: [front]}
networks:
  front:
  back: {internal: false}
  data: {internal: true}
",
        );
    }

    #[test]
    fn internal_networks_are_clean_wherever_they_say_so() {
        let base = "services:\n  db: {image: mysql, networks: [data]}\n  cache: {image: redis, network_mode: none}\n  far: {image: mongo, networks: [shared]}\nnetworks: {data: , shared: {external: true}}\n";
        Fixture::new(base).overlay("prod.yaml", "networks: {data: {internal: true}}\n").assert_findings(&RULE);
        assert_findings(&RULE, "services:\n  db: {image: mysql}\nnetworks: {default: {internal: true}}\n");
        assert_findings(&RULE, "services:\n  exporter: {image: prometheuscommunity/postgres-exporter}\n");
    }
}
