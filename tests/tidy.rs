//! Holds the shape of the tree: who may import whom, how long a file may grow, and that the project
//! speaks of itself alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms and their ranks; a file imports only from lower ranks and from its own room.
const RANKS: &[(u8, &[&str])] = &[
    (0, &["cancel", "error", "event", "secret", "text"]),
    (1, &["dotenv", "engine", "git", "process", "saga", "source", "yaml"]),
    (2, &["backup", "catalogue", "finding", "model", "policy", "project", "registry", "release", "surroundings"]),
    (3, &["production", "rules"]),
    (4, &["audit", "fix"]),
    (5, &["actions", "guards", "proof"]),
    (6, &["report", "tasks"]),
    (7, &["cli", "main", "lib"]),
];

/// Rooms of one rank that build on each other, lower first. Everything else on one rank is apart.
const ALLOWED_BESIDE: &[(&str, &str)] = &[
    ("cancel", "error"),
    ("engine", "process"),
    ("git", "process"),
    ("git", "source"),
    ("report", "tasks"),
    ("actions", "proof"),
    ("backup", "catalogue"),
    ("policy", "finding"),
    ("policy", "project"),
    ("project", "release"),
    ("surroundings", "model"),
    ("fix", "audit"),
];

const LONGEST_FILE: usize = 500;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn files_below(folder: &Path, ending: &str, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, ending, into);
        } else if path.extension().is_some_and(|e| e == ending) {
            into.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    files_below(&workspace().join("xtask/src"), "rs", &mut files);
    files.sort();
    assert!(files.len() > 20, "the sources are not where this test looks");
    files
}

/// The rooms that a line of code names as `crate::room`, in `use` trees too.
fn rooms_named(line: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for part in line.split("crate::").skip(1) {
        let inner = part.strip_prefix('{').map_or(vec![part], |tree| tree.split(',').collect());
        for name in inner {
            let room: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !room.is_empty() {
                rooms.push(room);
            }
        }
    }
    rooms
}

#[test]
fn files_import_from_lower_ranks_only() {
    let ranks: BTreeMap<&str, u8> = RANKS.iter().flat_map(|(rank, rooms)| rooms.iter().map(move |room| (*room, *rank))).collect();
    let root = workspace().join("xtask/src");
    let mut wrong = Vec::new();
    for path in sources() {
        let relative = path.strip_prefix(&root).unwrap();
        let room = relative.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_string();
        let Some(own) = ranks.get(room.as_str()) else {
            wrong.push(format!("{}: the room `{room}` has no rank; give it one in tests/tidy.rs", relative.display()));
            continue;
        };
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for named in rooms_named(line) {
                let beside = ALLOWED_BESIDE.contains(&(room.as_str(), named.as_str()));
                if named != room && !beside && ranks.get(named.as_str()).is_some_and(|rank| rank >= own) {
                    wrong.push(format!("{}:{}: `{room}` must not import `{named}`", relative.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_file_outgrows_its_purpose() {
    let too_long: Vec<String> = sources()
        .iter()
        .map(|path| (path, fs::read_to_string(path).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(path, lines)| format!("{}: {lines} lines; split it by meaning", path.display()))
        .collect();
    assert!(too_long.is_empty(), "\n{}", too_long.join("\n"));
}

#[test]
fn only_reports_print() {
    let root = workspace().join("xtask/src");
    let mut wrong = Vec::new();
    for path in sources() {
        let relative = path.strip_prefix(&root).unwrap();
        if relative.starts_with("report") {
            continue;
        }
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            if ["println!", "eprintln!", "print!(", "eprint!("].iter().any(|word| line.contains(word)) {
                wrong.push(format!("{}:{}: {}", relative.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
