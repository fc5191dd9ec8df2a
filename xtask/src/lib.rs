//! Guarded tasks for Docker Compose.
//!
//! The tree is the pipeline: sources -> model -> findings -> plan -> guarded task -> events ->
//! report. Every room has a rank and imports only from lower ones (see `tests/tidy.rs`).

pub mod dotenv;
pub mod error;
pub mod event;
pub mod model;
pub mod secret;
pub mod source;
pub mod text;
pub mod yaml;
