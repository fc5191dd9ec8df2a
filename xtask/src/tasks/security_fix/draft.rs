//! The change as a value: what every file would hold, which link would be made, what git would
//! forget. Nothing is written here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::change::{Change, Kind};
use super::hidden::Hidden;
use super::home::{Home, home, link_target};
use super::lines::{self, Line, defined};
use super::name::Variable;
use super::rewrite::Rewritten;
use super::spot::{Spot, Where};
use super::survey::{Survey, View};
use super::{Options, rendering};
use crate::actions::Symlink;
use crate::error::Result;
use crate::git::Git;
use crate::model::Environment;
use crate::project::{Project, Stack};
use crate::source::{Files, Overlay, text_of};

#[derive(Default)]
pub struct Draft {
    /// In the order in which they are to be written: a variable is there before anything needs it.
    pub changes: Vec<Change>,
    pub links: Vec<Symlink>,
    /// Below the root.
    pub untrack: Vec<PathBuf>,
    /// Env files that git tracks and that would hold a secret.
    pub tracked: Vec<String>,
    /// Stacks that no value can be brought to, and why.
    pub closed: Vec<String>,
}

const HEADING: &str = "Credentials that stood in compose files";
const CARRIER: &str = "Compose reads the .env of this folder: these are copies from the root one";
const EXAMPLE: &str = "Required: Compose stops while one of these is missing";

/// What a draft is made for.
pub struct Drafting<'a> {
    pub project: &'a Project,
    pub survey: &'a Survey<'a>,
    pub spots: &'a [Spot],
    pub variables: &'a [Variable],
    pub options: &'a Options,
    pub git: Option<&'a Git>,
    pub files: &'a dyn Files,
    pub environment: &'a Environment,
    /// The env file where the values live. Absolute.
    pub main: PathBuf,
}

impl<'a> Drafting<'a> {
    /// Everything that goes with the rewritten files.
    pub fn draft(&self, rewritten: Rewritten) -> Result<Draft> {
        let mut draft = Draft::default();
        if rewritten.changes.is_empty() && self.seen_homes().next().is_none() {
            return Ok(draft);
        }
        let all: Vec<&Variable> = self.variables.iter().collect();
        let mut env: Vec<Change> = self.env_change(&self.main, HEADING, &all)?.into_iter().collect();
        self.homes(&rewritten.changes, &mut env, &mut draft)?;
        let (ignore, untrack) = self.hidden(&env, &mut draft)?;
        draft.changes.extend(ignore);
        draft.changes.extend(env);
        draft.changes.extend(rewritten.changes);
        draft.changes.extend(self.example()?);
        draft.untrack = untrack;
        Ok(draft)
    }

    /// The variables that a file lacks, added; nothing when it has them all.
    fn env_change(&self, path: &Path, heading: &str, variables: &[&Variable]) -> Result<Option<Change>> {
        let before = self.text(path)?;
        let defined = defined(path, before.as_deref().unwrap_or(""))?;
        let missing: Vec<&&Variable> = variables.iter().filter(|v| !v.bound && !defined.contains(&v.name)).collect();
        if missing.is_empty() {
            return Ok(None);
        }
        let lines: Vec<Line<'_>> = missing.iter().map(|v| Line { name: &v.name, value: v.value.expose(), of: "" }).collect();
        let after = lines::env(before.as_deref(), heading, &lines);
        Ok(Some(Change { path: path.to_path_buf(), kind: Kind::Env, before, after, secrets: Vec::new() }))
    }

    /// Brings the values to every stack whose users' own call does not read the main file.
    fn homes(&self, rewritten: &[Change], env: &mut Vec<Change>, draft: &mut Draft) -> Result<()> {
        let mut by_home: BTreeMap<Home, Vec<&View<'_>>> = BTreeMap::new();
        for view in self.survey.views.iter().filter(|view| self.used_by(view).next().is_some()) {
            by_home.entry(home(self.project, view.stack, &self.main, self.git)?).or_default().push(view);
        }
        for (home, views) in by_home {
            let used: Vec<&Variable> =
                self.variables.iter().filter(|variable| views.iter().any(|view| self.uses(view, variable))).collect();
            if used.iter().all(|variable| variable.bound) {
                continue;
            }
            match home {
                Home::Main => draft.closed.extend(self.unread_main(&views)),
                Home::Closed(why) => draft.closed.push(why),
                Home::Own(path) => env.extend(self.env_change(&path, HEADING, &used)?),
                Home::Missing(path) => match self.link(&path, rewritten, env)? {
                    Some(link) => draft.links.push(link),
                    None => env.extend(self.env_change(&path, CARRIER, &used)?),
                },
            }
        }
        Ok(())
    }

    /// A second file beside `.env` is read only by a stack that names it.
    fn unread_main(&self, views: &[&View<'_>]) -> Vec<String> {
        let by_default =
            |view: &&&View<'_>| self.options.strict && view.stack.env_files.is_none() && view.stack.folder() == self.project.root;
        views.iter().filter(by_default).map(|view| format!("stack {}: its users' call reads only .env", view.stack.id)).collect()
    }

    fn used_by<'s>(&'s self, view: &'s View<'_>) -> impl Iterator<Item = &'s Variable> {
        self.variables.iter().filter(move |variable| self.uses(view, variable))
    }

    fn uses(&self, view: &View<'_>, variable: &Variable) -> bool {
        variable.spots.iter().any(|spot| view.reads(&self.spots[*spot].file))
    }

    /// A link to the main file, where every stack of the folder renders the same under it.
    fn link(&self, path: &Path, rewritten: &[Change], env: &[Change]) -> Result<Option<Symlink>> {
        // Every stack of the folder will read through the link, also one that nobody named; what does
        // not render cannot be judged.
        let here = |stack: &Stack| stack.env_files.is_none() && stack.folder().join(".env") == *path;
        if self.survey.broken.iter().any(|broken| here(broken.stack)) {
            return Ok(None);
        }
        let Some(main) = env.iter().find(|change| change.path == self.main).map(|change| change.after.clone()).or(self.text(&self.main)?)
        else {
            return Ok(None);
        };
        // These would change what a call means, not only what it renders to.
        if defined(&self.main, &main)?.iter().any(|name| name.starts_with("COMPOSE_")) {
            return Ok(None);
        }
        let mut planned = Overlay::new(self.files);
        for change in rewritten.iter().chain(env) {
            planned.set(&change.path, Some(change.after.clone().into_bytes()));
        }
        planned.set(path, Some(main.into_bytes()));
        for view in self.survey.views.iter().filter(|view| here(view.stack)) {
            let after = rendering::render(&planned, view.stack, self.environment);
            if !after.is_ok_and(|(_, after)| after.equals_but_for(&view.rendering, |name| self.introduces(name))) {
                return Ok(None);
            }
        }
        let below = self.project.relative(path).to_path_buf();
        Ok(Some(Symlink { path: below, target: link_target(path, &self.main) }))
    }

    /// Whether this is one of the variables that a service may come to see.
    fn introduces(&self, name: &str) -> bool {
        self.variables.iter().any(|variable| !variable.bound && variable.name == name)
    }

    /// Env files of `${}` values that git has, with credentials in them.
    fn seen_homes(&self) -> impl Iterator<Item = &Path> {
        self.survey.files.iter().filter(|looked| looked.home && !looked.evidence.is_empty()).map(|looked| looked.path.as_path())
    }

    /// What git must ignore, and what it must forget first.
    fn hidden(&self, env: &[Change], draft: &mut Draft) -> Result<(Option<Change>, Vec<PathBuf>)> {
        let mut secret: BTreeSet<&Path> = env.iter().map(|change| change.path.as_path()).collect();
        secret.insert(&self.main);
        secret.extend(self.seen_homes());
        let hidden = Hidden::of(self.project, self.git, self.files, secret)?;
        draft.tracked = hidden.tracked.iter().map(|path| path.display().to_string()).collect();
        Ok((hidden.ignore, hidden.tracked))
    }

    /// The example gets a line for every variable, and never a value.
    fn example(&self) -> Result<Option<Change>> {
        let path = lines::example_path(&self.project.root);
        let before = self.text(&path)?;
        let of: Vec<String> = self.variables.iter().map(|variable| used_where(self.spots, variable)).collect();
        let lines: Vec<Line<'_>> = self.variables.iter().zip(&of).map(|(v, of)| Line { name: &v.name, value: "", of }).collect();
        let after = lines::example(before.as_deref(), EXAMPLE, &lines);
        let same = before.as_deref().unwrap_or("") == after;
        Ok((!same).then_some(Change { path, kind: Kind::Example, before, after, secrets: Vec::new() }))
    }

    fn text(&self, path: &Path) -> Result<Option<String>> {
        text_of(self.files, path)
    }
}

/// "used by timescaledb, workspace".
pub fn used_where(spots: &[Spot], variable: &Variable) -> String {
    let mut used: Vec<String> = Vec::new();
    for spot in variable.spots.iter().map(|number| &spots[*number]) {
        let of_file = || spot.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let places = if spot.place == Where::EnvFile { vec![of_file()] } else { spot.services.clone() };
        for place in places {
            if !used.contains(&place) {
                used.push(place);
            }
        }
    }
    format!("used by {}", used.join(", "))
}
