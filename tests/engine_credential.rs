//! Credentials against real servers: the right one, a wrong one, and checks that would prove nothing.

mod engine_support;

use std::collections::BTreeMap;
use std::time::Duration;

use engine_support::{Sandbox, sandbox, skipped};
use xtask::cancel::Cancel;
use xtask::engine::wait::{Waited, until_well};
use xtask::engine::{Engine, Exec};
use xtask::proof::credential::{Answer, Login, check, logins, rendered_logins};
use xtask::secret::{Masker, Secret};

fn ready(sandbox: &Sandbox, service: &str) -> String {
    let id = sandbox.container(service).id;
    let waited =
        until_well(&sandbox.docker, std::slice::from_ref(&id), Duration::from_secs(1), &Masker::default(), &Cancel::default()).unwrap();
    assert!(matches!(waited, Waited::Well(_)), "{waited:?}");
    id
}

fn login(image: &str, env: &[(&str, &str)], command: &[&str]) -> Login {
    let env: BTreeMap<String, String> = env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let command: Vec<String> = command.iter().map(ToString::to_string).collect();
    logins(image, &env, &command).remove(0)
}

fn with_password(login: &Login, password: &str) -> Login {
    Login { password: Secret::new(password), ..login.clone() }
}

const POSTGRES: &str = "services:
  db:
    image: postgres:15
    environment: {POSTGRES_USER: app, POSTGRES_PASSWORD: 'right$$Pa55word', POSTGRES_DB: market}
    tmpfs: [/var/lib/postgresql/data]
    healthcheck: {test: [CMD-SHELL, pg_isready -h 127.0.0.1 -U app -d market], interval: 1s, timeout: 3s, retries: 30}
";

#[test]
fn postgres_accepts_the_right_password_and_no_other() {
    let Some(sandbox) = sandbox("pg") else { return };
    let call = sandbox.up(POSTGRES);
    let id = ready(&sandbox, "db");
    let model = sandbox.compose.config_json(&call, &Masker::default(), &Cancel::default()).unwrap();
    let right = rendered_logins(&model["services"]["db"]).remove(0);
    assert_eq!((right.user.as_str(), right.password.expose(), right.database.as_str()), ("app", "right$Pa55word", "market"));
    let masker = Masker::new(["right$Pa55word"]);
    let answer = |login: &Login| check(&sandbox.docker, &id, login, &masker).unwrap();
    assert_eq!(answer(&right), Answer::Accepted);
    let Answer::Refused(said) = answer(&with_password(&right, "another-password")) else { panic!("accepted") };
    assert!(said.contains("app") && !said.contains("another-password"), "{said}");
    assert!(matches!(answer(&Login { port: 5999, ..right.clone() }), Answer::CannotCheck(why) if why.contains("does not answer")));
    assert!(matches!(answer(&with_password(&right, "")), Answer::CannotCheck(_)));

    // What makes the address matter: by 127.0.0.1 the image trusts any password.
    let by_loopback = Exec {
        argv: ["psql", "-h", "127.0.0.1", "-U", "app", "-d", "market", "-c", "select 1"].map(String::from).to_vec(),
        env: vec![("PGPASSWORD".into(), Secret::new("another-password"))],
        stdin: None,
        deadline: Duration::from_secs(10),
        masker: &masker,
    };
    assert_eq!(sandbox.docker.exec(&id, &by_loopback).unwrap().code, 0);

    sandbox.docker.stop(&id, Duration::from_secs(0)).unwrap();
    assert_eq!(answer(&right), Answer::CannotCheck("the container does not run".into()));
}

#[test]
fn a_server_that_trusts_everybody_proves_nothing() {
    let Some(sandbox) = sandbox("trust") else { return };
    sandbox.up(POSTGRES);
    let id = ready(&sandbox, "db");
    let trust = "echo 'host all all all trust' > /var/lib/postgresql/data/pg_hba.conf && kill -HUP 1";
    let exec = Exec {
        argv: ["sh", "-c", trust].map(String::from).to_vec(),
        env: Vec::new(),
        stdin: None,
        deadline: Duration::from_secs(10),
        masker: &Masker::default(),
    };
    assert_eq!(sandbox.docker.exec(&id, &exec).unwrap().code, 0);
    std::thread::sleep(Duration::from_secs(1));
    let env = [("POSTGRES_USER", "app"), ("POSTGRES_PASSWORD", "right$Pa55word"), ("POSTGRES_DB", "market")];
    let answer = check(&sandbox.docker, &id, &login("postgres:15", &env, &[]), &Masker::default()).unwrap();
    assert_eq!(answer, Answer::ProvesNothing("a wrong password is accepted as well".into()));
}

const REDIS: &str = "services:
  cache: {image: 'redis:7', command: [redis-server, --requirepass, 'right-Pa55word', --bind, '0.0.0.0']}
  open: {image: 'redis:7', command: [redis-server, --protected-mode, 'no', --bind, '0.0.0.0']}
  alone: {image: 'redis:7', command: [redis-server, --requirepass, 'right-Pa55word'], network_mode: none}
";

#[test]
fn redis_accepts_the_right_password_and_no_other() {
    let Some(sandbox) = sandbox("redis") else { return };
    sandbox.up(REDIS);
    let right = login("redis:7", &[], &["redis-server", "--requirepass", "right-Pa55word"]);
    let masker = Masker::new(["right-Pa55word"]);
    let answer = |service: &str, login: &Login| check(&sandbox.docker, &ready(&sandbox, service), login, &masker).unwrap();
    assert_eq!(answer("cache", &right), Answer::Accepted);
    assert!(matches!(answer("cache", &with_password(&right, "another-password")), Answer::Refused(_)));
    assert_eq!(answer("open", &right), Answer::ProvesNothing("a wrong password is accepted as well".into()));
    let why = "the container has no network address of its own (network mode none)";
    assert_eq!(answer("alone", &right), Answer::CannotCheck(why.into()));
    // A server of another kind than its container's.
    let rabbit = login("rabbitmq:3", &[("RABBITMQ_DEFAULT_PASS", "right-Pa55word")], &[]);
    assert_eq!(answer("cache", &rabbit), Answer::CannotCheck("the container has no rabbitmqctl".into()));
}

#[test]
fn rabbitmq_accepts_the_right_password_and_no_other() {
    let Some(sandbox) = sandbox("rabbit") else { return };
    // The rig builds it only when asked to.
    if sandbox.docker.image("rabbitmq:3.10").unwrap().is_none() {
        return skipped("rabbit", "the image rabbitmq:3.10 is not on this engine");
    }
    let call = sandbox.up("services:
  queue:
    image: rabbitmq:3.10
    environment: {RABBITMQ_DEFAULT_USER: app, RABBITMQ_DEFAULT_PASS: right-Pa55word}
    healthcheck: {test: [CMD, rabbitmq-diagnostics, -q, check_running], interval: 2s, timeout: 20s, retries: 30}");
    let id = ready(&sandbox, "queue");
    let model = sandbox.compose.config_json(&call, &Masker::default(), &Cancel::default()).unwrap();
    let right = rendered_logins(&model["services"]["queue"]).remove(0);
    let answer = |login: &Login| check(&sandbox.docker, &id, login, &Masker::default()).unwrap();
    assert_eq!(answer(&right), Answer::Accepted);
    assert!(matches!(answer(&with_password(&right, "another-password")), Answer::Refused(_)));
}

#[test]
fn mariadb_accepts_the_right_passwords_and_no_others() {
    let Some(sandbox) = sandbox("maria") else { return };
    if sandbox.docker.image("mariadb:10.11").unwrap().is_none() {
        return skipped("maria", "the image mariadb:10.11 is not on this engine");
    }
    let call = sandbox.up("services:
  db:
    image: mariadb:10.11
    environment: {MARIADB_USER: app, MARIADB_PASSWORD: right-Pa55word, MARIADB_ROOT_PASSWORD: root-Pa55word}
    healthcheck: {test: [CMD, healthcheck.sh, --connect, --innodb_initialized], interval: 1s, timeout: 5s, retries: 60}");
    let id = ready(&sandbox, "db");
    let model = sandbox.compose.config_json(&call, &Masker::default(), &Cancel::default()).unwrap();
    let answer = |login: &Login| check(&sandbox.docker, &id, login, &Masker::default()).unwrap();
    let logins = rendered_logins(&model["services"]["db"]);
    assert_eq!(logins.iter().map(|login| login.user.as_str()).collect::<Vec<_>>(), ["app", "root"]);
    for right in &logins {
        assert_eq!(answer(right), Answer::Accepted);
        let Answer::Refused(said) = answer(&with_password(right, "another-password")) else { panic!("accepted") };
        assert!(said.contains(&right.user), "{said}");
    }
    assert!(matches!(answer(&Login { port: 3999, ..logins[0].clone() }), Answer::CannotCheck(_)));
}
