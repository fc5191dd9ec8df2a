//! Guarded tasks for Docker Compose.
//!
//! The tree is the pipeline: sources -> model -> findings -> plan -> guarded task -> events ->
//! report. Every room has a rank and imports only from lower ones (see `tests/tidy.rs`).

pub mod actions;
pub mod audit;
pub mod backup;
pub mod cancel;
pub mod catalogue;
pub mod cli;
pub mod dotenv;
pub mod engine;
pub mod error;
pub mod event;
pub mod finding;
pub mod fix;
pub mod git;
pub mod guards;
pub mod model;
pub mod policy;
pub mod process;
pub mod production;
pub mod project;
pub mod proof;
pub mod registry;
pub mod release;
pub mod report;
pub mod rules;
pub mod saga;
pub mod secret;
pub mod source;
pub mod surroundings;
pub mod tasks;
pub mod text;
pub mod yaml;
