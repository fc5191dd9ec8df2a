//! A unified diff as `git diff` writes it, of texts whose secrets were masked before.

use std::borrow::Cow;

use similar::TextDiff;

use super::{Look, Style, harmless};
use crate::event::FileDiff;

/// Both sides with three lines of context, as `git apply` would read them if nothing were masked.
pub fn unified(change: &FileDiff) -> String {
    let side = |content: &Option<String>, letter: &str| match content {
        Some(_) => format!("{letter}/{}", change.path),
        None => "/dev/null".to_string(),
    };
    let (before, after) = (change.before.as_deref().unwrap_or(""), change.after.as_deref().unwrap_or(""));
    let diff = TextDiff::from_lines(before, after);
    diff.unified_diff().context_radius(3).header(&side(&change.before, "a"), &side(&change.after, "b")).to_string()
}

/// A unified diff in colours, line by line.
pub fn painted(diff: &str, look: Look) -> String {
    let mut shown = String::with_capacity(diff.len());
    for line in diff.split_inclusive('\n') {
        let (body, ending) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        // A carriage return at the end is the file's own, and moves nothing.
        let (body, ending) = body.strip_suffix('\r').map_or((body, ending), |body| (body, if ending.is_empty() { "\r" } else { "\r\n" }));
        let body = &harmless_line(body);
        let style = match body.as_bytes().first() {
            Some(b'+') => Some(Style::Good),
            Some(b'-') => Some(Style::Bad),
            Some(b'@') => Some(Style::Info),
            _ => None,
        };
        match style {
            Some(style) => shown.push_str(&look.paint(style, body)),
            None => shown.push_str(body),
        }
        shown.push_str(ending);
    }
    shown
}

/// A line that does not change stands behind a blank, behind which a runner of GitHub's still sees a command.
fn harmless_line(line: &str) -> Cow<'_, str> {
    let shown = harmless(line);
    match shown.trim_start().starts_with("::") {
        true => shown.replacen(':', "\\u{3a}", 1).into(),
        false => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_comes_from_nowhere() {
        let change = FileDiff { path: ".env".into(), before: None, after: Some("A=********\n".into()) };
        assert_eq!(unified(&change), "--- /dev/null\n+++ b/.env\n@@ -0,0 +1 @@\n+A=********\n");
    }

    #[test]
    fn no_line_of_a_file_is_a_command_of_a_workflow() {
        let look = Look { colour: false, live: false, quiet: false, verbose: false };
        let (before, after) = ("a: |\n  ::error::b\n  ##[error]c\n".to_string(), "a: |\n  ::error::b\n  ##[error]c\nd: 1\n".to_string());
        let change = FileDiff { path: "a".into(), before: Some(before), after: Some(after) };
        let shown = painted(&unified(&change), look);
        assert!(shown.ends_with(" a: |\n   \\u{3a}:error::b\n   #\\u{23}[error]c\n+d: 1\n"), "{shown}");
    }
}
