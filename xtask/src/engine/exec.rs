//! A program inside a running container.

use std::time::Duration;

use bollard::Docker as Client;

use crate::secret::{Masker, Secret};

/// What to run. Secrets go into the environment or to the standard input, never into an argument:
/// those stand in the engine's events and in the process list.
pub struct Exec<'a> {
    pub argv: Vec<String>,
    pub env: Vec<(String, Secret)>,
    pub stdin: Option<Secret>,
    pub deadline: Duration,
    pub masker: &'a Masker,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// 126 and 127 when the program cannot be run or is not there.
    pub code: i64,
    /// The last 16 KiB of both outputs, masked.
    pub output: String,
}

/// A stream that ends says nothing about the program: a dead container and a dead engine end it too.
pub(super) async fn exit_code(client: &Client, exec_id: &str) -> Result<Option<i64>, bollard::errors::Error> {
    for _ in 0..50 {
        let inspected = client.inspect_exec(exec_id).await?;
        if inspected.running == Some(false) {
            return Ok(inspected.exit_code);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(None)
}
