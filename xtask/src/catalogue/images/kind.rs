//! One kind of server, as `policies/images/KIND.yaml` says it. policies/README.md explains the fields.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::auth_off::AuthOff;
use super::container::Container;
use super::name::{image_name, is_named};

/// One kind of server: `policies/images/<kind>.yaml`. What is not known is left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerKind {
    pub kind: String,
    /// For people.
    pub title: String,
    pub category: Category,
    /// Names without registry, tag and digest; one without a folder holds in every folder.
    pub(super) images: Vec<String>,
    /// Of URLs that point at such a server.
    #[serde(default)]
    pub schemes: Vec<String>,
    /// The TCP ports it listens on unless told otherwise.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// What is behind a port of `ports`.
    #[serde(default)]
    services: BTreeMap<u16, PortFacts>,
    #[serde(default)]
    pub keys: ServerKeys,
    /// The account when no key names one.
    #[serde(default)]
    pub default_user: String,
    /// Empty where what holds for any service holds here.
    #[serde(default)]
    pub(super) rotation: Vec<String>,
    #[serde(default)]
    pub(super) auth_off: AuthOff,
    #[serde(default)]
    pub(super) containers: Vec<Container>,
    /// The page that the facts come from.
    pub source: String,
    /// `TEST_FILE::FUNCTION`, the test that runs an image hardened as the entry says, or `no`.
    pub proven: String,
}

/// What a server is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    Database,
    Cache,
    Broker,
    Search,
    Storage,
    Proxy,
    Web,
    Runtime,
    Monitoring,
    Tracing,
    AdminUi,
    Updater,
    Other,
}

/// What is behind a port, and who is meant to reach it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortFacts {
    /// For people: "SQL", "management interface".
    pub what: String,
    pub reach: Reach,
    /// Whether it asks who comes, as the image is without further settings.
    pub login: Option<bool>,
}

/// Who is meant to reach a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Clients anywhere.
    Everyone,
    /// Browsers, through a proxy that ends TLS: it speaks clear text itself.
    Proxied,
    /// The services of its own stack.
    Stack,
    /// Who runs the server: it shows or changes how it works.
    Operator,
}

/// The environment variables that an image reads.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerKeys {
    pub user: Vec<String>,
    pub password: Vec<String>,
    pub database: Vec<String>,
}

impl PortFacts {
    /// Not for the world: whoever reaches it reads or changes data, or controls the server.
    pub fn is_sensitive(&self) -> bool {
        matches!(self.reach, Reach::Stack | Reach::Operator)
    }

    pub fn is_management(&self) -> bool {
        self.reach == Reach::Operator
    }
}

impl ServerKind {
    pub fn port(&self, port: u16) -> Option<&PortFacts> {
        self.services.get(&port)
    }

    /// How a container of this image is built. `None` for an image of this kind whose insides are not
    /// known: a vendor's own build has other accounts and paths.
    pub fn container(&self, image: &str) -> Option<&Container> {
        let name = image_name(image);
        let known = self.images.iter().filter(|known| is_named(name, known)).max_by_key(|known| known.len())?;
        self.containers.iter().find(|container| container.images.contains(known))
    }
}
