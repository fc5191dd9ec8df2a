//! A stack as its users call it, and with every profile: what must be equal before and after.

use serde_json::Value as Json;

use super::equal::differences;
use crate::error::Result;
use crate::model::{self, Environment, Model, Unset};
use crate::project::Stack;
use crate::source::Files;
use crate::tasks::call;

/// What Compose would run.
#[derive(Clone, PartialEq)]
pub struct Rendering {
    pub users: Json,
    /// With every profile; `None` where that renders the same, or does not render.
    pub full: Option<Json>,
}

impl Rendering {
    /// Whether this is `before` still, except that services may have gained these variables.
    pub fn equals_but_for(&self, before: &Rendering, may_gain: impl Fn(&str) -> bool) -> bool {
        let full = |rendering: &'_ Rendering| rendering.full.clone().unwrap_or_else(|| rendering.users.clone());
        let pairs = [(&before.users, &self.users), (&full(before), &full(self))];
        pairs.iter().all(|(old, new)| differences(old, new).beyond(|_, name| may_gain(name), |_, _| false).is_empty())
    }
}

/// The richest model that the stack has, and what it renders to.
pub fn render(files: &dyn Files, stack: &Stack, environment: &Environment) -> Result<(Model, Rendering)> {
    let model = model::load(files, &call::of(stack, Unset::Fail), environment)?;
    let users = model.json();
    // Services of profiles that nobody starts together may contradict each other.
    let Ok(full) = model::load(files, &call::whole(stack, Unset::Fail), environment) else {
        return Ok((model, Rendering { users, full: None }));
    };
    let json = full.json();
    let rendering = if json == users { Rendering { users, full: None } } else { Rendering { users, full: Some(json) } };
    Ok((full, rendering))
}
