//! Whether a patch does what its fixes say, and nothing else: in memory before it is written, and again from
//! the files afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value as Json;

use super::look::{model_of, users_model};
use crate::audit::Audit;
use crate::finding::{Change, Finding, Fix};
use crate::model::Environment;
use crate::project::Stack;
use crate::source::Files;

/// Every stack as it renders; `None` where it does not.
pub type Renders = BTreeMap<String, Option<Rendered>>;

/// What Compose would run.
pub struct Rendered {
    /// With all profiles, and as the stack's users call it.
    models: [Json; 2],
    /// Every file that was read for it.
    pub reads: BTreeSet<PathBuf>,
}

pub fn renders(stacks: &[Stack], files: &dyn Files, environment: &Environment) -> Renders {
    let render = |stack: &Stack| {
        let whole = model_of(stack, files, environment).ok()?;
        // What its users do not need does not matter to them.
        let users = users_model(stack, files, environment).map_or(Json::Null, |model| model.json());
        let reads = whole.sources.iter().map(|source| source.path.clone()).collect();
        Some(Rendered { models: [whole.json(), users], reads })
    };
    stacks.iter().map(|stack| (stack.id.clone(), render(stack))).collect()
}

/// What differs in the stacks of `after` from before beyond what the fixes declare, as sentences without values.
pub fn beyond(before: &Renders, after: &Renders, fixes: &[&Fix]) -> Vec<String> {
    let mut why = Vec::new();
    for (stack, new) in after {
        match (before.get(stack).and_then(Option::as_ref), new) {
            (Some(old), Some(new)) => {
                let here = fixes.iter().filter(|fix| old.reads.contains(&fix.file));
                let changes: Vec<&Change> = here.flat_map(|fix| &fix.changes).collect();
                for (old, new) in old.models.iter().zip(&new.models) {
                    let mut expected = old.clone();
                    changes.iter().filter(|change| concerns(change, old)).for_each(|change| change.make(&mut expected));
                    if expected != *new {
                        let place = differing(&expected, new, String::new()).unwrap_or_default();
                        why.push(format!("stack {stack} would render otherwise than declared at {place}"));
                        break;
                    }
                }
            }
            (Some(_), None) => why.push(format!("stack {stack} would not render any more")),
            // It did not render before either.
            (None, _) => {}
        }
    }
    why
}

/// A change is about the stacks that have its service.
fn concerns(change: &Change, model: &Json) -> bool {
    match change.path.as_slice() {
        [section, name, ..] if section == "services" => model.get(section).and_then(|services| services.get(name)).is_some(),
        _ => !model.is_null(),
    }
}

/// The first place, in the order of keys, at which two models differ.
fn differing(one: &Json, other: &Json, place: String) -> Option<String> {
    if one == other {
        return None;
    }
    match (one, other) {
        (Json::Object(one), Json::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            let below = |key: &&String| {
                let place = if place.is_empty() { (*key).clone() } else { format!("{place}.{key}") };
                differing(one.get(*key).unwrap_or(&Json::Null), other.get(*key).unwrap_or(&Json::Null), place)
            };
            keys.iter().find_map(below).or(Some(place.clone()))
        }
        _ => Some(place),
    }
}

/// What a finding is, whatever its lines, words and place in a list.
pub(super) type Identity = (String, std::path::PathBuf, Option<String>, String, String);

pub(super) fn identity(finding: &Finding) -> Identity {
    let place = finding.place.split('[').next().unwrap_or_default().to_string();
    (finding.rule.to_string(), finding.file.clone(), finding.service.clone(), place, finding.about.clone())
}

fn counted(audit: &Audit) -> BTreeMap<Identity, usize> {
    let mut counted = BTreeMap::new();
    audit.findings.iter().for_each(|entry| *counted.entry(identity(&entry.finding)).or_default() += 1);
    counted
}

/// Whether the fixed findings are gone and no other appeared; what is not so, as sentences. `after` may be of
/// fewer stacks.
pub fn unsettled(before: &Audit, after: &Audit, fixed: &[usize]) -> Vec<String> {
    let mut why: Vec<String> = after
        .gaps
        .iter()
        .filter(|gap| before.gaps.iter().all(|old| old.stack != gap.stack))
        .map(|gap| format!("stack {} could not be judged any more: {}", gap.stack, gap.error))
        .collect();
    let (mut old, new) = (counted(before), counted(after));
    let fixed_findings = fixed.iter().map(|number| &before.findings[*number].finding);
    let revealed: BTreeSet<(&str, Option<&str>)> = fixed_findings
        .flat_map(|finding| finding.fix.iter().flat_map(|fix| fix.reveals).map(|rule| (*rule, finding.service.as_deref())))
        .collect();
    for number in fixed {
        let identity = identity(&before.findings[*number].finding);
        if let Some(count) = old.get_mut(&identity) {
            *count -= 1;
        }
    }
    // A comment that a fix has made idle does no harm.
    for (identity, count) in new.iter().filter(|(identity, _)| identity.0 != "unused-suppression") {
        let (rule, file, service, place, _) = identity;
        if *count > old.get(identity).copied().unwrap_or(0) && !revealed.contains(&(rule.as_str(), service.as_deref())) {
            why.push(format!("{rule} would be found at {place} of {}", before.relative(file).display()));
        }
    }
    why
}
