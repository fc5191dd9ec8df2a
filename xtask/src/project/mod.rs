//! The folder tree that is managed: its root, its settings and its stacks.

mod backups;
mod cleanups;
mod compose_file;
mod discover;
mod production;
mod rehearsing;
mod settings;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::source::{Files, clean};

pub use backups::{BeforeDeploy, KeepSettings};
pub use cleanups::CleanupSettings;
pub use discover::{is_compose_file, role_of, stem};
pub use production::{ProductionSettings, ServiceProduction};
pub use rehearsing::{On, Rehearsing};
pub use settings::{
    BackupSettings, DeploySettings, EnvMode, EnvStandardizeSettings, Hooks, Probe, ServiceBackup, Settings, StackSettings, ValidateSettings,
};

/// The settings file; the nearest one upwards marks the root of a project.
pub const SETTINGS_FILE: &str = "xtask.yaml";

/// What a stack is for; policies and prod commands go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Dev,
    Prod,
}

/// One compose deployment: the files in the order in which Compose merges them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// Folder and stem of the file, or the name that the settings give it.
    pub id: String,
    /// Absolute paths.
    pub files: Vec<PathBuf>,
    /// Absolute paths of what the users pass as `--env-file`; `None` when they pass nothing.
    pub env_files: Option<Vec<PathBuf>>,
    pub role: Option<Role>,
    pub profiles: Vec<String>,
    /// Ids of the stacks that start before this one.
    pub after: Vec<String>,
}

impl Stack {
    /// The folder of the first file: where Compose looks for `.env` when it is told nothing else.
    pub fn folder(&self) -> &Path {
        self.files[0].parent().unwrap_or(Path::new("/"))
    }
}

#[derive(Debug, Clone)]
pub struct Project {
    /// Absolute, without links.
    pub root: PathBuf,
    pub settings: Settings,
    pub stacks: Vec<Stack>,
    /// Folders below the root that have settings of their own; their stacks are not this project's.
    pub inner: Vec<PathBuf>,
}

impl Project {
    /// The root for a folder: the nearest `xtask.yaml` upwards, else the nearest `.git`, else the folder.
    pub fn root_of(folder: &Path) -> PathBuf {
        let nearest = |name: &str| folder.ancestors().find(|up| up.join(name).exists());
        nearest(SETTINGS_FILE).or_else(|| nearest(".git")).unwrap_or(folder).to_path_buf()
    }

    /// Reads the settings and finds the stacks. `listed` are the project's files (absolute), without
    /// what git ignores.
    pub fn load(root: &Path, files: &dyn Files, listed: &[PathBuf]) -> Result<Project> {
        let settings = Settings::read(&root.join(SETTINGS_FILE), files)?;
        let inner = discover::inner_projects(root, listed);
        let stacks = match &settings.stacks {
            Some(named) => named.iter().map(|(id, stack)| explicit(root, id, stack)).collect::<Result<_>>()?,
            None => discover::stacks(root, files, listed, &inner)?,
        };
        let project = Project { root: root.to_path_buf(), settings, stacks, inner };
        project.check_order()?;
        Ok(project)
    }

    /// The stacks that the caller means: each name is an id, or a part of one that fits only one.
    /// No names mean all stacks.
    pub fn select(&self, names: &[String]) -> Result<Vec<&Stack>> {
        if self.stacks.is_empty() {
            return Err(self.nothing_here());
        }
        if names.is_empty() {
            return Ok(self.stacks.iter().collect());
        }
        let mut chosen: Vec<&Stack> = Vec::new();
        for name in names {
            let stack = self.named(name)?;
            if !chosen.iter().any(|known| known.id == stack.id) {
                chosen.push(stack);
            }
        }
        Ok(chosen)
    }

    fn named(&self, name: &str) -> Result<&Stack> {
        if let Some(stack) = self.stacks.iter().find(|stack| stack.id == name) {
            return Ok(stack);
        }
        let by_end = |stack: &&Stack| stack.id.rsplit('/').next() == Some(name) || stack.id.ends_with(&format!("/{name}"));
        let by_part = |stack: &&Stack| stack.id.contains(name);
        let mut found: Vec<&Stack> = self.stacks.iter().filter(by_end).collect();
        if found.is_empty() {
            found = self.stacks.iter().filter(by_part).collect();
        }
        match found.as_slice() {
            [one] => Ok(one),
            [] => Err(Error::unusable(format!("there is no stack `{name}`")).help(format!("the stacks here: {}", self.ids()))),
            several => {
                let ids: Vec<&str> = several.iter().map(|stack| stack.id.as_str()).collect();
                Err(Error::unusable(format!("`{name}` fits several stacks: {}", ids.join(", "))).help("name one of them in full"))
            }
        }
    }

    fn ids(&self) -> String {
        self.stacks.iter().map(|stack| stack.id.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn nothing_here(&self) -> Error {
        let error = Error::unusable(format!("no compose file below {}", self.root.display()));
        if self.inner.is_empty() {
            return error.help("go to a project's folder, or name one with -C DIR");
        }
        let inner: Vec<String> = self.inner.iter().map(|folder| self.relative(folder).display().to_string()).collect();
        error.help(format!("projects with an {SETTINGS_FILE} of their own: {}; choose one with -C DIR", inner.join(", ")))
    }

    /// The variables that hold a release's tag: each deploy names it, so that no file has to.
    pub fn tags(&self) -> Vec<&str> {
        let own = self.settings.stacks.iter().flatten().filter_map(|(_, stack)| stack.deploy.as_ref());
        own.chain([&self.settings.deploy]).map(|deploy| deploy.tag.as_str()).collect()
    }

    /// How a stack is deployed: what its own settings say, else those for all.
    pub fn deploy(&self, stack: &str) -> &DeploySettings {
        let own = self.settings.stacks.as_ref().and_then(|stacks| stacks.get(stack)).and_then(|stack| stack.deploy.as_ref());
        own.unwrap_or(&self.settings.deploy)
    }

    /// All stacks, those that others come after before them; else in their own order.
    pub fn in_order(&self) -> Result<Vec<&Stack>> {
        let mut ordered: Vec<&Stack> = Vec::new();
        let mut waiting: Vec<&Stack> = self.stacks.iter().collect();
        while !waiting.is_empty() {
            let started = |id: &String| ordered.iter().any(|stack| stack.id == *id);
            let Some(next) = waiting.iter().position(|stack| stack.after.iter().all(started)) else {
                let ids: Vec<&str> = waiting.iter().map(|stack| stack.id.as_str()).collect();
                return Err(Error::unusable(format!("{SETTINGS_FILE}: {} wait for each other (after)", ids.join(", "))));
            };
            ordered.push(waiting.remove(next));
        }
        Ok(ordered)
    }

    fn check_order(&self) -> Result<()> {
        for stack in &self.stacks {
            for before in &stack.after {
                if !self.stacks.iter().any(|other| &other.id == before) {
                    let what = format!("{SETTINGS_FILE}: stack `{}` comes after `{before}`, which is no stack", stack.id);
                    return Err(Error::unusable(what).help(format!("the stacks here: {}", self.ids())));
                }
            }
        }
        Ok(())
    }

    /// A path as people of this project would write it.
    pub fn relative<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

fn explicit(root: &Path, id: &str, stack: &StackSettings) -> Result<Stack> {
    if stack.files.is_empty() {
        return Err(Error::unusable(format!("{SETTINGS_FILE}: stack `{id}` names no files")).help("give it `files: [compose.yaml]`"));
    }
    let absolute = |paths: &[PathBuf]| -> Vec<PathBuf> { paths.iter().map(|path| clean(&root.join(path))).collect() };
    let files = absolute(&stack.files);
    let role = stack.role.or_else(|| files.last().and_then(|file| role_of(file)));
    Ok(Stack {
        id: id.to_string(),
        files,
        env_files: stack.env_files.as_deref().map(absolute),
        role,
        profiles: stack.profiles.clone(),
        after: stack.after.clone(),
    })
}
