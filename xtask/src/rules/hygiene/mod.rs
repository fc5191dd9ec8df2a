//! What does not do what it seems to.
//!
//! Some faults need no rule, for the model refuses a stack that has them, and the audit then ends with exit 2
//! and the line: a key that stands twice in a mapping; a network, volume, secret, config or service that is used
//! and not declared; dependencies that lead back to where they began, those among them that follow from links,
//! `volumes_from` and shared namespaces. An unknown key is refused too; `schema` adds what was meant.

mod invalid_suppression;
mod obsolete_version;
mod schema;
mod unused_resource;
mod unused_suppression;

use super::Rule;

pub use schema::{Slip, slips};

pub(super) const RULES: &[&Rule] =
    &[&schema::RULE, &obsolete_version::RULE, &unused_resource::RULE, &invalid_suppression::RULE, &unused_suppression::RULE];
