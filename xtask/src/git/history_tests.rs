use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::*;

fn git(root: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "protocol.file.allow=always"]).args(args);
    let output = command.env("GIT_COMMITTER_DATE", "2024-05-06T12:00:00Z").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn commit(root: &Path, path: &str, text: &str) {
    fs::write(root.join(path), text).unwrap();
    git(root, &["add", "--force", path]);
    git(root, &["commit", "--quiet", "-m", path]);
}

fn wanted(value: &str, keys: &[&str]) -> Wanted {
    Wanted { value: Secret::new(value), keys: keys.iter().map(|key| key.to_string()).collect() }
}

fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "--quiet", "-b", "main"]);
    folder
}

#[test]
fn values_are_found_in_all_that_is_reachable() {
    let folder = repository();
    let root = folder.path();
    commit(root, "old.yml", "PW: gone-since-long\n");
    let first = Git::open(root).unwrap().head().unwrap();
    commit(root, "b.yml", "URL: postgres://u:p%40ss%2Fword@db\nother: gone-since-long\n");
    git(root, &["rm", "--quiet", "old.yml"]);
    git(root, &["commit", "--quiet", "-m", "rm"]);
    git(root, &["checkout", "--quiet", "-b", "side"]);
    commit(root, "side.env", "ADMIN_PASSWORD = \"admin\"\n");
    git(root, &["checkout", "--quiet", "main"]);
    commit(root, "bin", "bin\0 binary-secret\n");
    let values = [
        wanted("gone-since-long", &[]),
        wanted("never-seen-here", &[]),
        wanted("p@ss/word", &[]),
        wanted("admin", &["ADMIN_PASSWORD"]),
        wanted("admin", &["OTHER_PASSWORD"]),
        wanted("binary-secret", &[]),
    ];
    let history = Git::open(root).unwrap().search_history(&values).unwrap();
    let seen: Vec<_> = history.seen.iter().map(|seen| (seen.value, seen.paths.join(" "))).collect();
    assert_eq!(seen, [(0, "b.yml old.yml".to_string()), (2, "b.yml".into()), (3, "side.env".into())]);
    let (name, day) = history.seen[0].commit.clone().unwrap();
    assert!(first.starts_with(&name), "the oldest commit that has it");
    assert_eq!(day, "2024-05-06");
    assert_eq!((history.blobs, history.binary, history.missing, history.shallow), (4, 1, 0, false));
    assert!(!format!("{history:?} {values:?}").contains("gone"));
}

#[test]
fn short_values_count_behind_their_key_only() {
    let needles = Needles::new(&[wanted("root", &["DB_PASSWORD", "--password"])]).unwrap();
    for text in ["DB_PASSWORD=root", "- \"DB_PASSWORD: root\" # x", "x --password root", "DB_PASSWORD: ${P:-root}"] {
        assert_eq!(needles.values_in(text.as_bytes()), [0], "{text}");
    }
    for text in ["DB_USER=root", "DB_PASSWORD=x\nroot", "DB_PASSWORD: rooted", "DB_PASSWORD=chroot", "user: root"] {
        assert!(needles.values_in(text.as_bytes()).is_empty(), "{text}");
    }
}

#[test]
fn a_shallow_or_partial_clone_says_so() {
    let folder = repository();
    let root = folder.path();
    commit(root, "a", "the-first-secret\n");
    commit(root, "a", "nothing\n");
    git(root, &["config", "uploadpack.allowFilter", "true"]);
    let source = format!("file://{}", root.display());
    let clones = tempfile::tempdir().unwrap();
    git(clones.path(), &["clone", "--quiet", "--depth=1", &source, "shallow"]);
    git(clones.path(), &["clone", "--quiet", "--filter=blob:none", &source, "partial"]);
    let search = |name: &str| Git::open(&clones.path().join(name)).unwrap().search_history(&[wanted("the-first-secret", &[])]).unwrap();
    let shallow = search("shallow");
    assert!(shallow.shallow && shallow.seen.is_empty());
    let partial = search("partial");
    assert_eq!((partial.missing, partial.blobs, partial.seen.len()), (1, 1, 0), "what is not here is counted, not fetched");
}

#[test]
fn a_repository_without_commits_has_no_history() {
    let folder = repository();
    let history = Git::open(folder.path()).unwrap().search_history(&[wanted("whatever-it-is", &[])]).unwrap();
    assert_eq!(history, History::default());
}

/// Twenty thousand blobs, made by `fast-import`; run by name, it says how long git alone takes.
#[test]
#[ignore = "measures; takes some seconds"]
fn as_fast_as_git_reads() {
    let folder = repository();
    let root = folder.path();
    let mut import = String::new();
    for n in 0..20_000 {
        let text = format!("file {n}\n{}", format!("KEY_{n}: value {} of a line\n", n * 7).repeat(200));
        import.push_str(&format!("blob\nmark :{}\ndata {}\n{text}\n", n + 1, text.len()));
    }
    for n in 0..200 {
        import.push_str(&format!("commit refs/heads/main\ncommitter t <t@t> {} +0000\ndata 1\nx\n", 1_700_000_000 + n));
        for file in 0..100 {
            import.push_str(&format!("M 100644 :{} d{}/f{file}\n", n * 100 + file + 1, n % 20));
        }
    }
    let mut child = Command::new("git").arg("-C").arg(root).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(import.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let start = Instant::now();
    let script = "git rev-list --objects --all | cut -d' ' -f1 | git cat-file --batch --buffer > /dev/null";
    assert!(Command::new("sh").arg("-c").arg(script).current_dir(root).status().unwrap().success());
    let alone = start.elapsed();
    let values: Vec<Wanted> =
        (0..50).map(|n| wanted(&format!("no-such-secret-{n}"), &[])).chain([wanted("value 139993 of", &[])]).collect();
    let start = Instant::now();
    let history = Git::open(root).unwrap().search_history(&values).unwrap();
    let ours = start.elapsed();
    assert_eq!((history.blobs, history.seen.len()), (20_000, 1));
    assert!(ours < alone * 6, "git alone {alone:?}, the search {ours:?}");
}
