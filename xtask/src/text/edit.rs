use super::Span;

/// Replace the bytes of `span` in the original by `text`; an empty span inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    pub span: Span,
    pub text: String,
}

/// Two edits that want the same bytes; the spans are those of the original text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    pub first: Span,
    pub second: Span,
}

/// Applies edits that were all computed on the same original; their order does not matter,
/// except that insertions at one place stand in the order given.
pub fn apply(original: &str, edits: &[TextEdit]) -> Result<String, Overlap> {
    let mut sorted: Vec<&TextEdit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.span.start, edit.span.end));
    for pair in sorted.windows(2) {
        if pair[0].span.end > pair[1].span.start {
            return Err(Overlap { first: pair[0].span, second: pair[1].span });
        }
    }
    let mut result = String::with_capacity(original.len() + 256);
    let mut at = 0;
    for edit in sorted {
        result.push_str(&original[at..edit.span.start]);
        result.push_str(&edit.text);
        at = edit.span.end;
    }
    result.push_str(&original[at..]);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: usize, end: usize, text: &str) -> TextEdit {
        TextEdit { span: Span::new(start, end), text: text.into() }
    }

    #[test]
    fn applies_in_order_of_position_and_keeps_every_other_byte() {
        let edits = [edit(4, 5, "E"), edit(0, 1, "AA"), edit(2, 2, "-")];
        assert_eq!(apply("abcdef", &edits).unwrap(), "AAb-cdEf");
    }

    #[test]
    fn refuses_overlaps_by_naming_both() {
        let overlap = apply("abcdef", &[edit(0, 3, "x"), edit(2, 4, "y")]).unwrap_err();
        assert_eq!((overlap.first, overlap.second), (Span::new(0, 3), Span::new(2, 4)));
    }
}
