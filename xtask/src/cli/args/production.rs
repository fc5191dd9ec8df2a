use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct DockerfileProdArgs {
    /// Stacks by id, or by a part of it that fits only one; none means all
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
    /// Make the production stacks build with the new files
    #[arg(long)]
    pub activate: bool,
    /// Make one commit of exactly the files that were changed
    #[arg(long)]
    pub commit: bool,
    /// Go on although files to be changed have uncommitted changes
    #[arg(long)]
    pub allow_dirty: bool,
    /// Put everything back when an image could not be proven by starting it
    #[arg(long)]
    pub require_live: bool,
    /// Go on although this guard refuses; needs --reason
    #[arg(long = "override", value_name = "GUARD", requires = "reason")]
    pub overrides: Vec<String>,
    /// Why a guard is overridden; recorded with the run
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}
