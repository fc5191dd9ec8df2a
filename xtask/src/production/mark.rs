//! How a file tells that this tool has written it, and that nobody has changed it since.

use crate::saga::Sha;

const BEGINS: &str = "# Written by cargo xtask dockerfile-prod; sha256 ";

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// By this tool, as it is.
    ByUs,
    /// By this tool, and changed since.
    Changed,
    BySomebody,
}

/// The text with the mark in its first line.
pub fn marked(text: &str) -> String {
    format!("{BEGINS}{}\n{text}", Sha::of(text.as_bytes()))
}

pub fn written(text: &str) -> Written {
    let Some((mark, rest)) = text.strip_prefix(BEGINS).and_then(|rest| rest.split_once('\n')) else { return Written::BySomebody };
    if mark == Sha::of(rest.as_bytes()).as_str() { Written::ByUs } else { Written::Changed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_one_byte_is_seen() {
        let text = marked("FROM x\n");
        assert_eq!(written(&text), Written::ByUs);
        assert_eq!(written(&text.replace("FROM x", "FROM y")), Written::Changed);
        assert_eq!(written(&format!("{text}\n")), Written::Changed);
        assert_eq!(written("FROM x\n"), Written::BySomebody);
        assert_eq!(written(&text[..20]), Written::BySomebody);
        assert_eq!(written(&format!("\n{text}")), Written::BySomebody);
    }
}
