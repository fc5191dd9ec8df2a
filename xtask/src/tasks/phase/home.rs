//! Where a stack's variables come from when its users call it, and so where a value must be.

use std::path::{Path, PathBuf};

use super::survey::tracked;
use crate::error::Result;
use crate::git::Git;
use crate::project::{Project, Stack};
use crate::source::clean;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Home {
    /// The main env file itself, or a link that leads to it.
    Main,
    /// An env file of its own that is there.
    Own(PathBuf),
    /// Nothing is there yet: a link or a small file will have to carry the values.
    Missing(PathBuf),
    /// No place for a secret, and why.
    Closed(String),
}

/// The home of a stack; `main` is the env file where the values live.
pub fn home(project: &Project, stack: &Stack, main: &Path, git: Option<&Git>) -> Result<Home> {
    let Some(declared) = &stack.env_files else { return Ok(beside_the_files(project, stack, main)) };
    if declared.iter().any(|file| file == main) {
        return Ok(Home::Main);
    }
    // Later ones win, so the last that may hold a secret is the one.
    for file in declared.iter().rev() {
        if file.starts_with(&project.root) && !tracked(project, file, git)? {
            return Ok(Home::Own(file.clone()));
        }
    }
    Ok(Home::Closed(format!("stack {}: git tracks every env file that it names, or none lies in the project", stack.id)))
}

fn beside_the_files(project: &Project, stack: &Stack, main: &Path) -> Home {
    let path = stack.folder().join(".env");
    if path == *main {
        return Home::Main;
    }
    match std::fs::symlink_metadata(&path) {
        Err(_) => Home::Missing(path),
        Ok(meta) if !meta.file_type().is_symlink() => Home::Own(path),
        Ok(_) => {
            let leads_to = std::fs::read_link(&path).map(|target| clean(&stack.folder().join(target)));
            if leads_to.is_ok_and(|target| target == *main) {
                return Home::Main;
            }
            let shown = project.relative(&path).display();
            Home::Closed(format!("{shown} is a link to another file than {}", project.relative(main).display()))
        }
    }
}

/// The way from a link to the main file, as the link holds it.
pub fn link_target(link: &Path, main: &Path) -> PathBuf {
    let folder = link.parent().unwrap_or(Path::new("/"));
    let mut up = PathBuf::new();
    let mut base = folder;
    loop {
        if let Ok(rest) = main.strip_prefix(base) {
            return up.join(rest);
        }
        up.push("..");
        match base.parent() {
            Some(parent) => base = parent,
            None => return main.to_path_buf(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_relative() {
        let target = |link: &str| link_target(Path::new(link), Path::new("/p/.env"));
        assert_eq!(target("/p/tools/compose/.env"), Path::new("../../.env"));
        assert_eq!(target("/p/web/.env"), Path::new("../.env"));
    }
}
