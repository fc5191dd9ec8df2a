//! Which of the moved credentials git's history holds, and how each is changed by hand.

use super::prepare::Proposal;
use super::report::Burned;
use super::spot::{Spot, Where};
use crate::catalogue::{self, Rotation, ServerKind, server_kind};
use crate::error::Result;
use crate::git::{Git, Wanted};
use crate::project::Project;

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
            since: seen.commit.as_ref().map(|(commit, day)| format!("{commit} ({day})")),
            files: seen.paths.clone(),
            rotation: rotation(project, proposal, &spots, &variable.name),
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

fn rotation(project: &Project, proposal: &Proposal, spots: &[&Spot], variable: &str) -> Vec<String> {
    // The service that the credential opens says best how it is changed.
    let own = spots.iter().find_map(|spot| Some((*spot, kind_of(proposal, spot.service())?)));
    let (spot, kind) = match own {
        Some((spot, kind)) => (spot, Some(kind)),
        None => (spots[0], None),
    };
    let file = project.relative(&spot.file).display().to_string();
    let compose = if spot.place == Where::EnvFile { "docker compose".to_string() } else { format!("docker compose -f {file}") };
    let user = user_of(proposal, spot, kind);
    let about =
        Rotation { compose: &compose, service: if spot.service().is_empty() { "SERVICE" } else { spot.service() }, user: &user, variable };
    if spot.token && kind.is_none() {
        return catalogue::token_rotation(about);
    }
    catalogue::rotation(kind, about)
}

fn kind_of(proposal: &Proposal, service: &str) -> Option<&'static ServerKind> {
    let rendered = rendered(proposal, service)?;
    server_kind(rendered.get("image")?.as_str()?)
}

fn rendered<'p>(proposal: &'p Proposal, service: &str) -> Option<&'p serde_json::Value> {
    let models = proposal.before.renderings.values();
    models.map(|rendering| rendering.full.as_ref().unwrap_or(&rendering.users)).find_map(|model| model.get("services")?.get(service))
}

fn user_of(proposal: &Proposal, spot: &Spot, kind: Option<&ServerKind>) -> String {
    let named = spot.account.as_ref().and_then(|account| account.user.clone());
    let set = || {
        let environment = rendered(proposal, spot.service())?.get("environment")?;
        kind?.keys.user.iter().find_map(|key| Some(environment.get(key)?.as_str()?.to_string()))
    };
    let fallback = || kind.map_or_else(|| "USER".to_string(), |kind| kind.default_user.clone());
    named.or_else(set).unwrap_or_else(fallback)
}
