//! State folders, journals and repositories that are not as xtask would leave them: each is refused or
//! done right, and nothing outside the project is touched.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::crash::snapshot::{Snapshot, difference, files_and_git, whole};
use super::crash::{folder, run, runner};
use super::phase1::{committed, everything, git, journals, killed, migrate, migrate_all, recover, rollback, told, xtask};

pub const TESTS: &[runner::Test] = &[
    ("a_state_folder_of_somebody_else_is_refused", a_state_folder_of_somebody_else_is_refused),
    ("a_corrupt_journal_touches_nothing", a_corrupt_journal_touches_nothing),
    ("an_edited_step_reaches_nothing_outside", an_edited_step_reaches_nothing_outside),
    ("a_changed_copy_is_not_put_back", a_changed_copy_is_not_put_back),
    ("a_run_that_is_gone_is_no_open_run", a_run_that_is_gone_is_no_open_run),
    ("the_newest_run_is_rolled_back_whatever_the_clock_says", the_newest_run_is_rolled_back_whatever_the_clock_says),
    ("worktrees_and_submodules_are_repositories", worktrees_and_submodules_are_repositories),
    ("a_repository_that_git_refuses_is_refused", a_repository_that_git_refuses_is_refused),
    ("line_endings_and_sparse_checkouts_are_kept", line_endings_and_sparse_checkouts_are_kept),
    ("a_bare_repository_is_no_project", a_bare_repository_is_no_project),
];

fn tree_of(prepare: fn(&Path)) -> tempfile::TempDir {
    let tree = folder();
    prepare(tree.path());
    tree
}

/// The command ends with that code and says that, and changes nothing at all.
#[track_caller]
fn refuses(command: &[String], root: &Path, code: i32, says: &str) {
    let before = whole(root);
    let (ended, said) = told(command, root);
    assert!(ended == code && said.contains(says), "{command:?}: {ended}, not {code}: {said}");
    let now = whole(root);
    assert!(now == before, "{command:?}: {}", difference(&before, &now));
}

fn a_state_folder_of_somebody_else_is_refused() {
    let tree = tree_of(everything);
    let (state, elsewhere) = (tree.path().join(".xtask"), folder());
    symlink(elsewhere.path(), &state).unwrap();
    refuses(&migrate_all(), tree.path(), 3, "it is a link or a file");
    assert!(fs::read_dir(elsewhere.path()).unwrap().next().is_none());

    fs::remove_file(&state).unwrap();
    fs::write(&state, "a file").unwrap();
    refuses(&migrate_all(), tree.path(), 3, "it is a link or a file");

    fs::remove_file(&state).unwrap();
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, Permissions::from_mode(0o700)).unwrap();
    symlink(elsewhere.path(), state.join("runs")).unwrap();
    refuses(&migrate_all(), tree.path(), 3, "it is a link or a file");

    // One that came with a clone, with a run in it.
    let tree = tree_of(killed);
    git(tree.path(), &["add", "-f", ".xtask"]);
    refuses(&recover(), tree.path(), 3, "git tracks files in it");
    if nix::unistd::geteuid().is_root() {
        let tree = tree_of(killed);
        std::os::unix::fs::chown(tree.path().join(".xtask"), Some(1234), None).unwrap();
        refuses(&recover(), tree.path(), 3, "it belongs to user 1234");
        refuses(&migrate_all(), tree.path(), 3, "it belongs to user 1234");
    }
}

/// An open run whose journal's text was edited.
fn edited(edit: impl Fn(&str) -> String) -> tempfile::TempDir {
    let tree = tree_of(killed);
    let journal = &journals(tree.path())[0];
    let text = fs::read_to_string(journal).unwrap();
    let new = edit(&text);
    assert_ne!(new, text, "the edit finds nothing");
    fs::write(journal, new).unwrap();
    tree
}

fn a_corrupt_journal_touches_nothing() {
    let commands = [recover(), migrate_all(), rollback()];
    let huge = |text: &str| format!("{{\"at_ms\":1,\"record\":\"rolling-back\",\"why\":\"{}\"}}\n{text}", "x".repeat(65 << 20));
    let deep = |text: &str| format!("{}\n{text}", "[".repeat(200_000));
    let (unknown, corrupt) = ("journal: this xtask does not know this record", "journal, which is corrupt");
    type Edit<'e> = &'e dyn Fn(&str) -> String;
    let edits: [(Edit<'_>, &str); 5] = [
        (&|text| text.replacen("\"n\":1", "\"n\":\"one\"", 1), unknown),
        (&|text| text.replacen("\"record\":\"applied\",\"n\":0", "\"record\":\"applied\",\"n\":3", 1), corrupt),
        (&|text| text.replacen("\"record\":\"begun\"", "\"record\":\"started\"", 1), unknown),
        (&huge, corrupt),
        (&deep, corrupt),
    ];
    for (edit, says) in edits {
        let tree = edited(edit);
        for command in &commands {
            refuses(command, tree.path(), 2, says);
        }
    }
    // Nobody writes into the pipe: reading it would never end.
    let tree = tree_of(killed);
    let journal = &journals(tree.path())[0];
    fs::remove_file(journal).unwrap();
    nix::unistd::mkfifo(journal, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (code, said) = told(&recover(), tree.path());
    assert!(code == 2 && said.contains("not a plain file"), "{code}: {said}");
}

fn an_edited_step_reaches_nothing_outside() {
    let outside = tempfile::tempdir().unwrap();
    let precious = outside.path().join("precious.tmp");
    fs::write(&precious, "theirs").unwrap();
    let up = format!("{}{}", "../".repeat(8), precious.strip_prefix("/").unwrap().display());
    let name = |text: &str, key: &str, value: &str| {
        let pattern = regex::Regex::new(&format!("\"{key}\":\"[^\"]*\"")).unwrap();
        pattern.replace_all(text, format!("\"{key}\":\"{value}\"")).into_owned()
    };
    let edits: [&dyn Fn(&str) -> String; 5] = [
        &|text| name(text, "temporary", &up),
        &|text| name(text, "temporary", precious.to_str().unwrap()),
        &|text| text.replace("\"path\":\".env\"", &format!("\"path\":\"{up}\"")),
        &|text| text.replace("\"path\":\".env\"", "\"path\":\".git/config\""),
        &|text| name(text, "commit", "--all"),
    ];
    for (number, edit) in edits.iter().enumerate() {
        let tree = edited(edit);
        let config = fs::read(tree.path().join(".git/config")).unwrap();
        let (code, said) = told(&recover(), tree.path());
        assert!(code == 5 || code == 2, "edit {number}: {code}: {said}");
        assert_eq!(fs::read(&precious).unwrap(), b"theirs", "edit {number}");
        assert_eq!(fs::read(tree.path().join(".git/config")).unwrap(), config, "edit {number}");
        // It is still open, and says so.
        assert_eq!(told(&migrate_all(), tree.path()).0, 3, "edit {number}");
    }
}

fn a_changed_copy_is_not_put_back() {
    let tree = tree_of(killed);
    let blobs = journals(tree.path())[0].with_file_name("blobs");
    let compose = "tools/compose/docker-compose.database.yml";
    let mut kept = Vec::new();
    for blob in fs::read_dir(&blobs).unwrap().map(|entry| entry.unwrap().path()) {
        let content = fs::read(&blob).unwrap();
        if content.windows(7).any(|part| part == b"horse-7") {
            fs::write(&blob, "replaced").unwrap();
            kept.push((blob, content));
        }
    }
    assert!(!kept.is_empty());
    let during = fs::read(tree.path().join(compose)).unwrap();
    let (code, said) = told(&recover(), tree.path());
    assert!(code == 5 && said.contains("its content has changed"), "{code}: {said}");
    assert_eq!(fs::read(tree.path().join(compose)).unwrap(), during);
    for (blob, content) in kept {
        fs::write(blob, content).unwrap();
    }
    assert_eq!(told(&recover(), tree.path()).0, 0);
    let before = files_and_git(tree_of(everything).path());
    assert_same(&before, tree.path());
}

#[track_caller]
fn assert_same(before: &Snapshot, root: &Path) {
    let now = files_and_git(root);
    assert!(now == *before, "{}", difference(before, &now));
}

fn a_run_that_is_gone_is_no_open_run() {
    let tree = tree_of(killed);
    let runs = tree.path().join(".xtask/runs");
    fs::remove_dir_all(journals(tree.path())[0].parent().unwrap()).unwrap();
    fs::write(runs.join("stray"), "").unwrap();
    fs::create_dir(runs.join("empty")).unwrap();
    refuses(&recover(), tree.path(), 0, "no run is open");
    let tree = tree_of(committed);
    fs::remove_dir_all(tree.path().join(".xtask")).unwrap();
    let (code, said) = told(&rollback(), tree.path());
    assert!(code == 3 && said.contains("no committed run"), "{code}: {said}");
    // The copies alone are gone: the rollback says so before it touches anything.
    let tree = tree_of(committed);
    fs::remove_dir_all(journals(tree.path())[0].with_file_name("blobs")).unwrap();
    let before = files_and_git(tree.path());
    let (code, said) = told(&rollback(), tree.path());
    assert!(code == 3 && said.contains("kept-copies"), "{code}: {said}");
    assert_same(&before, tree.path());
}

fn the_newest_run_is_rolled_back_whatever_the_clock_says() {
    let tree = tree_of(committed);
    let journal = &journals(tree.path())[0];
    let first = journal.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
    // As if the clock had been 300 years ahead when it ran.
    let text = fs::read_to_string(journal).unwrap();
    fs::write(journal, text.replace("\"at_ms\":1", "\"at_ms\":11")).unwrap();
    let more = "services:\n  other:\n    image: redis:7\n    environment:\n      REDIS_PASSWORD: correct-horse-10\n";
    fs::write(tree.path().join("tools/compose/docker-compose.other.yml"), more).unwrap();
    git(tree.path(), &["add", "tools"]);
    git(tree.path(), &["commit", "-qm", "more", "--", "tools"]);
    let between = files_and_git(tree.path());
    assert!(run(&migrate_all(), tree.path()).success());
    let (code, said) = told(&rollback(), tree.path());
    assert!(code == 0 && !said.contains(&first), "{code}: {said}");
    assert_same(&between, tree.path());
}

fn worktrees_and_submodules_are_repositories() {
    let (main, room) = (tree_of(everything), folder());
    git(main.path(), &["commit", "-qm", "second"]);
    let other = room.path().join("other");
    git(main.path(), &["worktree", "add", "-q", "-b", "other", other.to_str().unwrap()]);
    // As a submodule has it: the repository is elsewhere, and `.git` says where.
    let (module, elsewhere) = (room.path().join("module"), room.path().join("modules"));
    let clone = ["clone", "-q", "--separate-git-dir", elsewhere.to_str().unwrap(), main.path().to_str().unwrap()];
    git(room.path(), &[&clone[..], &[module.to_str().unwrap()]].concat());
    for (key, value) in [("user.name", "T"), ("user.email", "t@example.org")] {
        git(&module, &["config", key, value]);
    }
    let untouched = files_and_git(main.path());
    for checkout in [&other, &module] {
        assert!(checkout.join(".git").is_file());
        let before = told_of(checkout);
        let (code, said) = told(&migrate_all(), checkout);
        assert_eq!(code, 0, "{said}");
        assert_ne!(told_of(checkout), before);
        let (code, said) = told(&rollback(), checkout);
        assert_eq!(code, 0, "{said}");
        assert_eq!(told_of(checkout), before);
    }
    // The checkouts are projects of their own, with runs of their own.
    assert_same(&untouched, main.path());
    assert!(journals(main.path()).is_empty());
}

/// Files, index and the tree of HEAD, wherever the repository is.
fn told_of(checkout: &Path) -> (Snapshot, String, String) {
    let mut files = super::crash::snapshot::files(checkout);
    files.retain(|name, _| !name.starts_with(".xtask"));
    (files, git(checkout, &["ls-files", "--stage"]), git(checkout, &["rev-parse", "HEAD^{tree}"]))
}

fn a_repository_that_git_refuses_is_refused() {
    let tree = tree_of(everything);
    fs::write(tree.path().join(".git/HEAD"), "nonsense").unwrap();
    refuses(&migrate(&["--untrack"]), tree.path(), 2, "open the git repository");
    if nix::unistd::geteuid().is_root() {
        let tree = tree_of(everything);
        std::os::unix::fs::chown(tree.path(), Some(1234), None).unwrap();
        std::os::unix::fs::chown(tree.path().join(".git"), Some(1234), None).unwrap();
        refuses(&migrate(&["--untrack"]), tree.path(), 2, "dubious ownership");
    }
}

fn line_endings_and_sparse_checkouts_are_kept() {
    let tree = tree_of(everything);
    git(tree.path(), &["commit", "-qm", "second"]);
    git(tree.path(), &["config", "core.autocrlf", "true"]);
    fs::create_dir(tree.path().join("aside")).unwrap();
    fs::write(tree.path().join("aside/docker-compose.aside.yml"), "services:\r\n  x:\r\n    image: redis:7\r\n").unwrap();
    git(tree.path(), &["add", "--renormalize", "."]);
    git(tree.path(), &["add", "aside"]);
    git(tree.path(), &["commit", "-qm", "third"]);
    git(tree.path(), &["sparse-checkout", "set", "tools"]);
    assert!(!tree.path().join("aside").exists());
    let before = files_and_git(tree.path());
    let flags = git(tree.path(), &["ls-files", "-v"]);
    let (code, said) = told(&migrate_all(), tree.path());
    assert_eq!(code, 0, "{said}");
    assert_eq!(git(tree.path(), &["status", "--porcelain"]), "");
    let compose = tree.path().join("tools/compose/docker-compose.database.yml");
    let text = fs::read_to_string(compose).unwrap();
    assert_eq!((text.matches("\r\n").count(), text.contains("correct-horse")), (text.matches('\n').count(), false));
    let (code, said) = told(&rollback(), tree.path());
    assert_eq!(code, 0, "{said}");
    assert_same(&before, tree.path());
    assert_eq!(git(tree.path(), &["ls-files", "-v"]), flags);
}

fn a_bare_repository_is_no_project() {
    let tree = folder();
    git(tree.path(), &["init", "-q", "--bare", "--template="]);
    let (code, said) = told(&migrate(&[]), tree.path());
    assert!(code == 2 && said.contains("no compose file"), "{code}: {said}");
    // A folder that its owner may not write to, for whoever is no root.
    if !nix::unistd::geteuid().is_root() {
        let tree = tree_of(everything);
        fs::set_permissions(tree.path(), Permissions::from_mode(0o555)).unwrap();
        let (code, _) = told(&xtask(&["migrate", "--phase", "1", "--yes"]), tree.path());
        assert!(matches!(code, 3 | 6));
        fs::set_permissions(tree.path(), Permissions::from_mode(0o755)).unwrap();
    }
}
