//! What git must not have.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::change::{Change, Kind};
use super::lines;
use super::survey::tracked;
use crate::error::Result;
use crate::git::Git;
use crate::project::Project;
use crate::source::{Files, text_of};

const IGNORED: &str = "Env files with credentials";

/// Env files with secrets, as git has them.
#[derive(Default)]
pub struct Hidden {
    /// The change of `.gitignore`, where it is needed.
    pub ignore: Option<Change>,
    /// Those that git tracks, below the root.
    pub tracked: Vec<PathBuf>,
}

impl Hidden {
    /// `secret` are absolute. Without git there is nothing to hide from.
    pub fn of(project: &Project, git: Option<&Git>, files: &dyn Files, secret: BTreeSet<&Path>) -> Result<Hidden> {
        let Some(git) = git else { return Ok(Hidden::default()) };
        let (mut ignore, mut known_to_git) = (Vec::new(), Vec::new());
        for path in secret {
            let below = project.relative(path).to_path_buf();
            let is_tracked = tracked(project, path, Some(git))?;
            // Of a tracked file the ignore rules say nothing yet.
            if is_tracked || !git.ignored(&below)? {
                ignore.push(below.display().to_string());
            }
            if is_tracked {
                known_to_git.push(below);
            }
        }
        if ignore.is_empty() {
            return Ok(Hidden { ignore: None, tracked: known_to_git });
        }
        let path = project.root.join(".gitignore");
        let before = text_of(files, &path)?;
        let known: Vec<&str> = before.as_deref().unwrap_or("").lines().map(str::trim).collect();
        ignore.retain(|path| !known.contains(&lines::pattern(path).as_str()));
        let after = lines::ignore(before.as_deref(), IGNORED, &ignore);
        let change = Change { path, kind: Kind::Ignore, before, after, secrets: Vec::new() };
        let ignore = Some(change).filter(|change| change.before.as_deref() != Some(&change.after));
        Ok(Hidden { ignore, tracked: known_to_git })
    }
}
