use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Checked;
use crate::error::Result;
use crate::git::Git;
use crate::saga::Sha;

/// Whether the files have no changes that git does not know: a rollback of theirs would be ours to
/// explain. A file that still is what our last committed run left counts as clean, and so does one
/// that git ignores.
pub fn clean_in_git(git: &Git, paths: &[PathBuf], left_by_us: &BTreeMap<PathBuf, Sha>) -> Result<Checked> {
    let relative: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let mut why = Vec::new();
    let changed = if relative.is_empty() { Vec::new() } else { git.status(&relative)? };
    for (letters, path) in changed {
        let ours =
            left_by_us.get(&path).is_some_and(|sha| std::fs::read(git.root().join(&path)).is_ok_and(|bytes| Sha::of(&bytes) == *sha));
        if !ours {
            let state = if letters == "??" { "is not in git yet" } else { "has changes that are not committed" };
            why.push(format!("{} {state}", path.display()));
        }
    }
    Ok(Checked::new("clean-files", why, "commit or stash them, or go on with --allow-dirty"))
}

/// Whether each existing file can be replaced: a plain file with one name, in a folder that can be
/// written to.
pub fn replaceable(root: &Path, paths: &[PathBuf]) -> Checked {
    let mut why = Vec::new();
    for path in paths {
        why.extend(obstacle(root, path).map(|what| format!("{} {what}", path.display())));
    }
    Checked::new("writable-files", why, "make it a plain file of its own that you may write to")
}

fn obstacle(root: &Path, below: &Path) -> Option<&'static str> {
    let path = &root.join(below);
    let inside = below.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if !inside || leads_out(root, path) {
        return Some("lies outside the project");
    }
    if let Ok(meta) = std::fs::symlink_metadata(path) {
        if meta.file_type().is_symlink() {
            return Some("is a symbolic link");
        }
        if !meta.is_file() {
            return Some("is not a plain file");
        }
        if meta.nlink() > 1 {
            return Some("has several names (hard links)");
        }
        // Without a write bit it is meant to stay as it is, also for root, whom no bit stops.
        if meta.mode() & 0o222 == 0 || !may_write(path) {
            return Some("is read-only");
        }
        if !may_give_to(meta.uid(), meta.gid()) {
            return Some("belongs to another user or group, which a file written anew would not keep");
        }
    }
    let folder = path.parent()?;
    (!may_write(folder)).then_some("lies in a folder that is missing or read-only")
}

/// Only root gives files away; others to a group of theirs.
fn may_give_to(uid: u32, gid: u32) -> bool {
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    let mine = || group.as_raw() == gid || nix::unistd::getgroups().is_ok_and(|groups| groups.iter().any(|group| group.as_raw() == gid));
    user.is_root() || (user.as_raw() == uid && mine())
}

/// Whether a link on the way to a path leaves the project; a folder that is missing is told elsewhere.
fn leads_out(root: &Path, path: &Path) -> bool {
    let real = |path: Option<&Path>| path.and_then(|path| path.canonicalize().ok());
    match (real(Some(root)), real(path.parent())) {
        (Some(root), Some(folder)) => !folder.starts_with(root),
        _ => false,
    }
}

fn may_write(path: &Path) -> bool {
    nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn names_every_file_that_cannot_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("plain"), "").unwrap();
        fs::write(root.join("one"), "").unwrap();
        fs::hard_link(root.join("one"), root.join("two")).unwrap();
        std::os::unix::fs::symlink("plain", root.join("link")).unwrap();
        fs::create_dir(root.join("folder")).unwrap();
        fs::write(root.join("fixed"), "").unwrap();
        fs::set_permissions(root.join("fixed"), fs::Permissions::from_mode(0o444)).unwrap();
        std::os::unix::fs::symlink("/usr", root.join("away")).unwrap();
        let paths = ["plain", "new", "one", "link", "folder", "fixed", "missing/new", "../up", "away/file"].map(PathBuf::from);
        let why = replaceable(root, &paths).refusal.unwrap().why;
        assert_eq!(
            why,
            [
                "one has several names (hard links)",
                "link is a symbolic link",
                "folder is not a plain file",
                "fixed is read-only",
                "missing/new lies in a folder that is missing or read-only",
                "../up lies outside the project",
                "away/file lies outside the project",
            ]
        );
        assert_eq!(replaceable(root, &paths[..2]).refusal, None);
    }
}
