//! Credentials that a service gets by its environment.

use crate::catalogue::{is_reference, key_shape, never_a_credential};
use crate::rules::Service;
use crate::yaml::{Data, Value};

/// Whether a key's value is a credential: not one that names a file or a vault's entry, or is nothing.
pub(super) fn is_credential(key: &str, value: &str) -> bool {
    key_shape(key).is_credential() && !never_a_credential(value.trim()) && !is_reference(value.trim())
}

/// The entries of `environment`, env files included, that hold a credential.
pub(super) fn credentials<'a>(service: &Service<'a>) -> impl Iterator<Item = (&'a str, &'a Value)> {
    service.entries("environment").filter(|(key, value)| matches!(&value.data, Data::Str(text) if is_credential(key, text)))
}
