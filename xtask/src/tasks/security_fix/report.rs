//! What phase 1 has done, as data for people and programs. Never holds a value.

use serde::Serialize;

use super::prepare::Proposal;

/// One variable that took the place of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    pub variable: String,
    /// `tools/compose/x.yml:12:26`.
    pub places: Vec<String>,
    /// Its value comes with the product, or asks to be replaced.
    pub well_known: bool,
    /// It was set already; only a default went away.
    pub was_set: bool,
}

/// A credential that git's history holds, so that whoever has a clone has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Burned {
    pub variable: String,
    pub well_known: bool,
    /// The oldest commit that holds it and its day; missing when only a merge brought it.
    pub since: Option<String>,
    pub files: Vec<String>,
    /// What to do by hand, a command or an act a line.
    pub rotation: Vec<String>,
}

/// The whole of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub run: Option<String>,
    pub moved: Vec<Moved>,
    /// Relative to the project's root.
    pub changed: Vec<String>,
    pub proven: Vec<String>,
    pub not_proven: Vec<String>,
    /// Places that were left alone.
    pub left: Vec<String>,
    pub burned: Vec<Burned>,
    /// What the search of history could not see.
    pub unseen: Vec<String>,
    pub next: Vec<String>,
}

impl Report {
    pub fn of(proposal: &Proposal, root: &std::path::Path) -> Report {
        let moved = proposal.variables.iter().zip(&proposal.places).map(|(variable, places)| Moved {
            variable: variable.name.clone(),
            places: places.clone(),
            well_known: variable.well_known,
            was_set: variable.bound,
        });
        let below = |path: &std::path::Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
        let mut changed: Vec<String> = proposal.draft.changes.iter().map(|change| below(&change.path)).collect();
        changed.extend(proposal.draft.links.iter().map(|link| link.path.display().to_string()));
        Report { moved: moved.collect(), changed, left: proposal.left.clone(), ..Report::default() }
    }
}
