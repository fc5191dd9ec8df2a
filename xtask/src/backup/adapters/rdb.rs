//! Reads through a snapshot of Redis, value by value, and keeps nothing but the number of keys.
//!
//! The format is that of `rdb.c` and `rdb.h` of Redis 7; servers write the checksum, and their own tool checks it.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

/// In one database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keys {
    /// Those that end at no time.
    pub lasting: u64,
    pub ending: u64,
}

/// Clients that write to a pipe leave the mark there by which they have known the end: so many hexadecimal digits.
const MARK: usize = 40;

pub fn begins(head: &[u8]) -> bool {
    head.starts_with(b"REDIS0")
}

/// By the databases' numbers. `None`: it holds a kind of value that is not known here.
///
/// # Errors
/// It is cut off, or no snapshot.
pub fn keys(from: &mut dyn BufRead) -> Result<Option<BTreeMap<u64, Keys>>, String> {
    let mut from = Input(from);
    if !begins(&from.bytes::<9>()?) {
        return Err("it does not begin as a snapshot does".to_string());
    }
    let (mut found, mut database, mut ends) = (BTreeMap::<u64, Keys>::new(), 0, false);
    loop {
        match from.byte()? {
            0xff => break,
            0xfe => database = from.length()?,
            0xfd => (ends, _) = (true, from.skip(4)?),
            0xfc => (ends, _) = (true, from.skip(8)?),
            0xfb => _ = (from.length()?, from.length()?),
            0xfa => from.strings(2)?,
            0xf9 => from.skip(1)?,
            0xf8 => _ = from.length()?,
            0xf7 => {
                from.length()?;
                from.module()?;
            }
            0xf5 => from.string()?,
            0xf4 => _ = (from.length()?, from.length()?, from.length()?),
            kind => {
                from.string()?;
                if !from.value(kind)? {
                    return Ok(None);
                }
                let keys = found.entry(database).or_default();
                *(if ends { &mut keys.ending } else { &mut keys.lasting }) += 1;
                ends = false;
            }
        }
    }
    from.skip(8)?;
    let mut rest = Vec::new();
    from.0.take(MARK as u64 + 1).read_to_end(&mut rest).map_err(|error| error.to_string())?;
    if rest.is_empty() || rest.len() == MARK && rest.iter().all(u8::is_ascii_hexdigit) {
        return Ok(Some(found));
    }
    Err("something comes after its end".to_string())
}

struct Input<'f>(&'f mut dyn BufRead);

impl Input<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).map_err(|_| "it is cut off".to_string())?;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.bytes::<1>()?[0])
    }

    fn skip(&mut self, count: u64) -> Result<(), String> {
        let skipped = std::io::copy(&mut Read::take(&mut self.0, count), &mut std::io::sink()).map_err(|error| error.to_string())?;
        if skipped == count { Ok(()) } else { Err("it is cut off".to_string()) }
    }

    /// A number, and whether it says how a string is packed instead of how long it is.
    fn number(&mut self) -> Result<(u64, bool), String> {
        let first = self.byte()?;
        Ok(match first >> 6 {
            0 => (u64::from(first), false),
            1 => (u64::from(first & 0x3f) << 8 | u64::from(self.byte()?), false),
            2 if first == 0x80 => (u64::from(u32::from_be_bytes(self.bytes()?)), false),
            2 => (u64::from_be_bytes(self.bytes()?), false),
            _ => (u64::from(first & 0x3f), true),
        })
    }

    fn length(&mut self) -> Result<u64, String> {
        Ok(self.number()?.0)
    }

    fn string(&mut self) -> Result<(), String> {
        match self.number()? {
            (length, false) => self.skip(length),
            (kind @ 0..=2, true) => self.skip(1 << kind),
            (3, true) => {
                let packed = self.length()?;
                self.length()?;
                self.skip(packed)
            }
            (kind, true) => Err(format!("it holds a string packed in the unknown way {kind}")),
        }
    }

    fn strings(&mut self, count: u64) -> Result<(), String> {
        (0..count).try_for_each(|_| self.string())
    }

    /// Whether it is known how long a value of this kind is.
    fn value(&mut self, kind: u8) -> Result<bool, String> {
        match kind {
            0 | 9..=13 | 16 | 17 | 20 => self.string()?,
            1 | 2 | 14 => {
                let count = self.length()?;
                self.strings(count)?;
            }
            3 | 5 => {
                for _ in 0..self.length()? {
                    self.string()?;
                    let score = if kind == 5 { 8 } else { u64::from(self.byte()?) };
                    // Above are the infinite ones, and what is no number.
                    self.skip(if score > 252 { 0 } else { score })?;
                }
            }
            4 => {
                let count = self.length()?;
                self.strings(count.saturating_mul(2))?;
            }
            7 => {
                self.length()?;
                self.module()?;
            }
            15 | 19 | 21 => self.stream(kind)?,
            18 => {
                for _ in 0..self.length()? {
                    self.length()?;
                    self.string()?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn module(&mut self) -> Result<(), String> {
        loop {
            match self.length()? {
                0 => return Ok(()),
                1 | 2 => _ = self.length()?,
                3 => self.skip(4)?,
                4 => self.skip(8)?,
                5 => self.string()?,
                kind => return Err(format!("a module's value holds the unknown kind {kind}")),
            }
        }
    }

    fn numbers(&mut self, count: usize) -> Result<(), String> {
        (0..count).try_for_each(|_| self.length().map(drop))
    }

    /// Later kinds know more of a stream, of a group and of a consumer.
    fn stream(&mut self, kind: u8) -> Result<(), String> {
        let nodes = self.length()?;
        self.strings(nodes.saturating_mul(2))?;
        self.numbers(if kind >= 19 { 8 } else { 3 })?;
        for _ in 0..self.length()? {
            self.string()?;
            self.numbers(if kind >= 19 { 3 } else { 2 })?;
            for _ in 0..self.length()? {
                self.skip(24)?;
                self.length()?;
            }
            for _ in 0..self.length()? {
                self.string()?;
                self.skip(if kind >= 21 { 16 } else { 8 })?;
                let pending = self.length()?;
                self.skip(pending.saturating_mul(16))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two keys in database 0, of which one ends; one list in database 3.
    fn snapshot() -> Vec<u8> {
        let mut bytes = b"REDIS0010".to_vec();
        bytes.extend(b"\xfa\x09redis-ver\x067.0.15\xfe\x00\xfb\x02\x01\x00\x01a\xc0\x01\xfc\x89W6\x03\xa2\x01\x00\x00\x00\x01b\xc0\x02");
        bytes.extend(b"\xfe\x03\xfb\x01\x00\x12\x01l\x01\x02\x04abcd\xff\xe8\xd0eX\xffe\x1cB");
        bytes
    }

    #[test]
    fn keys_are_counted_by_database() {
        let wanted = BTreeMap::from([(0, Keys { lasting: 1, ending: 1 }), (3, Keys { lasting: 1, ending: 0 })]);
        assert_eq!(keys(&mut snapshot().as_slice()).unwrap(), Some(wanted.clone()));
        let marked =
            [snapshot(), b"c1f6f9a010074354580548f2868353170582 9e1f".map(|byte| if byte == b' ' { b'0' } else { byte }).to_vec()].concat();
        assert_eq!(keys(&mut marked.as_slice()).unwrap(), Some(wanted));
    }

    #[test]
    fn every_cut_is_told() {
        let whole = snapshot();
        for end in 0..whole.len() {
            assert!(keys(&mut &whole[..end]).is_err(), "{end}");
        }
        assert!(keys(&mut [whole, b"x".to_vec()].concat().as_slice()).is_err());
    }

    #[test]
    fn an_unknown_kind_of_value_is_no_error() {
        assert_eq!(keys(&mut b"REDIS0099\xfe\x00\x63\x01a".as_slice()).unwrap(), None);
    }
}
