//! Phase 3 on an engine: what nobody uses goes, what anybody refers to stays, and what has content comes back. Everything
//! that is removed here is of one compose project: other people's things are only looked at.

#[allow(dead_code)]
mod backup;
mod engine_support;

use std::collections::BTreeSet;
use std::process::Stdio;

use backup::{CANARY, Said, Stack, holds};
use serde_json::Value;
use xtask::engine::Engine;

const COMPOSE: &str = "name: PROJECT
services:
  app: {image: 'redis:7', init: true, command: [sleep, '3600'], environment: {API_PASSWORD: CANARY}, stop_grace_period: 0s, volumes: ['files:/data']}
  LEGACY
  asleep: {image: 'redis:7', profiles: [never], volumes: ['asleep:/data']}
volumes: {files: , asleep: , unmounted: , legacy: }
networks: {oldnet: {driver_opts: {com.docker.network.bridge.enable_icc: 'false'}}}
";
const LEGACY: &str = "legacy: {image: 'redis:7', init: true, command: [sleep, '3600'], stop_grace_period: 0s, volumes: ['legacy:/data'], networks: [oldnet]}";
const STACKS: &str = "stacks: {shop: {files: [compose.yaml]}}\n";
const SETTINGS: &str = "stacks: {shop: {files: [compose.yaml]}}\ncleanup: {younger-than: 0h, keep-tags: 0}\n";

/// A service has left the stack, and its volume and network are still there. The secret is in the stack and in the volume.
fn shop(test: &str) -> Option<Stack> {
    let stack = Stack { sandbox: engine_support::sandbox(test)?, state: tempfile::tempdir().unwrap() };
    let compose = COMPOSE.replace("PROJECT", &stack.sandbox.project).replace("CANARY", CANARY);
    stack.sandbox.file("compose.yaml", &compose.replace("LEGACY", LEGACY));
    stack.sandbox.file("xtask.yaml", SETTINGS);
    stack.docker(&["compose", "up", "-d", "--wait"]);
    // Empty bytes take next to no room in the archive, so that something is reclaimed.
    let script = format!(
        "cd /data && mkdir -p sub 'a b' && printf {CANARY} > plain && ln plain second && ln -s plain link
        head -c 3000000 /dev/zero > sub/large && chmod 4750 plain && chown 999:998 sub && chown 999 . && chmod 700 ."
    );
    stack.inside("legacy", &script);
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

/// An image of the project's, without a name or with one; `labels`: or of nobody's.
fn image(stack: &Stack, content: &str, labels: bool, name: &[&str]) -> String {
    stack.sandbox.file("content", &format!("{content} of {}", stack.sandbox.project));
    let tar = stack.root().join("content.tar");
    let packed = std::process::Command::new("tar").arg("-cf").arg(&tar).arg("-C").arg(stack.root()).arg("content").status().unwrap();
    assert!(packed.success());
    let label = format!("LABEL com.docker.compose.project={}", stack.sandbox.project);
    let changed: &[&str] = if labels { &["--change", &label] } else { &[] };
    stack.docker(&[&["import"], changed, &[tar.to_str().unwrap()], name].concat()).trim().to_string()
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
    assert!(!report.to_string().contains(CANARY), "{report}");
    let word = report["report"]["confirm"].as_str().unwrap_or_default().to_string();
    (report, word)
}

fn clean(stack: &Stack, word: &str, more: &[&str]) -> Said {
    hidden(stack.run(&[&["--yes", "--confirm", word, "-v", "cleanup", "shop"], more].concat()))
}

fn hidden(said: Said) -> Said {
    assert!(!said.text.contains(CANARY), "{}", said.text);
    said
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
    let (legacy, oldnet, late) = (named(&stack, "legacy"), named(&stack, "oldnet"), named(&stack, "zlate"));
    let precious = ["--label", "xtask.keep=yes"];
    for (key, more) in [("asleep", &[][..]), ("unmounted", &[]), ("precious", &precious), ("borrowed", &[]), ("zlate", &[])] {
        volume(&stack, key, more);
    }
    let borrower = format!("{project}-borrower");
    stack.docker(&["create", "--name", &borrower, "-v", &format!("{}:/v", named(&stack, "borrowed")), "redis:7"]);
    let name = format!("xtask-test/{project}:1");
    let (untagged, tagged, nobodys) =
        (image(&stack, "untagged", true, &[]), image(&stack, "tagged", true, &[&name]), image(&stack, "nobody's", false, &[]));
    let before = (content(&stack, &legacy), docker.volume(&legacy).unwrap().unwrap(), docker.network_spec(&oldnet).unwrap().unwrap());
    let app = stack.sandbox.container("app").state.started_at;

    // By default what is young stays; images without a name are looked at whoever's they are, and that is said.
    stack.sandbox.file("xtask.yaml", STACKS);
    let young = look(&stack, &[]).0;
    assert!(unused(&young).is_empty() && why_kept(&young, &legacy).contains("too young"), "{young}");
    stack.sandbox.file("xtask.yaml", SETTINGS);
    let shown = hidden(stack.ok(&["--dry-run", "cleanup"])).text;
    assert!(shown.contains("images without a name, of whatever project on this engine; cleanup STACK leaves them alone"), "{shown}");
    assert!(shown.contains(&short(&nobodys)), "{shown}");
    stack.docker(&["rmi", &nobodys]);

    let (report, word) = look(&stack, &[]);
    let wanted = [
        format!("volume {legacy}"),
        format!("volume {late}"),
        format!("network {oldnet}"),
        format!("image {}", short(&untagged)),
        format!("image {name}"),
    ];
    assert_eq!(unused(&report), wanted.into_iter().collect::<BTreeSet<_>>());
    for (key, why) in [("asleep", "stack shop declares it"), ("unmounted", "stack shop declares it"), ("precious", "xtask.keep")] {
        assert!(why_kept(&report, &named(&stack, key)).contains(why), "{key}");
    }
    assert!(why_kept(&report, &named(&stack, "borrowed")).contains(&borrower));
    assert!(report["report"]["unused"].as_array().unwrap().iter().any(|item| item["bytes"].as_u64() >= Some(3_000_000)));
    let shown = hidden(stack.ok(&["--dry-run", "cleanup", "shop"])).text;
    assert!(shown.contains(&word) && shown.contains("no container has it, and no stack declares it; archived first"), "{shown}");

    // Refused, and nothing is touched: without the name of the list, by another one, by other counts.
    for args in [
        &["--yes", "cleanup", "shop"][..],
        &["--yes", "--confirm", "cleanup-00000000", "cleanup", "shop"],
        &["--yes", "--confirm", &word, "cleanup", "shop", "--expect", "volumes=2,images=3"],
    ] {
        let said = hidden(stack.run(args));
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

    // The volume is another one now, and so is the list. What somebody comes to use meanwhile stays, and that is said.
    assert_eq!(clean(&stack, &word, &[]).code, Some(3));
    let (_, word) = look(&stack, &[]);
    let args = ["--yes", "--confirm", &word, "cleanup", "shop", "--expect", "volumes=2,images=2", "--expect", "networks=1"];
    let child = stack.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    stack.wait("an archive", || of_runs(&stack));
    let user = format!("{project}-user");
    stack.docker(&["create", "--name", &user, "-v", &format!("{late}:/v"), "redis:7"]);
    let said = hidden(Said::of(child.wait_with_output().unwrap()));
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!(said.text.contains("archived and read back equal") && said.text.contains("Reclaimed"), "{}", said.text);
    assert!(said.text.contains(&format!("the volume {late} stays")), "{}", said.text);
    assert!(!has_volume(&stack, &legacy) && docker.network(&oldnet).unwrap().is_none());
    assert!(docker.image(&name).unwrap().is_none() && docker.image(&untagged).unwrap().is_none());
    for key in ["files", "asleep", "unmounted", "precious", "borrowed", "zlate"] {
        assert!(has_volume(&stack, &named(&stack, key)), "{key}");
    }
    assert_eq!(stack.sandbox.container("app").state.started_at, app);
    at_peace(&stack);
    let status = hidden(stack.run(&["migrate", "--status", "shop"]));
    assert!(status.text.contains("Done phase 3"), "{}", status.text);
    let reclaimed = figure(&stack, "bytes-reclaimed");
    let bytes = reclaimed["value"].as_f64().unwrap();
    assert!((2_000_000.0..3_100_000.0).contains(&bytes), "less what the archive takes: {reclaimed}");

    // It is no backup, and letting backups go does not let it go.
    assert_eq!(stack.json(&["backup", "list"]).as_array().unwrap().len(), 0);
    for _ in 0..2 {
        stack.ok(&["backup"]);
    }
    stack.ok(&["--yes", "backup", "forget", "--keep-last", "1", "--prune"]);
    assert_eq!(stack.json(&["backup", "list"]).as_array().unwrap().len(), 1);
    let run = stack.json(&["history"]).as_array().unwrap().iter().rev().find(|run| run["task"] == "cleanup").unwrap()["run"].clone();
    let said = hidden(stack.ok(&["--yes", "rollback", run.as_str().unwrap()]));
    assert!(said.text.contains("back and read equal"), "{}", said.text);
    assert_eq!(content(&stack, &legacy), before.0);
    let back = docker.volume(&legacy).unwrap().unwrap();
    assert_eq!((back.labels, back.options, back.driver), (before.1.labels, before.1.options, before.1.driver));
    assert_eq!(docker.network_spec(&oldnet).unwrap().unwrap(), before.2);
    assert_eq!(docker.image(&name).unwrap().unwrap().id, tagged);
    assert_eq!(figure(&stack, "bytes-reclaimed")["not_measured"], "every cleanup was rolled back");
    at_peace(&stack);
    for folder in [stack.state.path().to_path_buf(), stack.root().join(".xtask")] {
        assert_eq!(holds(&folder, CANARY.as_bytes()), None);
    }
    stack.docker(&["rm", "-f", &borrower, &user]);
    stack.docker(&["rmi", &name]);
}

fn figure(stack: &Stack, name: &str) -> Value {
    let measured = stack.json(&["metrics"]);
    let mut figures = measured["figures"].as_array().unwrap().iter();
    figures.find(|figure| figure["name"] == name).unwrap_or_else(|| panic!("{name}: {measured}")).clone()
}

fn short(id: &str) -> String {
    id.trim_start_matches("sha256:")[..12].to_string()
}

/// Whether anything of a run is on the engine.
fn of_runs(stack: &Stack) -> bool {
    let runs = std::fs::read_dir(stack.root().join(".xtask/runs")).into_iter().flatten();
    runs.map(|run| run.unwrap().file_name().into_string().unwrap())
        .any(|run| !stack.sandbox.docker.containers(&[("xtask.run", &run)]).unwrap().is_empty())
}

/// What a registry still has is not archived, and pulled again; where it says no when the list is made, it is; and where it
/// says no when everything is to come back, the rest comes back.
#[test]
fn an_image_that_its_registry_has_is_pulled_again() {
    let Some(sandbox) = engine_support::sandbox("cserved") else { return };
    let Ok(registry) = std::env::var("XTASK_RIG_REGISTRY") else {
        assert!(std::env::var_os("XTASK_REQUIRE_ENGINE").is_none(), "XTASK_RIG_REGISTRY is not set");
        return engine_support::skipped("cserved", "XTASK_RIG_REGISTRY is not set");
    };
    let stack = Stack { sandbox, state: tempfile::tempdir().unwrap() };
    let (docker, project) = (&stack.sandbox.docker, stack.sandbox.project.clone());
    stack.sandbox.file("compose.yaml", &format!("name: {project}\nservices: {{app: {{image: 'redis:7'}}}}\n"));
    stack.sandbox.file("xtask.yaml", SETTINGS);
    let alias = format!("xtask-test/{project}:alias");
    let [served, lost, refused] = ["served", "lost", "refused"].map(|what| {
        let name = format!("{registry}/{project}/{what}:1");
        let id = image(&stack, what, true, &[&name]);
        stack.docker(&["push", "-q", &name]);
        (name, id)
    });
    stack.docker(&["tag", &served.1, &alias]);
    let forget = |(name, id): &(String, String)| {
        let digest = docker.image(id).unwrap().unwrap().digests[0].rsplit_once('@').unwrap().1.to_string();
        let path = name.strip_prefix(&format!("{registry}/")).unwrap().strip_suffix(":1").unwrap().to_string();
        let url = format!("http://{registry}/v2/{path}/manifests/{digest}");
        move || {
            let delete = "import sys, urllib.request as u; u.urlopen(u.Request(sys.argv[1], method='DELETE'))";
            stack_docker(&["run", "--rm", "--network", "host", "python:3.11-slim-bookworm", "python", "-c", delete, &url]);
        }
    };
    forget(&refused)();
    let forget_lost = forget(&lost);
    let (report, _) = look(&stack, &[]);
    let fate = |id: &str| {
        let mut items = report["report"]["unused"].as_array().unwrap().iter();
        items.find(|item| item["id"] == id).unwrap_or_else(|| panic!("{id}: {report}"))["fate"].as_str().unwrap().to_string()
    };
    let has_it = format!("not archived: {registry} has it");
    assert_eq!((fate(&served.1), fate(&lost.1), fate(&refused.1)), (has_it.clone(), has_it, "archived first".to_string()));
    let said = clean(&stack, "", &[]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!([&served.1, &lost.1, &refused.1].into_iter().all(|id| docker.image(id).unwrap().is_none()), "{}", said.text);
    forget_lost();
    let said = stack.ok(&["--yes", "rollback"]);
    let id = |name: &str| docker.image(name).unwrap().map(|image| image.id);
    assert_eq!((id(&served.0), id(&alias), id(&refused.0)), (Some(served.1.clone()), Some(served.1), Some(refused.1)));
    assert!(id(&lost.0).is_none() && said.text.contains(&format!("the image {} is not back", lost.0)), "{}", said.text);
    assert!(said.text.contains("By hand: `docker pull"), "{}", said.text);
    at_peace(&stack);
    stack.docker(&["rmi", &served.0, &alias, &refused.0]);
}

fn stack_docker(args: &[&str]) {
    let said = std::process::Command::new("docker").args(args).output().unwrap();
    assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
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
