//! Fetches what the stacks' files name, by digest. Nothing that runs is touched.

use serde::Serialize;

use super::{Tagged, Wanted, tagged, wanted};
use crate::actions::{Action, PullImage, World};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::guards::Checked;
use crate::registry::{Logins, Reference, Resolved, Resolver, Trouble};
use crate::saga::{Plan, Proof, Verdict};
use crate::tasks::{Context, Ended, Overrides, Prepared, carry_out};

/// One image of the stacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fetched {
    pub stack: String,
    pub services: Vec<String>,
    pub image: String,
    pub how: How,
    /// The registry's digest of the image that was here.
    pub old: Option<String>,
    pub new: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It is fetched: not here before, or another one.
    Pulled,
    Unchanged,
    /// Its registry does not have it, and need not: it is made from a build section.
    BuiltHere,
}

/// Fetches all images of the stacks, or none; what each came to.
///
/// # Errors
/// Refused by a guard: an image cannot be had. Rolled back: a pull failed, and every name is back.
pub fn pull(cx: &Context<'_>, stacks: &[String], tag: Option<&str>) -> Result<(Ended, Vec<Fetched>)> {
    let mut fetched = Vec::new();
    let ended = carry_out(cx, "pull", &Overrides::default(), |_| {
        let engine = cx.doors.engine.as_deref().ok_or_else(|| Error::unusable("pull images").why(cx.doors.no_engine.clone()))?;
        let logins = Logins::of_this_process();
        let resolver = Resolver::new(engine, &logins, cx.cancel)?;
        let mut projects = Vec::new();
        let mut refused = Vec::new();
        let mut chosen = Vec::new();
        for stack in cx.project.select(stacks)? {
            let tagged = tagged(cx, &stack.id, tag)?;
            let (project, images) = wanted(stack, &tagged.environment(&cx.environment)).map_err(|error| with_tag(error, &tagged))?;
            projects.push(project);
            chosen.push(stack.id.clone());
            for image in images {
                match look(&resolver, &stack.id, image)? {
                    Ok(one) => fetched.push(one),
                    Err(why) => refused.push(why),
                }
            }
        }
        let mut steps: Vec<Action> = Vec::new();
        for one in fetched.iter().filter(|one| one.how == How::Pulled) {
            let step = Action::PullImage(PullImage { image: one.image.clone(), digest: one.new.clone().unwrap_or_default() });
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        let mut plan = Plan::new("pull", steps);
        plan.stacks = chosen;
        let other = plan.steps.iter().map(crate::saga::Step::<World>::label).collect();
        let guards = vec![Checked::new("images", refused, "see each image's remedy; nothing was pulled")];
        projects.sort();
        projects.dedup();
        let steps = plan.steps.clone();
        let prove = Box::new(move |_: &World| prove(engine, &steps));
        Ok(Prepared {
            guards,
            projects,
            plan,
            contents: Vec::new(),
            preview: vec![Event::Planned { files: Vec::new(), other }],
            still: None,
            prove,
        })
    })?;
    Ok((ended, fetched))
}

/// The image as it stands here and there; the inner error is a sentence for the guard.
fn look(resolver: &Resolver<'_>, stack: &str, wanted: Wanted) -> Result<Result<Fetched, String>> {
    let one = |how, old, new, wanted: Wanted| {
        Ok(Fetched { stack: stack.to_string(), services: wanted.services, image: wanted.image, how, old, new })
    };
    Ok(match resolver.resolve(&wanted.image, wanted.platform.as_deref())? {
        Ok(resolved) => {
            let old = resolved.here.as_ref().and_then(|here| here.digests.first().cloned());
            let known = |digest: &str| resolved.here.as_ref().is_some_and(|here| here.digests.iter().any(|one| one == digest));
            match (&resolved.there, &resolved.unconfirmed) {
                (Some(there), _) if known(&there.digest) => {
                    one(How::Unchanged, Some(there.digest.clone()), Some(there.digest.clone()), wanted)
                }
                (Some(there), _) if resolved.there_fits => one(How::Pulled, old, Some(there.digest.clone()), wanted),
                (Some(_), _) => Err(format!("the registry's {} is made for other machines only; the one here is older", wanted.image)),
                (None, Some(_)) if wanted.built => one(How::BuiltHere, old.clone(), old, wanted),
                (None, Some(why)) => Err(sentence(&why.error)),
                (None, None) => one(How::Unchanged, old.clone(), digest(&resolved), wanted),
            }
        }
        Err(why) if wanted.built && matches!(why.trouble, Trouble::Missing | Trouble::NotAllowed) => {
            one(How::BuiltHere, None, None, wanted)
        }
        Err(why) => Err(sentence(&why.error)),
    })
}

fn digest(resolved: &Resolved) -> Option<String> {
    resolved.digest().map(String::from)
}

fn sentence(error: &Error) -> String {
    match &error.help {
        Some(help) => format!("{error} (to do: {help})"),
        None => error.to_string(),
    }
}

/// A stack that does not render for want of its tag says how one is given.
fn with_tag(error: Error, tagged: &Tagged) -> Error {
    if tagged.tag.is_some() || error.help.is_some() {
        return error;
    }
    error.help(format!("if it is {} that is missing: --tag TAG, or `{}=TAG cargo xtask ...`", tagged.variable, tagged.variable))
}

/// Whether every name now means the image of its digest.
fn prove(engine: &dyn Engine, steps: &[Action]) -> Result<Verdict> {
    let mut wrong = Vec::new();
    for step in steps {
        let Action::PullImage(PullImage { image, digest }) = step else { continue };
        let by_digest = Reference::parse(image)?.by_digest(digest);
        if !engine.image(image)?.is_some_and(|found| found.digests.contains(&by_digest)) {
            wrong.push(format!("{image} does not mean {digest}: somebody has moved it"));
        }
    }
    if !wrong.is_empty() {
        return Ok(Verdict::Bad(wrong));
    }
    let proven = vec![format!("the names of {} images mean their registries' digests", steps.len())];
    Ok(Verdict::Holds(Proof { proven, not_proven: Vec::new() }))
}
