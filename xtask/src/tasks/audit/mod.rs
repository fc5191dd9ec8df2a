//! Looks at stacks and says what the policies find in them. Touches nothing.

mod fix;
mod host;
mod look;
mod policies;
mod scope;
mod since;
pub(in crate::tasks) mod verify;
mod version;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::audit::{Audit, Since};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::model::Environment;
use crate::policy::Date;
use crate::project::Role;
use crate::rules;
use crate::surroundings::Host;

pub use fix::{Fixed, Options, fix};
pub use host::{described, free_memory_bytes, this_machine};
pub use look::look;
pub(super) use look::{look_at_stacks, model_of};
pub use scope::Scope;

/// What shall be looked at, and how.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Stacks by id, compose files, folders, or `-` for standard input; none: all stacks of the project.
    pub targets: Vec<String>,
    /// Files that are one stack together, in order.
    pub files: Vec<PathBuf>,
    /// The role to judge by, whatever the files' names say.
    pub role: Option<Role>,
    /// A policy to lay over the project's.
    pub policy: Option<PathBuf>,
    /// Only these rules; none: all.
    pub only: Vec<String>,
    /// Whether findings shall carry their fixes.
    pub fixes: bool,
    /// Only what this change brings.
    pub since: Option<Since>,
    /// The machine that the stacks shall run on, if that is known.
    pub host: Option<Host>,
    /// The number of threads; `None`: one for each core.
    pub jobs: Option<NonZeroUsize>,
    /// Whoever asks it ends the look with [`crate::error::Kind::Interrupted`].
    pub cancel: Cancel,
}

/// Looks at everything that was asked for. What cannot be read is a gap of the audit, not an error.
pub fn audit(request: &Request, folder: &std::path::Path, environment: &Environment, today: Date) -> Result<Audit> {
    let only = named_rules(&request.only)?;
    if let Some(since) = &request.since {
        return since::brought(request, since, folder, &only, environment, today);
    }
    let scope = Scope::resolve(request, folder)?;
    look(&scope, &scope.files, request, &only, environment, today)
}

/// The rules of these names; an unknown name is refused with the nearest one.
pub fn named_rules(names: &[String]) -> Result<Vec<&'static str>> {
    names
        .iter()
        .map(|name| {
            rules::named(name).map(|rule| rule.name).ok_or_else(|| {
                let error = Error::unusable(format!("there is no rule `{name}`"));
                match crate::text::nearest(name, rules::all().map(|rule| rule.name)) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help("`cargo xtask explain` lists the rules"),
                }
            })
        })
        .collect()
}
