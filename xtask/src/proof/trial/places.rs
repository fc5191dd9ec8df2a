//! May a service write where its volumes and folders are? Asked of the kernel, as the service's own user.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::{LeftOut, User};
use crate::engine::{Container, Exec, Mount, Status};
use crate::error::Result;
use crate::proof::Seen;
use crate::proof::rehearsal::Rehearsal;

const DEADLINE: Duration = Duration::from_secs(10);

/// A fresh volume is as at a first start; a bound folder's copy has the owner and the mode of its original.
pub(super) fn tried(
    rehearsal: &Rehearsal<'_>,
    model: &Value,
    containers: &[Container],
    left_out: &[&LeftOut],
) -> Result<(Seen, BTreeMap<String, User>)> {
    let (mut seen, mut users) = (Seen::default(), BTreeMap::new());
    for left in left_out.iter().filter(|left| keeps_data(model, &left.service)) {
        seen.not_tried.push(format!("{} was not started: {}", left.service, left.why));
    }
    for container in containers {
        let mounts: Vec<&Mount> = container.mounts.iter().filter(|mount| is_place(mount)).collect();
        if mounts.is_empty() {
            continue;
        }
        if container.state.status != Status::Running {
            if !(container.may_end() && container.state.exit_code == 0) {
                seen.not_tried.push(format!("{} does not run, so it cannot be asked", container.service()));
            }
            continue;
        }
        let user = user(rehearsal, container)?;
        for mount in mounts {
            look(rehearsal, container, mount, user.as_ref(), &mut seen)?;
        }
        users.extend(user.map(|user| (container.service().to_string(), user)));
    }
    Ok((seen, users))
}

fn is_place(mount: &Mount) -> bool {
    mount.writable && matches!(mount.kind.as_str(), "volume" | "bind")
}

fn keeps_data(model: &Value, service: &str) -> bool {
    let mounts = model.get("services").and_then(|all| all.get(service)?.get("volumes")?.as_array());
    let written = |mount: &Value| mount.get("read_only") != Some(&Value::Bool(true));
    mounts.into_iter().flatten().any(written)
}

fn look(rehearsal: &Rehearsal<'_>, container: &Container, mount: &Mount, user: Option<&User>, seen: &mut Seen) -> Result<()> {
    let (service, place) = (container.service(), &mount.destination);
    if mount.kind == "bind" && !nix::unistd::geteuid().is_root() {
        seen.not_tried.push(format!("{service}: the copy of what is bound to {place} is yours; only root can copy owners"));
        return Ok(());
    }
    match writes(rehearsal, container, place)? {
        Some(true) => seen.good.push(format!("{service} may write to {place}")),
        Some(false) => {
            let user = user.map_or_else(|| "its user".to_string(), |user| format!("user {}", user.uid));
            seen.wrong.push(format!("{service} cannot write to {place}: it works as {user}, and the place is another's"));
        }
        None => seen.not_tried.push(format!("{service}: its image has no program that could say whether {place} may be written")),
    }
    Ok(())
}

/// `None`: there is no program to ask with.
fn writes(rehearsal: &Rehearsal<'_>, container: &Container, place: &str) -> Result<Option<bool>> {
    for argv in [&["test", "-w", place][..], &["sh", "-c", "test -w \"$0\"", place]] {
        match ask(rehearsal, container, argv)?.0 {
            0 => return Ok(Some(true)),
            1 => return Ok(Some(false)),
            _ => {}
        }
    }
    Ok(None)
}

fn user(rehearsal: &Rehearsal<'_>, container: &Container) -> Result<Option<User>> {
    let numbers = |argv: &[&str]| -> Result<Vec<u32>> {
        let (code, said) = ask(rehearsal, container, argv)?;
        Ok(if code == 0 { said.split_whitespace().filter_map(|word| word.parse().ok()).collect() } else { Vec::new() })
    };
    let uid = numbers(&["id", "-u"])?.first().copied();
    Ok(match uid {
        Some(uid) => Some(User { uid, gids: numbers(&["id", "-G"])? }),
        None => None,
    })
}

/// Exit code and output; 127 when the program cannot be run.
fn ask(rehearsal: &Rehearsal<'_>, container: &Container, argv: &[&str]) -> Result<(i64, String)> {
    let argv = argv.iter().map(ToString::to_string).collect();
    let exec = Exec { argv, env: Vec::new(), stdin: None, deadline: DEADLINE, masker: rehearsal.masker };
    // One that goes down at this moment, or whose image is empty, cannot be asked; that is no failure of the trial.
    Ok(rehearsal.engine.exec(&container.id, &exec).map_or((127, String::new()), |done| (done.code, done.output)))
}
