//! Every variable that the stack requires has a value.

use std::collections::{BTreeMap, BTreeSet};

use crate::guards::Checked;
use crate::model::{Found, Model};

/// `model` was loaded for somebody who only looks, so that all that is missing is told at once. A
/// variable with neither a value nor a default counts: Compose would go on with nothing in its place.
pub fn variables_are_set(model: &Model) -> Checked {
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for reference in model.references.iter().filter(|reference| reference.found == Found::StandIn || reference.is_warned_of()) {
        let users = missing.entry(&reference.name).or_default();
        users.extend(reference.service.as_deref());
    }
    let mut why: Vec<String> = missing
        .into_iter()
        .map(|(name, users)| match users.len() {
            0 => format!("{name} is not set or empty"),
            _ => format!("{name} is not set or empty; needed by {}", users.into_iter().collect::<Vec<_>>().join(", ")),
        })
        .collect();
    for (service, files) in &model.env_files {
        for file in files.iter().filter(|file| file.required && file.source.is_none()) {
            why.push(format!("{} is not there; {service} loads it as env_file", file.path.display()));
        }
    }
    Checked::new(
        "variables",
        why,
        "give them values in the stack's .env or export them; `cargo xtask render STACK` shows what Compose would get",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Call, Environment, Unset, load};
    use crate::source::{Disk, Overlay};

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let text = "services:\n  web: {image: 'a:${TAG:?set}', env_file: gone.env, environment: {A: '${PASSWORD}', B: '${PORT:-80}', C: '${PASSWORD}'}}\n";
        let mut files = Overlay::new(&Disk);
        files.set("/nowhere/a/compose.yaml", Some(text.into()));
        let call = Call { files: vec!["/nowhere/a/compose.yaml".into()], unset: Unset::StandIn, ..Call::default() };
        let why = |environment: &[(&str, &str)]| {
            let environment: Environment = environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            variables_are_set(&load(&files, &call, &environment).unwrap()).refusal.unwrap().why
        };
        let file = "/nowhere/a/gone.env is not there; web loads it as env_file";
        assert_eq!(why(&[]), ["PASSWORD is not set or empty; needed by web", "TAG is not set or empty; needed by web", file]);
        assert_eq!(why(&[("TAG", ""), ("PASSWORD", "x")]), ["TAG is not set or empty; needed by web", file]);
        assert_eq!(why(&[("TAG", "1"), ("PASSWORD", "x")]), [file]);
    }
}
