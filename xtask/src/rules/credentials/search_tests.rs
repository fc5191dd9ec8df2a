use std::path::Path;

use super::*;
use crate::yaml::{Limits, expand, read};

/// Everything found in a compose file of this text.
pub(in crate::rules) fn of(text: &str) -> Vec<Evidence> {
    in_file("compose.yaml", text)
}

pub(in crate::rules) fn in_file(path: &str, text: &str) -> Vec<Evidence> {
    let documents = read(text, Limits::default()).unwrap();
    let values: Vec<_> = documents.iter().map(|document| expand(document, 0).unwrap()).collect();
    credentials_in_compose(&ComposeSource { path: Path::new(path), file: 0, text, documents: &documents, values: &values })
}

/// The values that a rule found, in the file's order; all else that is found must be another rule's.
pub(in crate::rules) fn secrets(text: &str, rule: &str) -> Vec<String> {
    of(text).into_iter().filter(|e| e.finding.rule == rule).map(|e| e.secret.expose().to_string()).collect()
}

pub(in crate::rules) fn keys(text: &str) -> Vec<String> {
    of(text).into_iter().map(|e| e.key).collect()
}

#[test]
fn a_place_that_services_share_is_one_entry() {
    let text = "
x-env: &env
  DB_PASSWORD: one
  URL: postgres://u:two@db/x
services:
  a:
    environment:
      <<: *env
      EXTRA: 1
  b: {environment: *env}
  c: {environment: {DB_PASSWORD: three}}
";
    let found: Vec<_> = of(text).into_iter().map(|e| (e.secret.expose().to_string(), e.services)).collect();
    let both = vec!["a".to_string(), "b".to_string()];
    let expected = [("one".to_string(), both.clone()), ("two".to_string(), both), ("three".to_string(), vec!["c".to_string()])];
    assert_eq!(found, expected);
}

#[test]
fn an_extension_that_no_service_takes_counts_too() {
    let text = "
x-list: &list
  - DB_PASSWORD=one
x-unused:
  env: {DB_PASSWORD: 0123, DB_USER: u}
  list: [URL=postgres://u:two@db/x]
services:
  a: {environment: *list}
";
    let found: Vec<_> = of(text).into_iter().map(|e| (e.secret.expose().to_string(), e.services.len(), e.finding.place)).collect();
    let expected = [
        ("one".to_string(), 1, "services.a.environment[0]".to_string()),
        ("0123".to_string(), 0, "x-unused.env.DB_PASSWORD".to_string()),
        ("two".to_string(), 0, "x-unused.list[0]".to_string()),
    ];
    assert_eq!(found, expected);
}

#[test]
fn every_entry_points_at_its_bytes() {
    let text = "services:\n  a:\n    environment:\n      - \"A_PASSWORD=v\\x61lue-1\"\n      - B_URL=http://u:value-2@h/\n    command: >\n      x --password\n      value-3 --token 'value-4'\n";
    let found = of(text);
    let at: Vec<_> = found.iter().map(|e| e.source.slice(text)).collect();
    assert_eq!(at, ["v\\x61lue-1", "value-2", "value-3", "value-4"]);
    for e in &found {
        assert!(!e.finding.message.contains(e.secret.expose()), "{}", e.finding.message);
        assert!(!format!("{e:?}").contains(e.secret.expose()));
    }
}

#[test]
fn the_same_bytes_are_told_once() {
    let text = "services:\n  a:\n    environment:\n      DB_PASSWORD_URL: postgres://u:one@db/x\n    command: sh -c \"redis-cli -a two && x --password=two\"\n";
    assert_eq!(of(text).len(), 3);
}

#[test]
fn large_files_take_time_in_proportion() {
    let mut text = String::from("services:\n");
    for n in 0..5_000 {
        text.push_str(&format!(
            "  s{n}:\n    environment:\n      DB_PASSWORD: value-{n}\n      URL: http://u:p{n}@h/${{X:-y}}\n    command: x --token abc{n}\n"
        ));
    }
    let long = "a=b://c:d@e ".repeat(100_000);
    let many = "://a:".repeat(200_000);
    let tangled = format!("{}{}", "://a:${X:-b}".repeat(4_000), "=".repeat(10_000));
    text.push_str(&format!("  tangled: {{environment: {{A: '{tangled}'}}, command: '{tangled}'}}\n"));
    text.push_str(&format!("  long:\n    environment:\n      A: '{long}'\n      B: \"{many}\"\nconfigs:\n  c:\n    content: '{long}'\n"));
    let start = std::time::Instant::now();
    assert_eq!(of(&text).len(), 15_000);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
