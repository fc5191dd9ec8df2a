use std::fs::{self, File, FileTimes};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::super::unchanged::Times;
use super::tests::{fresh, pattern, summary};
use super::*;
use crate::saga::now_ms;

const MINUTE: u64 = 60_000;

/// One backup of the folder, published; how many files were taken for unchanged, and how many read.
fn back_up(repository: &Repository, run: &str, at_ms: u64, full: bool, folder: &Path) -> (u64, u64) {
    let summary = Summary {
        name: Summary::name_of(run, "shop", at_ms),
        at_ms,
        machine: Some("here".into()),
        volumes: vec!["v".into()],
        ..summary(run, "shop")
    };
    let mut extent = Extent::default();
    repository
        .backup(&summary, full, |writer| {
            let mut stream = writer.stream("/dumps/db/shop");
            stream.write(b"always the same")?;
            stream.finish()?;
            writer.file("/files/a", 0o644, b"same".to_vec())?;
            extent = writer.folder("/volumes/v", folder, false)?;
            writer.file("/xtask.json", 0o600, b"{}".to_vec())
        })
        .unwrap();
    let content = repository.content(&summary.name, true).unwrap();
    assert_eq!(content.extent("/volumes/v", &content.packs().unwrap()).unwrap(), extent);
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_file()) {
        let stored = content.file(&format!("/volumes/v/{}", entry.file_name().to_str().unwrap())).unwrap();
        assert!(stored == fs::read(entry.path()).unwrap(), "{entry:?}");
    }
    let said = repository.snapshot(&summary.name, true).unwrap().summary.unwrap();
    repository.publish(&summary).unwrap();
    (said.files_unmodified, said.files_changed + said.files_new)
}

/// A folder with two files, or none where times are not gone by.
fn volume() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("large"), pattern(3_000_000)).unwrap();
    fs::write(folder.path().join("small"), "small").unwrap();
    Times::of(folder.path(), now_ms()).map(|_| folder)
}

/// Something else of the same length, with the time that it had.
fn change(path: &Path, content: &[u8]) {
    let before = fs::metadata(path).unwrap();
    assert_eq!(before.len(), content.len() as u64);
    fs::write(path, content).unwrap();
    File::options().write(true).open(path).unwrap().set_times(FileTimes::new().set_modified(before.modified().unwrap())).unwrap();
    assert_eq!(fs::metadata(path).unwrap().modified().unwrap(), before.modified().unwrap());
}

#[test]
fn unchanged_files_are_not_read_again_and_all_else_is() {
    let Some(volume) = volume() else { return };
    let (_folder, _, repository) = fresh();
    let at = now_ms() + 2 * MINUTE;
    assert_eq!(back_up(&repository, "run-1", at, false, volume.path()), (0, 5));
    assert_eq!(back_up(&repository, "run-2", at + 1, false, volume.path()), (2, 3), "what we write ourselves is always read");
    assert_eq!(back_up(&repository, "run-3", at + 2, true, volume.path()), (0, 5), "all is read");
    // The same size and time of content: the time of change tells.
    change(&volume.path().join("small"), b"other");
    assert_eq!(back_up(&repository, "run-4", at + 3, false, volume.path()), (1, 4));
    // Another file of the same size and time in its place.
    let small = volume.path().join("small");
    let time = fs::metadata(&small).unwrap().modified().unwrap();
    fs::write(volume.path().join("new"), "again").unwrap();
    File::options().write(true).open(volume.path().join("new")).unwrap().set_times(FileTimes::new().set_modified(time)).unwrap();
    fs::rename(volume.path().join("new"), &small).unwrap();
    assert_eq!(back_up(&repository, "run-5", at + 4, false, volume.path()), (1, 4));
}

#[test]
fn another_file_with_all_the_same_times_is_read() {
    let Some(volume) = volume() else { return };
    // Two that were made in one step of the clock, which differ by their numbers alone; a folder takes its files' times with it.
    let [one, other] = ["one", "other"].map(|name| volume.path().join(name));
    let time = SystemTime::now() - Duration::from_secs(1000);
    for try_again in 0.. {
        assert!(try_again < 1000, "the clock's steps are too short");
        for (folder, content) in [(&one, "1111"), (&other, "2222")] {
            fs::create_dir_all(folder).unwrap();
            File::create(folder.join("f")).and_then(|mut file| std::io::Write::write_all(&mut file, content.as_bytes())).unwrap();
        }
        for folder in [&one, &other] {
            File::options().write(true).open(folder.join("f")).unwrap().set_times(FileTimes::new().set_modified(time)).unwrap();
        }
        let changed = |folder: &Path| fs::metadata(folder.join("f")).map(|meta| (meta.ctime(), meta.ctime_nsec())).unwrap();
        if changed(&one) == changed(&other) {
            break;
        }
    }
    let (_folder, _, repository) = fresh();
    let at = now_ms() + 2 * MINUTE;
    back_up(&repository, "run-1", at, false, volume.path());
    fs::rename(&one, volume.path().join("away")).and_then(|()| fs::rename(&other, &one)).unwrap();
    back_up(&repository, "run-2", at + 1, false, volume.path());
    let content = repository.content(&Summary::name_of("run-2", "shop", at + 1), false).unwrap();
    assert_eq!(content.file("/volumes/v/one/f").unwrap(), b"2222");
}

#[test]
fn what_was_young_at_the_backup_before_is_read_again() {
    let Some(volume) = volume() else { return };
    let (_folder, _, repository) = fresh();
    let at = now_ms();
    assert_eq!(back_up(&repository, "run-1", at, false, volume.path()), (0, 5));
    assert_eq!(back_up(&repository, "run-2", at + 2 * MINUTE, false, volume.path()), (0, 5));
    assert_eq!(back_up(&repository, "run-3", at + 3 * MINUTE, false, volume.path()), (2, 3));
}

#[test]
fn what_the_index_does_not_have_is_read_and_what_is_gone_is_told() {
    let Some(volume) = volume() else { return };
    let (_folder, place, repository) = fresh();
    let at = now_ms() + 2 * MINUTE;
    back_up(&repository, "run-1", at, false, volume.path());
    // As after a file of it was lost and the index was made again.
    let lost = [walk(&place.location.folder().unwrap().join("index")), walk(&place.location.folder().unwrap().join("data"))].concat();
    lost.into_iter().for_each(|path| fs::remove_file(path).unwrap());
    assert_eq!(back_up(&repository, "run-2", at + 1, false, volume.path()), (0, 5));
    // Its largest file holds the contents of files.
    let mut packs: Vec<_> = walk(&place.location.folder().unwrap().join("data"));
    packs.sort_by_key(|path| fs::metadata(path).unwrap().len());
    let largest = packs.pop().unwrap();
    let content = repository.content(&Summary::name_of("run-2", "shop", at + 1), false).unwrap();
    assert!(content.extent("/volumes/v", &content.packs().unwrap()).is_ok());
    File::options().write(true).open(&largest).unwrap().set_len(10).unwrap();
    let error = content.extent("/volumes/v", &content.packs().unwrap()).unwrap_err();
    let name = largest.file_name().unwrap().to_str().unwrap();
    assert!(error.why.unwrap().contains(name));
    fs::remove_file(&largest).unwrap();
    assert!(content.extent("/volumes/v", &content.packs().unwrap()).is_err());
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let below = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    below.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn an_archive_is_read_though_a_file_has_its_name_and_times() {
    let Some(volume) = volume() else { return };
    let (_folder, _, repository) = fresh();
    let at = now_ms() + 2 * MINUTE;
    // A time that an archive can hold.
    let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(at / 1000 - 1000);
    File::options().write(true).open(volume.path().join("small")).unwrap().set_times(FileTimes::new().set_modified(whole)).unwrap();
    back_up(&repository, "run-1", at, false, volume.path());
    change(&volume.path().join("small"), b"other");
    let archive = std::process::Command::new("tar").args(["-cf", "-", "."]).current_dir(volume.path()).output().unwrap().stdout;
    let summary = Summary { at_ms: at + 1, machine: Some("here".into()), volumes: vec!["v".into()], ..summary("run-2", "shop") };
    let mut again = |_: &Path| -> Result<Box<dyn Read>> { Err(Error::failed("again")) };
    repository.backup(&summary, false, |writer| writer.tar("/volumes/v", &*archive, &mut again).map(|_| ())).unwrap();
    let content = repository.content(&summary.name, true).unwrap();
    assert_eq!(content.file("/volumes/v/small").unwrap(), b"other");
}
