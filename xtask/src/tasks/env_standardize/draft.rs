//! The change as a value: what every file would hold. Nothing is written here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::OnConflict;
use super::copies::{Copies, copies};
use super::loads::{Fate, Load, loads};
use super::merge::{Clash, Merged, append, legacy, merge};
use super::missing::{Line, missing, section};
use super::phase::change::{Change, Kind};
use super::phase::example::example_change;
use super::phase::hidden::Hidden;
use super::phase::lines::defined;
use super::phase::show;
use super::phase::survey::{Survey, survey};
use super::pins::{Pinning, Pins};
use super::rewrite::{Rewritten, rewrite};
use crate::error::Result;
use crate::git::Git;
use crate::model::Environment;
use crate::project::{EnvMode, Project, Stack};
use crate::source::{Files, Overlay, text_of};

/// What a draft is made for.
pub struct Drafting<'a> {
    pub project: &'a Project,
    pub survey: &'a Survey<'a>,
    pub chosen: &'a [&'a Stack],
    pub files: &'a dyn Files,
    pub environment: &'a Environment,
    pub git: Option<&'a Git>,
    pub on_conflict: Option<OnConflict>,
}

pub struct Draft {
    /// In the order in which they are to be written: a variable is there before anything needs it.
    pub changes: Vec<Change>,
    pub loads: Vec<Load>,
    pub merged: Merged,
    pub added: Vec<Line>,
    pub pins: Pins,
    /// Lines of folders' own env files that nothing reads any more.
    pub copies: Vec<Copies>,
    /// Files that cannot be changed, in words.
    pub left: Vec<String>,
    /// Env files with values that git tracks, below the root.
    pub tracked: Vec<PathBuf>,
    /// What the root's `.env` will define.
    pub defined: BTreeSet<String>,
    /// The root's `.env`. Absolute.
    pub main: PathBuf,
}

impl Drafting<'_> {
    pub fn draft(&self) -> Result<Draft> {
        let main = self.project.root.join(".env");
        let before = text_of(self.files, &main)?;
        let loads = loads(&self.project.root, &main, self.survey);
        let shown = |path: &Path| self.project.relative(path).display().to_string();
        let merged = merge(&main, before.as_deref(), &legacy(&loads, self.survey), self.survey, &shown);
        let mut text = merged.text.clone().or_else(|| before.clone());
        let mut names = defined(&main, text.as_deref().unwrap_or(""))?;
        let added = missing(self.survey, &main, &names, &self.project.tags());
        if !added.is_empty() {
            append(text.get_or_insert_default(), "Used by the compose files, and set nowhere until now", &section(&added));
            names.extend(added.iter().map(|line| line.name.clone()));
        }
        let explicit = self.project.settings.env_standardize.mode == EnvMode::Explicit;
        let (bare, _) = rewrite(self.survey, &loads, &[], explicit, &shown);
        let planned = self.planned(&main, text.as_deref(), &bare)?;
        let yielding = self.yielding(&merged);
        let pinning = Pinning { main: &main, before: self.survey, planned: &planned, loads: &loads, yielding: &yielding, explicit };
        let pins = pinning.pins();
        let (rewritten, left) = rewrite(self.survey, &loads, &pins.pins, explicit, &shown);
        let env = text.filter(|text| before.as_deref() != Some(text));
        let env = env.map(|after| Change { path: main.clone(), kind: Kind::Env, before: before.clone(), after, secrets: Vec::new() });
        let secret: BTreeSet<&Path> = env.iter().map(|change| change.path.as_path()).collect();
        let hidden = Hidden::of(self.project, self.git, self.files, secret)?;
        let mut changes: Vec<Change> = hidden.ignore.into_iter().chain(env).collect();
        let main_text = changes.iter().find(|change| change.path == main).map(|change| change.after.clone());
        let done = self.planned(&main, main_text.as_deref(), &rewritten)?;
        let copies = copies(self.survey, &done, &main, main_text.as_deref().or(before.as_deref()).unwrap_or(""));
        changes.extend(rewritten.into_iter().map(compose));
        changes.extend(copies.iter().map(|copies| copies.change.clone()));
        changes.extend(example_change(self.project, self.files, &done, &names)?);
        Ok(Draft { changes, loads, merged, added, pins, copies, left, tracked: hidden.tracked, defined: names, main })
    }

    /// The project with the new `.env`, and with services that load it.
    fn planned(&self, main: &Path, text: Option<&str>, rewritten: &[Rewritten]) -> Result<Survey<'_>> {
        let mut planned = Overlay::new(self.files);
        if let Some(text) = text {
            planned.set(main, Some(text.as_bytes().to_vec()));
        }
        for file in rewritten {
            planned.set(&file.path, Some(file.after.clone().into_bytes()));
        }
        survey(self.project, self.chosen, &planned, self.environment, None)
    }

    /// The variables whose value in the root's `.env` is to hold for everybody.
    fn yielding(&self, merged: &Merged) -> BTreeSet<String> {
        if self.on_conflict != Some(OnConflict::KeepRoot) {
            return BTreeSet::new();
        }
        let of_values = merged.conflicts.iter().filter(|conflict| matches!(conflict.why, Clash::Values(_)));
        of_values.map(|conflict| conflict.name.clone()).collect()
    }
}

impl Draft {
    /// The entries that do not name the root's `.env`, and could.
    pub fn legacy(&self) -> impl Iterator<Item = &Load> {
        self.loads.iter().filter(|load| matches!(load.fate, Fate::Legacy { .. }))
    }

    /// By stack the services that are configured in another way, whatever that comes to.
    pub fn services(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut services: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let loading = self.legacy().flat_map(|load| &load.services).map(|(stack, service)| (stack.as_str(), service.as_str()));
        let declared = self.pins.declared.iter().map(|(stack, service, _)| (stack.as_str(), service.as_str()));
        let pinned = self.pins.pins.iter().map(|pin| (pin.stack.as_str(), pin.service.as_str()));
        for (stack, service) in loading.chain(declared).chain(pinned) {
            services.entry(stack).or_default().insert(service);
        }
        services
    }
}

fn compose(file: Rewritten) -> Change {
    let secrets = show::credentials(&file.before);
    Change { path: file.path, kind: Kind::Compose, before: Some(file.before), after: file.after, secrets }
}
