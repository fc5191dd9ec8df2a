use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::backup::Manifest;

pub(crate) fn summary(run: &str, stack: &str) -> Summary {
    Summary {
        name: Summary::name_of(run, stack, 1_795_298_515_000),
        stack: stack.into(),
        project: "shop".into(),
        engine: "e".into(),
        run: run.into(),
        who: "me@here".into(),
        at_ms: 1_795_298_515_000,
        ..Summary::default()
    }
}

pub(super) fn fresh() -> (tempfile::TempDir, Place, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::at(Location::Folder(folder.path().join("repository")), None, folder.path()).unwrap();
    assert!(!Repository::exists(&place).unwrap() && Repository::open(&place).is_err());
    Repository::create(&place, "run-1").unwrap();
    let repository = Repository::open(&place).unwrap();
    (folder, place, repository)
}

/// A pattern that no two parts share.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn a_backup_counts_once_it_is_published_and_holds_what_was_written() {
    let (_folder, place, repository) = fresh();
    let summary = summary("run-1", "shop/prod");
    let data = pattern(2 * crate::backup::PART + 12345);
    let mut stream = None;
    let volume = tempfile::tempdir().unwrap();
    std::fs::write(volume.path().join("large"), pattern(9_000_000)).unwrap();
    std::fs::set_permissions(volume.path().join("large"), std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("large", volume.path().join("link")).unwrap();
    let mut extent = Extent::default();
    let total = repository
        .backup(&summary, false, |writer| {
            let mut parts = writer.stream("/dumps/db/shop");
            for piece in data.chunks(70_000) {
                parts.write(piece)?;
            }
            stream = Some(parts.finish()?);
            writer.file("/files/compose.yaml", 0o644, b"services: {}\n".to_vec())?;
            extent = writer.folder("/volumes/data", volume.path(), false)?;
            writer.file("/xtask.json", 0o600, b"{}".to_vec())
        })
        .unwrap();
    let stream = stream.unwrap();
    assert_eq!((stream.parts, stream.bytes, extent), (3, data.len() as u64, Extent { entries: 2, bytes: 9_000_000 }));
    assert_eq!(total.bytes, data.len() as u64 + 13 + 9_000_000 + 2);
    assert!(repository.stored().unwrap().is_empty(), "it does not count yet");
    let content = repository.content(&summary.name, true).unwrap();
    assert_eq!(content.extent("/volumes/data", &content.packs().unwrap()).unwrap(), extent);
    let mut back = Vec::new();
    content.stream("/dumps/db/shop", &stream).read_to_end(&mut back).unwrap();
    assert!(back == data);
    assert!(content.manifest().is_err() && serde_json::from_str::<Manifest>("{}").is_err());
    repository.publish(&Summary { bytes: total.bytes, ..summary.clone() }).unwrap();
    let stored = Repository::open(&place).unwrap().stored().unwrap();
    assert_eq!(
        stored.iter().map(|stored| (&stored.summary.name, stored.summary.bytes)).collect::<Vec<_>>(),
        [(&summary.name, total.bytes)]
    );
    assert!(repository.check(true).unwrap().is_empty());
    repository.delete_run("run-1").unwrap();
    repository.delete_run("run-1").unwrap();
    assert!(repository.stored().unwrap().is_empty());
}

#[test]
fn a_source_that_breaks_off_is_an_error_and_can_be_taken_back() {
    let (_folder, _, repository) = fresh();
    let summary = summary("run-2", "shop");
    let broken = repository.backup(&summary, false, |writer| {
        writer.stream("/dumps/db/shop").write(&pattern(5_000_000))?;
        Err(Error::failed("dump db").why("the client died"))
    });
    assert_eq!(broken.unwrap_err().to_string(), "dump db: the client died");
    // Files that are other than they were a moment ago: the library below would only log it.
    let volume = tempfile::tempdir().unwrap();
    std::fs::write(volume.path().join("a"), "content").unwrap();
    let gone = repository.backup(&summary, false, |writer| {
        let walked = writer.folder("/volumes/v", volume.path(), false);
        std::fs::remove_file(volume.path().join("a")).unwrap();
        walked.map(|_| ())
    });
    // It was read before it went away, or it is told.
    if let Err(error) = gone {
        assert!(error.to_string().contains("/volumes/v/a"), "{error}");
    }
    let short = tempfile::tempdir().unwrap();
    let archive = tar_of(short.path());
    let cut = repository.backup(&summary, false, |writer| {
        let mut never = |_: &Path| -> Result<Box<dyn Read>> { Err(Error::failed("again")) };
        writer.tar("/volumes/v", &archive[..archive.len() / 2], &mut never).map(|_| ())
    });
    assert!(cut.is_err());
    repository.delete_run("run-2").unwrap();
    assert!(repository.stored().unwrap().is_empty() && repository.content(&summary.name, true).is_err());
}

fn tar_of(folder: &Path) -> Vec<u8> {
    std::fs::create_dir(folder.join("v")).unwrap();
    std::fs::write(folder.join("v/file"), pattern(100_000)).unwrap();
    std::process::Command::new("tar").args(["-cf", "-", "v"]).current_dir(folder).output().unwrap().stdout
}

#[test]
fn the_key_opens_it_and_another_does_not() {
    let (folder, place, _) = fresh();
    let mode = std::fs::metadata(&place.key).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert!(!place.key_is_saved());
    place.mark_key_saved().unwrap();
    assert!(place.key_is_saved());
    let other = Place { key: folder.path().join("other.key"), ..place.clone() };
    key::make(&other.key).unwrap();
    let error = Repository::open(&other).err().unwrap();
    assert_eq!(error.kind, Kind::Unusable);
    assert!(error.why.unwrap().contains("is not its key"));
    // A folder that holds something else is left alone.
    let full = Place { location: Location::Folder(folder.path().join("backups")), ..place };
    assert_eq!(Repository::create(&full, "r").unwrap_err().kind, Kind::Refused);
    assert!(full.location.folder().unwrap().join("keys").exists() && !folder.path().join("backups.new-r").exists());
}

#[test]
fn restic_checks_it_and_restores_equal_files() {
    if which::which("restic").is_err() {
        return;
    }
    let (folder, place, repository) = fresh();
    let volume = tempfile::tempdir().unwrap();
    let script = "mkdir -p sub/deep && printf hello > plain && ln plain second && ln -s plain link && mkfifo pipe && chmod 4750 plain
        head -c 6000000 /dev/urandom > sub/large && touch -d '2001-02-03T04:05:06.5Z' sub/large && : > empty && touch $(printf 'bad\\377name')
        chown 999:998 sub/deep && chmod 1770 sub && mkdir 'a b' && touch 'a b/x' a-file";
    assert!(std::process::Command::new("sh").args(["-ec", script]).current_dir(volume.path()).status().unwrap().success());
    let archive = std::process::Command::new("tar")
        .args(["--format=pax", "--sort=name", "-cf", "-", "."])
        .current_dir(volume.path())
        .output()
        .unwrap();
    let summary = summary("run-3", "shop");
    repository
        .backup(&summary, false, |writer| {
            writer.folder("/volumes/direct", volume.path(), false)?;
            let mut again = |path: &Path| -> Result<Box<dyn Read>> {
                let one = std::process::Command::new("tar").args(["-cf", "-"]).arg(path).current_dir(volume.path()).output().unwrap();
                Ok(Box::new(std::io::Cursor::new(one.stdout)))
            };
            writer.tar("/volumes/engine", &*archive.stdout, &mut again).map(|_| ())
        })
        .unwrap();
    repository.publish(&summary).unwrap();
    let restic = |args: &[&str]| {
        let mut command = std::process::Command::new("restic");
        command.args(["--no-cache", "-r"]).arg(place.location.to_string()).arg("--password-file").arg(&place.key).args(args);
        let said = command.output().unwrap();
        assert!(said.status.success(), "{args:?}: {}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    };
    restic(&["check", "--read-data"]);
    let target = folder.path().join("restored");
    restic(&["restore", "latest", "--target", target.to_str().unwrap()]);
    let listing = |folder: &Path| {
        let find = "find . -printf '%p %y %m %U:%G %s %T@ %l\\n' | grep -v -e '^\\. ' -e ' d ' | sort; find . -type d -printf '%p %m %U:%G\\n' | sort; find . -type f -exec sha256sum {} + | sort";
        String::from_utf8_lossy(&std::process::Command::new("sh").args(["-ec", find]).current_dir(folder).output().unwrap().stdout)
            .into_owned()
    };
    let expected = listing(volume.path());
    assert_eq!(listing(&target.join("volumes/direct")), expected);
    assert_eq!(listing(&target.join("volumes/engine")), expected);
    let links = |name: &str| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(target.join(name)).unwrap());
    assert_eq!(links("volumes/direct/plain"), links("volumes/direct/second"));
    assert_eq!(links("volumes/engine/plain"), links("volumes/engine/second"));
}

#[test]
fn one_that_took_the_place_of_another_is_opened_with_its_own_key() {
    let (_folder, place, repository) = fresh();
    let first = repository.inner.key().encrypt;
    assert_eq!(Repository::open(&place).unwrap().inner.key().encrypt, first);
    std::fs::remove_dir_all(place.location.folder().unwrap()).unwrap();
    Repository::create(&place, "run-2").unwrap();
    assert_ne!(Repository::open(&place).unwrap().inner.key().encrypt, first);
    std::fs::write(&place.key, "another one\n").unwrap();
    assert_eq!(Repository::open(&place).err().unwrap().kind, Kind::Unusable);
}

#[test]
fn what_ended_runs_have_left_goes_and_nothing_else() {
    let (_folder, _place, repository) = fresh();
    let take = |run: &str| {
        let summary = summary(run, "shop/prod");
        repository.backup(&summary, false, |writer| writer.file("/xtask.json", 0o600, b"{}".to_vec())).unwrap();
        summary
    };
    let (_left, _elsewhere, counts) = (take("run-1"), take("run-2"), take("run-3"));
    repository.publish(&counts).unwrap();
    repository.delete_leftovers(&BTreeSet::from(["run-1".to_string(), "run-3".to_string()])).unwrap();
    let runs: BTreeSet<String> = repository.snapshots().unwrap().iter().filter_map(stored).map(|stored| stored.summary.run).collect();
    assert_eq!(runs, BTreeSet::from(["run-2".to_string(), "run-3".to_string()]), "another machine's goes on");
    assert_eq!(repository.stored().unwrap().len(), 1);
}
