//! What is seen of the stacks on the engine.

use std::collections::{BTreeMap, BTreeSet};

use super::running::{Seen, Sized};
use crate::engine::wait::clock;
use crate::engine::{Container, Engine};
use crate::error::Result;
use crate::model::{self, Model, STAND_IN, Unset};
use crate::project::{Role, Stack};
use crate::proof::health::{self, Running};
use crate::source::Disk;
use crate::tasks::elsewhere::elsewhere;
use crate::tasks::{Context, call};
use crate::yaml::{Data, Value};

/// A stack with its containers, running or not.
pub struct Looked<'p> {
    pub stack: &'p Stack,
    /// With the services of all profiles.
    pub model: Model,
    pub containers: Vec<Container>,
}

impl<'p> Looked<'p> {
    pub fn look(cx: &Context<'_>, engine: &dyn Engine, stack: &'p Stack) -> Result<Looked<'p>> {
        let model = model::load(&Disk, &call::whole(stack, Unset::StandIn), &cx.environment)?;
        let elsewhere = elsewhere(cx, stack, &model.name).unwrap_or_default();
        let running = Running { project: model.name.clone(), config_files: stack.files.clone(), elsewhere };
        let mut containers = Vec::new();
        for listed in health::containers(engine, &running)? {
            containers.extend(engine.container(&listed.id)?);
        }
        Ok(Looked { stack, model, containers })
    }

    pub fn container(&self, id: &str) -> Option<&Container> {
        self.containers.iter().find(|container| container.id == id)
    }

    /// The name of the image that a service runs, or would run; `None`: the files do not say it.
    pub fn image_of(&self, service: &str) -> Option<String> {
        let fields = self.model.service(service)?;
        match fields.get("image").and_then(Value::as_str) {
            Some(image) => (!image.contains(STAND_IN)).then(|| image.to_string()),
            None => fields.get("build").map(|_| format!("{}-{service}", self.model.name)),
        }
    }

    /// Its containers, and its services that should have one; nothing where it does not run.
    pub fn seen(&self, engine: &dyn Engine, now: &str) -> Vec<Seen> {
        if self.containers.is_empty() {
            return Vec::new();
        }
        let ids: Vec<String> = self.containers.iter().map(|container| container.id.clone()).collect();
        let mut probes = engine.observer().probes(&ids);
        let mut seen: Vec<Seen> = Vec::new();
        for container in &self.containers {
            seen.push(Seen {
                stack: self.stack.id.clone(),
                service: container.service().to_string(),
                container: container.name.clone(),
                has_check: container.healthcheck.is_some(),
                health: container.state.health.filter(|_| container.is_up()),
                restarts: container.restart_count,
                age_secs: clock::between(&container.created, now).map(|age| age.as_secs()),
                probes: probes.remove(&container.id).unwrap_or_default(),
            });
        }
        let there: BTreeSet<&str> = self.containers.iter().map(Container::service).collect();
        let missing = self.model.services().filter(|service| !there.contains(service) && self.should_run_checked(service));
        let missing =
            missing.map(|service| Seen { stack: self.stack.id.clone(), service: service.into(), has_check: true, ..Seen::default() });
        seen.extend(missing.collect::<Vec<_>>());
        seen
    }

    /// Whether the files give the service a health check and want a container of it.
    fn should_run_checked(&self, service: &str) -> bool {
        let Some(fields) = self.model.service(service) else { return false };
        let is_zero = |value: Option<&Value>| value.is_some_and(|value| matches!(value.data, Data::Int(0) | Data::Uint(0)));
        let check = fields.get("healthcheck").filter(|check| !check.get("disable").is_some_and(|off| off.data == Data::Bool(true)));
        let wanted = !is_zero(fields.get("scale")) && !is_zero(fields.get("deploy").and_then(|deploy| deploy.get("replicas")));
        check.is_some() && wanted && self.model.profiles_of(service).is_empty()
    }

    /// The images of its services, of the containers where there are some; and the services whose image is not here.
    pub fn images(&self, engine: &dyn Engine) -> Result<(Vec<Sized>, Vec<String>)> {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for service in self.model.services() {
            let container = self.containers.iter().find(|container| container.service() == service);
            let name = self.image_of(service).or_else(|| container.map(|container| container.image.clone()));
            let id = container.map(|container| container.image_id.clone()).or_else(|| name.clone());
            let image = id.map(|id| engine.image(&id)).transpose()?.flatten();
            let (stack, service) = (self.stack.id.clone(), service.to_string());
            match (name, image) {
                (Some(name), Some(image)) => {
                    let production = self.stack.role.map(|role| role == Role::Prod);
                    found.push(Sized { stack, service, production, image: name, id: image.id, bytes: image.size_bytes });
                }
                _ => missing.push(format!("the image of {stack} {service}, which is not on this engine")),
            }
        }
        Ok((found, missing))
    }

    /// The volumes that its files declare and its containers use, of those whose size is known.
    pub fn volumes(&self, sizes: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
        let declared = self.model.value.get("volumes").and_then(Value::as_map).into_iter().flatten();
        let declared = declared.filter_map(|(_, field)| field.value.get("name").and_then(Value::as_str).map(String::from));
        let mounts = self.containers.iter().flat_map(|container| &container.mounts);
        let mounted = mounts.filter(|mount| mount.kind == "volume").map(|mount| mount.name.clone());
        declared.chain(mounted).filter_map(|name| sizes.get(&name).map(|bytes| (name, *bytes))).collect()
    }
}
