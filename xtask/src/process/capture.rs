//! What a program writes, kept to a bound.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Result};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::secret::Masker;

/// After the program has ended, a child of its own may still hold the pipe: it is not waited for longer.
const LEFT_OPEN: Duration = Duration::from_secs(1);

/// Where a program's output goes; the last `limit` bytes of it are kept.
pub(super) enum Capture {
    /// Read while it is written.
    Pipe { reader: PipeReader, writer: PipeWriter, limit: usize },
    /// A file in memory, read at the end. It outlives us: a program whose reader was killed would die
    /// of a broken pipe at its next word, halfway through a change.
    Memory { file: File, limit: usize },
}

/// A capture while the program runs.
pub(super) enum Reading {
    Pipe { kept: Arc<Mutex<Captured>>, done: Receiver<()> },
    Memory { file: File, limit: usize },
}

#[derive(Clone, Default)]
pub(super) struct Captured {
    pub(super) bytes: Vec<u8>,
    /// Whether something in front was dropped.
    pub(super) cut: bool,
}

impl Capture {
    pub(super) fn pipe(limit: usize) -> Result<Self> {
        let (reader, writer) = std::io::pipe()?;
        Ok(Capture::Pipe { reader, writer, limit })
    }

    pub(super) fn memory(limit: usize) -> Result<Self> {
        let file = File::from(memfd_create("xtask-output", MFdFlags::MFD_CLOEXEC)?);
        Ok(Capture::Memory { file, limit })
    }

    pub(super) fn writer(&self) -> Result<OwnedFd> {
        match self {
            Capture::Pipe { writer, .. } => Ok(writer.try_clone()?.into()),
            Capture::Memory { file, .. } => Ok(file.try_clone()?.into()),
        }
    }

    /// Closes our writing end, so that the end of the program is the end of the pipe, and reads.
    pub(super) fn read_on(self) -> Reading {
        let (mut reader, limit) = match self {
            Capture::Memory { file, limit } => return Reading::Memory { file, limit },
            Capture::Pipe { reader, writer, limit } => {
                drop(writer);
                (reader, limit)
            }
        };
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
        Reading::Pipe { kept, done }
    }
}

impl Reading {
    pub(super) fn finish(self) -> Result<Captured> {
        match self {
            Reading::Pipe { kept, done } => {
                let _ = done.recv_timeout(LEFT_OPEN);
                Ok(std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner)))
            }
            Reading::Memory { file, limit } => {
                let length = file.metadata()?.len();
                let from = length.saturating_sub(limit as u64);
                let mut bytes = vec![0; limit.min(usize::try_from(length).unwrap_or(limit))];
                file.read_exact_at(&mut bytes, from)?;
                Ok(Captured { bytes, cut: from > 0 })
            }
        }
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

    #[test]
    fn a_file_in_memory_keeps_its_end() {
        let capture = Capture::memory(6).unwrap();
        std::io::Write::write_all(&mut File::from(capture.writer().unwrap()), b"early\nlate\n").unwrap();
        let captured = capture.read_on().finish().unwrap();
        assert_eq!((captured.bytes.as_slice(), captured.cut), (&b"\nlate\n"[..], true));
        assert_eq!(captured.tail(&Masker::default()), "late");
    }
}
