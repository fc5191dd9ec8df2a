//! What is typed every day: start, look, restart, stop.

mod addresses;
mod chosen;
mod down;
mod logs;
mod order;
mod ready;
mod restart;
mod services;
mod up;

use std::rc::Rc;
use std::time::Duration;

use super::Context;
use crate::actions::Live;
use crate::engine::Engine;
use crate::error::{Error, Result};

pub use down::{Down, dev_down, prod_down};
pub use logs::{LogLine, Wanted, logs};
pub use restart::{Restarted, RestartedStack, restart};
pub use services::{Services, State, services};
pub use up::{Answering, Ill, Up, UpStack, dev_up};

/// For how long a container without a healthcheck must run undisturbed: somebody sits and waits.
const SETTLE: Duration = Duration::from_secs(2);
/// For one call of Compose; a first build takes its time.
const DEADLINE: Duration = Duration::from_secs(1800);

fn engine(cx: &Context<'_>) -> Result<Rc<dyn Engine>> {
    let nobody = || Error::unusable("reach the engine").why(cx.doors.no_engine.clone());
    cx.doors.engine.clone().ok_or_else(|| nobody().help("`cargo xtask doctor` says what is missing"))
}

fn live(cx: &Context<'_>) -> Result<Live> {
    engine(cx)?;
    let nobody = || Error::unusable("find docker compose").why("no usable one").help("`cargo xtask doctor` says what is missing");
    cx.live().ok_or_else(nobody)
}
