use clap::{Args, ValueEnum};

use crate::tasks::cleanup::{Kind, Options};
use crate::tasks::env_standardize::OnConflict;

#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// The phase to carry out: 1 = security-fix, 2 = env-standardize, 3 = cleanup, 4 = dockerfile-prod
    #[arg(long, value_name = "N", value_parser = phase, required_unless_present_any = ["status", "all"], conflicts_with_all = ["status", "all"])]
    pub phase: Option<u8>,
    /// Carry out all phases in their order; the first that does not hold ends it; named volumes stay, unless --confirm names their list
    #[arg(long, conflicts_with_all = ["status", "overrides"])]
    pub all: bool,
    /// Leave this phase out
    #[arg(long, value_name = "N", value_parser = phase, requires = "all")]
    pub skip: Vec<u8>,
    /// Say for each phase whether it is done, pending or drifted; exits with 1 when one does not hold
    #[arg(long)]
    pub status: bool,
    /// Phase 2: settle variables that have two values
    #[arg(long, value_enum, value_name = "HOW")]
    pub on_conflict: Option<OnConflictArg>,
    #[command(flatten)]
    pub security_fix: SecurityFixArgs,
    #[command(flatten)]
    pub cleanup: UnusedArgs,
}

/// The phases that there are.
fn phase(text: &str) -> Result<u8, String> {
    let number = text.parse().ok().filter(|number| crate::tasks::migrate::phase(*number).is_some());
    number.ok_or_else(|| {
        let all = crate::tasks::migrate::PHASES.iter().map(|phase| format!("{} {}", phase.number, phase.name));
        format!("the phases are {}", all.collect::<Vec<_>>().join(", "))
    })
}

#[derive(Debug, Clone, Args)]
pub struct SecurityFixArgs {
    #[command(flatten)]
    pub changing: ChangingArgs,
    /// Phase 1: keep new variables out of every service: put them into .env.secrets, which no env_file names
    #[arg(long)]
    pub strict: bool,
    /// Phase 1: take a root .env that git tracks out of git's index (the file stays)
    #[arg(long)]
    pub untrack: bool,
}

#[derive(Debug, Clone, Args)]
pub struct EnvStandardizeArgs {
    #[command(flatten)]
    pub changing: ChangingArgs,
    /// Settle variables that have two values
    #[arg(long, value_enum, value_name = "HOW")]
    pub on_conflict: Option<OnConflictArg>,
}

/// What phase 3 looks at.
#[derive(Debug, Clone, Args)]
pub struct UnusedArgs {
    /// Phase 3: look at the whole engine, not only at what carries a label of this project's stacks
    #[arg(long)]
    pub host: bool,
    /// Phase 3: stopped containers too, which cannot come back
    #[arg(long, value_enum, value_name = "WHAT")]
    pub include: Option<IncludeArg>,
    /// Phase 3: refuse when the list has other counts, for instance volumes=27,images=17
    #[arg(long, value_name = "KIND=N", value_delimiter = ',', value_parser = expected)]
    pub expect: Vec<(Kind, usize)>,
}

impl UnusedArgs {
    pub fn options(&self) -> Options {
        let UnusedArgs { host, include, expect } = self.clone();
        Options { host, containers: include.is_some(), expect, ..Options::default() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IncludeArg {
    Containers,
}

#[derive(Debug, Clone, Args)]
pub struct CleanupArgs {
    /// Stacks by id, or by a part of it that fits only one; none means all, and images without a name
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
    #[command(flatten)]
    pub unused: UnusedArgs,
    /// Go on although this guard refuses; needs --reason
    #[arg(long = "override", value_name = "GUARD", requires = "reason")]
    pub overrides: Vec<String>,
    /// Why a guard is overridden; recorded with the run
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

fn expected(text: &str) -> Result<(Kind, usize), String> {
    let kinds = [Kind::Container, Kind::Network, Kind::Volume, Kind::Image, Kind::Cache];
    let read = |(word, count): (&str, &str)| Some((kinds.into_iter().find(|kind| kind.plural() == word)?, count.parse().ok()?));
    let words = || kinds.map(Kind::plural).join(", ");
    text.split_once('=').and_then(read).ok_or_else(|| format!("it is KIND=N, with one of {}", words()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnConflictArg {
    /// The root's value holds for all
    KeepRoot,
    /// Every service keeps the value that it has: nothing renders differently
    KeepFile,
}

impl From<OnConflictArg> for OnConflict {
    fn from(arg: OnConflictArg) -> OnConflict {
        match arg {
            OnConflictArg::KeepRoot => OnConflict::KeepRoot,
            OnConflictArg::KeepFile => OnConflict::KeepFile,
        }
    }
}

/// What every phase takes that changes files.
#[derive(Debug, Clone, Args)]
pub struct ChangingArgs {
    /// Stacks by id, or by a part of it that fits only one; none means all
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
    /// Make one commit of exactly the files that were changed
    #[arg(long)]
    pub commit: bool,
    /// Recreate the touched services of running stacks, one stack at a time, each healthy before the next
    #[arg(long)]
    pub recreate: bool,
    /// Start the touched stacks in a throwaway project first; they must become healthy
    #[arg(long)]
    pub rehearse: bool,
    /// Go on although files to be changed have uncommitted changes
    #[arg(long)]
    pub allow_dirty: bool,
    /// Refuse when something could not be proven on a running engine
    #[arg(long)]
    pub require_live: bool,
    /// Go on although this guard refuses; needs --reason
    #[arg(long = "override", value_name = "GUARD", requires = "reason")]
    pub overrides: Vec<String>,
    /// Why a guard is overridden; recorded with the run
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}
