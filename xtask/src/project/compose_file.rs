//! `COMPOSE_FILE` of a folder's `.env`: what Compose runs there where nobody names files. An exported one is of one
//! shell and not of the project: it would hide stacks from an audit, and so it counts for nothing.

use std::path::{Path, PathBuf};

use super::{Stack, role_of};
use crate::dotenv;
use crate::error::Result;
use crate::source::{Files, clean};

const VARIABLE: &str = "COMPOSE_FILE";

/// The files that `COMPOSE_FILE` names for a call in `folder`, absolute and in order; nothing if it is
/// not set or empty. `COMPOSE_PATH_SEPARATOR` tells what stands between them, else a colon.
fn named_files(folder: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Option<Vec<PathBuf>> {
    let filled = |name: &str| variable(name).filter(|value| !value.is_empty());
    let separator = filled("COMPOSE_PATH_SEPARATOR").unwrap_or_else(|| ":".into());
    Some(filled(VARIABLE)?.split(&separator).map(|file| clean(&folder.join(file))).collect())
}

/// The stack that the `.env` of a folder makes of it by `COMPOSE_FILE`; it bears `id`.
pub fn stack_of_dotenv(folder: &Path, id: &str, files: &dyn Files) -> Result<Option<Stack>> {
    let path = folder.join(".env");
    if files.is_folder(&path) {
        return Ok(None);
    }
    let Some(bytes) = files.read(&path)? else { return Ok(None) };
    // Whoever renders a stack says what is wrong with its env file.
    let Some(text) = std::str::from_utf8(&bytes).ok().filter(|text| text.contains(VARIABLE)) else { return Ok(None) };
    let Ok(entries) = dotenv::parse(text, &|_| None) else { return Ok(None) };
    let variable = |name: &str| entries.iter().rfind(|entry| entry.key == name).map(|entry| entry.value.clone());
    named_files(folder, &variable).map(|named| stack(folder, id, named, files)).transpose()
}

/// A stack of named files, called in `folder`. Compose reads the `.env` there, and then the one beside
/// the first file for what is not set yet.
fn stack(folder: &Path, id: &str, named: Vec<PathBuf>, files: &dyn Files) -> Result<Stack> {
    let mut env_files = None;
    let beside = named[0].parent().unwrap_or(Path::new("/")).join(".env");
    if beside != folder.join(".env") {
        let mut found = vec![folder.join(".env")];
        if !files.is_folder(&beside) && files.read(&beside)?.is_some() {
            found.insert(0, beside);
        }
        env_files = Some(found);
    }
    let role = named.last().and_then(|file| role_of(file));
    Ok(Stack { id: id.to_string(), files: named, env_files, role, profiles: Vec::new(), after: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_start_where_compose_is_called() {
        let named = |name: &str| (name == VARIABLE).then(|| "a.yaml:../b/c.yaml:/d.yaml".to_string());
        let files = named_files(Path::new("/p/x"), &named).unwrap();
        assert_eq!(files, ["/p/x/a.yaml", "/p/b/c.yaml", "/d.yaml"].map(PathBuf::from));
        assert_eq!(named_files(Path::new("/p"), &|_| None), None);
        assert_eq!(named_files(Path::new("/p"), &|_| Some(String::new())), None);
    }
}
