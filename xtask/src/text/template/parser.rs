use std::ops::Range;

use super::{Arg, Op, Segment, Var};

/// How deep `${A:-${B:-...}}` may nest before a text counts as invalid.
pub const DEPTH_LIMIT: usize = 64;

pub struct Parser<'a> {
    pub text: &'a [u8],
}

impl Parser<'_> {
    /// The segments of a part of the text.
    pub fn region(&self, region: Range<usize>, depth: usize) -> Vec<Segment> {
        let mut segments = Vec::new();
        let mut literal = region.start;
        let mut at = region.start;
        let mut line = LastBrace::default();
        while let Some(dollar) = self.text[at..region.end].iter().position(|byte| *byte == b'$').map(|n| at + n) {
            let Some((segment, end)) = self.dollar(dollar, region.end, depth, &mut line) else {
                at = dollar + 1;
                continue;
            };
            if literal < dollar {
                segments.push(Segment::Literal(literal..dollar));
            }
            segments.push(segment);
            (literal, at) = (end, end);
        }
        if literal < region.end {
            segments.push(Segment::Literal(literal..region.end));
        }
        segments
    }

    /// What a `$` begins and where that ends; nothing if it is an ordinary character.
    fn dollar(&self, at: usize, limit: usize, depth: usize, line: &mut LastBrace) -> Option<(Segment, usize)> {
        match self.text[..limit].get(at + 1)? {
            b'$' => Some((Segment::Escape(at..at + 2), at + 2)),
            b'{' => Some(match self.braced(at, limit, depth, line) {
                Some(var) => {
                    let end = var.range.end;
                    (Segment::Var(var), end)
                }
                None => (Segment::Invalid(at..at + 2), at + 2),
            }),
            _ => {
                let end = self.name_end(at + 1, limit)?;
                let var = Var { name: self.str(at + 1..end), op: Op::None, arg: None, range: at..end };
                Some((Segment::Var(var), end))
            }
        }
    }

    fn braced(&self, at: usize, limit: usize, depth: usize, line: &mut LastBrace) -> Option<Var> {
        let name_end = self.name_end(at + 2, limit)?;
        let name = self.str(at + 2..name_end);
        let colon = self.text[..limit].get(name_end) == Some(&b':');
        let op_at = name_end + usize::from(colon);
        let op = match self.text[..limit].get(op_at)? {
            b'}' if !colon => return Some(Var { name, op: Op::None, arg: None, range: at..op_at + 1 }),
            b'-' => Op::Default { colon },
            b'?' => Op::Required { colon },
            b'+' => Op::Alternate { colon },
            _ => return None,
        };
        if depth >= DEPTH_LIMIT {
            return None;
        }
        // The expression runs to the last brace of the line, and within that to its own brace; if
        // the braces do not balance, to the last one.
        let last = line.find(self.text, op_at + 1, limit)?;
        let close = self.closing(at, last + 1).unwrap_or(last);
        let range = op_at + 1..close;
        let segments = self.region(range.clone(), depth + 1);
        Some(Var { name, op, arg: Some(Arg { range, segments }), range: at..close + 1 })
    }

    /// The brace that balances the first one. The character behind an opening brace is not looked
    /// at, so `{}` opens without closing.
    fn closing(&self, from: usize, limit: usize) -> Option<usize> {
        let mut open = 0_i64;
        let mut at = from;
        while at < limit {
            match self.text[at] {
                b'}' => {
                    open -= 1;
                    if open == 0 {
                        return Some(at);
                    }
                }
                b'{' => {
                    open += 1;
                    at += 1;
                }
                _ => {}
            }
            at += 1;
        }
        None
    }

    fn name_end(&self, start: usize, limit: usize) -> Option<usize> {
        let first = *self.text[..limit].get(start)?;
        if !(first == b'_' || first.is_ascii_alphabetic()) {
            return None;
        }
        let rest = self.text[start..limit].iter().position(|byte| !(*byte == b'_' || byte.is_ascii_alphanumeric()));
        Some(rest.map_or(limit, |n| start + n))
    }

    fn str(&self, range: Range<usize>) -> String {
        String::from_utf8_lossy(&self.text[range]).into_owned()
    }
}

/// The last closing brace of the line looked at last, so that a line of many variables is scanned
/// once.
#[derive(Default)]
struct LastBrace {
    line: Range<usize>,
    brace: Option<usize>,
}

impl LastBrace {
    fn find(&mut self, text: &[u8], from: usize, limit: usize) -> Option<usize> {
        if !self.line.contains(&from) {
            let end = text[from..limit].iter().position(|byte| *byte == b'\n').map_or(limit, |n| from + n);
            self.brace = text[from..end].iter().rposition(|byte| *byte == b'}').map(|n| from + n);
            self.line = from..end;
        }
        self.brace.filter(|brace| *brace >= from)
    }
}
