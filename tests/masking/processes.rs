//! The arguments of every child: anybody on the machine can read them while it runs.

use std::process::Command;

use crate::Canaries;
use crate::support::judge as compose;

#[test]
fn no_child_is_given_a_secret_as_an_argument() {
    let strace = Command::new("strace").arg("-V").output();
    if !strace.is_ok_and(|output| output.status.success()) {
        eprintln!("not looked at: strace is not installed");
        return;
    }
    let project = Canaries::project();
    let log = project.elsewhere().join("execve.log");
    let mut call = project.call_migrate(&["--commit", "-v"]);
    if compose::installed() {
        call = call.with_docker();
    }
    let inner = call.command();
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-qq", "-s", "100000", "-e", "trace=execve", "-o"])
        .arg(&log)
        .arg("--")
        .arg(inner.get_program())
        .args(inner.get_args());
    traced.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(project.root());
    // strace itself is found where it was found above.
    let program = std::env::split_paths(&std::env::var_os("PATH").unwrap()).map(|folder| folder.join("strace")).find(|path| path.is_file());
    let mut command = Command::new(program.unwrap());
    command.args(traced.get_args()).env_clear().envs(traced.get_envs().filter_map(|(n, v)| Some((n, v?)))).current_dir(project.root());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.matches("execve(").count() > 5, "git at least was called:\n{log}");
    for canary in Canaries::forms() {
        assert!(!log.contains(canary), "an argument holds {canary}");
    }
}
