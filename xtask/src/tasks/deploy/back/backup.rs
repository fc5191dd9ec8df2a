//! Which backup goes back with a release.

use crate::backup::{Place, Stored};
use crate::error::{Error, Result};
use crate::release::Release;
use crate::tasks::Context;
use crate::tasks::backup::{newest, place, read};
use crate::tasks::deploy::look::Standing;
use crate::tasks::deploy::records::Recorded;

/// The one named, or the last that was made while the release ran.
pub fn chosen(
    cx: &Context<'_>,
    standing: &Standing<'_>,
    recorded: &Recorded,
    target: &Release,
    place: &Place,
    named: Option<&str>,
) -> Result<Stored> {
    let (stack, project) = (&standing.stack.id, &standing.call.project);
    let help = "`cargo xtask backup list` shows those that there are; --with-data=BACKUP names one";
    let none = |why: String| Error::refused(format!("put the data of {} back", target.id)).why(why).help(help);
    if !place::there(cx, place)? {
        return Err(none("there is no backup yet".to_string()));
    }
    let repository = place::open(cx, place)?;
    if let Some(named) = named {
        let backup = read::find(&repository, named)?;
        let summary = &backup.summary;
        return if (&summary.stack, &summary.project) == (stack, project) {
            Ok(backup)
        } else {
            Err(none(format!("{} is of the stack {} (compose project {})", summary.name, summary.stack, summary.project)))
        };
    }
    let key = newest::engine_key(&recorded.shelf.engine_id);
    let stored = repository.stored()?;
    let found = last_of(newest::of_stack(&stored, stack, project, Some(&key)), &recorded.all, &target.id);
    found.cloned().ok_or_else(|| none(format!("no backup was made while {} ran", target.id)))
}

/// By its own record, or because the deploy that replaced the release has made it: what was found running was no
/// release yet when that backup was planned.
fn last_of<'s>(stored: impl Iterator<Item = &'s Stored>, releases: &[Release], id: &str) -> Option<&'s Stored> {
    let by_next = |one: &Stored| releases.iter().any(|next| next.previous.as_deref() == Some(id) && next.run == one.summary.run);
    stored.filter(|one| one.summary.release.as_deref() == Some(id) || by_next(one)).max_by_key(|one| one.summary.at_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::Summary;

    #[test]
    fn the_last_backup_of_a_release_is_told() {
        let stored = |name: &str, at_ms: u64, release: Option<&str>| Stored {
            summary: Summary {
                name: name.into(),
                at_ms,
                run: format!("run-of-{name}"),
                release: release.map(String::from),
                ..Summary::default()
            },
            snapshot: String::new(),
            added_bytes: 0,
        };
        let release = |id: &str, previous: Option<&str>, run: &str| -> Release {
            let json = serde_json::json!({"id": id, "stack": "s", "project": "p", "run": run, "who": "", "at_ms": 0, "took_ms": 0,
                "root": "/r", "git_commit": null, "tag": null, "previous": previous, "adopted": false, "compose_version": "",
                "services": {}, "model": null, "accepted": []});
            serde_json::from_value(json).unwrap()
        };
        let all = [stored("a", 1, None), stored("b", 3, Some("r0001")), stored("c", 2, Some("r0001")), stored("d", 4, None)];
        let releases = [release("r0001", None, "x"), release("r0002", Some("r0001"), "y"), release("r0003", Some("r0002"), "run-of-d")];
        let name = |id: &str| last_of(all.iter(), &releases, id).map(|one| one.summary.name.as_str());
        assert_eq!((name("r0001"), name("r0002"), name("r0003")), (Some("b"), Some("d"), None));
    }
}
