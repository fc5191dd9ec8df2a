//! What a change brings: the findings after it that were not there before it, under the policy as it is after.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::verify::{Identity, identity};
use super::version::Sides;
use super::{Request, Scope, look};
use crate::audit::{Audit, Entry, Since};
use crate::error::{Error, Kind, Result};
use crate::model::Environment;
use crate::policy::Date;
use crate::project::Project;
use crate::saga::Sha;

/// Judges both sides. A stack that could not be read before the change is one that was not there: everything
/// in it counts as new.
pub fn brought(
    request: &Request,
    since: &Since,
    folder: &Path,
    only: &[&'static str],
    environment: &Environment,
    today: Date,
) -> Result<Audit> {
    let folder = folder.canonicalize().map_err(|error| Error::io("open", folder, error).kind(Kind::Unusable))?;
    if request.targets.iter().any(|target| target == "-") {
        return Err(Error::unusable("look at what a change brings").why("standard input has no past").help("name the file instead"));
    }
    let sides = Sides::open(&Project::root_of(&folder), since, environment)?;
    let after = Scope::resolve_in(request, &folder, sides.after.as_ref())?;
    inside(&after, &sides.before.stored.top)?;
    let mut audit = look(&after, &after.files, request, only, environment, today)?;
    let before = after.before(&sides.before, &sides.moved);
    let old = look(&before, &before.files, &Request { fixes: false, ..request.clone() }, only, environment, today)?;
    keep_new(&mut audit, &old, &sides.moved);
    audit.since = Some(since.clone());
    Ok(audit)
}

/// Of a file outside the repository git knows no past: nothing in it would ever be new.
fn inside(scope: &Scope<'_>, top: &Path) -> Result<()> {
    match scope.stacks.iter().flat_map(|stack| &stack.files).find(|file| !file.starts_with(top)) {
        None => Ok(()),
        Some(file) => Err(Error::unusable(format!("look at what a change brings to {}", file.display()))
            .why(format!("it is not in the git repository {}", top.display()))
            .help("go to its repository with -C DIR")),
    }
}

/// What a finding is, and of a credential which: another value at the same place is another credential.
type Known = (Identity, Vec<Sha>);

fn known(audit: &Audit, entry: &Entry, moved: &BTreeMap<PathBuf, PathBuf>) -> Known {
    let finding = &entry.finding;
    let values = audit.texts.get(&finding.file).map_or(Vec::new(), |text| {
        let mine = text.secrets.iter().filter(|secret| secret.start < finding.span.end && finding.span.start < secret.end);
        mine.map(|secret| Sha::of(secret.slice(&text.text).as_bytes())).collect()
    });
    let mut identity = identity(finding);
    identity.1 = moved.get(&finding.file).unwrap_or(&finding.file).clone();
    (identity, values)
}

fn keep_new(audit: &mut Audit, old: &Audit, moved: &BTreeMap<PathBuf, PathBuf>) {
    let nothing = BTreeMap::new();
    let mut before: BTreeMap<Known, usize> = BTreeMap::new();
    old.findings.iter().for_each(|entry| *before.entry(known(old, entry, &nothing)).or_default() += 1);
    let new = |audit: &Audit, before: &mut BTreeMap<Known, usize>, entry: &Entry| match before.get_mut(&known(audit, entry, moved)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    let findings = std::mem::take(&mut audit.findings);
    audit.findings = findings.into_iter().filter(|entry| new(audit, &mut before, entry)).collect();
    // What was open and is suppressed now is nothing new either.
    old.suppressed.iter().for_each(|one| *before.entry(known(old, &one.entry, &nothing)).or_default() += 1);
    let suppressed = std::mem::take(&mut audit.suppressed);
    audit.suppressed = suppressed.into_iter().filter(|one| new(audit, &mut before, &one.entry)).collect();
}
