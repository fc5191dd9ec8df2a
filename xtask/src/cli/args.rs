//! The command line, as clap reads it.

mod backup;
mod bench;
mod deploy;
mod env;
mod everyday;
mod images;
mod migrate;
mod production;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::history::HistoryArgs;
use crate::surroundings::Host;
use crate::tasks::audit::described;

pub use backup::{BackupArgs, BackupCommand, CreateArgs, RestoreArgs};
pub use bench::{BenchAuditArgs, BenchBackupArgs, BenchDeployArgs, Measurable};
pub use deploy::{PreflightArgs, ProdUpArgs};
pub use env::{EnvArgs, EnvCommand};
pub use everyday::{Everyday, LogsArgs, MetricsArgs};
pub use images::{BuildArgs, PullArgs};
pub use migrate::{ChangingArgs, CleanupArgs, EnvStandardizeArgs, MigrateArgs, OnConflictArg, OverrideArgs, PhaseArgs, SecurityFixArgs};
pub use production::DockerfileProdArgs;

#[derive(Debug, Parser)]
#[command(
    name = "xtask",
    bin_name = "cargo xtask",
    version,
    about = "Guarded tasks for Docker Compose: every change is planned, proven, or undone",
    long_about = "Guarded tasks for Docker Compose.\n\nNothing is touched before every guard has passed; a change is proven or undone, also after \
                  `kill -9`; a secret is never shown.\n\nTo look: `cargo xtask audit`. To change: `cargo xtask migrate --status`, then `cargo xtask migrate --phase 1 --dry-run`.",
    after_help = "Exit codes: 0 done; 1 not as it should be; 2 unusable input; 3 refused, nothing touched; 4 rolled back; 5 stuck, a person is needed; 6 failed, nothing to undo; 130 interrupted."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Above the options that every command takes, so that its own stand together.
const GENERAL: &str = "Options of every command";

#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Work on the project in DIR instead of the current folder
    #[arg(short = 'C', value_name = "DIR", global = true, help_heading = GENERAL)]
    pub directory: Option<PathBuf>,
    /// Show the plan and stop; refusals still exit with 3
    #[arg(long, global = true, help_heading = GENERAL)]
    pub dry_run: bool,
    /// Do not ask; needed where there is no terminal
    #[arg(short = 'y', long, global = true, help_heading = GENERAL)]
    pub yes: bool,
    /// Answer the question for this name, where --yes does not answer it
    #[arg(long, value_name = "NAME", global = true, help_heading = GENERAL)]
    pub confirm: Vec<String>,
    /// For people, or one JSON document on standard output for programs
    #[arg(long, value_enum, default_value_t = Format::Human, global = true, help_heading = GENERAL)]
    pub format: Format,
    /// No colours; NO_COLOR does the same
    #[arg(long, global = true, help_heading = GENERAL)]
    pub no_color: bool,
    /// Only refusals, failures and what was asked for; of an audit only its sums
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GENERAL)]
    pub quiet: bool,
    /// Also every guard that passed; of an audit also what is suppressed
    #[arg(short, long, global = true, help_heading = GENERAL)]
    pub verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Human,
    Json,
    /// SARIF 2.1.0, for code scanning; audit only
    Sarif,
    /// Annotations of a GitHub workflow; audit only
    Github,
    /// Audit, review and the list of explain only
    Markdown,
    /// One self-contained page; audit and review only
    Html,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge what Compose would run by the policies, and say how to fix what is found
    Audit(AuditArgs),
    /// Write a review: dev beside prod, what is good and what is missing, what to do first; Markdown unless --format says html or json
    Review(ReviewArgs),
    /// Say what a rule finds, why it matters and how far its fix goes; without a name list all rules
    Explain(ExplainArgs),
    /// Carry out a phase of the migration, or say which phases hold
    Migrate(MigrateArgs),
    /// Phase 1: move credentials out of compose files into .env, proven equal or put back
    SecurityFix(SecurityFixArgs),
    /// Phase 2: one root .env, which every service loads, rendered equal or put back
    EnvStandardize(EnvStandardizeArgs),
    /// Phase 3: remove what nobody uses; what has content is archived first and comes back with `rollback`
    Cleanup(CleanupArgs),
    /// Look at the variables of the stacks, and write the files that they live in
    Env(EnvArgs),
    /// Phase 4: a production image for each service that is built here, built, started and proven, not yet used
    DockerfileProd(DockerfileProdArgs),
    /// Measure what the migration is judged by: each figure with its target and how it was measured
    Metrics(MetricsArgs),
    #[command(flatten)]
    Everyday(Everyday),
    /// Undo a committed run: the newest, or the one named
    Rollback(RollbackArgs),
    /// Settle a run that was interrupted: put everything back to where it was before
    Recover,
    /// Bring a stack into production: rehearsed, proven, or what ran before serves again
    ProdUp(ProdUpArgs),
    /// Answer the eight questions before a stack first goes into production, each by trying; nothing live is touched
    Preflight(PreflightArgs),
    /// Back up everything that a stack would need to live again, or look at the backups
    Backup(BackupArgs),
    /// Put data of a backup back in its place, or write single files of it
    Restore(RestoreArgs),
    /// Fetch the images that the stacks name, by digest; nothing that runs is touched
    Pull(PullArgs),
    /// Build the images of a release, and hand them over to their registries
    Build(BuildArgs),
    /// List the runs: who, when, what, how it ended; or the releases
    History(HistoryArgs),
    /// Print the model that Compose would run, as JSON, secrets masked
    Render(RenderArgs),
    /// Say what is missing on this machine and in this project
    Doctor,
    /// Try phase 1 on a copy of an example stack, and undo it again
    Try(TryArgs),
    /// Measure a command beside its peers
    #[command(subcommand)]
    Bench(Measurable),
    /// Print the completion script for a shell
    Completions { shell: clap_complete::Shell },
    /// Print the JSON schema of policies or of xtask.yaml, for editors
    Schema { of: SchemaArg },
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The run to undo, as `history` names it; with --release the stack
    #[arg(value_name = "RUN|STACK")]
    pub run: Option<String>,
    /// Bring back the release that ran before the current one, instead of undoing a run
    #[arg(long)]
    pub release: bool,
    /// Bring back this release, as `history --releases` names it
    #[arg(long, value_name = "RELEASE", requires = "release")]
    pub to: Option<String>,
    /// With the data of then: the last backup that was made while that release ran, or the one named; asks for the compose project's name (--confirm NAME)
    #[arg(long, value_name = "BACKUP", requires = "release", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub with_data: Option<String>,
    /// Do not back up what is there now, for instance because the server that would do it does not run any more
    #[arg(long, requires = "with_data")]
    pub no_backup: bool,
    #[command(flatten)]
    pub overriding: OverrideArgs,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Stacks, compose files, folders, or - for standard input; none means all stacks of the project
    #[arg(value_name = "STACK|FILE|DIR|-")]
    pub targets: Vec<String>,
    /// A compose file; several are one stack, later ones laid over earlier ones
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Judge as this role, whatever the files' names say
    #[arg(long, value_enum)]
    pub role: Option<RoleArg>,
    /// A policy to lay over the project's own
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Only these rules, with commas between them
    #[arg(long = "rule", value_name = "RULE", value_delimiter = ',')]
    pub rules: Vec<String>,
    /// Only what was not found at REV: what the work tree brings since that commit
    #[arg(long, value_name = "REV", conflicts_with_all = ["staged", "fix"])]
    pub since: Option<String>,
    /// Only what the staged changes bring: what a commit would hold, against HEAD
    #[arg(long, conflicts_with = "fix")]
    pub staged: bool,
    /// Judge by the machine that the stacks shall run on: this one, or one of 8cpu,16g
    #[arg(long, value_name = "CPUS,MEMORY", num_args = 0..=1, default_missing_value = "", value_parser = host)]
    pub host: Option<HostArg>,
    /// Show what the safe fixes would change, or those of the named rules, proposals among them
    #[arg(long, value_name = "RULE,...", num_args = 0..=1, require_equals = true, value_delimiter = ',', default_missing_value = "")]
    pub fix: Option<Vec<String>>,
    /// Write the fixes: every file or none, proven or put back
    #[arg(long, requires = "fix")]
    pub apply: bool,
    /// Go on although files to be changed have uncommitted changes
    #[arg(long, requires = "apply")]
    pub allow_dirty: bool,
    /// Exit with 1 when something at least so severe is found
    #[arg(long, value_enum, default_value_t = Threshold::High, value_name = "LEVEL")]
    pub fail_on: Threshold,
    /// Work in so many threads; without it, one for each core
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HostArg {
    This,
    Described(Host),
}

fn host(text: &str) -> Result<HostArg, String> {
    if text.is_empty() { Ok(HostArg::This) } else { described(text).map(HostArg::Described) }
}

#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// Stacks, compose files or folders; none means all stacks of the project
    #[arg(value_name = "STACK|FILE|DIR")]
    pub targets: Vec<String>,
    /// A policy to lay over the project's own
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    Dev,
    Prod,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Threshold {
    Info,
    Low,
    Medium,
    High,
    Critical,
    /// Findings never fail; what cannot be read still does
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaArg {
    Policy,
    Settings,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The rule, as findings name it; also a fault that no rule finds, such as duplicate-key
    pub rule: Option<String>,
}

#[derive(Debug, Args)]
pub struct RenderArgs {
    /// The stack by id, or by a part of it that fits only one
    pub stack: String,
}

#[derive(Debug, Args)]
pub struct TryArgs {
    /// The example stack
    #[arg(default_value = "trading")]
    pub example: String,
    /// Keep the scratch folder, and say where it is
    #[arg(long)]
    pub keep: bool,
}
