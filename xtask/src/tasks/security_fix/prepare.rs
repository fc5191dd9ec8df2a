//! From the look at everything to a plan: guards answered, contents ready, nothing touched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::before::{Asked, Before};
use super::draft::{Change, Draft, Drafting, Kind};
use super::group::credentials;
use super::name::{Variable, variables};
use super::prove::{Gains, Permitted, rendered_equal};
use super::spot::Spot;
use super::survey::{Survey, survey};
use super::taken::{directory, taken};
use super::{Options, show, spots};
use crate::actions::{Action, GitCommit, GitUntrack, WriteFile};
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
    /// Places that are left alone.
    pub left: Vec<String>,
}

pub fn propose(cx: &Context<'_>, options: &Options, asked: Option<&Asked<'_>>) -> Result<Proposal> {
    let chosen = cx.project.select(&options.stacks)?;
    let found = survey(&cx.project, &chosen, &Disk, &cx.environment, cx.git.as_ref())?;
    let before = Before::look(&cx.project, &found, asked)?;
    let spotted = spots::spots(&cx.project, &found);
    let main = cx.project.root.join(if options.strict { ".env.secrets" } else { ".env" });
    let main_text = Disk.read(&main)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let taken = taken(&found, main_text.as_deref(), &cx.environment);
    let named = variables(&spotted.spots, &credentials(&spotted.spots, &directory(&found)), &taken);
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
    let draft = drafting.draft()?;
    let permitted = Permitted {
        variables: named.iter().filter(|variable| !variable.bound).map(|variable| variable.name.clone()).collect(),
        files: written(&draft, &cx.project.root),
    };
    let mut gains = Gains::new();
    let unequal = planned_differences(cx, &before, &draft, &permitted, &chosen, &mut gains)?;
    let left: Vec<String> = spotted.left.into_iter().chain(draft.left.iter().cloned()).collect();
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
    guards.extend(file_guards(cx, &draft, options)?);
    let chosen = chosen.iter().map(|stack| stack.id.clone()).collect();
    Ok(Proposal { before, spots: spotted.spots, variables: named, draft, permitted, gains, guards, chosen, left })
}

/// The env files that the draft writes or links: what a service that loads one may gain from.
fn written(draft: &Draft, root: &Path) -> BTreeSet<PathBuf> {
    let files = draft.changes.iter().filter(|change| change.kind == Kind::Env).map(|change| change.path.clone());
    files.chain(draft.links.iter().map(|link| root.join(&link.path))).collect()
}

/// How the project would render, compared with how it renders.
fn planned_differences(
    cx: &Context<'_>,
    before: &Before,
    draft: &Draft,
    permitted: &Permitted,
    chosen: &[&crate::project::Stack],
    gains: &mut Gains,
) -> Result<Vec<String>> {
    if draft.changes.is_empty() {
        return Ok(Vec::new());
    }
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
    let after = survey(&cx.project, chosen, &planned, &cx.environment, None)?;
    Ok(rendered_equal(before, &after, permitted, gains))
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
    let mut steps = Vec::new();
    let mut contents = Vec::new();
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
    for variable in proposal.variables.iter() {
        let known = if variable.well_known { ", a value that anyone would try" } else { "" };
        let places = if variable.spots.len() == 1 { "1 place".to_string() } else { format!("{} places", variable.spots.len()) };
        other.push(format!("{} takes {places}{known}", variable.name));
    }
    other.extend(proposal.draft.links.iter().map(|link| format!("link {} to {}", link.path.display(), link.target.display())));
    other.extend(proposal.draft.untrack.iter().map(|path| format!("take {} out of git's index", path.display())));
    for ((stack, service), names) in &proposal.gains {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        other.push(format!(
            "{service} of {stack} loads a file that is written: it will see the secrets {} and be recreated by the next `up`",
            names.join(", ")
        ));
    }
    if files.is_empty() && other.is_empty() {
        return Vec::new();
    }
    vec![Event::Planned { files, other }]
}
