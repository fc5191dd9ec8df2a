//! The proposal as a plan.

use serde_json::{Value as Json, json};

use super::files::File;
use super::look::Looked;
use super::{Options, Proposal, TASK, trial};
use crate::actions::{Action, BuildImage, DropImage, GitCommit, LookInside, Rehearse, WriteFile};
use crate::error::Result;
use crate::production::{DOCKERFILE, STAGE};
use crate::saga::{Plan, RunId, Sha};
use crate::tasks::Context;

/// How long a container without a check must run undisturbed.
const SETTLE_SECS: u64 = 5;

/// What has a file that changes is built: its number, and the name of its image.
pub fn images(looked: &Looked<'_>, files: &[File], run: &RunId) -> Vec<(usize, String)> {
    let changes = |number: usize| files.iter().any(|file| file.made == number && file.changes());
    let made = looked.made.iter().enumerate().filter(|(number, _)| changes(*number));
    made.map(|(number, made)| {
        let name: String = made.recipe.service.to_lowercase().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        (number, format!("xtask.local/dockerfile-prod/s{number}{name}:{}", run.short()))
    })
    .collect()
}

/// What is built to be compared with.
pub fn present(cx: &Context<'_>, looked: &Looked<'_>, images: &[(usize, String)]) -> Result<Vec<(usize, String)>> {
    let Some(engine) = &cx.doors.engine else { return Ok(Vec::new()) };
    let mut present = Vec::new();
    for (number, image) in images {
        let made = &looked.made[*number];
        if made.present.is_some() && engine.image(&made.image)?.is_none() {
            present.push((*number, format!("{image}-present")));
        }
    }
    Ok(present)
}

/// The steps, and the contents that they need.
pub fn plan(cx: &Context<'_>, options: &Options, proposal: &Proposal<'_>, run: &RunId) -> Result<(Plan<Action>, Vec<Vec<u8>>)> {
    let mut contents: Vec<Vec<u8>> = Vec::new();
    let mut steps = Vec::new();
    let mut paths = Vec::new();
    let edits = proposal.activation.edits.iter().map(|edit| (&edit.path, Some(&edit.before), &edit.after));
    let files = proposal.files.iter().filter(|file| file.changes()).map(|file| (&file.path, file.before.as_ref(), &file.after));
    for (path, before, after) in files.chain(edits) {
        let path = cx.project.relative(path).to_path_buf();
        let before = before.map(|text| Sha::of(text.as_bytes()));
        steps.push(Action::WriteFile(WriteFile { path: path.clone(), content: Sha::of(after.as_bytes()), before, mode: None }));
        contents.push(after.clone().into_bytes());
        paths.push(path);
    }
    let mut after = Vec::new();
    // Without an engine a guard refuses, unless somebody goes over it: then nothing is built, and that is said.
    if cx.live().is_some() && !proposal.images.is_empty() {
        for (number, image) in &proposal.images {
            let made = &proposal.looked.made[*number];
            let build = json!({"context": made.context, "dockerfile": DOCKERFILE, "target": STAGE});
            steps.push(built(run, &made.recipe.service, image, &build, false, &mut contents));
        }
        for (number, image) in &proposal.images {
            let recipe = &proposal.looked.made[*number].recipe;
            steps.push(Action::LookInside(LookInside {
                service: recipe.service.clone(),
                image: image.clone(),
                folder: recipe.folder.clone(),
                paths: recipe.development.paths.clone(),
                names: recipe.development.names.clone(),
            }));
        }
        let mut stacks = Vec::new();
        let trial = trial::trial(cx, proposal)?;
        proposal.untried.replace(trial.left);
        for (stack, model) in trial.stacks {
            let model = model.to_string().into_bytes();
            stacks.push((stack, Sha::of(&model)));
            contents.push(model);
        }
        if !stacks.is_empty() {
            steps.push(Action::Rehearse(Rehearse { stacks, settle_secs: SETTLE_SECS, ..Rehearse::default() }));
        }
        for (number, image) in &proposal.present {
            let made = &proposal.looked.made[*number];
            let build = made.present.clone().unwrap_or_default();
            steps.push(built(run, &made.recipe.service, image, &build, true, &mut contents));
        }
        after.extend(
            proposal.images.iter().chain(&proposal.present).map(|(_, image)| Action::DropImage(DropImage { image: image.clone() })),
        );
    }
    let mut plan = Plan::new(TASK, steps);
    plan.stacks = proposal.looked.named.clone();
    plan.after = after;
    if options.commit && !paths.is_empty() {
        paths.sort();
        plan.finish.push(Action::GitCommit(GitCommit { paths, message: message(proposal) }));
    }
    Ok((plan, contents))
}

fn built(run: &RunId, service: &str, image: &str, build: &Json, spare: bool, contents: &mut Vec<Vec<u8>>) -> Action {
    let name = format!("xtask-{}", run.as_str().to_lowercase());
    let model = doubled(json!({"name": name, "services": {service: {"image": image, "build": build}}})).to_string().into_bytes();
    let step = BuildImage { service: service.to_string(), image: image.to_string(), model: Sha::of(&model), spare };
    contents.push(model);
    Action::BuildImage(step)
}

/// As Compose reads it: a dollar would be a variable.
fn doubled(model: Json) -> Json {
    match model {
        Json::String(text) => Json::String(text.replace('$', "$$")),
        Json::Object(fields) => Json::Object(fields.into_iter().map(|(key, value)| (key, doubled(value))).collect()),
        Json::Array(items) => items.into_iter().map(doubled).collect(),
        other => other,
    }
}

fn message(proposal: &Proposal<'_>) -> String {
    let services: Vec<&str> = proposal.looked.made.iter().map(|made| made.recipe.service.as_str()).collect();
    let how = if proposal.activation.edits.is_empty() { "Nothing uses them yet." } else { "The production stacks build with them." };
    format!(
        "Add production images of {}\n\nEach was built, looked into and started read-only, without capabilities and not as root.\n{how}\n",
        services.join(", ")
    )
}
