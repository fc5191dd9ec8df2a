//! What may be seen of a change: both texts with every secret masked by its place.

use std::collections::BTreeSet;

use super::change::{Change, Kind};
use crate::catalogue::{KeyShape, key_shape, looks_random};
use crate::dotenv::{self, Quoting};
use crate::event::FileDiff;
use crate::project::Project;
use crate::rules::{self, ComposeSource};
use crate::secret::{MASK, Masker};
use crate::tasks::hidden::by_place;
use crate::text::{Span, redact};
use crate::yaml::{Limits, expand, read};

pub fn diff(project: &Project, change: &Change, masker: &Masker) -> FileDiff {
    let (before, after) = match change.kind {
        Kind::Env => {
            let old = change.before.as_deref().unwrap_or_default();
            (change.before.as_deref().map(|text| remarks(&env(text), old)), remarks(&env(&change.after), old))
        }
        Kind::Example => (change.before.as_deref().map(env), env(&change.after)),
        Kind::Ignore => (change.before.clone(), change.after.clone()),
        // Git has shown its other values to everybody; the credentials are gone from the new text.
        Kind::SharedEnv => (change.before.as_deref().map(|text| redact(text, &change.secrets, MASK).text), change.after.clone()),
        Kind::Compose => {
            let before = change.before.as_deref().map(|text| redact(text, &change.secrets, MASK).text);
            (before, redact(&change.after, &credentials(&change.after), MASK).text)
        }
    };
    let path = project.relative(&change.path).display().to_string();
    FileDiff { path, before: before.map(|text| comments(&text, masker)), after: Some(comments(&after, masker)) }
}

/// So much of a value is shown.
const LONGEST_SHOWN: usize = 40;

/// One value for people, unless it could be a secret.
pub fn value(name: &str, value: &str, masker: &Masker) -> String {
    let is_secret = matches!(key_shape(name), KeyShape::Password | KeyShape::Secret | KeyShape::Weak)
        || !by_place(std::iter::once((name, value))).is_empty()
        || is_odd(value)
        || masker.mask(value) != value;
    match value {
        "" => "(empty)".to_string(),
        _ if is_secret => MASK.to_string(),
        _ if value.chars().count() > LONGEST_SHOWN || value.contains(['\n', '\r']) => "(long)".to_string(),
        _ => value.to_string(),
    }
}

/// Nobody says what it is, and it could come from a generator: both cases and digits in one word.
fn is_odd(value: &str) -> bool {
    let odd = |word: &str| {
        let has = |kind: fn(&char) -> bool| word.chars().any(|c| kind(&c));
        word.len() >= 8 && has(char::is_ascii_digit) && has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase)
    };
    looks_random(value) || value.split_whitespace().any(odd)
}

/// Where a line's comment begins, behind its `#`. A `#` inside a quoted value may be taken for one: too
/// much is looked at then, never too little.
fn comment(line: &str) -> Option<usize> {
    let begins = |at: &usize| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
    line.match_indices('#').map(|(at, _)| at).find(begins).map(|at| at + 1)
}

/// The text with secrets masked in its comments: known ones, and what stands there under the name of one.
pub fn comments(text: &str, masker: &Masker) -> String {
    let shown = |line: &str| match comment(line) {
        Some(at) => format!("{}{}", &line[..at], old_setting(&masker.mask(&line[at..]))),
        None => line.to_string(),
    };
    text.split_inclusive('\n').map(shown).collect()
}

/// The comments in which a secret stands, as a whole.
pub fn telling_comments(text: &str, masker: &Masker) -> Vec<Span> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches(['\r', '\n']);
        if let Some(at) = comment(body).filter(|at| masker.mask(&body[*at..]) != body[*at..]) {
            found.push(Span::new(start + at, start + body.len()));
        }
        start += line.len();
    }
    found
}

/// A comment that is a setting which somebody has switched off, without its value.
fn old_setting(comment: &str) -> String {
    let body = comment.trim_end_matches(['\r', '\n']);
    let Some((key, value)) = body.split_once(['=', ':']) else { return comment.to_string() };
    let name = key.trim().trim_start_matches("- ").trim_start_matches("export ").trim_matches(['"', '\'']);
    if value.trim().is_empty() || value.contains("${") || !key_shape(name).is_credential() {
        return comment.to_string();
    }
    let gap = &value[..value.len() - value.trim_start().len()];
    format!("{}{gap}{MASK}{}", &body[..=key.len()], &comment[body.len()..])
}

/// The comments of an env file that nobody else can read are hidden whole: all that `old` had.
fn remarks(text: &str, old: &str) -> String {
    let had: BTreeSet<&str> = old.lines().map(str::trim).collect();
    let shown = |line: &str| match comment(line) {
        Some(at) if at > 1 && !line.trim_start().starts_with('#') => format!("{} {MASK}\n", &line[..at]),
        Some(at) if had.contains(line.trim()) => format!("{} {MASK}\n", &line[..at]),
        _ => line.to_string(),
    };
    text.split_inclusive('\n').map(shown).collect()
}

/// An env file with every value masked that is not a variable's name only.
fn env(text: &str) -> String {
    let Ok(entries) = dotenv::parse(text, &|_| Some("set".to_string())) else { return unreadable(text) };
    let shown = |span: Span| {
        let written = span.slice(text).trim_matches(['"', '\'']);
        written.is_empty()
            || (written.starts_with("${") && written.ends_with('}') && written.contains(":?") && !written[2..].contains("${"))
    };
    let hidden = entries.iter().filter(|entry| entry.quoting != Quoting::Inherited && !shown(entry.value_span));
    redact(text, &hidden.map(|entry| entry.value_span).collect::<Vec<_>>(), MASK).text
}

/// A text of which nobody knows what is a value: keys and whole-line comments are all that is shown.
fn unreadable(text: &str) -> String {
    let shown = |line: &str| match line.split_once('=') {
        _ if line.trim().is_empty() || line.trim_start().starts_with('#') => line.to_string(),
        Some((_, value)) if value.trim().is_empty() => line.to_string(),
        Some((key, _)) if !key.trim().contains(char::is_whitespace) => format!("{key}={MASK}\n"),
        _ => format!("{MASK}\n"),
    };
    text.split_inclusive('\n').map(shown).collect()
}

/// Where credentials stand in a compose file's text; the whole text when it cannot be read.
pub fn credentials(text: &str) -> Vec<Span> {
    let Ok(documents) = read(text, Limits::default()) else { return vec![Span::new(0, text.len())] };
    let Ok(values) = documents.iter().map(|document| expand(document, 0)).collect::<Result<Vec<_>, _>>() else {
        return vec![Span::new(0, text.len())];
    };
    let source = ComposeSource { path: "".as_ref(), file: 0, text, documents: &documents, values: &values };
    let found = rules::credentials_in_compose(&source);
    let mut secrets = rules::secrets_in_comments(&source, &found);
    secrets.extend(found.into_iter().map(|evidence| evidence.source));
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_shown_only_where_it_is_no_secret() {
        let masker = Masker::new(["known-to-the-masker"]);
        for (name, given, shown) in [
            ("LEVEL", "info", "info"),
            ("APP_TITLE", "Trading System (containers)", "Trading System (containers)"),
            ("PORT", "8080", "8080"),
            ("EMPTY", "", "(empty)"),
            ("TEXT", "two\nlines", "(long)"),
            ("DB_PASSWORD", "info", MASK),
            ("SIGNING_KEY", "info", MASK),
            ("DSN", "postgres://u:some-word@db/x", MASK),
            ("NEUTRAL", "Cextern6Ud8kY3oRm", MASK),
            ("NEUTRAL", "known-to-the-masker", MASK),
        ] {
            assert_eq!(value(name, given, &masker), shown, "{name}={given}");
        }
    }

    #[test]
    fn every_value_of_an_env_file_is_masked() {
        let shown = env("# note\nA=plain-secret\nB='quoted secret'\nC=\nD=${D:?set D in .env}\nE=\"${E:-fallback-secret}\"\n");
        assert_eq!(shown, format!("# note\nA={MASK}\nB={MASK}\nC=\nD=${{D:?set D in .env}}\nE={MASK}\n"));
    }

    #[test]
    fn a_compose_text_hides_what_the_rules_find() {
        let text = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: hunter2hunter2\n";
        assert!(!redact(text, &credentials(text), MASK).text.contains("hunter2"));
    }
}
