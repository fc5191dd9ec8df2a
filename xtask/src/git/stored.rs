//! The files of a commit, or of what the next commit would have: read from git, not from disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use super::Git;
use super::call::{finish, text};
use super::history::{Running, next_object};
use crate::error::{Error, Result};
use crate::source::clean;

/// Links that lead to each other end somewhere.
const LINKS: usize = 40;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Blob {
    name: String,
    /// A symbolic link: its content is where it leads.
    link: bool,
}

/// Files as git has stored them, by absolute path; those of the whole repository.
pub struct Stored {
    /// The top of the repository's work tree.
    pub top: PathBuf,
    files: BTreeMap<PathBuf, Blob>,
    reader: Mutex<Reader>,
}

/// What turned one state of the repository into another.
#[derive(Debug, Default)]
pub struct Turned {
    changes: Vec<(PathBuf, Option<Blob>)>,
    /// Files under new names, each with its old one.
    pub moved: BTreeMap<PathBuf, PathBuf>,
}

impl Git {
    /// The commit that a user's word means: a branch, a tag, `HEAD~3`.
    pub fn commit_named(&self, revision: &str) -> Result<String> {
        let asked = format!("{revision}^{{commit}}");
        // A word that begins with a hyphen would be an option.
        let told = if revision.starts_with('-') { None } else { self.read(["rev-parse", "--verify", "--quiet", &asked]).ok() };
        let name = told.map(|told| told.trim().to_string()).filter(|name| !name.is_empty());
        name.ok_or_else(|| {
            let shallow = self.read(["rev-parse", "--is-shallow-repository"]).is_ok_and(|told| told.trim() == "true");
            let error = Error::unusable(format!("look at {revision}")).why("git knows no such commit here");
            match shallow {
                true => error.help("this clone is shallow: fetch more of it (`git fetch --deepen=100`, or `fetch-depth: 0` of a checkout)"),
                false => error.help("see `git log` and `git branch --all`; a branch of a remote is fetched by `git fetch`"),
            }
        })
    }

    /// The files of a commit; `None`: those of a repository before its first one, which are none.
    pub fn stored(&self, commit: Option<&str>) -> Result<Stored> {
        let mut files = BTreeMap::new();
        if let Some(commit) = commit {
            let told = self.read(["ls-tree", "-r", "-z", "--full-tree", commit])?;
            for line in told.split('\0') {
                // MODE type NAME<tab>path
                let Some((about, path)) = line.split_once('\t') else { continue };
                let mut words = about.split(' ');
                if let (Some(mode), Some("blob"), Some(name)) = (words.next(), words.next(), words.next()) {
                    files.insert(self.top.join(path), Blob { name: name.to_string(), link: mode == "120000" });
                }
            }
        }
        Ok(Stored { top: self.top.clone(), files, reader: Mutex::new(Reader { git: self.clone(), running: None, known: HashMap::new() }) })
    }

    /// What the index would change in a commit (`None`: before the first one). A hook of git names an
    /// index of its own: with `commit -a` it is not the usual one.
    pub fn turned_in_index(&self, commit: Option<&str>, index: Option<&Path>) -> Result<Turned> {
        let from = match commit {
            Some(commit) => commit.to_string(),
            None => finish(self.command().args(["hash-object", "-t", "tree", "--stdin"]), b"", "hash-object")?.trim().to_string(),
        };
        let mut command = self.offline();
        if let Some(index) = self.own_index(index) {
            command.env("GIT_INDEX_FILE", index);
        }
        // A path that was only announced (`add --intent-to-add`) is in no commit.
        command.args(["diff-index", "--cached", "--raw", "-z", "--no-abbrev", "-M", "--ita-invisible-in-index", &from]);
        self.turned(&text(&mut command, "diff-index")?)
    }

    /// Which tracked files have moved in the work tree since a commit.
    pub fn moved_since(&self, commit: &str) -> Result<BTreeMap<PathBuf, PathBuf>> {
        let mut command = self.offline();
        command.args(["diff-index", "--raw", "-z", "--no-abbrev", "-M", "--diff-filter=R", commit]);
        self.turned(&text(&mut command, "diff-index")?).map(|turned| turned.moved)
    }

    /// An index file that the environment names, if it is this repository's.
    fn own_index(&self, named: Option<&Path>) -> Option<PathBuf> {
        let path = self.top.join(named?).canonicalize().ok()?;
        path.starts_with(self.dir.canonicalize().ok()?).then_some(path)
    }

    /// Reads what `--raw -z` prints: `:OLDMODE NEWMODE OLD NEW LETTER`, then one path, or two of a renamed file.
    fn turned(&self, told: &str) -> Result<Turned> {
        let mut turned = Turned::default();
        let mut parts = told.split('\0').filter(|part| !part.is_empty());
        while let Some(about) = parts.next() {
            let words: Vec<&str> = about.trim_start_matches(':').split(' ').collect();
            let ([_, mode, _, name, letter], Some(path)) = (words.as_slice(), parts.next()) else { continue };
            let path = self.top.join(path);
            let blob = Blob { name: (*name).to_string(), link: *mode == "120000" };
            match letter.as_bytes().first() {
                Some(b'D') => turned.changes.push((path, None)),
                Some(b'R') => {
                    let Some(to) = parts.next().map(|to| self.top.join(to)) else { continue };
                    turned.moved.insert(to.clone(), path.clone());
                    turned.changes.extend([(path, None), (to, Some(blob))]);
                }
                Some(b'U') => {
                    return Err(Error::unusable("look at what is staged")
                        .why(format!("{} has conflicts that are not resolved", path.display()))
                        .help("resolve them, and `git add` the file"));
                }
                // A submodule is no file.
                _ if *mode == "160000" => {}
                _ => turned.changes.push((path, Some(blob))),
            }
        }
        Ok(turned)
    }
}

impl Stored {
    /// The same files with changes made.
    pub fn with(&self, turned: &Turned) -> Stored {
        let mut files = self.files.clone();
        for (path, blob) in &turned.changes {
            match blob {
                Some(blob) => files.insert(path.clone(), blob.clone()),
                None => files.remove(path),
            };
        }
        let git = self.lock().git.clone();
        Stored { top: self.top.clone(), files, reader: Mutex::new(Reader { git, running: None, known: HashMap::new() }) }
    }

    pub fn has(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }

    /// Every file below a folder, sorted.
    pub fn below<'s>(&'s self, folder: &'s Path) -> impl Iterator<Item = &'s PathBuf> {
        self.files.range(folder.to_path_buf()..).map(|(path, _)| path).take_while(move |path| path.starts_with(folder))
    }

    pub fn paths(&self) -> BTreeSet<PathBuf> {
        self.files.keys().cloned().collect()
    }

    /// Where a path leads when the links among these files are followed.
    pub fn settle(&self, path: &Path) -> Result<PathBuf> {
        let mut path = path.to_path_buf();
        for _ in 0..LINKS {
            let link = path.ancestors().find_map(|up| self.files.get_key_value(up).filter(|(_, blob)| blob.link));
            let Some((up, blob)) = link else { return Ok(path) };
            let target = self.lock().content(&blob.name, up)?;
            let target = up.parent().unwrap_or(Path::new("/")).join(String::from_utf8_lossy(&target).as_ref());
            let rest = path.strip_prefix(up).unwrap_or(Path::new(""));
            // `join` of nothing would end in a slash.
            path = clean(&if rest.as_os_str().is_empty() { target } else { target.join(rest) });
        }
        Err(Error::unusable(format!("read {}", path.display())).why("its links lead nowhere"))
    }

    /// The content of a path that is no link; `None`: git has no such file here.
    pub fn content(&self, path: &Path) -> Result<Option<Arc<[u8]>>> {
        match self.files.get(path) {
            Some(blob) => self.lock().content(&blob.name, path).map(Some),
            None => Ok(None),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Reader> {
        // What a thread that panicked has left is complete: answers are read whole.
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One `git cat-file` for all files, started when the first is read.
struct Reader {
    git: Git,
    running: Option<(Running, ChildStdin, BufReader<ChildStdout>)>,
    known: HashMap<String, Arc<[u8]>>,
}

impl Reader {
    fn content(&mut self, name: &str, path: &Path) -> Result<Arc<[u8]>> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let error = || Error::unusable(format!("read {} from git", path.display()));
        let (_, input, output) = match &mut self.running {
            Some(running) => running,
            none => none.insert(start(&self.git)?),
        };
        let mut content = Vec::new();
        let asked = input.write_all(format!("{name}\n").as_bytes()).and_then(|()| input.flush());
        match asked.and_then(|()| next_object(output, &mut content)) {
            Ok(true) => {}
            Ok(false) => {
                return Err(error().why("this clone does not have it").help("fetch it: `git fetch --refetch` for a partial clone"));
            }
            Err(cause) => return Err(error().why(cause.to_string()).help("Run `git fsck`")),
        }
        let content: Arc<[u8]> = content.into();
        self.known.insert(name.to_string(), content.clone());
        Ok(content)
    }
}

fn start(git: &Git) -> Result<(Running, ChildStdin, BufReader<ChildStdout>)> {
    let mut command = git.offline();
    command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Running::start(&mut command, "cat-file")?;
    match (running.child.stdin.take(), running.child.stdout.take()) {
        (Some(input), Some(output)) => Ok((running, input, BufReader::new(output))),
        _ => Err(Error::failed("run git cat-file")),
    }
}

#[cfg(test)]
#[path = "stored_tests.rs"]
mod tests;
