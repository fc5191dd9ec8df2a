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
