use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;

use super::super::testing::world;
use super::super::{Receipt, World};
use super::*;
use crate::release::{Kept, keep_files};
use crate::saga::Step;

/// Every name below the root with what it is.
fn told(root: &Path) -> BTreeMap<PathBuf, String> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with(".xtask")) {
            let meta = fs::symlink_metadata(&path).unwrap();
            let what = if meta.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else if meta.is_dir() {
                folders.push(path.clone());
                "folder".to_string()
            } else {
                format!("{:o} {}", meta.mode() & 0o7777, fs::read_to_string(&path).unwrap())
            };
            found.insert(path.strip_prefix(root).unwrap().to_path_buf(), what);
        }
    }
    found
}

fn write(path: PathBuf, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
}

fn tree(root: &Path) {
    write(root.join("conf/a.conf"), "a", 0o644);
    write(root.join("conf/sub/deep/b.conf"), "b", 0o600);
    write(root.join("conf/as-file"), "was a file", 0o644);
    write(root.join("run.sh"), "run", 0o755);
    write(root.join("same"), "same", 0o644);
    write(root.join("free/note"), "nobody binds it", 0o644);
    symlink("conf/a.conf", root.join("link")).unwrap();
}

fn release(root: &Path, world: &World) -> Release {
    let volumes: Vec<_> = ["conf", "run.sh", "same", "link"]
        .map(|name| json!({"type": "bind", "source": root.join(name), "target": "/x", "read_only": true}))
        .to_vec();
    let rendered = json!({"services": {"web": {"volumes": volumes}}});
    let kept = keep_files(root, &rendered, &[], &BTreeSet::new(), &mut |content| world.blobs.put(content)).unwrap();
    Release { kept, root: root.to_path_buf(), ..super::super::save_release::tests::release("r0001") }
}

fn carry_out(world: &World, steps: &[Action]) -> Vec<Receipt> {
    let one = |step: &Action| {
        let receipt = step.prepare(world).unwrap();
        step.apply(world, &receipt).unwrap();
        receipt
    };
    steps.iter().map(one).collect()
}

#[test]
fn the_files_of_a_release_come_back_and_can_go_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    tree(&root);
    let world = world(&root);
    let release = release(&root, &world);
    let before = told(&root);
    assert_eq!(restore_steps(&release, &root).unwrap(), Restored::default(), "nothing where all is equal");

    write(root.join("conf/a.conf"), "changed", 0o644);
    write(root.join("conf/new.d/x.conf"), "new", 0o644);
    symlink("a.conf", root.join("conf/new-link")).unwrap();
    fs::remove_dir_all(root.join("conf/sub")).unwrap();
    write(root.join("conf/sub"), "a file now", 0o644);
    fs::remove_file(root.join("conf/as-file")).unwrap();
    symlink("a.conf", root.join("conf/as-file")).unwrap();
    fs::set_permissions(root.join("run.sh"), Permissions::from_mode(0o644)).unwrap();
    fs::remove_file(root.join("link")).unwrap();
    symlink("same", root.join("link")).unwrap();
    write(root.join("free/note"), "changed too", 0o644);
    let changed = told(&root);

    let Restored { steps, contents } = restore_steps(&release, &root).unwrap();
    assert!(contents.iter().all(|sha| world.blobs.has(sha)) && !contents.contains(&Sha::of(b"same")), "{contents:?}");
    let receipts = carry_out(&world, &steps);
    let mut expected = before.clone();
    expected.insert("free/note".into(), "644 changed too".into());
    expected.insert("conf/new.d".into(), "folder".into());
    assert_eq!(told(&root), expected);
    assert_eq!(restore_steps(&release, &root).unwrap(), Restored::default());

    for (step, receipt) in steps.iter().zip(&receipts).rev() {
        step.undo(&world, receipt).unwrap();
    }
    assert_eq!(told(&root), changed);
}

#[test]
fn another_checkout_gets_the_files_too() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, two) = (one.path().canonicalize().unwrap(), two.path().canonicalize().unwrap());
    tree(&one);
    let release = release(&one, &world(&one));
    let there = world(&two);
    let Restored { steps, contents } = restore_steps(&release, &two).unwrap();
    for sha in &contents {
        there.blobs.put(&world_blob(&one, sha)).unwrap();
    }
    carry_out(&there, &steps);
    let mut expected = told(&one);
    expected.retain(|path, _| !path.starts_with("free"));
    assert_eq!(told(&two), expected);
    assert_eq!(fs::metadata(two.join("conf/sub")).unwrap().mode(), fs::metadata(one.join("conf/sub")).unwrap().mode());
}

/// A content of the only run in a project.
fn world_blob(root: &Path, sha: &Sha) -> Vec<u8> {
    let run = fs::read_dir(root.join(".xtask/runs")).unwrap().next().unwrap().unwrap().path();
    fs::read(run.join("blobs").join(sha.as_str())).unwrap()
}

#[test]
fn what_cannot_be_put_back_is_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    tree(&root);
    let release = release(&root, &world(&root));
    fs::remove_file(root.join("same")).unwrap();
    fs::create_dir(root.join("same")).unwrap();
    assert!(restore_steps(&release, &root).unwrap_err().to_string().contains("it is a folder"));
    fs::remove_dir(root.join("same")).unwrap();
    symlink("/etc/passwd", root.join("same")).unwrap();
    assert!(restore_steps(&release, &root).unwrap_err().to_string().contains("a link out of the project"));
    let forged = Release { root: root.join("elsewhere"), ..release };
    assert_eq!(restore_steps(&forged, &root).unwrap_err().kind, crate::error::Kind::Unusable);
    let none = Release { kept: Kept::default(), ..forged };
    assert_eq!(restore_steps(&none, &root).unwrap(), Restored::default());
}
