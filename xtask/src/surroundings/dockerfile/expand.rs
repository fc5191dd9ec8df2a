//! Variables in a Dockerfile: `$A`, `${A}`, `${A:-b}`, `${A:+b}`.

/// The text with its variables replaced and its quotes taken off; `None` where one has no value that can
/// be known from here, or stands in a form that is not understood.
pub fn expand(text: &str, escape: char, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut quote = None;
    while let Some(char) = rest.chars().next() {
        rest = &rest[char.len_utf8()..];
        match char {
            '\'' | '"' if quote.is_none() => quote = Some(char),
            _ if quote == Some(char) => quote = None,
            '$' if quote != Some('\'') => {
                let (value, after) = variable(rest, escape, lookup)?;
                out.push_str(&value);
                rest = after;
            }
            _ if char == escape && quote != Some('\'') => {
                let next = rest.chars().next()?;
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
            _ => out.push(char),
        }
    }
    quote.is_none().then_some(out)
}

/// The value of the variable whose name follows, and what comes after it.
fn variable<'a>(rest: &'a str, escape: char, lookup: &dyn Fn(&str) -> Option<String>) -> Option<(String, &'a str)> {
    let Some(inner) = rest.strip_prefix('{') else {
        let (name, after) = name(rest)?;
        return Some((lookup(name)?, after));
    };
    let (name, after) = name(inner)?;
    let close = closing(after)?;
    let (operator, after) = (&after[..close], &after[close + 1..]);
    let (colon, operator) = operator.strip_prefix(':').map_or((false, operator), |operator| (true, operator));
    let value = lookup(name).filter(|value| !colon || !value.is_empty());
    let value = match operator.chars().next() {
        None if !colon => value?,
        Some('-') => match value {
            Some(value) => value,
            None => expand(&operator[1..], escape, lookup)?,
        },
        Some('+') if value.is_some() => expand(&operator[1..], escape, lookup)?,
        Some('+') => String::new(),
        Some('?') => value?,
        _ => return None,
    };
    Some((value, after))
}

fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, char) in text.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn variables_are_replaced_or_said_to_be_unknown() {
        let lookup = |name: &str| match name {
            "A" => Some("1".to_string()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, expected) in [
            ("x$A-${A}", Some("x1-1")),
            ("${NO:-a${A}}b", Some("a1b")),
            ("${EMPTY:-d}${EMPTY-d}", Some("d")),
            ("${A:+yes}${NO:+yes}", Some("yes")),
            ("\"a b\"'$A'", Some("a b$A")),
            ("\\$A", Some("$A")),
            ("$NO", None),
            ("${A", None),
            ("${A#1}", None),
            ("'a", None),
            ("$", None),
        ] {
            assert_eq!(expand(text, '\\', &lookup).as_deref(), expected, "{text}");
        }
    }
}
