//! What the schema says of a file is what Compose says: nothing where Compose takes the file, and
//! something where Compose names a key that it does not know.
//!
//! On the cases in `compose/cases`, whose answers are recorded, and on the files below the folder
//! that `XTASK_CORPUS` names, where Compose 2.40 is installed to judge them.

#![allow(clippy::print_stdout, reason = "a test says what it counted")]

#[path = "support/compose.rs"]
#[allow(dead_code, reason = "not every test that asks Compose compares")]
mod compose;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use xtask::catalogue::{Unknown, unknown_keys};
use xtask::model::Call;
use xtask::yaml::{Limits, read};

/// Everything unknown in a file, one a line; nothing if it is no YAML that Compose reads.
fn unknown(path: &Path, over_another: bool) -> Option<(Vec<String>, Duration)> {
    let text = fs::read_to_string(path).ok()?;
    let documents = read(&text, Limits::default()).ok()?;
    let start = Instant::now();
    let found: Vec<Vec<Unknown<'_>>> = documents.iter().map(unknown_keys).collect();
    let took = start.elapsed();
    let mut said = Vec::new();
    for (number, found) in found.iter().enumerate() {
        let over = over_another || number > 0;
        let counts = |unknown: &&Unknown<'_>| !(over && matches!(unknown, Unknown::Type { null: true, .. }));
        said.extend(found.iter().filter(counts).map(|unknown| format!("{}: {} ({unknown:?})", path.display(), unknown.place())));
    }
    Some((said, took))
}

/// The compose files of a case, in order.
fn files(case: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(case.join("call.yaml")).unwrap_or_default();
    let call: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
    let named = call.get("files").and_then(|files| files.as_sequence()).into_iter().flatten();
    let named: Vec<PathBuf> = named.map(|name| case.join(name.as_str().unwrap())).collect();
    if named.is_empty() { vec![case.join("compose.yaml")] } else { named }
}

/// Compose reads `include` and `extends` before it validates, and passes over what is odd in them without a word.
/// A misspelt key there is worth a finding all the same.
const PASSED_OVER: [&str; 3] = ["extends-file-null", "extends-unknown-key", "include-odd-entries"];

#[test]
fn nothing_is_unknown_in_what_compose_takes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/compose/cases");
    let (mut clean, mut refused, mut wrong) = (0, Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let case = entry.unwrap().path();
        let said: Vec<String> =
            files(&case).iter().enumerate().filter_map(|(n, file)| unknown(file, n > 0)).flat_map(|(said, _)| said).collect();
        let taken = fs::read_to_string(case.join("expected.json")).unwrap().trim() != "null";
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        if PASSED_OVER.contains(&name.as_str()) {
            assert!(taken && !said.is_empty(), "{name} is no case of it any more");
            continue;
        }
        match (taken, said.is_empty()) {
            (true, true) => clean += 1,
            (true, false) => wrong.extend(said),
            (false, false) => refused.push(name),
            // What Compose refuses for another reason.
            (false, true) => {}
        }
    }
    refused.sort();
    println!("{clean} clean; unknown in {}: {refused:?}", refused.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(clean >= 90, "cases have been lost");
    for case in ["unknown-top-level-key", "unknown-service-key", "unknown-deep-key", "bad-service-name", "type-user-number"] {
        assert!(refused.iter().any(|name| name == case), "{case}");
    }
}

#[test]
fn the_corpus_holds_nothing_unknown_but_where_compose_says_so() {
    let Some(corpus) = std::env::var_os("XTASK_CORPUS").filter(|_| compose::installed()) else {
        println!("XTASK_CORPUS is not set, or Compose 2.40 is not installed: no corpus");
        return;
    };
    let mut found = Vec::new();
    yaml_files(Path::new(&corpus), &mut found);
    let (mut clean, mut both, mut other, mut wrong, mut slowest, mut sum) = (0, 0, 0, Vec::new(), Duration::ZERO, Duration::ZERO);
    for file in &found {
        let Some((said, took)) = unknown(file, false) else { continue };
        slowest = slowest.max(took);
        sum += took;
        let call = Call { files: vec![file.clone()], ..Call::default() };
        match compose::config(file.parent().unwrap(), &call, &BTreeMap::new()) {
            Ok(_) if said.is_empty() => clean += 1,
            Ok(_) => wrong.extend(said),
            Err(message) if message.contains("additional properties") && said.is_empty() => wrong.push(message),
            Err(_) if said.is_empty() => other += 1,
            Err(message) => {
                both += 1;
                println!("  {}\n    Compose: {}", said.join("\n  "), message.trim().lines().last().unwrap_or_default());
            }
        }
    }
    println!(
        "corpus of {}: {clean} clean, {both} unknown to both, {other} refused for other reasons; {sum:?} in all, slowest {slowest:?}",
        found.len()
    );
    assert!(!found.is_empty(), "the corpus is empty");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml") {
            found.push(path);
        }
    }
    found.sort();
}
