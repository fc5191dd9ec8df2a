//! The new texts of compose files and of env files that git tracks: a variable where a credential
//! stood, every other byte as it was.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Kind};
use super::name::Variable;
use super::spot::Spot;
use super::survey::{Looked, Survey, locate, names_variables};
use crate::dotenv::{with_values, written_with};
use crate::project::Project;
use crate::text::{Span, TextEdit, apply};
use crate::yaml::{Data, ScalarEdit, verified};

/// The changed files, and the places that are left alone.
pub struct Rewritten {
    pub changes: Vec<Change>,
    /// The spots that stay as they are.
    pub stay: BTreeSet<usize>,
    /// The reason for each of their values, with its place.
    pub left: Vec<String>,
}

/// A value that cannot be changed where it stands, and why.
type Stuck = (Span, String);

/// Puts the variables in the place of the credentials. A value that cannot be changed where it stands
/// stays, and everything else is changed without it.
pub fn rewrite(project: &Project, survey: &Survey<'_>, spots: &[Spot], variables: &[Variable]) -> Rewritten {
    let mut by_spot: BTreeMap<usize, &Variable> = BTreeMap::new();
    for variable in variables {
        by_spot.extend(variable.spots.iter().map(|spot| (*spot, variable)));
    }
    let mut result = Rewritten { changes: Vec::new(), stay: BTreeSet::new(), left: Vec::new() };
    for looked in &survey.files {
        let mine = spots.iter().enumerate().filter(|(_, spot)| spot.file == looked.path);
        let mut replaced: Vec<(&Spot, String)> =
            mine.clone().filter_map(|(number, spot)| Some((spot, reference(by_spot.get(&number)?)))).collect();
        while !replaced.is_empty() {
            match if looked.env { env(looked, &replaced) } else { compose(looked, &replaced) } {
                Ok(after) => {
                    result.changes.push(Change {
                        path: looked.path.clone(),
                        kind: if looked.env { Kind::SharedEnv } else { Kind::Compose },
                        before: Some(looked.text.clone()),
                        after,
                        secrets: looked.evidence.iter().map(|evidence| evidence.source).collect(),
                    });
                    break;
                }
                Err((span, why)) => {
                    let known = replaced.len();
                    replaced.retain(|(spot, _)| spot.scalar != span);
                    if replaced.len() == known {
                        // The reason is no single value's: nothing of this file is changed.
                        replaced.clear();
                    }
                    result.left.push(format!("{}: {why}", locate(project, looked, span)));
                }
            }
        }
        let stays = |spot: &Spot| !replaced.iter().any(|(other, _)| std::ptr::eq(*other, spot));
        result.stay.extend(mine.filter(|(_, spot)| stays(spot)).map(|(number, _)| number));
    }
    result
}

/// What stands in a file for a variable: an unset one stops Compose with a word of what to do.
fn reference(variable: &Variable) -> String {
    let name = &variable.name;
    // `:?` also refuses an empty value.
    let operator = if variable.value.expose().is_empty() { "?" } else { ":?" };
    format!("${{{name}{operator}set {name} in .env}}")
}

fn compose(looked: &Looked, replaced: &[(&Spot, String)]) -> Result<String, Stuck> {
    let mut wanted = Vec::new();
    for (span, edits) in by_scalar(replaced) {
        let old = decoded(looked, span);
        let new = apply(old, &edits).map_err(|_| (span, "two credentials overlap in one value".to_string()))?;
        wanted.push(ScalarEdit { span, text: new });
    }
    verified(&looked.text, &wanted).map_err(|refusal| (refusal.span, refusal.why))
}

fn env(looked: &Looked, replaced: &[(&Spot, String)]) -> Result<String, Stuck> {
    let mut changes = Vec::new();
    for (span, edits) in by_scalar(replaced) {
        let entry = looked
            .entries
            .iter()
            .find(|entry| entry.value_span == span)
            .ok_or_else(|| (span, "no entry stands at this place".to_string()))?;
        let [edit] = edits.as_slice() else { return Err((span, "two credentials stand in one value".into())) };
        let part = edit.span.start..edit.span.end;
        changes.push((entry, written_with(&looked.text, entry, names_variables(&looked.text, entry), part, &edit.text)));
    }
    let at = |line: usize| changes.iter().find(|(entry, _)| entry.line == line).map_or(Span::default(), |(entry, _)| entry.value_span);
    with_values(&looked.text, &changes).map_err(|refusal| (at(refusal.line), refusal.why))
}

/// The replacements in the decoded text of each scalar.
fn by_scalar(replaced: &[(&Spot, String)]) -> BTreeMap<Span, Vec<TextEdit>> {
    let mut scalars: BTreeMap<Span, Vec<TextEdit>> = BTreeMap::new();
    for (spot, by) in replaced {
        let edit = TextEdit { span: Span::new(spot.cut.start, spot.cut.end), text: by.clone() };
        scalars.entry(spot.scalar).or_default().push(edit);
    }
    scalars
}

/// What a scalar reads as; a number or a boolean is taken as it is written.
fn decoded(looked: &Looked, span: Span) -> &str {
    match looked.scalars.get(&span) {
        Some(Data::Str(text)) => text,
        _ => span.slice(&looked.text),
    }
}
