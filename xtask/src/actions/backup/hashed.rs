//! Whether what the repository gives back is what was stored, found while somebody reads it.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::backup::{Stream, hex};

/// A reader that keeps count of what it gives.
pub struct Hashed<R> {
    from: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Hashed<R> {
    pub fn of(from: R) -> Self {
        Hashed { from, hash: Sha256::new(), bytes: 0 }
    }

    /// Reads what nobody wanted, for it counts too.
    pub fn is(mut self, stored: &Stream) -> io::Result<bool> {
        io::copy(&mut self, &mut io::sink())?;
        Ok((self.bytes, hex(&self.hash.finalize())) == (stored.bytes, stored.sha256.clone()))
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.hash.update(&into[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}
