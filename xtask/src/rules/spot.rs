use std::path::PathBuf;

use crate::text::Span;

/// Where a finding points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Absolute, as the model names it.
    pub file: PathBuf,
    pub span: Span,
    /// `services.web.ports[0]`.
    pub place: String,
    pub service: Option<String>,
}
