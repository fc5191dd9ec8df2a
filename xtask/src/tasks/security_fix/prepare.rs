//! From the look at everything to a plan: guards answered, contents ready, nothing touched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::before::{Asked, Before};
use super::draft::{Change, Draft, Drafting, Kind};
use super::group::credentials;
use super::live::{Asking, stack_call};
use super::name::{Variable, variables};
use super::prove::{Gains, Permitted, rendered_equal};
use super::rewrite::rewrite;
use super::spot::Spot;
use super::survey::{Survey, locate, survey};
use super::taken::{directory, taken};
use super::{Options, live, show, spots};
use crate::actions::{Action, GitCommit, GitUntrack, KeepContainers, Recreate, Rehearse, StackCall, WriteFile};
use crate::error::Result;
use crate::event::{Event, FileDiff};
use crate::guards::{self, Checked};
use crate::model::Found;
use crate::saga::{Plan, Sha};
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

/// A stack that the change concerns.
pub struct Touched {
    pub call: StackCall,
    /// The services that read a moved credential, or gain a variable.
    pub services: Vec<String>,
    /// As it will render.
    pub planned: serde_json::Value,
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
        Checked::new("renders-as-before", unequal, "nothing may change what runs; please report this with the file"),
    ];
    if options.commit {
        let why = cx.git.is_none().then(|| "there is no git repository to commit to".to_string());
        guards.push(Checked::new("git-repository", why.into_iter().collect(), "leave out --commit, or run `git init` first"));
    }
    guards.extend(file_guards(cx, &draft, options)?);
    let mut asking = Vec::new();
    if !draft.changes.is_empty() {
        guards.extend(live_guards(cx, options, &found, &named, &mut asking)?);
    }
    let places = named.iter().map(|variable| places(cx, &found, &spotted.spots, variable)).collect();
    let chosen = chosen.iter().map(|stack| stack.id.clone()).collect();
    let spots = spotted.spots;
    let warnings = warnings(&found);
    let left_standing = found.files.iter().map(|looked| looked.evidence.len()).sum::<usize>() - moved;
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

fn renders(survey: &Survey<'_>) -> Checked {
    let why = survey.broken.iter().filter(|broken| broken.chosen).map(|broken| format!("stack {}: {}", broken.stack.id, broken.why));
    Checked::new("stacks-render", why.collect(), "make `docker compose config` accept the stack, or name only stacks that it accepts")
}

/// A value that comes from this shell is nobody else's: what it renders to is not what the files say.
fn exported(survey: &Survey<'_>, variables: &[Variable], spots: &[Spot]) -> Checked {
    let mut why = Vec::new();
    for variable in variables {
        let in_use = |spot: &usize| {
            survey
                .views
                .iter()
                .filter(|view| view.reads(&spots[*spot].file))
                .any(|view| view.model.found(&variable.name) == Found::Exported)
        };
        if variable.spots.iter().any(in_use) {
            why.push(format!("{} is exported in this shell, so what renders here is not what the files say", variable.name));
        }
    }
    Checked::new("exported-variables", why, "unset it here (env -u NAME cargo xtask ...), or write its value into the env file first")
}

fn hidden(draft: &Draft, options: &Options) -> Checked {
    let why = if options.untrack {
        Vec::new()
    } else {
        draft.tracked.iter().map(|path| format!("git tracks {path}, where credentials would stand")).collect()
    };
    Checked::new("untracked-env", why, "add --untrack: it takes the file out of git's index, keeps it on disk, and adds it to .gitignore")
}

/// What containers say before the change: a check that fails already would prove nothing afterwards.
fn live_guards(
    cx: &Context<'_>,
    options: &Options,
    found: &Survey<'_>,
    variables: &[Variable],
    asking: &mut Vec<Asking>,
) -> Result<Vec<Checked>> {
    let needs_engine = options.recreate || options.rehearse || options.require_live;
    let Some(live) = cx.live() else {
        let missing = if cx.doors.engine.is_none() {
            cx.doors.no_engine.clone()
        } else {
            "Docker Compose 2.20 or later is not installed".to_string()
        };
        let why = if needs_engine { vec![missing] } else { Vec::new() };
        return Ok(vec![Checked::new("engine", why, "start Docker, or go on without --recreate, --rehearse and --require-live")]);
    };
    *asking = live::running(&live, found, variables)?;
    let said = live::ask(&live, asking, &cx.masker.borrow())?;
    let mut guards = vec![
        Checked::new(
            "healthy-stacks",
            said.unwell,
            "make the stack healthy first; what is ill already cannot show whether the change holds",
        ),
        Checked::new(
            "accepted-credentials",
            said.refused,
            "the server was set up with another password; find the right one before it is moved",
        ),
    ];
    if options.require_live {
        let mut why: Vec<String> = said.not_proven.into_iter().map(|(label, needs)| format!("{label}: needs {needs}")).collect();
        if asking.is_empty() {
            why.push("no stack of this project runs".to_string());
        }
        guards.push(Checked::new("live-proof", why, "start the stacks, or go on without --require-live"));
    }
    Ok(guards)
}

/// `tools/compose/x.yml:12:26 (services.db...)`, one for each place of a variable.
fn places(cx: &Context<'_>, found: &Survey<'_>, spots: &[Spot], variable: &Variable) -> Vec<String> {
    let place = |number: &usize| {
        let spot = &spots[*number];
        let looked = found.files.iter().find(|looked| looked.path == spot.file)?;
        Some(locate(&cx.project, looked, spot.source))
    };
    variable.spots.iter().filter_map(place).collect()
}

fn file_guards(cx: &Context<'_>, draft: &Draft, options: &Options) -> Result<Vec<Checked>> {
    let below = |change: &Change| cx.project.relative(&change.path).to_path_buf();
    let all: Vec<PathBuf> = draft.changes.iter().map(below).collect();
    let mut guards = vec![guards::replaceable(&cx.project.root, &all)];
    if let Some(git) = &cx.git {
        // Env files with values are ignored, or about to be.
        let shared: Vec<PathBuf> =
            draft.changes.iter().filter(|change| change.kind != Kind::Env && change.before.is_some()).map(below).collect();
        let checked = guards::clean_in_git(git, &shared, &left_by_us(cx)?)?;
        guards.push(if options.allow_dirty { Checked { refusal: None, ..checked } } else { checked });
    }
    Ok(guards)
}

/// What our committed runs left in the files that they wrote, the latest of each.
fn left_by_us(cx: &Context<'_>) -> Result<BTreeMap<PathBuf, Sha>> {
    let mut left = BTreeMap::new();
    for view in cx.store.history()? {
        if view.state.phase != crate::saga::Phase::Committed {
            continue;
        }
        for done in crate::saga::prepared::<crate::actions::World, Action>(&view.entries)? {
            if let Action::WriteFile(write) = done.step {
                left.insert(write.path, write.content);
            }
        }
    }
    Ok(left)
}

/// The steps, and the contents that they write.
pub fn plan(cx: &Context<'_>, proposal: &Proposal, options: &Options) -> (Plan<Action>, Vec<Vec<u8>>) {
    let draft = &proposal.draft;
    let mut contents = Vec::new();
    let mut steps = before_files(proposal, options, &mut contents);
    let mut paths = Vec::new();
    let untracked: BTreeSet<&PathBuf> = draft.untrack.iter().collect();
    let write = |change: &Change| {
        Action::WriteFile(WriteFile {
            path: cx.project.relative(&change.path).to_path_buf(),
            content: Sha::of(change.after.as_bytes()),
            before: change.before.as_ref().map(|text| Sha::of(text.as_bytes())),
            mode: (change.kind == Kind::Env).then_some(0o600),
        })
    };
    // A variable is there, and hidden, before anything needs it.
    for change in draft.changes.iter().filter(|change| matches!(change.kind, Kind::Ignore | Kind::Env)) {
        steps.push(write(change));
    }
    steps.extend(draft.links.iter().map(|link| Action::CreateSymlink(link.clone())));
    for change in draft.changes.iter().filter(|change| !matches!(change.kind, Kind::Ignore | Kind::Env)) {
        steps.push(write(change));
    }
    if options.untrack {
        steps.extend(draft.untrack.iter().map(|path| Action::GitUntrack(GitUntrack { path: path.clone() })));
        paths.extend(draft.untrack.iter().cloned());
    }
    steps.extend(after_files(proposal, options));
    for change in &draft.changes {
        contents.push(change.after.clone().into_bytes());
        let path = cx.project.relative(&change.path).to_path_buf();
        if change.kind != Kind::Env && !untracked.contains(&path) {
            paths.push(path);
        }
    }
    paths.extend(
        draft
            .links
            .iter()
            .map(|link| link.path.clone())
            .filter(|path| cx.git.as_ref().is_some_and(|git| !git.ignored(path).unwrap_or(true))),
    );
    let mut plan = Plan::new("security-fix", steps);
    plan.stacks = proposal.chosen.clone();
    if options.commit && !plan.steps.is_empty() {
        paths.sort();
        plan.finish.push(Action::GitCommit(GitCommit { paths, message: message(proposal) }));
    }
    (plan, contents)
}

/// What comes before a file is touched: the rehearsal, and the note of what serves.
fn before_files(proposal: &Proposal, options: &Options, contents: &mut Vec<Vec<u8>>) -> Vec<Action> {
    let mut steps = Vec::new();
    if proposal.draft.changes.is_empty() {
        return steps;
    }
    let settle_secs = live::SETTLE.as_secs();
    if options.rehearse && !proposal.touched.is_empty() {
        let mut stacks = Vec::new();
        for touched in &proposal.touched {
            let model = touched.planned.to_string().into_bytes();
            stacks.push((touched.call.stack.clone(), Sha::of(&model)));
            contents.push(model);
        }
        steps.push(Action::Rehearse(Rehearse { stacks, settle_secs }));
    }
    let keep = |(call, services)| Action::KeepContainers(KeepContainers { call, services, settle_secs });
    steps.extend(recreated(proposal, options).map(keep));
    steps
}

fn after_files(proposal: &Proposal, options: &Options) -> Vec<Action> {
    if proposal.draft.changes.is_empty() {
        return Vec::new();
    }
    let settle_secs = live::SETTLE.as_secs();
    recreated(proposal, options).map(|(call, services)| Action::Recreate(Recreate { call, services, settle_secs })).collect()
}

/// The services to recreate: touched, and running now.
fn recreated<'p>(proposal: &'p Proposal, options: &Options) -> impl Iterator<Item = (StackCall, Vec<String>)> + 'p {
    let wanted = options.recreate;
    proposal.touched.iter().filter(move |_| wanted).filter_map(|touched| {
        let running = proposal.asking.iter().find(|asking| asking.call == touched.call)?;
        let services: Vec<String> = touched.services.iter().filter(|service| running.services.contains(service)).cloned().collect();
        (!services.is_empty()).then(|| (touched.call.clone(), services))
    })
}

fn message(proposal: &Proposal) -> String {
    let names: Vec<&str> = proposal.variables.iter().map(|variable| variable.name.as_str()).collect();
    format!(
        "Move credentials out of compose files\n\nThey are read from .env now, under these names: {}.\nEvery stack renders as before; history still holds the old values.\n",
        names.join(", ")
    )
}

/// What the plan comes to, for people and programs.
pub fn preview(cx: &Context<'_>, proposal: &Proposal) -> Vec<Event> {
    let files: Vec<FileDiff> = proposal.draft.changes.iter().map(|change| show::diff(&cx.project, change)).collect();
    let mut other = Vec::new();
    for (variable, places) in proposal.variables.iter().zip(&proposal.places) {
        let known = if variable.well_known { " (a value that anyone would try)" } else { "" };
        other.push(format!("{}{known}: {}", variable.name, places.join(", ")));
    }
    other.extend(proposal.draft.links.iter().map(|link| format!("link {} to {}", link.path.display(), link.target.display())));
    other.extend(proposal.draft.untrack.iter().map(|path| format!("take {} out of git's index", path.display())));
    other.extend(gained(proposal));
    if files.is_empty() && other.is_empty() {
        return Vec::new();
    }
    let mut events = vec![Event::Planned { files, other }];
    events.extend(proposal.warnings.iter().cloned().map(Event::Warning));
    events
}

/// What the caller should know of the project beyond the plan.
fn warnings(survey: &Survey<'_>) -> Vec<String> {
    let mut by_project: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for view in &survey.views {
        by_project.entry(&view.model.name).or_default().push(&view.stack.id);
    }
    by_project.retain(|_, stacks| stacks.len() > 1);
    // Compose takes stacks of one project name for one another's orphans.
    let shared = by_project.into_iter().map(|(project, stacks)| {
        let stacks = stacks.join(" and ");
        format!(
            "{stacks} share the compose project `{project}`: `--remove-orphans` on one removes the others' containers; give each a `name:`"
        )
    });
    let unseen = survey.broken.iter().filter(|broken| !broken.chosen);
    shared
        .chain(unseen.map(|broken| format!("stack {} does not render, so nothing is known about it: {}", broken.stack.id, broken.why)))
        .collect()
}

/// Who sees more than before, in one sentence.
fn gained(proposal: &Proposal) -> Option<String> {
    let names: BTreeSet<&String> = proposal.gains.values().flatten().collect();
    if names.is_empty() {
        return None;
    }
    let services: Vec<String> = proposal.gains.keys().map(|(stack, service)| format!("{service} ({stack})")).collect();
    Some(format!(
        "{} load the env file with their env_file: each will see up to {} of these secrets, and the next `up` recreates it; --strict keeps them out",
        services.join(", "),
        names.len()
    ))
}
