//! Deploys: a stack goes into production whole and proven, or what ran before goes on serving.

pub(in crate::tasks) mod around;
mod back;
mod backed_up;
mod drift;
mod files;
mod guards;
mod images;
mod inside;
pub(super) mod look;
pub mod preflight;
mod probe;
mod prove;
pub(super) mod records;
mod rehearse_data;
mod request;
mod show;
mod steps;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::actions::{Action, ForgetReleases, KeepFiles, Rehearse, When};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::project::{On, Role, Stack};
use crate::release::{Change, Kept, ServicePlan, plan};
use crate::saga::{Plan, RunId};

use super::{Context, Ended, Overrides, Prepared, carry_out};
pub use back::{TASK as BACK_TASK, Wanted as WantedBack, WantedData, rollback_release};
use backed_up::BackedUp;
pub use drift::{StackStatus, Status, status};
use images::Images;
use look::Looked;
use prove::Expected;
use records::{New, Recorded, saving};
pub use request::Request;

/// The name of the task that deploys.
pub const TASK: &str = "prod-up";

/// Those that change which release runs.
pub const TASKS: [&str; 2] = [TASK, back::TASK];

/// Brings one stack into production, or says what that would change.
///
/// # Errors
/// `Refused`: a guard or the rehearsal, nothing touched; `RolledBack`: what ran before serves again; `Stuck`.
pub fn prod_up(cx: &Context<'_>, request: &Request, overrides: &Overrides) -> Result<Ended> {
    let stack = chosen(cx, request.stack.as_deref())?;
    let with_data = request.rehearses(cx.project.deploy(&stack.id).rehearse) == Some(On::WithData);
    let _lock = backed_up::lock(cx, overrides, with_data)?;
    carry_out(cx, TASK, overrides, |run| prepare(cx, stack, request, overrides, run))
}

/// The stack that is meant: one for production, and only one.
fn chosen<'c>(cx: &'c Context<'_>, named: Option<&str>) -> Result<&'c Stack> {
    if let Some(name) = named {
        let stack = cx.project.select(&[name.to_string()])?[0];
        return match stack.role {
            Some(Role::Dev) => Err(Error::refused(format!("deploy {}", stack.id))
                .why("it is a stack for development")
                .help("`cargo xtask dev-up` starts it; `role: prod` in xtask.yaml makes it one for production")),
            _ => Ok(stack),
        };
    }
    let prod: Vec<&Stack> = cx.project.stacks.iter().filter(|stack| stack.role == Some(Role::Prod)).collect();
    let candidates = if prod.is_empty() { cx.project.stacks.iter().filter(|stack| stack.role.is_none()).collect() } else { prod };
    match candidates.as_slice() {
        [one] => Ok(one),
        [] => Err(Error::refused("deploy a stack").why("there is none for production here").help("`role: prod` in xtask.yaml makes one")),
        several => {
            let ids: Vec<&str> = several.iter().map(|stack| stack.id.as_str()).collect();
            Err(Error::refused("deploy a stack").why(format!("several are meant: {}", ids.join(", "))).help("name one"))
        }
    }
}

fn prepare<'p>(cx: &'p Context<'_>, stack: &'p Stack, request: &'p Request, overrides: &Overrides, run: &RunId) -> Result<Prepared<'p>> {
    let first = backed_up::plan(cx, stack, overrides, run)?;
    let looked = Looked::look(cx, stack, request.tag.as_deref())?;
    let recorded = Recorded::look(cx, &looked.standing)?;
    // Of a stack that does not render, not every image is known.
    let images = if looked.rendered.is_ok() { Images::resolve(&looked, cx.cancel)? } else { Images::default() };
    for unconfirmed in &images.unconfirmed {
        cx.events.emit(Event::Warning(unconfirmed.clone()));
    }
    let model = recorded.model()?;
    let last = recorded.current.as_ref().map(|release| (release, model.as_ref()));
    let mut guards = guards::guards(cx, &looked, request, &images, last)?;
    let backups = BackedUp::look(cx, &looked, first)?;
    guards.extend(backups.guards(&looked)?);
    let mut prepared = Prepared {
        guards,
        projects: vec![looked.standing.call.project.clone()],
        plan: Plan::new(TASK, Vec::new()),
        contents: Vec::new(),
        preview: Vec::new(),
        still: None,
        prove: Box::new(|_| Err(Error::failed("prove a deploy").why("there is no plan"))),
    };
    prepared.plan.stacks = vec![stack.id.clone()];
    // What Compose does not render cannot be planned: the guards say why.
    let Ok(rendered) = &looked.rendered else { return Ok(prepared) };
    let mut targets = looked.targets()?;
    images.settle(&mut targets);
    let mut contents = Vec::new();
    let mut kept = records::kept(cx, &looked.model, &rendered.json, &mut contents)?;
    let keep_files = files_before(cx, &looked, &recorded, &rendered.json, &mut kept, request, &mut contents)?;
    for service in keep_files.iter().flat_map(|keep| &keep.services) {
        targets.entry(service.clone()).and_modify(|target| target.files_changed = true);
    }
    let compose = looked.standing.live.compose.version.to_string();
    let plans = wanted(plan(&looked.standing.now(), &targets, &looked.declared, &compose), request)?;
    let mut lines = show::moved(&looked.standing.made_in(), &cx.project.root);
    let changes = plans.iter().any(|plan| plan.change != Change::Unchanged);
    lines.extend(if changes { backups.lines() } else { Vec::new() });
    let rehearsal = match request.rehearses(looked.standing.settings.rehearse).filter(|_| changes) {
        Some(on) => steps::rehearse(cx, &looked, &plans, &rendered.json)?.map(|rehearsal| (on, rehearsal)),
        None => None,
    };
    let rehearsal = match rehearsal {
        Some((On::WithData, steps::Rehearsal { rehearse, contents, models })) => {
            let real = rehearse_data::look(cx, &looked, &backups, &models, run)?;
            prepared.guards.extend(real.guards);
            lines.extend(real.lines);
            Some((Rehearse { data: real.lay, jobs: real.jobs, ..rehearse }, contents))
        }
        Some((On::Empty, steps::Rehearsal { rehearse, contents, .. })) => Some((rehearse, contents)),
        None => None,
    };
    lines.extend(show::lines(&plans, &images));
    prepared.preview.push(Event::Planned { files: Vec::new(), other: lines });
    if !changes {
        return Ok(prepared);
    }
    let tag = looked.model.lookup(&looked.standing.settings.tag).map(String::from);
    prepared.plan.args = request.args(tag.as_deref());
    let new = New { model: &rendered.json, kept, tag: tag.clone(), accepted: request.accepted.clone(), backup: backups.newest() };
    let saved = saving(cx, &looked.standing, &recorded, run, new)?;
    let facts = facts(&looked, &saved.id, tag.as_deref(), recorded.current.as_ref().map(|release| release.id.as_str()));
    let made = steps::services(&looked.standing, &plans, &targets, &images);
    contents.extend(saved.contents);
    contents.extend(made.contents);
    let steps = &mut prepared.plan.steps;
    steps.extend(backups.steps());
    steps.extend(images.pulls(&plans));
    if let Some((rehearse, models)) = rehearsal {
        steps.push(Action::Rehearse(rehearse));
        contents.extend(models);
    }
    // Only from here on something live is touched: a rehearsal that refuses has nothing to put back. What is
    // noted first is undone last.
    steps.extend(saved.adopt);
    steps.extend(steps::hooks(&looked.standing, When::OnRollback, &facts));
    steps.push(steps::keep(&looked.standing));
    steps.extend(steps::hooks(&looked.standing, When::PreDeploy, &facts));
    steps.extend(keep_files.map(Action::KeepFiles));
    steps.extend(made.steps);
    prepared.plan.finish.push(saved.save);
    prepared.plan.finish.extend(steps::hooks(&looked.standing, When::PostDeploy, &facts));
    let replaced = made.replaced;
    prepared.plan.after.extend(steps::remove(replaced.clone()));
    if !saved.forget.is_empty() {
        prepared.plan.after.push(Action::ForgetReleases(ForgetReleases { shelf: recorded.shelf.clone(), ids: saved.forget }));
    }
    prepared.contents = contents;
    let (question, project) = (backups.question(overrides), looked.standing.call.project.clone());
    let still = recorded.still(&looked.standing);
    prepared.still = Some(Box::new(move || {
        question.as_ref().map_or(Ok(()), |question| confirmed(cx, question, &project, "deploy another major version"))?;
        still()
    }));
    prepared.prove = Box::new(move |world| {
        let expected = Expected { targets: &targets, services: &request.services, replaced: &replaced };
        prove::prove(cx, world, &looked.standing, &expected)
    });
    Ok(prepared)
}

/// After the plan was shown and agreed to.
fn confirmed(cx: &Context<'_>, question: &str, project: &str, what: &str) -> Result<()> {
    if (cx.confirm_by_name)(&format!("{question}\nThis cannot be undone."), project)? {
        return Ok(());
    }
    Err(Error::refused(what).why("the name was not typed; nothing was touched"))
}

/// What services would read that differs from the last release, and how it was; nothing of what was found
/// running, for its files are not known.
fn files_before(
    cx: &Context<'_>,
    looked: &Looked<'_>,
    recorded: &Recorded,
    model: &Value,
    kept: &mut Kept,
    request: &Request,
    contents: &mut Vec<Vec<u8>>,
) -> Result<Option<KeepFiles>> {
    let Some(last) = recorded.current.as_ref().filter(|release| !release.adopted) else { return Ok(None) };
    let mut changed = files::changed(&last.kept, kept);
    let blobs = recorded.releases.blobs(&last.id)?;
    if !request.services.is_empty() {
        let others = files::read_by_others(model, &changed, &request.services);
        for content in files::still(kept, &last.kept, &others) {
            contents.push(blobs.get(&content)?);
        }
        changed.retain(|path| !others.contains(path));
    }
    let services: Vec<String> = files::readers(model, &changed).into_iter().collect();
    if services.is_empty() {
        return Ok(None);
    }
    let files = files::both(&cx.project.root, &changed, &last.kept, kept);
    for file in &files {
        contents.push(blobs.get(&file.before)?);
    }
    Ok(Some(KeepFiles { call: looked.standing.call.clone(), services, files }))
}

/// Only the services that the caller names, all when none is named.
fn wanted(plans: Vec<ServicePlan>, request: &Request) -> Result<Vec<ServicePlan>> {
    let known: Vec<&str> = plans.iter().map(|plan| plan.service.as_str()).collect();
    if let Some(unknown) = request.services.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Error::unusable(format!("there is no service `{unknown}`")).help(format!("the services: {}", known.join(", "))));
    }
    Ok(plans.into_iter().filter(|plan| request.services.is_empty() || request.services.contains(&plan.service)).collect())
}

fn facts(looked: &Looked<'_>, release: &str, tag: Option<&str>, before: Option<&str>) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::from([
        ("XTASK_STACK".to_string(), looked.standing.stack.id.clone()),
        ("XTASK_PROJECT".to_string(), looked.standing.call.project.clone()),
        ("XTASK_RELEASE".to_string(), release.to_string()),
        ("XTASK_RELEASE_BEFORE".to_string(), before.unwrap_or_default().to_string()),
    ]);
    facts.insert("XTASK_TAG".to_string(), tag.unwrap_or_default().to_string());
    facts
}
