//! Who must not write while a volume is copied, and that they go on afterwards, whatever happens.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::super::World;
use super::super::live::IN_THE_MAKING;
use crate::backup::{Pause, VolumeWriter};
use crate::engine::{Engine, Status};
use crate::error::Result;

/// So often a container is tried to be paused.
const TRIES: usize = 10;

/// A container that ran and is, or was to be, paused or stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quieted {
    pub id: String,
    pub name: String,
    pub stop: bool,
    pub grace_ms: u64,
}

/// They are quiet for as long as this lives.
pub struct Silence<'w> {
    engine: &'w dyn Engine,
    /// With what they need to go on; in the order in which they were quieted.
    held: Vec<(String, Pause)>,
}

impl<'w> Silence<'w> {
    /// # Errors
    /// One of them is gone, or cannot be paused. Those before it go on again.
    pub fn over(world: &'w World, writers: &[VolumeWriter], how: Pause) -> Result<Silence<'w>> {
        let mut silence = Silence { engine: world.live()?.engine.as_ref(), held: Vec::new() };
        for writer in writers.iter().filter(|_| how != Pause::Hot) {
            // Noted first: a request whose answer is an error may have been carried out.
            silence.held.push((writer.id.clone(), how));
            match how {
                Pause::Stop => silence.engine.stop(&writer.id, Duration::from_millis(writer.grace_ms))?,
                _ => pause(silence.engine, &writer.id)?,
            }
        }
        Ok(silence)
    }

    /// # Errors
    /// One of them does not go on; the others do.
    pub fn end(mut self) -> Result<()> {
        self.resume()
    }

    fn resume(&mut self) -> Result<()> {
        let mut ended = Ok(());
        for (id, how) in self.held.drain(..).rev() {
            let resumed = match (how, self.engine.container(&id)) {
                (_, Err(error)) => Err(error),
                (Pause::Stop, Ok(Some(container))) if !container.is_up() => self.engine.start(&id),
                (_, Ok(Some(container))) if container.state.status == Status::Paused => self.engine.unpause(&id),
                // Somebody has removed it, or it goes on already.
                (_, Ok(_)) => Ok(()),
            };
            ended = ended.and(resumed);
        }
        ended
    }
}

/// Runtimes give up on freezing what starts programs all the time; another moment may be a better one.
fn pause(engine: &dyn Engine, id: &str) -> Result<()> {
    let mut tried = engine.pause(id);
    for _ in 1..TRIES {
        if tried.is_ok() {
            break;
        }
        std::thread::sleep(IN_THE_MAKING);
        // What a try that failed has left of it.
        if engine.container(id)?.is_some_and(|container| container.state.status == Status::Paused) {
            return Ok(());
        }
        tried = engine.pause(id);
    }
    tried
}

/// On the way out of an error; what it cannot do, the undo of the step does.
impl Drop for Silence<'_> {
    fn drop(&mut self) {
        let _ = self.resume();
    }
}

/// For the undo: the engine may still be at a request whose client was killed, so a container counts as going on
/// once it has done so for a while; for one that was to be stopped that is its time to end.
pub fn resume_all(world: &World, quieted: &[Quieted]) -> Result<()> {
    let engine = world.live()?.engine.as_ref();
    for one in quieted {
        let patience = if one.stop { Duration::from_millis(one.grace_ms) + IN_THE_MAKING } else { IN_THE_MAKING };
        let mut steady = Instant::now();
        while steady.elapsed() < patience {
            match engine.container(&one.id)? {
                None => break,
                Some(container) if container.state.status == Status::Paused => {
                    engine.unpause(&one.id)?;
                    steady = Instant::now();
                }
                Some(container) if one.stop && !container.is_up() => {
                    engine.start(&one.id)?;
                    steady = Instant::now();
                }
                Some(_) => {}
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}
