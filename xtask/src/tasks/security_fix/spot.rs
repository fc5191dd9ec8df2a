//! What phase 1 works on: every place where a credential stands, with the value that it renders to.

use std::ops::Range;
use std::path::PathBuf;

use crate::secret::Secret;
use crate::text::Span;

/// In which kind of place a credential is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Where {
    Environment,
    BuildArg,
    Label,
    /// `command`, `entrypoint` or a health check.
    Argument,
    EnvFile,
    /// Anywhere else in a compose file: an extension, an inline config.
    Other,
}

/// The account that a URL names beside its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub user: Option<String>,
    pub host: Option<String>,
}

/// One place of one credential.
#[derive(Debug, Clone)]
pub struct Spot {
    pub file: PathBuf,
    /// The scalar that holds it: bytes of the file. In an env file, the bytes of the value.
    pub scalar: Span,
    /// The part of the scalar's decoded text that a variable takes the place of.
    pub cut: Range<usize>,
    /// The same part in the bytes of the file, for pointing at and masking.
    pub source: Span,
    /// What that part renders to: what must be stored.
    pub value: Secret,
    /// The compose project that renders it: services of one name in two projects are two systems.
    pub project: String,
    /// The services that render it, the one it is written under first; empty for an env file.
    pub services: Vec<String>,
    pub key: String,
    pub place: Where,
    pub account: Option<Account>,
    /// Values of the same service's keys that name a host: `DB_HOST` beside `DB_PASSWORD`.
    pub hosts: Vec<String>,
    /// `X`, where it is the default of `${X:-...}`.
    pub fallback_of: Option<String>,
    /// `X` is set already, in an env file: only the default goes away.
    pub bound: bool,
    /// It has the shape of a token that some provider issued.
    pub token: bool,
    /// A value that anyone would try: `guest`, `admin`, `changeme`.
    pub well_known: bool,
}

impl Spot {
    pub fn service(&self) -> &str {
        self.services.first().map_or("", String::as_str)
    }
}

#[cfg(test)]
pub mod testing {
    use super::*;

    /// A password in the environment of a service of the project `shop`.
    pub fn spot(service: &str, key: &str, value: &str) -> Spot {
        Spot {
            file: "/p/web/compose.yaml".into(),
            scalar: Span::default(),
            cut: 0..0,
            source: Span::default(),
            value: Secret::new(value),
            project: "shop".into(),
            services: vec![service.into()],
            key: key.into(),
            place: Where::Environment,
            account: None,
            hosts: Vec::new(),
            fallback_of: None,
            bound: false,
            token: false,
            well_known: false,
        }
    }
}
