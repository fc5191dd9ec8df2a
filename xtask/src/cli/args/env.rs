use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct EnvArgs {
    #[command(subcommand)]
    pub command: EnvCommand,
}

#[derive(Debug, Subcommand)]
pub enum EnvCommand {
    /// Say which variables are undefined, unused, conflicting, undocumented or invalid; exits with 1 when one is
    Check {
        /// Stacks by id, or by a part of it that fits only one; none means all
        #[arg(value_name = "STACK")]
        stacks: Vec<String>,
        /// Lay the env file of this environment over the root's .env
        #[arg(long, value_name = "NAME")]
        environment: Option<String>,
    },
    /// Write .env.example: every variable, who uses it, whether it is required; never a secret
    Template {
        /// Only say whether it is complete; exits with 1 when it is not
        #[arg(long)]
        check: bool,
        /// Go on although the file has uncommitted changes
        #[arg(long)]
        allow_dirty: bool,
    },
    /// Make .env of .env.example, with secrets of its own (0600); a file that is there is never touched
    Init {
        /// Make the file of this environment instead
        #[arg(long, value_name = "NAME")]
        environment: Option<String>,
    },
    /// Show how env files differ, values masked: .env and its example, .env and an environment's, or two of those
    Diff {
        /// Environments, as xtask.yaml names them
        #[arg(value_name = "ENVIRONMENT", num_args = 0..=2)]
        environments: Vec<String>,
    },
}
