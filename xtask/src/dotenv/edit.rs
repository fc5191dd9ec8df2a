//! Changing the value of a line of an env file and nothing else.

use std::ops::Range;

use super::{Entry, Quoting, parse, quote};
use crate::text::{TextEdit, apply};

/// A change that is not made, and why; the text never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The line of the entry, counted from 1.
    pub line: usize,
    pub why: String,
}

/// What an entry's value is written as when a part of it gives way to `by`, which names a variable
/// (`${NAME:?...}`) and so needs a place where variables are replaced.
///
/// `part` is of the value as it is read, or, if that names variables itself, of what stands between
/// the quotes.
pub fn written_with(source: &str, entry: &Entry, names_variables: bool, part: Range<usize>, by: &str) -> String {
    let written = entry.value_span.slice(source);
    if names_variables {
        let open = usize::from(entry.quoting == Quoting::Double);
        let (start, end) = (open + part.start, open + part.end);
        return format!("{}{by}{}", &written[..start], &written[end..]);
    }
    let (head, tail) = (&entry.value[..part.start], &entry.value[part.end..]);
    let harmless = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_./:@%+,=-?&".contains(c));
    if entry.quoting == Quoting::Plain && harmless(head) && harmless(tail) && !by.contains(" #") {
        return format!("{head}{by}{tail}");
    }
    // In single quotes a variable would stand for itself.
    format!("\"{}{by}{}\"", escaped(head), escaped(tail))
}

/// The source with the values of some entries written anew. It was read again: the same names in the
/// same order, every other value as it was, and the new ones exactly as given.
pub fn with_values(source: &str, changes: &[(&Entry, String)]) -> Result<String, Refusal> {
    let first = changes.first().map_or(1, |(entry, _)| entry.line);
    let edits: Vec<TextEdit> = changes.iter().map(|(entry, text)| TextEdit { span: entry.value_span, text: text.clone() }).collect();
    if let Some((entry, _)) = changes.iter().find(|(entry, _)| entry.quoting == Quoting::Inherited) {
        return Err(Refusal { line: entry.line, why: format!("{} has no value of its own", entry.key) });
    }
    let text = apply(source, &edits).map_err(|_| Refusal { line: first, why: "two changes want the same value".into() })?;
    let (before, after) = (read(source, first)?, read(&text, first)?);
    let same_names = before.iter().map(|entry| &entry.key).eq(after.iter().map(|entry| &entry.key));
    if !same_names {
        return Err(Refusal { line: first, why: "the change would add or remove a name".into() });
    }
    for (old, new) in before.iter().zip(&after) {
        let wanted = changes.iter().find(|(entry, _)| entry.key_span == old.key_span).map(|(_, text)| text.as_str());
        let written = new.value_span.slice(&text);
        let right = written == wanted.unwrap_or(old.value_span.slice(source)) && (wanted.is_some() || old.quoting == new.quoting);
        if !right {
            return Err(Refusal { line: old.line, why: format!("{} would not read back as it was meant", old.key) });
        }
    }
    Ok(text)
}

/// Names and places only: every variable counts as set.
fn read(source: &str, line: usize) -> Result<Vec<Entry>, Refusal> {
    parse(source, &|_| Some("set".to_string())).map_err(|error| Refusal { line: error.line.max(line), why: error.why })
}

/// As in double quotes; [`quote`] may choose others.
fn escaped(text: &str) -> String {
    let quoted = quote(&format!("{text}'\n"));
    // The quote and the line break at the end make sure of double quotes.
    quoted.strip_prefix('"').and_then(|quoted| quoted.strip_suffix("'\\n\"")).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BY: &str = "${KEY:?set KEY in .env}";

    fn whole(source: &str, key: &str) -> String {
        let entries = parse(source, &|_| Some("set".into())).unwrap();
        let entry = entries.iter().find(|entry| entry.key == key).unwrap();
        let written = written_with(source, entry, false, 0..entry.value.len(), BY);
        with_values(source, &[(entry, written)]).unwrap()
    }

    #[test]
    fn everything_around_the_value_stays() {
        let source = "\u{feff}# c\r\n export  KEY = 'a b'  # why\r\nB=1\r\n";
        assert_eq!(whole(source, "KEY"), format!("\u{feff}# c\r\n export  KEY = \"{BY}\"  # why\r\nB=1\r\n"));
        assert_eq!(whole("A=1\nKEY=x # why", "KEY"), format!("A=1\nKEY={BY} # why"));
        assert_eq!(whole("KEY=\"x\"\n", "KEY"), format!("KEY=\"{BY}\"\n"));
        assert_eq!(whole("KEY: x\n", "KEY"), format!("KEY: {BY}\n"));
    }

    #[test]
    fn a_part_of_a_value_gives_way() {
        for (source, part, expected) in [
            ("U=postgres://u:pw@db/x?a=b\n", 13..15, "U=postgres://u:${KEY:?set KEY in .env}@db/x?a=b\n"),
            ("U='a \"pw\" $b'\n", 3..5, "U=\"a \\\"${KEY:?set KEY in .env}\\\" \\$b\"\n"),
        ] {
            let entries = parse(source, &|_| None).unwrap();
            let written = written_with(source, &entries[0], false, part, BY);
            assert_eq!(with_values(source, &[(&entries[0], written)]).unwrap(), expected);
        }
        let source = "U=\"redis://:${P:-pw}@h/$X\"\n";
        let entries = parse(source, &|_| None).unwrap();
        let written = written_with(source, &entries[0], true, 14..16, "${Q}");
        assert_eq!(with_values(source, &[(&entries[0], written)]).unwrap(), "U=\"redis://:${P:-${Q}}@h/$X\"\n");
    }

    #[test]
    fn refuses_what_would_change_another_line() {
        let source = "A=1\nB=2\n";
        let entries = parse(source, &|_| None).unwrap();
        let refusal = with_values(source, &[(&entries[0], "'open".into())]).unwrap_err();
        assert!(!refusal.why.contains("open"));
        assert!(with_values(source, &[(&entries[0], "1\nC=3".into())]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_rest_of_a_value_reads_back(value in "[a-z'\"\\\\$\\n\\r\\t #={}:é?&0-9]{1,16}", at in 0usize..16, len in 0usize..8) {
            let source = format!("A=1\nKEY={} # c\nZ=2\n", quote(&value));
            let entries = parse(&source, &|_| None).unwrap();
            prop_assume!(entries[1].value == value);
            let boundary = |n: usize| (n..=value.len()).find(|n| value.is_char_boundary(*n)).unwrap_or(value.len());
            let part = boundary(at)..boundary(at + len);
            let written = written_with(&source, &entries[1], false, part.clone(), "${P}");
            let text = with_values(&source, &[(&entries[1], written)]).unwrap();
            let again = parse(&text, &|name| (name == "P").then(|| value[part.clone()].to_string())).unwrap();
            prop_assert_eq!(&again[1].value, &value);
            prop_assert!(text.ends_with(" # c\nZ=2\n"));
        }
    }
}
