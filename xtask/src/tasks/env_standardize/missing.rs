//! Variables that the compose files use and no env file sets.

use std::collections::BTreeSet;
use std::path::Path;

use super::loads::reads_main;
use super::phase::survey::Survey;
use super::phase::usage::referenced;
use crate::dotenv::quote;

/// A line for the root's `.env`: the name and what stands behind its `=`, quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub name: String,
    pub value: String,
    /// Nothing says what it should be.
    pub required: bool,
}

/// What can be added without a change of what renders: the one default that stands everywhere, or nothing where
/// nothing stands. `defined` are the names that the root's `.env` has or gets; `given` are given to each run.
pub fn missing(survey: &Survey<'_>, main: &Path, defined: &BTreeSet<String>, given: &[&str]) -> Vec<Line> {
    let used = referenced(survey, |view| reads_main(view, main));
    let unset = used.into_iter().filter(|(name, usage)| {
        // A name alone would be handed on as empty, and `:+` would stand in.
        // What each run is given would be stood in for unseen.
        usage.unset && !usage.bare && !usage.replaced && !defined.contains(name) && !given.contains(&name.as_str())
    });
    unset
        .filter_map(|(name, usage)| {
            let mut defaults = usage.defaults.iter();
            let default = match (defaults.next(), defaults.next(), usage.required) {
                (None, _, _) => "",
                (Some(one), None, false) if !one.contains('$') => one,
                _ => return None,
            };
            // Only Compose's own quotes and escapes are known to read back.
            Some(Line { value: quote(default), required: usage.required, name })
        })
        .collect()
}

/// The lines as a section.
pub fn section(lines: &[Line]) -> String {
    let line = |line: &Line| match line.required {
        true => format!("# required: it has no default\n{}=", line.name),
        false => format!("{}={}", line.name, line.value),
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}
