//! Which stacks and services a command line means.

use std::path::PathBuf;

use super::order;
use crate::engine::compose::ComposeCall;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::model::{self, Environment, Found, Model, Unset};
use crate::project::Stack;
use crate::proof::health::Running;
use crate::source::Disk;
use crate::tasks::elsewhere::{current_tag, elsewhere};
use crate::tasks::{Context, call};

/// A stack that a command works on.
pub struct Chosen<'p> {
    pub stack: &'p Stack,
    /// With the services of all profiles. What is required and missing is replaced: names are read from
    /// it, values are not.
    pub model: Model,
    /// The services that start when none is named.
    pub active: Vec<String>,
    /// Those that the caller named; none means all.
    pub named: Vec<String>,
    /// Its files in other folders, from which it was deployed before.
    elsewhere: Vec<Vec<PathBuf>>,
    /// The tag of the release that runs, where the files require one and nobody gave it.
    env: Vec<(String, String)>,
}

/// What is meant where no stack is named.
pub struct Unnamed<'a> {
    pub wanted: &'a dyn Fn(&Chosen<'_>) -> Result<bool>,
    /// A stack that cannot be read is an error, and not left out with a warning.
    pub strict: bool,
}

impl Chosen<'_> {
    /// The services that are meant.
    pub fn services(&self) -> &[String] {
        if self.named.is_empty() { &self.active } else { &self.named }
    }

    pub fn project(&self) -> &str {
        &self.model.name
    }

    pub fn running(&self) -> Running {
        Running { project: self.model.name.clone(), config_files: self.stack.files.clone(), elsewhere: self.elsewhere.clone() }
    }

    /// As its users call it; naming a service turns its profiles on. Compose gets the project's name and
    /// the profiles that this process has worked with, wherever they were set.
    pub fn call(&self) -> ComposeCall {
        let mut profiles = call::profiles(self.stack, &self.model);
        for service in self.named.iter().filter(|service| !self.active.contains(service)) {
            profiles.extend(self.model.profiles_of(service).first().map(ToString::to_string));
        }
        self.with_profiles(profiles)
    }

    /// With the services of every profile.
    pub fn whole_call(&self) -> ComposeCall {
        self.with_profiles(vec!["*".into()])
    }

    fn with_profiles(&self, profiles: Vec<String>) -> ComposeCall {
        ComposeCall {
            files: self.stack.files.clone(),
            env_files: self.stack.env_files.clone(),
            profiles,
            project_name: Some(self.model.name.clone()),
            env: self.env.clone(),
            ..ComposeCall::default()
        }
    }
}

/// The stacks and services that the words name, in the order in which they start. A word is a stack's
/// name (or its end), else a service's, else a part of a stack's name.
pub fn choose<'p>(cx: &'p Context<'_>, words: &[String], unnamed: &Unnamed<'_>) -> Result<Vec<Chosen<'p>>> {
    let mut stacks: Vec<&Stack> = Vec::new();
    let mut rest: Vec<&String> = Vec::new();
    for word in words {
        match by_name(cx, word).filter(|stack| !stacks.iter().any(|known| known.id == stack.id)) {
            Some(stack) => stacks.push(stack),
            None => rest.push(word),
        }
    }
    let mut chosen = if stacks.is_empty() { by_default(cx, unnamed)? } else { load_all(cx, &stacks)? };
    let mut by_part = Vec::new();
    for word in rest {
        let owners: Vec<usize> = (0..chosen.len()).filter(|index| chosen[*index].model.service(word).is_some()).collect();
        match owners.as_slice() {
            [one] => chosen[*one].named.push(word.clone()),
            [] if stacks.is_empty() => {
                by_part.push(cx.project.select(std::slice::from_ref(word)).map_err(|_| unknown(cx, word, &chosen))?[0])
            }
            [] => return Err(unknown(cx, word, &chosen)),
            several => {
                let ids: Vec<&str> = several.iter().map(|index| chosen[*index].stack.id.as_str()).collect();
                return Err(Error::unusable(format!("`{word}` is a service of several stacks: {}", ids.join(", ")))
                    .help(format!("name the stack too: `{} {word}`", ids[0])));
            }
        }
    }
    if stacks.is_empty() && !words.is_empty() {
        chosen.retain(|chosen| !chosen.named.is_empty());
        chosen.extend(load_all(cx, &by_part)?);
    }
    order::stacks(&cx.project, chosen)
}

/// The stack of that name, or the only one whose name ends so.
fn by_name<'p>(cx: &'p Context<'_>, word: &str) -> Option<&'p Stack> {
    let stacks = &cx.project.stacks;
    let end = format!("/{word}");
    let mut by_end = stacks.iter().filter(|stack| stack.id.ends_with(&end));
    stacks.iter().find(|stack| stack.id == word).or_else(|| by_end.next().filter(|_| by_end.next().is_none()))
}

fn by_default<'p>(cx: &'p Context<'_>, unnamed: &Unnamed<'_>) -> Result<Vec<Chosen<'p>>> {
    let mut chosen = Vec::new();
    for stack in cx.project.select(&[])? {
        match load(cx, stack) {
            Ok(loaded) if (unnamed.wanted)(&loaded)? => chosen.push(loaded),
            Ok(_) => {}
            Err(error) if unnamed.strict => return Err(error),
            Err(error) => cx.events.emit(Event::Warning(format!("stack {} is left out: {error}", stack.id))),
        }
    }
    Ok(chosen)
}

fn load_all<'p>(cx: &'p Context<'_>, stacks: &[&'p Stack]) -> Result<Vec<Chosen<'p>>> {
    stacks.iter().map(|stack| load(cx, stack)).collect()
}

fn load<'p>(cx: &Context<'_>, stack: &'p Stack) -> Result<Chosen<'p>> {
    let mut environment = cx.environment.clone();
    let read = |environment: &Environment| model::load(&Disk, &call::whole(stack, Unset::StandIn), environment);
    let mut model = read(&environment)?;
    let env = unset_tag(cx, stack, &model);
    if !env.is_empty() {
        environment.extend(env.iter().cloned());
        model = read(&environment)?;
    }
    let active = model::load(&Disk, &call::of(stack, Unset::StandIn), &environment)?.services().map(String::from).collect();
    let elsewhere = elsewhere(cx, stack, &model.name).unwrap_or_default();
    Ok(Chosen { stack, model, active, named: Vec::new(), elsewhere, env })
}

/// What works on a stack as it runs means the release that runs. Releases that cannot be read are no help, and
/// no hindrance: the variable is missing then, as it was.
fn unset_tag(cx: &Context<'_>, stack: &Stack, model: &Model) -> Vec<(String, String)> {
    let variable = &cx.project.deploy(&stack.id).tag;
    let missing = model.references.iter().any(|reference| reference.found == Found::StandIn && reference.name == *variable);
    let tag = if missing { current_tag(cx, stack, &model.name).ok().flatten() } else { None };
    tag.map(|tag| (variable.clone(), tag)).into_iter().collect()
}

fn unknown(cx: &Context<'_>, word: &str, looked: &[Chosen<'_>]) -> Error {
    let ids: Vec<&str> = cx.project.stacks.iter().map(|stack| stack.id.as_str()).collect();
    let services: Vec<&str> = looked.iter().flat_map(|chosen| chosen.model.services()).collect();
    let help = match services.as_slice() {
        [] => format!("the stacks here: {}", ids.join(", ")),
        known => format!("the stacks here: {}; the services: {}", ids.join(", "), known.join(", ")),
    };
    Error::unusable(format!("there is no stack or service `{word}`")).help(help)
}
