//! What is run: which image, from where, and whether it can change unseen.

mod build_and_image;
mod not_digest_pinned;
mod reference;
mod tag_not_required;
mod tag_variable;
mod untagged_or_latest;
mod untrusted_registry;

use super::Rule;

pub(super) const RULES: &[&Rule] =
    &[&untagged_or_latest::RULE, &tag_not_required::RULE, &not_digest_pinned::RULE, &build_and_image::RULE, &untrusted_registry::RULE];
