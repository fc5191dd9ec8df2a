//! Files as volumes have them: a few large ones, more of a middle size, many small ones; half of them text.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A length in bytes, and the share of all bytes that files of it have, in hundredths.
const KINDS: [(usize, usize); 3] = [(4 << 20, 60), (256 << 10, 30), (8 << 10, 10)];
/// Of larger files a hundredth changes; of the others every hundredth.
const LARGE: usize = 1 << 20;
const WORDS: &[u8] = b"the quick brown fox jumps over the lazy dog while servers write their lines of logs again \n";

#[derive(Default)]
pub struct Data {
    files: Vec<(PathBuf, usize)>,
    pub bytes: u64,
}

impl Data {
    /// Writes files of together about so many bytes.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(folder: &Path, bytes: usize) -> Result<Data> {
        let mut data = Data::default();
        for (length, share) in KINDS {
            for number in 0..(bytes / 100 * share / length).max(1) {
                let below = folder.join(format!("{length}/{:02}", number % 40));
                fs::create_dir_all(&below).map_err(|error| Error::io("create", &below, error))?;
                let path = below.join(format!("{number}"));
                let seed = (length + number * 2 + 1) as u64;
                fs::write(&path, content(seed, length, number % 2 == 0)).map_err(|error| Error::io("write", &path, error))?;
                data.files.push((path, length));
                data.bytes += length as u64;
            }
        }
        Ok(data)
    }

    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Changes one hundredth of it, to something else each time.
    pub fn change(&self, time: usize) -> Result<()> {
        for (number, (path, length)) in self.files.iter().enumerate() {
            let seed = (number * 7919 + time * 104_729 + 3) as u64;
            let part = if *length >= LARGE { length / 100 } else { *length };
            if *length < LARGE && number % 100 != time % 100 {
                continue;
            }
            let written = fs::OpenOptions::new().write(true).open(path);
            let at = ((length - part) / 2) as u64;
            written.and_then(|file| file.write_all_at(&content(seed, part, false), at)).map_err(|error| Error::io("write", path, error))?;
        }
        Ok(())
    }
}

/// Always the same for the same seed: such as no compressor makes smaller, or text.
fn content(seed: u64, length: usize, text: bool) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut bytes = Vec::with_capacity(length + WORDS.len());
    while bytes.len() < length {
        if text {
            let start = next() as usize % (WORDS.len() - 8);
            bytes.extend_from_slice(&WORDS[start..]);
        } else {
            bytes.extend_from_slice(&next().to_le_bytes());
        }
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_a_hundredth_changes() {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::write(folder.path(), 20_000_000).unwrap();
        assert!((16_000_000..22_000_000).contains(&data.bytes), "{}", data.bytes);
        let read = || data.files.iter().map(|(path, _)| fs::read(path).unwrap()).collect::<Vec<_>>();
        let before = read();
        data.change(1).unwrap();
        let after = read();
        let pairs = before.iter().flatten().zip(after.iter().flatten());
        let differ = pairs.filter(|(one, other)| one != other).count() as f64 / data.bytes as f64;
        assert!((0.004..0.03).contains(&differ), "{differ}");
        data.change(2).unwrap();
        assert_ne!(read(), after);
    }
}
