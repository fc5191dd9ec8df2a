use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Measurable {
    /// How fast an audit is, beside other linters where they are installed
    Audit(BenchAuditArgs),
    /// How long a service is away while a release goes out, beside Compose and a rollout; on a stack of its own
    Deploy(BenchDeployArgs),
    /// How long a backup takes, beside restic, an archive of the volume and the database's client; on a project of its own
    Backup(BenchBackupArgs),
}

#[derive(Debug, Args)]
pub struct BenchBackupArgs {
    /// Megabytes of files, and of a database
    #[arg(long, value_name = "MB", default_value = "200")]
    pub size: NonZeroUsize,
    /// Measure everything so often, and tell the median
    #[arg(long, value_name = "N", default_value = "3")]
    pub rounds: NonZeroUsize,
    /// A PostgreSQL image of the engine's; else the newest that is there
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
}

#[derive(Debug, Args)]
pub struct BenchAuditArgs {
    /// Copy the files so often
    #[arg(long, value_name = "N", default_value = "50")]
    pub copies: NonZeroUsize,
    /// Measure everything so often, and tell the median
    #[arg(long, value_name = "N", default_value = "5")]
    pub rounds: NonZeroUsize,
    /// Take the files of this folder instead of the example stacks' compose files
    #[arg(long, value_name = "DIR")]
    pub files: Option<PathBuf>,
    /// Only our own program
    #[arg(long)]
    pub no_peers: bool,
}

#[derive(Debug, Args)]
pub struct BenchDeployArgs {
    /// Measure everything so often, and tell the median; a round of all takes about 10 minutes
    #[arg(long, value_name = "N", default_value = "1")]
    pub rounds: NonZeroUsize,
    /// Only these ways
    #[arg(long = "way", value_name = "WAY", value_delimiter = ',', value_parser = ["compose", "rollout", "swap", "recreate", "rolling"])]
    pub ways: Vec<String>,
    /// Only these releases
    #[arg(long = "release", value_name = "RELEASE", value_delimiter = ',', value_parser = ["good", "crash", "ill", "later"])]
    pub releases: Vec<String>,
    /// Milliseconds between two requests
    #[arg(long, value_name = "MS", default_value = "10")]
    pub every: NonZeroU64,
    /// Seconds until the service answers
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = clap::value_parser!(u64).range(..=300))]
    pub start: u64,
    /// Seconds for which nothing may be started again before a deploy counts
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u64).range(..=300))]
    pub settle: u64,
    /// An image of the engine's that has nginx, a shell, and curl or wget; else the newest nginx that is there
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Where published ports answer
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: String,
}
