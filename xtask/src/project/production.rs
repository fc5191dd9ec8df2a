//! What `xtask.yaml` says of the production images of services.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// Production images, where nobody could find out by looking.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProductionSettings {
    /// By the services' names.
    pub services: IndexMap<String, ServiceProduction>,
}

/// What is known of a service's production image; all that is not said is detected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceProduction {
    /// What it starts, a program and its arguments.
    pub entry: Option<Vec<String>>,
    /// Where it listens.
    pub port: Option<u16>,
    /// The path that answers when it is well, `/health`; `none` when it has none.
    #[schemars(regex(pattern = r"^(/.*|none)$"))]
    pub health: Option<String>,
    /// The image that it is built on and runs on, with its tag.
    pub base: Option<String>,
    /// It gets no production image from here.
    pub skip: bool,
}
