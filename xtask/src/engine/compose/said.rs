//! What Compose says when it fails, without what it must not say.
//!
//! It quotes what it cannot read: a line of an env file with its value, a piece of a password that
//! looks like an unset variable. So only places and names are kept; nothing is decided by this text.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::secret::{MASK, Masker};

const LINES: usize = 12;
const BUILD_LINES: usize = 15;

static PLACE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(.*?)\bline (\d+)\b").expect("a constant"));
static NOISE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^time=\S+ level=(?:warning|info|debug)|^ ?(?:Container|Network|Volume|Image) \S+ +[A-Z][a-z]+$").expect("a constant")
});
/// Quoted text, and the word before it.
static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"((?:container )?\w+)?(:? ?)(?:"([^"]*)"|'([^']*)'|`([^`]*)`)"#).expect("a constant"));
/// After these words stands a name, not a value.
const NAMES_FOLLOW: &[&str] = &[
    "service",
    "network",
    "volume",
    "config",
    "secret",
    "profile",
    "container",
    "container name",
    "project",
    "properties",
    "variable",
    "by",
];

/// Masks known secrets, keeps of a parse error the place alone, and of quoted text only names.
pub(super) fn reduce(stderr: &str, masker: &Masker) -> String {
    let mut kept = Vec::new();
    for line in stderr.lines().map(str::trim_end).filter(|line| !line.is_empty() && !NOISE.is_match(line)) {
        if let Some(place) = PLACE.captures(line) {
            // What follows a place is the text that could not be read, however many lines of it.
            kept.push(format!("{}line {} cannot be read", unquoted(place[1].trim_start()), &place[2]));
            break;
        }
        kept.push(unquoted(line.trim_start()));
    }
    let first = kept.len().saturating_sub(LINES);
    let text = if kept.is_empty() { "it said nothing".to_string() } else { kept[first..].join("\n") };
    masker.mask(&text).into_owned()
}

/// What a builder says last: the end of the failing command's own words, and why it ended. A Dockerfile of ours and its
/// programs are no secret; what they print of one is masked by who knows it.
pub(super) fn of_builder(stdout: &str, stderr: &str) -> String {
    // Between two rules of dashes the builder repeats what the failing command has said; older ones do not.
    let mut parts = stdout.split("\n------\n");
    let said = parts.nth(1).unwrap_or(stdout);
    let lines: Vec<&str> = said.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let end = &lines[lines.len().saturating_sub(BUILD_LINES)..];
    let why = stderr.lines().map(str::trim_end).rfind(|line| !line.is_empty()).unwrap_or("the builder did not say why");
    format!("{why}\n{}", end.join("\n")).trim_end().to_string()
}

fn unquoted(line: &str) -> String {
    let replaced = QUOTED.replace_all(line, |found: &Captures<'_>| {
        let word = found.get(1).map_or("", |word| word.as_str());
        if NAMES_FOLLOW.contains(&word.to_lowercase().as_str()) { found[0].to_string() } else { format!("{word}{}{MASK}", &found[2]) }
    });
    // A quote that is never closed: what it opens is the value that could not be read.
    match replaced.find(['\'', '`']) {
        Some(at) if replaced[at..].matches(&replaced[at..=at]).count() == 1 => format!("{}{MASK}", &replaced[..at]),
        _ => replaced.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduced(text: &str) -> String {
        reduce(text, &Masker::new(["hunter22hunter22"]))
    }

    #[test]
    fn a_line_of_an_env_file_is_not_shown() {
        assert_eq!(
            reduced("failed to read /p/.env: line 2: unterminated quoted value 'tops3cret\nmore of it 'x"),
            "failed to read /p/.env: line 2 cannot be read"
        );
        assert_eq!(
            reduced("failed to read /p/.env: line 1: unexpected character \"?\" in variable name \"P?=tops3cret\""),
            "failed to read /p/.env: line 1 cannot be read"
        );
        assert_eq!(reduced("yaml: line 3: found unexpected end of stream"), "yaml: line 3 cannot be read");
    }

    #[test]
    fn a_piece_of_a_password_taken_for_a_variable_is_not_shown() {
        let text = "time=\"2026\" level=warning msg=\"The \\\"cret\\\" variable is not set.\"\ninvalid proto \"s3cr3t\"";
        assert_eq!(reduced(text), format!("invalid proto {MASK}"));
    }

    #[test]
    fn the_end_of_a_build_is_told() {
        let stdout = "#1 load\n#6 ERROR: process\n------\n > [2/2] RUN x:\n0.5 boom\n------\n";
        assert_eq!(
            of_builder(stdout, "Dockerfile:2\n\nfailed to solve: exit code: 1\n"),
            "failed to solve: exit code: 1\n > [2/2] RUN x:\n0.5 boom"
        );
        assert_eq!(of_builder("one\ntwo\n", ""), "the builder did not say why\none\ntwo");
    }

    #[test]
    fn names_stay_and_known_secrets_go() {
        let text = "service \"a\" depends on undefined service \"zz\": invalid compose project";
        assert_eq!(reduced(text), text);
        let text = "error while interpolating services.a.environment.X: required variable X is missing a value: set X";
        assert_eq!(reduced(text), text);
        assert_eq!(reduced(" Container db-1  Creating\nrole hunter22hunter22 failed"), format!("role {MASK} failed"));
        assert_eq!(reduced(""), "it said nothing");
    }
}
