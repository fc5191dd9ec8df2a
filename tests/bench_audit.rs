//! `bench audit` measures what it says it measures.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const XTASK: &str = env!("CARGO_BIN_EXE_xtask");

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(XTASK).args(args).current_dir(folder).env("TMPDIR", folder).output().unwrap()
}

fn measured(folder: &Path, args: &[&str]) -> Value {
    let output = run(folder, &[&["bench", "audit", "--format", "json", "--rounds", "1", "--no-peers"], args].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["result"].clone()
}

#[test]
fn a_small_bench_tells_every_figure_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let result = measured(folder.path(), &["--copies", "2"]);
    assert_eq!(result["files"], 14, "seven compose files of the example stacks, twice");
    let names: Vec<&str> = result["programs"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["xtask", "xtask, human", "xtask, one core", "xtask, one core, human"]);
    assert!(result["programs"].as_array().unwrap().iter().all(|run| run["files_per_second"].as_f64().unwrap() > 1.0), "{result}");
    assert!(result["start_seconds"].as_f64().unwrap() > 0.0);
    let sizes: Vec<u64> = result["growth"][1]["points"].as_array().unwrap().iter().map(|point| point[0].as_u64().unwrap()).collect();
    assert_eq!(sizes, [14, 28, 56]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the copies are gone");
}

#[test]
fn a_folder_of_one_s_own_is_measured_too() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/compose.yaml"), "services: {web: {image: nginx}}\n").unwrap();
    let result = measured(folder.path(), &["--copies", "3", "--files", "mine"]);
    assert_eq!(result["files"], 3);
    fs::create_dir(folder.path().join("empty")).unwrap();
    let nothing = run(folder.path(), &["bench", "audit", "--files", "empty"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("there is no compose file below empty"));
}
