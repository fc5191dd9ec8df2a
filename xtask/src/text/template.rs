//! The `${NAME}` language of Compose files and env files, exactly as Compose reads it: the rules
//! are those of compose-go's `template` package, oddities included.

use std::ops::Range;

/// How deep `${A:-${B:-...}}` may nest before a text counts as invalid.
const DEPTH_LIMIT: usize = 64;

/// A piece of a text; every range is in bytes of the whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    Literal(Range<usize>),
    /// `$$`, which stands for one `$`.
    Escape(Range<usize>),
    Var(Var),
    /// A `${` that opens no variable: evaluating it is an error.
    Invalid(Range<usize>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Var {
    pub name: String,
    pub op: Op,
    /// What stands behind the operator: default, message or replacement.
    pub arg: Option<Arg>,
    /// From `$` to the end of the name or the closing brace.
    pub range: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    pub range: Range<usize>,
    pub segments: Vec<Segment>,
}

/// `colon` is the form that treats an empty value like an unset one: `:-`, `:?`, `:+`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    None,
    Default { colon: bool },
    Required { colon: bool },
    Alternate { colon: bool },
}

/// Why a text cannot be evaluated, and the byte where that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    pub offset: usize,
    pub why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A `$` that opens no variable.
    Invalid,
    /// `${NAME:?message}` without a value.
    Missing { name: String, message: String },
}

/// Splits a text into its segments. Total: what Compose refuses becomes [`Segment::Invalid`].
pub fn parse(text: &str) -> Vec<Segment> {
    if !text.contains('$') {
        return if text.is_empty() { Vec::new() } else { vec![Segment::Literal(0..text.len())] };
    }
    Parser { text: text.as_bytes() }.region(0..text.len(), 0)
}

/// The text with every variable replaced. A variable without value and default becomes nothing.
pub fn substitute(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, TemplateError> {
    if !text.contains('$') {
        return Ok(text.to_string());
    }
    let mut out = String::with_capacity(text.len());
    evaluate(text, &parse(text), lookup, &mut out)?;
    Ok(out)
}

/// Appends the values of `segments`, which were parsed from `text`.
pub fn evaluate(text: &str, segments: &[Segment], lookup: &dyn Fn(&str) -> Option<String>, out: &mut String) -> Result<(), TemplateError> {
    for segment in segments {
        match segment {
            Segment::Literal(range) => out.push_str(&text[range.clone()]),
            Segment::Escape(_) => out.push('$'),
            Segment::Var(var) => variable(text, var, lookup, out)?,
            Segment::Invalid(range) => return Err(TemplateError { offset: range.start, why: Why::Invalid }),
        }
    }
    Ok(())
}

fn variable(text: &str, var: &Var, lookup: &dyn Fn(&str) -> Option<String>, out: &mut String) -> Result<(), TemplateError> {
    // Compose evaluates the argument whether it is needed or not: `${A:-${B:?}}` fails without B.
    let mut arg = String::new();
    if let Some(written) = &var.arg {
        evaluate(text, &written.segments, lookup, &mut arg)?;
    }
    let value = lookup(&var.name);
    let filled = |colon: bool| value.as_ref().is_some_and(|value| !colon || !value.is_empty());
    match var.op {
        Op::Default { colon } if !filled(colon) => out.push_str(&arg),
        Op::Alternate { colon } if filled(colon) => out.push_str(&arg),
        Op::Required { colon } if !filled(colon) => {
            let why = Why::Missing { name: var.name.clone(), message: arg };
            return Err(TemplateError { offset: var.range.start, why });
        }
        _ => out.push_str(value.as_deref().unwrap_or_default()),
    }
    Ok(())
}

impl Segment {
    /// Calls `visit` for every variable in `segments`, also those inside defaults; `nested` says so.
    pub fn each_var<'a>(segments: &'a [Segment], nested: bool, visit: &mut dyn FnMut(&'a Var, bool)) {
        for segment in segments {
            if let Segment::Var(var) = segment {
                visit(var, nested);
                if let Some(arg) = &var.arg {
                    Segment::each_var(&arg.segments, true, visit);
                }
            }
        }
    }
}

struct Parser<'a> {
    text: &'a [u8],
}

impl Parser<'_> {
    fn region(&self, region: Range<usize>, depth: usize) -> Vec<Segment> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<String, Why> {
        let lookup = |name: &str| match name {
            "A" => Some("a".to_string()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        substitute(text, &lookup).map_err(|error| error.why)
    }

    #[test]
    fn every_form_means_what_it_means_to_compose() {
        for (text, expected) in [
            ("x$A-${A}y", "xa-ay"),
            ("$$A $1 $ 5$", "$A $1 $ 5$"),
            ("${U}|${U:-d}|${U-d}|${EMPTY:-d}|${EMPTY-d}", "|d|d|d|"),
            ("${A:+r}|${EMPTY:+r}|${EMPTY+r}|${U+r}", "r||r|"),
            ("${U:-${V:-$A}}", "a"),
            ("${U:-x}${A}", "xa"),
            ("${U:-{}}", "{}"),
            ("${U:-a} b} c", "a b} c"),
            ("${U:-a:b?c}", "a:b?c"),
            ("${A:?m}", "a"),
        ] {
            assert_eq!(value(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_opens_no_variable_is_an_error_where_it_is_needed() {
        for text in ["${", "${}", "${A", "${1}", "${A!}", "${A:}", "${U:-a\nb}", "${ A}", "${U:-${}", "${A:-${1}}"] {
            assert_eq!(value(text), Err(Why::Invalid), "{text}");
        }
        assert_eq!(value("${U:?set $A}"), Err(Why::Missing { name: "U".into(), message: "set a".into() }));
        assert!(matches!(value("${A:-${U:?needed}}"), Err(Why::Missing { .. })), "a default is evaluated though A is set");
        assert_eq!(value("${EMPTY:?}"), Err(Why::Missing { name: "EMPTY".into(), message: String::new() }));
        assert_eq!(substitute("ab ${", &|_| None).unwrap_err().offset, 3);
    }

    #[test]
    fn segments_know_their_bytes() {
        let text = "p${U:-x${A}}$$";
        let segments = parse(text);
        let Segment::Var(var) = &segments[1] else { panic!("a variable") };
        assert_eq!(&text[var.range.clone()], "${U:-x${A}}");
        assert_eq!(&text[var.arg.as_ref().unwrap().range.clone()], "x${A}");
        assert_eq!(segments[2], Segment::Escape(12..14));
        let mut names = Vec::new();
        Segment::each_var(&segments, false, &mut |var, nested| names.push((var.name.clone(), nested)));
        assert_eq!(names, [("U".to_string(), false), ("A".to_string(), true)]);
    }

    #[test]
    fn deep_and_long_texts_take_no_time() {
        let started = std::time::Instant::now();
        assert_eq!(value(&format!("{}{}", "${U:-".repeat(50_000), "}".repeat(50_000))), Err(Why::Invalid));
        assert!(value(&"${A:-x} ".repeat(50_000)).is_ok());
        assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
    }
}
