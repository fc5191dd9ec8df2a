//! Containers replaced on a real engine, and put back from every way in which that fails.

#![allow(clippy::print_stderr, reason = "the figures are of interest")]

mod deploy;
mod engine_support;
#[path = "deploy/probe.rs"]
mod probe;

use std::time::{Duration, Instant};

use deploy::{Bench, bad, holds, inspected};
use engine_support::{Sandbox, sandbox};
use probe::{Users, get};
use xtask::actions::{Action, NameImage, Proxy, RemoveContainers, Replace, Source, StartService, StopService};
use xtask::engine::Status;
use xtask::saga::{Outcome, RunId};

const WEB: &str = "  web:
    image: python:3.11-slim-bookworm
    command: [python, /app.py]
    stop_grace_period: 5s
    volumes: ['./app.py:/app.py:ro']
    environment: {V: 'VERSION', API_PASSWORD: canary-deploy-Qz71}
    healthcheck: {test: [CMD, python, -c, 'import urllib.request as u; u.urlopen(\"http://localhost:8080\")'], interval: 1s, timeout: 2s, retries: 5}
";

fn web(version: &str, rest: &str) -> String {
    let rest = rest.lines().map(|line| format!("    {line}\n")).collect::<String>();
    format!("{}{rest}", WEB.replace("VERSION", version))
}

/// A stack that runs, in its first version.
fn running(test: &str, yaml: &str) -> Option<(Sandbox, Bench)> {
    let sandbox = sandbox(test)?;
    let bench = Bench::with_docker(sandbox.path(), &sandbox.project);
    bench.write(yaml);
    bench.up();
    Some((sandbox, bench))
}

fn until_answered(port: u16, wanted: &str) {
    let began = Instant::now();
    while get(port, "/").as_deref() != Some(wanted) {
        assert!(began.elapsed() < Duration::from_secs(20), "no answer {wanted} at {port}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn why(outcome: &Outcome) -> String {
    match outcome {
        Outcome::RolledBack { why } => why.to_string(),
        other => panic!("not rolled back: {other:?}"),
    }
}

#[test]
fn swap_replaces_with_a_fixed_port_and_a_hand_made_up_changes_nothing() {
    let port = 18_431;
    let publish = format!("ports: ['{port}:8080']");
    let Some((_sandbox, bench)) = running("swap", &web("1", &publish)) else { return };
    until_answered(port, "1");
    let old = bench.container("web");
    bench.write(&web("2", &publish));
    let users = Users::ask(port, &["/"]);
    let outcome = bench.run(vec![bench.keep(), Action::Replace(bench.replace("web", 1, false))], holds());
    assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
    until_answered(port, "2");
    let seen = users.stop();
    eprintln!("swap: no answer for {:.1} s", seen.longest_gap.as_secs_f32());
    let now = bench.containers("web");
    let set_aside = now.iter().find(|one| one.id == old.id).expect("the old one is still there");
    assert!(!set_aside.is_up() && set_aside.name.starts_with(&format!("{}-before-", old.name)), "{}", set_aside.name);
    let new = now.iter().find(|one| one.id != old.id).unwrap();
    assert_eq!((new.name.as_str(), new.state.status), (old.name.as_str(), Status::Running));
    let run = RunId::new("after");
    let world = bench.world(&run);
    let remove = RemoveContainers { ids: vec![old.id.clone(), new.id.clone()] };
    remove.apply(&world).unwrap();
    remove.apply(&world).unwrap();
    assert_eq!(bench.container("web").id, new.id, "what runs is never removed");
    bench.up();
    assert_eq!((bench.container("web").id, bench.container("web").state.started_at), (new.id.clone(), new.state.started_at.clone()));
}

#[test]
fn a_swap_to_what_is_not_well_is_taken_back() {
    let port = 18_432;
    let publish = format!("ports: ['{port}:8080']");
    let Some((_sandbox, bench)) = running("swapbad", &web("1", &publish)) else { return };
    until_answered(port, "1");
    let old = bench.container("web");
    let unhealthy = web("2", &publish).replace("localhost:8080", "localhost:9999").replace("retries: 5", "retries: 1");
    let crashing = web("2", &format!("{publish}\nrestart: unless-stopped")).replace("/app.py]", "/no-such-file.py]");
    let refused = web("2", &publish).replace("[python, /app.py]", "[/no/such/program]");
    let cases =
        [("unhealthy", unhealthy, "unhealthy"), ("crashes", crashing, "exited with code 2"), ("refused", refused, "/no/such/program")];
    for (name, yaml, word) in cases {
        bench.write(&yaml);
        let users = Users::ask(port, &["/"]);
        let outcome = bench.run(vec![bench.keep(), Action::Replace(bench.replace("web", 1, false))], holds());
        let why = why(&outcome);
        assert!(why.contains(word) || (name == "crashes" && why.contains("again and again")), "{name}: {why}");
        assert!(!format!("{outcome:?}").contains("canary-deploy"));
        until_answered(port, "1");
        let seen = users.stop();
        eprintln!("swap to one that {name}: the old one answers again after {:.1} s", seen.longest_gap.as_secs_f32());
        let now = bench.container("web");
        assert_eq!((now.id.as_str(), now.name.as_str(), now.state.status), (old.id.as_str(), old.name.as_str(), Status::Running));
    }
    bench.write(&web("1", &publish));
    bench.up();
    assert_eq!(bench.container("web").id, old.id);
}

#[test]
fn what_was_changed_behind_the_plan_is_not_started() {
    let Some((_sandbox, bench)) = running("changed", &web("1", "")) else { return };
    let old = bench.container("web");
    bench.write(&web("2", ""));
    let planned = bench.replace("web", 1, false);
    bench.write(&web("3", ""));
    let outcome = bench.run(vec![bench.keep(), Action::Replace(planned)], holds());
    assert!(why(&outcome).contains("configuration is not the one of the plan"), "{outcome:?}");
    let now = bench.container("web");
    assert_eq!((now.id, now.state.started_at), (old.id, old.state.started_at), "the old one was never stopped");
}

const PROXY: &str = "  proxy:
    image: nginx:1.22
    volumes: ['./proxy.conf:/etc/nginx/conf.d/default.conf:ro']
    ports: ['PORT:80']
";

#[test]
fn rolling_two_replicas_behind_a_resolving_proxy_loses_nothing() {
    let port = 18_433;
    let stack = |version: &str| format!("{}{}", web(version, "scale: 2"), PROXY.replace("PORT", &port.to_string()));
    let Some(sandbox) = sandbox("rolling") else { return };
    sandbox.file("proxy.conf", "resolver 127.0.0.11 valid=1s;\nserver { listen 80; location / { set $web http://web:8080; proxy_pass $web; proxy_connect_timeout 2s; } }\n");
    let bench = Bench::with_docker(sandbox.path(), &sandbox.project);
    bench.write(&stack("1"));
    bench.up();
    until_answered(port, "1");
    let old: Vec<(String, String)> = bench.containers("web").into_iter().map(|one| (one.id, one.state.started_at)).collect();

    let ill = stack("2").replace("localhost:8080", "localhost:9999").replace("retries: 5", "retries: 1");
    bench.write(&ill);
    let users = Users::ask(port, &["/", "/", "/slow"]);
    let outcome = bench.run(vec![bench.keep(), Action::Replace(bench.replace("web", 2, true))], holds());
    assert!(why(&outcome).contains("unhealthy"), "{outcome:?}");
    let seen = users.stop();
    assert_eq!((seen.lost, seen.last.as_str()), (0, "1"), "{seen:?}");
    let now: Vec<(String, String)> = bench.containers("web").into_iter().map(|one| (one.id, one.state.started_at)).collect();
    assert_eq!(now, old, "who serves was not touched");

    bench.write(&stack("2"));
    let users = Users::ask(port, &["/", "/", "/slow"]);
    let rolling = Replace { proxy: Some(Proxy::nginx("proxy")), ..bench.replace("web", 2, true) };
    let outcome = bench.run(vec![bench.keep(), Action::Replace(rolling.clone())], holds());
    assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
    until_answered(port, "2");
    let seen = users.stop();
    eprintln!("rolling: {} answers, {} lost, no answer for {:.2} s", seen.answered, seen.lost, seen.longest_gap.as_secs_f32());
    assert_eq!(seen.lost, 0, "{seen:?}");
    RemoveContainers { ids: old.into_iter().map(|(id, _)| id).collect() }.apply(&bench.world(&RunId::new("after"))).unwrap();
    assert_eq!(bench.containers("web").len(), 2);
    let names: Vec<String> = bench.containers("web").into_iter().map(|one| one.name).collect();
    assert_eq!(names, [format!("{}-web-1", bench.project), format!("{}-web-2", bench.project)]);

    // The last step fails: the old ones serve again before the new ones go.
    let serving: Vec<String> = bench.containers("web").into_iter().map(|one| one.id).collect();
    bench.write(&stack("3"));
    let users = Users::ask(port, &["/", "/", "/slow"]);
    let third = Replace { source: bench.compose_source("web", 2), ..rolling };
    let outcome = bench.run(vec![bench.keep(), Action::Replace(third)], bad());
    assert!(why(&outcome).contains("does not hold"));
    until_answered(port, "2");
    let seen = users.stop();
    eprintln!("rolling back: {} answers, {} lost, no answer for {:.2} s", seen.answered, seen.lost, seen.longest_gap.as_secs_f32());
    assert_eq!(seen.lost, 0, "{seen:?}");
    assert_eq!(bench.containers("web").into_iter().map(|one| one.id).collect::<Vec<_>>(), serving);
}

/// It would ask those for ever whom it found when it started.
#[test]
fn a_proxy_that_looks_names_up_once_is_told_who_serves() {
    let port = 18_437;
    let stack = |version: &str| format!("{}{}", web(version, ""), PROXY.replace("PORT", &port.to_string()));
    let Some(sandbox) = sandbox("once") else { return };
    sandbox.file("proxy.conf", "server { listen 80; location / { proxy_pass http://web:8080; proxy_connect_timeout 2s; } }\n");
    let bench = Bench::with_docker(sandbox.path(), &sandbox.project);
    bench.write(&stack("1").replace("  proxy:\n", "  proxy:\n    depends_on: {web: {condition: service_healthy}}\n"));
    bench.up();
    until_answered(port, "1");
    for (version, proof, answers) in [("2", bad(), "1"), ("3", holds(), "3")] {
        bench.write(&stack(version));
        let users = Users::ask(port, &["/", "/", "/slow"]);
        let rolling = Replace { proxy: Some(Proxy::nginx("proxy")), ..bench.replace("web", 1, true) };
        let outcome = bench.run(vec![bench.keep(), Action::Replace(rolling)], proof);
        until_answered(port, answers);
        let seen = users.stop();
        assert_eq!((seen.lost, seen.last.as_str()), (0, answers), "{outcome:?}: {seen:?}");
    }
}

#[test]
fn a_recreation_is_undone_by_making_the_container_again() {
    let port = 18_434;
    let named = format!(
        "container_name: PROJECT-front\nports: ['{port}:8080', '127.0.0.1:18435:9090/udp']\nhostname: front\nlabels: {{team: shop}}\ncap_drop: [ALL]\nmem_limit: 200m\nnetworks: {{default: {{aliases: [shopfront]}}, fixed: {{ipv4_address: 10.213.209.9}}}}\nvolumes: ['./app.py:/app.py:ro', /scratch, 'named:/named']"
    );
    let rest = "networks: {fixed: {ipam: {config: [{subnet: 10.213.209.0/24}]}}}\nvolumes: {named: {}}\n";
    let Some(sandbox) = sandbox("again") else { return };
    let bench = Bench::with_docker(sandbox.path(), &sandbox.project);
    let plain = |version: &str| web(version, "").replace("    volumes: ['./app.py:/app.py:ro']\n", "");
    let extra = named.replace("PROJECT", &bench.project).lines().map(|line| format!("    {line}\n")).collect::<String>();
    let stack = |version: &str| format!("{}{extra}{rest}", plain(version));
    bench.write(&stack("1"));
    bench.up();
    until_answered(port, "1");
    let old = bench.container("web");
    let write = xtask::engine::Exec {
        argv: ["sh", "-c", "echo kept > /scratch/kept"].map(String::from).to_vec(),
        env: Vec::new(),
        stdin: None,
        deadline: Duration::from_secs(10),
        masker: &xtask::secret::Masker::default(),
    };
    assert_eq!(bench.engine.exec(&old.id, &write).unwrap().code, 0);
    bench.write(&stack("2"));
    let users = Users::ask(port, &["/"]);
    let outcome = bench.run(vec![bench.keep(), bench.recreate("web")], bad());
    assert!(why(&outcome).contains("does not hold"));
    until_answered(port, "1");
    eprintln!("recreation and back: no answer for {:.1} s at most", users.stop().longest_gap.as_secs_f32());
    let back = bench.container("web");
    assert_ne!(back.id, old.id, "Compose had removed it");
    assert_eq!(inspected(&back), inspected(&old));
    assert_eq!(back.networks[&format!("{}_fixed", bench.project)].address, "10.213.209.9");
    let read = xtask::engine::Exec { argv: ["cat", "/scratch/kept"].map(String::from).to_vec(), ..write };
    assert_eq!(bench.engine.exec(&back.id, &read).unwrap().output, "kept", "the anonymous volume is the same");
    bench.write(&stack("1"));
    bench.up();
    let after = bench.container("web");
    assert_eq!((after.id, after.state.started_at), (back.id, back.state.started_at), "a hand-made up recreates nothing");
}

#[test]
fn who_shares_a_namespace_comes_back_with_it() {
    let side = |version: &str| {
        format!(
            "  side:\n    image: python:3.11-slim-bookworm\n    network_mode: service:web\n    depends_on: [web]\n    stop_grace_period: 1s\n    command: [sleep, '600']\n    environment: {{V: '{version}'}}\n"
        )
    };
    let stack = |version: &str| format!("{}{}", web(version, ""), side(version));
    let Some((_sandbox, bench)) = running("side", &stack("1")) else { return };
    let (web_before, side_before) = (bench.container("web"), bench.container("side"));
    let reaches = |bench: &Bench| {
        let program = "import urllib.request as u; print(u.urlopen('http://localhost:8080').read().decode())";
        let ask = xtask::engine::Exec {
            argv: ["python", "-c", program].map(String::from).to_vec(),
            env: Vec::new(),
            stdin: None,
            deadline: Duration::from_secs(10),
            masker: &xtask::secret::Masker::default(),
        };
        bench.engine.exec(&bench.container("side").id, &ask).unwrap().output
    };
    for steps in [1, 2] {
        bench.write(&stack("2"));
        let mut plan = vec![bench.keep(), bench.recreate("web"), Action::Replace(bench.replace("side", 1, false))];
        plan.truncate(1 + steps);
        let outcome = bench.run(plan, bad());
        assert!(why(&outcome).contains("does not hold"), "{outcome:?}");
        let (web, side) = (bench.container("web"), bench.container("side"));
        assert_eq!((web.name.as_str(), &web.env), (web_before.name.as_str(), &web_before.env));
        assert_eq!((side.name.as_str(), &side.env), (side_before.name.as_str(), &side_before.env));
        assert_eq!(side.network_mode, format!("container:{}", web.id));
        assert_eq!(reaches(&bench), "1");
    }
}

#[test]
fn what_is_done_stays_done_and_what_is_not_the_stacks_is_left_alone() {
    let job = "  job:\n    image: redis:7\n    command: [sh, -c, 'date +%s%N > /out/ran']\n    volumes: ['./out:/out']\n";
    let Some(sandbox) = sandbox("done") else { return };
    std::fs::create_dir(sandbox.path().join("out")).unwrap();
    let bench = Bench::with_docker(sandbox.path(), &sandbox.project);
    bench.write(&format!("{}{job}", web("1", "")));
    bench.up();
    let ran = || std::fs::read_to_string(sandbox.path().join("out/ran")).unwrap();
    let began = Instant::now();
    while bench.container("job").state.status != Status::Exited {
        assert!(began.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
    let (first_run, job_before, web_before) = (ran(), bench.container("job"), bench.container("web"));
    // Made by hand with the project's label, and no service of the stack.
    let spec = bench.engine.spec(&web_before.id).unwrap().unwrap();
    let mut bytes: serde_json::Value = serde_json::from_slice(&spec.to_bytes().unwrap()).unwrap();
    bytes["body"]["Labels"] = serde_json::json!({"com.docker.compose.project": bench.project});
    let by_hand = xtask::engine::Spec::from_bytes(bytes.to_string().as_bytes()).unwrap();
    let hand_made = bench.engine.create(&format!("{}-by-hand", bench.project), &by_hand).unwrap();
    bench.engine.start(&hand_made).unwrap();
    let hand_before = bench.engine.container(&hand_made).unwrap().unwrap();

    bench.write(&format!("{}{job}", web("2", "")));
    for proof in [bad(), holds()] {
        bench.run(vec![bench.keep(), Action::Replace(bench.replace("web", 1, false))], proof);
        let job = bench.container("job");
        assert_eq!(
            (job.id, job.state.started_at, job.state.status),
            (job_before.id.clone(), job_before.state.started_at.clone(), Status::Exited)
        );
        assert_eq!(ran(), first_run);
        let hand = bench.engine.container(&hand_made).unwrap().unwrap();
        assert_eq!((&hand.name, &hand.state.started_at, hand.is_up()), (&hand_before.name, &hand_before.state.started_at, true));
    }
}

#[test]
fn services_are_started_and_stopped_and_images_held_and_all_that_is_taken_back() {
    let Some((_sandbox, bench)) = running("startstop", &web("1", "")) else { return };
    let old = bench.container("web");
    let extra = web("9", "").replace("  web:", "  extra:");
    bench.write(&format!("{}{extra}", web("1", "")));
    let start = StartService {
        call: bench.call(),
        service: "extra".into(),
        source: bench.compose_source("extra", 2),
        surplus: vec![],
        settle_secs: 2,
    };
    let stop = StopService { call: bench.call(), service: "web".into() };
    let name = format!("xtask.local/{}/shop/web:r0001", bench.project);
    let hold = NameImage { image_id: Some(old.image_id.clone()), name: name.clone() };
    let steps =
        || vec![bench.keep(), Action::NameImage(hold.clone()), Action::StartService(start.clone()), Action::StopService(stop.clone())];
    let outcome = bench.run(steps(), bad());
    assert!(why(&outcome).contains("does not hold"), "{outcome:?}");
    assert_eq!(bench.names(), [old.name.as_str()]);
    assert_eq!((bench.container("web").id, bench.container("web").is_up()), (old.id.clone(), true));
    assert!(bench.engine.image(&name).unwrap().is_none());
    let outcome = bench.run(steps(), holds());
    assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
    assert!(!bench.container("web").is_up());
    assert_eq!(bench.containers("extra").iter().filter(|one| one.is_up()).count(), 2);
    assert_eq!(bench.engine.image(&name).unwrap().map(|image| image.id), Some(old.image_id));
    bench.engine.untag(&name).unwrap();
    bench.engine.untag(&name).unwrap();
    assert!(bench.engine.image(&name).unwrap().is_none());
}

#[test]
fn a_release_runs_again_from_its_specification() {
    let port = 18_436;
    let publish = format!("container_name: PROJECT-front\nports: ['{port}:8080']");
    let Some(sandbox) = sandbox("spec") else { return };
    let bench = Bench::with_docker(sandbox.path(), &sandbox.project);
    let stack = |version: &str| web(version, &publish.replace("PROJECT", &bench.project));
    bench.write(&stack("1"));
    bench.up();
    until_answered(port, "1");
    let first = bench.container("web");
    let spec = bench.engine.spec(&first.id).unwrap().unwrap();
    bench.write(&stack("2"));
    bench.up();
    until_answered(port, "2");
    let second = bench.container("web");
    for proof in [bad(), holds()] {
        let (run, taken_back) = (RunId::new("rollback"), matches!(proof, xtask::saga::Verdict::Bad(_)));
        let blob = bench.world(&run);
        let mut replace = bench.replace("web", 1, false);
        replace.source = Source::Spec { containers: vec![xtask::saga::Sha::of(&spec.to_bytes().unwrap())] };
        let plan = xtask::saga::Plan::new("rollback", vec![bench.keep(), Action::Replace(replace)]);
        let mut journal = xtask::saga::Store::at(&bench.root).begin(&run, &plan).unwrap();
        blob.blobs.put(&spec.to_bytes().unwrap()).unwrap();
        let outcome = xtask::saga::execute(&blob, &mut journal, &plan, || Ok(proof), &xtask::event::Silent, &bench.cancel);
        if taken_back {
            assert!(why(&outcome).contains("does not hold"), "{outcome:?}");
            until_answered(port, "2");
            assert_eq!(bench.container("web").id, second.id);
            continue;
        }
        assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
        until_answered(port, "1");
        RemoveContainers { ids: vec![second.id.clone()] }.apply(&blob).unwrap();
        assert_eq!(inspected(&bench.container("web")), inspected(&first));
        bench.write(&stack("1"));
        let now = bench.container("web");
        bench.up();
        assert_eq!(bench.container("web").id, now.id);
    }
}

#[test]
fn an_interrupted_swap_is_taken_back() {
    let Some((_sandbox, bench)) = running("interrupt", &web("1", "")) else { return };
    let old = bench.container("web");
    bench.write(&web("2", "").replace("localhost:8080", "localhost:9999"));
    let steps = vec![bench.keep(), Action::Replace(bench.replace("web", 1, false))];
    let cancel = bench.cancel.clone();
    let began = Instant::now();
    let interrupt = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(4));
        cancel.request();
    });
    let outcome = bench.run(steps, holds());
    interrupt.join().unwrap();
    assert_eq!(outcome, Outcome::Interrupted);
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    assert_eq!((bench.container("web").id, bench.container("web").is_up()), (old.id, true));
}
