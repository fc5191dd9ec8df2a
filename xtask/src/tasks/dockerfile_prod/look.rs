//! Which services are built here, and what their production images are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::error::Result;
use crate::model::{self, Model, Unset};
use crate::production::{DOCKERFILE, Recipe, Refused, Subject, Written, recipe, written};
use crate::project::{Role, ServiceProduction, Stack};
use crate::source::{Disk, Files};
use crate::surroundings::{Build, Surroundings};
use crate::tasks::context::listed;
use crate::tasks::{Context, call};

/// A stack with the services of all profiles.
pub struct Read<'p> {
    pub stack: &'p Stack,
    pub model: Model,
    pub json: Json,
    builds: BTreeMap<String, Build>,
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
    let found = Finding { cx, all: &all };
    for context in contexts(&looked) {
        found.take(&context, &mut looked);
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
}

impl Finding<'_> {
    /// Everybody who is built in one folder gets one Dockerfile: that of the first whose present Dockerfile tells what
    /// it is.
    fn take(&self, folder: &Path, looked: &mut Looked<'_>) {
        let settings = &self.cx.project.settings.dockerfile_prod.services;
        let default = ServiceProduction::default();
        let mut users = Vec::new();
        for (number, read) in looked.models.iter().enumerate() {
            for (service, build) in built(read).filter(|(_, build)| context(build).as_deref() == Some(folder)) {
                let wish = settings.get(service).unwrap_or(&default);
                let ours = read
                    .builds
                    .get(service)
                    .and_then(|build| build.text.as_deref())
                    .is_some_and(|text| written(text) != Written::BySomebody);
                let named = looked.named.contains(&read.stack.id);
                users.push((
                    number,
                    service.to_string(),
                    wish,
                    ours && build.get("dockerfile").and_then(Json::as_str) == Some(DOCKERFILE),
                    named,
                ));
            }
        }
        users.retain(|(_, _, wish, ..)| !wish.skip);
        let name = |(number, service, ..): &(usize, String, &ServiceProduction, bool, bool)| {
            format!("{}/{service}", looked.models[*number].stack.id)
        };
        let Some(first) = users.iter().find(|(_, _, _, ours, _)| !ours) else {
            let kept: Vec<String> = users.iter().map(name).collect();
            looked.kept.extend(kept);
            return;
        };
        let others: Vec<String> = users.iter().filter(|user| (user.0, &user.1) != (first.0, &first.1)).map(name).collect();
        let (number, service, wish, ..) = first;
        let read = &looked.models[*number];
        if !folder.starts_with(&self.cx.project.root) {
            let why = format!("the build context of {service}, {}, lies outside the project", folder.display());
            looked
                .refused
                .push(Refused { why, help: format!("leave it out: `dockerfile-prod: {{services: {{{service}: {{skip: true}}}}}}`") });
            return;
        }
        let of = |(number, service, ..): &(usize, String, &ServiceProduction, bool, bool)| {
            looked.models[*number].builds.get(service)?.image.as_ref()
        };
        let sources = users.iter().filter_map(of).flat_map(|image| image.sources.iter().cloned()).collect();
        match self.made(read, service, wish, folder) {
            Ok(made) => looked.made.push(Made { others, sources, ..made }),
            Err(refused) => looked.refused.extend(refused),
        }
    }

    fn made(&self, read: &Read<'_>, service: &str, wish: &ServiceProduction, folder: &Path) -> Result<Made, Vec<Refused>> {
        let nothing = Build::default();
        let build = read.builds.get(service).unwrap_or(&nothing);
        let inside = self.all.iter().filter_map(|path| path.strip_prefix(folder).ok()?.to_str().map(String::from));
        let inside: Vec<String> = inside.collect();
        let definition = &read.json["services"][service];
        let subject = Subject { service, definition, build, context: folder, listed: &inside, files: &Disk as &dyn Files, wish };
        let recipe = recipe(&subject)?;
        let project = &read.model.name;
        let image = definition.get("image").and_then(Json::as_str).map_or_else(|| format!("{project}-{service}"), String::from);
        let known = ["context", "dockerfile", "dockerfile_inline", "args", "target"];
        let section =
            definition.get("build").and_then(Json::as_object).into_iter().flatten().filter(|(key, _)| known.contains(&key.as_str()));
        let present = build.text.is_some().then(|| Json::Object(section.map(|(key, value)| (key.clone(), value.clone())).collect()));
        let (stack, context) = (read.stack.id.clone(), folder.to_path_buf());
        Ok(Made { stack, recipe, context, image, present, others: Vec::new(), sources: BTreeSet::new() })
    }
}
