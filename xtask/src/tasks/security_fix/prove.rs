//! The proof of phase 1. It starts again from the files: nothing of the plan is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use super::before::{Asked, Before};
use super::equal::differences;
use super::survey::{Survey, survey};
use crate::error::Result;
use crate::event::Event;
use crate::saga::{Proof, Verdict};
use crate::source::{Disk, real};
use crate::tasks::Context;

/// What the phase declares that may differ: these variables, in services that load one of these files.
pub struct Permitted {
    pub variables: BTreeSet<String>,
    pub files: BTreeSet<PathBuf>,
}

/// Services that gain variables, as `stack/service: NAMES`.
pub type Gains = BTreeMap<(String, String), BTreeSet<String>>;

impl Permitted {
    fn allows(&self, survey: &Survey<'_>, stack: &str, service: &str, name: &str) -> bool {
        let view = survey.views.iter().find(|view| view.stack.id == stack);
        let loaded = view.and_then(|view| view.model.env_files.get(service));
        let written = |path: &std::path::Path| self.files.contains(path) || self.files.contains(&real(path));
        self.variables.contains(name) && loaded.is_some_and(|files| files.iter().any(|file| written(&file.path)))
    }
}

/// Whether every stack renders as before, in `after`; differences beyond what is permitted are
/// complete sentences without values.
pub fn rendered_equal(before: &Before, after: &Survey<'_>, permitted: &Permitted, gains: &mut Gains) -> Vec<String> {
    let mut why: Vec<String> = Vec::new();
    for broken in after.broken.iter().filter(|broken| before.renderings.contains_key(&broken.stack.id)) {
        why.push(format!("stack {} does not render any more: {}", broken.stack.id, broken.why));
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
            seen.extend(found.beyond(|service, name| permitted.allows(after, stack, service, name)));
        }
        why.extend(seen.into_iter().map(|difference| format!("stack {stack}: {difference}")));
    }
    why
}

/// Everything that can be proven without touching a container.
pub struct Rendered<'a> {
    pub cx: &'a Context<'a>,
    pub before: &'a Before,
    pub permitted: &'a Permitted,
    pub chosen: &'a [String],
    pub asked: Option<&'a Asked<'a>>,
    /// Places that the caller agreed to leave alone.
    pub left: usize,
}

impl Rendered<'_> {
    pub fn prove(&self, proof: &mut Proof) -> Result<Verdict> {
        let cx = self.cx;
        let chosen: Vec<_> = cx.project.stacks.iter().filter(|stack| self.chosen.contains(&stack.id)).collect();
        let started = Instant::now();
        let label = "every stack renders as before".to_string();
        cx.events.emit(Event::ProofStarted { label: label.clone() });
        let after = survey(&cx.project, &chosen, &Disk, &cx.environment, cx.git.as_ref())?;
        let mut gains = Gains::new();
        let mut why = rendered_equal(self.before, &after, self.permitted, &mut gains);
        let mut detail = format!("{} of {} (built-in renderer)", after.views.len(), self.before.renderings.len());
        if let (Some(asked), Some(told)) = (self.asked, &self.before.compose) {
            why.extend(self.compose_equal(asked, told, &after)?);
            detail = format!("{detail}, and docker compose {} from the root and from elsewhere", asked.compose.version);
        }
        if !why.is_empty() {
            cx.events.emit(Event::ProofFails { label, why: why.clone() });
            return Ok(Verdict::Bad(why));
        }
        proof.proven.push(format!("{label}: {detail}"));
        cx.events.emit(Event::ProofHolds { label, detail, took: started.elapsed() });
        if self.asked.is_none() {
            not_proven(cx, proof, "docker compose renders as before", "Docker Compose 2.20 or later");
        }
        Ok(self.no_credential_left(&after, proof))
    }

    fn compose_equal(&self, asked: &Asked<'_>, told: &BTreeMap<String, super::before::Told>, after: &Survey<'_>) -> Result<Vec<String>> {
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
            let beyond = found.beyond(|service, name| self.permitted.allows(after, stack, service, name));
            why.extend(beyond.into_iter().map(|difference| format!("stack {stack} (docker compose): {difference}")));
            let gained: BTreeSet<&str> = found.gained.iter().map(|(service, _)| service.as_str()).collect();
            for (service, hash) in &old.hashes {
                if new.hashes.get(service) != Some(hash) && !gained.contains(service.as_str()) {
                    why.push(format!("stack {stack}: `up` would recreate {service}: its configuration's hash has changed"));
                }
            }
        }
        Ok(why)
    }

    fn no_credential_left(&self, after: &Survey<'_>, proof: &mut Proof) -> Verdict {
        let label = "no credential is left in a file that git may see".to_string();
        let started = Instant::now();
        self.cx.events.emit(Event::ProofStarted { label: label.clone() });
        let found: Vec<String> = after
            .files
            .iter()
            .flat_map(|looked| looked.evidence.iter().map(move |evidence| super::survey::locate(&self.cx.project, looked, evidence.source)))
            .collect();
        if found.len() > self.left {
            self.cx.events.emit(Event::ProofFails { label: label.clone(), why: found.clone() });
            return Verdict::Bad(vec![format!("{label}: not so at {}", found.join(", "))]);
        }
        let detail = match found.len() {
            0 => format!("{} files looked through", after.files.len()),
            some => format!("{} files looked through, {some} places left alone as agreed", after.files.len()),
        };
        proof.proven.push(format!("{label}: {detail}"));
        self.cx.events.emit(Event::ProofHolds { label, detail, took: started.elapsed() });
        Verdict::Holds(proof.clone())
    }
}

pub fn not_proven(cx: &Context<'_>, proof: &mut Proof, label: &str, needs: &str) {
    proof.not_proven.push(format!("{label} (needs {needs})"));
    cx.events.emit(Event::NotProven { label: label.to_string(), needs: needs.to_string() });
}
