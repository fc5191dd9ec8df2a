//! What containers have said so far, interleaved by time.

use std::sync::Arc;
use std::time::Duration;

use bollard::Docker as Client;
use bollard::query_parameters::{LogsOptions, LogsOptionsBuilder};
use futures_util::StreamExt;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::lines::{Line, Lines};
use super::{Observer, Part};
use crate::cancel::Cancel;
use crate::engine::docker::failed;
use crate::error::Error;

/// So many lines of each container are held at most.
const AHEAD: usize = 256;
const CANCEL_POLL: Duration = Duration::from_millis(200);

/// One thing out of a log.
pub enum Said {
    Line {
        id: String,
        line: Line,
    },
    /// Its logging driver keeps nothing, or it went away.
    Unreadable {
        id: String,
        why: Error,
    },
}

/// The logs of several containers as one. They are read as they are taken, so that their size does not
/// matter.
pub struct History {
    runtime: Arc<Runtime>,
    sources: Vec<Source>,
}

struct Source {
    id: String,
    lines: Receiver<Result<Line, Error>>,
    reader: JoinHandle<()>,
    next: Option<Line>,
    ended: bool,
}

impl Observer {
    pub fn history(&self, ids: &[String], part: Part) -> History {
        let source = |id: &String| {
            let (sender, lines) = channel(AHEAD);
            let reader = self.runtime.spawn(read(self.client.clone(), id.clone(), options(part, false), sender));
            Source { id: id.clone(), lines, reader, next: None, ended: false }
        };
        History { runtime: Arc::clone(&self.runtime), sources: ids.iter().map(source).collect() }
    }
}

pub(super) fn options(part: Part, follow: bool) -> LogsOptions {
    let since = part.since_secs.map_or(0, |secs| i32::try_from(secs).unwrap_or(i32::MAX));
    let tail = part.tail.map_or_else(|| "all".to_string(), |lines| lines.to_string());
    LogsOptionsBuilder::default().stdout(true).stderr(true).timestamps(true).follow(follow).since(since).tail(&tail).build()
}

/// Reads one log to its end, as fast as its lines are taken.
pub(super) async fn read(client: Client, id: String, options: LogsOptions, to: Sender<Result<Line, Error>>) {
    let mut pieces = Box::pin(client.logs(&id, Some(options)));
    let mut lines = Lines::default();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => {
                for line in lines.feed(piece) {
                    if to.send(Ok(line)).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) => {
                let _ = to.send(Err(failed("read the log", &error))).await;
                return;
            }
        }
    }
    for line in lines.finish() {
        let _ = to.send(Ok(line)).await;
    }
}

impl History {
    /// The earliest of what was not taken yet; `None` at the end, and when somebody wants to stop.
    pub fn next(&mut self, cancel: &Cancel) -> Option<Said> {
        for source in self.sources.iter_mut().filter(|source| source.next.is_none() && !source.ended) {
            match source.take(&self.runtime, cancel)? {
                Some(Ok(line)) => source.next = Some(line),
                Some(Err(why)) => {
                    source.ended = true;
                    return Some(Said::Unreadable { id: source.id.clone(), why });
                }
                None => source.ended = true,
            }
        }
        let with_line = self.sources.iter_mut().filter(|source| source.next.is_some());
        let first = with_line.min_by(|a, b| a.at().cmp(b.at()))?;
        Some(Said::Line { id: first.id.clone(), line: first.next.take()? })
    }
}

impl Source {
    fn at(&self) -> &str {
        self.next.as_ref().map_or("", |line| line.at.as_str())
    }

    /// Outer `None`: somebody wants to stop.
    fn take(&mut self, runtime: &Runtime, cancel: &Cancel) -> Option<Option<Result<Line, Error>>> {
        loop {
            if cancel.requested() {
                return None;
            }
            if let Ok(taken) = runtime.block_on(async { tokio::time::timeout(CANCEL_POLL, self.lines.recv()).await }) {
                return Some(taken);
            }
        }
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.sources.iter().for_each(|source| source.reader.abort());
    }
}
