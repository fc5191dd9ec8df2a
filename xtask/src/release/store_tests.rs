use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::{Kept, KeptFile, ServiceRecord, beyond};
use super::*;
use crate::error::Kind;

struct Bench {
    folder: tempfile::TempDir,
    releases: Releases,
    contents: Blobs,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let contents = Blobs::at(folder.path().join("run"));
    fs::create_dir(contents.dir()).unwrap();
    let releases = Releases::open(&folder.path().join("state"), "an engine/1", "shop", "tools/compose/db").unwrap();
    Bench { folder, releases, contents }
}

fn release(id: &str, content: &Sha) -> Release {
    let service = ServiceRecord {
        image: "postgres:15".into(),
        image_id: "sha256:1".into(),
        repo_digests: vec![],
        config_hash: "h".into(),
        done: false,
        containers: BTreeMap::from([("shop-db-1".to_string(), content.clone())]),
    };
    Release {
        id: id.into(),
        stack: "tools/compose/db".into(),
        project: "shop".into(),
        run: "a-run".into(),
        who: "me@here".into(),
        at_ms: 1,
        took_ms: 2,
        root: "/p".into(),
        roots: Vec::new(),
        git_commit: None,
        tag: Some("1.2".into()),
        previous: None,
        adopted: false,
        compose_version: "2.40.3".into(),
        services: BTreeMap::from([("db".to_string(), service)]),
        model: Some(content.clone()),
        kept: Kept { files: vec![KeptFile { path: "/p/a".into(), content: content.clone(), mode: 0o600 }], ..Kept::default() },
        accepted: vec![],
        backup: None,
    }
}

impl Bench {
    fn save(&self, content: &str) -> Release {
        let sha = self.contents.put(content.as_bytes()).unwrap();
        let saved = release(&self.releases.next_id().unwrap(), &sha);
        self.releases.save(&saved, &self.contents).unwrap();
        saved
    }
}

#[test]
fn what_is_saved_is_read_again() {
    let bench = bench();
    assert_eq!((bench.releases.list().unwrap(), bench.releases.current().unwrap()), (vec![], None));
    let (one, two) = (bench.save("one"), bench.save("two"));
    assert_eq!((one.id.as_str(), two.id.as_str()), ("r0001", "r0002"));
    assert_eq!(bench.releases.list().unwrap(), [one.clone(), two.clone()]);
    assert_eq!(bench.releases.get("r0002").unwrap(), two);
    assert_eq!(bench.releases.blobs("r0001").unwrap().get(&Sha::of(b"one")).unwrap(), b"one");
    assert_eq!(bench.releases.save(&one, &bench.contents).unwrap_err().kind, Kind::Refused);
    assert_eq!(two.holds(), [two.hold("db")]);
}

#[test]
fn everything_is_for_this_user_alone() {
    let bench = bench();
    bench.save("one");
    bench.releases.set_current(Some("r0001")).unwrap();
    let mut seen = 0;
    let mut folders = vec![bench.folder.path().join("state/releases")];
    while let Some(folder) = folders.pop() {
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            seen += 1;
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
            }
        }
    }
    assert_eq!(seen, 8, "two folders, a release of three and a content, current, counter");
}

#[test]
fn a_number_is_never_used_again() {
    let bench = bench();
    bench.save("one");
    bench.save("two");
    for _ in 0..2 {
        bench.releases.delete("r0002").unwrap();
    }
    assert_eq!(bench.releases.next_id().unwrap(), "r0003");
    fs::remove_file(bench.releases.dir().join("counter")).unwrap();
    assert_eq!(bench.releases.next_id().unwrap(), "r0002", "by what is there");
    for n in [9_998, 9_999] {
        fs::write(bench.releases.dir().join("counter"), format!("{n}\n")).unwrap();
        bench.save("late");
    }
    let ids: Vec<String> = bench.releases.list().unwrap().into_iter().map(|release| release.id).collect();
    assert_eq!(ids, ["r0001", "r9999", "r10000"]);
}

#[test]
fn the_pointer_moves_as_a_whole() {
    let bench = bench();
    bench.save("one");
    for id in [Some("r0001"), Some("r0002"), None, None] {
        bench.releases.set_current(id).unwrap();
        assert_eq!(bench.releases.current().unwrap().as_deref(), id);
    }
    assert!(bench.releases.set_current(Some("../r0001")).is_err());
}

#[test]
fn stacks_projects_and_engines_are_apart() {
    let bench = bench();
    bench.save("one");
    let state = bench.folder.path().join("state");
    for (engine, project, stack) in
        [("another", "shop", "tools/compose/db"), ("an engine/1", "shop_", "tools/compose/db"), ("an engine/1", "shop", "tools-compose/db")]
    {
        assert_eq!(Releases::open(&state, engine, project, stack).unwrap().list().unwrap(), [], "{engine} {project} {stack}");
    }
    let found = Releases::of_stack(&state, "tools/compose/db").unwrap();
    assert_eq!((found.len(), found[0].0.as_str()), (1, &Sha::of(b"an engine/1").as_str()[..12]));
    assert_eq!(found[0].1.list().unwrap().len(), 1);
    assert_eq!(Releases::projects_of(&state, "an engine/1", "tools/compose/db").unwrap(), ["shop"]);
    assert!(Releases::projects_of(&state, "another", "tools/compose/db").unwrap().is_empty());
    assert!(Releases::of_stack(&state, "tools/compose").unwrap().is_empty());
    assert!(Releases::of_stack(&bench.folder.path().join("nowhere"), "x").unwrap().is_empty());
}

#[test]
fn a_half_written_release_is_none() {
    let bench = bench();
    let lost = release("r0001", &Sha::of(b"nowhere"));
    assert!(bench.releases.save(&lost, &bench.contents).unwrap_err().what.starts_with("read the kept copy"));
    assert!(!bench.releases.has("r0001") && bench.releases.list().unwrap().is_empty());
    bench.save("one");
    fs::create_dir_all(bench.releases.dir().join(".new-r0002/blobs")).unwrap();
    fs::create_dir_all(bench.releases.dir().join(".gone-r0001")).unwrap();
    assert_eq!(bench.save("two").id, "r0002");
    bench.releases.delete("r0001").unwrap();
    let left: Vec<String> = names(bench.releases.dir()).unwrap();
    assert_eq!(left, ["counter", "r0002"]);
}

#[test]
fn folders_of_somebody_else_are_refused() {
    let bench = bench();
    bench.save("one");
    let (state, elsewhere) = (bench.folder.path().join("state"), bench.folder.path().join("elsewhere"));
    let open = || Releases::open(&state, "an engine/1", "shop", "tools/compose/db");
    let top = state.join("releases");
    fs::rename(&top, &elsewhere).unwrap();
    symlink(&elsewhere, &top).unwrap();
    assert!(open().unwrap_err().to_string().contains("it is a link or a file"));
    fs::remove_file(&top).unwrap();
    fs::rename(&elsewhere, &top).unwrap();
    fs::set_permissions(&top, Permissions::from_mode(0o755)).unwrap();
    open().unwrap();
    assert_eq!(fs::metadata(&top).unwrap().permissions().mode() & 0o777, 0o700);
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(bench.releases.dir(), Some(1234), None).unwrap();
        assert!(open().unwrap_err().to_string().contains("it belongs to user 1234"));
    }
}

#[test]
fn what_is_torn_or_forged_is_named() {
    let bench = bench();
    bench.save("one");
    let path = bench.releases.dir().join("r0001/release.json");
    let good = fs::read_to_string(&path).unwrap();
    let forged = good.replace("\"r0001\"", "\"r0002\"");
    let other = good.replace("\"tools/compose/db\"", "\"web\"");
    for (text, line) in [(&good[..good.len() / 2], None), ("", Some(1)), (&forged, Some(1)), (&other, Some(1)), ("[]", Some(1))] {
        fs::write(&path, text).unwrap();
        let error = bench.releases.list().unwrap_err();
        let at = error.at.clone().unwrap();
        assert_eq!((error.kind, at.path.as_path()), (Kind::Unusable, path.as_path()));
        assert!(line.is_none_or(|line| line == at.line), "{at}");
    }
    fs::remove_file(&path).unwrap();
    symlink("/etc/passwd", &path).unwrap();
    assert!(bench.releases.get("r0001").unwrap_err().to_string().contains("not a plain file"));
    fs::remove_file(&path).unwrap();
    fs::write(&path, &good).unwrap();
    for name in ["current", "counter"] {
        for text in ["../../x\n", "", &"1".repeat(101)] {
            fs::write(bench.releases.dir().join(name), text).unwrap();
            let error = if name == "current" { bench.releases.current().map(|_| ()) } else { bench.releases.next_id().map(|_| ()) };
            assert_eq!(error.unwrap_err().at.unwrap().path, bench.releases.dir().join(name), "{text:?}");
        }
        fs::remove_file(bench.releases.dir().join(name)).unwrap();
    }
    let blob = bench.releases.dir().join("r0001/blobs").join(Sha::of(b"one").as_str());
    let blobs = bench.releases.blobs("r0001").unwrap();
    fs::write(&blob, "two").unwrap();
    assert!(blobs.get(&Sha::of(b"one")).unwrap_err().to_string().contains("its content has changed"));
    fs::remove_file(&blob).unwrap();
    assert!(blobs.get(&Sha::of(b"one")).unwrap_err().what.contains(blob.to_str().unwrap()));
    for id in ["r0009", "../r0001", "r1", "", "r00001x"] {
        assert_eq!(bench.releases.get(id).unwrap_err().kind, Kind::Unusable, "{id}");
    }
    assert!(bench.releases.delete("..").is_err() && bench.releases.blobs("/etc").is_err());
}

#[test]
fn the_current_and_the_one_before_it_stay() {
    let all: Vec<Release> = (1..=6)
        .map(|n| Release { previous: (n > 1).then(|| format!("r{:04}", n - 1)), ..release(&format!("r{n:04}"), &Sha::of(b"")) })
        .collect();
    assert_eq!(beyond(&all, Some("r0006"), 3), ["r0001", "r0002", "r0003"]);
    assert_eq!(beyond(&all, Some("r0006"), 1), ["r0001", "r0002", "r0003", "r0004"]);
    assert_eq!(beyond(&all, Some("r0003"), 2), ["r0001", "r0004"]);
    assert_eq!(beyond(&all, None, 9), Vec::<String>::new());
}
