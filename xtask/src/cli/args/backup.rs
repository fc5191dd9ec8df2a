//! Backups: to make one, and to look at those that there are.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BackupArgs {
    #[command(subcommand)]
    pub command: Option<BackupCommand>,
    #[command(flatten)]
    pub create: CreateArgs,
}

#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Stacks by id, or by a part of it that fits only one; none means all that there is something of
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
    /// Only this service and its volumes, besides the files of the stack
    #[arg(long = "service", value_name = "SERVICE", requires = "stacks")]
    pub services: Vec<String>,
    #[command(flatten)]
    pub repository: RepositoryArg,
    /// Say that a copy of the repository's key is elsewhere; alone, nothing is backed up
    #[arg(long)]
    pub key_saved: bool,
}

#[derive(Debug, Clone, Default, Args)]
pub struct RepositoryArg {
    /// The repository's folder, in place of the one of xtask.yaml
    #[arg(long, value_name = "DIR|URL")]
    pub to: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// List the backups, oldest first
    List {
        /// Stacks by id, or by a part of it that fits only one; none means all
        #[arg(value_name = "STACK")]
        stacks: Vec<String>,
        #[command(flatten)]
        repository: RepositoryArg,
    },
    /// Say what is in a backup, or write one of its dumps to standard output
    Show {
        /// Its name or the beginning of it
        #[arg(value_name = "BACKUP", default_value = "latest")]
        backup: String,
        /// Write this dump as its client wrote it
        #[arg(long, value_name = "SERVICE[/WHAT]")]
        dump: Option<String>,
        #[command(flatten)]
        repository: RepositoryArg,
    },
    /// Look whether everything is in the repository that its backups need; exits with 1 when not
    Check {
        /// Read all of it, and compare
        #[arg(long)]
        read_data: bool,
        #[command(flatten)]
        repository: RepositoryArg,
    },
}
