//! Whether there is a way back for the data, as a deploy asks for it.

use super::super::backed_up::{BackedUp, plan};
use super::{Subject, TASK, Told};
use crate::error::{Error, Kind, Result};
use crate::project::{BeforeDeploy, Stack};
use crate::proof::Seen;
use crate::saga::RunId;
use crate::tasks::backup::look::Planned;
use crate::tasks::{Context, Overrides};

/// The backup that a deploy would make first; else why it cannot be planned.
pub type First = std::result::Result<Option<Planned>, Error>;

/// Looked for before the subject: each look says anew what must not be shown. Nothing is made.
///
/// # Errors
/// Somebody wants to stop.
pub fn first(cx: &Context<'_>, stack: &Stack) -> Result<First> {
    match plan(cx, stack, &Overrides::default(), &RunId::new(TASK)) {
        Err(error) if error.kind == Kind::Interrupted => Err(error),
        other => Ok(other),
    }
}

/// What the guards of a deploy say of backups. Where nothing asks for one, nothing.
///
/// # Errors
/// The engine does not answer.
pub fn backed_up(subject: &Subject<'_>, first: First) -> Result<Told> {
    let asked = subject.cx.project.settings.backup.before_deploy != BeforeDeploy::Off;
    let mut seen = Seen::default();
    let planned = match first {
        Ok(planned) => planned,
        // A deploy would end with it as well.
        Err(error) if error.kind == Kind::Unusable => {
            let help = error.help.clone().unwrap_or_default();
            seen.wrong.push(format!("the backup that before-deploy asks for cannot be made: {error}"));
            return Ok(Told::new(seen, help));
        }
        Err(error) => {
            seen.not_tried.push(error.to_string());
            return Ok(Told::new(seen, ""));
        }
    };
    let looked = match &subject.looked {
        Ok(looked) => looked,
        Err(why) => {
            seen.not_tried.extend(asked.then(|| format!("the backup that before-deploy asks for: {why}")));
            return Ok(Told::new(seen, ""));
        }
    };
    let mut help = Vec::new();
    for refusal in BackedUp::look(subject.cx, looked, planned)?.guards(looked)?.into_iter().filter_map(|guard| guard.refusal) {
        seen.wrong.extend(refusal.why);
        help.push(refusal.help);
    }
    if asked && seen.wrong.is_empty() {
        seen.good.push("backups are as before-deploy asks for them".to_string());
    }
    Ok(Told::new(seen, help.join("; ")))
}
