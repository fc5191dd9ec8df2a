//! A Dockerfile's instructions: directives, comments, continued lines and here-documents, as BuildKit's
//! parser reads them.

use crate::text::Span;

/// One instruction with its arguments, continued lines joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// In capitals.
    pub keyword: String,
    pub arguments: String,
    /// The bytes of the arguments, from the first to the last.
    pub span: Span,
    /// Of the keyword, counted from 1.
    pub line: usize,
}

/// The character that continues a line and takes a variable's meaning away.
pub fn escape(text: &str) -> char {
    let mut reader = Reader::new(text);
    reader.directives();
    reader.escape
}

/// The instructions of a text, and what of it could not be understood.
pub fn instructions(text: &str) -> (Vec<Instruction>, Vec<String>) {
    let mut reader = Reader::new(text);
    reader.directives();
    let mut found = Vec::new();
    while let Some(instruction) = reader.instruction() {
        found.push(instruction);
    }
    (found, reader.unclear)
}

struct Reader<'a> {
    text: &'a str,
    lines: Vec<Span>,
    next: usize,
    escape: char,
    unclear: Vec<String>,
}

/// The lines without their ends; a byte order mark belongs to none.
fn lines(text: &str) -> Vec<Span> {
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let split = text[at..].split_inclusive('\n');
    split
        .map(|line| {
            let span = Span::new(at, at + line.trim_end_matches(['\n', '\r']).len());
            at += line.len();
            span
        })
        .collect()
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Reader { text, lines: lines(text), next: 0, escape: '\\', unclear: Vec::new() }
    }

    fn line(&self, number: usize) -> Option<&'a str> {
        self.lines.get(number).map(|span| span.slice(self.text))
    }

    /// `# escape=` and the like: they count only before anything else.
    fn directives(&mut self) {
        while let Some((key, value)) = self.line(self.next).and_then(directive) {
            if key.eq_ignore_ascii_case("escape") {
                self.escape = if value == "`" { '`' } else { '\\' };
            }
            self.next += 1;
        }
    }

    fn instruction(&mut self) -> Option<Instruction> {
        while self.line(self.next).is_some_and(says_nothing) {
            self.next += 1;
        }
        let first = self.next;
        let opening = self.line(first)?;
        let keyword = opening.split_whitespace().next()?.to_string();
        let start = self.lines[first].start + opening.len() - opening.trim_start().len() + keyword.len();
        let (joined, end) = self.joined();
        let keyword = keyword.trim_end_matches(self.escape).to_ascii_uppercase();
        let arguments = joined.trim_start().get(keyword.len()..).unwrap_or_default().trim().to_string();
        let written = self.text.get(start..end).unwrap_or_default();
        let start = start + written.len() - written.trim_start().len();
        let span = Span::new(start, end.max(start));
        if matches!(keyword.as_str(), "RUN" | "COPY" | "ADD" | "ONBUILD") {
            self.skip_documents(&arguments, first + 1);
        }
        Some(Instruction { keyword, arguments, span, line: first + 1 })
    }

    /// The instruction that starts here as one line, and where its last line ends.
    fn joined(&mut self) -> (String, usize) {
        let mut joined = String::new();
        let mut end = 0;
        while let Some(line) = self.line(self.next) {
            let span = self.lines[self.next];
            self.next += 1;
            // Within a continued instruction, empty lines and comments are passed over.
            if !joined.is_empty() && says_nothing(line) {
                continue;
            }
            end = span.start + line.trim_end().len();
            match continued(line, self.escape) {
                Some(part) => joined.push_str(part),
                None => {
                    joined.push_str(line);
                    break;
                }
            }
        }
        (joined, end)
    }

    /// Passes over the here-documents that an instruction opens.
    fn skip_documents(&mut self, arguments: &str, line: usize) {
        for (word, strips_tabs) in documents(arguments) {
            let ends = |at: usize| {
                self.line(at).is_some_and(|text| if strips_tabs { text.trim_start_matches('\t') == word } else { text == word })
            };
            match (self.next..self.lines.len()).find(|at| ends(*at)) {
                Some(at) => self.next = at + 1,
                None => {
                    self.unclear.push(format!("line {line}: the here-document `{word}` does not end"));
                    self.next = self.lines.len();
                }
            }
        }
    }
}

fn directive(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
    let key = key.trim();
    let is_name = key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(|c| c.is_ascii_alphanumeric());
    is_name.then_some((key, value.trim()))
}

fn says_nothing(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// What a line adds, if the next one continues it. A doubled escape character is none.
fn continued(line: &str, escape: char) -> Option<&str> {
    let part = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!part.ends_with(escape)).then_some(part)
}

/// The words that end the here-documents of an instruction, and whether tabs before them are dropped.
fn documents(arguments: &str) -> Vec<(String, bool)> {
    if arguments.trim_start().starts_with('[') {
        return Vec::new();
    }
    let opened = |word: &str| {
        let rest = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
        let (rest, strips_tabs) = rest.strip_prefix('-').map_or((rest, false), |rest| (rest, true));
        let name = rest.trim_matches(['"', '\'']);
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
        is_name.then(|| (name.to_string(), strips_tabs))
    };
    words(arguments).into_iter().filter_map(opened).collect()
}

/// Cut at blanks outside of quotes; the quotes stay.
pub fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quote) = (None, None);
    for (at, char) in text.char_indices() {
        match quote {
            Some(open) if char == open => quote = None,
            Some(_) => {}
            None if char.is_whitespace() => words.extend(start.take().map(|start| &text[start..at])),
            None => {
                start = start.or(Some(at));
                if char == '"' || char == '\'' {
                    quote = Some(char);
                }
            }
        }
    }
    words.extend(start.map(|start| &text[start..]));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, usize)> {
        let (instructions, unclear) = instructions(text);
        assert_eq!(unclear, Vec::<String>::new());
        instructions.into_iter().map(|one| (one.keyword, one.arguments, one.line)).collect()
    }

    fn shown(text: &str) -> Vec<String> {
        read(text).into_iter().map(|(keyword, arguments, line)| format!("{line} {keyword} {arguments}")).collect()
    }

    #[test]
    fn lines_are_joined_and_comments_inside_are_passed_over() {
        let text = "\u{feff}# syntax=docker/dockerfile:1\r\n\r\nfrom a\r\nRUN one \\\r\n  # why\r\n\r\n  && two \\  \r\n  three\r\n# end\r\nUSER app\r\n";
        assert_eq!(shown(text), ["3 FROM a", "4 RUN one   && two   three", "10 USER app"]);
        assert_eq!(shown("RUN echo a\\\\\nUSER x"), ["1 RUN echo a\\\\", "2 USER x"]);
        assert_eq!(shown("USER \\\n  app"), ["1 USER app"]);
        assert_eq!(shown("USER app \\"), ["1 USER app"]);
    }

    #[test]
    fn the_escape_character_can_be_another() {
        assert_eq!(shown("# escape=`\nRUN dir C:\\\nUSER a `\n b\n"), ["2 RUN dir C:\\", "3 USER a  b"]);
        // After a comment that is no directive it is one more comment.
        assert_eq!(shown("# hello\n# escape=`\nRUN a \\\n b\n"), ["3 RUN a  b"]);
    }

    #[test]
    fn here_documents_are_no_instructions() {
        let text = "FROM a\nRUN <<EOF\nUSER no\n# x\nEOF\n# a comment\nCOPY <<-\"A B\" <<'ONE' /x/\n";
        assert_eq!(shown(&format!("{text}USER no\n\tUSER no\nONE\nUSER yes\n"))[3..], ["11 USER yes"]);
        assert_eq!(shown("RUN cat <<-X && cat 3<<Y\n\ta\n\tX\nUSER no\nY\nUSER yes")[1..], ["6 USER yes"]);
        assert_eq!(shown("RUN cat <<<EOF\nUSER yes")[1..], ["2 USER yes"]);
        assert_eq!(shown("RUN [\"sh\", \"<<EOF\"]\nRUN echo ' <<EOF '\nUSER yes")[2..], ["3 USER yes"]);
        let (found, unclear) = instructions("RUN <<EOF\nUSER a\n");
        assert_eq!((found.len(), unclear.as_slice()), (1, &["line 1: the here-document `EOF` does not end".to_string()][..]));
    }

    #[test]
    fn a_span_holds_the_arguments() {
        let text = "FROM a\n  USER  app:app  \nRUN x \\\n  y\n";
        let (found, _) = instructions(text);
        let spans: Vec<&str> = found.iter().map(|one| one.span.slice(text)).collect();
        assert_eq!(spans, ["a", "app:app", "x \\\n  y"]);
    }
}
