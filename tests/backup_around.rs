//! What stands around backups: deploys that ask for one, what `status` says of them, and what is let go.

mod engine_support;
#[allow(dead_code)] // what other tests need of it
#[path = "prod_up/mod.rs"]
mod support;

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Prod, Said};
use xtask::engine::{Engine, Status};

/// One service with a volume that it writes to.
const STACK: &str = "name: PROJECT
services:
  app:
    image: IMAGE
    entrypoint: [sh, -c]
    command: ['while true; do date > /data/now; sleep 0.05; done']
    stop_grace_period: 1s
    labels: {LABELS}
    volumes: ['data:/data']
volumes: {data: }
";
const SETTINGS: &str = "deploy: {settle: 0, rehearse: false}\nbackup: {before-deploy: BEFORE}\n";

struct Around {
    prod: Prod,
    /// Names images of its own, which no registry has.
    image: String,
}

impl Around {
    /// `kind`: what the image's name says that it is.
    fn of(test: &str, before: &str, kind: &str) -> Option<Around> {
        let prod = Prod::of(test, "services: {}\n", &settings(before))?;
        let around = Around { image: format!("xtask-test/{test}-{}/{kind}", std::process::id()), prod };
        around.tag("7");
        around.stack("7", "xtask.backup: archive");
        Some(around)
    }

    fn stack(&self, tag: &str, labels: &str) {
        let text = STACK.replace("IMAGE", &format!("{}:{tag}", self.image)).replace("LABELS", labels);
        self.prod.write("compose.prod.yaml", &text);
    }

    fn tag(&self, tag: &str) {
        self.docker(&["tag", "redis:7", &format!("{}:{tag}", self.image)]);
    }

    fn docker(&self, args: &[&str]) -> String {
        let said = std::process::Command::new("docker").args(args).stdin(Stdio::null()).output().unwrap();
        assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).trim().to_string()
    }

    fn inside(&self, script: &str) -> String {
        self.docker(&["exec", &self.prod.sandbox.container("app").id, "sh", "-ec", script])
    }

    fn json(&self, args: &[&str]) -> Value {
        let said = self.prod.run(&[&["--format", "json"], args].concat());
        let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.text));
        document["result"].clone()
    }

    fn backups(&self) -> Vec<Value> {
        self.json(&["backup", "list"]).as_array().unwrap().clone()
    }

    fn up(&self, args: &[&str]) -> Said {
        self.prod.up(args)
    }

    /// What its last point says of backups; there is no runbook, so it is not ok in any case.
    fn preflight(&self, says: &[&str], never: &str) {
        let said = self.prod.run(&["preflight", "--no-rehearse"]);
        said.expect(1, says);
        assert!(!said.text.contains(never), "{}", said.text);
    }

    fn id(&self) -> String {
        self.prod.sandbox.container("app").id
    }

    fn at_peace(&self) {
        assert_eq!(self.prod.sandbox.container("app").state.status, Status::Running);
        self.prod.nothing_left_over();
        assert_eq!(self.json(&["recover"])["recovered"], Value::Null);
    }
}

impl Drop for Around {
    fn drop(&mut self) {
        for image in self.prod.sandbox.docker.images(&self.image).unwrap_or_default() {
            for name in image.tags.iter().filter(|name| name.starts_with(&self.image)) {
                let _ = self.prod.sandbox.docker.untag(name);
            }
        }
    }
}

fn settings(before: &str) -> String {
    SETTINGS.replace("BEFORE", before)
}

#[test]
fn a_deploy_asks_for_a_fresh_backup_that_was_verified() {
    let Some(around) = Around::of("ba-fresh", "fresh 24h", "redis") else { return };
    let prod = &around.prod;
    // Where nothing is yet, nothing can be lost.
    around.up(&[]).expect(0, &["start"]);
    assert_eq!(around.json(&["status"])["stacks"][0]["backup"], Value::Null);
    let first = around.id();
    around.stack("7", "xtask.backup: archive, a: b");
    around.up(&[]).expect(3, &["guard backup", "ever verified", "cargo xtask backup prod"]);
    around.preflight(&["ever verified", "cargo xtask backup prod"], "never counts as verified");
    prod.run(&["backup"]).expect(0, &[]);
    let name = around.backups()[0]["name"].as_str().unwrap().to_string();
    around.up(&[]).expect(3, &["ever verified", &format!("backup verify {name}")]);
    prod.run(&["status"]).expect(1, &["last backup", "not verified"]);
    assert_eq!(around.id(), first);
    prod.run(&["backup", "verify"]).expect(0, &[]);
    around.preflight(&["there is no runbook"], "ever verified");
    around.up(&[]).expect(0, &["configuration"]);
    assert_ne!(around.id(), first);
    prod.run(&["status"]).expect(0, &["last verified backup", &name]);
    let standing = around.json(&["status"])["stacks"][0]["backup"].clone();
    assert_eq!((standing["verified"]["name"].as_str(), &standing["newest"]), (Some(name.as_str()), &standing["verified"]));
    assert!(standing["verified"]["age_secs"].as_u64().unwrap() < 600, "{standing}");
    assert_eq!(prod.releases()[1]["backup"].as_str(), Some(name.as_str()));

    // What a release would go back with stays, and so does the last that was verified.
    prod.run(&["backup"]).expect(0, &[]);
    prod.run(&["backup"]).expect(0, &[]);
    let names = |around: &Around| around.backups().iter().map(|one| one["name"].as_str().unwrap().to_string()).collect::<Vec<_>>();
    let three = names(&around);
    prod.run(&["backup", "forget"]).expect(2, &["--keep-last"]);
    prod.run(&["backup", "forget", "--keep-last", "1"]).expect(3, &["--yes"]);
    prod.run(&["--dry-run", "backup", "forget", "--keep-last", "1"]).expect(0, &[&format!("forget {} of prod", three[1]), "2 stay"]);
    assert_eq!(names(&around), three);
    prod.run(&["--yes", "backup", "forget", "--keep-last", "1", "--prune"]).expect(0, &["make room"]);
    assert_eq!(names(&around), [name.clone(), three[2].clone()]);
    prod.run(&["backup", "check", "--read-data"]).expect(0, &[]);
    let history = around.json(&["history"]);
    let forgot = history.as_array().unwrap().iter().find(|run| run["task"] == "backup-forget").unwrap();
    prod.run(&["rollback", forgot["run"].as_str().unwrap()]).expect(3, &["it let backups go"]);

    // The unit that systemd would read names this program and this project.
    let said = prod.run(&["backup", "schedule"]);
    said.expect(0, &["OnCalendar", "ExecStart", &prod.root().display().to_string(), "backup --verify"]);
    around.at_peace();
}

#[test]
fn another_major_version_needs_a_backup_and_a_name() {
    let Some(around) = Around::of("ba-major", "off", "postgres") else { return };
    let (prod, project) = (&around.prod, around.prod.sandbox.project.clone());
    around.up(&[]).expect(0, &["start"]);
    let first = around.id();
    around.tag("8");
    around.stack("8", "xtask.backup: archive");
    around.up(&[]).expect(3, &["guard major-version", "from version 7 to 8", "of the last 24 h was verified"]);
    around.preflight(&["from version 7 to 8"], "never counts as verified");
    prod.run(&["backup"]).expect(0, &[]);
    around.up(&[]).expect(3, &["guard major-version"]);
    prod.run(&["backup", "verify"]).expect(0, &[]);
    // --yes does not answer what cannot be undone.
    around.up(&[]).expect(3, &["--confirm"]);
    assert_eq!(around.id(), first);
    around.up(&["--confirm", &project]).expect(0, &["swap"]);
    assert_ne!(around.id(), first);
    // Without a way back only by the override, which asks for no name.
    around.tag("9");
    around.stack("9", "xtask.backup: archive");
    std::fs::remove_dir_all(prod.state.path().join("backups/repository")).unwrap();
    around.up(&["--confirm", &project]).expect(3, &["guard major-version"]);
    around.up(&["--override", "major-version", "--reason", "it is a cache"]).expect(0, &["it is a cache"]);
    around.at_peace();
}

#[test]
fn a_deploy_makes_a_backup_first_that_stays() {
    let Some(around) = Around::of("ba-required", "required", "redis") else { return };
    let prod = &around.prod;
    around.up(&[]).expect(0, &["start"]);
    assert!(around.backups().is_empty(), "there was nothing to back up");
    around.stack("7", "xtask.backup: archive, a: b");
    prod.run(&["--dry-run", "prod-up"]).expect(0, &["verify that backup"]);
    assert!(around.backups().is_empty());
    around.up(&[]).expect(0, &["back up prod", "beside everything else"]);
    let made = around.backups();
    assert_eq!(made.len(), 1);
    assert!(made[0]["verified"]["took_ms"].is_u64(), "{made:?}");
    around.up(&[]).expect(0, &["othing to do"]);
    assert_eq!(around.backups().len(), 1, "a deploy of nothing backs nothing up");

    // A release that does not come up is put back; what was backed up before it is there all the same.
    let good = around.id();
    let text = std::fs::read_to_string(prod.root().join("compose.prod.yaml")).unwrap();
    prod.write("compose.prod.yaml", &text.replace("while true; do date", "exit 1; while true; do date"));
    around.up(&[]).expect(4, &["everything was put back"]);
    assert_eq!(around.id(), good);
    assert_eq!(around.backups().len(), 2);
    assert!(around.backups().iter().all(|backup| backup["verified"].is_object()));
    around.at_peace();

    // Killed while the backup is restored for trial: nothing of it is listed, and nothing of the deploy was begun.
    around.stack("7", "xtask.backup: archive, a: c");
    around.inside("head -c 60000000 /dev/urandom > /data/large");
    let mut child = prod.command(prod.root(), &["--yes", "prod-up"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while prod.rehearsed().is_empty() {
        assert!(Instant::now() < until && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    prod.run(&["recover"]).expect(0, &[]);
    assert_eq!((around.id(), around.backups().len()), (good, 2));
    around.at_peace();

    // What can never be verified is refused before anything is done, or gone over with a reason.
    around.stack("7", "xtask.backup: archive-hot");
    around.up(&["--override", "backup", "--reason", "it is a cache"]).expect(0, &["it is a cache", "swap"]);
    assert_eq!(around.backups().len(), 2);
    around.stack("7", "xtask.backup: archive-hot, a: d");
    around.up(&[]).expect(3, &["guard backup", "never counts as verified"]);
    around.preflight(&["never counts as verified"], "ever verified");
    assert_eq!(around.backups().len(), 2);
    around.at_peace();
}

/// That everything is measured and taken away again; how long it takes is not judged on a machine that is busy.
#[test]
fn a_bench_measures_everybody_and_leaves_nothing() {
    let Some(sandbox) = engine_support::sandbox("ba-bench") else { return };
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["--format", "json", "bench", "backup", "--size", "2", "--rounds", "1", "--image", "postgres:15"]);
    let child = command.env("TMPDIR", sandbox.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let prefix = format!("xtask-bench-{}-", child.id());
    let output = child.wait_with_output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(2) && text.contains("as a user who may write to its volumes") {
        return engine_support::skipped("bench backup", "this user may not write to the engine's volumes");
    }
    assert_eq!(output.status.code(), Some(0), "{text}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let cases = document["result"]["cases"].as_array().unwrap();
    for what in ["first backup", "second, 1 % changed", "restore", "verify", "database, the dump alone"] {
        let ours = cases.iter().find(|case| case["what"] == what && case["by"] == "xtask");
        assert!(ours.is_some_and(|case| case["seconds"].as_f64().unwrap() > 0.0), "{what}: {document:#}");
    }
    assert!(document["result"]["peak_bytes"].as_u64().unwrap() > 1 << 20);
    let containers = sandbox.docker.containers(&[]).unwrap().into_iter().map(|one| one.name);
    let volumes = sandbox.docker.volumes(&[]).unwrap().into_iter().map(|one| one.name);
    let left: Vec<String> = containers.chain(volumes).filter(|name| name.contains(&prefix)).collect();
    assert!(left.is_empty(), "{left:?}");
}
