//! The floor: the same files read and parsed, and nothing else.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::source::{Disk, Files};
use crate::yaml::{Limits, read};

/// How long these files take in so many threads.
pub fn time(files: &[PathBuf], threads: usize) -> Duration {
    let started = Instant::now();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let bytes = Disk.read(path).ok().flatten().unwrap_or_default();
            let text = std::str::from_utf8(&bytes).unwrap_or_default();
            // What cannot be parsed has been read all the same.
            std::hint::black_box(read(text, Limits::default()).ok());
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    started.elapsed()
}
