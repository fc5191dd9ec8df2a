//! The tasks, one a file or a folder, and the guarded way that all changing ones go.

pub mod audit;
pub mod backup;
pub mod bench;
mod call;
pub mod cleanup;
mod context;
pub mod deploy;
pub mod dockerfile_prod;
pub mod doctor;
mod elsewhere;
pub mod env;
pub mod env_standardize;
pub mod everyday;
mod guarded;
mod hidden;
pub mod history;
pub mod images;
pub mod metrics;
pub mod migrate;
mod phase;
mod project_lock;
pub mod recover;
pub mod releases;
pub mod render;
pub mod restore;
pub mod review;
pub mod rollback;
pub mod schema;
pub mod security_fix;
pub mod status;
pub mod try_out;

pub use context::{Context, Doors};
pub use guarded::{Ended, Overrides, Prepared, carry_out};
