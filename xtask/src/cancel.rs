//! The wish to stop, by Ctrl-C or SIGTERM: the run looks at it between its steps, and whatever waits
//! for programs and engines looks at it while it waits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{Error, Result};

/// Cheap to clone; all clones are the same wish. Who must not be stopped, an undo, is given a fresh one.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requests: AtomicUsize,
    doing: Mutex<String>,
}

impl Cancel {
    /// Turns SIGINT and SIGTERM into requests, for the rest of the process. From the second one on
    /// `say` is called, on a thread of its own, with what is being done at that moment.
    pub fn on_signals(say: impl Fn(String) + Send + 'static) -> Result<Self> {
        let cancel = Cancel::default();
        let mut signals =
            Signals::new([SIGINT, SIGTERM]).map_err(|error| Error::failed("listen for Ctrl-C and SIGTERM").why(error.to_string()))?;
        let requested = cancel.clone();
        std::thread::Builder::new()
            .name("signals".to_string())
            .spawn(move || {
                for _ in signals.forever() {
                    if requested.request() > 1 {
                        say(requested.doing());
                    }
                }
            })
            .map_err(|error| Error::failed("listen for Ctrl-C and SIGTERM").why(error.to_string()))?;
        Ok(cancel)
    }

    /// Asks for an end; returns how often that was asked so far.
    pub fn request(&self) -> usize {
        self.inner.requests.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub fn requested(&self) -> bool {
        self.inner.requests.load(Ordering::SeqCst) > 0
    }

    /// Notes what is being done, for the answer to a second Ctrl-C.
    pub fn now(&self, doing: &str) {
        if let Ok(mut now) = self.inner.doing.lock() {
            doing.clone_into(&mut now);
        }
    }

    fn doing(&self) -> String {
        self.inner.doing.lock().map(|now| now.clone()).unwrap_or_default()
    }
}
