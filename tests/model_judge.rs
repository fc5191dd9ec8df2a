//! The model equals `docker compose config --format json`: on the cases in `compose/cases`, and on
//! the files below the folder that `XTASK_CORPUS` names.
//!
//! Where Compose 2.40 is installed it judges; elsewhere its recorded output does.
//! `XTASK_BLESS=1` records it anew.

#![allow(clippy::print_stdout)]

#[path = "support/compose.rs"]
mod compose;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value as Json;
use xtask::error::Kind;
use xtask::model::{Call, load};
use xtask::source::Disk;

/// `call.yaml` of a case; what is left out is what a plain `docker compose config` does.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct CaseCall {
    files: Vec<String>,
    env_files: Option<Vec<String>>,
    profiles: Vec<String>,
    project_name: Option<String>,
    environment: BTreeMap<String, String>,
}

struct Case {
    folder: PathBuf,
    call: Call,
    environment: BTreeMap<String, String>,
}

/// Recordings hold wherever the checkout lies: the case's folder is `/case`, the one around it `/cases`.
fn without_place(text: &str, folder: &Path) -> String {
    let around = folder.parent().and_then(Path::to_str).expect("a path in UTF-8");
    text.replace(folder.to_str().expect("a path in UTF-8"), "/case").replace(around, "/cases")
}

impl Case {
    fn read(folder: PathBuf) -> Case {
        let text = fs::read_to_string(folder.join("call.yaml")).unwrap_or_else(|_| "{}".into());
        let mut written: CaseCall = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        if written.files.is_empty() {
            written.files.push("compose.yaml".into());
        }
        let paths = |names: Vec<String>| names.into_iter().map(|name| folder.join(name)).collect();
        let call = Call {
            files: paths(written.files),
            env_files: written.env_files.map(paths),
            profiles: written.profiles,
            project_name: written.project_name,
            ..Call::default()
        };
        Case { folder, call, environment: written.environment }
    }

    fn ours(&self) -> Result<Json, xtask::error::Error> {
        let mut environment = self.environment.clone();
        environment.insert("HOME".into(), compose::HOME.into());
        load(&Disk, &self.call, &environment).map(|model| model.json())
    }

    /// Compose's answer with the case's own folder replaced, so that it can be recorded.
    fn theirs(&self) -> Option<Json> {
        compose::config(&self.folder, &self.call, &self.environment).ok().map(|json| self.movable(&json))
    }

    fn movable(&self, json: &Json) -> Json {
        let folder = self.folder.to_str().expect("a path in UTF-8");
        serde_json::from_str(&without_place(&json.to_string(), Path::new(folder))).expect("JSON stays JSON")
    }

    /// Compose's recorded answer; nothing if it refuses the case.
    fn recorded(&self) -> Option<Json> {
        let text = fs::read_to_string(self.folder.join("expected.json")).unwrap_or_else(|_| panic!("{}: no recorded output", self.name()));
        serde_json::from_str::<Option<Json>>(&text).expect("recorded JSON")
    }

    /// Our words for why a case is refused: what Compose refuses for one reason must not be refused
    /// here for another.
    fn recorded_refusal(&self) -> String {
        fs::read_to_string(self.folder.join("refused.txt")).unwrap_or_default()
    }

    fn refusal(&self, error: &xtask::error::Error) -> String {
        without_place(&format!("{error}\n"), &self.folder)
    }

    fn record(&self) {
        let text = serde_json::to_string_pretty(&self.theirs()).expect("JSON");
        fs::write(self.folder.join("expected.json"), text + "\n").expect("write the recorded output");
        if let Err(error) = self.ours() {
            fs::write(self.folder.join("refused.txt"), self.refusal(&error)).expect("write the recorded refusal");
        }
    }

    fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Nothing if the model is what it should be.
    fn wrong(&self, judge: bool) -> Option<String> {
        let recorded = self.recorded();
        if judge && self.theirs() != recorded {
            return Some("Compose does not say what is recorded; record it with XTASK_BLESS=1".into());
        }
        match (self.ours(), recorded) {
            (Ok(ours), Some(theirs)) => compose::difference("", &self.movable(&ours), &theirs),
            (Ok(_), None) => Some("Compose refuses it, we do not".into()),
            (Err(error), Some(_)) => Some(format!("we refuse it, Compose does not: {error}")),
            (Err(error), None) if error.kind != Kind::Unusable => Some(format!("of the wrong kind: {error}")),
            (Err(error), None) => (self.refusal(&error) != self.recorded_refusal()).then(|| format!("refused in other words: {error}")),
        }
    }
}

/// Asks something of every case, on a few threads: most of the time Compose is starting.
fn ask<T: Send>(cases: &[Case], question: impl Fn(&Case) -> T + Sync) -> Vec<T> {
    let ask_some = |part: &[Case]| part.iter().map(&question).collect::<Vec<T>>();
    std::thread::scope(|scope| {
        let parts: Vec<_> = cases.chunks(cases.len().div_ceil(4)).map(|part| scope.spawn(move || ask_some(part))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("a thread")).collect()
    })
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/compose/cases").canonicalize().expect("the cases");
    let mut folders: Vec<PathBuf> = fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("a case").path()).collect();
    folders.sort();
    folders.into_iter().map(Case::read).collect()
}

#[test]
fn every_case_renders_as_compose_renders_it() {
    let cases = cases();
    let judge = compose::installed();
    if judge && std::env::var_os("XTASK_BLESS").is_some() {
        ask(&cases, Case::record);
    }
    let started = Instant::now();
    let wrong: Vec<String> = ask(&cases, |case| Some(format!("{}: {}", case.name(), case.wrong(judge)?))).into_iter().flatten().collect();
    let by = if judge { "docker compose" } else { "its recorded output" };
    let refused = cases.iter().filter(|case| case.recorded().is_none()).count();
    println!("{} cases, {refused} of them refusals, judged by {by} in {:?}", cases.len(), started.elapsed());
    assert!(wrong.is_empty(), "{} of {} cases are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() - refused >= 170 && refused >= 120, "cases have been lost");
}

#[test]
fn the_corpus_renders_as_compose_renders_it() {
    let Some(corpus) = std::env::var_os("XTASK_CORPUS") else {
        println!("XTASK_CORPUS is not set: no corpus");
        return;
    };
    let files = yaml_files(Path::new(&corpus));
    let judge = compose::installed();
    let (mut equal, mut refused, mut unread, mut wrong) = (0, 0, Vec::new(), Vec::new());
    let mut slowest = Duration::ZERO;
    for file in &files {
        let call = Call { files: vec![file.clone()], ..Call::default() };
        let case = Case { folder: file.parent().expect("a folder").to_path_buf(), call, environment: BTreeMap::new() };
        let started = Instant::now();
        let ours = case.ours();
        slowest = slowest.max(started.elapsed());
        let theirs = judge.then(|| compose::config(&case.folder, &case.call, &case.environment));
        match (ours, theirs) {
            (Ok(ours), Some(Ok(theirs))) => match compose::difference("", &ours, &theirs) {
                None => equal += 1,
                Some(difference) => wrong.push(format!("{}: {difference}", file.display())),
            },
            (Ok(_), Some(Err(message))) => wrong.push(format!("{}: Compose refuses it: {message}", file.display())),
            (Err(error), theirs) if error.why.as_deref().is_some_and(|why| why.starts_with("not read yet")) => {
                unread.push(format!("{error}{}", if theirs.is_some_and(|theirs| theirs.is_err()) { " (Compose refuses it)" } else { "" }));
            }
            (Err(error), Some(Ok(_))) => wrong.push(format!("we refuse what Compose takes: {error}")),
            (Err(error), Some(Err(message))) => {
                refused += 1;
                println!("  {error}\n    Compose: {}", message.lines().last().unwrap_or_default());
            }
            (Ok(_) | Err(_), None) => equal += 1,
        }
    }
    println!(
        "corpus of {}: {equal} equal, {refused} refused by both, {} not read yet, {} wrong; slowest {slowest:?}",
        files.len(),
        unread.len(),
        wrong.len()
    );
    unread.iter().for_each(|error| println!("  {error}"));
    assert!(!files.is_empty(), "the corpus is empty");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the corpus") {
        let path = entry.expect("an entry").path();
        match path.extension().and_then(|extension| extension.to_str()) {
            _ if path.is_dir() => found.extend(yaml_files(&path)),
            Some("yml" | "yaml") => found.push(path),
            _ => {}
        }
    }
    found.sort();
    found
}
