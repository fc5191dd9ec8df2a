//! Ctrl-C and SIGTERM as a flag that the run looks at between its steps, and long steps while they
//! wait.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{Error, Result};

/// Cheap to clone; all clones are the same flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requests: AtomicUsize,
    flag: Arc<AtomicBool>,
    doing: Mutex<String>,
}

impl Cancel {
    pub fn new() -> Self {
        Cancel::default()
    }

    /// Turns SIGINT and SIGTERM into requests, for the rest of the process. From the second one on
    /// `say` is called, on a thread of its own, with what is being done at that moment.
    pub fn on_signals(say: impl Fn(String) + Send + 'static) -> Result<Self> {
        let cancel = Cancel::new();
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
        self.inner.flag.store(true, Ordering::SeqCst);
        self.inner.requests.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The same as a plain flag, for those who wait on programs and engines.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.inner.flag.clone()
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
