//! Who refers to what the engine keeps: every stack of the project, running or not, with every profile; releases, runs
//! and backups. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::stock::{Claims, Kind};
use crate::actions::{Action, Receipt, World};
use crate::backup::BUILT;
use crate::engine::{Container, Engine, Spec};
use crate::error::Result;
use crate::model::{self, Model, Unset};
use crate::project::Stack;
use crate::release::Releases;
use crate::saga::prepared;
use crate::source::Disk;
use crate::tasks::backup::newest::{self, engine_key};
use crate::tasks::{Context, call};
use crate::yaml::expand;

/// What the project refers to.
#[derive(Default)]
pub struct Referred {
    pub claims: Claims,
    /// The compose projects of each stack, by its id.
    pub projects: BTreeMap<String, BTreeSet<String>>,
    /// Stacks of which not everything is known, and why.
    pub unread: Vec<String>,
}

pub fn look(cx: &Context<'_>, engine: &dyn Engine, containers: &[Container]) -> Result<Referred> {
    let mut referred = Referred::default();
    let (key, state) = (engine_key(&engine.known()?.id), cx.state_folder()?);
    for stack in &cx.project.stacks {
        declared(cx, engine, stack, &mut referred)?;
        for (of, releases) in Releases::of_stack(&state, &stack.id)? {
            if of == key {
                released(stack, &releases, &mut referred)?;
            }
        }
    }
    runs(cx, &mut referred.claims)?;
    if BUILT {
        for stored in newest::all(cx)?.unwrap_or_default().into_iter().filter(|stored| stored.summary.engine == key) {
            for volume in &stored.summary.volumes {
                referred.claims.name(Kind::Volume, volume, format!("the backup {} would be restored to it", stored.summary.name));
            }
        }
    }
    shared(cx, containers, &mut referred);
    Ok(referred)
}

/// With every profile; where services of several contradict each other, as its users call it.
fn declared(cx: &Context<'_>, engine: &dyn Engine, stack: &Stack, referred: &mut Referred) -> Result<()> {
    let whole = model::load(&Disk, &call::whole(stack, Unset::Fail), &cx.environment);
    let model = match whole {
        Ok(model) => model,
        Err(why) => {
            referred.unread.push(format!("stack {} does not render with all its profiles: {why}", stack.id));
            match model::load(&Disk, &call::of(stack, Unset::StandIn), &cx.environment) {
                Ok(model) => model,
                Err(_) => return Ok(()),
            }
        }
    };
    let (project, json) = (model.name.clone(), model.json());
    referred.projects.entry(stack.id.clone()).or_default().insert(project.clone());
    let claims = &mut referred.claims;
    let who = format!("stack {} declares it", stack.id);
    for (section, kind) in [("volumes", Kind::Volume), ("networks", Kind::Network)] {
        for (key, value) in json.get(section).and_then(Json::as_object).into_iter().flatten() {
            claims.key(kind, &project, key, &who);
            let name = value.get("name").and_then(Json::as_str).map_or_else(|| format!("{project}_{key}"), String::from);
            claims.name(kind, name, &who);
        }
        // What no service uses is in no rendering, but it is declared.
        for (key, name) in written(&model, section) {
            claims.key(kind, &project, &key, &who);
            claims.name(kind, name.unwrap_or_else(|| format!("{project}_{key}")), &who);
        }
    }
    claims.name(Kind::Network, format!("{project}_default"), format!("stack {} joins its services by it", stack.id));
    for (service, value) in json.get("services").and_then(Json::as_object).into_iter().flatten() {
        claims.key(Kind::Container, &project, service, format!("stack {} declares its service", stack.id));
        let named = value.get("image").and_then(Json::as_str).map(String::from);
        let built = [format!("{project}-{service}"), format!("{project}_{service}")];
        for name in named.into_iter().chain(built) {
            if let Some(image) = engine.image(&name)? {
                claims.name(Kind::Image, image.id, format!("stack {} names it", stack.id));
            }
        }
    }
    Ok(())
}

/// What the files say at their top, and the names that hold no variable.
fn written(model: &Model, section: &str) -> Vec<(String, Option<String>)> {
    let documents = model.sources.iter().flat_map(|source| source.documents());
    let values = documents.filter_map(|document| expand(document, 0).ok());
    let mut found = Vec::new();
    for value in values {
        for (key, field) in value.get(section).and_then(|section| section.as_map()).into_iter().flatten() {
            let name = field.value.get("name").and_then(|name| name.as_str()).filter(|name| !name.contains('$'));
            found.push((key.clone(), name.map(String::from)));
        }
    }
    found
}

/// What a release would be brought back with.
fn released(stack: &Stack, releases: &Releases, referred: &mut Referred) -> Result<()> {
    for release in releases.list()? {
        referred.projects.entry(stack.id.clone()).or_default().insert(release.project.clone());
        let (claims, who) = (&mut referred.claims, format!("release {} of {} would be brought back with it", release.id, stack.id));
        let blobs = releases.blobs(&release.id)?;
        for service in release.services.values() {
            claims.name(Kind::Image, &service.image_id, &who);
            for content in service.containers.values() {
                let spec = Spec::from_bytes(&blobs.get(content)?)?;
                spec.volumes().into_iter().for_each(|volume| claims.name(Kind::Volume, volume, &who));
                spec.networks().into_iter().for_each(|network| claims.name(Kind::Network, network, &who));
            }
        }
    }
    Ok(())
}

/// Images whose names a rollback would give back.
fn runs(cx: &Context<'_>, claims: &mut Claims) -> Result<()> {
    for view in cx.store.history()?.into_iter().filter(|view| view.state.is_committed() || view.state.is_open()) {
        // What another version has written is not known; its rollback is refused as well.
        let Ok(done) = prepared::<World, Action>(&view.entries) else { continue };
        for undoable in done {
            let before = match &undoable.receipt {
                Receipt::Pulled(pulled) => pulled.before.clone(),
                Receipt::Named(named) => named.before.clone(),
                _ => None,
            };
            if let Some(id) = before {
                claims.name(Kind::Image, id, format!("the rollback of run {} would give it its name back", view.id));
            }
        }
    }
    Ok(())
}

/// Compose projects are told apart by their names alone; their containers say which folder they are of.
fn shared(cx: &Context<'_>, containers: &[Container], referred: &mut Referred) {
    let ours: BTreeSet<&String> = referred.projects.values().flatten().collect();
    let root = cx.project.root.canonicalize().unwrap_or_else(|_| cx.project.root.clone());
    for container in containers {
        let label = |name: &str| container.labels.get(name).filter(|value| !value.is_empty());
        let (Some(project), Some(folder)) = (label("com.docker.compose.project"), label("com.docker.compose.project.working_dir")) else {
            continue;
        };
        let path = std::path::Path::new(folder);
        let inside = path.starts_with(&cx.project.root) || path.canonicalize().is_ok_and(|path| path.starts_with(&root));
        if ours.contains(project) && !inside {
            referred.claims.shared(project, folder);
        }
    }
}
