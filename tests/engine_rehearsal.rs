//! Rehearsals beside live stacks with every trap: nothing live is touched, and nothing remains.

mod engine_support;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use engine_support::{Sandbox, sandbox};
use serde_json::Value;
use sha2::{Digest, Sha256};
use xtask::cancel::Cancel;
use xtask::engine::compose::ComposeCall;
use xtask::engine::remove::remove_run;
use xtask::engine::wait::{Waited, until_well};
use xtask::engine::{Container, Engine, Exec};
use xtask::error::{Error, Kind};
use xtask::proof::Verdict;
use xtask::proof::rehearsal::{Rehearsal, Rehearsed, Stack, isolation};
use xtask::secret::{MASK, Masker, Secret};

fn model(sandbox: &Sandbox, call: &ComposeCall) -> Value {
    sandbox.compose.config_json(call, &Masker::default(), &Cancel::default()).unwrap()
}

fn rehearse_with(sandbox: &Sandbox, models: &[Value], masker: &Masker, cancel: &Cancel) -> Result<Rehearsed, Error> {
    let rehearsal = Rehearsal {
        engine: &sandbox.docker,
        compose: &sandbox.compose,
        run: &sandbox.project,
        scratch: &sandbox.path().join("scratch"),
        settle: Duration::from_secs(2),
        filled: Default::default(),
        jobs: Default::default(),
        masker,
        cancel,
    };
    let stacks: Vec<Stack<'_>> = models.iter().map(|model| Stack { name: "stack", model }).collect();
    let rehearsed = rehearsal.rehearse(&stacks);
    nothing_remains(sandbox);
    rehearsed
}

fn rehearse(sandbox: &Sandbox, call: &ComposeCall) -> Rehearsed {
    rehearse_with(sandbox, &[model(sandbox, call)], &Masker::default(), &Cancel::default()).unwrap()
}

fn nothing_remains(sandbox: &Sandbox) {
    let label = [("xtask.run", sandbox.project.as_str())];
    assert_eq!(sandbox.docker.containers(&label).unwrap(), []);
    assert_eq!(sandbox.docker.networks(&label).unwrap(), []);
    assert_eq!(sandbox.docker.volumes(&label).unwrap(), []);
    let project = [("com.docker.compose.project", format!("xtask-{}", sandbox.project))];
    let project = [(project[0].0, project[0].1.as_str())];
    assert_eq!((sandbox.docker.containers(&project).unwrap().len(), sandbox.docker.volumes(&project).unwrap().len()), (0, 0));
    assert!(!sandbox.path().join("scratch").exists());
}

/// Path, mode, owner and content of everything below a folder.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap().map(Result::unwrap) {
            let meta = entry.metadata().unwrap();
            let content = if meta.is_file() { std::fs::read(entry.path()).unwrap() } else { Vec::new() };
            let hash: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
            seen.insert(entry.path().display().to_string(), format!("{:o} {} {} {hash}", meta.mode(), meta.uid(), meta.mtime_nsec()));
            if meta.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    seen
}

fn well(sandbox: &Sandbox, services: &[&str]) {
    let ids: Vec<String> = services.iter().map(|service| sandbox.container(service).id).collect();
    let waited = until_well(&sandbox.docker, &ids, Duration::from_secs(1), &Masker::default(), &Cancel::default()).unwrap();
    assert!(matches!(waited, Waited::Well(_)), "{waited:?}");
}

fn run_in(sandbox: &Sandbox, container: &Container, argv: &[&str]) -> String {
    let exec = Exec {
        argv: argv.iter().map(ToString::to_string).collect(),
        env: vec![("PGPASSWORD".into(), Secret::new("live-Pa55word"))],
        stdin: None,
        deadline: Duration::from_secs(20),
        masker: &Masker::default(),
    };
    let done = sandbox.docker.exec(&container.id, &exec).unwrap();
    assert_eq!(done.code, 0, "{}", done.output);
    done.output
}

/// A bound data folder, a named volume, fixed names, ports and addresses, a proxy's label, a secret.
const LIVE: &str = "
services:
  db:
    image: postgres:15
    container_name: PROJECT-the-db
    restart: unless-stopped
    environment: {POSTGRES_PASSWORD: live-Pa55word}
    volumes: ['./pgdata:/var/lib/postgresql/data']
    ports: ['127.0.0.1::5432']
    networks: {back: {ipv4_address: 10.213.77.5}}
    labels: {traefik.enable: 'true'}
    healthcheck: {test: [CMD-SHELL, pg_isready -h 127.0.0.1 -U postgres], interval: 5s, timeout: 5s, retries: 12}
  cache:
    image: redis:7
    command: [sh, -c, 'cat /run/secrets/pw && exec redis-server --dir /data']
    secrets: [pw]
    volumes: ['data:/data']
    networks: [back]
  job:
    image: postgres:15
    command: [sh, -c, 'pg_isready -h PROJECT-the-db -U postgres']
    depends_on: {db: {condition: service_healthy}}
    networks: [back]
networks: {back: {ipam: {config: [{subnet: 10.213.77.0/24}]}}}
volumes: {data: {}}
secrets: {pw: {file: ./pw.txt}}
";

#[test]
fn beside_a_live_stack_nothing_of_it_is_touched() {
    let Some(sandbox) = sandbox("reh") else { return };
    sandbox.file("pw.txt", "canary");
    let call = sandbox.up(&LIVE.replace("PROJECT", &sandbox.project));
    well(&sandbox, &["db", "cache"]);
    let (db, cache) = (sandbox.container("db"), sandbox.container("cache"));
    run_in(&sandbox, &db, &["psql", "-U", "postgres", "-c", "create table t as select generate_series(1, 500) as n"]);
    run_in(&sandbox, &cache, &["redis-cli", "set", "key", "live"]);
    run_in(&sandbox, &cache, &["redis-cli", "save"]);

    let rehearsed = rehearse(&sandbox, &call);
    let name = |service: &str| format!("xtask-{}-{service}-1", sandbox.project);
    let detail = format!("{} running, {} healthy, {} done", name("cache"), name("db"), name("job"));
    assert_eq!(rehearsed, Rehearsed { verdict: Verdict::Holds { detail }, left_out: Vec::new() });
    for (before, service) in [(&db, "db"), (&cache, "cache")] {
        let after = sandbox.container(service);
        assert_eq!((&after.id, &after.state.started_at, after.restart_count), (&before.id, &before.state.started_at, 0));
    }
    assert_eq!(run_in(&sandbox, &db, &["psql", "-U", "postgres", "-tAc", "select count(*) from t"]), "500");

    // The moment when `down -v` of a careless rehearsal takes the data: nothing live holds it.
    let ids = [&db.id, &cache.id];
    ids.iter().for_each(|id| sandbox.docker.stop(id, Duration::from_secs(20)).unwrap());
    let before = tree(&sandbox.path().join("pgdata"));
    assert!(before.len() > 500, "{}", before.len());
    assert!(matches!(rehearse(&sandbox, &call).verdict, Verdict::Holds { .. }));
    assert_eq!(tree(&sandbox.path().join("pgdata")), before);
    ids.iter().for_each(|id| sandbox.docker.start(id).unwrap());
    well(&sandbox, &["db", "cache"]);
    assert_eq!(run_in(&sandbox, &sandbox.container("cache"), &["redis-cli", "get", "key"]), "live");
}

#[test]
fn an_ill_rehearsal_says_who_and_why_without_the_secret() {
    let Some(sandbox) = sandbox("rill") else { return };
    let yaml = "services:
  db: {image: 'redis:7', command: [sh, -c, 'echo cannot log in with canary-value; exec sleep 600'], stop_grace_period: 0s,
       healthcheck: {test: [CMD, 'false'], interval: 1s, timeout: 1s, retries: 2}}
  web: {image: 'redis:7', depends_on: {db: {condition: service_healthy}}}
  loop: {image: 'redis:7', command: ['true'], restart: unless-stopped}";
    let call = sandbox.write(yaml);
    let rehearsed = rehearse_with(&sandbox, &[model(&sandbox, &call)], &Masker::new(["canary-value"]), &Cancel::default()).unwrap();
    let Verdict::Fails { why } = rehearsed.verdict else { panic!("{:?}", rehearsed.verdict) };
    let start = format!("xtask-{}-db-1: unhealthy after ", sandbox.project);
    assert!(why.len() == 1 && why[0].starts_with(&start) && why[0].ends_with(&format!("cannot log in with {MASK}")), "{why:?}");

    let call = sandbox.write("services: {loop: {image: 'redis:7', command: ['true'], restart: unless-stopped}}");
    let why = vec![format!("xtask-{}-loop-1: exited with code 0, and would be started again and again", sandbox.project)];
    assert_eq!(rehearse(&sandbox, &call).verdict, Verdict::Fails { why });
}

/// The database may take two minutes, but it is well at once: what is left is the time of `web`.
#[test]
fn one_that_is_ill_is_refused_when_its_own_time_is_over() {
    let Some(sandbox) = sandbox("rown") else { return };
    let yaml = "services:
  db: {image: 'redis:7', healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, timeout: 3s, retries: 30}}
  web: {image: 'redis:7', depends_on: [db], healthcheck: {test: [CMD, 'false'], interval: 1s, timeout: 2s, retries: 2}}";
    let call = sandbox.write(yaml);
    let began = Instant::now();
    let Verdict::Fails { why } = rehearse(&sandbox, &call).verdict else { panic!("an unhealthy service was taken as well") };
    let took = began.elapsed();
    assert!(why.len() == 1 && why[0].starts_with(&format!("xtask-{}-web-1: unhealthy after 8 s", sandbox.project)), "{why:?}");
    assert!(took > Duration::from_secs(8) && took < Duration::from_secs(40), "{took:?}");
}

#[test]
fn what_cannot_be_rehearsed_is_said_by_name() {
    let Some(sandbox) = sandbox("rout") else { return };
    let yaml = "services:
  web: {image: 'redis:7'}
  watch: {image: 'redis:7', volumes: ['/run/docker.sock:/run/docker.sock']}
  off: {image: 'redis:7', labels: {xtask.rehearse: 'off'}}
  built: {image: 'no-such-image:1', build: .}
  leans: {image: 'redis:7', depends_on: [off]}";
    let rehearsed = rehearse(&sandbox, &sandbox.write(yaml));
    assert_eq!(rehearsed.verdict, Verdict::Holds { detail: format!("xtask-{}-web-1 running", sandbox.project) });
    let left_out: Vec<String> = rehearsed.left_out.iter().map(|left| format!("{}: {}", left.1.service, left.1.why)).collect();
    let expected = [
        "built: its image no-such-image:1 is not on this engine",
        "leans: it depends on off, which is left out",
        "off: its label xtask.rehearse is off",
        "watch: /run/docker.sock is not copied: it belongs to the machine",
    ];
    assert_eq!(left_out, expected);
    let none = rehearse(&sandbox, &sandbox.write("services: {off: {image: 'redis:7', labels: {xtask.rehearse: 'off'}}}"));
    assert!(matches!(none.verdict, Verdict::NotProven { .. }));
}

#[test]
fn one_that_needs_another_stack_is_not_proven_and_cannot_reach_it() {
    let Some(sandbox) = sandbox("rext") else { return };
    sandbox.up("services: {store: {image: 'redis:7', command: [redis-server, --protected-mode, 'no', --bind, 0.0.0.0]}}");
    let yaml = "services:
  api: {image: 'redis:7', networks: [shared],
        healthcheck: {test: [CMD-SHELL, 'redis-cli -h store ping | grep PONG'], interval: 1s, timeout: 2s, retries: 2}}
  alone: {image: 'redis:7', networks: [default]}
networks: {shared: {external: true, name: PROJECT_default}, default: {name: PROJECT_own}}";
    let rehearsed = rehearse(&sandbox, &sandbox.write(&yaml.replace("PROJECT", &sandbox.project)));
    let needs = format!("{0}-store-1 in the network {0}_default (for api)", sandbox.project);
    assert_eq!(rehearsed.verdict, Verdict::NotProven { needs });
}

/// The second stack is well only if it reaches the first by the network that they share, and knows its
/// password; neither is running anywhere else.
#[test]
fn stacks_that_need_each_other_are_rehearsed_together() {
    let Some(sandbox) = sandbox("rtwo") else { return };
    let data = "services:
  store: {image: 'redis:7', command: [redis-server, --requirepass, right-Pa55word, --bind, 0.0.0.0], container_name: PROJECT-store,
          healthcheck: {test: [CMD-SHELL, 'redis-cli -a right-Pa55word ping | grep PONG'], interval: 10s}, networks: [back]}
networks: {back: {name: PROJECT_back}}";
    let apps = "services:
  api: {image: 'redis:7', networks: [back], healthcheck: {interval: 1s, timeout: 2s, retries: 2,
        test: [CMD-SHELL, 'redis-cli -h PROJECT-store -a right-Pa55word ping | grep PONG']}}
networks: {back: {external: true, name: PROJECT_back}}";
    let call = |file: &str, yaml: &str| {
        let call = sandbox.write("services: {}");
        sandbox.file(file, &yaml.replace("PROJECT", &sandbox.project));
        ComposeCall { files: vec![sandbox.path().join(file)], project_name: Some(format!("{}-{}", sandbox.project, &file[..4])), ..call }
    };
    let data = model(&sandbox, &call("data.yaml", data));
    let right = model(&sandbox, &call("apps.yaml", apps));
    let both = |apps: Value| rehearse_with(&sandbox, &[data.clone(), apps], &Masker::default(), &Cancel::default()).unwrap().verdict;
    let detail = format!("xtask-{0}-1-api-1 healthy, xtask-{0}-store-1 healthy", sandbox.project);
    assert_eq!(both(right.clone()), Verdict::Holds { detail });
    let wrong = model(&sandbox, &call("apps.yaml", &apps.replace("right-", "wrong-")));
    let Verdict::Fails { why } = both(wrong) else { panic!("a wrong password must fail") };
    assert!(why.len() == 1 && why[0].starts_with(&format!("xtask-{}-1-api-1: unhealthy", sandbox.project)), "{why:?}");
    let alone = rehearse_with(&sandbox, &[right], &Masker::default(), &Cancel::default()).unwrap().verdict;
    assert_eq!(alone, Verdict::NotProven { needs: format!("what else is in the network {}_back (for api)", sandbox.project) });
}

#[test]
fn an_interrupted_rehearsal_leaves_nothing() {
    let Some(sandbox) = sandbox("rint") else { return };
    let yaml = "services:
  db: {image: 'redis:7', volumes: ['data:/data'], healthcheck: {test: [CMD, 'false'], interval: 30s}, stop_grace_period: 0s}
  web: {image: 'redis:7', depends_on: {db: {condition: service_healthy}}}
volumes: {data: {}}";
    let model = model(&sandbox, &sandbox.write(yaml));
    let cancel = Cancel::default();
    let other = cancel.clone();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(4));
        other.request();
    });
    let error = rehearse_with(&sandbox, &[model], &Masker::default(), &cancel).unwrap_err();
    canceller.join().unwrap();
    assert_eq!(error.kind, Kind::Interrupted);
}

#[test]
fn a_rehearsal_that_shares_something_is_seen_and_a_run_is_removed_by_its_label_alone() {
    let Some(sandbox) = sandbox("rshare") else { return };
    let yaml = "services:
  live: {image: 'redis:7', volumes: ['data:/data']}
  copy: {image: 'redis:7', volumes: ['data:/data', './conf:/conf'], ports: ['127.0.0.1::6379'], labels: {xtask.run: PROJECT}}
volumes: {data: {}}";
    sandbox.up(&yaml.replace("PROJECT", &sandbox.project));
    let shared = isolation::shared(&sandbox.docker, &sandbox.project, Path::new("/nowhere")).unwrap().join("\n");
    for expected in ["shares its mount /", "shares its network", "copy-1 binds ", "copy-1 publishes 127.0.0.1:"] {
        assert!(shared.contains(expected), "{expected} is not in {shared}");
    }
    let removed = remove_run(&sandbox.docker, &sandbox.project).unwrap();
    assert_eq!((removed.containers.len(), removed.networks.len(), removed.volumes.len()), (1, 0, 0));
    well(&sandbox, &["live"]);
    assert_eq!(remove_run(&sandbox.docker, &sandbox.project).unwrap(), xtask::engine::remove::Removed::default());
}
