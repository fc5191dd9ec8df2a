//! The `${NAME}` language of Compose files and env files, exactly as Compose reads it: the rules
//! are those of compose-go's `template` package, oddities included.

mod parser;

use std::ops::Range;

pub use parser::DEPTH_LIMIT;

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
    parser::Parser { text: text.as_bytes() }.region(0..text.len(), 0)
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
    evaluate_or(text, segments, lookup, None, out)
}

/// The same; a required variable without a value becomes what `stand_in` says, if there is one.
pub fn evaluate_or(
    text: &str,
    segments: &[Segment],
    lookup: &dyn Fn(&str) -> Option<String>,
    stand_in: Option<&dyn Fn(&Var) -> String>,
    out: &mut String,
) -> Result<(), TemplateError> {
    for segment in segments {
        match segment {
            Segment::Literal(range) => out.push_str(&text[range.clone()]),
            Segment::Escape(_) => out.push('$'),
            Segment::Var(var) => variable(text, var, lookup, stand_in, out)?,
            Segment::Invalid(range) => return Err(TemplateError { offset: range.start, why: Why::Invalid }),
        }
    }
    Ok(())
}

fn variable(
    text: &str,
    var: &Var,
    lookup: &dyn Fn(&str) -> Option<String>,
    stand_in: Option<&dyn Fn(&Var) -> String>,
    out: &mut String,
) -> Result<(), TemplateError> {
    // Compose evaluates the argument whether it is needed or not: `${A:-${B:?}}` fails without B.
    let mut arg = String::new();
    if let Some(written) = &var.arg {
        evaluate_or(text, &written.segments, lookup, stand_in, &mut arg)?;
    }
    let value = lookup(&var.name);
    match var.op {
        Op::Default { colon } if !filled(value.as_deref(), colon) => out.push_str(&arg),
        Op::Alternate { colon } if filled(value.as_deref(), colon) => out.push_str(&arg),
        Op::Required { colon } if !filled(value.as_deref(), colon) => match stand_in {
            Some(stand_in) => out.push_str(&stand_in(var)),
            None => {
                let why = Why::Missing { name: var.name.clone(), message: arg };
                return Err(TemplateError { offset: var.range.start, why });
            }
        },
        _ => out.push_str(value.as_deref().unwrap_or_default()),
    }
    Ok(())
}

/// Whether a variable counts as set: with a colon in its operator, an empty value does not.
pub fn filled(value: Option<&str>, colon: bool) -> bool {
    value.is_some_and(|value| !colon || !value.is_empty())
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
