//! A tree as a value: to say that nothing was touched.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub type Tree = BTreeMap<String, String>;

/// Every file, link and folder with content, mode, owner and time of change; of `.git` and `.xtask`
/// only whether they are there: looking may write an index or leave a lock file behind.
pub fn whole(root: &Path) -> Tree {
    let mut found = Tree::new();
    walk(root, root, true, &mut found);
    found
}

/// The same without times, for what was put back rather than left alone.
pub fn contents(root: &Path) -> Tree {
    let mut found = Tree::new();
    walk(root, root, false, &mut found);
    found.remove(".xtask");
    found
}

fn walk(root: &Path, folder: &Path, times: bool, found: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        if name == ".git" || name == ".xtask" {
            continue;
        }
        let meta = fs::symlink_metadata(&path).unwrap();
        let mut what = format!("{:o} {}:{}", meta.mode() & 0o7777, meta.uid(), meta.gid());
        if times && !meta.is_dir() {
            what += &format!(" {}.{:09} inode {}", meta.mtime(), meta.mtime_nsec(), meta.ino());
        }
        if meta.is_symlink() {
            what += &format!(" link to {}", fs::read_link(&path).unwrap().display());
        } else if meta.is_dir() {
            walk(root, &path, times, found);
        } else if meta.is_file() {
            what += &format!(" {:?}", String::from_utf8_lossy(&fs::read(&path).unwrap()));
        }
        found.insert(name, what);
    }
}

#[track_caller]
pub fn assert_same(before: &Tree, after: &Tree, why: &str) {
    for name in before.keys().chain(after.keys()) {
        assert_eq!(before.get(name), after.get(name), "{why}: {name}");
    }
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
