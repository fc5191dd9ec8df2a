//! Small projects on disk, and the shipped binary run in them.
//!
//! Every run hides the Docker that the machine may have, unless a test asks for it, and every run's
//! output is searched for the project's secrets: a leak fails whichever test it happens in.

#![allow(dead_code)] // Every test binary uses another part of it.

pub mod judge;
pub mod real;
pub mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A folder with a project in it; removed with its last use.
pub struct Project {
    folder: TempDir,
    root: PathBuf,
    secrets: Vec<String>,
}

/// How a run of the binary ended. Nothing in it is a secret: that was asserted.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// One call of the binary, to be run.
pub struct Call<'p> {
    project: &'p Project,
    command: Command,
    /// Text that may be shown although it is a secret.
    open: bool,
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl Project {
    /// An empty folder; no git.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A root of its own name, so that names made from it are the same everywhere.
        let root = folder.path().canonicalize().unwrap().join("shop");
        fs::create_dir(&root).unwrap();
        Project { folder, root, secrets: Vec::new() }
    }

    /// A repository with these files committed.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let project = Project::new();
        for (path, text) in files {
            project.write(path, text);
        }
        project.git_init();
        project
    }

    /// A repository with one compose file.
    pub fn of(compose: &str) -> Self {
        Project::with(&[("compose.yaml", compose)])
    }

    /// A repository with a copy of a folder.
    pub fn copy_of(folder: &Path) -> Self {
        let project = Project::new();
        tree::copy(folder, &project.root);
        project.git_init();
        project
    }

    /// No run may show any of these.
    pub fn hides(mut self, secrets: &[&str]) -> Self {
        self.secrets.extend(secrets.iter().map(|secret| (*secret).to_string()));
        self
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder that has nothing to do with the project.
    pub fn elsewhere(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The same for a file that may not be text.
    pub fn read_lossy(&self, path: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(path)).unwrap()).into_owned()
    }

    pub fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.path(path)).is_ok()
    }

    pub fn mode(&self, path: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(self.path(path)).unwrap().permissions().mode() & 0o7777
    }

    pub fn git_init(&self) {
        self.git(&["init", "-q", "-b", "main"]);
        self.commit_all();
    }

    pub fn commit_all(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "state"]);
    }

    pub fn git(&self, args: &[&str]) -> String {
        let output = clean(Command::new("git")).arg("-C").arg(&self.root).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A call of the binary in the project's root.
    pub fn xtask(&self, args: &[&str]) -> Call<'_> {
        let mut command = clean(Command::new(env!("CARGO_BIN_EXE_xtask")));
        command.current_dir(&self.root).args(args).stdin(Stdio::null());
        command.env("PATH", path_without_docker(self.folder.path()));
        Call { project: self, command, open: false }
    }

    /// `migrate --phase 1 --yes` with more arguments.
    pub fn migrate(&self, args: &[&str]) -> Outcome {
        self.call_migrate(args).run()
    }

    pub fn call_migrate(&self, args: &[&str]) -> Call<'_> {
        self.xtask(&[&["migrate", "--phase", "1", "--yes"], args].concat())
    }

    /// Phase 1, which must succeed.
    pub fn migrated(&self, args: &[&str]) -> Outcome {
        self.migrate(args).exits(0)
    }

    /// Phase 1 with these arguments must exit so, say these words, and leave the tree alone.
    pub fn refuses(&self, args: &[&str], code: i32, words: &[&str]) -> Outcome {
        self.leaves_alone(self.call_migrate(args), code, words)
    }

    /// The call must exit so, say these words, and change nothing.
    pub fn leaves_alone(&self, call: Call<'_>, code: i32, words: &[&str]) -> Outcome {
        let before = tree::whole(&self.root);
        let outcome = call.run().exits(code).says(words);
        tree::assert_same(&before, &tree::whole(&self.root), "a refusal touches nothing");
        outcome
    }

    /// Phase 1 holds: another run finds nothing to do and touches nothing.
    pub fn holds(&self) {
        let outcome = self.leaves_alone(self.call_migrate(&["--format", "json"]), 0, &[]);
        assert_eq!(outcome.json()["result"]["ended"], "nothing-to-do", "{outcome}");
    }

    /// The values of an env file, as Compose reads them.
    pub fn env(&self, path: &str) -> std::collections::BTreeMap<String, String> {
        let text = self.read(path);
        let entries = xtask::dotenv::parse(&text, &|_| None).unwrap_or_else(|error| panic!("{path} line {}: {}", error.line, error.why));
        entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    fn assert_hidden(&self, what: &str, text: &str) {
        for secret in &self.secrets {
            assert!(!text.contains(secret.as_str()), "{what} shows the secret {secret:?}:\n{text}");
        }
    }
}

impl Call<'_> {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub fn cwd(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// With the machine's own PATH, so with Docker where it is installed.
    pub fn with_docker(mut self) -> Self {
        for name in ["PATH", "DOCKER_HOST", "DOCKER_CONFIG"] {
            if let Some(value) = std::env::var_os(name) {
                self.command.env(name, value);
            }
        }
        self
    }

    /// The output may hold the project's secrets.
    pub fn may_show_secrets(mut self) -> Self {
        self.open = true;
        self
    }

    pub fn run(mut self) -> Outcome {
        let output = self.command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        let outcome = Outcome { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!outcome.stderr.contains("panicked"), "{outcome}");
        if !self.open {
            self.project.assert_hidden("standard output", &outcome.stdout);
            self.project.assert_hidden("standard error", &outcome.stderr);
        }
        outcome
    }

    /// The command itself, for tests that do more than run it to its end.
    pub fn command(self) -> Command {
        self.command
    }
}

impl Outcome {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// The one document of `--format json`.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Whether all these words stand somewhere in what was said.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stdout.contains(word) || self.stderr.contains(word), "no `{word}` in {self}");
        }
        self
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// A program in an environment that is the same everywhere.
pub fn clean(mut command: Command) -> Command {
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", "/nonexistent").env("LC_ALL", "C.UTF-8").env("NO_COLOR", "1");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Test").env(format!("GIT_{role}_EMAIL"), "test@example.org");
    }
    command
}

/// A PATH on which only git is found.
fn path_without_docker(scratch: &Path) -> PathBuf {
    let folder = scratch.join("bin");
    if fs::create_dir(&folder).is_ok() {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let git = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|path| path.is_file()).expect("git is installed");
        std::os::unix::fs::symlink(git, folder.join("git")).unwrap();
    }
    folder
}
