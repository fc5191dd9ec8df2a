//! Changed files and stacks as steps.

use serde_json::Value as Json;

use super::change::{Change, Kind};
use super::live::{self, Asking};
use crate::actions::{Action, KeepContainers, Recreate, Rehearse, StackCall, WriteFile};
use crate::project::Project;
use crate::saga::Sha;

/// A stack that a change concerns.
pub struct Touched {
    pub call: StackCall,
    /// The services that are configured anew, or read what has changed.
    pub services: Vec<String>,
    /// As it will render.
    pub planned: Json,
}

pub fn write(project: &Project, change: &Change) -> Action {
    Action::WriteFile(WriteFile {
        path: project.relative(&change.path).to_path_buf(),
        content: Sha::of(change.after.as_bytes()),
        before: change.before.as_ref().map(|text| Sha::of(text.as_bytes())),
        mode: (change.kind == Kind::Env).then_some(0o600),
    })
}

/// The touched stacks tried in a throwaway project; the models that this needs go into `contents`.
pub fn rehearse(touched: &[Touched], contents: &mut Vec<Vec<u8>>) -> Option<Action> {
    let mut stacks = Vec::new();
    for touched in touched {
        let model = touched.planned.to_string().into_bytes();
        stacks.push((touched.call.stack.clone(), Sha::of(&model)));
        contents.push(model);
    }
    let settle_secs = live::SETTLE.as_secs();
    (!stacks.is_empty()).then(|| Action::Rehearse(Rehearse { stacks, settle_secs, ..Rehearse::default() }))
}

/// The notes of what serves, before a file is touched. Undone in reverse: what others need comes back first.
pub fn keep(touched: &[Touched], asking: &[Asking]) -> Vec<Action> {
    let settle_secs = live::SETTLE.as_secs();
    let keep = |(call, services)| Action::KeepContainers(KeepContainers { call, services, settle_secs });
    let mut kept: Vec<Action> = running(touched, asking).map(keep).collect();
    kept.reverse();
    kept
}

/// One stack after the other is made anew; each must be well before the next.
pub fn recreate(touched: &[Touched], asking: &[Asking]) -> Vec<Action> {
    let settle_secs = live::SETTLE.as_secs();
    running(touched, asking).map(|(call, services)| Action::Recreate(Recreate { call, services, settle_secs })).collect()
}

/// The services that are touched and run now.
fn running<'p>(touched: &'p [Touched], asking: &'p [Asking]) -> impl Iterator<Item = (StackCall, Vec<String>)> + 'p {
    touched.iter().filter_map(|touched| {
        let running = asking.iter().find(|asking| asking.call == touched.call)?;
        let services: Vec<String> = touched.services.iter().filter(|service| running.services.contains(service)).cloned().collect();
        (!services.is_empty()).then(|| (touched.call.clone(), services))
    })
}
