//! Which of the moved credentials git's history holds, and how each is changed by hand.

use super::change::{Change, Kind};
use super::name::Variable;
use super::prepare::Proposal;
use super::report::Burned;
use super::spot::{Spot, Where};
use crate::catalogue::{self, Rotation, ServerKind, server_kind};
use crate::error::Result;
use crate::git::{Git, Wanted};
use crate::project::{Project, Stack};

/// What a search of all reachable blobs found, and what it could not see.
pub struct Search {
    pub burned: Vec<Burned>,
    pub unseen: Vec<String>,
}

pub fn search(git: &Git, project: &Project, proposal: &Proposal) -> Result<Search> {
    let wanted: Vec<Wanted> = proposal
        .variables
        .iter()
        .map(|variable| Wanted {
            value: variable.value.clone(),
            keys: variable.spots.iter().map(|spot| proposal.spots[*spot].key.clone()).collect(),
        })
        .collect();
    let history = git.search_history(&wanted)?;
    let mut burned = Vec::new();
    for seen in &history.seen {
        let variable = &proposal.variables[seen.value];
        let spots: Vec<&Spot> = variable.spots.iter().map(|spot| &proposal.spots[*spot]).collect();
        burned.push(Burned {
            variable: variable.name.clone(),
            well_known: variable.well_known,
            since: seen.commit.as_ref().map(|(commit, day)| format!("{} ({day})", commit.get(..10).unwrap_or(commit))),
            files: seen.paths.clone(),
            rotation: rotation(project, proposal, &spots, variable),
        });
    }
    let mut unseen = Vec::new();
    let mut say = |count: usize, what: &str| {
        if count > 0 {
            unseen.push(format!("{count} {what}"));
        }
    };
    say(history.large, "blobs above 32 MiB");
    say(history.binary, "binary blobs");
    say(history.missing, "blobs that this clone does not have");
    if history.shallow {
        unseen.push("everything before the beginning of this shallow clone".to_string());
    }
    Ok(Search { burned, unseen })
}

/// The commands of the server that the credential opens, or what holds for any service.
fn rotation(project: &Project, proposal: &Proposal, spots: &[&Spot], variable: &Variable) -> Vec<String> {
    let system = variable.system.as_str();
    let holder = holder(project, proposal, spots, system);
    let kind = holder.and_then(|(_, service)| server_kind(service.get("image")?.as_str()?));
    let opens = |spot: &&&Spot| kind.is_some_and(|kind| spot_opens(spot, system, kind));
    let spot = spots.iter().find(opens);
    let compose = compose_call(project, holder.map(|(stack, _)| stack));
    let user = spot.map_or_else(String::new, |spot| user_of(holder.map(|(_, service)| service), spot, kind));
    let about = Rotation { compose: &compose, service: system, user: &user, variable: &variable.name };
    let lines = match spots.iter().any(|spot| spot.token) {
        true => catalogue::token_rotation(about),
        false => catalogue::rotation(kind.filter(|_| spot.is_some()), about),
    };
    everywhere(project, proposal, variable, lines)
}

/// Compose reads a carrier, not the file that it copies from: the new value belongs into both.
fn everywhere(project: &Project, proposal: &Proposal, variable: &Variable, lines: Vec<String>) -> Vec<String> {
    let line = format!("\n{}=", variable.name);
    let holds = |change: &&Change| change.kind == Kind::Env && change.after.contains(&line);
    let files: Vec<String> =
        proposal.draft.changes.iter().filter(holds).map(|change| project.relative(&change.path).display().to_string()).collect();
    if files.len() < 2 {
        return lines;
    }
    lines.into_iter().map(|line| line.replace("into .env as", &format!("into {} as", files.join(" and into ")))).collect()
}

/// Whether the value at a place is a password of the server itself: set there, or used in a URL to it.
fn spot_opens(spot: &Spot, system: &str, kind: &ServerKind) -> bool {
    if spot.account.is_some() {
        return true;
    }
    let own = spot.service() == system;
    own && (spot.place == Where::Argument || (spot.place == Where::Environment && kind.keys.password.contains(&spot.key)))
}

/// The stack that holds the service, and the service as it renders. Where several have one of its
/// name, it is the one whose files the credential stood in.
fn holder<'p>(project: &'p Project, proposal: &'p Proposal, spots: &[&Spot], service: &str) -> Option<(&'p Stack, &'p serde_json::Value)> {
    let rendered = |stack: &'p Stack| {
        let rendering = proposal.before.renderings.get(&stack.id)?;
        let model = rendering.full.as_ref().unwrap_or(&rendering.users);
        Some((stack, model.get("services")?.get(service)?))
    };
    let mut all: Vec<_> = project.stacks.iter().filter_map(rendered).collect();
    all.sort_by_key(|(stack, _)| !spots.iter().any(|spot| spot.service() == service && stack.files.contains(&spot.file)));
    all.first().copied()
}

fn compose_call(project: &Project, stack: Option<&Stack>) -> String {
    let files = stack.map(|stack| stack.files.iter().map(|file| format!(" -f {}", project.relative(file).display())).collect::<String>());
    format!("docker compose{}", files.unwrap_or_default())
}

fn user_of(service: Option<&serde_json::Value>, spot: &Spot, kind: Option<&ServerKind>) -> String {
    // The password of the server's own root is nobody else's.
    if spot.account.is_none() && spot.key.to_ascii_uppercase().contains("_ROOT_PASS") {
        return "root".to_string();
    }
    let named = spot.account.as_ref().and_then(|account| account.user.clone());
    let set = || {
        let environment = service?.get("environment")?;
        kind?.keys.user.iter().find_map(|key| Some(environment.get(key)?.as_str()?.to_string()))
    };
    named.or_else(set).unwrap_or_else(|| kind.map(|kind| kind.default_user.clone()).unwrap_or_default())
}
