//! What running containers say: are the stacks well, and do their servers accept the credentials as
//! rendered? Asked before the change, as a guard, and after it, as a proof.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;

use super::survey::{Survey, View};
use crate::actions::{Live, StackCall};
use crate::engine::Listed;
use crate::error::Result;
use crate::proof::Verdict;
use crate::proof::credential::{self, Answer, Login};
use crate::proof::health;
use crate::secret::{Masker, Secret};
use crate::tasks::call;

/// How long a container without a health check must stay as it is to count as well.
pub const SETTLE: Duration = Duration::from_secs(2);

/// One running stack and what is asked of it.
pub struct Asking {
    pub call: StackCall,
    /// The services that have a container which runs, or should.
    pub services: Vec<String>,
    /// Service, container and login: those whose password the phase is about.
    pub logins: Vec<(String, String, Login)>,
}

/// What the running stacks said.
#[derive(Default)]
pub struct Said {
    pub unwell: Vec<String>,
    pub refused: Vec<String>,
    pub proven: Vec<String>,
    /// What could not be proven, and what it would need.
    pub not_proven: Vec<(String, String)>,
}

/// The stacks that run, and what to ask of them: the logins whose password the phase is about too. What somebody has stopped, or what is done, is none of
/// them: it serves nobody, and starting it is not for this task.
pub fn running(live: &Live, survey: &Survey<'_>, is_asked_for: &dyn Fn(&Secret) -> bool) -> Result<Vec<Asking>> {
    let mut asking = Vec::new();
    for view in &survey.views {
        let call = stack_call(view);
        let by_service = by_service(&awake(live, health::containers(live.engine.as_ref(), &call.running())?)?);
        if by_service.is_empty() {
            continue;
        }
        let logins = logins(&view.rendering.users, &by_service, is_asked_for);
        asking.push(Asking { call, services: by_service.into_keys().collect(), logins });
    }
    Ok(asking)
}

pub fn stack_call(view: &View<'_>) -> StackCall {
    call::for_compose(view.stack, &view.model)
}

fn awake(live: &Live, containers: Vec<Listed>) -> Result<Vec<Listed>> {
    let mut awake = Vec::new();
    for listed in containers {
        if live.engine.container(&listed.id)?.is_some_and(|container| !container.is_asleep()) {
            awake.push(listed);
        }
    }
    Ok(awake)
}

fn by_service(containers: &[Listed]) -> BTreeMap<String, String> {
    let service = |container: &Listed| container.labels.get("com.docker.compose.service").cloned();
    containers.iter().filter_map(|container| Some((service(container)?, container.id.clone()))).collect()
}

fn logins(model: &Json, containers: &BTreeMap<String, String>, is_asked_for: &dyn Fn(&Secret) -> bool) -> Vec<(String, String, Login)> {
    let mut found = Vec::new();
    for (service, container) in containers {
        let Some(rendered) = model.get("services").and_then(|services| services.get(service)) else { continue };
        for login in credential::rendered_logins(rendered) {
            if is_asked_for(&login.password) {
                found.push((service.clone(), container.clone(), login));
            }
        }
    }
    found
}

/// The same questions to the containers that serve now.
pub fn again(live: &Live, asking: &[Asking]) -> Result<Vec<Asking>> {
    let mut now = Vec::new();
    for stack in asking {
        let containers = by_service(&health::containers(live.engine.as_ref(), &stack.call.running())?);
        let logins = stack.logins.iter().map(|(service, container, login)| {
            let container = containers.get(service).unwrap_or(container).clone();
            (service.clone(), container, login.clone())
        });
        now.push(Asking { call: stack.call.clone(), services: stack.services.clone(), logins: logins.collect() });
    }
    Ok(now)
}

/// Asks every running stack for its health and its servers for their credentials.
pub fn ask(live: &Live, asking: &[Asking], masker: &Masker) -> Result<Said> {
    let mut said = Said::default();
    for stack in asking {
        let name = &stack.call.stack;
        match health::prove(live.engine.as_ref(), &stack.call.running(), &stack.services, SETTLE, masker, &live.cancel)? {
            Verdict::Holds { detail } => said.proven.push(format!("{name} is well: {detail}")),
            Verdict::Fails { why } => {
                said.unwell.extend(why.into_iter().map(|why| format!("stack {name}: {why}")));
                // An ill server's word about passwords is worth nothing.
                continue;
            }
            Verdict::NotProven { needs } => said.not_proven.push((format!("{name} is well"), needs)),
        }
        for (service, container, login) in &stack.logins {
            let label = format!("{service} of {name} accepts its credential over the network");
            match credential::check(live.engine.as_ref(), container, login, masker)? {
                Answer::Accepted => said.proven.push(format!("{label}, and refuses a wrong one")),
                Answer::Refused(why) => {
                    said.refused.push(format!("{service} of stack {name} refuses the credential that its file holds: {why}"))
                }
                Answer::ProvesNothing(why) => said.not_proven.push((label, format!("a server that refuses a wrong one: {why}"))),
                Answer::CannotCheck(why) => said.not_proven.push((label, why)),
            }
        }
    }
    Ok(said)
}
