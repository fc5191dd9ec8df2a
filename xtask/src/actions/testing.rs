//! What the tests of steps begin with.

use super::*;
use crate::saga::{Plan, Store};

/// A new repository, and a way to call git in it.
pub(super) fn git_repository(top: &Path) -> impl Fn(&[&str]) -> String + use<> {
    let top = top.to_path_buf();
    let git = move |args: &[&str]| {
        let who = ["-c", "user.name=T", "-c", "user.email=t@example.org"];
        let output = std::process::Command::new("git").arg("-C").arg(&top).args(who).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "-q"]);
    git(&["config", "user.name", "T"]);
    git(&["config", "user.email", "t@example.org"]);
    git
}

/// The world of a run that has just begun in `root`.
pub(super) fn world(root: &Path) -> World {
    let store = Store::at(root);
    store.create().unwrap();
    let run = RunId::new("test");
    store.begin(&run, &Plan::<()>::new("test", vec![])).unwrap();
    World::of_files(root.to_path_buf(), store.blobs(&run), run, Git::open(root))
}
