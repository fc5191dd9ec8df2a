//! Values that must never be shown, and the one layer that takes them out of captured text.

use std::borrow::Cow;
use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};
use secrecy::{ExposeSecret, SecretString};

/// What stands where a secret stood.
pub const MASK: &str = "********";

/// Shorter values are masked by their place only: masking `postgres` wherever it occurs would hide
/// every service's name.
pub const MASK_FROM_CHARS: usize = 8;

/// A secret value: wiped when dropped, and neither printed nor serialised.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Secret(SecretString::from(value.into()))
    }

    /// The value itself, for the places that must write or compare it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Takes known secrets out of text that was captured from elsewhere: output of programs, messages
/// of an engine, lines of a log.
#[derive(Clone, Default)]
pub struct Masker {
    find: Option<AhoCorasick>,
}

impl Masker {
    /// Masks each value as it is and in the forms that programs print: with `$` doubled, escaped for
    /// JSON, and percent-encoded.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms: Vec<String> = Vec::new();
        for value in values {
            if value.chars().count() >= MASK_FROM_CHARS {
                forms.extend(printed_forms(value));
                // A value of several lines is printed line by line as often as whole.
                forms.extend(value.lines().filter(|line| line.chars().count() >= MASK_FROM_CHARS).map(String::from));
            }
        }
        forms.sort_unstable();
        forms.dedup();
        let find = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms);
        Masker { find: find.ok().filter(|_| !forms.is_empty()) }
    }

    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.find {
            Some(find) if find.is_match(text) => Cow::Owned(replace_all(find, text)),
            _ => Cow::Borrowed(text),
        }
    }
}

fn replace_all(find: &AhoCorasick, text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    find.replace_all_with(text, &mut masked, |_, _, into| {
        into.push_str(MASK);
        true
    });
    masked
}

/// A value as it is and as programs write it: with `$` doubled, escaped for JSON, percent-encoded.
pub fn printed_forms(value: &str) -> [String; 4] {
    let json = serde_json::to_string(value).unwrap_or_default();
    [value.to_string(), value.replace('$', "$$"), json.trim_matches('"').to_string(), percent_encoded(value)]
}

fn percent_encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte as char);
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_every_form_and_nothing_short() {
        let masker = Masker::new(["pa$$w0rd/long", "short", "line one long\nline two long"]);
        let shown = masker.mask("a pa$$w0rd/long b pa$$$$w0rd/long c pa%24%24w0rd%2Flong short");
        assert_eq!(shown, format!("a {MASK} b {MASK} c {MASK} short"));
        assert_eq!(masker.mask("only line two long here"), format!("only {MASK} here"));
    }

    #[test]
    fn a_secret_prints_as_a_mask() {
        assert_eq!(format!("{:?}", Secret::new("hunter22")), MASK);
    }
}
