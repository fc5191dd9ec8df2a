use super::{DotenvError, Entry, Quoting};
use crate::text::Span;

/// Reads an env file of `format: raw`: `KEY=value` to the end of the line, without quotes, escapes
/// or variables. A name alone is inherited from `lookup`.
pub fn parse_raw(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Entry>, DotenvError> {
    let mut entries = Vec::new();
    let mut start = 0;
    for (n, whole) in text.split_inclusive('\n').enumerate() {
        let line_start = start;
        start += whole.len();
        let line = whole.strip_suffix('\n').unwrap_or(whole);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let body = if n == 0 { line.trim_start_matches('\u{feff}') } else { line };
        let body = body.trim_start();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        let at = line_start + (line.len() - body.len());
        let (key, value) = body.split_once('=').map_or((body, None), |(key, value)| (key, Some(value)));
        let refuse = |why: &str| DotenvError { line: n + 1, column: text[line_start..at].chars().count() + 1, why: why.to_string() };
        if key.is_empty() {
            return Err(refuse("a name is missing before `=`"));
        }
        if key.contains(char::is_whitespace) {
            return Err(refuse("a name cannot contain a space"));
        }
        let key_span = Span::new(at, at + key.len());
        let value_start = at + key.len() + usize::from(value.is_some());
        let value_span = Span::new(value_start, value_start + value.map_or(0, str::len));
        let quoting = if value.is_some() { Quoting::Plain } else { Quoting::Inherited };
        if let Some(value) = value.map(String::from).or_else(|| lookup(key)) {
            entries.push(Entry { key: key.to_string(), value, key_span, value_span, line: n + 1, quoting });
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_values_are_taken_as_they_stand() {
        let text = "# c\nA=\"x\" # y\r\n  B='$X' \nX\nY\n";
        let entries = parse_raw(text, &|name| (name == "X").then(|| "1".to_string())).unwrap();
        let pairs: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_str())).collect();
        assert_eq!(pairs, [("A", "\"x\" # y"), ("B", "'$X' "), ("X", "1")]);
        assert_eq!(entries[1].value_span.slice(text), "'$X' ");
        assert_eq!(parse_raw("A=1\n B C=2\n", &|_| None).unwrap_err().line, 2);
    }
}
