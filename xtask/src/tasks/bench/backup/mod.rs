//! How long a backup takes, beside restic on the same files, an archive of the volume, and the database's client alone.

mod data;
mod ways;
mod yard;

use std::collections::BTreeMap;

use serde::Serialize;

use super::inputs::Scratch;
use super::{Target, median};
use crate::backup::BUILT;
use crate::cancel::Cancel;
use crate::engine::compose::{self, Found};
use crate::engine::{Docker, Engine};
use crate::error::{Error, Result};
use crate::event::{Event, Sink};

use ways::{Own, Restic, pg_dump, tar};
use yard::{STACKS, Yard};

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often everything is measured; what is told is the median.
    pub rounds: usize,
    /// Of the volume, and of the database's table.
    pub bytes: usize,
    /// A PostgreSQL of the engine's; none: the newest that it has.
    pub image: Option<String>,
}

/// Everything that was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Backups {
    pub version: &'static str,
    /// Whether the program was compiled with optimisation.
    pub optimised: bool,
    pub cores: usize,
    pub engine: String,
    pub image: String,
    pub restic: Option<String>,
    pub rounds: usize,
    pub files: usize,
    pub bytes: u64,
    pub database_bytes: u64,
    pub cases: Vec<Case>,
    /// The most memory that our program, or one that it started, has held at once.
    pub peak_bytes: u64,
    pub targets: Vec<Target>,
}

/// One thing done by one program: the median of its rounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Case {
    pub what: &'static str,
    pub by: &'static str,
    pub seconds: f64,
}

const FIRST: &str = "first backup";
const SECOND: &str = "second, 1 % changed";
const RESTORE: &str = "restore";
const VERIFY: &str = "verify";
const DUMP: &str = "database, the dump alone";
const DATABASE: &str = "database, stored and read back";
const OWN: &str = "xtask";
const RESTIC: &str = "restic";
const TAR: &str = "docker run tar | zstd";
const PG_DUMP: &str = "pg_dump -Fc";
/// In the order in which they are told.
const CASES: [(&str, &str); 10] = [
    (FIRST, OWN),
    (FIRST, RESTIC),
    (FIRST, TAR),
    (SECOND, OWN),
    (SECOND, RESTIC),
    (RESTORE, OWN),
    (RESTORE, RESTIC),
    (VERIFY, OWN),
    (DUMP, OWN),
    (DUMP, PG_DUMP),
];
const LARGEST_PEAK: f64 = 300.0;
const POSTGRES: &str = "postgres:";

/// By what, and by whom.
type Seconds = BTreeMap<(&'static str, &'static str), Vec<f64>>;

/// Backs a project of its own up again and again, and takes it away again.
///
/// # Errors
/// No engine answers, or it has no PostgreSQL, or its volumes are not this machine's (`Unusable`); `Interrupted`.
pub fn backup(options: &Options, events: &dyn Sink, cancel: &Cancel) -> Result<Backups> {
    if !BUILT {
        return Err(Error::unusable("measure backups").why("this xtask was built without them").help("build it with the feature `backup`"));
    }
    let program = std::env::current_exe().map_err(|error| Error::failed("find the own program").why(error.to_string()))?;
    let engine = Docker::connect()?;
    let info = engine.info()?;
    let compose = compose::find(cancel).and_then(Found::usable)?;
    let image = image(&engine, options.image.as_deref())?;
    let scratch = Scratch::new()?;
    events.emit(Event::Note("filling a volume and a database".to_string()));
    let yard = Yard::open(&engine, &compose, &scratch, &image, options.bytes, cancel)?;
    let bench = Bench { own: Own { program, yard: &yard, cancel }, restic: Restic::find(cancel), image: &image, cancel };
    // The peak of all children only ever rises, so ours comes first, and alone.
    events.emit(Event::Note("a round of our own, for its memory".to_string()));
    let peak_bytes = bench.alone()?;
    yard.settle();
    let mut seconds = Seconds::new();
    for round in 1..=options.rounds {
        events.emit(Event::Note(format!("round {round} of {}", options.rounds)));
        bench.round(round, &mut seconds)?;
    }
    let told = CASES.iter().chain([&(DATABASE, OWN)]).filter_map(|key| Some((key, seconds.get(key)?)));
    let cases: Vec<Case> = told.map(|((what, by), all)| Case { what, by, seconds: median(all) }).collect();
    Ok(Backups {
        version: env!("CARGO_PKG_VERSION"),
        optimised: !cfg!(debug_assertions),
        cores: super::cores(),
        engine: info.version,
        restic: bench.restic.map(|restic| restic.version),
        rounds: options.rounds,
        files: yard.data.files(),
        bytes: yard.data.bytes,
        database_bytes: yard.database_bytes,
        targets: targets(&cases, peak_bytes),
        cases,
        peak_bytes,
        image,
    })
}

struct Bench<'a> {
    own: Own<'a>,
    restic: Option<Restic>,
    image: &'a str,
    cancel: &'a Cancel,
}

impl Bench<'_> {
    /// Everything of ours once; the most memory of it.
    fn alone(&self) -> Result<u64> {
        let to = self.own.yard.scratch.root.join("alone");
        self.own.back_up(STACKS[0], &to)?;
        self.own.restore(&to)?;
        self.own.back_up(STACKS[1], &to)?;
        Ok(self.own.verify(&to)?.peak_bytes)
    }

    fn round(&self, round: usize, seconds: &mut Seconds) -> Result<()> {
        let (yard, cancel) = (self.own.yard, self.cancel);
        let place = |name: &str| yard.scratch.root.join(format!("{name}-{round}"));
        let [ours, database, theirs] = ["ours", "database", "theirs"].map(place);
        let mut note = |what, by, took: f64| seconds.entry((what, by)).or_default().push(took);
        note(FIRST, OWN, self.own.back_up(STACKS[0], &ours)?.took.as_secs_f64());
        if let Some(restic) = &self.restic {
            note(FIRST, RESTIC, restic.back_up(yard, &theirs, true, cancel)?);
        }
        if let Some(took) = tar(yard, self.image, cancel)? {
            note(FIRST, TAR, took);
        }
        yard.data.change(round)?;
        note(SECOND, OWN, self.own.back_up(STACKS[0], &ours)?.took.as_secs_f64());
        if let Some(restic) = &self.restic {
            note(SECOND, RESTIC, restic.back_up(yard, &theirs, false, cancel)?);
            note(RESTORE, RESTIC, restic.restore(yard, &theirs, cancel)?);
        }
        note(RESTORE, OWN, self.own.restore(&ours)?.took.as_secs_f64());
        note(VERIFY, OWN, self.own.verify(&ours)?.took.as_secs_f64());
        note(DATABASE, OWN, self.own.back_up(STACKS[1], &database)?.took.as_secs_f64());
        note(DUMP, OWN, self.own.dump_seconds(&database)?);
        if let Some(took) = pg_dump(yard, cancel)? {
            note(DUMP, PG_DUMP, took);
        }
        for folder in [ours, database, theirs] {
            let _ = std::fs::remove_dir_all(folder);
        }
        Ok(())
    }
}

fn targets(cases: &[Case], peak_bytes: u64) -> Vec<Target> {
    let seconds = |what: &str, by: &str| cases.iter().find(|case| case.what == what && case.by == by).map(|case| case.seconds);
    let mut targets = Vec::new();
    let against = [
        (FIRST, RESTIC, 1.0, "times restic's seconds, first backup"),
        (SECOND, RESTIC, 1.0, "times restic's seconds, second backup"),
        (DUMP, PG_DUMP, 1.2, "times the seconds of pg_dump alone"),
    ];
    for (what, by, wanted, said) in against {
        if let (Some(ours), Some(theirs)) = (seconds(what, OWN), seconds(what, by)) {
            targets.push(Target::at_most(wanted, said, ours / theirs));
        }
    }
    targets.push(Target::at_most(LARGEST_PEAK, "MB of memory at most", peak_bytes as f64 / 1e6));
    targets
}

/// Its name: Compose finds it by that.
fn image(engine: &dyn Engine, named: Option<&str>) -> Result<String> {
    let help = "`docker pull postgres` fetches one; --image names another";
    if let Some(name) = named {
        let missing = || Error::unusable(format!("take the image {name}")).why("the engine does not have it").help(help);
        return engine.image(name)?.map(|_| name.to_string()).ok_or_else(missing);
    }
    let tags = engine.images(POSTGRES)?.into_iter().flat_map(|image| image.tags).filter(|tag| tag.starts_with(POSTGRES));
    tags.max().ok_or_else(|| Error::unusable("find an image with PostgreSQL").why("the engine has none").help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_there_sets_no_target() {
        let case = |what, by, seconds| Case { what, by, seconds };
        let mut cases = vec![case(FIRST, OWN, 2.0), case(SECOND, OWN, 1.0), case(DUMP, OWN, 1.1), case(DUMP, PG_DUMP, 1.0)];
        let unmet = |cases: &[Case], peak| targets(cases, peak).iter().filter(|target| !target.met).count();
        assert_eq!((targets(&cases, 1).len(), unmet(&cases, 200_000_000), unmet(&cases, 301_000_000)), (2, 0, 1));
        cases.extend([case(FIRST, RESTIC, 1.9), case(SECOND, RESTIC, 1.0)]);
        assert_eq!((targets(&cases, 1).len(), unmet(&cases, 1)), (4, 1));
    }
}
