//! How the container of an image is built: what it needs to stay well when all else is taken away.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::name::image_tag;

/// The insides of the images that it names. What is not known is left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Of the names in `images` of the kind, those that these facts hold for.
    pub(super) images: Vec<String>,
    pub health: Option<HealthCommand>,
    pub user: Option<User>,
    /// Scratch paths that must stay writable on a read-only root, besides `data`: each can be a tmpfs. An
    /// empty list: none; `None`: not known.
    pub writable: Option<Vec<String>>,
    /// Where what must survive is written: each belongs on a volume, owned by the user's account.
    #[serde(default)]
    pub data: Vec<String>,
    /// Needed beside `cap_drop: [ALL]`, without the prefix `CAP_`. An empty list: none are; `None`: not known.
    pub capabilities: Option<Vec<String>>,
    /// A variable that holds a value, and the one that names a file with that value instead.
    #[serde(default)]
    file_variables: BTreeMap<String, String>,
}

/// A health check as a service in a compose file has it: a `$` of the shell is written twice.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthCommand {
    pub test: Vec<String>,
    pub interval: String,
    pub timeout: String,
    pub retries: u32,
    pub start_period: String,
}

/// The account that the server runs as, and how it gets there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    name: String,
    uid: u32,
    gid: Option<u32>,
    pub start: Start,
    /// Where images with `alpine` in their tag have other numbers.
    alpine: Option<Ids>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ids {
    uid: u32,
    gid: u32,
}

/// An account inside a container. The group is `None` where it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'a> {
    pub name: &'a str,
    pub uid: u32,
    pub gid: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// The image starts as root, and its entrypoint changes to the account.
    Drops,
    /// The first process stays root; those that serve clients change to the account.
    Workers,
    /// The image's own USER is the account.
    Own,
    /// It stays root unless `user:` says otherwise; the account is there to be named, or is root itself.
    Root,
}

impl Container {
    /// The variable that takes a file's path in place of this variable's value: `POSTGRES_PASSWORD_FILE`
    /// for `POSTGRES_PASSWORD`.
    pub fn file_variable(&self, variable: &str) -> Option<&str> {
        self.file_variables.get(variable).map(String::as_str)
    }
}

impl User {
    /// The account in this image: its tag decides between Debian's numbers and Alpine's.
    pub fn account(&self, image: &str) -> Account<'_> {
        match &self.alpine {
            Some(ids) if image_tag(image).contains("alpine") => Account { name: &self.name, uid: ids.uid, gid: Some(ids.gid) },
            _ => Account { name: &self.name, uid: self.uid, gid: self.gid },
        }
    }
}
