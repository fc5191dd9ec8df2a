//! What the caller asks of a deploy.

use crate::project::{On, Rehearsing};
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
    /// Do not try changed services beside the live ones first.
    pub no_rehearse: bool,
    /// Try them on a copy of the data of the last verified backup.
    pub rehearse_with_data: bool,
}

impl Request {
    /// Whether what changes is tried first, and on which data.
    pub fn rehearses(&self, settings: Rehearsing) -> Option<On> {
        match settings.on() {
            _ if self.no_rehearse => None,
            _ if self.rehearse_with_data => Some(On::WithData),
            on => on,
        }
    }

    /// As a run records them; `tag` is the one that was used, wherever it was set.
    pub fn args(&self, tag: Option<&str>) -> Vec<String> {
        let mut args: Vec<String> = self.stack.iter().chain(&self.services).cloned().collect();
        args.extend(tag.iter().map(|tag| format!("--tag={tag}")));
        args.extend(self.accepted.iter().map(|accepted| format!("--accept={}", accepted.rule)));
        if self.no_rehearse {
            args.push("--no-rehearse".to_string());
        }
        if self.rehearse_with_data {
            args.push("--rehearse-with-data".to_string());
        }
        args
    }
}
