//! What a production image of a service is made of, found out by looking, and the files that build it. Pure: the
//! build context is read through [`Files`], and what cannot be found out is asked, never guessed.

mod base;
mod context;
mod copies;
mod detect;
mod dockerfile;
mod entry;
mod health;
mod ignore;
mod mark;
mod node;
mod port;
mod python;
mod shared;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde_json::Value as Json;

use crate::project::ServiceProduction;
use crate::source::Files;
use crate::surroundings::Build;

pub use base::{has_tag, repository};
pub use context::Context;
pub use detect::recipe;
pub use dockerfile::dockerfile;
pub use ignore::{dockerignore, hides};
pub use mark::{Written, marked, written};
pub use python::package as package_name;
pub use shared::{Start, start};

/// The file that is written beside the others of a build context.
pub const DOCKERFILE: &str = "Dockerfile.prod";
/// The name of the stage that runs.
pub const STAGE: &str = "production";

/// A service that shall get a production image, and what is known of it.
pub struct Subject<'a> {
    pub service: &'a str,
    /// As Compose renders it.
    pub definition: &'a Json,
    pub build: &'a Build,
    /// The build context, absolute.
    pub context: &'a Path,
    /// The files of the context, relative to it, sorted, without what git ignores.
    pub listed: &'a [String],
    pub files: &'a dyn Files,
    pub wish: &'a ServiceProduction,
}

/// Why no image can be made, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub why: String,
    pub help: String,
}

impl Refused {
    fn new(why: impl Into<String>, help: impl Into<String>) -> Self {
        Refused { why: why.into(), help: help.into() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Node,
    Python,
}

/// A production image, stage by stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    pub service: String,
    pub language: Language,
    /// Who manages its packages, for people: `npm`, `uv`; empty where it has none.
    pub manager: &'static str,
    /// What it is built on; the digest is added by who knows it.
    pub base: String,
    /// What it runs on.
    pub runtime: String,
    pub folder: String,
    /// What is installed for production, and copied into the image.
    pub dependencies: Option<Install>,
    pub build: Option<BuildStep>,
    /// What of the context, or of the build stage, is copied: the same names in the image.
    pub copies: Vec<String>,
    /// Those of them that only the build makes.
    pub made: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// `UID:GID`, never root.
    pub user: String,
    pub port: Option<u16>,
    /// The path that answers when it is well.
    pub path: Option<String>,
    /// What asks; `None`: nothing does.
    pub health: Option<Vec<String>>,
    pub entry: Vec<String>,
    pub labels: Vec<(String, String)>,
    /// What is for development only, and must not be in the image.
    pub development: Development,
    /// What a reader should know, a sentence each.
    pub notes: Vec<String>,
}

/// Packages of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// What is copied for it.
    pub manifests: Vec<String>,
    pub commands: Vec<String>,
    /// Where they end up, below the folder.
    pub into: &'static str,
    pub why: String,
}

/// What is made before it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildStep {
    /// The packages that it needs, development ones among them; none: those of production do.
    pub install: Option<Install>,
    pub commands: Vec<String>,
    /// The production packages are taken from this stage: the build adds to them.
    pub adds_package: bool,
}

/// How packages for development only are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Development {
    /// `node_modules/nodemon`: not there, whatever else is.
    pub paths: Vec<String>,
    /// Names of packages that are there only when another one needs them.
    pub names: Vec<String>,
}
