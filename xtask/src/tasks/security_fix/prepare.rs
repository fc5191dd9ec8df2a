//! From the look at everything to a proposal: guards answered, nothing touched.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::before::{Asked, Before};
use super::change::Kind;
use super::checks::{exported, hidden};
use super::draft::{Draft, Drafting};
use super::group::credentials;
use super::live::{Asking, stack_call};
use super::name::{Variable, variables};
use super::phase::checks::{Wish, can_commit, equal, file_guards, live_guards, renders};
use super::phase::preview::warnings;
use super::phase::prove::{Gains, Permitted, rendered_equal};
use super::phase::steps::Touched;
use super::preview::in_comments;
use super::rewrite::rewrite;
use super::spot::Spot;
use super::survey::{Survey, locate, survey};
use super::taken::{directory, taken};
use super::{Options, spots};
use crate::error::Result;
use crate::guards::Checked;
use crate::secret::Secret;
use crate::source::{Disk, Files, Overlay, clean};
use crate::tasks::Context;

/// The whole change, before it is a plan.
pub struct Proposal {
    pub before: Before,
    pub spots: Vec<Spot>,
    pub variables: Vec<Variable>,
    pub draft: Draft,
    pub permitted: Permitted,
    pub gains: Gains,
    pub guards: Vec<Checked>,
    /// The chosen stacks.
    pub chosen: Vec<String>,
    /// Places that are left alone, in words; a file that cannot be changed is one of them.
    pub left: Vec<String>,
    /// How many credentials will still stand where they stand.
    pub left_standing: usize,
    /// Where each credential stands, for people: by variable.
    pub places: Vec<Vec<String>>,
    /// The stacks that run, and what to ask of them again after the change.
    pub asking: Vec<Asking>,
    /// The stacks whose files or variables change, in the order in which they start.
    pub touched: Vec<Touched>,
    /// About stacks that share a compose project's name, or could not be looked at.
    pub warnings: Vec<String>,
}

pub fn propose(cx: &Context<'_>, options: &Options, asked: Option<&Asked<'_>>) -> Result<Proposal> {
    let chosen = cx.project.select(&options.stacks)?;
    let found = survey(&cx.project, &chosen, &Disk, &cx.environment, cx.git.as_ref())?;
    cx.masker.replace(found.masker());
    let before = Before::look(&cx.project, &found, asked)?;
    let spotted = spots::spots(&cx.project, &found);
    let main = cx.project.root.join(if options.strict { ".env.secrets" } else { ".env" });
    let main_text = Disk.read(&main)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let taken = taken(&found, main_text.as_deref(), &cx.environment);
    let mut named = variables(&spotted.spots, &credentials(&spotted.spots, &directory(&found)), &taken);
    let rewritten = rewrite(&cx.project, &found, &spotted.spots, &named);
    // A variable that nothing would name is not introduced.
    named.iter_mut().for_each(|variable| variable.spots.retain(|spot| !rewritten.stay.contains(spot)));
    named.retain(|variable| !variable.spots.is_empty());
    let moved: usize = named.iter().map(|variable| variable.spots.len()).sum();
    let left: Vec<String> = spotted.left.iter().chain(&rewritten.left).cloned().collect();
    let drafting = Drafting {
        project: &cx.project,
        survey: &found,
        spots: &spotted.spots,
        variables: &named,
        options,
        git: cx.git.as_ref(),
        files: &Disk,
        environment: &cx.environment,
        main,
    };
    let draft = drafting.draft(rewritten)?;
    let permitted = Permitted {
        variables: named.iter().filter(|variable| !variable.bound).map(|variable| variable.name.clone()).collect(),
        files: written(&draft, &cx.project.root),
        ..Permitted::default()
    };
    let mut gains = Gains::new();
    let planned = planned(cx, &draft, &chosen)?;
    let unequal = rendered_equal(&before, &planned, &permitted, &mut gains);
    let touched = touched(cx, &planned, &spotted.spots, &named, &gains)?;
    let mut guards = vec![
        renders(&found),
        exported(&found, &named, &spotted.spots),
        hidden(&draft, options),
        Checked::new("reachable-stacks", draft.closed.clone(), "let xtask.yaml name an env file of the stack that git ignores (env_files)"),
        Checked::new(
            "movable-credentials",
            left.clone(),
            "change these places by hand, or go on without them: --override movable-credentials --reason TEXT",
        ),
    ];
    guards.push(equal(unequal, &guards));
    if options.commit {
        guards.push(can_commit(cx));
    }
    guards.extend(file_guards(cx, &draft.changes, options.allow_dirty)?);
    let mut asking = Vec::new();
    if !draft.changes.is_empty() {
        let wish = Wish { needs_engine: options.recreate || options.rehearse || options.require_live, require_live: options.require_live };
        let is_moved = |password: &Secret| named.iter().any(|variable| variable.value == *password);
        guards.extend(live_guards(cx, wish, &found, &is_moved, &mut asking)?);
    }
    let places = named.iter().map(|variable| places(cx, &found, &spotted.spots, variable)).collect();
    let chosen = chosen.iter().map(|stack| stack.id.clone()).collect();
    let spots = spotted.spots;
    let mut warnings = warnings(&found);
    warnings.extend(in_comments(&cx.project, &draft, &cx.masker.borrow()));
    let left_standing = found.files.iter().filter(|looked| !looked.home).map(|looked| looked.evidence.len()).sum::<usize>() - moved;
    Ok(Proposal {
        warnings,
        left_standing,
        before,
        spots,
        variables: named,
        draft,
        permitted,
        gains,
        guards,
        chosen,
        left,
        places,
        asking,
        touched,
    })
}

/// The env files that the draft writes or links: what a service that loads one may gain from.
fn written(draft: &Draft, root: &Path) -> BTreeSet<PathBuf> {
    let files = draft.changes.iter().filter(|change| change.kind == Kind::Env).map(|change| change.path.clone());
    files.chain(draft.links.iter().map(|link| root.join(&link.path))).collect()
}

/// The project as it would be.
fn planned<'p>(cx: &'p Context<'_>, draft: &Draft, chosen: &[&crate::project::Stack]) -> Result<Survey<'p>> {
    let mut planned = Overlay::new(&Disk);
    for change in &draft.changes {
        planned.set(&change.path, Some(change.after.clone().into_bytes()));
    }
    for link in &draft.links {
        let place = cx.project.root.join(&link.path);
        let target = clean(&place.parent().unwrap_or(&cx.project.root).join(&link.target));
        let content = planned.read(&target)?.map(|bytes| bytes.to_vec());
        planned.set(place, content);
    }
    survey(&cx.project, chosen, &planned, &cx.environment, None)
}

/// The stacks that read a file which changes, or gain a variable; those that others come after first.
fn touched(cx: &Context<'_>, planned: &Survey<'_>, spots: &[Spot], variables: &[Variable], gains: &Gains) -> Result<Vec<Touched>> {
    let moved: BTreeSet<usize> = variables.iter().flat_map(|variable| variable.spots.iter().copied()).collect();
    let mut touched = Vec::new();
    for stack in cx.project.in_order()? {
        let Some(view) = planned.views.iter().find(|view| view.stack.id == stack.id) else { continue };
        let mut services: BTreeSet<String> = BTreeSet::new();
        for spot in moved.iter().map(|number| &spots[*number]).filter(|spot| view.reads(&spot.file)) {
            services.extend(spot.services.iter().cloned());
            let loads = |files: &Vec<crate::model::EnvFile>| files.iter().any(|file| file.path == spot.file);
            services.extend(view.model.env_files.iter().filter(|(_, files)| loads(files)).map(|(service, _)| service.clone()));
        }
        services.extend(gains.keys().filter(|(id, _)| *id == stack.id).map(|(_, service)| service.clone()));
        if !services.is_empty() {
            let planned = view.rendering.users.clone();
            touched.push(Touched { call: stack_call(view), services: services.into_iter().collect(), planned });
        }
    }
    Ok(touched)
}

/// `tools/compose/x.yml:12:26 (services.db...)`, one for each place of a variable.
fn places(cx: &Context<'_>, found: &Survey<'_>, spots: &[Spot], variable: &Variable) -> Vec<String> {
    let place = |number: &usize| {
        let spot = &spots[*number];
        let looked = found.files.iter().find(|looked| looked.path == spot.file)?;
        Some(locate(&cx.project, looked, spot.source))
    };
    let mut places: Vec<String> = variable.spots.iter().filter_map(place).collect();
    places.dedup();
    places
}
