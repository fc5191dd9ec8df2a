//! What is known of an image by its name: the kind of server, its ports, how its container can be
//! hardened, what switches its authentication off, and how a password of it is changed by hand.

mod auth_off;
mod container;
mod files;
mod index;
mod kind;
mod name;
mod rotation;

pub use auth_off::AuthOffAt;
pub use container::{Account, Container, HealthCommand, Start, User};
pub use index::{is_sensitive_port, server_kind, server_kind_of_scheme};
pub use kind::{Category, PortFacts, Reach, ServerKeys, ServerKind};
pub use name::{image_name, image_tag, is_image};
pub use rotation::{Rotation, rotation, token_rotation};
