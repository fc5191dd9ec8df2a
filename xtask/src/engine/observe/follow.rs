//! What containers say from now on, also those that are started later.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker as Client;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::history::{options, read};
use super::lines::Line;
use super::{Observer, Part};
use crate::engine::wait::clock;

const AHEAD: usize = 1024;
/// Lines that arrive so close together are put in order.
const TOGETHER: Duration = Duration::from_millis(40);
/// At most so many at once, so that a flood is shown as it comes.
const MOST_TOGETHER: usize = 512;
const RECONNECT: Duration = Duration::from_millis(500);

pub enum Happened {
    Line {
        id: String,
        line: Line,
    },
    /// A log ended: its container did.
    Ended {
        id: String,
    },
    /// A container with the labels was started, or it is not known whether one was.
    Started,
}

/// A subscription to logs; it ends when it is dropped.
pub struct Follow {
    runtime: Arc<Runtime>,
    client: Client,
    sender: Sender<Happened>,
    happened: Receiver<Happened>,
    readers: HashMap<String, JoinHandle<()>>,
    listeners: Vec<JoinHandle<()>>,
    /// The time of the last line of each container.
    last: BTreeMap<String, String>,
    /// The same when its reading began: what is not later was told before.
    told: BTreeMap<String, String>,
}

impl Observer {
    /// Follows nothing yet, and tells when a container that carries one of these labels is started.
    pub fn follow(&self, labels: &[String]) -> Follow {
        let (sender, happened) = channel(AHEAD);
        // The engine wants all labels of one subscription together, not any of them.
        let listen = |label: &String| self.runtime.spawn(listen(self.client.clone(), label.clone(), sender.clone()));
        let listeners = labels.iter().map(listen).collect();
        let (runtime, client) = (Arc::clone(&self.runtime), self.client.clone());
        Follow { runtime, client, sender, happened, readers: HashMap::new(), listeners, last: BTreeMap::new(), told: BTreeMap::new() }
    }
}

impl Follow {
    /// What was shown of a container already; it is not told again.
    pub fn shown(&mut self, id: &str, at: &str) {
        self.last.insert(id.to_string(), at.to_string());
    }

    /// Follows a container, from what was shown of it; `since_secs` counts where nothing was.
    pub fn add(&mut self, id: &str, since_secs: Option<i64>) {
        if self.readers.contains_key(id) {
            return;
        }
        if let Some(last) = self.last.get(id) {
            self.told.insert(id.to_string(), last.clone());
        }
        let since_secs = self.last.get(id).and_then(|at| clock::seconds(at)).or(since_secs);
        let (sender, mut lines) = channel(AHEAD);
        let reading = read(self.client.clone(), id.to_string(), options(Part { since_secs, tail: None }, true), sender);
        let (to, id) = (self.sender.clone(), id.to_string());
        let of = id.clone();
        let reader = self.runtime.spawn(async move {
            let forward = async {
                while let Some(Ok(line)) = lines.recv().await {
                    if to.send(Happened::Line { id: id.clone(), line }).await.is_err() {
                        return;
                    }
                }
            };
            tokio::join!(reading, forward);
            let _ = to.send(Happened::Ended { id }).await;
        });
        self.readers.insert(of, reader);
    }

    /// What happened since the last call, lines in the order of their time; waits for something no longer
    /// than `at_most`.
    pub fn next(&mut self, at_most: Duration) -> Vec<Happened> {
        let mut together = Vec::new();
        self.runtime.block_on(async {
            let mut patience = at_most;
            while together.len() < MOST_TOGETHER {
                let Ok(Some(happened)) = tokio::time::timeout(patience, self.happened.recv()).await else { break };
                together.push(happened);
                patience = TOGETHER;
            }
        });
        together.retain(|happened| self.is_news(happened));
        together.sort_by(|a, b| at(a).cmp(at(b)));
        for happened in &together {
            match happened {
                Happened::Line { id, line } => {
                    let last = self.last.entry(id.clone()).or_default();
                    *last = std::mem::take(last).max(line.at.clone());
                }
                Happened::Ended { id } => drop(self.readers.remove(id)),
                Happened::Started => {}
            }
        }
        together
    }

    /// The engine goes by whole seconds, so it tells some lines a second time.
    fn is_news(&self, happened: &Happened) -> bool {
        match happened {
            Happened::Line { id, line } => self.told.get(id).is_none_or(|told| *told < line.at),
            Happened::Ended { .. } | Happened::Started => true,
        }
    }
}

/// What is no line comes after all lines.
fn at(happened: &Happened) -> &str {
    match happened {
        Happened::Line { line, .. } => &line.at,
        Happened::Ended { .. } | Happened::Started => "~",
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.readers.values().chain(&self.listeners).for_each(JoinHandle::abort);
    }
}

/// Every end of the stream counts as a start, for what came between is unknown.
async fn listen(client: Client, label: String, to: Sender<Happened>) {
    let filters: HashMap<&str, Vec<String>> =
        HashMap::from([("type", vec!["container".into()]), ("event", vec!["start".into()]), ("label", vec![label])]);
    loop {
        let mut events = Box::pin(client.events(Some(EventsOptionsBuilder::default().filters(&filters).build())));
        while let Some(Ok(_)) = events.next().await {
            if to.send(Happened::Started).await.is_err() {
                return;
            }
        }
        if to.send(Happened::Started).await.is_err() {
            return;
        }
        tokio::time::sleep(RECONNECT).await;
    }
}
