//! Phase 4 by the shipped binary: what is written, what is refused, and what an engine says of it.

#![allow(clippy::print_stderr, reason = "a test says what it could not look at")]

mod engine_support;
mod support;

mod dockerfile_prod {
    mod activation;
    pub mod contexts;
    mod files;
    mod hadolint;
    mod live;
}
