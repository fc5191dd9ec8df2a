//! What a release needs and does not have, and who else deploys meanwhile; while a release serves.

use super::support::{Prod, QUICK, STACK, Said};

#[test]
fn what_is_missing_is_refused_beside_the_release_that_serves() {
    let Some(prod) = Prod::of("df-missing", STACK, QUICK) else { return };
    prod.up(&["--tag", "v1", "--no-rehearse"]).expect(0, &[]);
    let before = prod.whole("v1");
    let needs =
        STACK.replace("{WEB,", "{WEB, secrets: [key], labels: {A: '${MUST_BE_SET:?say it}'},") + "secrets: {key: {file: key.txt}}\n";
    let set = needs.replace("'${MUST_BE_SET:?say it}'", "set");
    for (file, key, words) in [
        (&needs, None, &["MUST_BE_SET", "key.txt is not there"][..]),
        (&set, None, &["key.txt is not there"]),
        (&set, Some(""), &["key.txt is empty"]),
        (&needs, Some("canary-pu-key-8sTr"), &["MUST_BE_SET"]),
    ] {
        prod.write("compose.prod.yaml", file);
        if let Some(key) = key {
            prod.write("key.txt", key);
        }
        prod.up(&["--tag", "v2", "--no-rehearse"]).expect(3, &[words, &["nothing was touched"]].concat());
        assert_eq!(prod.serves("v1"), before, "{words:?}");
    }
    prod.write("compose.prod.yaml", STACK);
    prod.up(&["--tag", "nobody-made-it", "--no-rehearse"]).expect(3, &["prod-up:nobody-made-it", "nothing was touched"]);
    assert_eq!(prod.whole("v1"), before);
    assert_eq!(prod.releases().len(), 1);
}

/// The first one is asked to be slow, so that the second meets it.
#[test]
fn a_second_deploy_says_who_is_at_work_and_another_project_goes_on() {
    let slow = "deploy: {settle: 1, hooks: {pre-deploy: [[sh, -c, 'touch .xtask/there; while [ ! -e .xtask/go ]; do sleep 0.1; done']]}}\n";
    let (Some(prod), Some(other)) = (Prod::of("df-two", STACK, slow), Prod::of("df-other", STACK, QUICK)) else { return };
    prod.by_hand("v1", &["up", "-d", "--wait"]);
    let clone = tempfile::tempdir().unwrap();
    let cloned = std::process::Command::new("git").args(["clone", "-q"]).args([prod.root(), clone.path()]).status().unwrap();
    assert!(cloned.success());
    let mut first = prod.start(&["--tag", "v2", "--no-rehearse"]);
    let pid = format!("(process {})", first.child.id());
    prod.until(&mut first, 0, |_| prod.root().join(".xtask/there").exists());
    // From the same checkout, and from another one of the same stack.
    let second = prod.up(&["--tag", "v3", "--no-rehearse"]);
    second.expect(3, &[&pid, "holds it since", "prod-up"]);
    let third = Said::of(&prod.command(clone.path(), &["--yes", "prod-up", "--tag", "v3"]).output().unwrap());
    third.expect(3, &[&pid, "holds it since", "from now on it is"]);
    other.up(&["--tag", "v3", "--no-rehearse"]).expect(0, &[]);
    other.whole("v3");
    prod.write(".xtask/go", "");
    first.end().expect(0, &[]);
    prod.whole("v2");
}
