//! Where a repository is: a folder, or elsewhere, as restic names it. No secret is part of that: it stands in journals,
//! lists and errors.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Who asks the server that a `rest:` names.
pub const REST_USER: &str = "RESTIC_REST_USERNAME";
pub const REST_PASSWORD: &str = "RESTIC_REST_PASSWORD";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Location {
    /// Absolute.
    Folder(PathBuf),
    /// `http://host/path/` or `https://...`: a server that speaks restic's protocol.
    Rest(String),
    /// `name:path`: a remote of rclone's configuration, or a path of this machine.
    Rclone(String),
}

impl Location {
    /// What somebody has written; a folder as it stands there.
    ///
    /// # Errors
    /// `Unusable`: a kind of repository that is not reached, or one with a secret in its name.
    pub fn parse(said: &str) -> Result<Location> {
        let named = |scheme: &str| scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        match said.split_once(':') {
            Some(("file", rest)) => Ok(Location::Folder(rest.strip_prefix("//").unwrap_or(rest).into())),
            Some(("rest", url)) => rest(url),
            Some(("rclone", remote)) => rclone(remote),
            Some((scheme, _)) if named(scheme) => Err(other(scheme)),
            _ => Ok(Location::Folder(said.into())),
        }
    }

    pub fn is_remote(&self) -> bool {
        !matches!(self, Location::Folder(_))
    }

    /// Of this machine.
    pub fn folder(&self) -> Option<&PathBuf> {
        match self {
            Location::Folder(folder) => Some(folder),
            _ => None,
        }
    }
}

fn rest(url: &str) -> Result<Location> {
    // The URL itself is not said again: it may hold what nobody is to see.
    let unusable = |why: &str| Error::unusable("use a repository at rest:").why(why.to_string());
    let Some((scheme @ ("http" | "https"), after)) = url.split_once("://") else {
        return Err(unusable("it is no URL of a server").help("name it as restic does: rest:https://HOST/PATH/"));
    };
    let host = after.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return Err(unusable("its URL names a user, and that stands in journals and lists")
            .help(format!("leave it out, and set {REST_USER} and {REST_PASSWORD} in the environment")));
    }
    if host.is_empty() || after.contains(['?', '#', '\\', ' ', '\n']) {
        return Err(unusable("its URL has no host, or more than a host and a path"));
    }
    Ok(Location::Rest(format!("{scheme}://{}/", after.trim_end_matches('/'))))
}

fn rclone(remote: &str) -> Result<Location> {
    let unusable = |why: &str| Error::unusable("use a repository at rclone:").why(why.to_string());
    let help = "name a remote of rclone's configuration, which `rclone config` makes: rclone:NAME:PATH";
    let named = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.+@ ".contains(&byte);
        !name.is_empty() && !name.starts_with(['-', ' ']) && name.bytes().all(plain)
    };
    match remote.split_once(':') {
        _ if remote.starts_with('/') => Ok(Location::Rclone(remote.to_string())),
        Some((name, path)) if named(name) && !path.contains('\n') => Ok(Location::Rclone(remote.to_string())),
        // `:s3,secret_access_key=...:bucket` would be seen by everybody, also in the list of processes.
        Some(_) => Err(unusable("what is before the second colon is no name of a remote").help(help)),
        None => Err(unusable("it names no remote").help(help)),
    }
}

fn other(scheme: &str) -> Error {
    let error = Error::unusable(format!("use a repository at {scheme}:"));
    match scheme {
        "http" | "https" => error.why("restic names it otherwise").help(format!("write rest:{scheme}://HOST/PATH/")),
        _ => error
            .why("this xtask reaches folders, rest: and rclone:")
            .help("`rclone config` makes a remote of it, which is then rclone:NAME:PATH; a folder of such a name is `./NAME:...`"),
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Folder(folder) => write!(f, "{}", folder.display()),
            Location::Rest(url) => write!(f, "rest:{url}"),
            Location::Rclone(remote) => write!(f, "rclone:{remote}"),
        }
    }
}

/// Folders are absolute, so none is taken for something else.
impl From<String> for Location {
    fn from(said: String) -> Self {
        match said.split_once(':') {
            Some(("rest", url)) => Location::Rest(url.to_string()),
            Some(("rclone", remote)) => Location::Rclone(remote.to_string()),
            _ => Location::Folder(said.into()),
        }
    }
}

impl From<Location> for String {
    fn from(location: Location) -> String {
        location.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_restic() {
        for (said, wanted) in [("/a/b", "/a/b"), ("file:///a", "/a"), ("./s3:a", "./s3:a"), ("c:d", "c:d"), ("A:b", "A:b")] {
            assert_eq!(Location::parse(said).unwrap(), Location::Folder(wanted.into()));
        }
        for (said, wanted) in [
            ("rest:http://h:8000/a", "rest:http://h:8000/a/"),
            ("rest:https://h", "rest:https://h/"),
            ("rclone:far:a/b", "rclone:far:a/b"),
            ("rclone:/srv/a", "rclone:/srv/a"),
        ] {
            let found = Location::parse(said).unwrap();
            assert!(found.is_remote() && found.folder().is_none());
            assert_eq!(String::from(found.clone()), wanted);
            assert_eq!(Location::from(wanted.to_string()), found, "as a journal has it");
        }
        for (said, wanted) in
            [("s3:https://h/bucket", "rclone:NAME:PATH"), ("sftp:me@host:/a", "rclone:NAME:PATH"), ("https://h/a", "rest:https:")]
        {
            assert!(Location::parse(said).unwrap_err().to_string().contains(&said[..said.find(':').unwrap()]), "{said}");
            assert!(Location::parse(said).unwrap_err().help.unwrap().contains(wanted), "{said}");
        }
    }

    #[test]
    fn a_secret_in_a_name_is_refused_and_not_said() {
        for said in [
            "rest:https://me:canary@h/a",
            "rest:https://canary@h/a",
            "rest:https://h/a?token=canary",
            "rest:canary",
            "rclone::s3,secret_access_key=canary:bucket",
            "rclone:far,pass=canary:a",
            "rclone:--password-command=canary:a",
            "rclone:canary",
        ] {
            let error = Location::parse(said).unwrap_err();
            assert!(!format!("{error} {:?} {:?}", error.why, error.help).contains("canary"), "{said}");
        }
    }
}
