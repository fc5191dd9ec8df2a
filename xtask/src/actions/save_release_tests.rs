use std::collections::BTreeMap;
use std::fs;

use super::super::testing::world;
use super::super::{Action, ForgetReleases, Receipt};
use super::*;
use crate::release::{Kept, ServiceRecord};
use crate::saga::{RunId, Step};

pub(in super::super) fn release(id: &str) -> Release {
    Release {
        id: id.into(),
        stack: "db".into(),
        project: "shop".into(),
        run: String::new(),
        who: "me@here".into(),
        at_ms: 0,
        took_ms: 0,
        root: "/p".into(),
        roots: Vec::new(),
        git_commit: None,
        tag: None,
        previous: None,
        adopted: false,
        compose_version: "2.40.3".into(),
        services: BTreeMap::new(),
        model: None,
        kept: Kept::default(),
        accepted: vec![],
        backup: None,
    }
}

struct Bench {
    _folder: tempfile::TempDir,
    world: World,
    shelf: Shelf,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let world = World { state: Some(state.clone()), ..world(folder.path()) };
    Bench { _folder: folder, world, shelf: Shelf { state, engine_id: "e".into(), project: "shop".into(), stack: "db".into() } }
}

impl Bench {
    fn releases(&self) -> Releases {
        self.shelf.open(&self.world).unwrap()
    }

    fn save(&self, release: &Release) -> Action {
        let record = self.world.blobs.put(&written(release).unwrap()).unwrap();
        Action::SaveRelease(SaveRelease { shelf: self.shelf.clone(), id: release.id.clone(), record, since_ms: now_ms() - 5000 })
    }

    /// Saves a release and makes it current.
    fn saved(&self, id: &str) -> (Action, Receipt) {
        let step = self.save(&release(id));
        let receipt = step.prepare(&self.world).unwrap();
        step.apply(&self.world, &receipt).unwrap();
        (step, receipt)
    }
}

#[test]
fn completes_the_record_with_what_the_proof_saw() {
    let bench = bench();
    let content = bench.world.blobs.put(b"a container").unwrap();
    let seen = ServiceRecord {
        image: "postgres:15".into(),
        image_id: "sha256:2".into(),
        repo_digests: vec![],
        config_hash: "h".into(),
        done: false,
        containers: BTreeMap::from([("shop-db-1".to_string(), content.clone())]),
    };
    bench.world.running.borrow_mut().insert("db".into(), seen.clone());
    bench.saved("r0001");
    let saved = bench.releases().get("r0001").unwrap();
    assert_eq!((&saved.services["db"], saved.run.as_str()), (&seen, bench.world.run.as_str()));
    assert!((5000..60_000).contains(&saved.took_ms) && saved.at_ms > 0, "{saved:?}");
    assert_eq!(bench.releases().blobs("r0001").unwrap().get(&content).unwrap(), b"a container");
    assert_eq!(bench.releases().current().unwrap().as_deref(), Some("r0001"));
}

#[test]
fn is_taken_back_after_none_half_or_all_of_it() {
    for first in [None, Some("r0001")] {
        let bench = bench();
        first.map(|id| bench.saved(id));
        let step = bench.save(&release("r0002"));
        let receipt = step.prepare(&bench.world).unwrap();
        let dir = bench.releases().dir().to_path_buf();
        let check = |what: &str| {
            for _ in 0..2 {
                step.undo(&bench.world, &receipt).unwrap();
                assert_eq!(bench.releases().current().unwrap().as_deref(), first, "{what}");
                assert_eq!(bench.releases().list().unwrap().len(), usize::from(first.is_some()), "{what}");
                let left = fs::read_dir(&dir)
                    .map(|listing| listing.flatten().filter(|e| e.file_name().to_string_lossy().starts_with('.')).count());
                assert_eq!(left.unwrap_or(0), 0, "{what}");
            }
        };
        check("none");
        fs::create_dir_all(dir.join(".new-r0002/blobs")).unwrap();
        check("half written");
        let saved = record(&bench.world, receipt.saved().unwrap().record.as_ref().unwrap()).unwrap();
        bench.releases().save(&saved, &bench.world.blobs).unwrap();
        check("written, not current");
        step.apply(&bench.world, &receipt).unwrap();
        assert_eq!(bench.releases().current().unwrap().as_deref(), Some("r0002"));
        check("all");
    }
}

#[test]
fn refuses_what_is_not_as_the_plan_saw_it() {
    let bench = bench();
    bench.saved("r0001");
    let why = |step: &Action| step.prepare(&bench.world).unwrap_err().why.unwrap();
    assert_eq!(why(&bench.save(&release("r0001"))), "there is one of that name");
    assert_eq!(why(&bench.save(&Release { stack: "web".into(), ..release("r0002") })), "the record is that of another release");
    let lost = Release { model: Some(Sha::of(b"nowhere")), ..release("r0002") };
    assert!(why(&bench.save(&lost)).contains("is not among those of the run"));
    let elsewhere = Shelf { state: "/elsewhere".into(), ..bench.shelf.clone() };
    let moved = Action::MoveCurrent(MoveCurrent { shelf: elsewhere, id: "r0001".into() });
    assert!(why(&moved).contains("not that of today"));
}

#[test]
fn takes_nothing_back_that_another_run_has_made() {
    let bench = bench();
    let (step, receipt) = bench.saved("r0001");
    let other = World { state: bench.world.state.clone(), run: RunId::new("another"), ..world(&bench.world.root) };
    assert!(step.undo(&other, &receipt).unwrap_err().to_string().contains("another run"));
    assert!(bench.releases().has("r0001"));
    let (later, _) = bench.saved("r0002");
    assert!(step.undo(&bench.world, &receipt).unwrap_err().to_string().contains("another release current"), "{later:?}");
}

#[test]
fn the_pointer_moves_to_an_older_release_and_back() {
    let bench = bench();
    bench.saved("r0001");
    bench.saved("r0002");
    let back = Action::MoveCurrent(MoveCurrent { shelf: bench.shelf.clone(), id: "r0001".into() });
    let receipt = back.prepare(&bench.world).unwrap();
    back.apply(&bench.world, &receipt).unwrap();
    assert_eq!(bench.releases().current().unwrap().as_deref(), Some("r0001"));
    for _ in 0..2 {
        back.undo(&bench.world, &receipt).unwrap();
        assert_eq!(bench.releases().current().unwrap().as_deref(), Some("r0002"));
    }
    let nowhere = Action::MoveCurrent(MoveCurrent { shelf: bench.shelf.clone(), id: "r0009".into() });
    assert!(nowhere.prepare(&bench.world).is_err());
}

#[test]
fn old_releases_are_forgotten_again_and_again_but_never_the_current() {
    let bench = bench();
    for id in ["r0001", "r0002", "r0003"] {
        bench.saved(id);
    }
    let forget = |ids: &[&str]| {
        let ids = ids.iter().map(ToString::to_string).collect();
        Action::ForgetReleases(ForgetReleases { shelf: bench.shelf.clone(), ids })
    };
    assert!(forget(&["r0002", "r0003"]).prepare(&bench.world).unwrap_err().to_string().contains("it is the current one"));
    let step = forget(&["r0001", "r0002"]);
    for _ in 0..2 {
        let receipt = step.prepare(&bench.world).unwrap();
        step.apply(&bench.world, &receipt).unwrap();
        assert_eq!(bench.releases().list().unwrap().len(), 1);
    }
    assert_eq!(bench.releases().next_id().unwrap(), "r0004");
}
