use super::Span;

/// Where each line of a text starts, so that a byte offset becomes a line and a column.
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            // A lone carriage return ends a line too, as it does for YAML.
            let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
            if ends {
                starts.push(at + 1);
            }
        }
        LineIndex { starts }
    }

    /// Line and column of a byte offset; both count from 1, the column in characters.
    pub fn line_column(&self, text: &str, offset: usize) -> (usize, usize) {
        let offset = offset.min(text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let column = text.get(start..offset).map_or(offset - start, |part| part.chars().count());
        (line, column + 1)
    }

    /// The bytes of a line (counted from 1) without its line break.
    pub fn line(&self, text: &str, line: usize) -> Option<Span> {
        let start = *self.starts.get(line.checked_sub(1)?)?;
        let end = self.starts.get(line).copied().unwrap_or(text.len());
        let body = text[start..end].trim_end_matches(['\n', '\r']);
        Some(Span::new(start, start + body.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_of_every_kind_of_break() {
        let text = "a\r\nbä\rc\n";
        let index = LineIndex::new(text);
        assert_eq!(index.line_column(text, 0), (1, 1));
        assert_eq!(index.line_column(text, 3), (2, 1));
        assert_eq!(index.line_column(text, 6), (2, 3), "columns are characters, not bytes");
        assert_eq!(index.line_column(text, 7), (3, 1));
        assert_eq!(index.line(text, 2).unwrap().slice(text), "bä");
        assert_eq!(index.line(text, 9), None);
    }
}
