//! Numbers, sizes and durations, read and written the way Go's libraries do it for Compose.

/// `fmt.Sprint` of a float64: the shortest digits that read back, with an exponent below 1e-4 and
/// from 1e6 on.
pub fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value == 0.0 || (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// go-units' `RAMInBytes`: `1.5g`, `512 MiB`, `10`; powers of 1024.
pub fn bytes(text: &str) -> Option<i64> {
    let last = text.rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ')?;
    let suffix = text[last + 1..].to_ascii_lowercase();
    let number = if text.as_bytes()[last] == b' ' { &text[..last] } else { &text[..=last] };
    let size = float(number).filter(|size| *size >= 0.0)?;
    let (unit, rest) = match suffix.chars().next() {
        None => return Some(size as i64),
        Some(unit) => (unit, &suffix[unit.len_utf8()..]),
    };
    let power = match unit {
        'b' if rest.is_empty() => return Some(size as i64),
        'k' => 1,
        'm' => 2,
        'g' => 3,
        't' => 4,
        'p' => 5,
        _ => return None,
    };
    matches!(rest, "" | "b" | "ib").then(|| (size * 1024_f64.powi(power)) as i64)
}

/// Go's `strconv.ParseFloat` for the decimal texts that stand in compose files.
pub fn float(text: &str) -> Option<f64> {
    let usual = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|value| usual && value.is_finite())
}

/// A duration in nanoseconds: Go's units, and days and weeks as Compose adds them.
pub fn duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        total += part(number, unit_nanos(unit)?)?;
        rest = tail;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

fn part(number: &str, nanos: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok().filter(|n: &i128| *n < 1 << 63)? };
    let digits = &fraction[..fraction.len().min(18)];
    let fraction: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    Some(whole * nanos + fraction * nanos / 10_i128.pow(u32::try_from(digits.len()).ok()?))
}

fn unit_nanos(unit: &str) -> Option<i128> {
    const SECOND: i128 = 1_000_000_000;
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        "d" => 24 * 3600 * SECOND,
        "w" => 7 * 24 * 3600 * SECOND,
        _ => return None,
    })
}

/// Go's `Duration.String`: `1h0m0s`, `1.5s`, `100µs`.
pub fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let decimal = |value: u64, unit: u64| {
        let fraction = format!("{:0width$}", value % unit, width = unit.ilog10() as usize);
        let fraction = fraction.trim_end_matches('0');
        let point = if unit == 1 || fraction.is_empty() { "" } else { "." };
        format!("{}{point}{}", value / unit, if unit == 1 { "" } else { fraction })
    };
    match nanos {
        0 => return "0s".into(),
        1..1_000 => return format!("{sign}{nanos}ns"),
        1_000..1_000_000 => return format!("{sign}{}µs", decimal(nanos, 1_000)),
        1_000_000..1_000_000_000 => return format!("{sign}{}ms", decimal(nanos, 1_000_000)),
        _ => {}
    }
    let seconds = nanos / 1_000_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let rest = decimal(seconds % 60 * 1_000_000_000 + nanos % 1_000_000_000, 1_000_000_000);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{rest}s"),
        (0, _) => format!("{sign}{minutes}m{rest}s"),
        _ => format!("{sign}{hours}h{minutes}m{rest}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All printed by Compose 2.40.
    #[test]
    fn floats_look_like_go_s() {
        for (value, text) in [
            (1e6, "1e+06"),
            (100_000.0, "100000"),
            (1_234_567.5, "1.2345675e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (123_456.789, "123456.789"),
            (1e30, "1e+30"),
            (-0.0, "-0"),
            (1.10, "1.1"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(float_text(value), text);
        }
    }

    #[test]
    fn sizes_and_durations_read_like_go_s() {
        assert_eq!(bytes("1.5 GiB"), Some(1_610_612_736));
        assert_eq!(bytes("10kib"), Some(10_240));
        assert_eq!((bytes("5"), bytes("5b"), bytes("1KB")), (Some(5), Some(5), Some(1024)));
        assert_eq!((bytes(""), bytes("-1"), bytes("1kbb"), bytes("x")), (None, None, None, None));
        for (text, printed) in [
            ("1d2h3.5ms", "26h0m0.0035s"),
            ("90s", "1m30s"),
            ("1500ms", "1.5s"),
            ("100us", "100µs"),
            ("-1.5h", "-1h30m0s"),
            ("1w", "168h0m0s"),
            ("0", "0s"),
            ("1h1h", "2h0m0s"),
        ] {
            assert_eq!(duration(text).map(duration_text).as_deref(), Some(printed), "{text}");
        }
        for text in ["", "1", " 1s", "1S", "s", ".s", "1..s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
