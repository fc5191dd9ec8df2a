//! From what the caller names to stacks.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::Request;
use crate::error::{Error, Result};
use crate::git::Git;
use crate::project::{Project, SETTINGS_FILE, Stack, role_of};
use crate::source::{Disk, Overlay, clean, real};
use crate::tasks::context::listed;

/// What standard input is called in reports.
const STDIN: &str = "<stdin>";

/// The stacks to be judged, and where their files are.
pub struct Scope {
    /// Reports show paths relative to it; its `policies/` hold.
    pub root: PathBuf,
    pub stacks: Vec<Stack>,
    /// What is read, standard input included.
    pub files: Overlay<'static>,
    tracked: OnceLock<Option<Arc<BTreeSet<PathBuf>>>>,
    listed: OnceLock<Vec<PathBuf>>,
}

impl Scope {
    pub fn resolve(request: &Request, folder: &Path) -> Result<Scope> {
        let folder = folder.canonicalize().map_err(|error| Error::io("open", folder, error).kind(crate::error::Kind::Unusable))?;
        let mut scope = Scope {
            root: folder.clone(),
            stacks: Vec::new(),
            files: Overlay::new(&Disk),
            tracked: OnceLock::new(),
            listed: OnceLock::new(),
        };
        let project_root = Project::root_of(&folder);
        if !request.files.is_empty() {
            let files: Vec<PathBuf> = request.files.iter().map(|file| clean(&folder.join(file))).collect();
            let id = request.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join("+");
            scope.root = project_root.clone();
            scope.stacks.push(Stack::of_files(id, files));
        }
        let (paths, names): (Vec<&String>, Vec<&String>) =
            request.targets.iter().partition(|target| *target == "-" || folder.join(target).exists());
        for target in paths {
            scope.add_path(target, &folder)?;
        }
        if !names.is_empty() || (request.targets.is_empty() && request.files.is_empty()) {
            let project = open(&project_root)?;
            let names: Vec<String> = names.into_iter().cloned().collect();
            scope.stacks.extend(project.select(&names)?.into_iter().cloned());
            scope.root = project_root;
        }
        let mut seen = BTreeSet::new();
        scope.stacks.retain(|stack| seen.insert((stack.id.clone(), stack.files.clone())));
        Ok(scope)
    }

    fn add_path(&mut self, target: &str, folder: &Path) -> Result<()> {
        if target == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map_err(|error| Error::io("read", Path::new(STDIN), error))?;
            let path = folder.join(STDIN);
            self.files.set(&path, Some(bytes));
            self.stacks.push(Stack::of_files(STDIN.to_string(), vec![path]));
            return Ok(());
        }
        let path = clean(&folder.join(target));
        if !path.is_dir() {
            self.stacks.push(Stack::of_files(target.to_string(), vec![path]));
            return Ok(());
        }
        let project = open(&real(&path))?;
        if project.stacks.is_empty() && project.inner.is_empty() {
            return Err(Error::unusable(format!("there is no compose file below {target}")).help("name a compose file, or another folder"));
        }
        let inner = project.inner.iter().map(|inner| open(inner)).collect::<Result<Vec<_>>>()?;
        for project in std::iter::once(project).chain(inner) {
            let prefix = project.root.strip_prefix(folder).unwrap_or(&project.root).display().to_string();
            for stack in project.stacks {
                let id = if prefix.is_empty() || project.root == self.root { stack.id } else { format!("{prefix}/{}", stack.id) };
                self.stacks.push(Stack { id, ..stack });
            }
        }
        Ok(())
    }

    /// The absolute paths of what git tracks, asked for once; `None` without git.
    pub fn tracked(&self) -> Option<Arc<BTreeSet<PathBuf>>> {
        let ask = || {
            let git = Git::open(&self.root)?;
            let files = git.files().ok()?;
            Some(Arc::new(files.into_iter().map(|path| self.root.join(path)).collect()))
        };
        self.tracked.get_or_init(ask).clone()
    }

    /// The project's files, absolute, without what git ignores, asked for once. A folder that is no project
    /// can hold anything: it is not searched.
    pub fn listed(&self) -> &[PathBuf] {
        self.listed.get_or_init(|| {
            let git = Git::open(&self.root);
            let is_project = git.is_some() || self.root.join(SETTINGS_FILE).exists();
            if is_project { listed(&self.root, git.as_ref()).unwrap_or_default() } else { Vec::new() }
        })
    }
}

fn open(root: &Path) -> Result<Project> {
    let git = Git::open(root);
    if git.is_none()
        && let Some(refusal) = Git::refusal(root)
    {
        return Err(refusal);
    }
    Project::load(root, &Disk, &listed(root, git.as_ref())?)
}

impl Stack {
    /// Files that are called together, with the role that their names tell.
    fn of_files(id: String, files: Vec<PathBuf>) -> Stack {
        let role = files.iter().rev().find_map(|file| role_of(file));
        Stack { id, files, env_files: None, role, profiles: Vec::new(), after: Vec::new() }
    }
}
