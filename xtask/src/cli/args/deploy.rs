use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct ProdUpArgs {
    /// The stack by id, or by a part of it; the only one for production when it is left out
    pub stack: Option<String>,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// The release's tag, in place of the exported variable
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Say what would change, and exit with 1 when something would
    #[arg(long)]
    pub check: bool,
    /// Do not try what changes beside the live services first
    #[arg(long)]
    pub no_rehearse: bool,
    /// Try it on a copy of the data, restored from the last verified backup
    #[arg(long, conflicts_with = "no_rehearse")]
    pub rehearse_with_data: bool,
    /// Go on although findings of this rule stand against the stack; needs --reason
    #[arg(long = "accept", value_name = "RULE", requires = "reason")]
    pub accepted: Vec<String>,
    /// Go on although this guard refuses; needs --reason
    #[arg(long = "override", value_name = "GUARD", requires = "reason")]
    pub overrides: Vec<String>,
    /// Why; recorded with the run
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Debug, Args)]
pub struct PreflightArgs {
    /// The stack by id, or by a part of it; the only one for production when it is left out
    pub stack: Option<String>,
    /// The release's tag, in place of the exported variable
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Start nothing: health checks, restarts and writing to volumes are not tried
    #[arg(long)]
    pub no_rehearse: bool,
    /// Write the stack's runbook (Markdown) into FILE, or to standard output, and check nothing
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", conflicts_with = "no_rehearse")]
    pub runbook: Option<PathBuf>,
    /// Write the runbook also over a file that this did not write, or that was changed since
    #[arg(long, requires = "runbook")]
    pub force: bool,
}
