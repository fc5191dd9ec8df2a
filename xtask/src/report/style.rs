use std::borrow::Cow;
use std::io::IsTerminal;

/// How much may be said, and with which means; decided once, at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub colour: bool,
    /// Whether standard error is a terminal, so that a line may be drawn again.
    pub live: bool,
    pub quiet: bool,
    pub verbose: bool,
}

impl Look {
    /// Colours where standard error is a terminal, `NO_COLOR` is unset or empty, and nobody said no.
    pub fn detect(no_color: bool, quiet: bool, verbose: bool) -> Look {
        let live = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Look { colour: live && !no_color && !forbidden, live, quiet, verbose }
    }

    /// The same for what goes to standard output: without colours where that is a file or a pipe.
    pub fn for_output(self) -> Look {
        Look { colour: self.colour && std::io::stdout().is_terminal(), ..self }
    }

    pub fn paint(self, style: Style, text: &str) -> String {
        if !self.colour {
            return text.to_string();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", style.code())
    }

    /// One line in the shape that cargo's users know: a short word, right-aligned, then the rest.
    pub fn line(self, style: Style, word: &str, rest: &str) -> String {
        // The padding is computed before painting, because colour codes have no width.
        let padding = " ".repeat(12_usize.saturating_sub(word.chars().count()));
        let indented = harmless(rest).replace('\n', &format!("\n{}", " ".repeat(13)));
        format!("{padding}{} {indented}\n", self.paint(style, word))
    }
}

/// Text without the characters that would command a terminal or turn the reading direction of what stands
/// around them: names of files and services may hold any. Nor does a line begin like a command of a GitHub workflow,
/// whose runner reads what any step prints, indented or not; in its older form, `##[`, it reads one anywhere in a line.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let turns = |char: char| matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let commands = |char: char| char.is_control() && !matches!(char, '\n' | '\t') || turns(char);
    let before_command = |at: usize| text[at..].trim_start().starts_with("::");
    let in_command = |at: usize| text[..at].ends_with('#') && text[at..].starts_with("#[");
    if !text.contains(commands) && !text.contains("##[") && !text.match_indices('\n').any(|(at, _)| before_command(at)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for (at, char) in text.char_indices() {
        let escaped = commands(char) || char == '\n' && before_command(at) || char == '#' && in_command(at);
        if escaped { shown.extend(char.escape_unicode()) } else { shown.push(char) }
    }
    Cow::Owned(shown)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Good,
    Bad,
    Warn,
    Info,
    Dim,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Style::Good => "1;32",
            Style::Bad => "1;31",
            Style::Warn => "1;33",
            Style::Info => "1;36",
            Style::Dim => "2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_command_the_terminal() {
        let plain = Look { colour: false, live: false, quiet: false, verbose: false };
        assert_eq!(plain.line(Style::Good, "Applied", "a\u{1b}]0;x\u{7}\u{9b}"), "     Applied a\\u{1b}]0;x\\u{7}\\u{9b}\n");
        assert_eq!(harmless("a\tb\n"), "a\tb\n");
        assert_eq!(harmless("a\nb::c\n"), "a\nb::c\n");
        assert_eq!(harmless("a\n ::error::b"), "a\\u{a} ::error::b");
        assert_eq!(harmless("a ##[error]b\n##[c]d ## [e] #[f]"), "a #\\u{23}[error]b\n#\\u{23}[c]d ## [e] #[f]");
        assert_eq!(plain.line(Style::Bad, "Not read", "a\n::stop-commands::x").lines().count(), 1);
        assert_eq!(harmless("web\u{202e}bew"), "web\\u{202e}bew");
    }

    #[test]
    fn lines_align_with_and_without_colour() {
        let plain = Look { colour: false, live: false, quiet: false, verbose: false };
        assert_eq!(plain.line(Style::Good, "Applied", "a\nb"), "     Applied a\n             b\n");
        let colour = Look { colour: true, ..plain };
        assert_eq!(colour.line(Style::Good, "Applied", "a"), "     \u{1b}[1;32mApplied\u{1b}[0m a\n");
    }
}
