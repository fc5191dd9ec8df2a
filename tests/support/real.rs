//! Real compose files, each alone in a project of its own.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Outcome, Project};

/// The compose files that the project brings along.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

/// Every compose file below a folder, in order; hostile ones have tests of their own.
pub fn compose_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() && path.ends_with("hostile") {
            continue;
        }
        if path.is_dir() {
            compose_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml") {
            found.push(path);
        }
    }
    found.sort();
}

/// The file as `compose.yaml` of a repository.
pub fn project(file: &Path) -> Project {
    let project = Project::new();
    fs::write(project.path("compose.yaml"), fs::read(file).unwrap()).unwrap();
    project.write(".gitignore", "*.env\n.env\n");
    project.git_init();
    project
}

/// What a file needs to render and a public collection does not bring: its env files, and a value
/// for each variable that it requires. Whether something was added.
pub fn provide(project: &Project, refused: &Outcome) -> bool {
    let text = &format!("{}{}", refused.stdout, refused.stderr);
    if let Some(path) = between(text, "the env file ", " does not exist") {
        let path = PathBuf::from(path);
        let inside = path.starts_with(project.root()) && !path.exists();
        if inside {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
        }
        return inside;
    }
    if let Some(name) = between(text, "the variable ", " has no value") {
        let before = if project.has(".env") { project.read(".env") } else { String::new() };
        project.write(".env", &format!("{before}{name}=given-by-the-test\n"));
        return !before.contains(&format!("{name}="));
    }
    false
}

fn between<'t>(text: &'t str, head: &str, tail: &str) -> Option<&'t str> {
    let start = text.find(head)? + head.len();
    Some(&text[start..start + text[start..].find(tail)?])
}
