//! One stack that is deployed from several folders, as CI does: each checkout knows the containers of the one
//! before, and a run that was killed in one is seen from all.

mod engine_support;
#[path = "prod_up/mod.rs"]
#[allow(dead_code)] // shared with the tests of prod-up
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{Prod, QUICK, STACK, Said, id_of};
use xtask::engine::Engine;

const BOUND: &str = "name: PROJECT\nservices:\n  db: {DB}\n  web: {WEB, volumes: ['./page.html:/usr/share/nginx/html/index.html:ro'], ports: ['PORT:80']}\n";

/// A fresh checkout of what is committed in the first one.
fn checkout(prod: &Prod, name: &str) -> PathBuf {
    let to = prod.root().parent().unwrap().join(format!("{}-{name}", prod.sandbox.project));
    let cloned = Command::new("git").args(["clone", "-q"]).arg(prod.root()).arg(&to).status().unwrap();
    assert!(cloned.success());
    to
}

struct Gone(PathBuf);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run(prod: &Prod, root: &Path, args: &[&str]) -> Said {
    Said::of(&prod.command(root, args).output().unwrap())
}

fn up(prod: &Prod, root: &Path, tag: &str) -> Said {
    run(prod, root, &["--yes", "prod-up", "--tag", tag, "--no-rehearse"])
}

#[test]
fn a_release_from_another_folder_replaces_what_changed_and_goes_back() {
    let Some(prod) = Prod::of("co-folders", STACK, QUICK) else { return };
    let (a, b) = (prod.root().to_path_buf(), Gone(checkout(&prod, "b")));
    up(&prod, &a, "v1").expect(0, &[]);
    let first = prod.serves("v1");
    run(&prod, &b.0, &["prod-up", "--check", "--tag", "v1"]).expect(0, &["what runs was deployed from", "othing to do"]);
    run(&prod, &b.0, &["status"]).expect(0, &["In step"]);
    run(&prod, &b.0, &["ps"]).expect(0, &["healthy"]).text.contains("missing").then(|| panic!("it is there"));
    let said = up(&prod, &b.0, "v2");
    said.expect(0, &["what runs was deployed from", &a.canonicalize().unwrap().display().to_string(), "swap (image"]);
    let second = prod.serves("v2");
    assert_eq!(second.len(), 2, "none is left over: {second:?}");
    assert_eq!(id_of(&second, "db"), id_of(&first, "db"), "what is the same stays, whoever made it");
    // A bad one is taken back to what the other folder has made.
    up(&prod, &b.0, "crash").expect(4, &["everything was put back"]);
    assert_eq!(prod.serves("v2"), second);
    run(&prod, &b.0, &["--yes", "rollback", "--release"]).expect(0, &["back to r0001 (v1)", "was deployed from"]);
    prod.serves("v1");
    run(&prod, &b.0, &["status"]).expect(0, &["In step", "r0001"]);
    up(&prod, &a, "v2").expect(0, &[]);
    prod.serves("v2");
    // The first folder goes, as that of a finished CI job.
    let c = Gone(checkout(&prod, "c"));
    up(&prod, &c.0, "v3").expect(0, &[]);
    assert_eq!(id_of(&prod.serves("v3"), "db"), id_of(&first, "db"));
    prod.nothing_left_over();
}

#[test]
fn what_nobody_has_recorded_stays_refused() {
    let Some(prod) = Prod::of("co-foreign", STACK, QUICK) else { return };
    let b = Gone(checkout(&prod, "b"));
    prod.by_hand("v1", &["up", "-d", "--wait"]);
    let before = prod.serves("v1");
    let said = up(&prod, &b.0, "v2");
    said.expect(3, &["guard files", "web has a container that was made from", "-C FOLDER", "nothing was touched"]);
    run(&prod, &b.0, &["status"]).expect(1, &["is of its project, and of no stack here"]);
    // Another file of the same project is another stack, though one of that name was deployed here.
    up(&prod, prod.root(), "v1").expect(0, &[]);
    std::fs::rename(b.0.join("compose.prod.yaml"), b.0.join("other.prod.yaml")).unwrap();
    std::fs::write(b.0.join("xtask.yaml"), "stacks: {prod: {files: [other.prod.yaml], role: prod}}\n").unwrap();
    up(&prod, &b.0, "v2").expect(3, &["guard files", "nothing was touched"]);
    assert_eq!(prod.serves("v1"), before);
}

#[test]
fn files_of_a_folder_that_is_gone_are_missed_before_anything_is_touched() {
    let Some(prod) = Prod::of("co-gone", BOUND, QUICK) else { return };
    prod.write("page.html", "here");
    let git = |args: &[&str]| assert!(Command::new("git").arg("-C").arg(prod.root()).args(args).status().unwrap().success());
    git(&["add", "-A"]);
    git(&["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "Page"]);
    let (b, c) = (Gone(checkout(&prod, "b")), Gone(checkout(&prod, "c")));
    up(&prod, &b.0, "v1").expect(0, &[]);
    prod.answers("here");
    std::fs::write(c.0.join("page.html"), "there").unwrap();
    up(&prod, &c.0, "v1").expect(0, &["swap"]);
    prod.answers("there");
    // The release of the other folder reads its page: as long as it is as it was, there is a way back.
    run(&prod, &c.0, &["--dry-run", "rollback", "--release"]).expect(0, &["back to r0001", "whose files it reads"]);
    std::fs::write(b.0.join("page.html"), "another").unwrap();
    run(&prod, &c.0, &["--yes", "rollback", "--release"]).expect(3, &["bound-files", "page.html", "another one", "nothing was touched"]);
    prod.answers("there");
    // What runs could not be started again without its folder.
    let away = c.0.with_extension("away");
    std::fs::rename(&c.0, &away).unwrap();
    let before = prod.serving();
    up(&prod, &b.0, "v1").expect(3, &["way-back", "page.html", "nothing was touched"]);
    assert_eq!(prod.serving(), before);
    std::fs::rename(&away, &c.0).unwrap();
    up(&prod, &b.0, "v1").expect(0, &[]);
    prod.answers("another");
}

#[test]
fn a_run_that_was_killed_in_one_folder_is_settled_there() {
    let Some(prod) = Prod::of("co-killed", STACK, QUICK) else { return };
    let (a, b) = (prod.root().to_path_buf(), Gone(checkout(&prod, "b")));
    up(&prod, &a, "v1").expect(0, &[]);
    let before = prod.serves("v1");
    let mut command = prod.command(&a, &["--yes", "prod-up", "--tag", "v2", "--no-rehearse"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while prod.containers().len() < 3 {
        assert!(Instant::now() < until && child.try_wait().unwrap().is_none(), "the new container never came");
        std::thread::sleep(Duration::from_millis(20));
    }
    // While it runs, the other folder sees the lock.
    up(&prod, &b.0, "v3").expect(3, &["holds it since", "Wait until that run has ended"]);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).unwrap();
    child.wait().unwrap();
    let root = a.canonicalize().unwrap().display().to_string();
    let told = ["did not come to its end", &format!("-C {root} recover")];
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        // What the killed run started may hold the lock a little longer.
        let said = up(&prod, &b.0, "v3");
        if !said.text.contains("a program that it started still runs") || Instant::now() > until {
            said.expect(3, &told);
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    run(&prod, &b.0, &["recover"]).expect(3, &told);
    run(&prod, &b.0, &["--yes", "rollback", "--release"]).expect(3, &[]);
    run(&prod, &a, &["recover"]).expect(0, &[]);
    assert_eq!(prod.serves("v1"), before, "one release, whole");
    run(&prod, &b.0, &["recover"]).expect(0, &[]);
    up(&prod, &b.0, "v3").expect(0, &[]);
    assert_eq!(prod.serves("v3").len(), 2);
    prod.nothing_left_over();
    assert!(prod.sandbox.docker.info().is_ok());
}
