//! Hooks that fail, that never end, and that talk.

use std::time::Instant;

use super::support::{Prod, STACK};

fn settings(hooks: &str) -> String {
    format!("deploy:\n  settle: 1\n  hooks:\n    timeout: 2\n{hooks}")
}

fn told(prod: &Prod) -> String {
    std::fs::read_to_string(prod.root().join(".xtask/told")).unwrap_or_default()
}

#[test]
fn a_hook_that_fails_takes_the_release_back() {
    let Some(prod) = Prod::of("df-hooks", STACK, &settings("")) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let before = prod.whole("v1");
    // The release was proven and recorded by then.
    let after = "    post-deploy: [[sh, -c, 'echo post $XTASK_RELEASE >> .xtask/told; echo says CANARY >&2; exit 7']]\n    \
                 on-rollback: [[sh, -c, 'echo back $XTASK_RELEASE >> .xtask/told']]\n";
    prod.write("xtask.yaml", &settings(after));
    let said = prod.up(&["--tag", "v2", "--no-rehearse"]);
    said.expect(4, &["run the post-deploy hook", "exit code 7: says ********", "everything was put back"]);
    assert_eq!((prod.whole("v1"), told(&prod).as_str()), (before.clone(), "post r0002\nback r0002\n"));
    // Before anything is touched.
    prod.write("xtask.yaml", &settings("    pre-deploy: [[sh, -c, 'echo says CANARY; exit 7'], [touch, .xtask/never]]\n"));
    prod.up(&["--tag", "v2", "--no-rehearse", "-v"]).expect(4, &["run the pre-deploy hook"]);
    assert_eq!(prod.whole("v1"), before);
    assert!(!prod.root().join(".xtask/never").exists());
    prod.write("xtask.yaml", &settings("    pre-deploy: [[/no/such/program]]\n"));
    prod.up(&["--tag", "v2", "--no-rehearse"]).expect(4, &["run the pre-deploy hook", "/no/such/program"]);
    assert_eq!(prod.whole("v1"), before);
}

#[test]
fn a_hook_that_never_ends_is_ended() {
    // One that is deaf to being asked, with a child of its own.
    let endless = "    pre-deploy: [[sh, -c, 'trap \"\" INT TERM; sleep 1000 & wait; sleep 1000']]\n";
    let Some(prod) = Prod::of("df-endless", STACK, &settings("")) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let before = prod.whole("v1");
    prod.write("xtask.yaml", &settings(endless));
    let began = Instant::now();
    prod.up(&["--tag", "v2", "--no-rehearse"]).expect(4, &["run the pre-deploy hook", "not done after 2 s"]);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    assert!(prod.processes().is_empty(), "what the hook has started lives on");
    assert_eq!(prod.whole("v1"), before);
}

/// What ran before serves again when it is called, so it holds nothing up.
#[test]
fn an_on_rollback_hook_that_fails_is_told_of_and_holds_nothing_up() {
    let hooks =
        "    on-rollback: [[sh, -c, 'echo pager says CANARY >&2; exit 9'], [sh, -c, 'sleep 1000'], [sh, -c, 'echo back >> .xtask/told']]\n";
    let Some(prod) = Prod::of("df-pager", STACK, &settings("")) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let before = prod.whole("v1");
    prod.write("xtask.yaml", &settings(hooks));
    let said = prod.up(&["--tag", "crash", "--no-rehearse"]);
    let words =
        ["it falls over", "run the on-rollback hook", "exit code 9: pager says ********", "not done after 2 s", "everything was put back"];
    said.expect(4, &words);
    assert_eq!((prod.whole("v1"), told(&prod).as_str()), (before.clone(), "back\n"));
    // The same after a kill.
    let known = prod.journals().len();
    let mut going = prod.start(&["--tag", "crash", "--no-rehearse"]);
    prod.until(&mut going, known, |records| records.iter().any(|record| record["step"]["kind"] == "replace"));
    going.kill();
    prod.run(&["recover"]).expect(0, &["exit code 9: pager says ********", "not done after 2 s"]);
    assert_eq!((prod.whole("v1"), told(&prod).as_str()), (before, "back\nback\n"));
}
