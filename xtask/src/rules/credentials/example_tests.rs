//! The example stack's own list of what must be found, and real files where there are some.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::*;
use crate::dotenv;
use crate::text::{Span, TextEdit, apply};
use crate::yaml::{Limits, Refusal, ScalarEdit, Scalars, expand, read, verified};

#[derive(Debug, Deserialize)]
struct Expected {
    findings: Vec<Line>,
    clean: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct Line {
    file: String,
    service: Option<String>,
    place: String,
    kind: Option<String>,
}

fn stack() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("stacks/trading")
}

fn in_compose(path: &Path, text: &str) -> Vec<Evidence> {
    let Ok(documents) = read(text, Limits::default()) else { return Vec::new() };
    let values: Vec<_> = documents.iter().filter_map(|document| expand(document, 0).ok()).collect();
    credentials_in_compose(&ComposeSource { path, file: 0, text, documents: &documents, values: &values })
}

fn in_env(path: &Path, text: &str) -> Vec<Evidence> {
    let Ok(entries) = dotenv::parse(text, &|_| Some("set".into())) else { return Vec::new() };
    let source = EnvSource { path, file: 0, text, entries: &entries, raw: false, tracked: true, services: &[] };
    credentials_in_env_file(&source)
}

/// `environment.KEY`, `command`, `healthcheck.test` ...: the way that the list names places.
fn listed_place(evidence: &Evidence) -> String {
    let place = &evidence.finding.place;
    match evidence.form {
        Form::Map | Form::List => format!("environment.{}", evidence.key),
        Form::BuildArg => format!("build.args.{}", evidence.key),
        Form::Label => format!("labels.{}", evidence.key),
        Form::Argument => "command".to_string(),
        Form::Healthcheck => "healthcheck.test".to_string(),
        Form::EnvFile | Form::Config | Form::Other => place.clone(),
    }
}

#[test]
fn the_example_stack_shows_what_its_list_says_and_nothing_else() {
    let expected: Expected = serde_yaml::from_str(&std::fs::read_to_string(stack().join("expected-findings.yaml")).unwrap()).unwrap();
    let line = |line: &Line| (line.file.clone(), line.service.clone(), line.place.clone(), line.kind.clone());
    let wanted: BTreeSet<_> = expected.findings.iter().map(line).collect();
    let files: BTreeSet<&str> = expected.findings.iter().chain(&expected.clean).map(|line| line.file.as_str()).collect();
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(stack().join(file)).unwrap();
        let all = if file.ends_with(".yml") { in_compose(Path::new(file), &text) } else { in_env(Path::new(file), &text) };
        for e in all {
            found.insert((file.to_string(), e.services.first().cloned(), listed_place(&e), Some(e.finding.rule.to_string())));
        }
    }
    assert_eq!(found, wanted);
}

#[test]
fn one_line_of_an_anchor_reaches_both_services() {
    let file = "tools/compose/docker-compose.apps.yml";
    let found = in_compose(Path::new(file), &std::fs::read_to_string(stack().join(file)).unwrap());
    let password = found.iter().find(|e| e.key == "DB_PASSWORD").unwrap();
    assert_eq!(password.services, ["workspace", "workspace-worker"]);
}

/// The file with a required variable in place of everything that was found in it.
fn fixed(text: &str, found: &[Evidence]) -> Result<String, Refusal> {
    let documents = read(text, Limits::default()).unwrap();
    let scalars = Scalars::new(text, &documents);
    let mut parts: BTreeMap<Span, Vec<TextEdit>> = BTreeMap::new();
    for (n, e) in found.iter().enumerate() {
        let span = Span::new(e.range.start, e.range.end);
        parts.entry(e.scalar.span).or_default().push(TextEdit { span, text: format!("${{V{n}:?set V{n} in .env}}") });
    }
    let edit = |(span, parts): (Span, Vec<TextEdit>)| ScalarEdit { span, text: apply(scalars.text(span).unwrap(), &parts).unwrap() };
    verified(text, &parts.into_iter().map(edit).collect::<Vec<_>>())
}

#[test]
fn where_a_variable_took_its_place_nothing_is_found() {
    for entry in std::fs::read_dir(stack().join("tools/compose")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let found = in_compose(&path, &text);
        let after = fixed(&text, &found).unwrap();
        assert_eq!(in_compose(&path, &after), [], "{}", path.display());
        let changed = text.lines().zip(after.lines()).filter(|(before, after)| before != after).count();
        assert!(changed <= found.len() && changed > 0 && text.lines().count() == after.lines().count(), "{}", path.display());
    }
}

/// Over a folder of real files: no panic, every place is exact. Set `XTASK_CORPUS_LIST` to a file to
/// get the keys, never the values, for reading.
#[test]
fn real_files_hold_no_surprise() {
    let Some(folder) = std::env::var_os("XTASK_CORPUS").map(PathBuf::from) else { return };
    let mut files = Vec::new();
    collect(&folder, &mut files);
    let mut list = String::new();
    for path in &files {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let yaml = path.extension().is_some_and(|e| e == "yml" || e == "yaml");
        let found = if yaml { in_compose(path, &text) } else { in_env(path, &text) };
        if yaml && !found.is_empty() {
            let after = fixed(&text, &found).unwrap_or_else(|refusal| panic!("{}: {}", path.display(), refusal.why));
            assert_eq!(in_compose(path, &after), [], "{}", path.display());
        }
        for e in found {
            let place = &e.finding.place;
            assert!(e.scalar.span.contains(e.source), "{}: {place}", path.display());
            list.push_str(&format!("{}\t{}\t{}\t{:?}\t{}\n", e.finding.rule, e.key, e.known_default, e.form, place));
        }
    }
    assert!(files.len() > 20, "{} files are no corpus", files.len());
    if let Some(to) = std::env::var_os("XTASK_CORPUS_LIST") {
        std::fs::write(to, list).unwrap();
    }
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = path.file_name().unwrap().to_string_lossy().to_string();
        if path.is_dir() {
            collect(&path, into);
        } else if name.ends_with(".yml") || name.ends_with(".yaml") || name.contains(".env") {
            into.push(path);
        }
    }
}
