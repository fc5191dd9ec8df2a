//! Something happened to containers that are waited for. It only shortens the wait: the verdict is
//! always what an inspection says, so an event that is lost costs two seconds and nothing else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker as Client;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The engine filters: a busy machine's own checks would else be hundreds of events a minute.
const EVENTS: &[&str] = &["health_status", "die", "start", "oom", "destroy"];
const RECONNECT: Duration = Duration::from_millis(500);

/// A subscription; it ends when it is dropped.
pub struct Watch {
    runtime: Arc<Runtime>,
    happened: Arc<Notify>,
    listener: JoinHandle<()>,
}

impl Watch {
    pub(super) fn start(runtime: &Arc<Runtime>, client: &Client, ids: &[String]) -> Watch {
        let happened = Arc::new(Notify::new());
        let listener = runtime.spawn(listen(client.clone(), ids.to_vec(), Arc::clone(&happened)));
        Watch { runtime: Arc::clone(runtime), happened, listener }
    }

    /// Whether something has happened since the last call; waits for it no longer than `at_most`.
    pub fn wait(&self, at_most: Duration) -> bool {
        self.runtime.block_on(async { tokio::time::timeout(at_most, self.happened.notified()).await.is_ok() })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Every end of the stream counts as something that happened, for what came between is unknown.
async fn listen(client: Client, ids: Vec<String>, happened: Arc<Notify>) {
    let mut filters: HashMap<&str, Vec<String>> = HashMap::new();
    filters.insert("type", vec!["container".into()]);
    filters.insert("container", ids);
    filters.insert("event", EVENTS.iter().map(ToString::to_string).collect());
    loop {
        let mut events = Box::pin(client.events(Some(EventsOptionsBuilder::default().filters(&filters).build())));
        while let Some(Ok(_)) = events.next().await {
            happened.notify_one();
        }
        happened.notify_one();
        tokio::time::sleep(RECONNECT).await;
    }
}
