//! What the caller asks of a deploy.

use crate::release::Accepted;

#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The stack, by id or a part of it.
    pub stack: Option<String>,
    /// Only these services; none: all.
    pub services: Vec<String>,
    /// The value for the tag variable.
    pub tag: Option<String>,
    /// Findings that stand against the stack, accepted with a reason.
    pub accepted: Vec<Accepted>,
    /// Say what would change, and fail when something would.
    pub check: bool,
    /// Do not try changed services beside the live ones first.
    pub no_rehearse: bool,
}
