//! The only doors to Docker: the engine's own API, and the compose CLI.
//!
//! Async stops inside this folder: everything that leaves it blocks.

pub mod compose;
