//! The commands that bring images: from a registry, or from their sources.

use clap::Args;

#[derive(Debug, Args)]
pub struct PullArgs {
    /// Stacks by id, or by a part of it that fits only one; none means all
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
    /// The release's tag; else the variable of that name (TAG) is read from the environment
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
}

#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Stacks by id, or by a part of it that fits only one; none means all but those for development
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
    /// The release's tag; else the variable of that name (TAG) is read from the environment
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Hand the images over to their registries
    #[arg(long)]
    pub push: bool,
}
