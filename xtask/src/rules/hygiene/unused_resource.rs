use std::collections::BTreeSet;

use crate::finding::{Category, Change, FixKind, Priority};
use crate::rules::{Check, Draft, Found, Reference, Rule, Spot, Subject};
use crate::yaml::{Document, Entry, Node, Operation, Origin, Place, What, Written, is_merge};

pub static RULE: Rule = Rule {
    name: "unused-resource",
    title: "something is declared that no service uses",
    doc: "A network, volume, secret or config that no service of any profile uses is never made by Compose; an `x-` fragment \
        whose anchors nobody refers to does nothing. Both make readers search for what is not there, and a secret that is \
        declared but not mounted is often one that somebody believes to be in use. An `x-` key without an anchor is not \
        judged: it may be for another tool.",
    category: Category::ServiceDefinitions,
    priority: Priority::P3,
    references: &[Reference::Spec("networks"), Reference::Spec("volumes"), Reference::Spec("secrets"), Reference::Spec("configs")],
    fix: FixKind::Apply,
    check: Check::Stack(check),
};

const SECTIONS: [(&str, &str); 4] = [("networks", "network"), ("volumes", "volume"), ("secrets", "secret"), ("configs", "config")];

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    let sees_all = all_services_are_seen(subject);
    for (file, number, document) in subject.documents() {
        let at = At { subject, file, number, document };
        for (section, kind) in SECTIONS.into_iter().filter(|_| sees_all) {
            let used: BTreeSet<&str> = subject.top(section).map(|(name, _)| name).collect();
            at.unused(section, kind, &used, found);
        }
        at.fragments(found);
    }
}

/// Services of a profile that the model leaves out may use anything.
fn all_services_are_seen(subject: &Subject<'_>) -> bool {
    let mut written = subject.documents().filter_map(|(_, _, document)| document.root.get("services")).flat_map(Node::entries);
    written.all(|entry| is_merge(&entry.key) || entry.key.text().is_some_and(|name| subject.model.service(name).is_some()))
}

/// One document of the stack.
struct At<'a> {
    subject: &'a Subject<'a>,
    file: u32,
    number: usize,
    document: &'a Document,
}

impl At<'_> {
    fn unused(&self, section: &str, kind: &str, used: &BTreeSet<&str>, found: &mut Found<'_>) {
        let Some(node) = self.document.root.get(section) else { return };
        let is_unused = |entry: &&Entry| {
            let is_declared = !is_merge(&entry.key) && entry.value.tag.as_deref() != Some("!reset");
            is_declared && entry.key.text().is_some_and(|name| !used.contains(name))
        };
        let whole = Place::default().key(section);
        let all = node.entries().iter().all(|entry| is_unused(&entry));
        for entry in node.entries().iter().filter(is_unused) {
            let name = entry.key.text().unwrap_or_default();
            // An empty section would be left over.
            let gone = if all { whole.clone() } else { whole.key(name) };
            found
                .report(self.spot(entry, &whole.key(name)), format!("no service uses the {kind} `{name}`"), "remove it, or use it")
                .fix(|| Some(Draft::unseen(self.subject.path(self.file), self.removal(gone))));
        }
    }

    /// Fragments that are there to be referred to, and are not.
    fn fragments(&self, found: &mut Found<'_>) {
        for entry in self.document.root.entries() {
            let Some(name) = entry.key.text().filter(|name| name.starts_with("x-")) else { continue };
            let mut anchors = BTreeSet::new();
            collect(&entry.value, &mut anchors, &|node| node.anchor.as_deref());
            let others = self.document.root.entries().iter().filter(|other| other.key.span != entry.key.span);
            let mut aliases = BTreeSet::new();
            others.for_each(|other| collect(&other.value, &mut aliases, &alias));
            if anchors.is_empty() || !anchors.is_disjoint(&aliases) {
                continue;
            }
            let place = Place::default().key(name);
            found.report(self.spot(entry, &place), format!("nothing refers to the fragment `{name}`"), "remove it, or refer to it").fix(
                || {
                    // What another document says under the same name would stay.
                    let home = self.subject.documents().filter(|(_, _, document)| document.root.get(name).is_some()).count() == 1;
                    let change = Change { path: vec![name.to_string()], now: None };
                    home.then(|| Draft::new(self.subject.path(self.file), self.removal(place), change))
                },
            );
        }
    }

    fn spot(&self, entry: &Entry, place: &Place) -> Spot {
        self.subject.spot(Origin { file: self.file, span: entry.key.span }, place.to_string(), None)
    }

    fn removal(&self, place: Place) -> Operation {
        Operation { document: self.number, place, what: What::Remove }
    }
}

fn alias(node: &Node) -> Option<&str> {
    match &node.data {
        Written::Alias(name) => Some(name),
        _ => None,
    }
}

/// What `of` says of a node and everything below it.
fn collect<'n>(node: &'n Node, into: &mut BTreeSet<&'n str>, of: &impl Fn(&'n Node) -> Option<&'n str>) {
    into.extend(of(node));
    for entry in node.entries() {
        collect(&entry.key, into, of);
        collect(&entry.value, into, of);
    }
    node.items().iter().for_each(|item| collect(item, into, of));
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::{Fixture, assert_findings, assert_fixed};

    #[test]
    fn finds_what_nobody_uses() {
        assert_findings(
            &RULE,
            "
  x-old: &old {init: true}
# ^^^^^ nothing refers to the fragment `x-old`
  x-used: &used {init: true}
  x-tool: {name: shop}
  services:
    web:
      <<: *used
      image: nginx
      build: {context: ., secrets: [token]}
      networks: [front]
    job: {image: app, profiles: [rare], volumes: ['data:/data'], configs: [conf], network_mode: none}
  networks:
    front:
    back:
#   ^^^^ no service uses the network `back`
    default:
#   ^^^^^^^ no service uses the network `default`
  volumes:
    data:
    spare: {external: true}
#   ^^^^^ no service uses the volume `spare`
  secrets:
    token: {file: t}
    unused: {file: u}
#   ^^^^^^ no service uses the secret `unused`
  configs:
    conf: {file: c}
",
        );
    }

    #[test]
    fn files_are_seen_together() {
        Fixture::new("services: {web: {image: nginx}}\nnetworks: {front: }\n")
            .overlay("prod.yaml", "services: {web: {networks: [front]}}\n")
            .assert_findings(&RULE);
    }

    #[test]
    fn what_nobody_uses_goes() {
        assert_fixed(
            &RULE,
            "x-old: &old\n  init: true\nservices:\n  web:\n    image: nginx\n    networks:\n      - front\nnetworks:\n  front:\n  # once\n  \
             back:\n    internal: true\nvolumes:\n  one:\n  two:\n",
            "services:\n  web:\n    image: nginx\n    networks:\n      - front\nnetworks:\n  front:\n",
        );
    }
}
