//! Findings in rustc's look: the source line, a caret, and what to do.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Look, harmless};
use crate::secret::MASK;
use crate::text::{LineIndex, Span, redact};

/// What a finding needs to be shown; `secrets` are masked by their place in `text`.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    pub rule: &'a str,
    pub error: bool,
    /// Relative to the project's root.
    pub path: &'a str,
    pub text: &'a str,
    /// Of the text.
    pub lines: &'a LineIndex,
    pub span: Span,
    pub secrets: &'a [Span],
    pub message: &'a str,
    pub label: &'a str,
    pub help: &'a str,
}

pub fn human(shown: &Shown<'_>, look: Look) -> String {
    // Only the lines of the finding are handed on: a large file is shown as fast as a small one.
    let index = shown.lines;
    let (first, _) = index.line_column(shown.text, shown.span.start);
    let (last, _) = index.line_column(shown.text, shown.span.end);
    let start = index.line(shown.text, first).map_or(0, |line| line.start);
    let end = index.line(shown.text, last).map_or(shown.text.len(), |line| line.end).max(shown.span.end);
    let inside = |span: &&Span| span.start < end && span.end > start;
    let secrets: Vec<Span> =
        shown.secrets.iter().filter(inside).map(|s| Span::new(s.start.max(start) - start, s.end.min(end) - start)).collect();
    let redacted = redact(&shown.text[start..end], &secrets, MASK);
    let span = redacted.moved(Span::new(shown.span.start - start, shown.span.end - start));
    let level = if shown.error { Level::ERROR } else { Level::WARNING };
    let [path, message, label, help] = [shown.path, shown.message, shown.label, shown.help].map(harmless);
    let annotation = AnnotationKind::Primary.span(span.start..span.end).label(label.as_ref());
    let snippet = Snippet::source(redacted.text.as_str()).path(path.as_ref()).line_start(first).annotation(annotation);
    let report = &[level.primary_title(message.as_ref()).id(shown.rule).element(snippet).element(Level::HELP.message(help.as_ref()))];
    let renderer = if look.colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = renderer.decor_style(DecorStyle::Ascii).render(report);
    text.push_str("\n\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_line_and_never_the_value() {
        let text = "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: hunter2hunter2 # old\n";
        let at = text.find("hunter2").unwrap();
        let span = Span::new(at, at + 14);
        let look = Look { colour: false, live: false, quiet: false, verbose: false };
        let shown = Shown {
            rule: "hardcoded-credential",
            error: true,
            path: "compose.yaml",
            text,
            lines: &LineIndex::new(text),
            span,
            secrets: &[span],
            message: "a credential is written into the file",
            label: "value of POSTGRES_PASSWORD",
            help: "move it into .env",
        };
        let expected = "\
error[hardcoded-credential]: a credential is written into the file
 --> compose.yaml:4:26
  |
4 |       POSTGRES_PASSWORD: ******** # old
  |                          ^^^^^^^^ value of POSTGRES_PASSWORD
  |
  = help: move it into .env

";
        assert_eq!(human(&shown, look), expected);
    }
}
