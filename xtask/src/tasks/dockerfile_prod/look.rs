//! Which services are built here, and what their production images are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::error::Result;
use crate::model::{self, Model, Unset};
use crate::production::{DOCKERFILE, Recipe, Refused, Start, Subject, Written, recipe, start, written};
use crate::project::{Role, ServiceProduction, Stack};
use crate::source::Disk;
use crate::surroundings::{Build, Surroundings};
use crate::tasks::context::listed;
use crate::tasks::{Context, call};

/// A stack with the services of all profiles.
pub struct Read<'p> {
    pub stack: &'p Stack,
    pub model: Model,
    pub json: Json,
    pub builds: BTreeMap<String, Build>,
}

/// A build context that gets a production image.
pub struct Made {
    pub stack: String,
    pub recipe: Recipe,
    /// Absolute.
    pub context: PathBuf,
    /// What the image is called that the service runs now.
    pub image: String,
    /// How that is built; `None` where its Dockerfile is not to be had.
    pub present: Option<Json>,
    /// Other services that are built there, `stack/service`.
    pub others: Vec<String>,
    /// Stack and service: those of them with another name, that are started in the proof as well.
    pub tried: Vec<(String, String)>,
    /// Those of which nobody knows what they start in production.
    pub untold: Vec<String>,
    /// What the present Dockerfiles of the context copy.
    pub sources: BTreeSet<String>,
}

impl Made {
    pub fn summary(&self) -> String {
        let recipe = &self.recipe;
        let packages = if recipe.manager.is_empty() { "no packages".to_string() } else { recipe.manager.to_string() };
        let asked = match (&recipe.path, recipe.port) {
            (Some(path), Some(port)) => format!("answers {path} on {port}"),
            (None, Some(port)) if recipe.health.is_some() => format!("listens on {port}, has a check of its own"),
            _ if recipe.health.is_some() => "has a check of its own".to_string(),
            _ => "answers no questions".to_string(),
        };
        let others = if self.others.is_empty() { String::new() } else { format!("; also for {}", self.others.join(", ")) };
        format!(
            "{} of {}: {:?}, {packages}, on {}; starts `{}`, {asked}, as {}{others}",
            recipe.service,
            self.stack,
            recipe.language,
            recipe.runtime,
            recipe.entry.join(" "),
            recipe.user
        )
    }
}

/// What was found in the stacks.
pub struct Looked<'p> {
    /// Every stack that can be read, whether named or not.
    pub models: Vec<Read<'p>>,
    /// The ids of those that are named.
    pub named: Vec<String>,
    pub made: Vec<Made>,
    /// Services whose builds use what was written before, as `stack/service`.
    pub kept: Vec<String>,
    pub refused: Vec<Refused>,
    /// Stacks that cannot be read, and why.
    pub unread: Vec<String>,
}

/// # Errors
/// A name that is none, or git does not answer.
pub fn look<'p>(cx: &'p Context<'_>, names: &[String]) -> Result<Looked<'p>> {
    let named: Vec<String> = cx.project.select(names)?.iter().map(|stack| stack.id.clone()).collect();
    let all: BTreeSet<PathBuf> = listed(&cx.project.root, cx.git.as_ref())?.into_iter().collect();
    let mut looked = Looked { models: Vec::new(), named, made: Vec::new(), kept: Vec::new(), refused: Vec::new(), unread: Vec::new() };
    for stack in &cx.project.stacks {
        match model::load(&Disk, &call::whole(stack, Unset::StandIn), &cx.environment) {
            Ok(model) => {
                let builds = Surroundings::gather(&model, &Disk, &cx.project.root, &all, None).builds;
                looked.models.push(Read { stack, json: model.json(), model, builds });
            }
            Err(error) if looked.named.contains(&stack.id) => looked.unread.push(format!("stack {}: {error}", stack.id)),
            Err(_) => {}
        }
    }
    // Development stacks go on building as they do, so what they say of a service is there also once a production stack
    // builds with what is written here.
    looked.models.sort_by_key(|read| read.stack.role != Some(Role::Dev));
    let finding = Finding { cx, all: &all, plain: Default::default() };
    for context in contexts(&looked) {
        let found = finding.take(&context, &looked.models);
        looked.made.extend(found.made);
        looked.kept.extend(found.kept);
        looked.refused.extend(found.refused);
    }
    Ok(looked)
}

/// The build contexts of the named stacks.
fn contexts(looked: &Looked<'_>) -> BTreeSet<PathBuf> {
    let named = looked.models.iter().filter(|read| looked.named.contains(&read.stack.id));
    named.flat_map(|read| built(read).filter_map(|(_, build)| context(build))).collect()
}

/// The services of a stack with a build section, and that section.
pub fn built<'r>(read: &'r Read<'_>) -> impl Iterator<Item = (&'r str, &'r Json)> {
    let services = read.json.get("services").and_then(Json::as_object).into_iter().flatten();
    services.filter_map(|(name, service)| Some((name.as_str(), service.get("build")?)))
}

/// Where a build section's context is, when that is on this machine.
pub fn context(build: &Json) -> Option<PathBuf> {
    build.get("context").and_then(Json::as_str).filter(|context| context.starts_with('/')).map(PathBuf::from)
}

struct Finding<'a> {
    cx: &'a Context<'a>,
    all: &'a BTreeSet<PathBuf>,
    /// Of services without settings, and of builds of which nothing is known.
    plain: (ServiceProduction, Build),
}

/// A service that is built in a folder.
struct User<'a> {
    read: &'a Read<'a>,
    service: &'a str,
    build: &'a Build,
    wish: &'a ServiceProduction,
    /// It builds with what was written before.
    ours: bool,
}

impl User<'_> {
    fn name(&self) -> String {
        format!("{}/{}", self.read.stack.id, self.service)
    }
}

impl Finding<'_> {
    /// Everybody who is built in one folder gets one Dockerfile: that of the first whose present Dockerfile tells what
    /// it is.
    fn take(&self, folder: &Path, models: &[Read<'_>]) -> Found {
        let users = self.users(folder, models);
        let mut found = Found::default();
        let Some(first) = users.iter().find(|user| !user.ours) else {
            found.kept.extend(users.iter().map(User::name));
            return found;
        };
        let service = first.service;
        if !folder.starts_with(&self.cx.project.root) {
            let why = format!("the build context of {service}, {}, lies outside the project", folder.display());
            let help = format!("leave it out: `dockerfile-prod: {{services: {{{service}: {{skip: true}}}}}}`");
            found.refused.push(Refused { why, help });
            return found;
        }
        let inside = self.all.iter().filter_map(|path| path.strip_prefix(folder).ok()?.to_str().map(String::from));
        let inside: Vec<String> = inside.collect();
        let subject = |user| subject(user, folder, &inside);
        let of_first = subject(first);
        let recipe = match recipe(&of_first) {
            Ok(recipe) => recipe,
            Err(refused) => return Found { refused, ..found },
        };
        let others = users.iter().filter(|user| user.name() != first.name()).map(User::name).collect();
        let sources = users.iter().filter_map(|user| user.build.image.as_ref()).flat_map(|image| image.sources.iter().cloned()).collect();
        let mut made = made(first, &of_first, recipe, others, sources);
        let names: BTreeSet<&str> = users.iter().map(|user| user.service).filter(|name| *name != service).collect();
        for name in names {
            let same = users.iter().filter(|user| user.service == name);
            let started = same.map(|user| (user, start(&subject(user), &of_first, &made.recipe)));
            // Production's word counts most; else the first of whom it is known says it for all of the name.
            let rank = |(user, start): &(&User<'_>, std::result::Result<Start, Refused>)| match start {
                Err(_) if user.read.stack.role != Some(Role::Dev) => 0,
                Ok(Start::Told) => 1,
                Err(_) => 2,
                Ok(Start::Untold) => 3,
            };
            match started.min_by_key(rank) {
                Some((user, Ok(Start::Told))) => made.tried.push((user.read.stack.id.clone(), name.to_string())),
                Some((_, Ok(Start::Untold))) => made.untold.push(name.to_string()),
                Some((_, Err(refused))) => found.refused.push(refused),
                None => {}
            }
        }
        found.made = Some(made);
        found
    }

    fn users<'r>(&'r self, folder: &Path, models: &'r [Read<'_>]) -> Vec<User<'r>> {
        let settings = &self.cx.project.settings.dockerfile_prod.services;
        let mut users = Vec::new();
        for read in models {
            for (service, section) in built(read).filter(|(_, build)| context(build).as_deref() == Some(folder)) {
                let build = read.builds.get(service).unwrap_or(&self.plain.1);
                let wish = settings.get(service).unwrap_or(&self.plain.0);
                let written = build.text.as_deref().is_some_and(|text| written(text) != Written::BySomebody);
                let ours = written && section.get("dockerfile").and_then(Json::as_str) == Some(DOCKERFILE);
                users.push(User { read, service, build, wish, ours });
            }
        }
        users.retain(|user| !user.wish.skip);
        users
    }
}

fn subject<'u>(user: &'u User<'_>, folder: &'u Path, listed: &'u [String]) -> Subject<'u> {
    let definition = &user.read.json["services"][user.service];
    Subject { service: user.service, definition, build: user.build, context: folder, listed, files: &Disk, wish: user.wish }
}

/// What one folder comes to.
#[derive(Default)]
struct Found {
    made: Option<Made>,
    kept: Vec<String>,
    refused: Vec<Refused>,
}

fn made(user: &User<'_>, subject: &Subject<'_>, recipe: Recipe, others: Vec<String>, sources: BTreeSet<String>) -> Made {
    let definition = subject.definition;
    let image = definition.get("image").and_then(Json::as_str);
    let image = image.map_or_else(|| format!("{}-{}", user.read.model.name, user.service), String::from);
    let known = ["context", "dockerfile", "dockerfile_inline", "args", "target"];
    let section = definition.get("build").and_then(Json::as_object).into_iter().flatten();
    let section = section.filter(|(key, _)| known.contains(&key.as_str())).map(|(key, value)| (key.clone(), value.clone()));
    let present = user.build.text.is_some().then(|| Json::Object(section.collect()));
    let (stack, context) = (user.read.stack.id.clone(), subject.context.to_path_buf());
    Made { stack, recipe, context, image, present, others, tried: Vec::new(), untold: Vec::new(), sources }
}
