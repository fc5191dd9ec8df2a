//! The example stack `agent`: its files, what an audit must say of them as data, and phase 1 in a copy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use xtask::model::{Call, Model, load};
use xtask::project::{Project, Role};
use xtask::rules::{self, ComposeSource};
use xtask::source::Disk;
use xtask::yaml::{Limits, expand, read};

use super::support::{Project as Copy, judge as compose};
use super::{kind, place};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Only where the anchors stand.
    pub groups: Vec<Vec<String>>,
    pub statements: BTreeMap<String, String>,
    pub findings: Vec<Wanted>,
    pub also: Vec<Also>,
    pub good: Vec<Good>,
    pub not_by_rule: BTreeMap<String, String>,
    pub silent: Vec<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub id: String,
    pub file: String,
    /// None: the file as a whole.
    pub services: Vec<String>,
    pub place: Option<String>,
    #[serde(default)]
    pub names: Vec<String>,
    pub rule: String,
    pub category: String,
    pub priority: String,
    pub recommendation: Option<u8>,
    pub review: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Also {
    pub file: String,
    pub services: Vec<String>,
    pub rules: Vec<String>,
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Good {
    pub file: String,
    pub services: Vec<String>,
    pub rules: Vec<String>,
    #[serde(default)]
    pub places: Vec<String>,
    #[serde(default)]
    pub names: Vec<String>,
    #[serde(default)]
    pub review: Vec<String>,
}

const DEV: &str = "compose.dev.yaml";
const PROD: &str = "docker-compose.prod.yaml";
const CATEGORIES: [&str; 10] = [
    "security-settings",
    "secrets-management",
    "network-isolation",
    "volume-mounts",
    "port-exposure",
    "resource-limits",
    "environment-variables",
    "health-checks",
    "dependency-management",
    "service-definitions",
];
/// The four that `rules::credentials_in_compose` reports.
const CREDENTIALS: [&str; 4] = ["hardcoded-credential", "default-credential", "credential-in-url", "provider-token"];
/// The review's recommendations, by the last number of each priority.
const LAST_OF_PRIORITY: [(&str, u8); 4] = [("P0", 6), ("P1", 12), ("P2", 16), ("P3", 20)];

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks/agent").canonicalize().unwrap()
}

pub fn expected() -> Expected {
    serde_yaml::from_str(&std::fs::read_to_string(folder().join("expected-findings.yaml")).unwrap()).unwrap()
}

fn model(file: &str) -> Model {
    let call = Call { files: vec![folder().join(file)], profiles: vec!["*".into()], ..Call::default() };
    load(&Disk, &call, &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"))
}

fn services(file: &str) -> BTreeSet<String> {
    model(file).services().map(String::from).collect()
}

#[test]
fn two_whole_files_with_a_role_each_and_the_same_nine_services() {
    let root = folder();
    let listed = [root.join(DEV), root.join(PROD), root.join("xtask.yaml")];
    let project = Project::load(&root, &Disk, &listed).unwrap();
    let stacks: Vec<_> = project.stacks.iter().map(|stack| (stack.id.as_str(), stack.role, stack.files.clone())).collect();
    let files = |file: &str| vec![root.join(file)];
    assert_eq!(stacks, [("dev", Some(Role::Dev), files(DEV)), ("prod", Some(Role::Prod), files(PROD))]);
    let nine = ["gateway", "indexer", "jaeger", "kafka", "langfuse", "orchestrator", "postgres", "rabbitmq", "redis"];
    assert!(services(DEV).iter().eq(nine.iter()) && services(PROD).iter().eq(nine.iter()));
    // One name for both would make them take each other's volumes.
    assert_ne!(model(DEV).name, model(PROD).name);
}

#[test]
fn both_files_render_as_compose_renders_them() {
    for file in [DEV, PROD] {
        let ours = model(file).json();
        assert!(ours["services"]["orchestrator"]["environment"]["POSTGRES_URL"].is_string(), "{file}");
        if compose::installed() {
            assert_eq!(ours, compose::config(&folder(), &[file]).unwrap(), "{file}");
        }
    }
}

/// What the review praises, read from the models, so that nobody mends or breaks it unseen.
#[test]
fn the_strengths_are_there() {
    let (dev, prod) = (model(DEV).json(), model(PROD).json());
    let with = |model: &serde_json::Value, holds: &dyn Fn(&serde_json::Value) -> bool| -> Vec<String> {
        let all = model["services"].as_object().unwrap().iter();
        let mut found: Vec<String> = all.filter(|(_, service)| holds(service)).map(|(name, _)| name.clone()).collect();
        found.sort();
        found
    };
    let no_new = |service: &serde_json::Value| service["security_opt"] == serde_json::json!(["no-new-privileges:true"]);
    assert_eq!(with(&prod, &no_new).len(), 9);
    assert_eq!(with(&dev, &no_new), ["gateway", "indexer", "orchestrator", "postgres", "rabbitmq", "redis"]);
    let read_only = |service: &serde_json::Value| service["read_only"] == true;
    assert_eq!(with(&prod, &read_only), ["gateway", "indexer", "orchestrator"]);
    assert_eq!(with(&dev, &read_only), ["gateway"]);
    let checked = |service: &serde_json::Value| service.get("healthcheck").is_some();
    assert_eq!(with(&prod, &checked), ["postgres", "redis"]);
    assert!(with(&dev, &checked).is_empty());
    let built = |service: &serde_json::Value| service.get("build").is_some();
    assert_eq!(with(&dev, &built), ["gateway", "indexer", "orchestrator"]);
    assert!(with(&prod, &built).is_empty());
    let published = |service: &serde_json::Value| service.get("ports").is_some();
    assert_eq!(with(&dev, &published).len(), 9);
    assert_eq!(with(&prod, &published), ["gateway", "jaeger", "langfuse", "postgres", "rabbitmq", "redis"]);
    for model in [&dev, &prod] {
        assert_eq!(with(model, &|service| service["restart"] == "unless-stopped").len(), 9);
        assert_eq!(model["networks"].as_object().unwrap().len(), 1);
    }
    let condition = |model: &serde_json::Value| {
        let all = model["services"].as_object().unwrap().values().filter_map(|service| service["depends_on"].as_object());
        all.flat_map(|needs| needs.values().map(|need| need["condition"].to_string())).collect::<BTreeSet<_>>()
    };
    assert_eq!(condition(&prod), BTreeSet::from(["\"service_healthy\"".to_string()]));
    assert_eq!(condition(&dev), BTreeSet::from(["\"service_started\"".to_string()]));
}

#[test]
fn the_expected_findings_are_well_formed() {
    let expected = expected();
    assert!(expected.groups.iter().all(|group| group.len() >= 3));
    let there: BTreeMap<&str, BTreeSet<String>> = [(DEV, services(DEV)), (PROD, services(PROD))].into();
    let known = |file: &str, of: &[String]| of.iter().all(|service| there[file].contains(service));
    let mut ids = BTreeSet::new();
    for finding in &expected.findings {
        let Wanted { id, file, services, category, priority, .. } = finding;
        assert!(ids.insert(id), "{id} stands twice");
        assert!(known(file, services), "{id}: a service is not in {file}");
        assert!(CATEGORIES.contains(&category.as_str()), "{id}: {category}");
        let last = LAST_OF_PRIORITY.iter().position(|(name, _)| name == priority).unwrap_or_else(|| panic!("{id}: {priority}"));
        if let Some(number) = finding.recommendation {
            let first = last.checked_sub(1).map_or(0, |before| LAST_OF_PRIORITY[before].1);
            assert!(number > first && number <= LAST_OF_PRIORITY[last].1, "{id}: recommendation {number} is not of {priority}");
        }
        assert!(!finding.review.is_empty(), "{id} stands for nothing in the review");
    }
    for also in &expected.also {
        assert!(known(&also.file, &also.services) && !also.why.is_empty(), "{:?}", also.rules);
    }
    for good in &expected.good {
        assert!(known(&good.file, &good.services) && !good.services.is_empty(), "{:?}", good.rules);
    }
}

/// A pair of file and service has one answer for each rule.
#[test]
fn nothing_is_expected_and_praised_at_once() {
    let expected = expected();
    let whole = |good: &&Good| good.places.is_empty() && good.names.is_empty();
    let mut answers: BTreeMap<(String, String, String), &str> = BTreeMap::new();
    let mut say = |file: &str, services: &[String], rule: &str, answer: &'static str| {
        for service in services {
            let before = answers.insert((file.into(), service.clone(), rule.into()), answer);
            assert!(before.is_none_or(|before| before == answer), "{file} {service} {rule}: {before:?} and {answer}");
        }
    };
    for finding in &expected.findings {
        say(&finding.file, &finding.services, &finding.rule, "found");
    }
    for also in &expected.also {
        also.rules.iter().for_each(|rule| say(&also.file, &also.services, rule, "also"));
    }
    for good in expected.good.iter().filter(whole) {
        good.rules.iter().for_each(|rule| say(&good.file, &good.services, rule, "good"));
    }
    let silent: Vec<&String> = expected.silent.iter().flatten().collect();
    let speaking: BTreeSet<&String> =
        expected.findings.iter().map(|finding| &finding.rule).chain(expected.also.iter().flat_map(|also| &also.rules)).collect();
    assert_eq!(silent.iter().collect::<BTreeSet<_>>().len(), silent.len(), "a silent rule stands twice");
    assert!(silent.iter().all(|rule| !speaking.contains(*rule)), "a silent rule is expected to speak");
}

/// Every point of the review is accounted for, and nothing refers to a point that is not there.
#[test]
fn every_statement_has_its_place() {
    let expected = expected();
    let cited = expected.findings.iter().flat_map(|finding| &finding.review);
    let praised = expected.good.iter().flat_map(|good| &good.review);
    let seen: BTreeSet<&String> = cited.chain(praised).chain(expected.not_by_rule.keys()).collect();
    assert_eq!(seen, expected.statements.keys().collect());
    assert!(expected.statements.values().chain(expected.not_by_rule.values()).all(|text| text.len() > 8));
}

fn credentials(file: &str) -> BTreeSet<(String, String, String)> {
    let path = folder().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let documents = read(&text, Limits::default()).unwrap();
    let values: Vec<_> = documents.iter().map(|document| expand(document, 0).unwrap()).collect();
    let source = ComposeSource { path: &path, file: 0, text: &text, documents: &documents, values: &values };
    let found = rules::credentials_in_compose(&source);
    found.iter().map(|one| (one.services[0].clone(), place(one), kind(one).to_string())).collect()
}

#[test]
fn the_credentials_are_found_in_full_and_nothing_else_is_called_one() {
    let expected = expected();
    for file in [DEV, PROD] {
        let of_file = expected.findings.iter().filter(|finding| finding.file == file && CREDENTIALS.contains(&finding.rule.as_str()));
        let wanted: BTreeSet<_> =
            of_file.map(|finding| (finding.services[0].clone(), finding.place.clone().unwrap(), finding.rule.clone())).collect();
        assert_eq!(credentials(file), wanted, "{file}");
    }
}

/// The variables that a built service reads and is not given are really read and really not given.
#[test]
fn the_missing_variables_are_read_and_not_given() {
    let expected = expected();
    let environment = |service: &str| model(DEV).json()["services"][service]["environment"].clone();
    let source = |service: &str| {
        let folder = folder().join("services").join(service).join("src");
        let texts = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        texts.collect::<Vec<_>>().join("\n")
    };
    let missing: Vec<&Wanted> = expected.findings.iter().filter(|finding| finding.rule == "variable-not-passed").collect();
    assert_eq!(missing.len(), 3);
    for finding in missing {
        let service = &finding.services[0];
        for name in &finding.names {
            let read = [format!("process.env.{name}"), format!("os.environ.get(\"{name}\")")];
            assert!(read.iter().any(|form| source(service).contains(form)), "{service} does not read {name}");
            assert!(environment(service).get(name).is_none(), "{service} is given {name}");
        }
    }
    for (service, names) in [("orchestrator", &["POSTGRES_URL", "REDIS_URL", "CONFIG_PASSPHRASE"][..]), ("indexer", &["PORT", "REDIS_URL"])]
    {
        for name in names {
            assert!(environment(service).get(name).is_some() && source(service).contains(name), "{service} {name}");
        }
    }
}

#[test]
fn phase_1_leaves_no_credential_in_either_file() {
    let project = Copy::copy_of(&folder()).hides(&["dev-local-passphrase"]);
    project.migrated(&[]).says(&["Proven", "every stack renders as before"]);
    for value in ["dev-local-passphrase", "dev-secret", "dev-salt", "replace-me", ":-guest}@", "PASSWORD:-", "guest:guest@", "agent:agent@"]
    {
        assert!(!project.read(DEV).contains(value) && !project.read(PROD).contains(value), "{value} is still there");
    }
    let names: Vec<String> = project.env(".env").into_keys().collect();
    assert_eq!(
        names,
        [
            "DEV_LANGFUSE_SALT",
            "LANGFUSE_NEXTAUTH_SECRET",
            "LANGFUSE_SALT",
            "NEXTAUTH_SECRET",
            "ORCHESTRATOR_CONFIG_PASSPHRASE",
            "POSTGRES_PASSWORD",
            "RABBITMQ_PASSWORD"
        ]
    );
    project.holds();
}

/// Compose refuses what it printed itself where a dependency is optional and its profile is not chosen.
#[test]
fn phase_1_is_proven_by_compose_too() {
    if !compose::installed() {
        super::not_judged();
        return;
    }
    let project = Copy::copy_of(&folder());
    project.call_migrate(&[]).with_docker().run().exits(0).says(&["and docker compose"]);
}
