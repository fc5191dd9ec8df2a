//! How a stack is read and how Compose is called for it, so that both mean the same project and profiles
//! wherever those are set: a child of ours gets no `COMPOSE_` variable.

use std::collections::BTreeSet;

use crate::actions::StackCall;
use crate::error::Result;
use crate::model::{self, Call, Environment, Model, Unset};
use crate::project::Stack;
use crate::source::Files;

/// As the stack's users call it.
pub fn of(stack: &Stack, unset: Unset) -> Call {
    Call { files: stack.files.clone(), env_files: stack.env_files.clone(), profiles: stack.profiles.clone(), project_name: None, unset }
}

/// The same with the services of every profile.
pub fn whole(stack: &Stack, unset: Unset) -> Call {
    Call { profiles: vec!["*".into()], ..of(stack, unset) }
}

/// The profiles that the model was read with: those of the settings, else `COMPOSE_PROFILES`, exported or of
/// the stack's `.env`.
pub fn profiles(stack: &Stack, model: &Model) -> Vec<String> {
    if !stack.profiles.is_empty() {
        return stack.profiles.clone();
    }
    let set = model.lookup("COMPOSE_PROFILES").unwrap_or_default();
    set.split(',').map(str::trim).filter(|profile| !profile.is_empty()).map(String::from).collect()
}

/// The call that gives Compose the project and the profiles of this model.
pub fn for_compose(stack: &Stack, model: &Model) -> StackCall {
    StackCall { profiles: profiles(stack, model), ..unread(stack, &model.name) }
}

/// For a stack whose files cannot be read; the project's name comes from elsewhere.
pub fn unread(stack: &Stack, project: &str) -> StackCall {
    StackCall {
        stack: stack.id.clone(),
        project: project.to_string(),
        files: stack.files.clone(),
        env_files: stack.env_files.clone(),
        profiles: stack.profiles.clone(),
        env: Vec::new(),
    }
}

/// The services of every profile.
///
/// # Errors
/// `Unusable`: the files cannot be read.
pub fn services(stack: &Stack, files: &dyn Files, environment: &Environment) -> Result<BTreeSet<String>> {
    let model = model::load(files, &whole(stack, Unset::StandIn), environment)?;
    Ok(model.services().map(String::from).collect())
}
