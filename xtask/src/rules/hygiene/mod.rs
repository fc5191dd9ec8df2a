//! What does not do what it seems to.
//!
//! Some faults need no rule, for the model refuses a stack that has them: see `rules/refused.rs`. An unknown key
//! is refused too; `schema` adds what was meant.

mod invalid_suppression;
mod obsolete_version;
mod schema;
mod unused_resource;
mod unused_suppression;

use super::Rule;

pub use schema::{Slip, slips};

pub(super) const RULES: &[&Rule] =
    &[&schema::RULE, &obsolete_version::RULE, &unused_resource::RULE, &invalid_suppression::RULE, &unused_suppression::RULE];
