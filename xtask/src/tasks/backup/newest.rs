//! The backups that there are of a stack, for whoever goes by them. The repository is read once.

use super::place;
use crate::backup::Stored;
use crate::error::Result;
use crate::saga::Sha;
use crate::tasks::Context;

/// What an engine is called in backups and in the folders of releases.
pub fn engine_key(id: &str) -> String {
    Sha::of(id.as_bytes()).as_str()[..12].to_string()
}

/// All that counts in the usual repository, oldest first; `None` where there is none.
///
/// # Errors
/// It cannot be opened or read, or was there and is gone.
pub fn all(cx: &Context<'_>) -> Result<Option<Vec<Stored>>> {
    let place = place::of(cx, None)?;
    if !place::there(cx, &place)? {
        return Ok(None);
    }
    place::open(cx, &place)?.stored().map(Some)
}

/// Those of one stack. A repository may hold others that are called the same: of another compose project, or another
/// engine, where one is known.
pub fn of_stack<'s>(
    stored: &'s [Stored],
    stack: &'s str,
    project: &'s str,
    engine: Option<&'s str>,
) -> impl DoubleEndedIterator<Item = &'s Stored> {
    stored.iter().filter(move |stored| {
        let summary = &stored.summary;
        summary.stack == stack && summary.project == project && engine.is_none_or(|engine| summary.engine == engine)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::Summary;

    #[test]
    fn what_is_called_the_same_elsewhere_is_another_one() {
        let stored = |project: &str, engine: &str| Stored {
            summary: Summary { stack: "db".into(), project: project.into(), engine: engine.into(), ..Summary::default() },
            snapshot: String::new(),
            added_bytes: 0,
        };
        let all = [stored("shop", "here"), stored("shop", "there"), stored("other", "here")];
        assert_eq!(of_stack(&all, "db", "shop", Some("here")).count(), 1);
        assert_eq!(of_stack(&all, "db", "shop", None).count(), 2);
        assert_eq!(of_stack(&all, "web", "shop", None).count(), 0);
    }
}
