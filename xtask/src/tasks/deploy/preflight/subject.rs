//! What a preflight is about: the stack as its files say, and as much of the engine as there is.

use std::rc::Rc;

use serde_json::Value;

use super::super::guards;
use super::super::look::{Looked, read};
use crate::audit::Audit;
use crate::engine::{Engine, Info};
use crate::error::{Kind, Result};
use crate::model::Model;
use crate::project::{DeploySettings, Stack};
use crate::surroundings::Host;
use crate::tasks::{Context, hidden};

pub struct Subject<'c> {
    pub cx: &'c Context<'c>,
    pub stack: &'c Stack,
    pub settings: &'c DeploySettings,
    /// Complete also where variables are missing.
    pub model: Model,
    /// As Compose renders it, else as we read it.
    pub json: Value,
    /// The stack on the engine; else why there is none.
    pub looked: std::result::Result<Looked<'c>, String>,
    pub engine: std::result::Result<(Rc<dyn Engine>, Info), String>,
    env: Vec<(String, String)>,
}

impl<'c> Subject<'c> {
    /// # Errors
    /// The files cannot be read (`Unusable`), or somebody wants to stop.
    pub fn look(cx: &'c Context<'c>, stack: &'c Stack, tag: Option<&str>) -> Result<Subject<'c>> {
        let settings = cx.project.deploy(&stack.id);
        let env: Vec<(String, String)> = tag.map(|tag| (settings.tag.clone(), tag.to_string())).into_iter().collect();
        let mut environment = cx.environment.clone();
        environment.extend(env.iter().cloned());
        let model = read(stack, &environment)?;
        let secrets = hidden::of_project(cx, std::iter::once(&model));
        cx.masker.replace(hidden::masker(&secrets));
        let looked = match Looked::look(cx, stack, tag) {
            Ok(looked) => Ok(looked),
            Err(error) if matches!(error.kind, Kind::Interrupted | Kind::Unusable) => return Err(error),
            Err(error) => Err(error.to_string()),
        };
        let rendered = looked.as_ref().ok().and_then(|looked| looked.rendered.as_ref().ok());
        let json = rendered.map_or_else(|| model.json(), |rendered| rendered.json.clone());
        let engine = match &cx.doors.engine {
            Some(engine) => engine.info().map(|info| (engine.clone(), info)).map_err(|error| error.to_string()),
            None => Err(cx.doors.no_engine.clone()),
        };
        Ok(Subject { cx, stack, settings, model, json, looked, engine, env })
    }

    /// By the policy for production, on the engine's machine.
    ///
    /// # Errors
    /// A policy cannot be read.
    pub fn audit(&self) -> Result<Audit> {
        let host = self.engine.as_ref().ok().map(|(_, info)| Host { cpus: info.cpus as f64, memory_bytes: info.memory_bytes });
        guards::audited(self.cx, self.stack, &self.env, host)
    }

    /// The services that are started, as they render.
    pub fn services(&self) -> impl Iterator<Item = (&str, &Value)> {
        let all = self.json.get("services").and_then(Value::as_object).into_iter().flatten();
        all.map(|(name, service)| (name.as_str(), service))
    }

    /// The name of a volume or network on the engine.
    pub fn real_name(&self, kind: &str, key: &str) -> String {
        let given = self.json.get(kind).and_then(|all| all.get(key)?.get("name")?.as_str());
        given.map_or_else(|| format!("{}_{key}", self.model.name), String::from)
    }
}
