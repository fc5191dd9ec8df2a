//! Phase 3 on an engine: what nobody uses goes, what anybody refers to stays, and what has content comes back, also when
//! the tool was killed. Everything here is of one compose project: other people's things are never looked at.

#[allow(dead_code)]
mod backup;
mod engine_support;

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};

use backup::{Said, Stack};
use serde_json::Value;
use xtask::engine::Engine;

const COMPOSE: &str = "name: PROJECT
services:
  app: {image: 'redis:7', init: true, command: [sleep, '3600'], stop_grace_period: 1s, volumes: ['files:/data']}
  LEGACY
  asleep: {image: 'redis:7', profiles: [never], volumes: ['asleep:/data']}
volumes: {files: , asleep: , unmounted: , legacy: }
networks: {oldnet: {driver_opts: {com.docker.network.bridge.enable_icc: 'false'}}}
";
const LEGACY: &str = "legacy: {image: 'redis:7', init: true, command: [sleep, '3600'], stop_grace_period: 1s, volumes: ['legacy:/data'], networks: [oldnet]}";
const SETTINGS: &str = "stacks: {shop: {files: [compose.yaml]}}\ncleanup: {younger-than: 0h, keep-tags: 0}\n";

/// A service has left the stack, and its volume and network are still there.
fn shop(test: &str) -> Option<Stack> {
    let stack = Stack { sandbox: engine_support::sandbox(test)?, state: tempfile::tempdir().unwrap() };
    let compose = COMPOSE.replace("PROJECT", &stack.sandbox.project);
    stack.sandbox.file("compose.yaml", &compose.replace("LEGACY", LEGACY));
    stack.sandbox.file("xtask.yaml", SETTINGS);
    stack.docker(&["compose", "up", "-d", "--wait"]);
    let script = "cd /data && mkdir -p sub 'a b' && printf hello > plain && ln plain second && ln -s plain link
        head -c 12000000 /dev/urandom > sub/large && chmod 4750 plain && chown 999:998 sub && chown 999 . && chmod 700 .";
    stack.inside("legacy", script);
    let without = compose.replace("  LEGACY\n", "").replace(", legacy: }", " }");
    stack.sandbox.file("compose.yaml", without.split("networks:").next().unwrap());
    stack.docker(&["compose", "up", "-d", "--wait", "--remove-orphans"]);
    Some(stack)
}

fn named(stack: &Stack, what: &str) -> String {
    format!("{}_{what}", stack.sandbox.project)
}

/// A volume as Compose would have made it.
fn volume(stack: &Stack, key: &str, more: &[&str]) {
    let labels = [format!("com.docker.compose.project={}", stack.sandbox.project), format!("com.docker.compose.volume={key}")];
    let name = named(stack, key);
    let labels = labels.iter().flat_map(|label| ["--label", label.as_str()]);
    let args: Vec<&str> = ["volume", "create"].into_iter().chain(labels).chain(more.iter().copied()).chain([name.as_str()]).collect();
    stack.docker(&args);
}

/// Names, kinds, modes, owners, sizes, contents and links of all that is in the volume.
fn content(stack: &Stack, volume: &str) -> String {
    let find = "cd /v; find . ! -type d -printf '%p %y %m %U:%G %s %T@ %n %l\\n' | sort; find . -type d -printf '%p %m %U:%G\\n' | sort; \
                find . -type f -exec sha256sum {} + | sort";
    stack.docker(&["run", "--rm", "--network", "none", "-v", &format!("{volume}:/v:ro"), "redis:7", "sh", "-ec", find])
}

/// An image of the project's, without a name or with one.
fn image(stack: &Stack, name: &[&str]) -> String {
    let label = format!("LABEL com.docker.compose.project={}", stack.sandbox.project);
    let container = stack.sandbox.container("app").id;
    stack.docker(&[&["commit", "--pause=false", "--change", &label, &container], name].concat()).trim().to_string()
}

fn unused(report: &Value) -> BTreeSet<String> {
    let items = report["report"]["unused"].as_array().unwrap().iter();
    items.map(|item| format!("{} {}", item["kind"].as_str().unwrap(), item["name"].as_str().unwrap())).collect()
}

fn why_kept(report: &Value, name: &str) -> String {
    let mut items = report["report"]["kept"].as_array().unwrap().iter();
    let item = items.find(|item| item["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"));
    item["why"].as_str().unwrap().to_string()
}

/// The list, and the word that names it.
fn look(stack: &Stack, more: &[&str]) -> (Value, String) {
    let report = stack.json(&[&["--dry-run", "cleanup", "shop"], more].concat());
    let word = report["report"]["confirm"].as_str().unwrap_or_default().to_string();
    (report, word)
}

fn clean(stack: &Stack, word: &str, more: &[&str]) -> Said {
    stack.run(&[&["--yes", "--confirm", word, "cleanup", "shop"], more].concat())
}

fn has_volume(stack: &Stack, name: &str) -> bool {
    stack.sandbox.docker.volume(name).unwrap().is_some()
}

fn at_peace(stack: &Stack) {
    for run in stack.json(&["history"]).as_array().unwrap() {
        let label = [("xtask.run", run["run"].as_str().unwrap())];
        assert!(stack.sandbox.docker.containers(&label).unwrap().is_empty());
        assert!(stack.sandbox.docker.volumes(&label).unwrap().is_empty());
    }
    assert_eq!(stack.json(&["recover"])["recovered"], Value::Null);
}

#[test]
fn what_nobody_uses_goes_and_comes_back() {
    let Some(stack) = shop("clean") else { return };
    let (docker, project) = (&stack.sandbox.docker, stack.sandbox.project.clone());
    let (legacy, oldnet) = (named(&stack, "legacy"), named(&stack, "oldnet"));
    for (key, more) in [("asleep", &[][..]), ("unmounted", &[]), ("precious", &["--label", "xtask.keep=yes"]), ("borrowed", &[])] {
        volume(&stack, key, more);
    }
    let borrower = format!("{project}-borrower");
    stack.docker(&["create", "--name", &borrower, "-v", &format!("{}:/v", named(&stack, "borrowed")), "redis:7"]);
    let name = format!("xtask-test/{project}:1");
    let (untagged, tagged) = (image(&stack, &[]), image(&stack, &[&name]));
    let before = (content(&stack, &legacy), docker.volume(&legacy).unwrap().unwrap(), docker.network_spec(&oldnet).unwrap().unwrap());
    let app = stack.sandbox.container("app").state.started_at;

    let (report, word) = look(&stack, &[]);
    let short = &untagged.trim_start_matches("sha256:")[..12];
    let wanted = [format!("volume {legacy}"), format!("network {oldnet}"), format!("image {short}"), format!("image {name}")];
    assert_eq!(unused(&report), wanted.into_iter().collect::<BTreeSet<_>>());
    for (key, why) in [("asleep", "stack shop declares it"), ("unmounted", "stack shop declares it"), ("precious", "xtask.keep")] {
        assert!(why_kept(&report, &named(&stack, key)).contains(why), "{key}");
    }
    assert!(why_kept(&report, &named(&stack, "borrowed")).contains(&borrower));
    assert!(report["report"]["unused"].as_array().unwrap().iter().any(|item| item["bytes"].as_u64() >= Some(12_000_000)));
    let shown = stack.ok(&["--dry-run", "cleanup", "shop"]).text;
    assert!(shown.contains(&word) && shown.contains("no container has it, and no stack declares it; archived first"), "{shown}");

    // Refused, and nothing is touched: without the name of the list, by another one, by other counts.
    for args in [
        &["--yes", "cleanup", "shop"][..],
        &["--yes", "--confirm", "cleanup-00000000", "cleanup", "shop"],
        &["--yes", "--confirm", &word, "cleanup", "shop", "--expect", "volumes=1,images=3"],
        &["--yes", "--confirm", &word, "cleanup", "shop", "--expect", "volumes=2"],
    ] {
        let said = stack.run(args);
        assert_eq!(said.code, Some(3), "{args:?}: {}", said.text);
    }
    // What does not hold is put back.
    stack.sandbox.file("xtask.yaml", &format!("{SETTINGS}validate: {{cleanup: [['false']]}}\n"));
    let said = clean(&stack, &word, &[]);
    assert_eq!(said.code, Some(4), "{}", said.text);
    stack.sandbox.file("xtask.yaml", SETTINGS);
    assert_eq!((content(&stack, &legacy), docker.network_spec(&oldnet).unwrap().unwrap()), (before.0.clone(), before.2.clone()));
    assert!(docker.image(&name).unwrap().is_some_and(|image| image.id == tagged) && docker.image(&untagged).unwrap().is_some());
    at_peace(&stack);

    // The volume is another one now, and so is the list.
    assert_eq!(clean(&stack, &word, &[]).code, Some(3));
    let (_, word) = look(&stack, &[]);
    let said = clean(&stack, &word, &["--expect", "volumes=1,images=2", "--expect", "networks=1"]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!(said.text.contains("archived and read back equal") && said.text.contains("Reclaimed"), "{}", said.text);
    assert!(!has_volume(&stack, &legacy) && docker.network(&oldnet).unwrap().is_none());
    assert!(docker.image(&name).unwrap().is_none() && docker.image(&untagged).unwrap().is_none());
    for key in ["files", "asleep", "unmounted", "precious", "borrowed"] {
        assert!(has_volume(&stack, &named(&stack, key)), "{key}");
    }
    assert_eq!(stack.sandbox.container("app").state.started_at, app);
    at_peace(&stack);
    stack.ok(&["migrate", "--status", "shop"]);
    assert_eq!(stack.json(&["--yes", "migrate", "--phase", "3", "shop"])["ended"], "nothing-to-do");

    // It is no backup, and letting backups go does not let it go.
    assert_eq!(stack.json(&["backup", "list"]).as_array().unwrap().len(), 0);
    for _ in 0..2 {
        stack.ok(&["backup"]);
    }
    stack.ok(&["--yes", "backup", "forget", "--keep-last", "1", "--prune"]);
    assert_eq!(stack.json(&["backup", "list"]).as_array().unwrap().len(), 1);
    let run = stack.json(&["history"]).as_array().unwrap().iter().rev().find(|run| run["task"] == "cleanup").unwrap()["run"].clone();
    let said = stack.ok(&["--yes", "rollback", run.as_str().unwrap()]);
    assert!(said.text.contains("back and read equal"), "{}", said.text);
    assert_eq!(content(&stack, &legacy), before.0);
    let back = docker.volume(&legacy).unwrap().unwrap();
    assert_eq!((back.labels, back.options, back.driver), (before.1.labels, before.1.options, before.1.driver));
    assert_eq!(docker.network_spec(&oldnet).unwrap().unwrap(), before.2);
    assert_eq!(docker.image(&name).unwrap().unwrap().id, tagged);
    at_peace(&stack);
    stack.docker(&["rm", "-f", &borrower]);
    stack.docker(&["rmi", &name]);
}

fn spawn(stack: &Stack, args: &[&str]) -> Child {
    stack.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn what_a_killed_cleanup_has_removed_is_brought_back() {
    let Some(stack) = shop("ckill") else { return };
    let legacy = named(&stack, "legacy");
    // More steps after it, so that there is something to be killed in.
    for key in ["z1", "z2", "z3"] {
        volume(&stack, key, &[]);
    }
    let before = content(&stack, &legacy);
    let of_runs = |stack: &Stack| {
        let runs = std::fs::read_dir(stack.root().join(".xtask/runs")).into_iter().flatten();
        runs.map(|run| run.unwrap().file_name().into_string().unwrap())
            .any(|run| !stack.sandbox.docker.containers(&[("xtask.run", &run)]).unwrap().is_empty())
    };
    for moment in ["archive", "removed", "twice"] {
        let (_, word) = look(&stack, &[]);
        let child = spawn(&stack, &["--yes", "--confirm", &word, "cleanup", "shop"]);
        match moment {
            "archive" => stack.wait("an archive", || of_runs(&stack)),
            _ => stack.wait("the removal", || !has_volume(&stack, &legacy)),
        }
        kill(child);
        if moment == "twice" {
            let child = spawn(&stack, &["recover"]);
            stack.wait("the volume", || has_volume(&stack, &legacy));
            kill(child);
        }
        stack.ok(&["recover"]);
        assert_eq!(content(&stack, &legacy), before, "{moment}");
        for key in ["z1", "z2", "z3", "oldnet"] {
            let name = named(&stack, key);
            assert!(has_volume(&stack, &name) || stack.sandbox.docker.network(&name).unwrap().is_some(), "{moment}: {key}");
        }
        at_peace(&stack);
    }
    nothing_is_stored(&stack);
    // What somebody comes to use while it is at work stays, and that is said.
    let (_, word) = look(&stack, &[]);
    let child =
        stack.command(&["--yes", "--confirm", &word, "cleanup", "shop"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    stack.wait("an archive", || of_runs(&stack));
    let user = format!("{}-user", stack.sandbox.project);
    stack.docker(&["create", "--name", &user, "-v", &format!("{}:/v", named(&stack, "z3")), "redis:7"]);
    let said = Said::of(child.wait_with_output().unwrap());
    assert!(said.code == Some(0) && said.text.contains(&format!("the volume {} stays", named(&stack, "z3"))), "{}", said.text);
    assert!(has_volume(&stack, &named(&stack, "z3")) && !has_volume(&stack, &legacy) && !has_volume(&stack, &named(&stack, "z1")));
    stack.ok(&["--yes", "rollback"]);
    assert_eq!(content(&stack, &legacy), before);
    stack.docker(&["rm", "-f", &user]);
    at_peace(&stack);
}

/// One record of the build cache goes by its id, and no other.
#[test]
fn a_record_of_the_build_cache_goes_alone() {
    let Some(sandbox) = engine_support::sandbox("ccache") else { return };
    let word = format!("only-{}", sandbox.project);
    sandbox.file("Dockerfile", &format!("FROM redis:7\nRUN true {word}-a\nRUN true {word}-b\n"));
    let docker = |args: &[&str]| {
        let said = std::process::Command::new("docker").args(args).current_dir(sandbox.path()).output().unwrap();
        assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    };
    let image = docker(&["build", "-q", "."]);
    docker(&["rmi", image.trim()]);
    let record = |which: &str| {
        let said = docker(&["buildx", "du", "--verbose", "--filter", &format!("description~={word}-{which}")]);
        said.lines().find_map(|line| line.strip_prefix("ID:")).map(|id| id.trim().to_string())
    };
    let known = |id: &str| sandbox.docker.disk_usage().unwrap().cache.iter().any(|record| record.id == id && !record.in_use);
    let (a, b) = (record("a").unwrap(), record("b").unwrap());
    assert!(known(&a) && known(&b));
    sandbox.docker.remove_cache(&b).unwrap();
    assert!(known(&a) && !known(&b));
    sandbox.docker.remove_cache(&a).unwrap();
    assert!(!known(&a));
}

fn nothing_is_stored(stack: &Stack) {
    // Where restic is not installed, nobody else can tell.
    if let Some(said) = stack.restic(&["snapshots", "--json"]) {
        assert_eq!(serde_json::from_slice::<Value>(&said.out).unwrap(), serde_json::json!([]));
    }
}

#[test]
fn stopped_containers_go_only_when_they_are_asked_for_and_phases_together_leave_volumes() {
    let Some(stack) = shop("cstop") else { return };
    let left = stack.docker(&["compose", "run", "-d", "--name", &format!("{}-once", stack.sandbox.project), "app", "true"]);
    stack.docker(&["wait", left.trim()]);
    assert!(!unused(&look(&stack, &[]).0).iter().any(|name| name.starts_with("container")));
    let (report, word) = look(&stack, &["--include", "containers"]);
    let containers: Vec<String> = unused(&report).into_iter().filter(|name| name.starts_with("container")).collect();
    assert_eq!(containers, [format!("container {}-once", stack.sandbox.project)]);
    let (legacy, oldnet) = (named(&stack, "legacy"), named(&stack, "oldnet"));
    let said = stack.ok(&["--yes", "migrate", "--all", "--skip", "1", "--skip", "2", "shop"]);
    assert!(said.text.contains("unused volumes stay") && said.text.contains(&legacy), "{}", said.text);
    assert!(has_volume(&stack, &legacy) && stack.sandbox.docker.network(&oldnet).unwrap().is_none());
    let said = stack.run(&["migrate", "--status", "shop"]);
    assert!(said.code == Some(1) && said.text.contains("Pending phase 3"), "{}", said.text);
    // The network is off the list by now.
    assert_eq!(clean(&stack, &word, &["--include", "containers"]).code, Some(3));
    let (_, word) = look(&stack, &["--include", "containers"]);
    let said = clean(&stack, &word, &["--include", "containers"]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!(!has_volume(&stack, &legacy));
    assert!(stack.sandbox.docker.container(left.trim()).unwrap().is_none());
    // The whole engine: looked at only.
    let report = stack.json(&["--dry-run", "cleanup", "--host"]);
    assert_eq!(report["ended"], "planned");
}
