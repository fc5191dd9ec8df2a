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
    /// Verify what was made, as `backup verify` does; exits with 1 when it is not what it says
    #[arg(long)]
    pub verify: bool,
    /// Take a checksum of what is in each table with the dump: reads each table once more
    #[arg(long)]
    pub deep: bool,
    /// Read every file again, also those that are unchanged since the backup before
    #[arg(long)]
    pub full: bool,
    /// Say that a copy of the repository's key is elsewhere; alone, nothing is backed up
    #[arg(long)]
    pub key_saved: bool,
}

#[derive(Debug, Clone, Default, Args)]
pub struct RepositoryArg {
    /// The repository, in place of the one of xtask.yaml: a folder, rest:URL or rclone:NAME:PATH
    #[arg(long, value_name = "REPOSITORY")]
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
    /// Let old backups go: of each stack, all but those that are kept; never its newest verified one, nor what a release needs
    Forget {
        /// Keep so many of the newest; without any of these, what xtask.yaml says
        #[arg(long, value_name = "N", default_value = "0", hide_default_value = true)]
        keep_last: usize,
        /// Keep the newest of each of so many days
        #[arg(long, value_name = "N", default_value = "0", hide_default_value = true)]
        keep_daily: usize,
        /// Keep the newest of each of so many weeks
        #[arg(long, value_name = "N", default_value = "0", hide_default_value = true)]
        keep_weekly: usize,
        /// Keep the newest of each of so many months
        #[arg(long, value_name = "N", default_value = "0", hide_default_value = true)]
        keep_monthly: usize,
        /// Make room of what no backup needs any more; deleted by a prune that comes a day later
        #[arg(long)]
        prune: bool,
        #[command(flatten)]
        repository: RepositoryArg,
    },
    /// Print a systemd service with its timer, and a line for cron, that back up and verify every night
    Schedule,
    /// Restore a backup beside everything else and compare; exits with 1 when it is not what it says
    Verify {
        /// Its name or the beginning of it
        #[arg(value_name = "BACKUP", default_value = "latest")]
        backup: String,
        /// Compare what is in each table by the checksums of a backup that was made with --deep
        #[arg(long)]
        deep: bool,
        #[command(flatten)]
        repository: RepositoryArg,
    },
}

#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup's name or the beginning of it
    #[arg(value_name = "BACKUP", default_value = "latest")]
    pub backup: String,
    #[command(flatten)]
    pub what: RestoreWhat,
    /// Only the dumps and volumes of this service
    #[arg(long = "service", value_name = "SERVICE", conflicts_with_all = ["list", "file"])]
    pub services: Vec<String>,
    /// Stop whoever uses the data for the moment of the change, and start them again
    #[arg(long, requires = "in_place")]
    pub stop: bool,
    /// Do not back up what is there now, for instance because the server that would do it does not run any more
    #[arg(long, requires = "in_place")]
    pub no_backup: bool,
    #[command(flatten)]
    pub repository: RepositoryArg,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct RestoreWhat {
    /// Put databases and volumes back in their place; asks for the compose project's name (--confirm NAME)
    #[arg(long)]
    pub in_place: bool,
    /// Restore into new volumes beside the live ones, and say their names
    #[arg(long)]
    pub to_scratch: bool,
    /// List every path of the backup
    #[arg(long)]
    pub list: bool,
    /// Write one file of the backup, by its path as --list shows it, to standard output
    #[arg(long, value_name = "PATH")]
    pub file: Option<String>,
}
