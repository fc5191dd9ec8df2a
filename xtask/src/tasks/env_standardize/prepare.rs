//! From the look at everything to a proposal: guards answered, nothing touched.

use std::collections::BTreeSet;

use super::draft::{Draft, Drafting};
use super::loads::reads_main;
use super::phase::before::{Asked, Before};
use super::phase::checks::{Wish, can_commit, equal, file_guards, live_guards, renders};
use super::phase::live::{Asking, stack_call};
use super::phase::preview::warnings;
use super::phase::prove::{Gains, Permitted, rendered_equal};
use super::phase::steps::Touched;
use super::phase::survey::{Survey, survey};
use super::phase::usage::referenced;
use super::{Options, show};
use crate::error::Result;
use crate::guards::Checked;
use crate::project::Stack;
use crate::source::{Disk, Overlay};
use crate::tasks::Context;

/// The whole change, before it is a plan.
pub struct Proposal {
    pub before: Before,
    pub draft: Draft,
    pub permitted: Permitted,
    pub gains: Gains,
    pub guards: Vec<Checked>,
    /// The chosen stacks.
    pub chosen: Vec<String>,
    /// The stacks that run, and what to ask of them again after the change.
    pub asking: Vec<Asking>,
    /// The stacks whose services are configured in another way, in the order in which they start.
    pub touched: Vec<Touched>,
    pub warnings: Vec<String>,
}

pub fn propose(cx: &Context<'_>, options: &Options, asked: Option<&Asked<'_>>) -> Result<Proposal> {
    let chosen = cx.project.select(&options.stacks)?;
    let found = survey(&cx.project, &chosen, &Disk, &cx.environment, cx.git.as_ref())?;
    cx.masker.replace(found.masker());
    let before = Before::look(&cx.project, &found, asked)?;
    let draft = draft(cx, &chosen, &found, options)?;
    let permitted =
        Permitted { variables: draft.defined.clone(), files: [draft.main.clone()].into(), changed: draft.pins.declared.clone() };
    let planned = planned(cx, &draft, &chosen)?;
    let mut gains = Gains::new();
    let unequal = rendered_equal(&before, &planned, &permitted, &mut gains);
    let touched = touched(cx, &planned, &draft, &gains)?;
    let mut guards = own_guards(cx, options, &found, &draft);
    guards.push(equal(unequal, &guards));
    if options.commit {
        guards.push(can_commit(cx));
    }
    guards.extend(file_guards(cx, &draft.changes, options.allow_dirty)?);
    let mut asking = Vec::new();
    if !draft.changes.is_empty() {
        let needs_engine = options.recreate || options.rehearse || options.require_live;
        let wish = Wish { needs_engine, require_live: options.require_live };
        guards.extend(live_guards(cx, wish, &found, &|_| false, &mut asking)?);
    }
    let chosen = chosen.iter().map(|stack| stack.id.clone()).collect();
    let warnings = warnings(&found);
    Ok(Proposal { before, draft, permitted, gains, guards, chosen, asking, touched, warnings })
}

pub fn draft(cx: &Context<'_>, chosen: &[&Stack], found: &Survey<'_>, options: &Options) -> Result<Draft> {
    let drafting = Drafting {
        project: &cx.project,
        survey: found,
        chosen,
        files: &Disk,
        environment: &cx.environment,
        git: cx.git.as_ref(),
        on_conflict: options.on_conflict,
    };
    drafting.draft()
}

fn own_guards(cx: &Context<'_>, options: &Options, found: &Survey<'_>, draft: &Draft) -> Vec<Checked> {
    let conflicts = if options.on_conflict.is_none() { show::conflicts(cx, &draft.merged.conflicts) } else { Vec::new() };
    let tracked = draft.tracked.iter().map(|path| format!("git tracks {}, into which values would go", path.display()));
    vec![
        renders(found),
        exported(cx, found, draft),
        Checked::new(
            "conflicting-variables",
            conflicts,
            "give what differs another name, or add --on-conflict keep-file (every service keeps the value that it has) or --on-conflict keep-root (the root's value holds for all)",
        ),
        Checked::new(
            "untracked-env",
            tracked.collect(),
            "take it out of git's index (git rm --cached .env), or carry out phase 1 with --untrack",
        ),
        Checked::new(
            "keepable-values",
            draft.pins.refused.clone(),
            "carry out phase 1 first, or give the variable another name, or settle it with --on-conflict keep-root",
        ),
        Checked::new("changeable-files", draft.left.clone(), "change these places by hand"),
    ]
}

/// What `${}` takes from this shell, nobody else has: with the same name in the root's `.env`, others would render
/// what was not looked at here.
fn exported(cx: &Context<'_>, found: &Survey<'_>, draft: &Draft) -> Checked {
    let used = referenced(found, |view| reads_main(view, &draft.main));
    let merged = draft.merged.sections.iter().flat_map(|section| &section.names);
    let clashing = draft.merged.conflicts.iter().map(|conflict| &conflict.name);
    let names: BTreeSet<&String> = merged.chain(clashing).filter(|name| used.contains_key(*name)).collect();
    let exported = names.into_iter().filter(|name| cx.environment.contains_key(*name));
    let why = exported.map(|name| format!("{name} is exported in this shell, so what renders here is not what the files say"));
    Checked::new("exported-variables", why.collect(), "unset it here (env -u NAME cargo xtask ...)")
}

/// The project as it would be.
fn planned<'p>(cx: &'p Context<'_>, draft: &Draft, chosen: &[&Stack]) -> Result<Survey<'p>> {
    let mut planned = Overlay::new(&Disk);
    for change in &draft.changes {
        planned.set(&change.path, Some(change.after.clone().into_bytes()));
    }
    survey(&cx.project, chosen, &planned, &cx.environment, None)
}

/// The stacks with services that are configured in another way, those that others come after first.
fn touched(cx: &Context<'_>, planned: &Survey<'_>, draft: &Draft, gains: &Gains) -> Result<Vec<Touched>> {
    let by_draft = draft.services();
    let mut touched = Vec::new();
    for stack in cx.project.in_order()? {
        let Some(view) = planned.views.iter().find(|view| view.stack.id == stack.id) else { continue };
        let mut services: BTreeSet<String> =
            by_draft.get(stack.id.as_str()).into_iter().flatten().map(|service| (*service).to_string()).collect();
        services.extend(gains.keys().filter(|(id, _)| *id == stack.id).map(|(_, service)| service.clone()));
        if !services.is_empty() {
            let planned = view.rendering.users.clone();
            touched.push(Touched { call: stack_call(view), services: services.into_iter().collect(), planned });
        }
    }
    Ok(touched)
}
