//! What is typed every day.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Everyday {
    /// Start development stacks: build, create missing networks, wait until all is well, say where it answers
    DevUp(WordsArgs),
    /// Stop and remove development stacks; with --volumes their data too
    DevDown(DevDownArgs),
    /// Stop and remove a production stack; volumes and what belongs to others stay
    ProdDown(ProdDownArgs),
    /// Restart services in the order of what they need, each well before the next
    Restart(WordsArgs),
    /// Show every service: health, uptime, restarts, image, ports, memory and cpu; exits with 1 when one is not well
    Ps(WordsArgs),
    /// Hold what runs against the files and against the last release; exits with 1 when something differs
    Status(StatusArgs),
    /// Show the logs of services as one, by time, secrets masked
    Logs(LogsArgs),
}

#[derive(Debug, Args)]
pub struct WordsArgs {
    /// Stacks by id, or by a part of it that fits only one; services by name
    #[arg(value_name = "STACK|SERVICE")]
    pub words: Vec<String>,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Stacks by id, or by a part of it that fits only one; none means all
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
}

#[derive(Debug, Args)]
pub struct DevDownArgs {
    /// Stacks by id, or by a part of it that fits only one; none means all of development
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
    /// Delete their volumes too; asks for the compose project's name (--confirm NAME)
    #[arg(long)]
    pub volumes: bool,
}

#[derive(Debug, Args)]
pub struct ProdDownArgs {
    /// The stack by id, or by a part of it that fits only one
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
    /// All production stacks
    #[arg(long, conflicts_with = "stacks")]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Stacks by id, or by a part of it that fits only one; services by name
    #[arg(value_name = "STACK|SERVICE")]
    pub words: Vec<String>,
    /// Go on until Ctrl-C, also with containers that are made anew
    #[arg(short, long)]
    pub follow: bool,
    /// Not earlier than this: 10m, 2h30m, 2026-11-21T22:07:14Z
    #[arg(long, value_name = "T")]
    pub since: Option<String>,
    /// Only so many last lines of each container
    #[arg(long, value_name = "N")]
    pub tail: Option<u32>,
}

#[derive(Debug, Args)]
pub struct MetricsArgs {
    /// Stacks by id, or by a part of it that fits only one; none means all
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
}
