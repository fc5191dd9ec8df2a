use clap::Args;

use super::PhaseArgs;

#[derive(Debug, Clone, Args)]
pub struct DockerfileProdArgs {
    #[command(flatten)]
    pub phase: PhaseArgs,
    /// Make the production stacks build with the new files
    #[arg(long)]
    pub activate: bool,
}
