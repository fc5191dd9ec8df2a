//! A program inside a running container.

use std::time::Duration;

use bollard::Docker as Client;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;

use super::docker::failed;
use crate::error::{Error, Result};
use crate::secret::{Masker, Secret};

pub(super) const TAIL_BYTES: usize = 16 << 10;

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

pub(super) async fn run(client: &Client, id: &str, exec: &Exec<'_>) -> Result<Executed> {
    let what = format!("run {} in the container {id}", exec.argv.first().map_or("nothing", String::as_str));
    let late = || Error::failed(what.clone()).why(format!("not done after {} s", exec.deadline.as_secs()));
    tokio::time::timeout(exec.deadline, attached(client, id, exec, &what)).await.map_err(|_| late())?
}

async fn attached(client: &Client, id: &str, exec: &Exec<'_>, what: &str) -> Result<Executed> {
    let fail = |error: bollard::errors::Error| failed(what, &error);
    let config = ExecConfig {
        attach_stdin: Some(exec.stdin.is_some()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        env: Some(exec.env.iter().map(|(name, value)| format!("{name}={}", value.expose())).collect()),
        cmd: Some(exec.argv.clone()),
        ..ExecConfig::default()
    };
    let created = client.create_exec(id, config).await.map_err(fail)?;
    let started = client.start_exec(&created.id, None::<StartExecOptions>).await.map_err(fail)?;
    let mut tail = Vec::new();
    if let StartExecResults::Attached { mut output, mut input } = started {
        if let Some(stdin) = &exec.stdin {
            let written = input.write_all(stdin.expose().as_bytes()).await;
            written.map_err(|error| Error::failed(what).why(error.to_string()))?;
        }
        let _ = input.shutdown().await;
        while let Some(piece) = output.next().await {
            tail.extend_from_slice(&piece.map_err(fail)?.into_bytes());
            if tail.len() > 2 * TAIL_BYTES {
                tail.drain(..tail.len() - TAIL_BYTES);
            }
        }
    }
    let code = exit_code(client, &created.id).await.map_err(fail)?;
    let code = code.ok_or_else(|| Error::failed(what).why("the engine does not know its exit code"))?;
    Ok(Executed { code, output: exec.masker.mask(String::from_utf8_lossy(&tail).trim()).into_owned() })
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
