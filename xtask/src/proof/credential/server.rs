//! How each kind of server is asked, with the client that its image brings along.

use super::{Login, Question, Server, run};
use crate::engine::{Engine, Executed};
use crate::error::Result;
use crate::secret::{Masker, Secret};

/// Whether the server answers at all, so that a refusal is one of the password. `Err` says why not.
pub(super) fn is_ready(engine: &dyn Engine, id: &str, login: &Login, address: &str, masker: &Masker) -> Result<Result<(), String>> {
    let mut missing = String::new();
    for argv in ready_argvs(login, address) {
        let program = argv[0].clone();
        let answer = run(engine, id, &Question { argv, env: Vec::new(), stdin: None, accepted: succeeded }, masker)?;
        match answer.code {
            0 => return Ok(Ok(())),
            126 | 127 => missing = program,
            _ => return Ok(Err(format!("the server does not answer at {address}:{}", login.port))),
        }
    }
    Ok(Err(format!("the container has no {missing}")))
}

/// Each exits with 0 when a server answers, also when it answers that it knows nobody.
fn ready_argvs(login: &Login, address: &str) -> Vec<Vec<String>> {
    let port = login.port.to_string();
    match login.server {
        Server::Postgres => vec![words(&["pg_isready", "-q", "-h", address, "-p", &port])],
        Server::Redis => ["redis-cli", "valkey-cli"].map(|client| words(&[client, "-h", address, "-p", &port, "ping"])).into(),
        Server::Mysql => ["mariadb-admin", "mysqladmin"]
            .map(|client| words(&[client, "--no-defaults", "--protocol=TCP", "-h", address, "-P", &port, "ping"]))
            .into(),
        Server::Rabbitmq => vec![words(&["rabbitmqctl", "-q", "await_startup", "--timeout", "15"])],
    }
}

/// The same question for each name that the client may have; the first that exists is asked.
pub(super) fn questions(login: &Login, address: &str, password: &Secret) -> Vec<Question> {
    let (user, port) = (login.user.as_str(), login.port.to_string());
    let by_env = |argv: &[&str], name: &str, accepted| Question {
        argv: words(argv),
        env: vec![(name.to_string(), password.clone())],
        stdin: None,
        accepted,
    };
    match login.server {
        Server::Postgres => {
            let database = login.database.as_str();
            let argv = ["psql", "-X", "-w", "-h", address, "-p", &port, "-U", user, "-d", database, "-t", "-A", "-c", "select 1"];
            vec![by_env(&argv, "PGPASSWORD", succeeded)]
        }
        Server::Redis => ["redis-cli", "valkey-cli"]
            .map(|client| by_env(&[client, "--no-auth-warning", "-h", address, "-p", &port, "ping"], "REDISCLI_AUTH", says_pong))
            .into(),
        Server::Mysql => ["mariadb", "mysql"]
            .map(|client| {
                let argv = [client, "--no-defaults", "--protocol=TCP", "-h", address, "-P", &port, "-u", user, "-N", "-e", "select 1"];
                by_env(&argv, "MYSQL_PWD", succeeded)
            })
            .into(),
        Server::Rabbitmq => vec![Question {
            argv: words(&["rabbitmqctl", "-q", "authenticate_user", user]),
            env: Vec::new(),
            stdin: Some(Secret::new(format!("{}\n", password.expose()))),
            accepted: succeeded,
        }],
    }
}

fn succeeded(answer: &Executed) -> bool {
    answer.code == 0
}

/// `redis-cli` exits with 0 whatever the server answers: the answer itself is the protocol's.
fn says_pong(answer: &Executed) -> bool {
    answer.output.lines().any(|line| line.trim() == "PONG")
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}
