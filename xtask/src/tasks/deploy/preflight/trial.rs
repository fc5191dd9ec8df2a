//! The points that need the stack to run: in a throwaway project, by a run that `recover` knows.

use std::cell::RefCell;

use super::{Request, Subject, TASK, Told, found};
use crate::actions::{Action, TryStack};
use crate::audit::Audit;
use crate::error::{Kind, Result};
use crate::proof::Seen;
use crate::proof::trial::Trial;
use crate::saga::{Plan, Proof, Sha, Verdict};
use crate::tasks::{Overrides, Prepared, carry_out};

/// What the trial has shown; else why there was none.
pub type Tried = std::result::Result<Trial, String>;

/// # Errors
/// Only what must end the whole preflight: somebody wants to stop, or the copy could not be removed.
pub fn tried(subject: &Subject<'_>, request: &Request) -> Result<Tried> {
    let cx = subject.cx;
    if request.no_rehearse || cx.dry_run {
        return Ok(Err("nothing was started, as you asked".to_string()));
    }
    let rendered = match subject.looked.as_ref().map(|looked| &looked.rendered) {
        Ok(Ok(rendered)) => rendered,
        Ok(Err(_)) => return Ok(Err("Compose does not render the stack, so it cannot be started".to_string())),
        Err(why) => return Ok(Err(why.clone())),
    };
    let content = rendered.json.to_string().into_bytes();
    let seen = RefCell::new(None);
    let step = TryStack { stack: subject.stack.id.clone(), model: Sha::of(&content), settle_secs: subject.settings.settle };
    let mut plan = Plan::new(TASK, vec![Action::TryStack(step)]);
    plan.stacks = vec![subject.stack.id.clone()];
    let ended = carry_out(cx, TASK, &Overrides::default(), |_| {
        Ok(Prepared {
            guards: Vec::new(),
            projects: Vec::new(),
            plan,
            contents: vec![content],
            preview: Vec::new(),
            still: None,
            prove: Box::new(|world| {
                seen.replace(world.trial.take());
                Ok(Verdict::Holds(Proof::default()))
            }),
        })
    });
    match ended {
        Ok(_) => Ok(seen.take().ok_or_else(|| "the trial said nothing".to_string())),
        Err(error) if matches!(error.kind, Kind::Interrupted | Kind::Stuck) => Err(error),
        Err(error) => {
            let help = error.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            Ok(Err(format!("it could not be tried: {}{help}", error.why.as_deref().unwrap_or(&error.what))))
        }
    }
}

/// The health checks.
///
/// # Errors
/// `Failed`: the engine does not answer.
pub fn health(subject: &Subject<'_>, audit: &Audit, tried: std::result::Result<&Trial, &String>) -> Result<Told> {
    let help = "`cargo xtask explain healthcheck-missing` says how to write a check; `cargo xtask pull` or `build` brings an image that is not here";
    let seen = match tried {
        Ok(trial) => trial.health.clone(),
        Err(why) => Seen { good: Vec::new(), wrong: undeclared(subject, audit)?, not_tried: vec![why.clone()] },
    };
    Ok(Told::new(seen, help))
}

/// By the files alone, and the images that are here: they may bring a check of their own.
fn undeclared(subject: &Subject<'_>, audit: &Audit) -> Result<Vec<String>> {
    let mut without = Vec::new();
    for (service, message) in found(subject, audit, &["healthcheck-missing", "healthcheck-disabled"]) {
        let service = service.unwrap_or_default();
        let image = subject.services().find(|(name, _)| *name == service).and_then(|(_, body)| body.get("image")?.as_str());
        let brings_one = match (&subject.engine, image) {
            (Ok((engine, _)), Some(image)) => engine.image(image).ok().flatten().is_some_and(|image| image.healthcheck.is_some()),
            _ => false,
        };
        if !brings_one {
            without.push(message);
        }
    }
    Ok(without)
}

pub fn restart(tried: std::result::Result<&Trial, &String>) -> Told {
    let seen = match tried {
        Ok(trial) => trial.restarts.clone(),
        Err(why) => Seen { not_tried: vec![why.clone()], ..Seen::default() },
    };
    Told::new(seen, "`restart: unless-stopped` starts a service again; let those that depend on it try again by themselves")
}
