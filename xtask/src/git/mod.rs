//! The only door to git: its program, with lists of arguments, never a shell.

mod call;
mod commit;
mod history;
mod index;
mod leftovers;
mod needles;

use std::path::{Path, PathBuf};

use crate::error::Result;

pub use commit::Made;
pub use history::{History, Seen, Wanted};
pub use index::Entry;

/// The repository that a project lies in.
#[derive(Debug, Clone)]
pub struct Git {
    /// The project's root: where git is called, and what paths are relative to.
    root: PathBuf,
    /// The root below the top of the repository, as git writes it: `""` or `tools/x/`.
    prefix: String,
}

impl Git {
    /// `None`: the project is in no repository, or there is no git here.
    pub fn open(root: &Path) -> Option<Self> {
        let git = Git { root: root.to_path_buf(), prefix: String::new() };
        let told = git.read(["rev-parse", "--is-inside-work-tree", "--show-prefix"]).ok()?;
        let prefix = told.strip_prefix("true\n")?.trim_end_matches('\n').to_string();
        Some(Git { prefix, ..git })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The commit that is checked out; `None` before the first one.
    pub fn head(&self) -> Option<String> {
        let head = self.read(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).ok()?;
        Some(head.trim().to_string())
    }

    pub fn tracked(&self, path: &Path) -> Result<bool> {
        Ok(!self.read_paths(&["ls-files", "-z"], &[path])?.is_empty())
    }

    /// Whether the ignore rules cover a path; of a tracked path they say nothing.
    pub fn ignored(&self, path: &Path) -> Result<bool> {
        self.holds(&["check-ignore", "--quiet"], &[path])
    }

    /// Of these paths those that differ from the last commit, or are not tracked; each with git's two
    /// letters (`" M"`, `"??"`).
    pub fn status(&self, paths: &[&Path]) -> Result<Vec<(String, PathBuf)>> {
        let told = self.read_paths(&["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all"], paths)?;
        let entries = told.split('\0').filter(|entry| entry.len() > 3);
        // This format alone speaks of paths below the top of the repository.
        let below = |path: &str| PathBuf::from(path.strip_prefix(&self.prefix).unwrap_or(path));
        Ok(entries.map(|entry| (entry[..2].to_string(), below(&entry[3..]))).collect())
    }

    /// All files below the root that git tracks or would add: everything but the ignored.
    pub fn files_and_new(&self) -> Result<Vec<PathBuf>> {
        let told = self.read(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        let mut files: Vec<PathBuf> = told.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// All tracked files below the root.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let told = self.read(["ls-files", "-z"])?;
        Ok(told.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect())
    }
}
