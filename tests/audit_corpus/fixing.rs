//! The safe fixes of one real file: made by the shipped binary, verified, and undone.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value as Json;
use xtask::audit::Audit;
use xtask::finding::FixKind;
use xtask::model::{Call, load};
use xtask::source::Disk;

use super::looking::{audited, comments};
use super::support::Project;
use compose_judge::{config, difference, installed};

#[path = "../support/compose.rs"]
mod compose_judge;

/// What fixing a file came to.
pub struct Fixed {
    /// The rule of each fix that was made.
    pub rules: Vec<String>,
    /// The rule of each fix that was not made, and why.
    pub left: Vec<String>,
    pub judged_by_compose: bool,
}

const FIX: [&str; 6] = ["audit", "compose.yaml", "--fix", "--format", "json", "--apply"];

pub fn fix(project: &Project, name: &str, before: &Audit) -> Fixed {
    let original = fs::read(project.path("compose.yaml")).expect("the file");
    let outcome = project.xtask(&[&FIX[..], &["--yes"]].concat()).run();
    assert_eq!(outcome.code, 0, "{name}: {outcome}");
    let said = outcome.json();
    let list = |key: &str| said["result"][key].as_array().cloned().unwrap_or_default();
    let rules: Vec<String> = list("fixed").iter().map(|finding| word(&finding["rule"])).collect();
    let left: Vec<String> =
        list("left").iter().map(|left| format!("{}: {}", word(&left["finding"]["rule"]), generic(&word(&left["why"])))).collect();
    if rules.is_empty() {
        assert_eq!(fs::read(project.path("compose.yaml")).expect("the file"), original, "{name} changed without a fix");
        return Fixed { rules, left, judged_by_compose: false };
    }

    let (text, fixed) = (String::from_utf8(original.clone()).expect("text"), project.read("compose.yaml"));
    assert!(comments(&fixed) >= comments(&text), "{name}: comments were lost");
    let after = audited(project);
    assert_eq!(after.gaps.len(), 0, "{name} does not render any more");
    let safe = |audit: &Audit| {
        audit.findings.iter().filter(|entry| entry.finding.fix.as_ref().is_some_and(|fix| fix.kind == FixKind::Apply)).count()
    };
    assert_eq!(safe(before), rules.len() + left.len(), "{name}: a fix was neither made nor left by name");
    assert_eq!(safe(&after), left.len(), "{name}: what was fixed is found again");
    assert_eq!(before.findings.len() - rules.len(), after.findings.len(), "{name}: another finding came or went");
    let judged_by_compose = renders_like_compose(project, name);

    let again = project.xtask(&FIX).run();
    assert_eq!(again.code, 0, "{name}: a second run would change something: {again}");
    let again = again.json();
    assert_eq!(
        (&again["result"]["ended"], again["result"]["left"].as_array().map(Vec::len)),
        (&Json::from("nothing-to-do"), Some(left.len())),
        "{name}"
    );
    assert_eq!(project.read("compose.yaml"), fixed, "{name}: a second run changed something");
    project.xtask(&["rollback", "--yes"]).run().exits(0);
    assert_eq!(fs::read(project.path("compose.yaml")).expect("the file"), original, "{name}: it is not as it was");
    Fixed { rules, left, judged_by_compose }
}

/// The fixed file means to Compose what it means to us.
fn renders_like_compose(project: &Project, name: &str) -> bool {
    if !installed() {
        return false;
    }
    let call = Call { files: vec![project.path("compose.yaml")], ..Call::default() };
    let environment = BTreeMap::from([("HOME".to_string(), compose_judge::HOME.to_string())]);
    let ours = load(&Disk, &call, &environment).map(|model| model.json());
    match (ours, config(project.root(), &call, &BTreeMap::new())) {
        (Ok(ours), Ok(theirs)) => assert_eq!(difference("", &ours, &theirs), None, "{name} as fixed"),
        (ours, theirs) => assert_eq!(ours.is_ok(), theirs.is_ok(), "{name} as fixed: {:?}, {:?}", ours.err(), theirs.err()),
    }
    true
}

fn word(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_string()
}

/// A reason without the names of one file, to be counted.
fn generic(why: &str) -> String {
    why.split(" at ").next().unwrap_or_default().to_string()
}
