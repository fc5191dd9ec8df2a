//! `audit --since` and `audit --staged` on real repositories: what a change brings, and nothing else.

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{Outcome, Project};

/// One service with an old credential written out.
const OLD: &str = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: old-Secret-1\n";
/// The same, and one more.
const NEW: &str = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: old-Secret-1\n      \
                   APP_PASSWORD: new-Secret-2\n";

fn project(files: &[(&str, &str)]) -> Project {
    Project::with(files).hides(&["old-Secret-1", "new-Secret-2"])
}

fn audit(project: &Project, args: &[&str]) -> Outcome {
    project.xtask(&[&["audit", "--rule", "hardcoded-credential,tracked-env-file-secret", "--format", "json"], args].concat()).run()
}

/// `FILE PLACE` of each finding.
fn found(outcome: &Outcome) -> Vec<String> {
    let document = outcome.json();
    let findings = document["result"]["findings"].as_array().unwrap_or_else(|| panic!("{outcome}"));
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_string();
    findings.iter().map(|finding| format!("{} {}", text(finding, "file"), text(finding, "place"))).collect()
}

#[test]
fn an_old_credential_passes_and_a_new_one_does_not() {
    let project = project(&[("compose.yaml", OLD)]);
    assert_eq!(found(&audit(&project, &[]).exits(1)).len(), 1);
    for args in [&["--staged"][..], &["--since", "HEAD"]] {
        assert_eq!(found(&audit(&project, args).exits(0)), [""; 0]);
    }
    project.write("compose.yaml", NEW).git(&["add", "-A"]);
    let wanted = ["compose.yaml services.db.environment.APP_PASSWORD"];
    for args in
        [&["--staged"][..], &["--since", "HEAD"], &["--staged", "compose.yaml"], &["--staged", "."], &["--staged", "-f", "compose.yaml"]]
    {
        assert_eq!(found(&audit(&project, args).exits(1)), wanted, "{args:?}");
    }
    let said = project.xtask(&["audit", "--staged", "--rule", "hardcoded-credential"]).run().exits(1);
    said.says(&["APP_PASSWORD", "1 high that is not in the last commit,"]);
}

#[test]
fn only_what_is_staged_counts() {
    let project = project(&[("compose.yaml", OLD)]);
    project.write("compose.yaml", NEW);
    assert_eq!(found(&audit(&project, &["--staged"]).exits(0)), [""; 0], "edited, not staged");
    assert_eq!(found(&audit(&project, &["--since", "HEAD"]).exits(1)).len(), 1);
    project.git(&["add", "compose.yaml"]);
    project.write("compose.yaml", OLD);
    assert_eq!(found(&audit(&project, &["--staged"]).exits(1)).len(), 1, "staged, and taken back on disk");
    assert_eq!(found(&audit(&project, &["--since", "HEAD"]).exits(0)), [""; 0]);
}

#[test]
fn another_value_at_the_same_place_is_a_new_credential() {
    let project = project(&[("compose.yaml", OLD)]);
    project.write("compose.yaml", &OLD.replace("old-Secret-1", "new-Secret-2")).git(&["add", "-A"]);
    assert_eq!(found(&audit(&project, &["--staged"]).exits(1)), ["compose.yaml services.db.environment.POSTGRES_PASSWORD"]);
}

#[test]
fn what_moves_within_its_file_or_to_another_name_is_not_new() {
    let list = "services:\n  db:\n    image: postgres:15\n    environment:\n      - POSTGRES_PASSWORD=old-Secret-1\n";
    let project = project(&[("compose.yaml", OLD), ("list/compose.yaml", list)]);
    project.write("compose.yaml", &format!("# a line\nname: x\n{OLD}"));
    project.write("list/compose.yaml", &list.replace("      - ", "      - PLAIN=1\n      - "));
    project.git(&["add", "-A"]);
    assert_eq!(found(&audit(&project, &["--staged"]).exits(0)), [""; 0]);
    project.git(&["mv", "compose.yaml", "docker-compose.db.yml"]);
    for args in [&["--staged"][..], &["--since", "HEAD"], &["--staged", "docker-compose.db.yml"]] {
        assert_eq!(found(&audit(&project, args).exits(0)), [""; 0], "{args:?}");
    }
}

#[test]
fn new_files_are_new_wherever_they_are_named() {
    let project = project(&[("compose.yaml", OLD)]);
    project.write("sub/compose.yaml", &OLD.replace("old-Secret-1", "new-Secret-2"));
    let wanted = ["sub/compose.yaml services.db.environment.POSTGRES_PASSWORD"];
    assert_eq!(found(&audit(&project, &["--staged"]).exits(0)), [""; 0], "git does not know it yet");
    for args in [&["--since", "HEAD"][..], &["--since", "HEAD", "sub/compose.yaml"], &["--since", "HEAD", "sub"]] {
        let found = found(&audit(&project, args).exits(1));
        assert!(found.len() == 1 && wanted[0].ends_with(&found[0]), "{args:?}: {found:?}");
    }
    project.git(&["add", "-A"]);
    assert_eq!(found(&audit(&project, &["--staged"]).exits(1)), wanted);
}

#[test]
fn env_files_count_once_git_tracks_them() {
    let compose = "services:\n  web:\n    image: nginx:1.22\n    env_file: [web.env]\n    environment: {TOKEN: \"${API_TOKEN}\"}\n";
    let project = project(&[("compose.yaml", compose), ("web.env", "PLAIN=1\n"), (".gitignore", ".env\n")]);
    project.write(".env", "API_TOKEN=old-Secret-1\n");
    assert_eq!(found(&audit(&project, &["--staged"]).exits(0)), [""; 0], "an ignored .env is read, and no finding");
    project.write("web.env", "PLAIN=1\nDB_PASSWORD=new-Secret-2\n").git(&["add", "-A"]);
    assert_eq!(found(&audit(&project, &["--staged"]).exits(1)), ["web.env DB_PASSWORD"]);
    project.commit_all();
    assert_eq!(found(&audit(&project, &["--staged"]).exits(0)), [""; 0]);
    project.git(&["add", "--force", ".env"]);
    assert_eq!(found(&audit(&project, &["--staged"]).exits(1)), [".env API_TOKEN"], "tracked by mistake");
    project.commit_all();
    assert_eq!(found(&audit(&project, &["--since", "HEAD~1"]).exits(1)), [".env API_TOKEN"]);
}

#[test]
fn a_committed_link_leads_where_it_led() {
    let compose = "services:\n  web:\n    image: nginx:1.22\n    env_file: [link.env]\n";
    let project = project(&[("compose.yaml", compose), ("real.env", "PLAIN=1\n")]);
    std::os::unix::fs::symlink("real.env", project.path("link.env")).unwrap();
    project.commit_all();
    project.write("real.env", "PLAIN=1\nDB_PASSWORD=new-Secret-2\n").git(&["add", "-A"]);
    audit(&project, &["--staged"]).exits(1);
    fs::remove_file(project.path("link.env")).unwrap();
    assert_eq!(audit(&project, &["--staged"]).exits(1).json()["result"]["gaps"], serde_json::json!([]), "the index has it");
}

#[test]
fn the_first_commit_brings_everything() {
    let project = Project::new().hides(&["old-Secret-1"]);
    project.git(&["init", "-q", "-b", "main"]);
    project.write("compose.yaml", OLD).git(&["add", "-A"]);
    assert_eq!(found(&audit(&project, &["--staged"]).exits(1)).len(), 1);
    audit(&project, &["--since", "HEAD"]).exits(2).says(&["git knows no such commit here"]);
}

#[test]
fn a_past_that_cannot_be_looked_at_is_2_with_a_remedy() {
    let project = project(&[("compose.yaml", OLD)]);
    let say = |args: &[&str], words: &[&str]| drop(project.xtask(&[&["audit"], args].concat()).run().exits(2).says(words));
    say(&["--since", "no-such-branch"], &["look at no-such-branch", "git knows no such commit here", "git fetch"]);
    say(&["--since=--all"], &["git knows no such commit here"]);
    say(&["--since", "HEAD", "-"], &["standard input has no past"]);
    say(&["--since", "HEAD", "--staged"], &["cannot be used with"]);
    say(&["--staged", "--fix"], &["cannot be used with"]);
    let outside = project.elsewhere().join("compose.yaml");
    fs::write(&outside, OLD).unwrap();
    say(&["--since", "HEAD", outside.to_str().unwrap()], &["is not in the git repository"]);

    let bare = Project::new();
    bare.write("compose.yaml", OLD);
    bare.xtask(&["audit", "--staged"]).run().exits(2).says(&["it is in no git repository", "leave --since and --staged away"]);

    project.git(&["commit", "-q", "--allow-empty", "-m", "two"]);
    let clone = project.elsewhere().join("clone");
    let from = format!("file://{}", project.root().display());
    project.git(&["clone", "-q", "--depth=1", &from, clone.to_str().unwrap()]);
    project.xtask(&["audit", "--since", "HEAD~1"]).cwd(&clone).run().exits(2).says(&["this clone is shallow", "fetch-depth"]);
}

#[test]
fn a_conflict_is_no_state_to_judge() {
    let project = project(&[("compose.yaml", OLD)]);
    project.git(&["checkout", "-q", "-b", "side"]);
    project.write("compose.yaml", &OLD.replace("postgres:15", "postgres:14")).commit_all();
    project.git(&["checkout", "-q", "main"]);
    project.write("compose.yaml", &OLD.replace("postgres:15", "postgres:16")).commit_all();
    let merge =
        support::clean(std::process::Command::new("git")).arg("-C").arg(project.root()).args(["merge", "-q", "side"]).output().unwrap();
    assert!(!merge.status.success());
    audit(&project, &["--staged"]).exits(2).says(&["has conflicts that are not resolved"]);
}

#[test]
fn a_stack_that_could_not_be_read_before_is_new_as_a_whole() {
    let project = project(&[("compose.yaml", "services: [\n")]);
    audit(&project, &["--staged"]).exits(2);
    project.write("compose.yaml", OLD).git(&["add", "-A"]);
    assert_eq!(found(&audit(&project, &["--staged"]).exits(1)).len(), 1);
}

#[test]
fn suppressing_is_nothing_new_and_taking_it_back_is() {
    let project = project(&[("compose.yaml", OLD)]);
    let ignored = OLD.replace("      POSTGRES", "      # audit:ignore hardcoded-credential a test server\n      POSTGRES");
    project.write("compose.yaml", &ignored).git(&["add", "-A"]);
    let outcome = audit(&project, &["--staged"]).exits(0);
    assert_eq!(outcome.json()["result"]["suppressed"], serde_json::json!([]));
    project.commit_all();
    project.write("compose.yaml", OLD).git(&["add", "-A"]);
    assert_eq!(found(&audit(&project, &["--staged"]).exits(1)).len(), 1);
}

#[test]
fn the_policy_of_the_change_judges_both_sides() {
    let project = project(&[("compose.yaml", OLD), ("policies/prod.yaml", "rules:\n  hardcoded-credential: off\n")]);
    project.write("policies/prod.yaml", "rules:\n  hardcoded-credential: high\n").git(&["add", "-A"]);
    assert_eq!(found(&audit(&project, &["--staged"]).exits(0)), [""; 0], "the credential is old");
    project.write("policies/prod.yaml", "rules:\n  hardcoded-credential: off\n");
    project.write("compose.yaml", NEW).git(&["add", "compose.yaml"]);
    assert_eq!(found(&audit(&project, &["--staged"]).exits(1)).len(), 1, "the staged policy, not the one on disk");
}

/// Runs `git commit` with the binary as the repository's hook.
fn commit(project: &Project, args: &[&str]) -> std::process::Output {
    let hook = project.path(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, format!("#!/bin/sh\nexec {} audit --staged --rule hardcoded-credential\n", env!("CARGO_BIN_EXE_xtask"))).unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    support::clean(std::process::Command::new("git")).arg("-C").arg(project.root()).arg("commit").args(args).output().unwrap()
}

#[test]
fn as_a_hook_it_judges_what_the_commit_would_hold() {
    let project = project(&[("compose.yaml", OLD), ("notes", "")]);
    project.write("compose.yaml", NEW).write("notes", "more");
    project.git(&["add", "notes"]);
    // Git shows its hook an index that has all changes, and one that has only the named file.
    let refused = commit(&project, &["-q", "-a", "-m", "all"]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).len() + refused.stdout.len() > 0);
    assert!(!commit(&project, &["-q", "-m", "named", "compose.yaml"]).status.success());
    let taken = commit(&project, &["-q", "-m", "staged"]);
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stdout));
    assert_eq!(project.git(&["show", "--format=", "--name-only"]).trim(), "notes");
}

#[test]
fn it_works_below_the_top_and_in_another_work_tree() {
    let project = project(&[
        ("app/xtask.yaml", ""),
        ("app/compose.yaml", "services:\n  web:\n    image: nginx:1.22\n    env_file: [../common.env]\n"),
        ("common.env", "A=1\n"),
    ]);
    let tree = project.elsewhere().join("tree");
    project.git(&["worktree", "add", "-q", "-b", "side", tree.to_str().unwrap()]);
    let audit = |folder: &Path| {
        let args = ["audit", "--staged", "--rule", "tracked-env-file-secret", "--format", "json"];
        project.xtask(&args).cwd(&folder.join("app")).run()
    };
    fs::write(tree.join("common.env"), "A=1\nDB_PASSWORD=new-Secret-2\n").unwrap();
    project.git(&["-C", tree.to_str().unwrap(), "add", "-A"]);
    assert_eq!(audit(&tree).exits(1).json()["result"]["findings"].as_array().unwrap().len(), 1);
    audit(project.root()).exits(0);
}
