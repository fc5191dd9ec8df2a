//! The migration: its phases in their order, one by one or all together.

use super::status::{self, Look};
use super::{Context, Ended, Overrides, cleanup, dockerfile_prod, env_standardize, security_fix};
use crate::error::{Error, Result};
use crate::event::Event;
use env_standardize::OnConflict;

/// One phase.
pub struct Phase {
    pub number: u8,
    /// The name of its command and of its runs.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// Carries it out.
    pub run: fn(&Context<'_>, &Wish, &Overrides) -> Result<(Ended, PhaseReport)>,
    /// Says what stands against it, and changes nothing.
    pub look: fn(&Context<'_>, &[String]) -> Result<Look>,
}

/// All phases, in the order in which `--all` carries them out.
pub static PHASES: [Phase; 4] = [
    Phase {
        number: 1,
        name: "security-fix",
        about: "credentials out of compose files",
        run: |cx, wish, overrides| {
            let (ended, report) = security_fix::run(cx, &wish.security_fix(), overrides)?;
            Ok((ended, PhaseReport::SecurityFix(Box::new(report))))
        },
        look: status::security_fix,
    },
    Phase {
        number: 2,
        name: "env-standardize",
        about: "one root .env for every service",
        run: |cx, wish, overrides| {
            let (ended, report) = env_standardize::run(cx, &wish.env_standardize(), overrides)?;
            Ok((ended, PhaseReport::EnvStandardize(Box::new(report))))
        },
        look: status::env_standardize,
    },
    Phase {
        number: 3,
        name: cleanup::TASK,
        about: "what nobody uses, archived and removed",
        run: |cx, wish, overrides| {
            let (ended, report) = cleanup::run(cx, &wish.cleanup(), overrides)?;
            Ok((ended, PhaseReport::Cleanup(Box::new(report))))
        },
        look: status::cleanup,
    },
    Phase {
        number: 4,
        name: "dockerfile-prod",
        about: "a production image of each service that is built here",
        run: |cx, wish, overrides| {
            let (ended, report) = dockerfile_prod::run(cx, &wish.dockerfile_prod(), overrides)?;
            Ok((ended, PhaseReport::DockerfileProd(Box::new(report))))
        },
        look: status::dockerfile_prod,
    },
];

/// The phase of a number.
pub fn phase(number: u8) -> Option<&'static Phase> {
    PHASES.iter().find(|phase| phase.number == number)
}

/// What the caller chose for one phase or for all; each takes what concerns it.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Stacks by name; none means all.
    pub stacks: Vec<String>,
    pub commit: bool,
    pub recreate: bool,
    pub rehearse: bool,
    pub allow_dirty: bool,
    pub require_live: bool,
    /// Of phase 1.
    pub strict: bool,
    /// Of phase 1.
    pub untrack: bool,
    /// Of phase 2.
    pub on_conflict: Option<OnConflict>,
    /// Of phase 3.
    pub cleanup: cleanup::Options,
    /// Of phase 4.
    pub activate: bool,
}

impl Wish {
    fn security_fix(&self) -> security_fix::Options {
        let Wish { stacks, commit, recreate, rehearse, allow_dirty, require_live, strict, untrack, .. } = self.clone();
        security_fix::Options { stacks, commit, recreate, rehearse, strict, untrack, allow_dirty, require_live }
    }

    fn env_standardize(&self) -> env_standardize::Options {
        let Wish { stacks, commit, recreate, rehearse, allow_dirty, require_live, on_conflict, .. } = self.clone();
        env_standardize::Options { stacks, on_conflict, commit, recreate, rehearse, allow_dirty, require_live }
    }

    fn cleanup(&self) -> cleanup::Options {
        cleanup::Options { stacks: self.stacks.clone(), ..self.cleanup.clone() }
    }

    fn dockerfile_prod(&self) -> dockerfile_prod::Options {
        let Wish { stacks, activate, commit, allow_dirty, require_live, .. } = self.clone();
        dockerfile_prod::Options { stacks, activate, commit, allow_dirty, require_live }
    }

    /// Refuses what the phase would silently ignore.
    fn fits(&self, phase: &Phase) -> Result<()> {
        let options: [(&[u8], &str, bool); 11] = [
            (&[1], "--strict", self.strict),
            (&[1], "--untrack", self.untrack),
            (&[2], "--on-conflict", self.on_conflict.is_some()),
            (&[1, 2, 4], "--commit", self.commit),
            (&[1, 2], "--recreate", self.recreate),
            (&[1, 2], "--rehearse", self.rehearse),
            (&[1, 2, 4], "--allow-dirty", self.allow_dirty),
            (&[1, 2, 4], "--require-live", self.require_live),
            (&[3], "--host", self.cleanup.host),
            (&[3], "--include", self.cleanup.containers),
            (&[3], "--expect", !self.cleanup.expect.is_empty()),
        ];
        match options.into_iter().find(|(phases, _, given)| *given && !phases.contains(&phase.number)) {
            None => Ok(()),
            Some((_, option, _)) => {
                let help = format!("leave it out; `cargo xtask {} --help` lists what this phase takes", phase.name);
                Err(Error::unusable(format!("phase {} has no {option}", phase.number)).help(help))
            }
        }
    }
}

/// What a phase has done.
pub enum PhaseReport {
    SecurityFix(Box<security_fix::Report>),
    EnvStandardize(Box<env_standardize::Report>),
    Cleanup(Box<cleanup::Report>),
    DockerfileProd(Box<dockerfile_prod::Report>),
}

/// A phase that was carried out.
pub struct Migrated {
    pub phase: &'static Phase,
    pub ended: Ended,
    pub report: PhaseReport,
}

/// Carries one phase out.
pub fn one(cx: &Context<'_>, phase: &'static Phase, wish: &Wish, overrides: &Overrides) -> Result<Migrated> {
    wish.fits(phase)?;
    let (ended, report) = (phase.run)(cx, wish, overrides)?;
    Ok(Migrated { phase, ended, report })
}

/// Carries the phases out in their order, without those that `skip` names; the first that does not hold ends it. Unless
/// something is agreed to by its name (`by_name`), phase 3 leaves named volumes where they are.
pub fn all(cx: &Context<'_>, wish: &Wish, skip: &[u8], by_name: bool) -> Result<Vec<Migrated>> {
    let mut migrated = Vec::new();
    let together = cleanup::Options { together: true, without_named: !by_name, ..wish.cleanup.clone() };
    let wish = &Wish { cleanup: together, ..wish.clone() };
    for phase in PHASES.iter().filter(|phase| !skip.contains(&phase.number)) {
        // As the files are now, phase 2 would judge what phase 1 is about to change.
        let before = migrated.last().is_some_and(|last: &Migrated| last.phase.number == 1 && last.ended == Ended::Planned);
        if phase.number == 2 && before {
            let note = "phase 2 builds on what phase 1 writes: carry that out, then look at phase 2";
            cx.events.emit(Event::Note(note.to_string()));
            continue;
        }
        cx.events.emit(Event::Note(format!("phase {} {}: {}", phase.number, phase.name, phase.about)));
        let (ended, report) = (phase.run)(cx, wish, &Overrides::default())?;
        migrated.push(Migrated { phase, ended, report });
    }
    Ok(migrated)
}
