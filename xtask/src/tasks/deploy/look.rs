//! Everything that a deploy has to know before it is a plan: what the files say, what runs, what was
//! there before. Reads only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

use serde_json::Value;

use super::inside;
use crate::actions::{Live, StackCall};
use crate::engine::compose::Compose;
use crate::engine::{Container, Engine};
use crate::error::{Error, Result};
use crate::model::{self, Environment, Model, Unset};
use crate::project::{DeploySettings, Stack};
use crate::proof::health;
use crate::registry::Reference;
use crate::release::{ContainerNow, ImageFacts, Releases, Target, image_of, targets};
use crate::secret::Secret;
use crate::source::Disk;
use crate::tasks::elsewhere::{elsewhere, made_in, roots};
use crate::tasks::{Context, call, hidden};

/// A stack as it stands on the engine, whatever its files say today.
pub struct Standing<'c> {
    pub stack: &'c Stack,
    pub settings: &'c DeploySettings,
    pub live: Rc<Live>,
    pub call: StackCall,
    /// Its containers, running or not.
    pub containers: Vec<Container>,
    /// The other folders from which it was deployed before.
    pub roots: BTreeSet<PathBuf>,
    /// What must not be shown of all this.
    pub secrets: Vec<Secret>,
}

/// One stack as it shall run, and as it runs.
pub struct Looked<'c> {
    pub standing: Standing<'c>,
    /// Our own reading, complete also where variables are missing.
    pub model: Model,
    /// The services of every profile, also of those that are not part of this deploy.
    pub declared: BTreeSet<String>,
    /// As Compose renders it; where it refuses, why: a guard then says so.
    pub rendered: std::result::Result<Rendered, String>,
}

/// What Compose makes of the files.
pub struct Rendered {
    pub json: Value,
    /// The `config-hash` label that each service would get.
    pub hashes: BTreeMap<String, String>,
}

impl<'c> Standing<'c> {
    /// `model`: today's files, where they can be read. From here on no secret of theirs, of the project or of a
    /// container is shown; that another stack does not render changes nothing of it.
    ///
    /// # Errors
    /// No engine answers or Compose is missing (`Refused`).
    fn look(cx: &'c Context<'_>, stack: &'c Stack, call: StackCall, model: Option<&Model>) -> Result<Standing<'c>> {
        let live = Rc::new(cx.live().ok_or_else(|| no_engine(cx))?);
        let call = StackCall { elsewhere: elsewhere(cx, stack, &call.project)?, ..call };
        let containers = containers(live.engine.as_ref(), &call)?;
        let mut secrets = hidden::of_project(cx, model.into_iter());
        secrets.extend(containers.iter().flat_map(hidden::of_container));
        cx.masker.replace(hidden::masker(&secrets));
        let roots = roots(cx, stack, &call.project)?;
        Ok(Standing { stack, settings: cx.project.deploy(&stack.id), live, call, containers, roots, secrets })
    }

    /// By today's files, with what they say.
    ///
    /// # Errors
    /// As above; or they cannot be read (`Unusable`).
    pub fn of_files(cx: &'c Context<'_>, stack: &'c Stack) -> Result<(Standing<'c>, Model)> {
        let model = read(stack, &cx.environment)?;
        let standing = Standing::look(cx, stack, call::for_compose(stack, &model), Some(&model))?;
        Ok((standing, model))
    }

    /// The same for who goes back: the project's name is that of the files, or that of the releases where the
    /// files of today cannot be read.
    ///
    /// # Errors
    /// As above; and when neither says the name, why the files cannot be read.
    pub fn recorded(cx: &'c Context<'_>, stack: &'c Stack) -> Result<Standing<'c>> {
        let unread = match read(stack, &cx.environment) {
            Ok(model) => return Standing::look(cx, stack, call::for_compose(stack, &model), Some(&model)),
            Err(unread) => unread,
        };
        let engine = cx.doors.engine.clone().ok_or_else(|| no_engine(cx))?;
        match Releases::projects_of(&cx.state_folder()?, &engine.known()?.id, &stack.id)?.as_slice() {
            [one] => Standing::look(cx, stack, call::unread(stack, one), None),
            _ => Err(unread),
        }
    }

    /// The other folders from whose files its containers were made.
    pub fn made_in(&self) -> BTreeSet<&PathBuf> {
        self.containers.iter().filter_map(|container| made_in(container, &self.roots)).collect()
    }

    /// The containers as the plan compares them.
    pub fn now(&self) -> Vec<ContainerNow> {
        self.containers.iter().map(now).collect()
    }
}

impl<'c> Looked<'c> {
    /// `tag`: the value for the tag variable, when the caller gives one.
    ///
    /// # Errors
    /// No engine answers or Compose is missing (`Refused`); the files cannot be read (`Unusable`).
    pub fn look(cx: &'c Context<'_>, stack: &'c Stack, tag: Option<&str>) -> Result<Looked<'c>> {
        let settings = cx.project.deploy(&stack.id);
        let mut environment = cx.environment.clone();
        let env: Vec<(String, String)> = tag.map(|tag| (settings.tag.clone(), tag.to_string())).into_iter().collect();
        environment.extend(env.iter().cloned());
        let model = read(stack, &environment)?;
        let call = StackCall { env, ..call::for_compose(stack, &model) };
        let standing = Standing::look(cx, stack, call, Some(&model))?;
        let declared = call::services(stack, &Disk, &environment)?;
        let rendered = rendered(cx, &standing.live.compose, &standing.call).and_then(|rendered| inside::hashed(cx, &standing, rendered));
        Ok(Looked { standing, model, declared, rendered })
    }

    /// The rendered model, for who comes after the guards.
    ///
    /// # Errors
    /// `Refused`: Compose does not render the stack.
    pub fn rendered(&self) -> Result<&Rendered> {
        self.rendered.as_ref().map_err(|why| Error::refused(format!("render {}", self.standing.stack.id)).why(why.clone()))
    }

    /// The services with the images that they render to.
    pub fn images(&self) -> Vec<(String, String)> {
        let json = match &self.rendered {
            Ok(rendered) => rendered.json.clone(),
            Err(_) => self.model.json(),
        };
        let services = json.get("services").and_then(Value::as_object).cloned().unwrap_or_default();
        services.iter().map(|(name, service)| (name.clone(), image_of(&json, name, service))).collect()
    }

    /// What shall run, with the ids of the images that are on the engine now.
    ///
    /// # Errors
    /// The engine does not answer (`Failed`), or Compose does not render the stack (`Refused`).
    pub fn targets(&self) -> Result<BTreeMap<String, Target>> {
        let rendered = self.rendered()?;
        let mut facts = BTreeMap::new();
        // A name that is none, as where the tag is not set, is told by the guards; engines refuse to look for it.
        for (_, image) in self.images().into_iter().filter(|(_, image)| is_name(image)) {
            if let Some(found) = self.standing.live.engine.image(&image)? {
                facts.insert(image, ImageFacts { id: found.id, volumes: found.volumes });
            }
        }
        Ok(targets(&rendered.json, &rendered.hashes, &facts, &self.standing.settings.strategy))
    }
}

fn is_name(image: &str) -> bool {
    image.starts_with("sha256:") || Reference::parse(image).is_ok()
}

/// One container as the plan compares it.
pub fn now(container: &Container) -> ContainerNow {
    let label = |name: &str| container.labels.get(&format!("com.docker.compose.{name}")).cloned().unwrap_or_default();
    let status = container.state.status;
    ContainerNow {
        id: container.id.clone(),
        service: container.service().to_string(),
        image_id: container.image_id.clone(),
        config_hash: label("config-hash"),
        compose_version: label("version"),
        running: matches!(status, crate::engine::Status::Running | crate::engine::Status::Paused),
        done: container.may_end() && status == crate::engine::Status::Exited && container.state.exit_code == 0,
    }
}

/// The stack's containers, inspected, one-offs left out.
///
/// # Errors
/// `Failed`: the engine does not answer.
pub fn containers(engine: &dyn Engine, call: &StackCall) -> Result<Vec<Container>> {
    let mut found = Vec::new();
    for listed in health::containers(engine, &call.running())? {
        found.extend(engine.container(&listed.id)?);
    }
    Ok(found)
}

pub(super) fn read(stack: &Stack, environment: &Environment) -> Result<Model> {
    model::load(&Disk, &call::of(stack, Unset::StandIn), environment)
}

pub fn rendered(cx: &Context<'_>, compose: &Compose, call: &StackCall) -> std::result::Result<Rendered, String> {
    let masker = cx.masker.borrow();
    let made = || -> Result<Rendered> {
        let json = compose.config_json(&call.call(), &masker, cx.cancel)?;
        let hashes = compose.config_hashes(json.to_string().as_bytes(), &masker, cx.cancel)?;
        Ok(Rendered { json, hashes })
    };
    made().map_err(|error| error.to_string())
}

fn no_engine(cx: &Context<'_>) -> Error {
    let why = match (&cx.doors.engine, &cx.doors.compose) {
        (None, _) => cx.doors.no_engine.clone(),
        (_, None) => "Docker Compose is not installed, or too old".to_string(),
        _ => String::new(),
    };
    Error::refused("look at what runs").why(why).help("`cargo xtask doctor` says what is missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_its_tag_is_not_looked_for() {
        assert!(is_name("shop/api:v1") && is_name("redis") && is_name("sha256:0123"));
        assert!(!is_name("shop/api:") && !is_name(""));
    }
}
