//! The repository's own say in a commit: its hooks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Git;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::process::Program;
use crate::secret::Masker;

/// Hooks run whole test suites.
const LONGEST: Duration = Duration::from_secs(60 * 60);

impl Git {
    /// Asks `pre-commit` and `commit-msg` about a commit of what `index` holds; returns the message,
    /// which the second may change. What they print is dropped: it may show anything.
    pub(super) fn ask_hooks(&self, index: &Path, message: &str, cancel: &Cancel) -> Result<String> {
        self.ask_hook("pre-commit", index, None, cancel)?;
        let file = index.with_extension("message");
        fs::write(&file, message).map_err(|error| Error::io("write", &file, error))?;
        self.ask_hook("commit-msg", index, Some(&file), cancel)?;
        fs::read_to_string(&file).map_err(|error| Error::io("read", &file, error))
    }

    fn ask_hook(&self, name: &str, index: &Path, argument: Option<&Path>, cancel: &Cancel) -> Result<()> {
        let Some(hook) = self.hook(name)? else { return Ok(()) };
        let program = Program::new(hook).args(argument).cwd(&self.top).env("GIT_INDEX_FILE", index).env("GIT_EDITOR", ":");
        let output = program.deadline(LONGEST).run(&Masker::default(), cancel)?;
        if output.success() {
            return Ok(());
        }
        let code = output.code.map_or(String::new(), |code| format!(" (exit code {code})"));
        Err(Error::refused("commit")
            .why(format!("the hook {name} said no{code}"))
            .help("Leave out the commit, make it with `git commit` and see what the hook says"))
    }

    /// An executable hook, wherever the configuration has them.
    fn hook(&self, name: &str) -> Result<Option<PathBuf>> {
        let told = self.read(["rev-parse", "--git-path", &format!("hooks/{name}")])?;
        let path = self.root.join(told.trim_end_matches('\n'));
        let executable = fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
        Ok(executable.then_some(path))
    }
}
