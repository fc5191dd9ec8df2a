//! The audit of the example stack `agent`, held against what a person wrote of it: everything that the review
//! says is found, with its category and priority, and nothing else is.

use std::collections::BTreeSet;

use serde_json::Value;

use super::agent::{Expected, expected, folder};
use super::support::Project as Copy;

struct Found {
    file: String,
    service: Option<String>,
    rule: String,
    place: String,
    text: String,
    category: String,
    priority: String,
}

fn audit() -> Vec<Found> {
    let copy = Copy::copy_of(&folder());
    let outcome = copy.xtask(&["audit", "--format", "json", "--fail-on", "never"]).run().exits(0).json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let found = |finding: &Value| Found {
        file: text(&finding["file"]),
        service: finding["service"].as_str().map(String::from),
        rule: text(&finding["rule"]),
        place: text(&finding["place"]),
        text: ["about", "place", "message", "help"].map(|key| text(&finding[key])).join(" "),
        category: text(&finding["category"]),
        priority: text(&finding["priority"]),
    };
    outcome["result"]["findings"].as_array().unwrap().iter().map(found).collect()
}

/// Whether a text names a word, and not only a longer one.
fn names(text: &str, word: &str) -> bool {
    text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_' && char != '-').any(|part| part == word)
}

/// `environment.KEY` also where the environment is a list.
fn at_place(found: &Found, place: &str) -> bool {
    let key = place.rsplit('.').next().unwrap_or_default();
    found.place.ends_with(place) || (found.place.contains(place.split('.').next().unwrap_or_default()) && names(&found.text, key))
}

#[test]
fn the_audit_finds_what_the_review_found() {
    let (found, mut missing) = (audit(), Vec::new());
    for wanted in &expected().findings {
        let whole = [None];
        let services: Vec<Option<&str>> = if wanted.services.is_empty() {
            whole.to_vec()
        } else {
            wanted.services.iter().map(|service| Some(service.as_str())).collect()
        };
        for service in services {
            let here: Vec<&Found> = found
                .iter()
                .filter(|one| one.file == wanted.file && one.rule == wanted.rule && one.service.as_deref() == service)
                .filter(|one| wanted.place.as_ref().is_none_or(|place| at_place(one, place)))
                .collect();
            if here.is_empty() {
                missing.push(format!("{}: {:?}", wanted.id, service));
            }
            for name in wanted.names.iter().filter(|name| !here.iter().any(|one| names(&one.text, name))) {
                missing.push(format!("{}: {service:?} {name}", wanted.id));
            }
            for one in here.iter().filter(|one| one.category != wanted.category || one.priority != wanted.priority) {
                missing.push(format!("{}: is {} {}, not {} {}", wanted.id, one.category, one.priority, wanted.category, wanted.priority));
            }
        }
    }
    let missing: BTreeSet<String> = missing.into_iter().collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn nothing_false_is_found() {
    let expected = expected();
    let wrong: Vec<String> = audit()
        .iter()
        .filter(|one| !allowed(one, &expected) || praised(one, &expected))
        .map(|one| format!("{} {:?} {} {}", one.file, one.service, one.rule, one.text))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn allowed(one: &Found, expected: &Expected) -> bool {
    let fits = |services: &[String]| match &one.service {
        Some(service) => services.contains(service),
        None => services.is_empty(),
    };
    expected.findings.iter().any(|wanted| wanted.file == one.file && wanted.rule == one.rule && fits(&wanted.services))
        || expected.also.iter().any(|also| also.file == one.file && also.rules.contains(&one.rule) && fits(&also.services))
}

fn praised(one: &Found, expected: &Expected) -> bool {
    expected.good.iter().any(|good| {
        good.file == one.file
            && good.rules.contains(&one.rule)
            && one.service.as_ref().is_some_and(|service| good.services.contains(service))
            && (good.places.is_empty() || good.places.iter().any(|place| at_place(one, place)))
            && (good.names.is_empty() || good.names.iter().any(|name| names(&one.text, name)))
    })
}
