//! The only door to git: its program, with lists of arguments, never a shell.

mod call;
mod commit;
mod deadline;
mod entries;
mod history;
mod hooks;
mod index;
mod leftovers;
mod needles;
mod stored;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

pub use commit::Made;
pub use entries::{Entries, Entry};
pub use history::{History, Seen, Wanted};
pub use stored::{Stored, Turned};

/// The repository that a project lies in.
#[derive(Debug, Clone)]
pub struct Git {
    /// The project's root: where git is called, and what paths are relative to.
    root: PathBuf,
    /// The top of the working tree.
    top: PathBuf,
    /// The root below the top, as git writes it: `""` or `tools/x/`.
    prefix: String,
    /// Where this working tree's index and HEAD are, and where all working trees' branches are.
    dir: PathBuf,
    common_dir: PathBuf,
    /// The name of no object: as many zeros as names have digits.
    zero: String,
}

/// Whether git could see a working tree here: it looks for this, upwards.
fn marked(root: &Path) -> bool {
    root.ancestors().any(|folder| folder.join(".git").exists())
}

impl Git {
    /// `None`: the project is in no repository, or there is no git here.
    pub fn open(root: &Path) -> Option<Self> {
        // Starting a program to hear that there is nothing takes longer than judging a stack.
        if !marked(root) {
            return None;
        }
        let git = Git::at(root);
        let told = git
            .read(["rev-parse", "--show-toplevel", "--show-prefix", "--absolute-git-dir", "--git-common-dir", "--show-object-format"])
            .ok()?;
        let mut lines = told.lines();
        let mut line = || lines.next().map(str::to_string);
        let (top, prefix, dir, common_dir) = (line()?, line()?, line()?, line()?);
        let digits = if line()? == "sha256" { 64 } else { 40 };
        // The last one alone is relative to where git is called.
        let common_dir = root.join(common_dir);
        Some(Git { top: top.into(), prefix, dir: dir.into(), common_dir, zero: "0".repeat(digits), ..git })
    }

    /// Why git refuses a folder in which there is a `.git`: a repository of another owner, say. `None`:
    /// git is not installed, or sees no repository there.
    pub fn refusal(root: &Path) -> Option<Error> {
        if !marked(root) || which::which("git").is_err() {
            return None;
        }
        let why = Git::at(root).read(["rev-parse", "--show-toplevel"]).err()?.why.unwrap_or_default();
        let help = "Make `git status` work here first; of another user's repository git says how (safe.directory)";
        Some(Error::unusable(format!("open the git repository of {}", root.display())).why(why).help(help))
    }

    /// Can be called, and knows nothing yet.
    fn at(root: &Path) -> Self {
        let nowhere = PathBuf::new;
        Git { root: root.to_path_buf(), top: nowhere(), prefix: String::new(), dir: nowhere(), common_dir: nowhere(), zero: String::new() }
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
        // It knows no literal paths; the dot keeps a leading colon from being magic.
        self.holds(&["--no-literal-pathspecs", "check-ignore", "--quiet"], &[&Path::new(".").join(path)])
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
        let mut files = self.paths(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// All tracked files of the repository, absolute.
    pub fn files_of_top(&self) -> Result<std::collections::BTreeSet<PathBuf>> {
        let top = Git { root: self.top.clone(), ..self.clone() };
        Ok(top.files()?.into_iter().map(|path| self.top.join(path)).collect())
    }

    /// All tracked files below the root.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        self.paths(["ls-files", "-z"])
    }
}
