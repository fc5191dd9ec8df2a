//! What is known before looking: which keys and values are credentials, how providers shape their
//! tokens, what kind of server an image is. Data stands in `policies/` at the top, built in.

mod images;
mod keys;
mod schema;
mod tokens;
mod values;
mod words;

pub use images::{
    Account, AuthOffAt, Category, Container, HealthCommand, PortFacts, Reach, Rotation, ServerKeys, ServerKind, Start, User, image_name,
    image_tag, is_image, is_sensitive_port, rotation, server_kind, server_kind_of_scheme, token_rotation,
};
pub use keys::{KeyShape, key_shape, may_hold_credential, split_user_password};
pub use schema::{Unknown, unknown_keys};
pub use tokens::{Token, tokens_in};
pub use values::{is_example_file, is_known_default, is_placeholder_word, is_reference, looks_random, never_a_credential};
pub use words::{ShortOptions, short_options};
