//! Nothing is touched before every guard has passed, and who may say go on.

use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use crate::support::{Project, tree};

const DB: &str = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: one-good-secret\n";

fn project() -> Project {
    Project::of(DB).hides(&["one-good-secret"])
}

#[test]
fn a_dry_run_touches_nothing_at_all() {
    let project = project();
    let before = tree::whole(project.root());
    let outcome = project.xtask(&["migrate", "--phase", "1", "--dry-run"]).run().exits(0);
    outcome.says(&[
        "-      POSTGRES_PASSWORD: ********\n",
        "+      POSTGRES_PASSWORD: ${DB_PASSWORD:?set DB_PASSWORD in .env}\n",
        "DB_PASSWORD=********",
    ]);
    tree::assert_same(&before, &tree::whole(project.root()), "a dry run");
    assert!(!project.has(".xtask"), "not even its own folder is made");
}

#[test]
fn a_dry_run_refuses_what_the_run_would() {
    let project = Project::with(&[("compose.yaml", DB), (".env", "A=1\n")]).hides(&["one-good-secret"]);
    let call = project.xtask(&["migrate", "--phase", "1", "--dry-run"]);
    project.leaves_alone(call, 3, &["untracked-env"]);
    assert!(!project.has(".xtask"));
}

#[test]
fn without_a_terminal_and_without_yes_nobody_agreed() {
    let project = project();
    let call = project.xtask(&["migrate", "--phase", "1"]);
    project.leaves_alone(call, 3, &["there is no terminal to ask on", "--yes"]);
}

#[test]
fn uncommitted_changes_are_refused_unless_allowed() {
    let project = project();
    project.write("compose.yaml", &format!("{DB}# mine\n"));
    project.refuses(&[], 3, &["clean-files", "compose.yaml has changes that are not committed", "--allow-dirty"]);
    project.migrated(&["--allow-dirty"]);
    assert!(project.read("compose.yaml").ends_with("# mine\n"));
}

#[test]
fn a_file_that_git_does_not_know_is_refused_unless_allowed() {
    let project = Project::with(&[("README", "x\n")]).hides(&["one-good-secret"]);
    project.write("compose.yaml", DB);
    project.refuses(&[], 3, &["clean-files", "compose.yaml is not in git yet"]);
    project.migrated(&["--allow-dirty"]);
}

#[test]
fn all_refusals_are_shown_together() {
    let project = Project::with(&[("compose.yaml", DB), (".env", "A=1\n")]).hides(&["one-good-secret"]);
    project.write("compose.yaml", &format!("{DB}# mine\n"));
    project.refuses(&[], 3, &["clean-files", "untracked-env"]);
}

#[test]
fn an_unknown_guard_is_a_usage_error_that_lists_the_known() {
    let project = project();
    project.refuses(&["--override", "no-such-guard", "--reason", "x"], 2, &["no-such-guard", "clean-files", "stacks-render"]);
    project.refuses(&["--override", "clean-files"], 2, &["--reason"]);
}

#[test]
fn an_override_is_said_aloud() {
    let project = project();
    project.write("compose.yaml", &format!("{DB}# mine\n"));
    let args = ["--override", "clean-files", "--reason", "the comment can go with it"];
    project.migrated(&args).says(&["Overridden", "clean-files", "the comment can go with it"]);
}

/// The first record of each run's journal, oldest first.
fn begun(project: &Project) -> Vec<serde_json::Value> {
    let runs = std::fs::read_dir(project.path(".xtask/runs")).unwrap().map(|run| run.unwrap().path().join("journal.jsonl"));
    let first = |journal| std::fs::read_to_string(journal).unwrap().lines().next().unwrap().to_string();
    let mut records: Vec<serde_json::Value> = runs.map(|journal| serde_json::from_str(&first(journal)).unwrap()).collect();
    records.sort_by_key(|record| record["number"].as_u64());
    records
}

#[test]
fn an_override_is_recorded_and_the_history_shows_it() {
    let project = Project::with(&[("compose.yaml", DB), ("other/compose.yaml", &DB.replace("one-good-secret", "another-secret-1"))])
        .hides(&["one-good-secret", "another-secret-1"]);
    let stack = "other";
    let reason = "no one-good-secret,\nnor another-secret-1";
    project.migrated(&[stack, "--strict", "--override", "clean-files", "--override", "movable-credentials", "--reason", reason]);
    let masked = "no ********,\nnor ********";
    let args = [stack, "--strict", "--override=clean-files", "--override=movable-credentials", &format!("--reason={masked}")];
    project.xtask(&["rollback", "--yes", "--override", "kept-copies", "--reason", "another-secret-1"]).run().exits(0);
    let recorded: Vec<serde_json::Value> = begun(&project).into_iter().map(|record| record["args"].clone()).collect();
    assert_eq!(recorded, [serde_json::json!(args), serde_json::json!(["--override=kept-copies", "--reason=********"])]);
    let told = project.xtask(&["history", "--format", "json"]).run().exits(0).json();
    assert_eq!(told["result"][0]["args"], serde_json::json!(args));
    let shown = project.xtask(&["history"]).run().exits(0).stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 5, "{shown}");
    assert_eq!(
        (lines[2], lines[4]),
        ("  overridden clean-files, movable-credentials: no ********, nor ********", "  overridden kept-copies: ********")
    );
}

#[test]
fn a_reason_is_hidden_while_the_secrets_are_not_known() {
    let project = project();
    project.migrated(&[]);
    project.write("compose.yaml", &project.read("compose.yaml").replace("    image:", "    env_file: broken.env\n    image:"));
    project.write("broken.env", "A='\nSOME_PASSWORD=only-in-here-7\n");
    let args = ["rollback", "--yes", "--override", "files-unchanged", "--reason", "only-in-here-7"];
    let outcome = project.xtask(&args).run();
    assert!(!format!("{outcome}").contains("only-in-here-7"), "{outcome}");
    outcome.says(&["guard files-unchanged: (hidden: not every stack renders"]);
}

#[test]
fn a_run_without_an_override_has_no_line_of_its_own() {
    let project = project();
    project.migrated(&["--strict"]);
    assert_eq!(begun(&project)[0]["args"], serde_json::json!(["--strict"]));
    assert_eq!(project.xtask(&["history"]).run().exits(0).stdout.lines().count(), 2);
}

#[test]
fn an_exported_variable_that_shadows_the_new_one_is_refused_or_avoided() {
    let project = project();
    let outcome = project.call_migrate(&[]).env("DB_PASSWORD", "something-else-1").run().exits(0);
    assert!(!outcome.stderr.contains("something-else-1"));
    assert!(!project.env(".env").contains_key("DB_PASSWORD"), "the name means something else in this shell");
    assert_eq!(project.env(".env").into_values().collect::<Vec<_>>(), ["one-good-secret"]);
}

#[test]
fn an_exported_variable_that_a_default_falls_back_from_is_refused() {
    let project =
        Project::of(&DB.replace("one-good-secret", "${PG_PASS:-one-good-secret}")).hides(&["one-good-secret", "from-the-shell-1"]);
    let call = project.call_migrate(&[]).env("PG_PASS", "from-the-shell-1");
    project.leaves_alone(call, 3, &["exported-variables", "PG_PASS is exported in this shell"]);
}

#[test]
fn an_open_run_stops_every_other() {
    let project = project();
    project.migrated(&[]);
    // As if it had been killed before its last record.
    let runs = project.path(".xtask/runs");
    let run = std::fs::read_dir(&runs).unwrap().next().unwrap().unwrap().path();
    let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap();
    let cut: Vec<&str> = journal.lines().filter(|line| !line.contains("committed") && !line.contains("proven")).collect();
    std::fs::write(run.join("journal.jsonl"), cut.join("\n") + "\n").unwrap();
    let name = run.file_name().unwrap().to_str().unwrap();
    project.refuses(&[], 3, &["did not come to its end", "cargo xtask recover", name]);
    looking_at_the_open_run(&project, name);
    project.xtask(&["recover"]).run().exits(0).says(&["everything is as it was before"]);
    project.xtask(&["recover", "--dry-run"]).run().exits(0).says(&["no run is open"]);
    assert_eq!(project.read("compose.yaml"), DB);
    assert!(!project.has(".env"));
    project.migrated(&[]);
}

/// What `recover --dry-run` says of it. Nothing is touched: no byte of the journal, and not the lock.
fn looking_at_the_open_run(project: &Project, run: &str) {
    // A last line that was torn counts for nothing, and stays.
    let journal = project.path(".xtask/runs").join(run).join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap() + "{\"at_ms\":1";
    std::fs::write(&journal, &text).unwrap();
    std::fs::remove_file(project.path(".xtask/lock")).unwrap();
    let planned = ["would be put back; nothing was touched", run, "undo: write .env", "undo: write compose.yaml"];
    project.leaves_alone(project.xtask(&["recover", "--dry-run"]), 1, &planned);
    let told = project.leaves_alone(project.xtask(&["recover", "--dry-run", "--format", "json"]), 1, &[]).json();
    assert_eq!((&told["exit"], &told["error"], &told["result"]["recovered"]), (&1.into(), &().into(), &().into()), "{told}");
    assert_eq!(told["result"]["would_put_back"]["run"], run);
    let steps: Vec<&str> =
        told["result"]["would_put_back"]["steps"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    assert_eq!(steps.last(), Some(&"write .gitignore"), "the first is undone last: {steps:?}");
    assert_eq!(std::fs::read_to_string(&journal).unwrap(), text);
    assert!(!project.has(".xtask/lock"));
}

#[test]
fn of_two_runs_at_once_the_second_names_the_first() {
    let project = project();
    project.migrated(&["--dry-run"]);
    std::fs::create_dir_all(project.path(".xtask")).unwrap();
    // A holder that lives as long as the test wants it to: what flock(1) does, with our words in it.
    let holder = r#"{"who":"ann@desk","pid":1,"since_ms":1700000000000,"doing":"security-fix (other-run)"}"#;
    std::fs::write(project.path(".xtask/lock"), holder).unwrap();
    let mut first = std::process::Command::new("flock")
        .arg(project.path(".xtask/lock"))
        .args(["sleep", "30"])
        .process_group(0)
        .spawn()
        .expect("flock comes with util-linux");
    let free = || std::process::Command::new("flock").arg("-n").arg(project.path(".xtask/lock")).arg("true").status().unwrap().success();
    let started = Instant::now();
    while free() && started.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    project.refuses(&[], 3, &["take the lock", "ann@desk", "security-fix (other-run)"]);
    nix::sys::signal::killpg(nix::unistd::Pid::from_raw(first.id() as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
    first.wait().unwrap();
    project.migrated(&[]);
}

/// Really at once: one carries it out, the other refuses or comes later and finds nothing to do.
#[test]
fn two_runs_that_start_together_do_not_meet() {
    let project = project();
    let run = || project.call_migrate(&[]).run();
    let (one, two) = std::thread::scope(|scope| {
        let first = scope.spawn(run);
        (run(), first.join().unwrap())
    });
    for outcome in [&one, &two] {
        assert!(matches!(outcome.code, 0 | 3), "{outcome}");
    }
    assert!(one.code == 0 || two.code == 0, "{one}\n{two}");
    assert_eq!(project.env(".env").len(), 1);
    project.holds();
}

#[test]
fn usage_errors_exit_with_2() {
    let project = project();
    for args in [&["migrate"][..], &["migrate", "--phase", "9"], &["frobnicate"], &["security-fix", "--no-such-flag"]] {
        let call = project.xtask(args);
        project.leaves_alone(call, 2, &[]);
    }
    project.write("xtask.yaml", "stacks:\n  db:\n    filez: [compose.yaml]\n");
    project.refuses(&[], 2, &["xtask.yaml:3", "filez"]);
}
