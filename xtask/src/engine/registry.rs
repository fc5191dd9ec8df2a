//! What the engine asks of registries: which image a name means there, to fetch it, to hand one over.

use std::future::Future;
use std::time::Duration;

use bollard::Docker as Client;
use bollard::auth::DockerCredentials;
use bollard::errors::Error as ClientError;
use bollard::query_parameters as query;
use futures_util::{Stream, StreamExt};

use super::convert;
use super::docker::{cause, failed};
use super::platform::Platform;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

/// Until then a registry must have said what a name means.
const ANSWER: Duration = Duration::from_secs(45);
/// A transfer of which nothing is heard for so long is given up.
const SILENCE: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(50);

/// Who asks a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// As logins are filed: a host, or `https://index.docker.io/v1/`.
    pub server: String,
    /// Empty with a token.
    pub user: String,
    pub secret: Secret,
    /// The secret is an identity token, not a password.
    pub token: bool,
}

/// What a name means in its registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// `sha256:...`; of the list, where the image is made for several platforms.
    pub digest: String,
    pub platforms: Vec<Platform>,
}

/// A registry's answer. The texts are the engine's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Found(Manifest),
    /// It knows no such image or tag.
    Missing(String),
    /// It wants a login, or another one.
    NotAllowed(String),
    /// It did not answer, or not as a registry does.
    Unreachable(String),
}

pub(super) async fn distribution(client: &Client, reference: &str, login: Option<&Login>, cancel: &Cancel) -> Result<Told> {
    let what = format!("ask the registry for {reference}");
    let asked = tokio::time::timeout(ANSWER, told(client, reference, login, &what));
    let late = || Ok(Told::Unreachable(format!("no answer within {} s", ANSWER.as_secs())));
    unless_cancelled(cancel, &what, asked).await?.unwrap_or_else(|_| late())
}

/// Where a registry wants a login and none was given, the engine answers as if the registry were broken.
/// So it is asked once more with a login that nobody has: only a registry that checks logins refuses that.
async fn told(client: &Client, reference: &str, login: Option<&Login>, what: &str) -> Result<Told> {
    let first = answer(client, reference, login.map(credentials), what).await?;
    if login.is_some() || !matches!(first, Told::Unreachable(_)) {
        return Ok(first);
    }
    let nobody = DockerCredentials { username: Some("nobody".into()), password: Some("none".into()), ..DockerCredentials::default() };
    match answer(client, reference, Some(nobody), what).await? {
        refused @ Told::NotAllowed(_) => Ok(refused),
        _ => Ok(first),
    }
}

async fn answer(client: &Client, reference: &str, login: Option<DockerCredentials>, what: &str) -> Result<Told> {
    match client.inspect_registry_image(reference, login).await {
        Ok(found) => Ok(Told::Found(convert::manifest(found))),
        Err(error) => match &error {
            ClientError::DockerResponseServerError { status_code: 404, .. } => Ok(Told::Missing(cause(&error))),
            ClientError::DockerResponseServerError { status_code: 401 | 403, .. } => Ok(Told::NotAllowed(cause(&error))),
            ClientError::DockerResponseServerError { status_code: 500.., .. } => Ok(Told::Unreachable(cause(&error))),
            _ => Err(failed(what, &error)),
        },
    }
}

pub(super) async fn pull(client: &Client, reference: &str, login: Option<&Login>, cancel: &Cancel) -> Result<()> {
    let what = format!("pull {reference}");
    let options = query::CreateImageOptionsBuilder::default().from_image(reference).build();
    let stream = client.create_image(Some(options), None, login.map(credentials));
    to_its_end(stream, &what, cancel).await
}

pub(super) async fn push(client: &Client, name: &str, login: Option<&Login>, cancel: &Cancel) -> Result<()> {
    let what = format!("push {name}");
    let (repository, tag) = split_tag(name);
    let options = query::PushImageOptionsBuilder::default().tag(tag).build();
    let stream = client.push_image(repository, Some(options), login.map(credentials));
    to_its_end(stream, &what, cancel).await
}

/// A transfer that is cancelled is dropped, and the engine gives it up with the connection.
async fn to_its_end<T>(stream: impl Stream<Item = Result<T, ClientError>>, what: &str, cancel: &Cancel) -> Result<()> {
    let mut stream = std::pin::pin!(stream);
    loop {
        let next = tokio::time::timeout(SILENCE, stream.next());
        match unless_cancelled(cancel, what, next).await? {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(_))) => {}
            Ok(Some(Err(error))) => return Err(failed(what, &error)),
            Err(_) => return Err(Error::failed(what).why(format!("nothing was heard for {} s", SILENCE.as_secs()))),
        }
    }
}

async fn unless_cancelled<T>(cancel: &Cancel, what: &str, asked: impl Future<Output = T>) -> Result<T> {
    let cancelled = async {
        while !cancel.requested() {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::select! {
        answer = asked => Ok(answer),
        () = cancelled => Err(Error::new(Kind::Interrupted, what).why("interrupted")),
    }
}

fn credentials(login: &Login) -> DockerCredentials {
    let secret = Some(login.secret.expose().to_string());
    let server = DockerCredentials { serveraddress: Some(login.server.clone()), ..DockerCredentials::default() };
    if login.token {
        DockerCredentials { identitytoken: secret, ..server }
    } else {
        DockerCredentials { username: Some(login.user.clone()), password: secret, ..server }
    }
}

/// The name without its tag, and the tag; without one it is `latest`, as everywhere in Docker.
pub(super) fn split_tag(name: &str) -> (&str, &str) {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(split_tag("localhost:5000/app"), ("localhost:5000/app", "latest"));
        assert_eq!(split_tag("localhost:5000/app:v1"), ("localhost:5000/app", "v1"));
    }

    #[test]
    fn a_login_does_not_print_its_secret() {
        let login = Login { server: "r".into(), user: "u".into(), secret: Secret::new("canary-canary"), token: false };
        assert!(!format!("{login:?}").contains("canary"));
        assert_eq!(credentials(&login).password.as_deref(), Some("canary-canary"));
        assert_eq!(credentials(&Login { token: true, ..login }).password, None);
    }
}
