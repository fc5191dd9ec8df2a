//! A review of a project's stacks: development beside production, what is good and what is missing, what to
//! do first. Everything in it is computed from the models and from an audit by every rule.

mod aspects;
mod chapters;
mod checklist;
mod compliance;
mod facts;
mod seen;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::Serialize;

use super::audit::{Request, Scope, look, model_of};
use crate::audit::Audit;
use crate::error::Result;
use crate::finding::Priority;
use crate::model::Environment;
use crate::policy::{Date, Policy};
use crate::project::{Role, Stack};
use crate::rules;

pub use aspects::Aspect;
pub use chapters::{Advice, Chapter, Missing};
pub use checklist::{Item, List};
pub use compliance::{Requirement, Status};
pub use facts::Side;
use seen::Asked;

/// The whole review, as data.
#[derive(Debug, Serialize)]
pub struct Review {
    /// With the rules that a role's policy turns off, too.
    #[serde(skip)]
    pub audit: Audit,
    pub summary: Vec<String>,
    pub status: Status,
    pub pairs: Vec<Pair>,
    pub chapters: Vec<Chapter>,
    pub advice: Vec<(Priority, Vec<Advice>)>,
    pub checklist: Vec<List>,
    pub compliance: Vec<Requirement>,
    /// What is to be done before production starts.
    pub steps: Vec<Item>,
}

/// The stacks of one folder, by role.
#[derive(Debug, Serialize)]
pub struct Pair {
    pub folder: String,
    pub sides: Vec<Side>,
    pub aspects: Vec<Aspect>,
}

/// Reviews what was asked for. What cannot be read is a gap of its audit.
pub fn review(request: &Request, folder: &Path, environment: &Environment, today: Date) -> Result<Review> {
    let request = Request { fixes: true, ..request.clone() };
    let mut scope = Scope::resolve(&request, folder)?;
    let every = scope.policies.with_every_rule();
    let asked: Vec<Asked> =
        [Role::Dev, Role::Prod].into_iter().flat_map(|role| asked(role, scope.policies.of(role), every.of(role))).collect();
    scope.policies = every;
    let audit = look(&scope, &scope.files, &request, &[], environment, today)?;
    let mut pairs: Vec<(String, Vec<Side>)> = Vec::new();
    for stack in &scope.stacks {
        // What does not render is a gap already.
        let Ok(model) = model_of(stack, &scope.files, environment) else { continue };
        let folder = audit.relative(stack.folder()).display().to_string();
        let at = pairs.iter().position(|(known, _)| *known == folder).unwrap_or_else(|| {
            pairs.push((folder, Vec::new()));
            pairs.len() - 1
        });
        let role = role(stack, &request);
        let sides = &mut pairs[at].1;
        let side = sides.iter().position(|side| side.role == role).unwrap_or_else(|| {
            sides.push(Side::new(role));
            sides.len() - 1
        });
        sides[side].add(&stack.id, &audit.relative(stack.files.last().unwrap_or(&stack.files[0])).display().to_string(), &model.json());
    }
    Ok(of(audit, pairs, &asked))
}

/// A stack without a role is judged as prod.
fn role(stack: &Stack, request: &Request) -> Role {
    request.role.or(stack.role).unwrap_or(Role::Prod)
}

fn asked(role: Role, policy: &Policy, every: &Policy) -> Vec<Asked> {
    let one = |rule: &'static rules::Rule| Asked {
        role,
        rule: rule.name,
        severity: every.severity(rule.name),
        off: policy.severity(rule.name).is_none(),
    };
    rules::all().map(one).collect()
}

fn of(audit: Audit, pairs: Vec<(String, Vec<Side>)>, asked: &[Asked]) -> Review {
    let pairs: Vec<Pair> = pairs
        .into_iter()
        .map(|(folder, mut sides)| {
            sides.sort_by_key(|side| side.role == Role::Prod);
            let seen = seen::Seen::new(&audit, sides.iter(), asked);
            Pair { folder, aspects: aspects::aspects(&sides, &seen), sides }
        })
        .collect();
    let seen = seen::Seen::new(&audit, pairs.iter().flat_map(|pair| &pair.sides), asked);
    let compliance = compliance::requirements(&seen);
    let status = compliance.iter().map(|requirement| requirement.status).max().unwrap_or(Status::Pass);
    let (summary, chapters, advice) = (compliance::summary(&compliance, &seen), chapters::chapters(&seen), chapters::advice(&seen));
    let (checklist, steps) = (checklist::checklist(&seen), checklist::steps(&seen));
    Review { summary, status, chapters, advice, checklist, compliance, steps, pairs, audit }
}
