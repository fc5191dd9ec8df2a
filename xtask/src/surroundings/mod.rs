//! What stands around a stack's compose files and decides what they mean: the Dockerfiles and sources of
//! what it builds, the templates that document its variables, what git tracks, the machine that it shall
//! run on. Read once, then given to the rules as data.

mod build;
pub mod dockerfile;
mod documented;
mod ignore;
mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::Model;
use crate::source::Files;

pub use build::Build;
pub use documented::Documented;
pub use ignore::Ignore;
pub use reads::Read;

/// The machine that the stack shall run on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Host {
    pub cpus: f64,
    pub memory_bytes: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The project's root, absolute; empty where there is no project.
    pub root: PathBuf,
    /// The absolute paths of what git tracks; `None`: there is no git, nothing is known.
    pub tracked: Option<Arc<BTreeSet<PathBuf>>>,
    /// Only when it was asked for.
    pub host: Option<Host>,
    /// What each service with a `build` section is built from.
    pub builds: BTreeMap<String, Build>,
    /// The templates of env files; `None`: there is none.
    pub documented: Option<Documented>,
}

impl Surroundings {
    /// Reads what the stack's files reach. `listed` are the project's files (absolute), without what git
    /// ignores. What cannot be read is left out, and said in [`Build::unclear`]. A stack that builds
    /// nothing and has no variables costs nothing.
    pub fn gather(
        model: &Model,
        files: &dyn Files,
        root: &Path,
        listed: &BTreeSet<PathBuf>,
        tracked: Option<&Arc<BTreeSet<PathBuf>>>,
    ) -> Surroundings {
        let folder = model.sources.first().and_then(|source| source.path.parent()).unwrap_or(root);
        let documented = if model.references.is_empty() { None } else { Documented::read(files, root, folder) };
        Surroundings {
            root: root.to_path_buf(),
            tracked: tracked.cloned(),
            host: None,
            builds: build::builds(model, files, listed),
            documented,
        }
    }
}
