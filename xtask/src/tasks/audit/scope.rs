//! From what the caller names to stacks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::Request;
use super::policies::Policies;
use super::version::Version;
use crate::error::{Error, Result};
use crate::git::Git;
use crate::project::{Project, SETTINGS_FILE, Stack, role_of};
use crate::source::{Disk, Files, Overlay, clean, read_all, real};
use crate::tasks::context::listed;

/// What standard input is called on the command line.
pub(super) const STDIN_TARGET: &str = "-";

/// What it is called in reports.
const STDIN: &str = "<stdin>";

/// The stacks to be judged, and where their files are.
pub struct Scope<'f> {
    /// Reports show paths relative to it; its `policies/` hold.
    pub root: PathBuf,
    pub stacks: Vec<Stack>,
    pub policies: Policies,
    /// What is read, standard input included.
    pub files: Overlay<'f>,
    /// Git's files instead of those on disk.
    version: Option<&'f Version>,
    /// Of whose stacks some are judged.
    projects: Vec<PathBuf>,
    /// Those of the stacks that were named as files.
    apart: Vec<Stack>,
    tracked: OnceLock<Option<Arc<BTreeSet<PathBuf>>>>,
    listed: OnceLock<BTreeSet<PathBuf>>,
}

impl Scope<'static> {
    /// Of the files on disk.
    pub fn resolve(request: &Request, folder: &Path) -> Result<Scope<'static>> {
        Scope::resolve_in(request, folder, None)
    }
}

impl<'f> Scope<'f> {
    /// Of the files of a version; `None`: on disk.
    pub fn resolve_in(request: &Request, folder: &Path, version: Option<&'f Version>) -> Result<Scope<'f>> {
        let folder = folder.canonicalize().map_err(|error| Error::io("open", folder, error).kind(crate::error::Kind::Unusable))?;
        let mut scope = Scope::empty(folder.clone(), Policies::built_in(), version);
        let project_root = Project::root_of(&folder);
        if !request.files.is_empty() {
            let files: Vec<PathBuf> = request.files.iter().map(|file| clean(&folder.join(file))).collect();
            let id = request.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join("+");
            scope.root = project_root.clone();
            scope.apart.push(Stack::of_files(id, files));
        }
        let there = |path: &Path| path.exists() || version.is_some_and(|version| version.stored.below(path).next().is_some());
        let (paths, names): (Vec<&String>, Vec<&String>) =
            request.targets.iter().partition(|target| *target == STDIN_TARGET || there(&clean(&folder.join(target))));
        for target in paths {
            scope.add_path(target, &folder)?;
        }
        if !names.is_empty() || (request.targets.is_empty() && request.files.is_empty()) {
            let project = open(&project_root, version)?;
            scope.projects.push(project_root.clone());
            let names: Vec<String> = names.into_iter().cloned().collect();
            scope.stacks.extend(project.select(&names)?.into_iter().cloned());
            scope.root = project_root;
        }
        scope.stacks.splice(0..0, scope.apart.clone());
        let mut seen = BTreeSet::new();
        scope.stacks.retain(|stack| seen.insert((stack.id.clone(), stack.files.clone())));
        scope.policies = Policies::load(&scope.root, &scope.files, request)?;
        Ok(scope)
    }

    fn empty(root: PathBuf, policies: Policies, version: Option<&'f Version>) -> Scope<'f> {
        let files = Overlay::new(version.map_or(&Disk, |version| version as &dyn Files));
        let (stacks, projects, apart) = (Vec::new(), Vec::new(), Vec::new());
        Scope { root, stacks, policies, files, version, projects, apart, tracked: OnceLock::new(), listed: OnceLock::new() }
    }

    /// The same stacks as they were in an older version, under the same policies. What had another name
    /// (`moved`: new to old) is looked at under that.
    pub fn before<'o>(&self, version: &'o Version, moved: &BTreeMap<PathBuf, PathBuf>) -> Scope<'o> {
        let mut scope = Scope::empty(self.root.clone(), self.policies.clone(), Some(version));
        let old = |file: &PathBuf| moved.get(file).unwrap_or(file).clone();
        let files: BTreeSet<PathBuf> = self.stacks.iter().flat_map(|stack| &stack.files).map(old).collect();
        let ids: BTreeSet<&String> = self.stacks.iter().map(|stack| &stack.id).collect();
        for root in &self.projects {
            // A project that could not be opened then had no stacks that count.
            let stacks = open(root, Some(version)).map(|project| scope.named(project, &scope.root)).unwrap_or_default();
            let mine = |stack: &Stack| ids.contains(&stack.id) || stack.files.iter().any(|file| files.contains(file));
            scope.stacks.extend(stacks.into_iter().filter(mine));
        }
        for stack in &self.apart {
            let files: Vec<PathBuf> = stack.files.iter().map(old).filter(|file| version.had(file)).collect();
            if !files.is_empty() {
                scope.stacks.push(Stack { files, ..stack.clone() });
            }
        }
        scope
    }

    fn add_path(&mut self, target: &str, folder: &Path) -> Result<()> {
        if target == STDIN_TARGET {
            let bytes = read_all(std::io::stdin().lock(), Path::new(STDIN))?;
            let path = folder.join(STDIN);
            self.files.set(&path, Some(bytes));
            self.apart.push(Stack::of_files(STDIN.to_string(), vec![path]));
            return Ok(());
        }
        let path = clean(&folder.join(target));
        let is_folder = path.is_dir() || self.version.is_some_and(|version| !version.stored.has(&path) && !path.exists());
        if !is_folder {
            self.apart.push(Stack::of_files(target.to_string(), vec![path]));
            return Ok(());
        }
        let root = real(&path);
        let project = open(&root, self.version)?;
        if project.stacks.is_empty() && project.inner.is_empty() {
            return Err(Error::unusable(format!("there is no compose file below {target}")).help("name a compose file, or another folder"));
        }
        self.projects.extend(std::iter::once(root).chain(project.inner.iter().cloned()));
        let below = std::iter::once(Ok(project.clone())).chain(project.inner.iter().map(|inner| open(inner, self.version)));
        for project in below {
            let stacks = self.named(project?, folder);
            self.stacks.extend(stacks);
        }
        Ok(())
    }

    /// A project's stacks, under names that tell whose they are.
    fn named(&self, project: Project, folder: &Path) -> Vec<Stack> {
        let prefix = project.root.strip_prefix(folder).unwrap_or(&project.root).display().to_string();
        let plain = prefix.is_empty() || project.root == self.root;
        let id = |id: &String| if plain { id.clone() } else { format!("{prefix}/{id}") };
        project.stacks.iter().map(|stack| Stack { id: id(&stack.id), ..stack.clone() }).collect()
    }

    /// The absolute paths of what git tracks, asked for once; `None` without git.
    pub fn tracked(&self) -> Option<Arc<BTreeSet<PathBuf>>> {
        let ask = || {
            if let Some(version) = self.version {
                return Some(Arc::new(version.stored.paths()));
            }
            let git = Git::open(&self.root)?;
            let files = git.files().ok()?;
            Some(Arc::new(files.into_iter().map(|path| self.root.join(path)).collect()))
        };
        self.tracked.get_or_init(ask).clone()
    }

    /// The project's files, absolute, without what git ignores, asked for once. A folder that is no project
    /// can hold anything: it is not searched.
    pub fn listed(&self) -> &BTreeSet<PathBuf> {
        self.listed.get_or_init(|| {
            if let Some(version) = self.version {
                return version.stored.below(&self.root).cloned().collect();
            }
            let git = Git::open(&self.root);
            let is_project = git.is_some() || self.root.join(SETTINGS_FILE).exists();
            if is_project { listed(&self.root, git.as_ref()).unwrap_or_default().into_iter().collect() } else { BTreeSet::new() }
        })
    }
}

fn open(root: &Path, version: Option<&Version>) -> Result<Project> {
    if let Some(version) = version {
        let listed: Vec<PathBuf> = version.stored.below(root).cloned().collect();
        return Project::load(root, version, &listed);
    }
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
