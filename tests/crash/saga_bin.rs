//! What is crashed: a small run in the working folder, its recovery and its rollback.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use xtask::actions::{
    Action, ForgetReleases, GitCommit, GitUntrack, MoveCurrent, SaveRelease, Shelf, Symlink, World, WriteFile, inverse, written,
};
use xtask::cancel::Cancel;
use xtask::error::Result;
use xtask::event::Silent;
use xtask::git::Git;
use xtask::release::{Kept, KeptFile, Release, Releases};
use xtask::saga::{
    Blobs, Holder, Lock, Outcome, Phase, Plan, Proof, RunId, Sha, Store, Verdict, execute, prepared, recover, try_lock, wait_lock,
};

pub fn main(args: &[String]) -> ExitCode {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["run", what, rest @ ..] => run(what, rest.first().copied()),
        ["recover"] => settle(),
        ["rollback"] => rollback(),
        _ => Ok(2),
    };
    ExitCode::from(done.unwrap_or_else(|error| {
        eprintln!("{error}");
        6
    }))
}

struct Here {
    root: PathBuf,
    store: Store,
    _lock: Lock,
}

/// `None`: another run holds the lock.
fn enter(patience: Duration) -> Result<Option<Here>> {
    let root = std::env::current_dir().unwrap();
    let store = Store::at(&root);
    store.create()?;
    let holder = Holder::me("the crash test");
    let lock = if patience.is_zero() {
        try_lock(&store.lock_path(), &holder)?
    } else {
        wait_lock(&store.lock_path(), &holder, patience, &|_| true)?
    };
    Ok(lock.ok().map(|lock| Here { root, store, _lock: lock }))
}

impl Here {
    fn world(&self, run: RunId) -> World {
        let files = World::of_files(self.root.clone(), self.store.blobs(&run), run, Git::open(&self.root));
        World { state: Some(self.root.join("state")), ..files }
    }
}

/// `proof`: `bad`, or `slow` for one that waits for a signal, or `stubborn` for one that goes on after it.
fn run(what: &str, proof: Option<&str>) -> Result<u8> {
    let Some(here) = enter(Duration::ZERO)? else { return Ok(3) };
    if here.store.open_run()?.is_some() {
        return Ok(3);
    }
    let plan = plan(what, &here.root);
    let run = RunId::new(&plan.task);
    let mut journal = here.store.begin(&run, &plan)?;
    let world = here.world(run);
    // As if a file could not be kept: the run is open, and is settled by recovery.
    for content in [EDITED, LONG, ENV, IGNORE] {
        world.blobs.put(content.as_bytes())?;
    }
    world.blobs.put(&written(&release("r0003"))?)?;
    let waits = matches!(proof, Some("slow" | "stubborn"));
    let cancel = if waits { Cancel::on_signals(|doing| eprintln!("still {doing}"))? } else { Cancel::default() };
    let prove = || {
        if waits {
            std::fs::write("ready", "").unwrap();
            (0..1000).take_while(|_| !cancel.requested()).for_each(|_| std::thread::sleep(Duration::from_millis(10)));
            if proof == Some("stubborn") {
                std::thread::sleep(Duration::from_secs(1));
            }
            std::fs::remove_file("ready").unwrap();
        }
        Ok(match proof {
            Some("bad") => Verdict::Bad(vec!["as was asked for".into()]),
            _ => Verdict::Holds(Proof::default()),
        })
    };
    let outcome = execute(&world, &mut journal, &plan, prove, &Silent, &cancel);
    let unsettled = matches!(outcome, Outcome::Committed(_)) && journal.state().is_open();
    Ok(if unsettled { UNSETTLED } else { code(&outcome) })
}

fn settle() -> Result<u8> {
    let Some(here) = enter(Duration::from_secs(15))? else { return Ok(3) };
    let Some(open) = here.store.open_run()? else { return Ok(0) };
    let (mut journal, entries) = here.store.reopen(&open)?;
    match recover::<World, Action>(&here.world(open.id), &mut journal, &entries, &Silent, &Cancel::default())? {
        None | Some(Outcome::RolledBack { .. } | Outcome::Committed(_)) => Ok(0),
        Some(outcome) => {
            eprintln!("{outcome:?}");
            Ok(code(&outcome))
        }
    }
}

/// Takes back the newest committed run.
fn rollback() -> Result<u8> {
    let Some(here) = enter(Duration::ZERO)? else { return Ok(3) };
    let history = here.store.history()?;
    let Some(old) = history.iter().rfind(|view| view.state.phase == Phase::Committed) else { return Ok(3) };
    let back = inverse(&prepared::<World, Action>(&old.entries)?)?;
    let plan = Plan { target: Some(old.id.to_string()), finish: back.finish, ..Plan::new("rollback", back.steps) };
    let run = RunId::new(&plan.task);
    let mut journal = here.store.begin(&run, &plan)?;
    let world = here.world(run);
    for content in &back.contents {
        world.blobs.put(&here.store.blobs(&old.id).get(content)?)?;
    }
    let prove = || Ok(Verdict::Holds(Proof::default()));
    Ok(code(&execute(&world, &mut journal, &plan, prove, &Silent, &Cancel::default())))
}

/// Committed, and something is left to do after it. The tool itself ends with 0 and a warning then.
pub const UNSETTLED: u8 = 7;

fn code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Committed(_) => 0,
        Outcome::RolledBack { .. } => 4,
        Outcome::Stuck { .. } => 5,
        Outcome::Interrupted => 130,
    }
}

pub const ORIGINAL: &str = "services: # kept\r\n  db:\n    password: literal\n";
const EDITED: &str = "services: # kept\r\n  db:\n    password: ${DB_PASSWORD:?}\n";
const LONG: &str = "another file, which gets longer than it was";
const ENV: &str = "DB_PASSWORD=literal\n";
pub const IGNORE: &str = "/.env\n";

/// `files`: one file edited, one replaced, one created, one link. `git`: one file leaves the index,
/// and all of it is committed. `release`: one file edited, a release saved, and an old one forgotten
/// after the commit. `back`: an older release becomes the current one.
fn plan(what: &str, root: &Path) -> Plan<Action> {
    let write = |path: &str, before: Option<&str>, after: &str| {
        let before = before.map(|text| Sha::of(text.as_bytes()));
        Action::WriteFile(WriteFile { path: path.into(), content: Sha::of(after.as_bytes()), before, mode: Some(0o600) })
    };
    let mut steps = vec![
        write("compose.yml", Some(ORIGINAL), EDITED),
        write("sub/other.txt", Some("short"), LONG),
        write(".env", None, ENV),
        Action::CreateSymlink(Symlink { path: "sub/.env".into(), target: "../.env".into() }),
    ];
    let mut plan = Plan::new("crash", Vec::new());
    if what == "git" {
        steps.push(write(".gitignore", None, IGNORE));
        steps.push(Action::GitUntrack(GitUntrack { path: "tracked.env".into() }));
        let paths = ["compose.yml", "sub/other.txt", ".gitignore", "tracked.env"].map(PathBuf::from).to_vec();
        plan.finish.push(Action::GitCommit(GitCommit { paths, message: "Take the secrets out\n".into() }));
    }
    let shelf = || Shelf { state: root.join("state"), engine_id: ENGINE.into(), project: "shop".into(), stack: "db".into() };
    if what == "release" {
        steps.truncate(1);
        let record = Sha::of(&written(&release("r0003")).unwrap());
        plan.finish.push(Action::SaveRelease(SaveRelease { shelf: shelf(), id: "r0003".into(), record, since_ms: 0 }));
        plan.after.push(Action::ForgetReleases(ForgetReleases { shelf: shelf(), ids: vec!["r0001".into()] }));
    }
    if what == "back" {
        steps.truncate(1);
        plan.finish.push(Action::MoveCurrent(MoveCurrent { shelf: shelf(), id: "r0001".into() }));
    }
    plan.steps = steps;
    plan
}

/// The tree that the plan is made for.
pub fn prepare(root: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir(root.join("sub")).unwrap();
    std::fs::write(root.join("compose.yml"), ORIGINAL).unwrap();
    std::fs::write(root.join("sub/other.txt"), "short").unwrap();
    std::fs::write(root.join("tracked.env"), "A=1\n").unwrap();
    std::fs::set_permissions(root.join("compose.yml"), std::fs::Permissions::from_mode(0o640)).unwrap();
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(root.join("compose.yml"), Some(1234), Some(4321)).unwrap();
    }
}

const ENGINE: &str = "an engine";

/// A release that keeps one file.
fn release(id: &str) -> Release {
    let file = KeptFile { path: "/p/compose.yml".into(), content: Sha::of(EDITED.as_bytes()), mode: 0o640 };
    Release {
        id: id.into(),
        stack: "db".into(),
        project: "shop".into(),
        run: "earlier".into(),
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
        services: Default::default(),
        model: None,
        kept: Kept { files: vec![file], ..Kept::default() },
        accepted: Vec::new(),
        backup: None,
    }
}

/// The same tree, and two releases.
pub fn prepare_releases(root: &Path) {
    prepare(root);
    let contents = tempfile::tempdir().unwrap();
    let blobs = Blobs::at(contents.path().to_path_buf());
    blobs.put(EDITED.as_bytes()).unwrap();
    let releases = Releases::open(&root.join("state"), ENGINE, "shop", "db").unwrap();
    for id in ["r0001", "r0002"] {
        releases.save(&release(id), &blobs).unwrap();
    }
    releases.set_current(Some("r0002")).unwrap();
}
