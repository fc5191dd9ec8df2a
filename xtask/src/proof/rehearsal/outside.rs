//! What is in the networks of the rehearsed stacks and is not rehearsed itself.

use std::collections::{BTreeMap, BTreeSet};

use super::Stack;
use super::rewrite;
use crate::engine::Engine;
use crate::error::Result;

/// By the network's real name, in words. The live network tells who is in it; where nobody is, a
/// network that others made and that no second rehearsed stack is in has something missing.
///
/// # Errors
/// `Failed`: the engine does not answer.
pub(super) fn look(engine: &dyn Engine, stacks: &[Stack<'_>]) -> Result<BTreeMap<String, String>> {
    let rehearsed: BTreeSet<(&str, &str)> = stacks.iter().flat_map(|stack| rewrite::live_services(stack.model)).collect();
    let external: BTreeSet<String> = stacks.iter().flat_map(|stack| rewrite::external_networks(stack.model)).collect();
    let mut outside = BTreeMap::new();
    for name in external {
        let members = members(engine, &name)?;
        let missing: Vec<&str> = members
            .iter()
            .filter(|member| !rehearsed.contains(&(member.project.as_str(), member.service.as_str())))
            .map(|member| member.name.as_str())
            .collect();
        let in_it = stacks.iter().filter(|stack| rewrite::networks(stack.model).contains(&name)).count();
        if !missing.is_empty() {
            outside.insert(name.clone(), format!("{} in the network {name}", missing.join(", ")));
        } else if members.is_empty() && in_it < 2 {
            outside.insert(name.clone(), format!("what else is in the network {name}"));
        }
    }
    Ok(outside)
}

struct Member {
    name: String,
    project: String,
    service: String,
}

fn members(engine: &dyn Engine, network: &str) -> Result<Vec<Member>> {
    let Some(network) = engine.network(network)? else { return Ok(Vec::new()) };
    let mut members = Vec::new();
    for id in &network.containers {
        if let Some(container) = engine.container(id)? {
            let label = |name: &str| container.labels.get(&format!("com.docker.compose.{name}")).cloned().unwrap_or_default();
            members.push(Member { project: label("project"), service: label("service"), name: container.name.clone() });
        }
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(members)
}
