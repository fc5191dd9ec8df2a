use std::collections::HashMap;

use super::escape::unescape;
use super::{DotenvError, Entry, Quoting};
use crate::text::template::{self, Segment, Why};
use crate::text::{LineIndex, Span};

/// Reads an env file. Variables in values come from `lookup` (the exported environment) first,
/// then from the entries above. A name without value and without anything in `lookup` gives no
/// entry.
pub fn parse(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Entry>, DotenvError> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut parser =
        Parser { text, at: start, entries: Vec::new(), latest: HashMap::new(), lookup, lines: LineIndex::new(text), expanded: 0 };
    while parser.skip_to_statement() {
        parser.statement()?;
    }
    Ok(parser.entries)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    entries: Vec<Entry>,
    /// The entry that counts for each name so far.
    latest: HashMap<String, usize>,
    lookup: &'a dyn Fn(&str) -> Option<String>,
    lines: LineIndex,
    /// Bytes that variables have brought into values so far.
    expanded: usize,
}

/// A file whose variables grow by doubling is refused before it fills the memory.
const EXPANSION_LIMIT: usize = 64 << 20;

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Skips blanks and comments; says whether anything is left.
    fn skip_to_statement(&mut self) -> bool {
        loop {
            self.at = self.text.len() - self.rest().trim_start().len();
            if !self.rest().starts_with('#') {
                return !self.rest().is_empty();
            }
            self.at = self.rest().find('\n').map_or(self.text.len(), |n| self.at + n);
        }
    }

    fn statement(&mut self) -> Result<(), DotenvError> {
        if let Some(rest) = self.rest().strip_prefix("export")
            && rest.starts_with(['\t', '\n', '\u{c}', '\r', ' '])
        {
            self.at = self.text.len() - rest.trim_start_matches(['\t', '\n', '\u{c}', '\r', ' ']).len();
        }
        self.skip_blanks();
        let (key, inherited) = self.key()?;
        let name = key.slice(self.text).to_string();
        if name.contains(' ') {
            return Err(self.error(key.start, "a name cannot contain a space"));
        }
        if inherited {
            if let Some(value) = (self.lookup)(&name) {
                let value_span = Span::new(key.end, key.end);
                self.push(Entry { key: name, value, key_span: key, value_span, line: 0, quoting: Quoting::Inherited });
            }
            return Ok(());
        }
        self.skip_blanks();
        let start = self.at;
        let (value, value_span, quoting) = match self.rest().as_bytes().first() {
            Some(b'"') => self.quoted('"', Quoting::Double)?,
            Some(b'\'') => self.quoted('\'', Quoting::Single)?,
            _ => self.plain(),
        };
        let value = if quoting == Quoting::Single { value } else { self.expand(&value, start)? };
        self.push(Entry { key: name, value, key_span: key, value_span, line: 0, quoting });
        Ok(())
    }

    fn push(&mut self, mut entry: Entry) {
        entry.line = self.lines.line_column(self.text, entry.key_span.start).0;
        self.latest.insert(entry.key.clone(), self.entries.len());
        self.entries.push(entry);
    }

    /// Blanks within a line, as Compose counts them.
    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches(is_blank).len();
    }

    /// The name up to `=`, `:` or the end of the line; the latter means inherited. A file that ends
    /// within a name defines the variable of no name, as it does for Compose.
    fn key(&mut self) -> Result<(Span, bool), DotenvError> {
        let start = self.at;
        for (n, char) in self.rest().char_indices() {
            match char {
                '=' | ':' | '\n' => {
                    let key = self.text[start..start + n].trim_end();
                    self.at = start + n + 1;
                    return Ok((Span::new(start, start + key.len()), char == '\n'));
                }
                '_' | '.' | '-' | '[' | ']' => {}
                _ if is_blank(char) || char.is_alphanumeric() => {}
                _ => return Err(self.error(start + n, "this character cannot stand in a variable's name")),
            }
        }
        Ok((Span::new(start, start), false))
    }

    fn plain(&mut self) -> (String, Span, Quoting) {
        let start = self.at;
        let line = self.rest().split('\n').next().unwrap_or_default();
        self.at = (start + line.len() + 1).min(self.text.len());
        let value = line.split_once(" #").map_or(line, |(value, _)| value).trim_end();
        (value.to_string(), Span::new(start, start + value.len()), Quoting::Plain)
    }

    /// A quoted value, which may run over several lines. A backslash keeps the quote from closing
    /// and is kept itself in front of everything else.
    fn quoted(&mut self, quote: char, quoting: Quoting) -> Result<(String, Span, Quoting), DotenvError> {
        let start = self.at;
        let mut value = String::new();
        let mut escaped = false;
        for (n, char) in self.rest().char_indices().skip(1) {
            if char == quote && !escaped {
                self.at = start + n + 1;
                let value = if quoting == Quoting::Double { unescape(&value) } else { value };
                return Ok((value, Span::new(start, self.at), quoting));
            }
            if char != quote && !escaped && char == '\\' {
                escaped = true;
                continue;
            }
            if char != quote && escaped {
                value.push('\\');
            }
            escaped = false;
            value.push(char);
        }
        Err(self.error(start, "the quoted value does not end"))
    }

    fn expand(&mut self, value: &str, at: usize) -> Result<String, DotenvError> {
        if !value.contains('$') {
            return Ok(value.to_string());
        }
        let lookup = |name: &str| (self.lookup)(name).or_else(|| self.latest.get(name).map(|n| self.entries[*n].value.clone()));
        let segments = template::parse(value);
        let mut cost = 0;
        Segment::each_var(&segments, false, &mut |var, _| cost += lookup(&var.name).map_or(0, |value| value.len()));
        if self.expanded + cost > EXPANSION_LIMIT {
            return Err(self.error(at, "the values of this file grow beyond 64 MiB"));
        }
        let mut out = String::new();
        let result = template::evaluate(value, &segments, &lookup, &mut out);
        result.map_err(|error| match error.why {
            Why::Invalid => self.error(at, "a `${` in the value opens no variable; write `$$` for a dollar sign"),
            Why::Missing { name, .. } => self.error(at, format!("the value needs the variable {name}, which has no value")),
        })?;
        self.expanded += cost;
        Ok(out)
    }

    fn error(&self, offset: usize, why: impl Into<String>) -> DotenvError {
        let (line, column) = self.lines.line_column(self.text, offset);
        DotenvError { line, column, why: why.into() }
    }
}

fn is_blank(char: char) -> bool {
    matches!(char, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Result<Vec<(String, String)>, (usize, usize)> {
        let lookup = |name: &str| (name == "X").then(|| "1".to_string());
        let entries = parse(text, &lookup).map_err(|error| (error.line, error.column))?;
        Ok(entries.into_iter().map(|entry| (entry.key, entry.value)).collect())
    }

    /// Each pair was printed by Compose 2.40.
    #[test]
    fn reads_what_compose_reads() {
        for (text, expected) in [
            ("A=1\nB = 2\nC: 3\nexport D=4\nexportE=5", vec![("A", "1"), ("B", "2"), ("C", "3"), ("D", "4"), ("exportE", "5")]),
            ("FOO\nX\nexport X\n", vec![("X", "1"), ("X", "1")]),
            ("FOO", vec![("", "FOO")]),
            ("A=\"x\\ny\\t\\$X $X ${X}\"", vec![("A", "x\ny\t$X 1 1")]),
            ("A='x\\ny $X'\nB='a\\'b' # c\n", vec![("A", "x\\ny $X"), ("B", "a'b")]),
            (
                "A=a#b\nB=a #b\nC=\"a\" #b\nD=#x\nE= #x\nF=a\t#b",
                vec![("A", "a#b"), ("B", "a"), ("C", "a"), ("D", "#x"), ("E", "#x"), ("F", "a\t#b")],
            ),
            ("A=1\r\nB=\"2\"\r\nC=3 \r\n", vec![("A", "1"), ("B", "2"), ("C", "3")]),
            ("\u{feff}A=$X\nB=$A\nA=2\nC=$A\n", vec![("A", "1"), ("B", "1"), ("A", "2"), ("C", "2")]),
            ("A=\"multi\nline\"\nB=it's\nC= \"q\"", vec![("A", "multi\nline"), ("B", "it's"), ("C", "q")]),
            ("A=$$X\nB=\\$X\n", vec![("A", "$X"), ("B", "\\1")]),
            (
                "A=\"\\a\\b\\c\\x\\041\\0101\\u0041\\0\"\nB=\"\\08 \\0777 \\01234\"",
                vec![("A", "\u{7}\u{8}\\c\\x\\41A\\u0041\\"), ("B", "\\8 \\777 S4")],
            ),
            ("A=\"\\\\\"\nB='\\'\n'", vec![("A", "\\"), ("B", "'\n")]),
            ("A-B=1\nC.D=2\nE[0]=3\n1A=4\n=5", vec![("A-B", "1"), ("C.D", "2"), ("E[0]", "3"), ("1A", "4"), ("", "5")]),
            ("A=\n\nB=\n# c\n  # d\n", vec![("A", ""), ("B", "")]),
            ("A=\"x\" B=3\n", vec![("A", "x"), ("B", "3")]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
            assert_eq!(pairs(text).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn refuses_what_compose_refuses_and_never_quotes_a_value() {
        for (text, place) in
            [("A=1\nB=\"tops3cret\n", (2, 3)), ("A B=2", (1, 1)), ("A!=2", (1, 2)), ("\nA=${Y:?m}\n", (2, 3)), ("A=${\n", (1, 3))]
        {
            assert_eq!(pairs(text), Err(place), "{text:?}");
        }
        let error = parse("B='tops3cret\n", &|_| None).unwrap_err();
        assert!(!error.why.contains("tops3cret"));
    }

    #[test]
    fn entries_know_their_bytes() {
        let text = "# c\n export A = 'x y' # d\nB=2\n";
        let entries = parse(text, &|_| None).unwrap();
        assert_eq!((entries[0].key_span.slice(text), entries[0].value_span.slice(text)), ("A", "'x y'"));
        assert_eq!((entries[0].line, entries[0].quoting), (2, Quoting::Single));
        assert_eq!((entries[1].line, entries[1].quoting), (3, Quoting::Plain));
        assert!(!format!("{entries:?}").contains("x y"));
    }
}
