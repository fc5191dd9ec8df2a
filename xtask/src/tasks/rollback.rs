//! Takes a committed run back: a run of its own, with plan, guards, proof and undo.

use std::path::{Path, PathBuf};

use super::deploy::{self, preflight};
use super::history::{RunSummary, Standing, summaries};
use super::phase::prove::on_the_way;
use super::{Context, Ended, Overrides, Prepared, carry_out};
use crate::actions::{Action, World, inverse};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::guards::Checked;
use crate::saga::{Plan, Proof, RunView, Sha, Verdict, prepared};

/// Rolls back the named run, or the newest that is committed and not undone. A rollback is never
/// itself a target, and a deploy only when it is named: whoever names nothing wants back what ran.
pub fn rollback(cx: &Context<'_>, named: Option<&str>, overrides: &Overrides) -> Result<Ended> {
    carry_out(cx, "rollback", overrides, |_| {
        let target = target(cx, named)?;
        let done = prepared::<World, Action>(&target.entries)?;
        let back = inverse(&done)?;
        let blobs = cx.store.blobs(&target.id);
        let mut contents = Vec::new();
        let mut lost = Vec::new();
        for sha in &back.contents {
            match blobs.get(sha) {
                Ok(content) => contents.push(content),
                Err(error) => lost.push(error.to_string()),
            }
        }
        let guards = vec![
            Checked::new(
                "files-unchanged",
                changed(&cx.project.root, &back.steps),
                "take your later changes out of exactly these files (keep a copy), then roll back; lines added to .env count too",
            ),
            Checked::new("kept-copies", lost, "the run's kept copies are gone; use git to go back"),
        ];
        let mut plan = Plan::new("rollback", back.steps);
        plan.finish = back.finish;
        plan.args = named.map(String::from).into_iter().collect();
        plan.stacks = target.begun.stacks.clone();
        plan.target = Some(target.id.to_string());
        let mut other = vec![format!("roll back {} by {}", target.id, target.begun.who)];
        if deploy::TASKS.contains(&target.begun.task.as_str()) {
            other.push(format!("what runs stays as it is: {}", to_release(&target)));
        }
        other.extend(plan.steps.iter().chain(&plan.finish).map(crate::saga::Step::<World>::label));
        let steps = plan.steps.clone();
        let prove = move |world: &World| {
            let brought = on_the_way(cx, world);
            Ok(match prove(cx, &steps) {
                Verdict::Holds(proof) => Verdict::Holds(Proof { proven: [proof.proven, brought.proven].concat(), ..brought }),
                bad => bad,
            })
        };
        Ok(Prepared {
            guards,
            projects: Vec::new(),
            plan,
            contents,
            preview: vec![Event::Planned { files: Vec::new(), other }],
            still: None,
            prove: Box::new(prove),
        })
    })
}

fn target(cx: &Context<'_>, named: Option<&str>) -> Result<RunView> {
    let views = cx.store.history()?;
    // What only looked has nothing to undo, and hides no run that has.
    let changing = summaries(&views).into_iter().filter(|run| named.is_some() || run.task != preflight::TASK);
    // Why it is never undone, whatever became of it.
    let never = |run: &RunSummary| match (run.target.is_some(), run.task.as_str()) {
        (true, _) => Some("it is a rollback itself"),
        (_, super::backup::forget::TASK) => Some("it let backups go"),
        (_, super::backup::verify::TASK) => Some("it changed nothing"),
        (_, super::restore::TASK) => Some("it is undone by restoring the backup that it took first, which `cargo xtask backup list` shows"),
        (_, super::backup::TASK) => Some("it made a backup, which `cargo xtask backup forget` lets go"),
        _ => None,
    };
    let mut standings: Vec<(String, Standing, Option<&str>)> = Vec::new();
    for run in changing {
        let for_good = run.task == super::cleanup::TASK && !comes_back(&views, &run.run);
        let never = never(&run).or(for_good.then_some("what it removed cannot come back"));
        standings.push((run.run, run.standing, never));
    }
    let undoable = |(_, standing, never): &&(String, Standing, Option<&str>)| *standing == Standing::Committed && never.is_none();
    let chosen = match named {
        None => standings.iter().rev().find(undoable).map(|(run, ..)| run.clone()).ok_or_else(|| {
            Error::refused("roll back").why("no committed run is left to undo").help("`cargo xtask history` lists the runs")
        })?,
        Some(named) => {
            let known = standings
                .iter()
                .find(|(run, ..)| run == named)
                .ok_or_else(|| Error::unusable(format!("there is no run `{named}`")).help("`cargo xtask history` lists the runs"))?;
            if !undoable(&known) {
                let why = match known {
                    (_, _, Some(never)) => never,
                    (_, Standing::Undone, _) => "it was undone already",
                    _ => "it was never committed",
                };
                return Err(Error::refused(format!("roll back {named}")).why(why).help("`cargo xtask history` lists the runs"));
            }
            named.to_string()
        }
    };
    let found = views.into_iter().find(|view| view.id.as_str() == chosen);
    let found = found.ok_or_else(|| Error::failed(format!("find the run {chosen}")))?;
    if named.is_none() && deploy::TASKS.contains(&found.begun.task.as_str()) {
        let why = format!("the newest run, {chosen}, changed which release runs ({})", found.begun.task);
        let help = format!("{}; `cargo xtask rollback {chosen}` takes back only names of images, and files", to_release(&found));
        return Err(Error::refused("roll back").why(why).help(help));
    }
    Ok(found)
}

/// What brings back what ran before this run.
fn to_release(run: &RunView) -> String {
    let stack = run.begun.stacks.first().map_or("STACK", String::as_str);
    match run.begun.task.as_str() {
        deploy::TASK => format!("`cargo xtask rollback --release {stack}` brings back the release that ran before"),
        _ => format!("`cargo xtask rollback --release {stack} --to RELEASE` brings back one of `cargo xtask history --releases {stack}`"),
    }
}

/// Whether a cleanup has removed anything that a rollback can bring back. What cannot be read may come back: whoever
/// names that run is told why it is not, and no other run waits for it.
fn comes_back(views: &[RunView], run: &str) -> bool {
    let Some(view) = views.iter().find(|view| view.id.as_str() == run) else { return false };
    let done = prepared::<World, Action>(&view.entries);
    done.map_or(true, |done| done.iter().any(|done| matches!(done.step, Action::RemoveUnused(_))))
}

/// The files that are not as the run left them.
fn changed(root: &Path, steps: &[Action]) -> Vec<String> {
    let now = |path: &PathBuf| std::fs::read(root.join(path)).ok().map(|bytes| Sha::of(&bytes));
    let mut why = Vec::new();
    for step in steps {
        match step {
            Action::WriteFile(write) if now(&write.path) != write.before => why.push(format!("{} was changed since", write.path.display())),
            Action::RemoveFile(remove) if now(&remove.path).as_ref() != Some(&remove.before) => {
                why.push(format!("{} was changed since", remove.path.display()));
            }
            _ => {}
        }
    }
    why
}

/// Whether every file is what it was before the run, byte for byte.
fn prove(cx: &Context<'_>, steps: &[Action]) -> Verdict {
    let label = "every file is as it was before the run".to_string();
    let mut why = Vec::new();
    let mut files = 0;
    for step in steps {
        match step {
            Action::WriteFile(write) => {
                files += 1;
                let now = std::fs::read(cx.project.root.join(&write.path)).ok().map(|bytes| Sha::of(&bytes));
                if now.as_ref() != Some(&write.content) {
                    why.push(format!("{} is not as it was", write.path.display()));
                }
            }
            Action::RemoveFile(remove) => {
                files += 1;
                if cx.project.root.join(&remove.path).exists() {
                    why.push(format!("{} is still there", remove.path.display()));
                }
            }
            _ => {}
        }
    }
    if !why.is_empty() {
        cx.events.emit(Event::ProofFails { label, why: why.clone() });
        return Verdict::Bad(why);
    }
    let detail = format!("{files} files, byte for byte");
    cx.events.emit(Event::ProofHolds { label: label.clone(), detail: detail.clone(), took: std::time::Duration::ZERO });
    Verdict::Holds(Proof { proven: vec![format!("{label}: {detail}")], not_proven: Vec::new() })
}
