//! The `${...}` in a text of a compose file, without replacing anything.

use std::ops::Range;

/// A stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that stands for itself; `$$` is in it as written.
    Literal(Range<usize>),
    Variable {
        name: String,
        /// From the dollar to the closing brace.
        range: Range<usize>,
        /// What stands behind `:-` or `-`.
        default: Option<Range<usize>>,
    },
}

/// The parts of `text[within]`, in order, with ranges in `text`. What is no valid variable is literal.
pub fn parts(text: &str, within: Range<usize>) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut at, mut literal) = (within.start, within.start);
    while at < within.end {
        let rest = &text[at..within.end];
        if rest.starts_with("$$") {
            at += 2;
        } else if let Some(part) = variable(text, at, within.end) {
            let Part::Variable { range, .. } = &part else { break };
            let end = range.end;
            if literal < at {
                parts.push(Part::Literal(literal..at));
            }
            parts.push(part);
            (at, literal) = (end, end);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    if literal < within.end {
        parts.push(Part::Literal(literal..within.end));
    }
    parts
}

/// Every default that is one literal, with the variable it belongs to: of `${A:-${B:-x}}` the `x` of B.
pub(super) fn defaults(text: &str, within: Range<usize>) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    for part in parts(text, within) {
        let Part::Variable { name, default: Some(default), .. } = part else { continue };
        match parts(text, default.clone()).as_slice() {
            [Part::Literal(literal)] => found.push((name, literal.clone())),
            _ => found.extend(defaults(text, default)),
        }
    }
    found
}

/// Whether the text names a variable, so that its value is not written here.
pub(super) fn has_variable(text: &str) -> bool {
    parts(text, 0..text.len()).iter().any(|part| matches!(part, Part::Variable { .. }))
}

fn variable(text: &str, at: usize, end: usize) -> Option<Part> {
    let after = text[at..end].strip_prefix('$')?;
    let Some(inner) = after.strip_prefix('{') else {
        let len = name_length(after)?;
        return Some(Part::Variable { name: after[..len].to_string(), range: at..at + 1 + len, default: None });
    };
    let name_len = name_length(inner)?;
    let body = at + 2;
    let close = body + closing_brace(inner)?;
    let operator = &text[body + name_len..close];
    let skip = [":-", "-"].iter().find(|op| operator.starts_with(**op)).map(|op| op.len());
    if skip.is_none() && !operator.is_empty() && !operator.starts_with([':', '?', '+']) {
        return None;
    }
    let default = skip.map(|skip| body + name_len + skip..close);
    Some(Part::Variable { name: inner[..name_len].to_string(), range: at..close + 1, default })
}

fn name_length(text: &str) -> Option<usize> {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let len = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    starts.then_some(len)
}

fn closing_brace(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (1, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("${") {
            depth += 1;
            at += 2;
            continue;
        }
        if rest.starts_with('}') {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
        at += rest.chars().next()?.len_utf8();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, String)> {
        defaults(text, 0..text.len()).into_iter().map(|(name, range)| (name, text[range].to_string())).collect()
    }

    #[test]
    fn defaults_belong_to_the_innermost_variable() {
        let one = |name: &str, value: &str| vec![(name.to_string(), value.to_string())];
        assert_eq!(of("${A:-x}"), one("A", "x"));
        assert_eq!(of("a${A-x y}b"), one("A", "x y"));
        assert_eq!(of("${A:-${B:-x}}"), one("B", "x"));
        assert_eq!(of("${A:-p${B:-x}}"), one("B", "x"));
        assert_eq!(of("${A:?no} ${A} $A ${A:-} ${A:+x} $${A:-x} ${A:-$B}"), []);
        assert_eq!(of("${A:-x} ${B:-y}").len(), 2);
    }

    #[test]
    fn what_is_no_variable_is_text() {
        for text in ["$", "${", "${A", "${1A}", "$$A", "a$b"] {
            let joined: usize = parts(text, 0..text.len())
                .iter()
                .map(|part| match part {
                    Part::Literal(range) | Part::Variable { range, .. } => range.len(),
                })
                .sum();
            assert_eq!(joined, text.len(), "{text}");
        }
        assert!(has_variable("a$b") && !has_variable("a$$b") && !has_variable("${A"));
    }
}
