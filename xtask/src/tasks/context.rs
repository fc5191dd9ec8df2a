use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use serde::Deserialize;

use crate::actions::{Action, Live, World};
use crate::cancel::Cancel;
use crate::engine::compose::{self, Compose, Found};
use crate::engine::{Docker, Engine};
use crate::error::{Error, Result};
use crate::event::Sink;
use crate::git::Git;
use crate::project::Project;
use crate::saga::{Record, RunId, Sha, Store, state_folder};
use crate::secret::{Masker, Secret};
use crate::source::{self, Disk};

/// The doors to Docker, as far as they open on this machine.
#[derive(Default)]
pub struct Doors {
    pub engine: Option<Rc<dyn Engine>>,
    pub compose: Option<Rc<Compose>>,
    /// Why there is no engine, for whoever needed one.
    pub no_engine: String,
}

impl Doors {
    /// Looks for an engine that answers and for a compose program that can be used.
    pub fn open(cancel: &Cancel) -> Result<Doors> {
        let mut doors = Doors::default();
        match Docker::connect().and_then(|docker| docker.info().map(|_| docker)) {
            Ok(docker) => doors.engine = Some(Rc::new(docker)),
            Err(error) => doors.no_engine = error.to_string(),
        }
        if let Found::Usable(compose) = compose::find(cancel)? {
            doors.compose = Some(Rc::new(compose));
        }
        Ok(doors)
    }
}

/// What every task works with: the project, the doors, and who listens.
pub struct Context<'a> {
    pub project: Project,
    pub store: Store,
    /// `None`: the project is in no repository, or there is no git.
    pub git: Option<Git>,
    /// The exported environment, as the caller has it.
    pub environment: BTreeMap<String, String>,
    pub doors: Doors,
    /// Takes the project's secrets out of captured text; filled by the task that has read them.
    pub masker: RefCell<Masker>,
    /// What stands in the project's files, once somebody has asked.
    pub secrets_of_files: OnceCell<Vec<Secret>>,
    pub events: &'a dyn Sink,
    pub cancel: &'a Cancel,
    pub dry_run: bool,
    /// Asks a person to go on; an error where there is nobody to ask.
    pub confirm: &'a dyn Fn(&str) -> Result<bool>,
    /// Asks a person to type a name, for what is easily regretted: the question, and the name that must be
    /// typed. `--yes` is no answer to it.
    pub confirm_by_name: &'a dyn Fn(&str, &str) -> Result<bool>,
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
        if !folder.is_dir() {
            return Err(Error::unusable(format!("open the project in {}", folder.display()))
                .why("it is not a folder")
                .help("name a folder with -C"));
        }
        let root = Project::root_of(&folder);
        let git = Git::open(&root);
        // Without git nothing is known about tracked files: that must be so, and not only seem so.
        if git.is_none()
            && let Some(refusal) = Git::refusal(&root)
        {
            return Err(refusal);
        }
        let listed = listed(&root, git.as_ref())?;
        let project = Project::load(&root, &Disk, &listed)?;
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
        let (doors, masker) = (Doors::default(), RefCell::default());
        let confirm_by_name = &nobody_types;
        Ok(Context {
            store: Store::at(&root),
            project,
            git,
            environment,
            doors,
            masker,
            secrets_of_files: OnceCell::new(),
            events,
            cancel,
            dry_run,
            confirm,
            confirm_by_name,
        })
    }
}

impl Context<'_> {
    /// What the steps of a run act on.
    pub fn world(&self, run: &RunId) -> World {
        let files = World::of_files(self.project.root.clone(), self.store.blobs(run), run.clone(), self.git.clone());
        World {
            live: self.live().map(Rc::new),
            cancel: self.cancel.clone(),
            masker: self.masker.borrow().clone(),
            state: self.state_folder().ok(),
            ..files
        }
    }

    /// What outlives every checkout: locks and releases.
    pub fn state_folder(&self) -> Result<PathBuf> {
        state_folder(&|name| self.environment.get(name).cloned())
    }

    /// Refuses a state folder that this user's xtask did not make: a journal says what is put back.
    pub fn check_state(&self) -> Result<()> {
        self.store.check_owner()?;
        let tracked = self.git.as_ref().is_some_and(|git| git.tracked(std::path::Path::new(".xtask")).unwrap_or(false));
        if tracked {
            return Err(Error::refused(format!("use {}", self.store.dir().display()))
                .why("git tracks files in it, so they may be somebody else's")
                .help("look where they come from, then `git rm -r --cached .xtask` and move the folder away"));
        }
        Ok(())
    }

    /// What our committed runs left in the files that they wrote, the latest of each: such a file has no
    /// changes but ours.
    pub fn left_by_us(&self) -> Result<BTreeMap<PathBuf, Sha>> {
        let mut left = BTreeMap::new();
        for view in self.store.history()? {
            if !view.state.is_committed() {
                continue;
            }
            for entry in &view.entries {
                // A step that this version does not know is none of files, and a run of long ago must hold nothing up.
                if let Record::Prepared { step, .. } = &entry.record
                    && let Ok(Action::WriteFile(write)) = Action::deserialize(step)
                {
                    left.insert(write.path, write.content);
                }
            }
        }
        Ok(left)
    }

    /// Engine and Compose together, where both are there.
    pub fn live(&self) -> Option<Live> {
        let (engine, compose) = (self.doors.engine.clone()?, self.doors.compose.clone()?);
        Some(Live { engine, compose, cancel: self.cancel.clone() })
    }
}

/// For callers who cannot ask: what is agreed to by name is not done unasked.
fn nobody_types(_: &str, name: &str) -> Result<bool> {
    Err(Error::refused("nothing was touched").why("this is agreed to by name, and nobody was asked").help(format!("add --confirm {name}")))
}

/// The project's files: what git knows or would add, or everything where there is no git. What a sparse
/// checkout leaves out, or somebody has deleted, is not there.
pub(super) fn listed(root: &std::path::Path, git: Option<&Git>) -> Result<Vec<PathBuf>> {
    match git {
        Some(git) => {
            let all = git.files_and_new()?.into_iter().map(|path| root.join(path));
            Ok(all.filter(|path| path.symlink_metadata().is_ok()).collect())
        }
        None => source::walk(root),
    }
}
