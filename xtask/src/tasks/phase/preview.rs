//! What is told of every phase before anybody is asked.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::survey::Survey;
use crate::project::Stack;

/// What the caller should know of the project beyond the plan.
pub fn warnings(survey: &Survey<'_>) -> Vec<String> {
    let mut by_project: BTreeMap<&str, Vec<&Stack>> = BTreeMap::new();
    for view in &survey.views {
        by_project.entry(&view.model.name).or_default().push(view.stack);
    }
    // What shares its first file is one stack in two forms.
    by_project.retain(|_, stacks| stacks.iter().any(|stack| stack.files[0] != stacks[0].files[0]));
    // Compose takes stacks of one project name for one another's orphans.
    let shared = by_project.into_iter().map(|(project, stacks)| {
        let stacks = stacks.iter().map(|stack| stack.id.as_str()).collect::<Vec<_>>().join(" and ");
        format!(
            "{stacks} share the compose project `{project}`: `--remove-orphans` on one removes the others' containers; give each a `name:`"
        )
    });
    let unseen = survey.broken.iter().filter(|broken| !broken.chosen);
    shared
        .chain(unseen.map(|broken| format!("stack {} does not render, so nothing is known about it: {}", broken.stack.id, broken.why)))
        .collect()
}

/// Whether the file is not its owner's alone.
pub fn others_may_read(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o077 != 0)
}
