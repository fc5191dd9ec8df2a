use super::Span;

/// A text in which some bytes were replaced by a mask, and where the rest of it has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    pub text: String,
    /// Sorted, disjoint spans of the original, and the length of what stands there now.
    cuts: Vec<Span>,
    mask_len: usize,
}

/// Replaces every span by the mask; spans that overlap or touch become one.
pub fn redact(original: &str, spans: &[Span], mask: &str) -> Redacted {
    let mut sorted: Vec<Span> = spans.iter().copied().filter(|span| !span.is_empty()).collect();
    sorted.sort_unstable();
    let mut cuts: Vec<Span> = Vec::new();
    for span in sorted {
        match cuts.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => cuts.push(span),
        }
    }
    let mut text = String::with_capacity(original.len());
    let mut at = 0;
    for cut in &cuts {
        text.push_str(&original[at..cut.start]);
        text.push_str(mask);
        at = cut.end;
    }
    text.push_str(&original[at..]);
    Redacted { text, cuts, mask_len: mask.len() }
}

impl Redacted {
    /// Where a span of the original is now; an end inside a masked part moves to the mask's edge.
    pub fn moved(&self, span: Span) -> Span {
        let start = self.position(span.start, false);
        Span::new(start, self.position(span.end, true).max(start))
    }

    fn position(&self, offset: usize, is_end: bool) -> usize {
        let mut position = offset;
        for cut in &self.cuts {
            if offset >= cut.end {
                position = position + self.mask_len - (cut.end - cut.start);
            } else if offset > cut.start {
                let start_now = position - (offset - cut.start);
                return if is_end { start_now + self.mask_len } else { start_now };
            } else {
                break;
            }
        }
        position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_follow_the_text_around_a_mask() {
        let text = "user:hunter2@host and hunter2 again";
        let spans = [Span::new(22, 29), Span::new(5, 12), Span::new(7, 12)];
        let shown = redact(text, &spans, "****");
        assert_eq!(shown.text, "user:****@host and **** again");
        assert_eq!(shown.moved(Span::new(5, 12)).slice(&shown.text), "****");
        assert_eq!(shown.moved(Span::new(0, 17)).slice(&shown.text), "user:****@host");
        assert_eq!(shown.moved(Span::new(6, 8)).slice(&shown.text), "****");
        assert_eq!(shown.moved(Span::new(30, 35)).slice(&shown.text), "again");
    }
}
