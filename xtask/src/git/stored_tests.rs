use std::fs;
use std::process::Command;

use super::*;

fn git(root: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "protocol.file.allow=always"]).args(args);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn repository(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    git(&root, &["init", "--quiet", "-b", "main"]);
    for (path, text) in files {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "--quiet", "-m", "one"]);
    (folder, root)
}

fn read(stored: &Stored, path: &Path) -> Option<String> {
    let content = stored.content(&stored.settle(path).unwrap()).unwrap();
    content.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

#[test]
fn files_are_as_they_were_committed() {
    let (_folder, root) = repository(&[("a", "one"), ("b/c", ""), ("bc", "x")]);
    fs::write(root.join("a"), "two").unwrap();
    let head = Git::open(&root).unwrap().stored(Some("HEAD")).unwrap();
    assert_eq!(read(&head, &root.join("a")).as_deref(), Some("one"));
    assert_eq!(read(&head, &root.join("b/c")).as_deref(), Some(""));
    assert_eq!(read(&head, &root.join("none")), None);
    assert_eq!(head.below(&root.join("b")).collect::<Vec<_>>(), [&root.join("b/c")]);
}

#[test]
fn links_are_followed_as_they_were_committed() {
    let (_folder, root) = repository(&[("d/x", "far")]);
    for (target, link) in [("d/x", "one"), ("d", "folder"), ("loop", "loop"), ("outside", "gone")] {
        std::os::unix::fs::symlink(target, root.join(link)).unwrap();
    }
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "--quiet", "-m", "links"]);
    let head = Git::open(&root).unwrap().stored(Some("HEAD")).unwrap();
    assert_eq!(read(&head, &root.join("one")).as_deref(), Some("far"));
    assert_eq!(read(&head, &root.join("folder/x")).as_deref(), Some("far"));
    assert_eq!(head.settle(&root.join("gone")).unwrap(), root.join("outside"));
    assert!(head.settle(&root.join("loop")).is_err());
}

#[test]
fn the_index_is_what_a_commit_would_bring() {
    let (_folder, root) = repository(&[("kept", "1"), ("changed", "1"), ("gone", "1"), ("old", "some longer text that moves\n")]);
    fs::write(root.join("changed"), "2").unwrap();
    fs::write(root.join("new"), "n").unwrap();
    fs::write(root.join("announced"), "a").unwrap();
    git(&root, &["mv", "old", "moved"]);
    git(&root, &["rm", "--quiet", "gone"]);
    git(&root, &["add", "changed", "new"]);
    git(&root, &["add", "--intent-to-add", "announced"]);
    fs::write(root.join("changed"), "3").unwrap();
    let git = Git::open(&root).unwrap();
    let turned = git.turned_in_index(Some("HEAD"), None).unwrap();
    let staged = git.stored(Some("HEAD")).unwrap().with(&turned);
    assert_eq!(turned.moved, [(root.join("moved"), root.join("old"))].into());
    let paths: Vec<_> = staged.paths().iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_string()).collect();
    assert_eq!(paths, ["changed", "kept", "moved", "new"]);
    assert_eq!(read(&staged, &root.join("changed")).as_deref(), Some("2"));
}

#[test]
fn before_the_first_commit_everything_staged_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    git(&root, &["init", "--quiet"]);
    fs::write(root.join("a"), "1").unwrap();
    git(&root, &["add", "a"]);
    let git = Git::open(&root).unwrap();
    let staged = git.stored(None).unwrap().with(&git.turned_in_index(None, None).unwrap());
    assert_eq!(read(&staged, &root.join("a")).as_deref(), Some("1"));
}

#[test]
fn a_commit_that_is_not_here_is_refused_with_a_remedy() {
    let (_folder, root) = repository(&[("a", "1")]);
    git(&root, &["commit", "--quiet", "--allow-empty", "-m", "two"]);
    let whole = Git::open(&root).unwrap();
    for name in ["nonsense", "--all", "HEAD~9", ""] {
        let error = whole.commit_named(name).unwrap_err();
        assert_eq!(error.kind, crate::error::Kind::Unusable);
        assert!(error.help.unwrap().contains("git fetch"), "{name}");
    }
    assert!(whole.commit_named("HEAD~1").is_ok());
    let clones = tempfile::tempdir().unwrap();
    git(clones.path(), &["clone", "--quiet", "--depth=1", &format!("file://{}", root.display()), "shallow"]);
    let shallow = Git::open(&clones.path().join("shallow")).unwrap();
    assert!(shallow.commit_named("HEAD~1").unwrap_err().help.unwrap().contains("fetch-depth"));
}
