//! Does a service come back? Its main process is killed as an accident would do it, one service after the
//! other, and everything must be well again.

use std::time::{Duration, Instant};

use super::{LeftOut, in_short, not_started};
use crate::engine::wait::{Waited, until_well};
use crate::engine::{Container, Exec, Restart, Status, main_process};
use crate::error::{Error, Kind, Result};
use crate::proof::Seen;
use crate::proof::rehearsal::Rehearsal;

/// Until a process that was killed is noticed by its engine.
const NOTICED: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub(super) fn tried(rehearsal: &Rehearsal<'_>, containers: &[Container], left_out: &[&LeftOut]) -> Result<Seen> {
    let mut seen = Seen { not_tried: not_started(left_out), ..Seen::default() };
    let mut well: Vec<String> = containers.iter().map(|container| container.id.clone()).collect();
    for container in containers.iter().filter(|container| container.state.status == Status::Running) {
        // One that an earlier end has taken with it tells nothing more.
        if well.contains(&container.id) {
            one(rehearsal, container, containers, &mut well, &mut seen)?;
        }
    }
    Ok(seen)
}

fn one(rehearsal: &Rehearsal<'_>, container: &Container, containers: &[Container], well: &mut Vec<String>, seen: &mut Seen) -> Result<()> {
    let service = container.service();
    let Some(before) = rehearsal.engine.container(&container.id)? else { return Ok(()) };
    let began = Instant::now();
    if !main_process::end(&before) && !ask_to_end(rehearsal, &before) || !has_ended(rehearsal, &before)? {
        seen.not_tried.push(format!("{service}: its main process cannot be killed from here; root on the engine's machine can"));
        return Ok(());
    }
    let unwell = match until_well(rehearsal.engine, well, rehearsal.settle, rehearsal.masker, rehearsal.cancel)? {
        Waited::Well(_) => {
            seen.good.push(format!("{service} was well again {:.1} s after its main process was killed", began.elapsed().as_secs_f64()));
            return Ok(());
        }
        Waited::Unwell(unwell) => unwell,
    };
    for ill in unwell {
        let why = in_short(&ill.why, containers);
        seen.wrong.push(match (ill.container == container.name, container.restart) {
            (true, Restart::No) => format!("{service} stays down when its main process ends: nothing says that it is started again"),
            (true, _) => format!("{service} does not come back when its main process ends: it {why}"),
            (false, _) => format!("{} is not well any more when the main process of {service} has ended: it {why}", ill.service),
        });
        well.retain(|id| containers.iter().all(|one| &one.id != id || one.name != ill.container));
    }
    Ok(())
}

/// Where no process of the engine's machine can be killed: from inside, where the kernel lets the first process
/// decide. That is an end by its own will, after which only what always runs is started again.
fn ask_to_end(rehearsal: &Rehearsal<'_>, container: &Container) -> bool {
    if container.may_end() {
        return false;
    }
    let argv = ["sh", "-c", "kill -TERM 1"].map(String::from).to_vec();
    let exec = Exec { argv, env: Vec::new(), stdin: None, deadline: NOTICED, masker: rehearsal.masker };
    rehearsal.engine.exec(&container.id, &exec).map_or(true, |done| done.code == 0)
}

fn has_ended(rehearsal: &Rehearsal<'_>, before: &Container) -> Result<bool> {
    let until = Instant::now() + NOTICED;
    while Instant::now() < until {
        if rehearsal.cancel.requested() {
            return Err(Error::new(Kind::Interrupted, "wait for a container").why("interrupted"));
        }
        let Some(now) = rehearsal.engine.container(&before.id)? else { return Ok(true) };
        if now.state.status != Status::Running || now.state.started_at != before.state.started_at {
            return Ok(true);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Ok(false)
}
