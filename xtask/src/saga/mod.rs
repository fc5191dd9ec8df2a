//! The durable record and the undo of one run: generic over the world that it acts on; knows
//! neither Docker nor YAML.
//!
//! A run is a journal. What a step's undo needs is in it, synced, before the step acts; so a run
//! that ends anywhere, also by SIGKILL, can be put back from its journal alone.

mod blobs;
mod clock;
mod folder;
mod journal;
mod lock;
mod plan;
mod recover;
mod run;
mod settle;
mod state;
mod store;
mod understood;

pub use blobs::{Blobs, sync_dir};
pub use clock::{now_ms, utc};
pub use folder::{check_own, make_dir, state_folder};
pub use journal::{Begun, Entry, Journal, Record, Replay, replay};
pub use lock::{Held, Holder, Lock, held, try_lock, wait_lock};
pub use plan::{Plan, Sha};
pub use recover::{Undoable, prepared, recover};
pub use run::{Outcome, Proof, Verdict, execute};
pub use settle::unsettled;
pub use state::{Mark, Phase, State};
pub use store::{RunId, RunRef, RunView, Store, machine, who};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;

/// One thing that a run does to the world, and how it is taken back.
pub trait Step<W: ?Sized>: Serialize + DeserializeOwned + Clone {
    /// Everything that `undo` will need; hashes and places, never contents or values.
    type Receipt: Serialize + DeserializeOwned;

    /// "write .env": a verb and its object, for people.
    fn label(&self) -> String;

    /// Looks, refuses when the world is not as the plan saw it, and keeps what undo needs. It does
    /// not change the world.
    fn prepare(&self, world: &W) -> Result<Self::Receipt>;

    fn apply(&self, world: &W, receipt: &Self::Receipt) -> Result<()>;

    /// Puts the world back. Right after none, half or all of `apply`, and when it was done before;
    /// durable when it returns.
    fn undo(&self, world: &W, receipt: &Self::Receipt) -> Result<()>;
}
