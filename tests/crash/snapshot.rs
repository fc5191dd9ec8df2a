//! A tree as a value.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// What is at each name, as text.
pub type Snapshot = BTreeMap<String, String>;

/// All files, links and folders with content, mode and owner, without `.git` and `.xtask` at the top.
pub fn files(root: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    walk(root, root, &mut found, &[".git", ".xtask"]);
    found
}

/// `files`, and of git what a person sees: the index, the tree of HEAD, and no lock left behind. Not
/// the commits: a commit that was undone stays in history with the one that reverts it.
pub fn files_and_git(root: &Path) -> Snapshot {
    let mut found = files(root);
    for args in [&["ls-files", "--stage"][..], &["rev-parse", "HEAD^{tree}"], &["symbolic-ref", "HEAD"]] {
        let output = Command::new("git").arg("-C").arg(root).args(args).output().unwrap();
        found.insert(format!("git {}", args.join(" ")), String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let mut inside = Snapshot::new();
    walk(&root.join(".git"), &root.join(".git"), &mut inside, &["objects"]);
    found.extend(inside.into_iter().filter(|(name, _)| name.ends_with(".lock") || name.contains("xtask")));
    found
}

/// Everything, byte for byte; of git's own files all but the objects that nobody refers to.
pub fn whole(root: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    walk(root, root, &mut found, &[]);
    found.retain(|name, _| !name.starts_with(".git/objects") && name != ".xtask/lock");
    found
}

pub fn difference(from: &Snapshot, to: &Snapshot) -> String {
    let mut told = String::new();
    for name in from.keys().chain(to.keys().filter(|name| !from.contains_key(*name))) {
        if from.get(name) != to.get(name) {
            let show = |side: Option<&String>| side.map_or("nothing".to_string(), |text| text.chars().take(300).collect());
            told += &format!("\n  {name}: {} -> {}", show(from.get(name)), show(to.get(name)));
        }
    }
    told
}

fn walk(root: &Path, folder: &Path, found: &mut Snapshot, without: &[&str]) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        if without.contains(&name.as_str()) {
            continue;
        }
        let meta = fs::symlink_metadata(&path).unwrap();
        let (mode, owner) = (meta.mode() & 0o7777, format!("{}:{}", meta.uid(), meta.gid()));
        let what = if meta.is_dir() {
            walk(root, &path, found, without);
            format!("folder {mode:o} {owner}")
        } else if meta.is_symlink() {
            format!("link to {}", fs::read_link(&path).unwrap().display())
        } else {
            format!("file {mode:o} {owner} x{} {:?}", meta.nlink(), String::from_utf8_lossy(&fs::read(&path).unwrap()))
        };
        found.insert(name, what);
    }
}
