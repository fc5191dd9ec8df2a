//! Env files: those that git tracks and services load, and a `.env` that git tracks.

use crate::support::{Project, judge as compose};

const SERVICE: &str = "services:\n  app:\n    image: app\n    env_file: config/app.env\n";

#[test]
fn a_tracked_env_file_keeps_its_quoting_and_comments() {
    let secrets = ["plain-secret-1", "double secret 2", "single $ecret 3", "exported-secret-4", "spaced-secret-5"];
    let file = "# settings\nLOG_LEVEL=info\nA_PASSWORD=plain-secret-1   # why\nB_PASSWORD=\"double secret 2\"\n\
                C_PASSWORD='single $ecret 3' # single\nexport D_PASSWORD=exported-secret-4\nE_PASSWORD = spaced-secret-5\n";
    let project = Project::with(&[("compose.yaml", SERVICE), ("config/app.env", file)]).hides(&secrets);
    let before = compose::installed().then(|| compose::config(project.root(), &["compose.yaml"]).unwrap());
    project.migrated(&[]);
    let text = project.read("config/app.env");
    assert_eq!(text.lines().count(), file.lines().count());
    for kept in ["# settings\nLOG_LEVEL=info\n", "   # why\n", " # single\n", "\nexport D_PASSWORD="] {
        assert!(text.contains(kept), "no {kept:?} in\n{text}");
    }
    for (letter, secret) in ["A", "B", "C", "D", "E"].iter().zip(secrets) {
        let line = text.lines().find(|line| line.contains(&format!("{letter}_PASSWORD"))).unwrap();
        assert!(line.contains(":?set "), "{line}");
        assert!(!text.contains(secret));
        assert!(project.env(".env").values().any(|value| value == secret), "{letter} is stored");
    }
    if let Some(before) = before {
        assert_eq!(before, compose::config(project.root(), &["compose.yaml"]).unwrap());
    }
}

#[test]
fn an_env_file_that_git_ignores_is_the_right_place_already() {
    let project = Project::with(&[("compose.yaml", SERVICE), (".gitignore", "*.env\n")]).hides(&["plain-secret-1"]);
    project.write("config/app.env", "A_PASSWORD=plain-secret-1\n");
    project.holds();
}

#[test]
fn placeholders_in_examples_are_left_alone() {
    let project = Project::with(&[
        ("compose.yaml", "services:\n  app:\n    image: app\n    env_file: config/app.env.example\n"),
        ("config/app.env.example", "A_PASSWORD=changeme\n"),
    ]);
    project.holds();
}

const DB: &str = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: one-good-secret\n";

#[test]
fn a_tracked_root_env_file_is_refused() {
    let project = Project::with(&[("compose.yaml", DB), (".env", "TZ=UTC\n")]).hides(&["one-good-secret"]);
    project.refuses(&[], 3, &["untracked-env", "git tracks .env", "--untrack"]);
}

#[test]
fn untrack_takes_it_out_of_the_index_and_leaves_it_on_disk() {
    let project = Project::with(&[("compose.yaml", DB), (".env", "TZ=UTC\n")]).hides(&["one-good-secret"]);
    project.migrated(&["--untrack"]);
    assert!(!project.git(&["ls-files"]).lines().any(|line| line == ".env"));
    assert_eq!(project.env(".env")["DB_PASSWORD"], "one-good-secret");
    assert!(project.read(".gitignore").contains("/.env\n"));
}

#[test]
fn untrack_and_commit_make_one_commit_without_the_values() {
    let project = Project::with(&[("compose.yaml", DB), (".env", "TZ=UTC\n"), ("notes.txt", "a\n")]).hides(&["one-good-secret"]);
    project.write("notes.txt", "somebody's own change\n");
    project.migrated(&["--untrack", "--commit"]);
    assert_eq!(project.git(&["rev-list", "--count", "HEAD"]).trim(), "2");
    let committed = project.git(&["show", "--name-status", "--format=%s", "HEAD"]);
    assert_eq!(committed, "Move credentials out of compose files\n\nD\t.env\nA\t.env.example\nA\t.gitignore\nM\tcompose.yaml\n");
    assert_eq!(project.git(&["status", "--porcelain"]), " M notes.txt\n", "exactly our own paths were committed");
    assert!(project.git(&["grep", "-c", "one-good-secret", "HEAD~1"]).contains("compose.yaml"));
    assert!(!project.git(&["show", "HEAD:compose.yaml"]).contains("one-good-secret"));
}

#[test]
fn a_carrier_that_git_tracks_is_refused_too() {
    let project =
        Project::with(&[("ops/compose.yaml", DB), ("ops/.env", "TZ=UTC\n"), (".gitignore", "/.env\n")]).hides(&["one-good-secret"]);
    project.refuses(&[], 3, &["untracked-env", "git tracks ops/.env"]);
}

#[test]
fn without_git_there_is_nothing_to_ignore_or_commit() {
    let project = Project::new().hides(&["one-good-secret"]);
    project.write("compose.yaml", DB);
    project.migrated(&[]);
    assert!(!project.has(".gitignore"));
    assert!(project.read("compose.yaml").contains("${DB_PASSWORD:?"));
    assert_eq!(project.env(".env")["DB_PASSWORD"], "one-good-secret");
}

#[test]
fn commit_without_git_is_refused() {
    let project = Project::new().hides(&["one-good-secret"]);
    project.write("compose.yaml", DB);
    project.refuses(&["--commit"], 3, &["can-commit", "no git repository to commit to"]);
}

#[test]
fn what_git_would_not_commit_is_refused_before_anything_is_touched() {
    let project = Project::of(DB).hides(&["one-good-secret"]);
    project.git(&["config", "user.useConfigOnly", "true"]);
    let mut call = project.call_migrate(&["--commit"]);
    for name in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"] {
        call = call.without(name);
    }
    project.leaves_alone(call, 3, &["can-commit", "git does not know who you are"]);
    project.write(".git/MERGE_HEAD", "");
    project.refuses(&["--commit"], 3, &["can-commit", "a merge is under way"]);
    let unborn = Project::new();
    unborn.git(&["init", "-q"]);
    unborn.write("compose.yaml", DB);
    unborn.refuses(&["--commit", "--allow-dirty"], 3, &["can-commit", "no commit yet"]);
}

#[test]
fn commit_makes_exactly_one_commit() {
    let project = Project::of(DB).hides(&["one-good-secret"]);
    project.migrated(&["--commit"]);
    assert_eq!(project.git(&["rev-list", "--count", "HEAD"]).trim(), "2");
    assert_eq!(project.git(&["status", "--porcelain"]), "");
    project.holds();
}

#[test]
fn a_broken_root_env_file_is_named_without_its_content() {
    let project = Project::with(&[("compose.yaml", DB), (".gitignore", ".env\n")]).hides(&["one-good-secret", "unterminated-canary"]);
    project.write(".env", "OK=1\nKEY='unterminated-canary\n");
    let outcome = project.leaves_alone(project.call_migrate(&[]), 3, &[".env:2"]);
    assert!(outcome.stderr.contains("stacks-render"), "{outcome}");
}
