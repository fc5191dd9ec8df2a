//! The files of a repository, wherever they are: the only door to another machine's.

use std::path::Path;
use std::sync::Arc;

use rustic_backend::LocalBackend;
use rustic_core::WriteBackend;

use super::location::Location;
use super::repository::failed;
use crate::error::{Error, Result};

/// The files of one repository.
pub type Files = Arc<dyn WriteBackend>;

/// # Errors
/// `Unusable`: this build does not reach it, or rclone is not installed. `Failed`: it does not answer.
pub fn reached(location: &Location) -> Result<Files> {
    match location {
        Location::Folder(folder) => local(folder),
        Location::Rest(url) => remote::rest(url),
        Location::Rclone(name) => remote::rclone(name),
    }
}

fn local(folder: &Path) -> Result<Files> {
    let path =
        folder.to_str().ok_or_else(|| Error::unusable(format!("use {} as a repository", folder.display())).why("its name is not UTF-8"))?;
    let local = LocalBackend::new(path, []).map_err(|error| failed("use a folder as repository", &error))?;
    Ok(Arc::new(local))
}

#[cfg(feature = "backup-remote")]
mod remote {
    use std::collections::BTreeMap;

    use rustic_backend::RestBackend;

    use super::super::location::{REST_PASSWORD, REST_USER};
    use super::super::rclone::served;
    use super::*;
    use crate::secret::Secret;

    /// A request that fails is made so many times more, each after twice the time: for 7 seconds in all.
    const AGAIN: &str = "3";

    fn options() -> BTreeMap<String, String> {
        BTreeMap::from([("retry".to_string(), AGAIN.to_string())])
    }

    pub fn rest(url: &str) -> Result<Files> {
        let label = format!("reach rest:{url}");
        // Without a password first: a URL that cannot be read would be told as it is.
        let open = RestBackend::new(url, options()).map_err(|error| failed(&label, &error))?;
        let Some(user) = std::env::var(REST_USER).ok().filter(|user| !user.is_empty()) else { return Ok(Arc::new(open)) };
        let password = Secret::new(std::env::var(REST_PASSWORD).unwrap_or_default());
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let whole = Secret::new(format!("{scheme}://{}:{}@{rest}", encoded(&user), encoded(password.expose())));
        let known = RestBackend::new(whole.expose(), options());
        Ok(Arc::new(known.map_err(|_| Error::failed(label).why(format!("{REST_USER} or {REST_PASSWORD} is none that can be sent")))?))
    }

    pub fn rclone(name: &str) -> Result<Files> {
        let url = served(name)?;
        let found = RestBackend::new(url.expose(), options());
        Ok(Arc::new(found.map_err(|_| Error::failed(format!("reach rclone:{name}")).why("it serves at no URL"))?))
    }

    /// Any byte, in the part of a URL that names a user.
    fn encoded(text: &str) -> String {
        text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
    }
}

#[cfg(not(feature = "backup-remote"))]
mod remote {
    use super::*;

    pub fn rest(url: &str) -> Result<Files> {
        Err(without(&format!("rest:{url}")))
    }

    pub fn rclone(name: &str) -> Result<Files> {
        Err(without(&format!("rclone:{name}")))
    }

    fn without(name: &str) -> Error {
        Error::unusable(format!("reach {name}"))
            .why("this xtask was built without remote repositories")
            .help("build it with the feature: `--features backup-remote` in the alias of .cargo/config.toml, before the `--`")
    }
}
