use super::*;
use crate::secret::MASK;

fn sh(script: &str) -> Program {
    Program::new("sh").args(["-c", script])
}

#[test]
fn gives_output_code_environment_and_folder() {
    let program = sh("cat; echo \"$SET-${GONE-none}\"; pwd; echo said >&2; exit 3");
    let output = program
        .env("SET", "here")
        .env("GONE", "x")
        .env_remove("GONE")
        .cwd(Path::new("/"))
        .stdin("read ")
        .run(&Masker::default(), &Cancel::default())
        .unwrap();
    assert_eq!((output.text().as_str(), output.code, output.stderr.as_str()), ("read here-none\n/\n", Some(3), "said"));
}

#[test]
fn a_failure_shows_the_masked_end_only() {
    let masker = Masker::new(["hunter22hunter22"]);
    let output = sh("echo fails with hunter22hunter22 >&2; exit 7").run(&masker, &Cancel::default()).unwrap();
    let error = output.ok().err().unwrap();
    assert_eq!(error.why.unwrap(), format!("exit code 7: fails with {MASK}"));
    assert!(!error.what.contains("hunter22"), "the arguments are masked as well");
}

#[test]
fn a_program_that_is_not_there_is_said() {
    let error = Program::new("xtask-no-such-program").run(&Masker::default(), &Cancel::default()).err().unwrap();
    assert_eq!((error.kind, error.what.as_str()), (Kind::Failed, "run xtask-no-such-program"));
}

#[test]
fn a_deadline_ends_the_whole_group() {
    let marker = tempfile::tempdir().unwrap();
    let file = marker.path().join("late");
    let script = format!("(sleep 1; touch {}) & wait", file.display());
    let began = Instant::now();
    let error = sh(&script).deadline(Duration::from_millis(100)).run(&Masker::default(), &Cancel::default()).err().unwrap();
    assert_eq!(error.why.as_deref(), Some("not done after 0 s"));
    assert!(began.elapsed() < Duration::from_secs(1));
    std::thread::sleep(Duration::from_millis(1300));
    assert!(!file.exists(), "the grandchild was not ended");
}

#[test]
fn who_ignores_the_deadline_is_killed_although_its_parent_has_ended() {
    let marker = tempfile::tempdir().unwrap();
    let file = marker.path().join("late");
    // It does not hear INT.
    let script = format!("(sleep 1; touch {}) & sleep 9", file.display());
    let call = sh(&script).interruptible().deadline(Duration::from_millis(100)).grace(Duration::from_millis(200));
    assert!(call.run(&Masker::default(), &Cancel::default()).is_err());
    std::thread::sleep(Duration::from_millis(1200));
    assert!(!file.exists(), "the grandchild was not ended");
}

#[test]
fn a_cancelled_compose_child_is_interrupted_and_awaited() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("finished");
    // A trap that takes its time: it must be let to its end.
    let ready = folder.path().join("ready");
    let (end, begin) = (file.display(), ready.display());
    let script = format!("trap 'sleep 0.3; echo done > {end}; exit 0' INT; : > {begin}; while :; do sleep 0.05; done");
    let cancel = Cancel::default();
    let other = cancel.clone();
    let canceller = std::thread::spawn(move || {
        // Before its trap is set it would simply die.
        while !ready.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        other.request();
    });
    // Where the tests run in the background, SIGINT is ignored, and a shell cannot trap what it found ignored.
    let shell = Program::new("env").args(["--default-signal=INT", "sh", "-c", &script]);
    let error = shell.interruptible().run(&Masker::default(), &cancel).err().unwrap();
    canceller.join().unwrap();
    assert_eq!(error.kind, Kind::Interrupted);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "done\n");
}

#[test]
fn a_child_that_keeps_the_pipe_open_is_not_waited_for() {
    let began = Instant::now();
    let output = sh("echo out; sleep 3 & exit 0").run(&Masker::default(), &Cancel::default()).unwrap();
    assert_eq!(output.text(), "out\n");
    assert!(began.elapsed() < Duration::from_millis(2500));
}

#[test]
fn a_changing_program_does_not_write_into_a_pipe_of_ours() {
    let script = "readlink /proc/self/fd/1 /proc/self/fd/2; echo said >&2";
    let output = sh(script).interruptible().run(&Masker::default(), &Cancel::default()).unwrap();
    assert_eq!(output.text().matches("memfd:xtask-output").count(), 2, "{}", output.text());
    assert_eq!(output.stderr, "said");
}

#[test]
fn a_descriptor_that_is_meant_to_is_inherited() {
    use std::os::fd::AsRawFd;

    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    let folder = tempfile::tempdir().unwrap();
    let lock = std::fs::File::create(folder.path().join("lock")).unwrap();
    fcntl(&lock, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let script = format!("readlink /proc/self/fd/{}", lock.as_raw_fd());
    let output = sh(&script).interruptible().run(&Masker::default(), &Cancel::default()).unwrap();
    assert!(output.text().trim_end().ends_with("/lock"), "{}", output.text());
}
