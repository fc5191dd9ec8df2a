//! The images of a stack under a release's tag: which it names, how they are fetched and made.

mod build;
mod pull;
mod tag;

pub use build::{Built, build};
pub use pull::{Fetched, How, pull};
pub use tag::{Tagged, tagged};

use std::collections::BTreeMap;

use crate::error::Result;
use crate::model::{self, Unset};
use crate::project::Stack;
use crate::source::Disk;
use crate::tasks::call;

/// An image that services of a stack name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub image: String,
    /// `platform:` of the service.
    pub platform: Option<String>,
    pub services: Vec<String>,
    /// A service that names it has a build section.
    pub built: bool,
}

/// What a stack names under this environment, the compose project's name first. A service with a build
/// section and no image gets the name that Compose gives it.
///
/// # Errors
/// The stack does not render.
pub fn wanted(stack: &Stack, environment: &model::Environment) -> Result<(String, Vec<Wanted>)> {
    let model = model::load(&Disk, &call::of(stack, Unset::Fail), environment)?;
    let project = model.name.clone();
    let mut images: BTreeMap<(String, Option<String>), Wanted> = BTreeMap::new();
    let json = model.json();
    for (service, body) in json["services"].as_object().into_iter().flatten() {
        let text = |key: &str| body[key].as_str().map(String::from);
        let built = !body["build"].is_null();
        let Some(image) = text("image").or_else(|| built.then(|| format!("{project}-{service}"))) else { continue };
        let key = (image.clone(), text("platform"));
        let platform = key.1.clone();
        let wanted = images.entry(key).or_insert_with(|| Wanted { image, platform, services: Vec::new(), built: false });
        wanted.services.push(service.clone());
        wanted.built |= built;
    }
    Ok((project, images.into_values().collect()))
}
