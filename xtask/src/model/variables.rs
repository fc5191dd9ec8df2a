//! The variables for `${}`: those that are exported win over env files, and those of the stack over
//! those of an included one.

use std::collections::HashMap;
use std::sync::Arc;

use super::Environment;

/// Where a variable's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Exported,
    /// The number of the env file among the model's sources.
    EnvFile(u32),
    /// Set by Compose itself: `COMPOSE_PROJECT_NAME`.
    Compose,
    Unset,
    /// Required, but missing or empty: replaced by [`super::stand_in`].
    StandIn,
}

#[derive(Default)]
pub struct Variables {
    exported: Environment,
    /// By env files, and by Compose.
    set: HashMap<String, (String, Found)>,
    /// Of the stack that includes this one: they win.
    above: Option<Arc<Variables>>,
}

impl Variables {
    pub fn exported(environment: &Environment) -> Self {
        Variables { exported: environment.clone(), ..Variables::default() }
    }

    pub fn below(above: &Arc<Variables>) -> Self {
        Variables { above: Some(above.clone()), ..Variables::default() }
    }

    /// A later value of the same level replaces an earlier one.
    pub fn set(&mut self, name: String, value: String, found: Found) {
        self.set.insert(name, (value, found));
    }

    pub fn find(&self, name: &str) -> (Option<&str>, Found) {
        if let Some(above) = &self.above {
            let found = above.find(name);
            if found.0.is_some() {
                return found;
            }
        }
        if let Some((value, Found::Compose)) = self.set.get(name) {
            return (Some(value), Found::Compose);
        }
        if let Some(value) = self.exported.get(name) {
            return (Some(value), Found::Exported);
        }
        match self.set.get(name) {
            Some((value, found)) => (Some(value), *found),
            None => (None, Found::Unset),
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).0
    }
}
