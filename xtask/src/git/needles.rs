//! Finding many values in a text at once.

use aho_corasick::{AhoCorasick, MatchKind};

use super::history::Wanted;
use crate::error::{Error, Result};
use crate::secret::{MASK_FROM_CHARS, printed_forms};

/// The values to look for, long ones anywhere, short ones behind their keys.
pub(super) struct Needles {
    long: AhoCorasick,
    /// The value of each pattern of `long`.
    owners: Vec<usize>,
    keys: AhoCorasick,
    /// The value of each pattern of `keys`, by its number and its bytes.
    short: Vec<(usize, Vec<u8>)>,
}

impl Needles {
    pub(super) fn new(wanted: &[Wanted]) -> Result<Self> {
        let (mut forms, mut owners) = (Vec::new(), Vec::new());
        let (mut keys, mut short) = (Vec::new(), Vec::new());
        for (n, one) in wanted.iter().enumerate() {
            let value = one.value.expose();
            if value.chars().count() >= MASK_FROM_CHARS {
                let mut written = Vec::from(printed_forms(value));
                written.sort_unstable();
                written.dedup();
                owners.extend(written.iter().map(|_| n));
                forms.extend(written);
            } else if !value.is_empty() {
                for key in &one.keys {
                    keys.push(key.clone());
                    short.push((n, value.as_bytes().to_vec()));
                }
            }
        }
        let build = |patterns: &[String]| {
            let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(patterns);
            automaton.map_err(|error| Error::failed("search the history").why(error.to_string()))
        };
        Ok(Needles { long: build(&forms)?, owners, keys: build(&keys)?, short })
    }

    /// The numbers of the values in a text, each once.
    pub(super) fn values_in(&self, text: &[u8]) -> Vec<usize> {
        let mut values = Vec::new();
        // Asking whether there is any is several times faster than asking for all that overlap.
        if !self.owners.is_empty() && self.long.is_match(text) {
            values.extend(self.long.find_overlapping_iter(text).map(|m| self.owners[m.pattern().as_usize()]));
        }
        if !self.short.is_empty() && self.keys.is_match(text) {
            for found in self.keys.find_overlapping_iter(text) {
                let (value, bytes) = &self.short[found.pattern().as_usize()];
                if stands_behind(&text[found.end()..], bytes) {
                    values.push(*value);
                }
            }
        }
        values.sort_unstable();
        values.dedup();
        values
    }
}

/// Whether the rest of the line holds the value as a word of its own.
fn stands_behind(rest: &[u8], value: &[u8]) -> bool {
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut windows = line.windows(value.len()).enumerate();
    windows.any(|(at, window)| {
        let before = at.checked_sub(1).map(|at| &line[at]);
        let after = line.get(at + value.len());
        window == value && before.is_some_and(|b| !is_word(b)) && !after.is_some_and(is_word)
    })
}
