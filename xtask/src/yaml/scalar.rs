//! Plain scalars as go-yaml v3 resolves them: YAML 1.1 numbers and dates, YAML 1.2 booleans.

use super::timestamp::timestamp;

/// The value that a plain scalar stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond `i64`.
    BigInt(u64),
    Float(f64),
    /// A point in time, as RFC 3339 text.
    Timestamp(String),
    Str,
}

/// What go-yaml v3 makes of a plain scalar's text.
pub fn resolve(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Bool(true),
        "false" | "False" | "FALSE" => return Resolved::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Resolved::Str;
    }
    let time = || timestamp(text).map(Resolved::Timestamp);
    integer(text).or_else(|| float(text)).or_else(time).unwrap_or(Resolved::Str)
}

/// Go's `strconv.ParseInt(s, 0, 64)` on the text without underscores, plus YAML's own `0o`, and
/// signed binary.
fn integer(text: &str) -> Option<Resolved> {
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = if let Some(body) = lower.strip_prefix("0x") {
        (16, body)
    } else if let Some(body) = lower.strip_prefix("0b") {
        (2, body)
    } else if let Some(body) = lower.strip_prefix("0o") {
        (8, body)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if body.is_empty() || !body.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(body, radix).ok()?;
    if negative {
        return i64::try_from(-i128::from(magnitude)).ok().map(Resolved::Int);
    }
    Some(i64::try_from(magnitude).map_or(Resolved::BigInt(magnitude), Resolved::Int))
}

/// go-yaml's own pattern: `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`.
fn float(text: &str) -> Option<Resolved> {
    let plain = text.replace('_', "");
    let body = plain.strip_prefix(['-', '+']).unwrap_or(&plain);
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let written = if whole.is_empty() { !fraction.is_empty() && mantissa.starts_with('.') } else { true };
    let exponent_ok = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    if !(written && digits(whole) && digits(fraction) && exponent_ok) {
        return None;
    }
    // What is too large for a float stays text.
    plain.parse::<f64>().ok().filter(|value| value.is_finite()).map(Resolved::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go_yaml() {
        for (text, expected) in [
            ("0777", Resolved::Int(511)),
            ("0o777", Resolved::Int(511)),
            ("0x1F", Resolved::Int(31)),
            ("1_000", Resolved::Int(1000)),
            ("-0b11", Resolved::Int(-3)),
            ("0123", Resolved::Int(83)),
            ("1e3", Resolved::Float(1000.0)),
            ("1.10", Resolved::Float(1.1)),
            (".5", Resolved::Float(0.5)),
            ("089", Resolved::Float(89.0)),
            ("18446744073709551615", Resolved::BigInt(u64::MAX)),
            ("1e400", Resolved::Str),
            ("0x10000000000000000", Resolved::Str),
            ("0b2", Resolved::Str),
            ("2020-01-01", Resolved::Timestamp("2020-01-01T00:00:00Z".into())),
            ("2020-13-01", Resolved::Str),
            ("22:22", Resolved::Str),
            ("yes", Resolved::Str),
            ("on", Resolved::Str),
            (".", Resolved::Str),
            ("-", Resolved::Str),
            ("1.2.3", Resolved::Str),
            ("~", Resolved::Null),
            ("True", Resolved::Bool(true)),
        ] {
            assert_eq!(resolve(text), expected, "{text}");
        }
    }
}
