//! May services write where they keep data? Fresh volumes and copies of bound folders were tried; what is on the
//! engine already is judged by its owner, without being touched.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::Value;

use super::subject::Subject;
use super::{Told, found};
use crate::audit::Audit;
use crate::error::Result;
use crate::proof::Seen;
use crate::proof::trial::{Trial, User};

/// # Errors
/// `Failed`: the engine does not answer.
pub fn places(subject: &Subject<'_>, audit: &Audit, tried: std::result::Result<&Trial, &String>) -> Result<Told> {
    let help = "write the image's own account as `user:`, or give the place to the service's user: `chown` for a folder, a service that runs \
                once for a volume (`cargo xtask explain volume-ownership`)";
    let mut seen = match tried {
        Ok(trial) => trial.places.clone(),
        Err(why) => Seen {
            wrong: found(subject, audit, &["volume-ownership"]).into_iter().map(|(_, message)| message).collect(),
            ..not_tried(subject, why)
        },
    };
    for (service, body) in subject.services() {
        let user = tried.ok().and_then(|trial| trial.users.get(service).cloned()).or_else(|| declared(body));
        for mount in body.get("volumes").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| mount.get(key).and_then(Value::as_str).unwrap_or_default();
            match text("type") {
                "bind" => bound((service, body), mount, user.as_ref().filter(|_| tried.is_err()), &mut seen),
                "volume" if !text("source").is_empty() => volume(subject, (service, body), mount, user.as_ref(), &mut seen)?,
                _ => {}
            }
        }
    }
    if seen == Seen::default() {
        seen.good.push("no service has a volume or a folder to write to".to_string());
    }
    Ok(Told::new(seen, help))
}

/// Nothing to try is not "not tried".
fn not_tried(subject: &Subject<'_>, why: &str) -> Seen {
    let written =
        |(_, body): (&str, &Value)| body.get("volumes").and_then(Value::as_array).is_some_and(|mounts| mounts.iter().any(is_written));
    let some = subject.services().any(written);
    Seen { not_tried: some.then(|| format!("whether services may write: {why}")).into_iter().collect(), ..Seen::default() }
}

fn is_written(mount: &Value) -> bool {
    mount.get("read_only") != Some(&Value::Bool(true)) && matches!(mount.get("type").and_then(Value::as_str), Some("bind" | "volume"))
}

/// `user: "999:999"`; a name says nothing without its image.
fn declared(service: &Value) -> Option<User> {
    let mut numbers = service.get("user")?.as_str()?.split(':').map(str::parse::<u32>);
    let uid = numbers.next()?.ok()?;
    Some(User { uid, gids: numbers.filter_map(Result::ok).collect() })
}

fn bound((service, body): (&str, &Value), mount: &Value, user: Option<&User>, seen: &mut Seen) {
    let (source, target) = (text(mount, "source").replace("$$", "$"), text(mount, "target"));
    match (std::fs::metadata(&source), user) {
        (Err(error), _) if error.kind() == std::io::ErrorKind::NotFound => {
            seen.wrong.push(format!("{service}: {source} is not there; the engine would make a folder of it that belongs to root"));
        }
        (Ok(meta), Some(user)) if is_written(mount) && !may_write(&meta, user, overrides(body)) => {
            seen.wrong.push(format!(
                "{service} cannot write to {target}: it works as user {}, and {source} belongs to {}",
                user.uid,
                meta.uid()
            ));
        }
        _ => {}
    }
}

/// A volume that is there holds what an earlier container has left.
fn volume(subject: &Subject<'_>, (service, body): (&str, &Value), mount: &Value, user: Option<&User>, seen: &mut Seen) -> Result<()> {
    let Ok((engine, _)) = &subject.engine else { return Ok(()) };
    let name = subject.real_name("volumes", text(mount, "source"));
    if !is_written(mount) {
        return Ok(());
    }
    let Some(there) = engine.volume(&name)? else { return Ok(()) };
    match (std::fs::metadata(Path::new(&there.mountpoint)), user) {
        (Ok(meta), Some(user)) if may_write(&meta, user, overrides(body)) => {
            seen.good.push(format!("{service} may write to the volume {name} that is there"))
        }
        (Ok(meta), Some(user)) => seen.wrong.push(format!(
            "{service} cannot write to the volume {name} that is there: it works as user {}, and the volume belongs to {}",
            user.uid,
            meta.uid()
        )),
        (Err(_), _) => seen.not_tried.push(format!("{service}: who owns the volume {name} only root on the engine's machine can see")),
        (Ok(_), None) => seen.not_tried.push(format!("{service}: as which user it would write to the volume {name} is not known")),
    }
    Ok(())
}

/// Whether root in this service is above modes and owners: a service may give that up.
fn overrides(service: &Value) -> bool {
    let names = |key: &str, wanted: [&str; 2]| {
        let list = service.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        list.into_iter().any(|name| wanted.contains(&name.trim_start_matches("CAP_")))
    };
    !names("cap_drop", ["ALL", "DAC_OVERRIDE"]) || names("cap_add", ["ALL", "DAC_OVERRIDE"])
}

/// As the kernel decides, without access lists.
fn may_write(meta: &Metadata, user: &User, overrides: bool) -> bool {
    let bit = match user {
        User { uid: 0, .. } if overrides => return true,
        User { uid, .. } if *uid == meta.uid() => 0o200,
        User { gids, .. } if gids.contains(&meta.gid()) => 0o020,
        _ => 0o002,
    };
    meta.mode() & bit != 0
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_owner_s_the_group_s_and_the_others_bit_decide() {
        let folder = tempfile::tempdir().unwrap();
        let meta = |mode: u32| {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            std::fs::metadata(folder.path()).unwrap()
        };
        let owner = meta(0o700);
        let other = User { uid: owner.uid() + 7, gids: vec![owner.gid() + 7] };
        let group = User { gids: vec![owner.gid()], ..other.clone() };
        let expected = [(0o700, false, false), (0o770, true, false), (0o702, false, true), (0o777, true, true)];
        for (mode, of_group, of_other) in expected {
            assert_eq!((may_write(&meta(mode), &group, true), may_write(&meta(mode), &other, true)), (of_group, of_other), "{mode:o}");
        }
        let root = User { uid: 0, gids: Vec::new() };
        assert!(may_write(&meta(0o000), &root, true) && !may_write(&meta(0o000), &root, false));
        for (service, above) in [
            (json!({}), true),
            (json!({"cap_drop": ["ALL"]}), false),
            (json!({"cap_drop": ["CAP_DAC_OVERRIDE"], "cap_add": ["CHOWN"]}), false),
            (json!({"cap_drop": ["ALL"], "cap_add": ["CAP_DAC_OVERRIDE"]}), true),
        ] {
            assert_eq!(overrides(&service), above, "{service}");
        }
    }

    #[test]
    fn only_a_number_tells_the_user() {
        let user = |text: &str| declared(&json!({"user": text}));
        assert_eq!(user("999:70"), Some(User { uid: 999, gids: vec![70] }));
        assert_eq!(user("65532"), Some(User { uid: 65532, gids: Vec::new() }));
        assert_eq!((user("postgres"), declared(&json!({}))), (None, None));
    }
}
