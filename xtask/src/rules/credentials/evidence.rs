//! What a rule about credentials found, with everything that a plan to move it needs.

use std::ops::Range;

use crate::finding::Finding;
use crate::secret::Secret;
use crate::text::Span;
use crate::yaml::Origin;

/// A credential that is written into a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub finding: Finding,
    pub kind: EvidenceKind,
    /// What it is the value of: an environment variable, an option (`--requirepass`), a label's key.
    pub key: String,
    /// Every service that this place reaches, through anchors and merge keys too, in the file's order.
    pub services: Vec<String>,
    /// The file, and the scalar node that holds the credential; in an env file the value as written,
    /// quotes included.
    pub scalar: Origin,
    /// The credential's bytes in the *decoded* text of that scalar. In an env file: in the value as it
    /// is read, or in what stands between the quotes if that names variables.
    pub range: Range<usize>,
    /// The credential's bytes in the source, for pointing at and masking; the whole scalar where the
    /// two cannot be matched.
    pub source: Span,
    /// The text at `range`, as written: `$$` stands for a dollar in compose files, and percent
    /// encoding is not undone. What the container gets may differ (`0123` is rendered as 83).
    pub secret: Secret,
    pub url: Option<UrlParts>,
    /// The variable whose default it is; of nested ones the innermost.
    pub variable: Option<String>,
    pub form: Form,
    /// The provider's token that it looks like, for example `github-pat`.
    pub token: Option<&'static str>,
    /// It comes with the product or out of its documentation, or asks to be replaced.
    pub known_default: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvidenceKind {
    /// Written out as the value of a credential's key.
    Literal,
    /// Inside a URL or a connection string.
    Url,
    /// What `${X:-...}` falls back to, inside a URL too.
    Default,
    /// Told by its shape alone.
    Token,
}

/// Where a credential stands, as far as that decides how it can be written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// `environment` as a mapping.
    Map,
    /// `environment` as a list: `KEY=value` in one scalar.
    List,
    /// `command`, `entrypoint` and lifecycle hooks.
    Argument,
    Healthcheck,
    Label,
    BuildArg,
    EnvFile,
    /// The content of a config that is written into the compose file.
    Config,
    /// Anywhere else: driver options, logging options.
    Other,
}

/// The parts of a URL or connection string around a credential, as written; empty when they are not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UrlParts {
    pub scheme: String,
    pub user: String,
    /// Of `${DB_HOST:-db}` the default.
    pub host: String,
    pub port: String,
    /// The credential holds percent-encoded bytes.
    pub percent_encoded: bool,
}

/// What a check says of one place; `credentials` makes it a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub kind: EvidenceKind,
    pub range: Range<usize>,
    pub url: Option<UrlParts>,
    pub variable: Option<String>,
    pub token: Option<&'static str>,
}

impl Hit {
    pub(super) fn new(kind: EvidenceKind, range: Range<usize>) -> Self {
        Hit { kind, range, url: None, variable: None, token: None }
    }
}
