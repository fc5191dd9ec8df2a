//! What a program writes, kept to a bound while it is read to the end.

use std::io::{PipeReader, PipeWriter, Read};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::secret::Masker;

/// After the program has ended, a child of its own may still hold the pipe: it is not waited for longer.
const LEFT_OPEN: Duration = Duration::from_secs(1);

/// A pipe whose reading end keeps the last `limit` bytes.
pub(super) struct Capture {
    reader: PipeReader,
    writer: PipeWriter,
    limit: usize,
}

/// A capture that is being read by a thread of its own.
pub(super) struct Reading {
    kept: Arc<Mutex<Captured>>,
    done: Receiver<()>,
}

#[derive(Clone, Default)]
pub(super) struct Captured {
    pub(super) bytes: Vec<u8>,
    /// Whether something in front was dropped.
    pub(super) cut: bool,
}

impl Capture {
    pub(super) fn new(limit: usize) -> std::io::Result<Self> {
        let (reader, writer) = std::io::pipe()?;
        Ok(Capture { reader, writer, limit })
    }

    pub(super) fn writer(&self) -> std::io::Result<PipeWriter> {
        self.writer.try_clone()
    }

    /// Closes our writing end, so that the end of the program is the end of the pipe, and reads.
    pub(super) fn read_on(self) -> Reading {
        let Capture { mut reader, writer, limit } = self;
        drop(writer);
        let kept = Arc::new(Mutex::new(Captured::default()));
        let (say_done, done) = channel();
        let into = Arc::clone(&kept);
        std::thread::spawn(move || {
            let mut chunk = [0; 16 << 10];
            while let Ok(length @ 1..) = reader.read(&mut chunk) {
                into.lock().unwrap_or_else(PoisonError::into_inner).push(&chunk[..length], limit);
            }
            let _ = say_done.send(());
        });
        Reading { kept, done }
    }
}

impl Reading {
    pub(super) fn finish(self) -> Captured {
        let _ = self.done.recv_timeout(LEFT_OPEN);
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Captured {
    /// Drops from the front in large pieces, so that a long output is not moved for every line.
    fn push(&mut self, bytes: &[u8], limit: usize) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > 2 * limit {
            self.bytes.drain(..self.bytes.len() - limit);
            self.cut = true;
        }
    }

    /// The text, masked. When the front was cut, the first line goes as well: it may begin in the
    /// middle of a secret, where no mask would know it.
    pub(super) fn tail(&self, masker: &Masker) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let whole = match (self.cut, text.split_once('\n')) {
            (false, _) => &text,
            (true, Some((_, rest))) => rest,
            (true, None) => "",
        };
        masker.mask(whole.trim()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::MASK;

    #[test]
    fn a_secret_cut_in_two_is_not_shown() {
        let masker = Masker::new(["hunter22hunter22"]);
        let mut captured = Captured::default();
        captured.push(b"early\nkey hunter22hunter22\nlast hunter22hunter22\n", 10);
        assert_eq!(captured.bytes, b"2hunter22\n");
        assert_eq!(captured.tail(&masker), "");
        let mut captured = Captured::default();
        captured.push(b"early, and then the key hunter22hunter22 and on\nlast hunter22hunter22\n", 34);
        assert_eq!(captured.bytes, b"er22 and on\nlast hunter22hunter22\n");
        assert_eq!(captured.tail(&masker), format!("last {MASK}"));
    }
}
