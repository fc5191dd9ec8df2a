//! Does a running server accept the credential that its stack renders, and refuse another one?
//!
//! Asked over the container's own network address: by its socket and by 127.0.0.1 the usual images
//! trust everybody, and a proof there would prove nothing. The password travels in the environment
//! or on the standard input of a program in the container, never in an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::{Container, Engine, Exec, Executed, Status};
use crate::error::Result;
use crate::secret::{Masker, Secret};

mod login;
mod server;

pub use login::{Login, Server, logins, rendered_logins};

const DEADLINE: Duration = Duration::from_secs(20);
/// Refused first, else the acceptance of the right one says nothing. Not a password of anybody.
const WRONG: &str = "xtask-wrong-Zq7Vn2Lx9Tb4";

/// What a check said. The texts hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A wrong password was refused, this one was not.
    Accepted,
    /// What the server said, masked.
    Refused(String),
    /// A wrong password is accepted as well.
    ProvesNothing(String),
    CannotCheck(String),
}

/// One way to ask a server in its container.
struct Question {
    argv: Vec<String>,
    env: Vec<(String, Secret)>,
    stdin: Option<Secret>,
    /// Whether the answer means that the login was accepted.
    accepted: fn(&Executed) -> bool,
}

/// Tries a wrong password, then the right one.
///
/// # Errors
/// `Failed`: the engine does not answer. What keeps the check from being made is an [`Answer`].
pub fn check(engine: &dyn Engine, id: &str, login: &Login, masker: &Masker) -> Result<Answer> {
    let Some(container) = engine.container(id)? else { return Ok(Answer::CannotCheck("the container is gone".into())) };
    let address = match address(&container) {
        Ok(address) => address,
        Err(why) => return Ok(Answer::CannotCheck(why)),
    };
    if login.password.expose().is_empty() {
        return Ok(Answer::CannotCheck("the rendered password is empty".into()));
    }
    if let Err(why) = server::is_ready(engine, id, login, address, masker)? {
        return Ok(Answer::CannotCheck(why));
    }
    match ask(engine, id, login, address, &Secret::new(WRONG), masker)? {
        Asked::Accepted => return Ok(Answer::ProvesNothing("a wrong password is accepted as well".into())),
        Asked::NoClient(client) => return Ok(Answer::CannotCheck(format!("the container has no {client}"))),
        Asked::Refused(_) => {}
    }
    Ok(match ask(engine, id, login, address, &login.password, masker)? {
        Asked::Accepted => Answer::Accepted,
        Asked::Refused(said) => Answer::Refused(said),
        Asked::NoClient(client) => Answer::CannotCheck(format!("the container has no {client}")),
    })
}

enum Asked {
    Accepted,
    Refused(String),
    NoClient(String),
}

fn ask(engine: &dyn Engine, id: &str, login: &Login, address: &str, password: &Secret, masker: &Masker) -> Result<Asked> {
    let mut missing = String::new();
    for question in server::questions(login, address, password) {
        let answer = run(engine, id, &question, masker)?;
        if matches!(answer.code, 126 | 127) {
            missing.clone_from(&question.argv[0]);
        } else if (question.accepted)(&answer) {
            return Ok(Asked::Accepted);
        } else {
            return Ok(Asked::Refused(last_line(&answer.output)));
        }
    }
    Ok(Asked::NoClient(missing))
}

fn run(engine: &dyn Engine, id: &str, question: &Question, masker: &Masker) -> Result<Executed> {
    let exec = Exec { argv: question.argv.clone(), env: question.env.clone(), stdin: question.stdin.clone(), deadline: DEADLINE, masker };
    engine.exec(id, &exec)
}

/// An address of its own, in any of its networks.
fn address(container: &Container) -> Result<&str, String> {
    if container.state.status != Status::Running {
        return Err("the container does not run".into());
    }
    let own = container.networks.values().map(|endpoint| endpoint.address.as_str()).find(|address| !address.is_empty());
    own.ok_or_else(|| format!("the container has no network address of its own (network mode {})", container.network_mode))
}

fn last_line(output: &str) -> String {
    output.lines().rev().find(|line| !line.trim().is_empty()).map_or("it said nothing", str::trim).to_string()
}

/// The rendered environment of a service by name, without entries that have no value.
pub type Environment = BTreeMap<String, String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_the_last_line_that_says_something() {
        assert_eq!(last_line("a\nFATAL:  no \n\n"), "FATAL:  no");
        assert_eq!(last_line("\n"), "it said nothing");
    }
}
