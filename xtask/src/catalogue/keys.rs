//! Which keys are the keys of credentials.

use super::words::{Keys, WORDS};

/// What a key says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyShape {
    /// A password: every value that is none of the well-known non-values.
    Password,
    /// A token, an API key and the like: not numbers, durations, single characters.
    Secret,
    /// Perhaps: only a value that looks random is one.
    Weak,
    /// Nothing about credentials.
    Neutral,
    /// About a credential or public: `TOKEN_TTL`, `JWT_PUBLIC_KEY`, `PASSWORD_FILE`.
    About,
}

impl KeyShape {
    pub fn is_credential(self) -> bool {
        matches!(self, KeyShape::Password | KeyShape::Secret)
    }
}

/// Judges a key by its words: environment variables, options with their dashes, label keys.
pub fn key_shape(key: &str) -> KeyShape {
    let keys = &WORDS.keys;
    let upper = key.trim_start_matches('-').to_ascii_uppercase();
    if keys.exact.password.contains(&upper) {
        return KeyShape::Password;
    }
    if keys.exact.secret.contains(&upper) {
        return KeyShape::Secret;
    }
    let lower = lower_words(key);
    let words: Vec<&str> = lower.split_ascii_whitespace().collect();
    if words.iter().any(|word| keys.public.contains(*word)) {
        return KeyShape::About;
    }
    let Some((first, last, shape)) = credential_words(&lower, &words, keys) else {
        let weak = words.last().is_some_and(|word| keys.weak.contains(*word));
        return if weak { KeyShape::Weak } else { KeyShape::Neutral };
    };
    let speaks_about =
        words[last + 1..].iter().any(|w| keys.about_after.contains(*w)) || words[..first].iter().any(|w| keys.about_before.contains(*w));
    if speaks_about { KeyShape::About } else { shape }
}

/// Whether a neutral key could be a credential's after all: not one that ends in `user`, `host` ...
pub fn may_hold_credential(key: &str) -> bool {
    lower_words(key).split_ascii_whitespace().next_back().is_some_and(|word| !WORDS.keys.about_after.contains(word))
}

/// For a value that holds a user and a password: what stands between them.
pub fn split_user_password(key: &str) -> Option<char> {
    let ends_in = |known: &str| {
        let head = key.len().checked_sub(known.len())?;
        let same = key.get(head..)?.eq_ignore_ascii_case(known);
        (same && (head == 0 || matches!(key.as_bytes()[head - 1], b'_' | b'.' | b'-'))).then_some(())
    };
    WORDS.keys.both_in_one.iter().find(|(known, _)| ends_in(known).is_some()).map(|(_, between)| *between)
}

/// The first and last word of the part of a key that names a credential: the last such part, because
/// an application may be called Secret (`SECRET_JWT_SECRET`, `SECRET_PORT`).
fn credential_words(lower: &str, words: &[&str], keys: &Keys) -> Option<(usize, usize, KeyShape)> {
    let mut found = None;
    let (mut before, mut start) = (0, 0);
    for (n, &word) in words.iter().enumerate() {
        let end = start + word.len();
        let pair = &lower[before..end];
        (before, start) = (start, end + 1);
        let shape = if keys.password.contains(word) || ends_in(word, &keys.endings.password) {
            KeyShape::Password
        } else if keys.secret.contains(word) || ends_in(word, &keys.endings.secret) {
            KeyShape::Secret
        } else if n > 0 && keys.pairs.contains(pair) {
            found = Some((n - 1, n, KeyShape::Secret));
            continue;
        } else {
            continue;
        };
        found = Some((n, n, shape));
    }
    found
}

fn ends_in(word: &str, endings: &[String]) -> bool {
    endings.iter().any(|ending| word.ends_with(ending.as_str()))
}

/// `POSTGRES_PASSWORD2`, `--api-key`, `dbPassword`, `Auth.APIKey` in lower-case words, with blanks between them.
fn lower_words(key: &str) -> String {
    let mut words = String::with_capacity(key.len() + 8);
    let mut start = 0;
    for part in key.split(|c: char| !c.is_ascii_alphanumeric()) {
        let bytes = part.as_bytes();
        for (n, byte) in bytes.iter().enumerate() {
            let before = n.checked_sub(1).map(|at| bytes[at]);
            let turns_up = byte.is_ascii_uppercase() && before.is_some_and(|b| b.is_ascii_lowercase());
            let ends_capitals = byte.is_ascii_uppercase()
                && before.is_some_and(|b| b.is_ascii_uppercase())
                && bytes.get(n + 1).is_some_and(u8::is_ascii_lowercase);
            if turns_up || ends_capitals {
                start = end_word(&mut words, start);
            }
            words.push(char::from(byte.to_ascii_lowercase()));
        }
        start = end_word(&mut words, start);
    }
    words
}

/// Without the digits at its end, if anything is left of it then. Returns where the next word starts.
fn end_word(words: &mut String, start: usize) -> usize {
    let bare = words[start..].trim_end_matches(|c: char| c.is_ascii_digit()).len();
    words.truncate(start + bare);
    if bare > 0 {
        words.push(' ');
    }
    words.len()
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
