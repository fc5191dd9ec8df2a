//! The example stacks: they stay as they were before any migration, and phase 1 makes of a copy what a
//! careful person would have written. Here `trading`, in `stacks/` the stack `agent`.

#![allow(clippy::print_stderr, reason = "a test says what it could not look at, and counts")]

#[path = "stacks/agent.rs"]
mod agent;
#[path = "stacks/agent_audit.rs"]
mod agent_audit;
#[path = "stacks/agent_engine.rs"]
mod agent_engine;
mod engine_support;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use support::{Project, judge as compose};
use xtask::dotenv;
use xtask::rules::{self, ComposeSource, EnvSource, Evidence, EvidenceKind, Form};
use xtask::yaml::{Limits, expand, read};

#[derive(Deserialize)]
struct Expected {
    findings: Vec<Finding>,
    clean: Vec<Finding>,
}

#[derive(Deserialize, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Finding {
    file: String,
    service: Option<String>,
    place: String,
    kind: Option<String>,
    credential: Option<String>,
}

fn not_judged() {
    eprintln!("not judged by docker compose: it is not installed");
}

const COMPOSE: [&str; 5] = ["apps", "database", "docs", "infrastructure", "monitoring"];

fn trading() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks/trading")
}

fn compose_file(stack: &str) -> String {
    format!("tools/compose/docker-compose.{stack}.yml")
}

fn expected() -> Expected {
    let text = std::fs::read_to_string(trading().join("expected-findings.yaml")).unwrap();
    serde_yaml::from_str(&text).unwrap()
}

/// A place as `expected-findings.yaml` names it.
fn place(evidence: &Evidence) -> String {
    let key = &evidence.key;
    match evidence.form {
        Form::Map | Form::List => format!("environment.{key}"),
        Form::BuildArg => format!("build.args.{key}"),
        Form::Label => format!("labels.{key}"),
        Form::Argument => "command".into(),
        Form::Healthcheck => "healthcheck.test".into(),
        Form::EnvFile => key.clone(),
        Form::Config | Form::Other => evidence.finding.place.clone(),
    }
}

fn kind(evidence: &Evidence) -> &'static str {
    match (evidence.form, evidence.kind) {
        (Form::EnvFile, _) => "tracked-env-file-secret",
        (_, EvidenceKind::Literal) => "hardcoded-credential",
        (_, EvidenceKind::Url) => "credential-in-url",
        (_, EvidenceKind::Default) => "default-credential",
        (_, EvidenceKind::Token) => "provider-token",
    }
}

/// What the rules say of one file of the stack.
fn found(file: &str) -> Vec<(Finding, String)> {
    let path = trading().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let evidence = if file.ends_with(".yml") {
        let documents = read(&text, Limits::default()).unwrap();
        let values: Vec<_> = documents.iter().map(|document| expand(document, 0).unwrap()).collect();
        let source = ComposeSource { path: &path, file: 0, text: &text, documents: &documents, values: &values };
        rules::credentials_in_compose(&source)
    } else {
        let entries = dotenv::parse(&text, &|_| None).unwrap();
        let source = EnvSource { path: &path, file: 0, text: &text, entries: &entries, raw: false, tracked: true, services: &[] };
        rules::credentials_in_env_file(&source)
    };
    let of = |evidence: &Evidence| Finding {
        file: file.to_string(),
        service: evidence.services.first().cloned(),
        place: place(evidence),
        kind: Some(kind(evidence).to_string()),
        credential: None,
    };
    evidence.iter().map(|evidence| (of(evidence), evidence.source.slice(&text).to_string())).collect()
}

fn all_found() -> Vec<(Finding, String)> {
    let files = COMPOSE.iter().map(|stack| compose_file(stack)).chain(["config/docker.env".into(), ".env.example".into()]);
    files.flat_map(|file| found(&file)).collect()
}

/// Fails when somebody commits the stack after a migration, or when a rule changes its mind.
#[test]
fn the_stack_stays_as_before_the_migration() {
    let expected = expected();
    let wanted: BTreeSet<Finding> = expected.findings.iter().map(|f| Finding { credential: None, ..f.clone() }).collect();
    let found: BTreeSet<Finding> = all_found().into_iter().map(|(finding, _)| finding).collect();
    let missing: Vec<_> = wanted.difference(&found).collect();
    let unexpected: Vec<_> = found.difference(&wanted).collect();
    assert!(missing.is_empty() && unexpected.is_empty(), "not found: {missing:#?}\nfound, but not expected: {unexpected:#?}");
    let same_place = |clean: &Finding, f: &Finding| f.file == clean.file && f.service == clean.service && f.place == clean.place;
    for clean in &expected.clean {
        assert!(!found.iter().any(|finding| same_place(clean, finding)), "false alarm: {clean:?}");
    }
    assert!(expected.clean.len() > 30, "near misses are what tells a rule from a search for `password`");
}

/// The stack as a person has it who works with it.
fn checked_out() -> Project {
    let project = Project::copy_of(&trading());
    project.write(".env", &project.read(".env.example"));
    let values: Vec<String> = all_found().into_iter().map(|(_, value)| value).filter(|value| value.len() >= 8).collect();
    project.hides(&values.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn phase_1_leaves_no_credential_in_a_tracked_file_and_nothing_else_changed() {
    let project = checked_out();
    let before: BTreeMap<String, String> = tracked(&project);
    project.migrated(&[]).says(&["Proven", "every stack renders as before"]);

    // The values themselves, wherever git can see them.
    let telling: Vec<String> =
        all_found().into_iter().map(|(_, value)| value).filter(|value| value.len() >= 8 && value != "changeme").collect();
    assert!(telling.len() > 15, "the stack has lost its credentials: {}", telling.len());
    for (path, text) in tracked(&project) {
        for value in &telling {
            assert!(!text.contains(value.as_str()), "{path} still holds {value}");
        }
    }
    assert_eq!(project.git(&["status", "--porcelain"]).lines().filter(|line| line.starts_with("??")).count(), 0, "nothing new to commit");

    only_credential_lines_changed(&project, &before);
    grouping_is_as_expected(&project);

    assert_eq!(project.mode(".env"), 0o600);
    assert_eq!(project.mode("tools/compose/.env"), 0o600);
    project.holds();
}

fn tracked(project: &Project) -> BTreeMap<String, String> {
    let names = project.git(&["ls-files"]);
    names
        .lines()
        .map(|name| (name.to_string(), String::from_utf8_lossy(&std::fs::read(project.path(name)).unwrap()).into_owned()))
        .collect()
}

/// Line by line: a changed line held a credential and differs only there; comments stay.
fn only_credential_lines_changed(project: &Project, before: &BTreeMap<String, String>) {
    let credentials: Vec<(Finding, String)> = all_found();
    for (path, old) in before {
        let new = project.read_lossy(path);
        if path == ".gitignore" || path == ".env.example" {
            continue;
        }
        let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
        assert_eq!(old_lines.len(), new_lines.len(), "{path} has as many lines as before");
        for (old, new) in old_lines.iter().zip(&new_lines).filter(|(old, new)| old != new) {
            let value = credentials.iter().find(|(finding, value)| finding.file == *path && old.contains(value.as_str()));
            assert!(value.is_some(), "{path}: a line without a credential has changed: {old}");
            assert!(new.contains(":?set "), "{path}: {new}");
            let comment = |line: &str| line.split_once(" #").map(|(_, comment)| comment.to_string());
            assert_eq!(comment(old), comment(new), "{path}: a comment is lost");
        }
    }
    // Both of these only gain lines; commented mentions give way to real lines, and a heading with them
    // that has nothing left to stand over.
    let example = project.read(".env.example");
    let gone: Vec<&str> = before[".env.example"].lines().filter(|line| !example.lines().any(|new| new == *line)).collect();
    let heading = "# Optional, the compose files bring defaults:";
    let mentions = ["# TIMESCALEDB_PASSWORD=", "# REDIS_PASSWORD=", "# WORKSPACE_API_KEY=", "# QDRANT_API_KEY="];
    assert_eq!(gone, [&[heading][..], &mentions].concat());
    assert!(project.read(".gitignore").starts_with(&before[".gitignore"]));
}

/// Places of one credential have one variable, different credentials different ones.
fn grouping_is_as_expected(project: &Project) {
    let mut variables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in expected().findings {
        let name = variable_at(project, &finding);
        variables.entry(finding.credential.clone().unwrap()).or_default().insert(name);
    }
    for (credential, names) in &variables {
        assert_eq!(names.len(), 1, "{credential} has the variables {names:?}");
    }
    let distinct: BTreeSet<&String> = variables.values().flatten().collect();
    assert_eq!(distinct.len(), variables.len(), "two credentials share a variable: {variables:?}");
    // What people would call them.
    let named = |credential: &str| variables[credential].first().unwrap().as_str();
    assert_eq!(named("timescaledb"), "TIMESCALEDB_PASSWORD");
    assert_eq!(named("redis"), "REDIS_PASSWORD");
    assert_eq!(named("grafana-admin"), "GRAFANA_PASSWORD");
    assert_eq!(named("pgadmin"), "PGADMIN_DEFAULT_PASSWORD");
    assert_eq!(named("rabbitmq"), "RABBITMQ_PASSWORD");
    assert_eq!(named("docs-search"), "DOCS_SEARCH_API_KEY");
}

/// The variable that stands at a finding's place after the migration.
fn variable_at(project: &Project, finding: &Finding) -> String {
    let text = project.read(&finding.file);
    let value = if finding.file.ends_with(".env") {
        let line = text.lines().find(|line| line.starts_with(&format!("{}=", finding.place))).unwrap();
        line.to_string()
    } else {
        let model: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let service = &model["services"][finding.service.as_deref().unwrap()];
        let (section, key) = match finding.place.strip_prefix("build.args.") {
            Some(key) => (&service["build"]["args"], key),
            None => match finding.place.as_str() {
                "command" => (&service["command"], ""),
                "healthcheck.test" => (&service["healthcheck"]["test"], ""),
                place => {
                    let (section, key) = place.split_once('.').unwrap();
                    (&service[section], key)
                }
            },
        };
        match section {
            serde_json::Value::Object(map) => map.get(key).or_else(|| map["<<"].get(key)).unwrap().to_string(),
            serde_json::Value::Array(items) if !key.is_empty() => {
                items.iter().find_map(|item| item.as_str().unwrap().strip_prefix(&format!("{key}="))).unwrap().to_string()
            }
            other => other.to_string(),
        }
    };
    let start = value.find(":?set ").unwrap_or_else(|| panic!("no variable at {finding:?}"));
    value[start + 6..].split(' ').next().unwrap().to_string()
}

/// Their own calls, from the root and from elsewhere, give what they gave before.
#[test]
fn users_own_calls_render_as_before() {
    if !compose::installed() {
        not_judged();
        return;
    }
    let project = checked_out();
    let calls = |stack: &str| {
        let file = compose_file(stack);
        let absolute = project.path(&file).display().to_string();
        let from_root = compose::config(project.root(), &[&file]).unwrap();
        let from_elsewhere = compose::config(project.elsewhere(), &[&absolute]).unwrap();
        assert_eq!(from_root, from_elsewhere, "{stack}");
        from_root
    };
    let before: Vec<_> = COMPOSE.iter().map(|stack| calls(stack)).collect();
    project.call_migrate(&[]).run().exits(0);
    let introduced: BTreeSet<String> = project.env("tools/compose/.env").into_keys().collect();
    for (stack, before) in COMPOSE.iter().zip(before) {
        let mut after = calls(stack);
        // The only difference: services that load the root .env see what was added to it.
        for (name, service) in after["services"].as_object_mut().unwrap() {
            let old = &before["services"][name]["environment"];
            if let Some(environment) = service.get_mut("environment").and_then(|environment| environment.as_object_mut()) {
                environment.retain(|key, _| !introduced.contains(key) || old.get(key).is_some());
            }
        }
        assert_eq!(before, after, "{stack}");
    }
}
