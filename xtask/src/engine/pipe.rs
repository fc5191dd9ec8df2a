//! Streams out of and into containers, of any length.

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use bollard::Docker as Client;
use bollard::container::{LogOutput, PathStatResponse};
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use bollard::query_parameters as query;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::runtime::Runtime;

use super::docker::{cause, failed};
use super::exec::{Exec, Executed, exit_code};
use crate::error::{Error, Result};

/// For as long as an archive or a dump may take.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How much of a standard input is read at once.
const PIECE: usize = 1 << 20;

/// A piece of what a program says.
#[derive(Debug, Clone, Copy)]
pub enum Said<'p> {
    Output(&'p [u8]),
    /// On its standard error.
    Error(&'p [u8]),
}

/// Takes what a program says piece by piece; its error ends it.
pub type Sink<'s> = dyn FnMut(Said<'_>) -> Result<()> + 's;

/// What an engine says about a path in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStat {
    /// Permissions, the lowest nine bits.
    pub mode: u32,
    /// When it was changed, in nanoseconds since the minute began: enough to tell whether two paths are one. What
    /// hour that is depends on where the engine lives.
    pub nanos_of_minute: u64,
}

impl PathStat {
    pub(super) fn of(said: PathStatResponse) -> PathStat {
        let nanos_of_minute = nanos_of_minute(said.modification_time.as_deref().unwrap_or_default()).unwrap_or(u64::MAX);
        PathStat { mode: said.file_mode & 0o777, nanos_of_minute }
    }
}

/// Of `2026-11-21T22:01:55.123456789+01:00`; the fraction may be shorter, or missing.
fn nanos_of_minute(time: &str) -> Option<u64> {
    let rest = time.splitn(3, ':').nth(2)?;
    let seconds: u64 = rest.get(..2)?.parse().ok()?;
    let digits: String = rest[2..].strip_prefix('.').unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
    Some(seconds * 1_000_000_000 + format!("{digits:0<9}").get(..9)?.parse::<u64>().ok()?)
}

/// The end of what a program says.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    const BYTES: usize = 16 << 10;

    fn push(&mut self, piece: &[u8]) {
        self.0.extend_from_slice(piece);
        if self.0.len() > 2 * Tail::BYTES {
            self.0.drain(..self.0.len() - Tail::BYTES);
        }
    }

    fn masked(&self, exec: &Exec<'_>) -> String {
        exec.masker.mask(String::from_utf8_lossy(&self.0).trim()).into_owned()
    }
}

/// Of a program that says little: its output is both of its outputs, as they came.
pub(super) async fn run_to_end(client: &Client, id: &str, exec: &Exec<'_>) -> Result<Executed> {
    let mut tail = Tail::default();
    let mut stdin = exec.stdin.as_ref().map(|stdin| stdin.expose().as_bytes());
    let stdin = stdin.as_mut().map(|bytes| bytes as &mut dyn Read);
    let mut both = |said: Said<'_>| {
        let (Said::Output(piece) | Said::Error(piece)) = said;
        tail.push(piece);
        Ok(())
    };
    let code = run(client, id, exec, stdin, &mut both).await?.code;
    Ok(Executed { code, output: tail.masked(exec) })
}

/// Its output is what it says on its standard error; the rest goes to the sink only.
pub(super) async fn run(client: &Client, id: &str, exec: &Exec<'_>, stdin: Option<&mut dyn Read>, said: &mut Sink<'_>) -> Result<Executed> {
    let what = format!("run {} in the container {id}", exec.argv.first().map_or("nothing", String::as_str));
    let late = || Error::failed(what.clone()).why(format!("not done after {} s", exec.deadline.as_secs()));
    tokio::time::timeout(exec.deadline, attached(client, id, exec, stdin, said, &what)).await.map_err(|_| late())?
}

async fn attached(
    client: &Client,
    id: &str,
    exec: &Exec<'_>,
    stdin: Option<&mut dyn Read>,
    said: &mut Sink<'_>,
    what: &str,
) -> Result<Executed> {
    let fail = |error: bollard::errors::Error| failed(what, &error);
    let config = ExecConfig {
        attach_stdin: Some(stdin.is_some()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        env: Some(exec.env.iter().map(|(name, value)| format!("{name}={}", value.expose())).collect()),
        cmd: Some(exec.argv.clone()),
        ..ExecConfig::default()
    };
    let created = client.create_exec(id, config).await.map_err(fail)?;
    let started = client.start_exec(&created.id, None::<StartExecOptions>).await.map_err(fail)?;
    let mut tail = Tail::default();
    if let StartExecResults::Attached { mut output, input } = started {
        let listened = async {
            while let Some(piece) = output.next().await {
                match piece.map_err(fail)? {
                    LogOutput::StdErr { message } => {
                        said(Said::Error(&message))?;
                        tail.push(&message);
                    }
                    other => said(Said::Output(&other.into_bytes()))?,
                }
            }
            Ok(())
        };
        tokio::try_join!(listened, told(input, stdin, what))?;
    }
    let code = exit_code(client, &created.id).await.map_err(fail)?;
    let code = code.ok_or_else(|| Error::failed(what).why("the engine does not know its exit code"))?;
    Ok(Executed { code, output: tail.masked(exec) })
}

/// A program that ends before it has read everything says why by its exit code: that it does not listen any
/// more is no error here.
async fn told(mut input: impl AsyncWrite + Unpin, stdin: Option<&mut dyn Read>, what: &str) -> Result<()> {
    if let Some(from) = stdin {
        let mut piece = vec![0; PIECE];
        loop {
            let read = from.read(&mut piece).map_err(|error| Error::failed(what).why(error.to_string()))?;
            if read == 0 || input.write_all(&piece[..read]).await.is_err() {
                break;
            }
        }
    }
    let _ = input.shutdown().await;
    Ok(())
}

/// The archive of a path, as it comes; whoever reads may ask the engine other things meanwhile.
pub(super) fn read_archive(runtime: &Arc<Runtime>, client: Client, id: &str, path: &str) -> Result<Box<dyn Read>> {
    let what = format!("read {path} out of the container {id}");
    let (send, receive) = sync_channel::<std::io::Result<Bytes>>(WAITING);
    let (runtime, id, path) = (Arc::clone(runtime), id.to_string(), path.to_string());
    let thread = std::thread::Builder::new().name("archive".to_string()).spawn(move || {
        runtime.block_on(async {
            let options = query::DownloadFromContainerOptionsBuilder::default().path(&path).build();
            let mut stream = client.download_from_container(&id, Some(options));
            while let Some(piece) = stream.next().await {
                let failed = piece.is_err();
                // Nobody listens any more: they have said why.
                if send.send(piece.map_err(|error| std::io::Error::other(cause(&error)))).is_err() || failed {
                    break;
                }
            }
        });
    });
    thread.map_err(|error| Error::failed(what).why(error.to_string()))?;
    Ok(Box::new(Archive::of(receive)))
}

/// Reads while the engine unpacks: a piece at a time, so nothing piles up between them.
pub(super) async fn write_archive(client: &Client, id: &str, path: &str, from: &mut dyn Read) -> Result<()> {
    let what = format!("write {path} into the container {id}");
    let (send, receive) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(1);
    let stream = futures_util::stream::unfold(receive, |mut receive| async { receive.recv().await.map(|piece| (piece, receive)) });
    let options = query::UploadToContainerOptionsBuilder::default().path(path).no_overwrite_dir_non_dir("1").build();
    let written = client.upload_to_container(id, Some(options), bollard::body_try_stream(stream));
    let (written, told) = tokio::join!(written, feed(send, from));
    told.map_err(|error| Error::failed(what.as_str()).why(error.to_string()))?;
    written.map_err(|error| failed(&what, &error))
}

/// Hands over what is read, and then the end of it.
pub(super) async fn feed(send: tokio::sync::mpsc::Sender<std::io::Result<Bytes>>, from: &mut dyn Read) -> std::io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            // Who does not listen any more says why.
            Ok(read) if send.send(Ok(Bytes::copy_from_slice(&piece[..read]))).await.is_err() => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                // Without this the engine would take what it has for the whole.
                let _ = send.send(Err(std::io::Error::other("the archive ends early"))).await;
                return Err(error);
            }
        }
    }
}

/// So many pieces of an archive are read ahead.
pub(super) const WAITING: usize = 8;

pub(super) struct Archive {
    receive: Receiver<std::io::Result<Bytes>>,
    piece: Bytes,
}

impl Archive {
    pub(super) fn of(receive: Receiver<std::io::Result<Bytes>>) -> Archive {
        Archive { receive, piece: Bytes::new() }
    }
}

impl Read for Archive {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.piece.is_empty() {
            match self.receive.recv() {
                Ok(piece) => self.piece = piece?,
                // The thread is done: the archive ends here, and its reader knows whether it is whole.
                Err(_) => return Ok(0),
            }
        }
        let size = into.len().min(self.piece.len());
        into[..size].copy_from_slice(&self.piece.split_to(size));
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_known_by_its_minute_wherever_the_engine_lives() {
        assert_eq!(nanos_of_minute("2026-11-21T22:01:55.123456789Z"), Some(55_123_456_789));
        assert_eq!(nanos_of_minute("2026-11-22T00:01:55.1+02:00"), Some(55_100_000_000));
        assert_eq!(nanos_of_minute("2026-11-21T22:01:05Z"), Some(5_000_000_000));
        assert_eq!(nanos_of_minute("yesterday"), None);
    }
}
