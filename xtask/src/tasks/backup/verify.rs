//! Verifies a backup: it is restored beside everything else and compared with what was noted when it was made.

use crate::actions::{Action, NoteVerified, VerifyBackup, World};
use crate::backup::Stored;
use crate::error::{Kind, Result};
use crate::event::Event;
use crate::saga::{Plan, Proof, Verdict};
use crate::tasks::{Context, Ended, Overrides, Prepared, carry_out, security_fix};

use super::{place, read};

/// The name of the task that verifies.
pub const TASK: &str = "backup-verify";

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    pub backup: Stored,
    pub ended: Ended,
    /// Why it is not what it says.
    pub fault: Option<String>,
}

/// `deep`: the checksums of what is in the tables are compared too, where the backup has some.
///
/// # Errors
/// `Unusable`: there is no such backup. `Refused`: no engine answers.
pub fn verify(cx: &Context<'_>, name: &str, deep: bool, to: Option<&str>) -> Result<Looked> {
    let place = place::of(cx, to)?;
    let _lock = if cx.dry_run { None } else { Some(place::lock(cx, &place)?) };
    let repository = place::open(cx, &place)?;
    let backup = read::find(&repository, name)?;
    let name = backup.summary.name.clone();
    let ended = carry_out(cx, TASK, &Overrides::default(), |_| {
        cx.masker.replace(security_fix::secrets(cx));
        let verify = VerifyBackup { place: place.clone(), name: name.clone(), deep, pending: false };
        let mut plan = Plan::new(TASK, vec![Action::VerifyBackup(verify)]);
        plan.stacks = vec![backup.summary.stack.clone()];
        plan.finish.push(Action::NoteVerified(NoteVerified { place: place.clone(), name: name.clone() }));
        let line = format!("restore {name} of {} into containers of its own, in no network, and remove them again", backup.summary.stack);
        Ok(Prepared {
            guards: Vec::new(),
            projects: Vec::new(),
            plan,
            contents: Vec::new(),
            preview: vec![Event::Planned { files: Vec::new(), other: vec![line] }],
            still: None,
            prove: Box::new(|world: &World| {
                let mut proof = Proof::default();
                proven(cx, world, &mut proof);
                Ok(Verdict::Holds(proof))
            }),
        })
    });
    match ended {
        Ok(ended) => Ok(Looked { backup: read::find(&repository, &name)?, ended, fault: None }),
        // Whatever it was restored into is gone again.
        Err(error) if error.kind == Kind::RolledBack => {
            let fault = Some(error.why.unwrap_or_default());
            Ok(Looked { backup, ended: Ended::NothingToDo, fault })
        }
        Err(error) => Err(error),
    }
}

/// What steps have found on their way.
pub fn proven(cx: &Context<'_>, world: &World, proof: &mut Proof) {
    for said in world.said.take() {
        match said {
            crate::actions::Said::Proven { label, detail } => {
                proof.proven.push(format!("{label}: {detail}"));
                cx.events.emit(Event::ProofHolds { label, detail, took: std::time::Duration::ZERO });
            }
            crate::actions::Said::NotProven { label, needs } => {
                proof.not_proven.push(format!("{label} (needs {needs})"));
                cx.events.emit(Event::NotProven { label, needs });
            }
        }
    }
}
