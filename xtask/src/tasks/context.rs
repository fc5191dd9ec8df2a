use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::actions::World;
use crate::error::{Error, Result};
use crate::event::Sink;
use crate::git::Git;
use crate::project::Project;
use crate::saga::{Cancel, RunId, Store};
use crate::source::{self, Disk};

/// What every task works with: the project, the doors, and who listens.
pub struct Context<'a> {
    pub project: Project,
    pub store: Store,
    /// `None`: the project is in no repository, or there is no git.
    pub git: Option<Git>,
    /// The exported environment, as the caller has it.
    pub environment: BTreeMap<String, String>,
    pub events: &'a dyn Sink,
    pub cancel: &'a Cancel,
    pub dry_run: bool,
    /// Asks a person to go on; an error where there is nobody to ask.
    pub confirm: &'a dyn Fn(&str) -> Result<bool>,
}

impl<'a> Context<'a> {
    /// Opens the project that `folder` lies in.
    pub fn open(
        folder: &std::path::Path,
        events: &'a dyn Sink,
        cancel: &'a Cancel,
        dry_run: bool,
        confirm: &'a dyn Fn(&str) -> Result<bool>,
    ) -> Result<Self> {
        let folder = folder.canonicalize().map_err(|error| {
            Error::unusable(format!("open the project in {}", folder.display()))
                .why(error.to_string())
                .help("name an existing folder with -C")
        })?;
        let root = Project::root_of(&folder);
        let git = Git::open(&root);
        let listed = listed(&root, git.as_ref())?;
        let project = Project::load(&root, &Disk, &listed)?;
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
        Ok(Context { store: Store::at(&root), project, git, environment, events, cancel, dry_run, confirm })
    }
}

impl Context<'_> {
    /// What the steps of a run act on.
    pub fn world(&self, run: &RunId) -> World {
        World { root: self.project.root.clone(), blobs: self.store.blobs(run), run: run.clone(), git: self.git.clone() }
    }
}

/// The project's files: what git knows or would add, or everything where there is no git.
fn listed(root: &std::path::Path, git: Option<&Git>) -> Result<Vec<PathBuf>> {
    match git {
        Some(git) => Ok(git.files_and_new()?.into_iter().map(|path| root.join(path)).collect()),
        None => source::walk(root),
    }
}
