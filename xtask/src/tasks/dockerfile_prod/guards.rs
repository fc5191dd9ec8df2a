//! What must hold before anything is touched.

use std::path::PathBuf;

use super::Options;
use super::activate::Activation;
use super::files::File;
use super::look::Looked;
use crate::error::Result;
use crate::guards::{self, Checked};
use crate::tasks::Context;

pub fn guards(cx: &Context<'_>, options: &Options, looked: &Looked<'_>, files: &[File], activation: &Activation) -> Result<Vec<Checked>> {
    let below = |path: &std::path::Path| cx.project.relative(path).to_path_buf();
    let changed: Vec<&File> = files.iter().filter(|file| file.changes()).collect();
    let foreign = changed.iter().filter_map(|file| Some(format!("{} {}", below(&file.path).display(), file.is_of_somebody()?)));
    let masker = cx.masker.borrow();
    let helps = looked.refused.iter().map(|refused| masker.mask(&format!("{}: {}", refused.why, refused.help)).into_owned()).collect();
    let tells = |file: &&&File| masker.mask(&file.after) != file.after;
    let telling =
        changed.iter().filter(tells).map(|file| format!("{} would hold a secret of the project", below(&file.path).display())).collect();
    let edited = activation.edits.iter().map(|edit| below(&edit.path));
    let mut paths: Vec<PathBuf> = changed.iter().map(|file| below(&file.path)).chain(edited.clone()).collect();
    paths.sort();
    paths.dedup();
    let mut all = vec![
        Checked::new(
            "stacks-render",
            looked.unread.clone(),
            "make the stack render (`cargo xtask render STACK`), or name only stacks that do",
        ),
        Checked::new("known-services", helps, "what is said in xtask.yaml wins over what is detected; `skip: true` leaves a service out"),
        Checked::new(
            "own-files",
            foreign.collect(),
            "move it away, or leave the service out with `skip: true`; a file of somebody's is never overwritten",
        ),
        Checked::new(
            "no-secrets",
            telling,
            "take it out of the command or the Dockerfile first: `cargo xtask security-fix` moves credentials into .env",
        ),
        guards::replaceable(&cx.project.root, &paths),
        Checked::new(
            "activation",
            activation.refused.clone(),
            "the production stack must name the service; see `role: prod` in xtask.yaml",
        ),
        engine(cx, !changed.is_empty()),
    ];
    if let (Some(git), false) = (&cx.git, options.allow_dirty) {
        let existing: Vec<PathBuf> =
            changed.iter().filter(|file| file.before.is_some()).map(|file| below(&file.path)).chain(edited).collect();
        all.push(guards::clean_in_git(git, &existing, &cx.left_by_us()?)?);
    }
    Ok(all)
}

/// An image that nobody has built is not proven.
fn engine(cx: &Context<'_>, needed: bool) -> Checked {
    let why = match (&cx.doors.engine, &cx.doors.compose) {
        (None, _) => Some(cx.doors.no_engine.clone()),
        (_, None) => Some("Docker Compose 2.20 or later is not installed".to_string()),
        _ => None,
    };
    let why = why.filter(|_| needed).into_iter().collect();
    Checked::new("engine", why, "start Docker: each image is built and started before its files are kept")
}
