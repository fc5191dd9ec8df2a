//! What is appended to `.env`, `.env.example` and `.gitignore`: pure text, in the file's own line
//! endings, nothing else touched.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::dotenv;
use crate::error::{Error, Result};

const EXAMPLES: [&str; 5] = [".env.example", ".env.sample", ".env.template", "env.example", ".env.dist"];

/// The project's example of an `.env`: the one that is there, else where it would be.
pub fn example_path(root: &Path) -> PathBuf {
    let there = EXAMPLES.iter().map(|name| root.join(name)).find(|path| path.is_file());
    there.unwrap_or_else(|| root.join(EXAMPLES[0]))
}

/// The names that an env file defines.
pub fn defined(path: &Path, text: &str) -> Result<BTreeSet<String>> {
    let entries = dotenv::parse(text, &|_| Some("set".to_string()))
        .map_err(|error| Error::unusable("read it").at(path, error.line, error.column).why(error.why))?;
    Ok(entries.into_iter().map(|entry| entry.key).collect())
}

/// A variable as a line of `.env`.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    pub name: &'a str,
    pub value: &'a str,
    /// What it opens, for the example's comment: "timescaledb (postgres)".
    pub of: &'a str,
}

/// An env file with the variables added under one heading; `None` when there is nothing to add.
pub fn env(before: Option<&str>, heading: &str, lines: &[Line<'_>]) -> String {
    let added = lines.iter().map(|line| format!("{}={}", line.name, dotenv::quote(line.value)));
    appended(before, heading, added)
}

/// The example with an empty line for each variable that it does not have yet. A commented mention
/// (`# NAME=`) gives way to the real line: it called optional what is required now.
pub fn example(before: Option<&str>, heading: &str, lines: &[Line<'_>]) -> String {
    let has = |name: &str| before.unwrap_or("").lines().any(|line| key(line) == Some(name));
    let missing: Vec<&Line<'_>> = lines.iter().filter(|line| !has(line.name)).collect();
    if missing.is_empty() {
        return before.unwrap_or("").to_string();
    }
    let mentions =
        |line: &str| missing.iter().any(|missing| line.trim().strip_prefix('#').map(str::trim) == Some(&format!("{}=", missing.name)));
    let kept: Option<String> = before.map(|text| without(text, mentions));
    let added = missing.iter().flat_map(|line| [format!("# {}", line.of), format!("{}=", line.name)]);
    appended(kept.as_deref(), heading, added)
}

/// A text without these lines, and without a comment that spoke only of them.
fn without(text: &str, unwanted: impl Fn(&str) -> bool) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if !unwanted(line) {
            kept.push(line);
            continue;
        }
        let block_ends = lines.peek().is_none_or(|next| next.trim().is_empty());
        let heading = kept.last().is_some_and(|last| last.trim_start().starts_with('#'));
        let begins = kept.len() < 2 || kept[kept.len() - 2].trim().is_empty();
        if block_ends && heading && begins {
            kept.pop();
        }
    }
    while kept.last().is_some_and(|last| last.trim().is_empty()) {
        kept.pop();
    }
    kept.concat()
}

/// The ignore file with these paths (from the root, `/` in front) added.
pub fn ignore(before: Option<&str>, heading: &str, paths: &[String]) -> String {
    appended(before, heading, paths.iter().map(|path| pattern(path)))
}

/// The line of an ignore file that means exactly this path.
pub fn pattern(path: &str) -> String {
    let mut pattern = String::from("/");
    for char in path.chars() {
        if matches!(char, '\\' | '*' | '?' | '[') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern
}

fn key(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    if line.starts_with('#') {
        return None;
    }
    let end = line.find(['=', ':'])?;
    Some(line[..end].trim_end())
}

fn appended(before: Option<&str>, heading: &str, lines: impl Iterator<Item = String>) -> String {
    let mut lines = lines.peekable();
    let before = before.unwrap_or("");
    if lines.peek().is_none() {
        return before.to_string();
    }
    let ending = if before.contains("\r\n") { "\r\n" } else { "\n" };
    let mut text = before.to_string();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(ending);
    }
    if !ends_under(before, heading) {
        if !text.is_empty() {
            text.push_str(ending);
        }
        text.push_str(&format!("# {heading}{ending}"));
    }
    for line in lines {
        text.push_str(&line);
        text.push_str(ending);
    }
    text
}

/// Whether the last paragraph of a text stands under this heading already.
fn ends_under(text: &str, heading: &str) -> bool {
    let paragraph = text.lines().rev().take_while(|line| !line.trim().is_empty());
    paragraph.last().and_then(|first| first.strip_prefix("# ")) == Some(heading)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'a>(name: &'a str, value: &'a str) -> Line<'a> {
        Line { name, value, of: "what it opens" }
    }

    #[test]
    fn a_new_env_file_has_heading_and_quoted_values() {
        let text = env(None, "Credentials", &[line("A", "plain"), line("B", "two words"), line("C", "it's $HOME")]);
        assert_eq!(text, "# Credentials\nA=plain\nB='two words'\nC=\"it's \\$HOME\"\n");
    }

    #[test]
    fn an_existing_file_keeps_its_bytes_and_line_endings() {
        assert_eq!(env(Some("X=1"), "H", &[line("A", "v")]), "X=1\n\n# H\nA=v\n");
        assert_eq!(env(Some("X=1\r\n"), "H", &[line("A", "v")]), "X=1\r\n\r\n# H\r\nA=v\r\n");
        assert_eq!(env(Some("X=1\n"), "H", &[]), "X=1\n");
    }

    #[test]
    fn a_later_run_goes_on_under_its_heading() {
        assert_eq!(env(Some("X=1\n\n# H\nA=v\n"), "H", &[line("B", "w")]), "X=1\n\n# H\nA=v\nB=w\n");
        assert_eq!(env(Some("# H\nA=v\n\nX=1\n"), "H", &[line("B", "w")]), "# H\nA=v\n\nX=1\n\n# H\nB=w\n");
    }

    #[test]
    fn the_example_gets_what_it_lacks() {
        let before = "# Optional:\n# A=\nexport B=\nC=placeholder\n\n# The compose files bring defaults:\n# D=\n";
        let text = example(Some(before), "Required", &[line("A", "s"), line("B", "s"), line("C", "s"), line("D", "s")]);
        assert_eq!(text, "# Optional:\nexport B=\nC=placeholder\n\n# Required\n# what it opens\nA=\n# what it opens\nD=\n");
        assert!(!text.contains("=s"), "an example never holds a value");
    }
}
