//! The proof that every stack renders as before. It starts again from the files: nothing of the plan is
//! believed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::before::{Asked, Before, Told};
use super::change::{Change, Kind};
use super::equal::differences;
use super::live::{self, Asking};
use super::survey::{Survey, survey};
use crate::actions::{Said, World};
use crate::error::Result;
use crate::event::Event;
use crate::saga::{Proof, Verdict};
use crate::source::{Disk, real};
use crate::tasks::Context;

/// What a phase declares that may differ.
#[derive(Debug, Clone, Default)]
pub struct Permitted {
    /// These variables may be new ...
    pub variables: BTreeSet<String>,
    /// ... in services that load one of these files.
    pub files: BTreeSet<PathBuf>,
    /// Stack, service and variable: those that come to have another value.
    pub changed: BTreeSet<(String, String, String)>,
}

/// Services that gain variables, as `stack/service: NAMES`.
pub type Gains = BTreeMap<(String, String), BTreeSet<String>>;

impl Permitted {
    fn allows(&self, survey: &Survey<'_>, stack: &str, service: &str, name: &str) -> bool {
        let view = survey.views.iter().find(|view| view.stack.id == stack);
        let loaded = view.and_then(|view| view.model.env_files.get(service));
        let written = |path: &Path| self.files.contains(path) || self.files.contains(&real(path));
        self.variables.contains(name) && loaded.is_some_and(|files| files.iter().any(|file| written(&file.path)))
    }

    fn changes(&self, stack: &str, service: &str, name: &str) -> bool {
        self.changed.contains(&(stack.to_string(), service.to_string(), name.to_string()))
    }
}

/// A stack that would not render as before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unequal {
    /// Whether it is one of those whose files may be changed.
    pub chosen: bool,
    pub why: String,
}

/// Whether every stack renders as before, in `after`; differences beyond what is permitted are
/// complete sentences without values.
pub fn rendered_equal(before: &Before, after: &Survey<'_>, permitted: &Permitted, gains: &mut Gains) -> Vec<Unequal> {
    let mut why: Vec<Unequal> = Vec::new();
    for broken in after.broken.iter().filter(|broken| before.renderings.contains_key(&broken.stack.id)) {
        let text = format!("stack {} does not render any more: {}", broken.stack.id, broken.why);
        why.push(Unequal { chosen: broken.chosen, why: text });
    }
    for view in &after.views {
        let stack = &view.stack.id;
        let Some(old) = before.renderings.get(stack) else { continue };
        let new = &view.rendering;
        let pairs = [(&old.users, &new.users), (old.full.as_ref().unwrap_or(&old.users), new.full.as_ref().unwrap_or(&new.users))];
        let mut seen = BTreeSet::new();
        for (old, new) in pairs {
            let found = differences(old, new);
            for (service, name) in &found.gained {
                gains.entry((stack.clone(), service.clone())).or_default().insert(name.clone());
            }
            let may_gain = |service: &str, name: &str| permitted.allows(after, stack, service, name);
            seen.extend(found.beyond(may_gain, |service, name| permitted.changes(stack, service, name)));
        }
        why.extend(seen.into_iter().map(|difference| Unequal { chosen: view.chosen, why: format!("stack {stack}: {difference}") }));
    }
    why
}

/// Everything that can be proven of the rendered stacks without touching a container.
pub struct Rendered<'a> {
    pub cx: &'a Context<'a>,
    pub before: &'a Before,
    pub permitted: &'a Permitted,
    pub chosen: &'a [String],
    pub asked: Option<&'a Asked<'a>>,
}

impl<'a> Rendered<'a> {
    /// The project as it is now where that holds, else why it does not.
    pub fn prove(&self, proof: &mut Proof) -> Result<std::result::Result<Survey<'a>, Vec<String>>> {
        let cx = self.cx;
        let chosen: Vec<_> = cx.project.stacks.iter().filter(|stack| self.chosen.contains(&stack.id)).collect();
        let started = Instant::now();
        let label = "every stack renders as before".to_string();
        cx.events.emit(Event::ProofStarted { label: label.clone() });
        let after = survey(&cx.project, &chosen, &Disk, &cx.environment, cx.git.as_ref())?;
        let unequal = rendered_equal(self.before, &after, self.permitted, &mut Gains::new());
        let mut why: Vec<String> = unequal.into_iter().map(|unequal| unequal.why).collect();
        let mut detail = format!("{} of {} (built-in renderer)", after.views.len(), self.before.renderings.len());
        if let (Some(asked), Some(told)) = (self.asked, &self.before.compose) {
            why.extend(self.compose_equal(asked, told, &after));
            detail = format!("{detail}, and docker compose {} from the root and from elsewhere", asked.compose.version);
        }
        if !why.is_empty() {
            cx.events.emit(Event::ProofFails { label, why: why.clone() });
            return Ok(Err(why));
        }
        proof.proven.push(format!("{label}: {detail}"));
        cx.events.emit(Event::ProofHolds { label, detail, took: started.elapsed() });
        if self.asked.is_none() {
            not_proven(cx, proof, "docker compose renders as before", "Docker Compose 2.20 or later");
        }
        Ok(Ok(after))
    }

    fn compose_equal(&self, asked: &Asked<'_>, told: &BTreeMap<String, Told>, after: &Survey<'_>) -> Vec<String> {
        let mut why = Vec::new();
        for view in &after.views {
            let stack = &view.stack.id;
            let Some(old) = told.get(stack) else { continue };
            let new = match asked.tell(&self.cx.project, view.stack) {
                Ok(new) => new,
                Err(error) => {
                    why.push(format!("stack {stack}: {error}"));
                    continue;
                }
            };
            let found = differences(&old.users, &new.users);
            let may_gain = |service: &str, name: &str| self.permitted.allows(after, stack, service, name);
            let beyond = found.beyond(may_gain, |service, name| self.permitted.changes(stack, service, name));
            why.extend(beyond.into_iter().map(|difference| format!("stack {stack} (docker compose): {difference}")));
            let others: BTreeSet<&str> = found.gained.iter().chain(&found.changed).map(|(service, _)| service.as_str()).collect();
            for (service, hash) in &old.hashes {
                if new.hashes.get(service) != Some(hash) && !others.contains(service.as_str()) {
                    why.push(format!("stack {stack}: `up` would recreate {service}: its configuration's hash has changed"));
                }
            }
        }
        why
    }
}

/// Asks the running stacks again what they were asked before.
pub fn prove_live(cx: &Context<'_>, asking: &[Asking], label: &str, mut proof: Proof) -> Result<Verdict> {
    let Some(live) = cx.live() else {
        let needs = if cx.doors.engine.is_none() { "an engine" } else { "Docker Compose 2.20 or later" };
        not_proven(cx, &mut proof, label, needs);
        return Ok(Verdict::Holds(proof));
    };
    if asking.is_empty() {
        not_proven(cx, &mut proof, label, "a stack of this project that runs");
        return Ok(Verdict::Holds(proof));
    }
    let label = label.to_string();
    cx.events.emit(Event::ProofStarted { label: label.clone() });
    let started = Instant::now();
    // What was recreated has other containers now.
    let asking = live::again(&live, asking)?;
    let said = live::ask(&live, &asking, &cx.masker.borrow())?;
    let why: Vec<String> = said.unwell.into_iter().chain(said.refused).collect();
    if !why.is_empty() {
        cx.events.emit(Event::ProofFails { label, why: why.clone() });
        return Ok(Verdict::Bad(why));
    }
    for proven in &said.proven {
        cx.events.emit(Event::ProofHolds { label: "live".into(), detail: proven.clone(), took: started.elapsed() });
    }
    proof.proven.extend(said.proven);
    for (label, needs) in said.not_proven {
        not_proven(cx, &mut proof, &label, &needs);
    }
    Ok(Verdict::Holds(proof))
}

/// The env files that were written and that `git add` would take: another rule may take back what the
/// ignore file says. One that git tracks was the caller's own decision.
pub fn seen_by_git(cx: &Context<'_>, changes: &[Change]) -> Result<Vec<String>> {
    let Some(git) = &cx.git else { return Ok(Vec::new()) };
    let mut seen = Vec::new();
    for change in changes.iter().filter(|change| change.kind == Kind::Env) {
        let path = cx.project.relative(&change.path);
        if !git.tracked(path)? && !git.ignored(path)? {
            seen.push(format!("git does not ignore {}: a `!` rule of another .gitignore takes it back", path.display()));
        }
    }
    if !seen.is_empty() {
        cx.events.emit(Event::ProofFails { label: "git ignores what holds credentials".into(), why: seen.clone() });
    }
    Ok(seen)
}

/// What the steps have proven, told beside what is proven after them.
pub fn on_the_way(cx: &Context<'_>, world: &World) -> Proof {
    let mut proof = Proof::default();
    for said in world.said.take() {
        match said {
            Said::Proven { label, detail } => {
                proof.proven.push(format!("{label}: {detail}"));
                cx.events.emit(Event::ProofHolds { label, detail, took: Duration::ZERO });
            }
            Said::NotProven { label, needs } => not_proven(cx, &mut proof, &label, &needs),
        }
    }
    proof
}

pub fn not_proven(cx: &Context<'_>, proof: &mut Proof, label: &str, needs: &str) {
    proof.not_proven.push(format!("{label} (needs {needs})"));
    cx.events.emit(Event::NotProven { label: label.to_string(), needs: needs.to_string() });
}
