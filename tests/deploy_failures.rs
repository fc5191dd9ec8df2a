//! Deploys that fail, with the tool as it is shipped: afterwards the new release serves or the old one, never a
//! mixture, the exit code says which, nothing is left over, and no secret was shown.

#![allow(clippy::print_stdout)]

mod engine_support;
#[path = "prod_up/mod.rs"]
#[allow(dead_code)] // shared with the tests of prod-up
mod support;

#[path = "deploy_failures/by_hand.rs"]
mod by_hand;
#[path = "deploy_failures/full_disk.rs"]
mod full_disk;
#[path = "deploy_failures/hooks.rs"]
mod hooks;
#[path = "deploy_failures/inputs.rs"]
mod inputs;
#[path = "deploy_failures/late.rs"]
mod late;
#[path = "crash/mount.rs"]
#[allow(dead_code)] // shared with the crash tests
mod mount;
#[path = "deploy_failures/secrets.rs"]
mod secrets;
