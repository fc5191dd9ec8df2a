//! Real files go through phase 1, each alone in a repository of its own: proven, or refused with a
//! reason and untouched; never half, never a wrong edit, never a panic.
//!
//! The files below `tests/fixtures` always; with `XTASK_CORPUS` every compose file below that folder.

#![allow(clippy::print_stderr, reason = "a test says what it could not look at, and counts")]

mod support;

use std::path::{Path, PathBuf};

use support::real::{compose_files, fixtures, project, provide};
use support::{Project, judge as compose, tree};

/// How one file came out.
enum End {
    NothingToDo,
    /// How many variables it has now.
    Migrated(usize),
    Refused(String),
}

fn migrate(file: &Path) -> End {
    let project = project(file);
    let mut judged = config(&project);
    let mut before = tree::whole(project.root());
    let mut outcome = project.migrate(&[]);
    for _ in 0..20 {
        if outcome.code == 0 || !provide(&project, &outcome) {
            break;
        }
        judged = config(&project);
        before = tree::whole(project.root());
        outcome = project.migrate(&[]);
    }
    let name = file.display();
    match outcome.code {
        0 => {
            if let Some(Ok(judged)) = judged {
                let after = config(&project).unwrap().unwrap_or_else(|error| panic!("{name} does not render any more: {error}"));
                equal_but_for_gains(&project, &name.to_string(), &judged, after);
            }
            project.holds();
            let changed = !project.git(&["diff", "--name-only"]).is_empty();
            if changed { End::Migrated(project.env(".env").len()) } else { End::NothingToDo }
        }
        2 | 3 => {
            tree::assert_same(&before, &tree::whole(project.root()), &format!("{name} was refused, so it is untouched"));
            let why: Vec<&str> = outcome.stderr.lines().filter(|line| !line.contains("Plan ")).collect();
            assert!(why.len() > 1, "{name}: a refusal without a reason");
            End::Refused(why.join(" / "))
        }
        code => panic!("{name}: exit {code}\n{outcome}"),
    }
}

fn config(project: &Project) -> Option<Result<serde_json::Value, String>> {
    compose::installed().then(|| compose::config(project.root(), &["compose.yaml"]))
}

/// A service that loads the `.env` which was written may see the new variables, nothing else.
fn equal_but_for_gains(project: &Project, name: &str, before: &serde_json::Value, mut after: serde_json::Value) {
    let new = if project.has(".env") { project.env(".env") } else { Default::default() };
    for (service, model) in after["services"].as_object_mut().unwrap() {
        let old = before["services"][service].get("environment").cloned();
        let had = |key: &str| old.as_ref().is_some_and(|old| old.get(key).is_some());
        if let Some(environment) = model.get_mut("environment").and_then(serde_json::Value::as_object_mut) {
            environment.retain(|key, _| !new.contains_key(key) || had(key));
            let empty = environment.is_empty();
            match &old {
                Some(old) if empty && old.is_null() => model["environment"] = serde_json::Value::Null,
                None if empty => drop(model.as_object_mut().unwrap().remove("environment")),
                _ => {}
            }
        }
    }
    assert_eq!(before, &after, "{name} renders differently");
}

fn go_through(files: &[PathBuf], label: &str) -> (usize, usize, usize) {
    let (mut nothing, mut migrated, mut variables, mut refused) = (0, 0, 0, 0);
    for file in files {
        match migrate(file) {
            End::NothingToDo => nothing += 1,
            End::Migrated(count) => {
                migrated += 1;
                variables += count;
            }
            End::Refused(why) => {
                refused += 1;
                eprintln!("refused: {}: {why}", file.display());
            }
        }
    }
    let judge = if compose::installed() { "and equal to docker compose" } else { "not judged by docker compose" };
    eprintln!(
        "{label}: {} files, {migrated} migrated into {variables} variables ({judge}), {nothing} with nothing to do, {refused} refused",
        files.len()
    );
    (nothing, migrated, refused)
}

#[test]
fn our_own_real_looking_files() {
    let mut files = Vec::new();
    compose_files(&fixtures(), &mut files);
    let (nothing, migrated, refused) = go_through(&files, "fixtures");
    assert!(migrated >= 12 && nothing >= 2 && refused >= 1, "{migrated} migrated, {nothing} clean, {refused} refused");
}

#[test]
fn files_of_the_corpus() {
    let Some(corpus) = std::env::var_os("XTASK_CORPUS") else {
        eprintln!("XTASK_CORPUS names no folder: nothing more to go through");
        return;
    };
    let mut files = Vec::new();
    compose_files(Path::new(&corpus), &mut files);
    assert!(!files.is_empty(), "no compose file below XTASK_CORPUS");
    let (_, migrated, refused) = go_through(&files, "corpus");
    assert!(migrated > refused, "most of them can be migrated");
}
