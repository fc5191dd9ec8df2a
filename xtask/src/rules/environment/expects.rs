//! What a variable's name says that its value must be, and whether it can be that.

/// What a value cannot be, although its name says so: "a port", "a URL". `None`: it can be.
pub fn wrong_kind(name: &str, value: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    let value = value.trim();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    // Templates are filled in elsewhere.
    if value.is_empty() || value.contains(['{', '$', '<']) {
        return None;
    }
    if name == "PORT" || ends(&["_PORT"]) {
        return (!can_be_port(value)).then_some("a port");
    }
    if ends(&["_URL", "_URI"]) || name == "URL" {
        return (!can_be_url(value)).then_some("a URL");
    }
    if ends(&["_ENABLED", "_DISABLED", "_DEBUG"]) || name.starts_with("ENABLE_") || name.starts_with("DISABLE_") {
        return is_misspelt_truth(value).then_some("true or false");
    }
    if ends(&["_TIMEOUT", "_INTERVAL", "_TTL"]) {
        return (!can_have_unit(value, &TIMES)).then_some("a duration");
    }
    if ends(&["_MEMORY", "_MAX_SIZE", "_CACHE_SIZE", "_BUFFER_SIZE"]) {
        return (!can_have_unit(value, &SIZES)).then_some("a size");
    }
    None
}

/// A number up to 65535. What is no plain number may be an address, a list, a range or a word.
fn can_be_port(value: &str) -> bool {
    if value.bytes().all(|byte| byte.is_ascii_digit()) { value.parse::<u16>().is_ok() } else { !is_negative(value) }
}

fn is_negative(value: &str) -> bool {
    value.strip_prefix('-').is_some_and(|digits| digits.len() > 1 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A scheme that lost its colon or a slash, no host behind it, or a blank inside.
fn can_be_url(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    for scheme in ["http", "https"] {
        let Some(rest) = lower.strip_prefix(scheme) else { continue };
        if rest.starts_with("//") || rest.starts_with(":/") && !rest.starts_with("://") {
            return false;
        }
        if let Some(host) = rest.strip_prefix("://") {
            return !host.is_empty() && !host.starts_with(['/', ':', '?', '#']) && !host.contains(char::is_whitespace)
                || host.contains([',', ';']);
        }
    }
    true
}

/// `ture`, `flase`: a letter or two off, and no other word.
fn is_misspelt_truth(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let off = |known: &str| (1..=if known.len() > 4 { 2 } else { 1 }).contains(&strsim::damerau_levenshtein(&lower, known));
    lower.len() >= 4
        && lower.bytes().all(|byte| byte.is_ascii_lowercase())
        && !WORDS.contains(&lower.as_str())
        && (off("true") || off("false"))
}

/// Near to a truth, but words of their own.
const WORDS: [&str; 4] = ["trace", "tree", "trust", "fast"];

const TIMES: [&str; 40] = [
    "ns",
    "us",
    "µs",
    "ms",
    "msec",
    "msecs",
    "millis",
    "millisecond",
    "milliseconds",
    "s",
    "sec",
    "secs",
    "second",
    "seconds",
    "m",
    "min",
    "mins",
    "minute",
    "minutes",
    "h",
    "hr",
    "hrs",
    "hour",
    "hours",
    "d",
    "day",
    "days",
    "w",
    "wk",
    "week",
    "weeks",
    "mo",
    "month",
    "months",
    "y",
    "yr",
    "year",
    "years",
    "t",
    "microseconds",
];

const SIZES: [&str; 27] = [
    "b", "byte", "bytes", "k", "kb", "kib", "ki", "m", "mb", "mib", "mi", "mo", "g", "gb", "gib", "gi", "go", "t", "tb", "tib", "ti", "p",
    "pb", "pib", "e", "gbytes", "mbytes",
];

/// Whether what follows one number is a unit. What is not one number and letters is left alone.
fn can_have_unit(value: &str, units: &[&str]) -> bool {
    let digits = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if digits.len() == value.len() || digits.is_empty() {
        return true;
    }
    let unit = digits.trim();
    !unit.chars().all(char::is_alphabetic) || units.contains(&unit.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::wrong_kind;

    #[test]
    fn what_cannot_be_is_told_from_what_is_unusual() {
        for (name, value, expected) in [
            ("PORT", "80800", Some("a port")),
            ("DB_PORT", "-5432", Some("a port")),
            ("DB_PORT", "5432", None),
            ("DB_PORT", "tcp://10.0.0.1:5432", None),
            ("SMTP_PORT", "smtps", None),
            ("PORTS", "99999", None),
            ("DB_PORT", "", None),
            ("API_URL", "http//api", Some("a URL")),
            ("API_URL", "https:/api", Some("a URL")),
            ("API_URL", "http://:8080", Some("a URL")),
            ("API_URL", "http://a b", Some("a URL")),
            ("API_URL", "http://a, http://b", None),
            ("API_URL", "api:8080/x", None),
            ("API_URL", "http://{host}/", None),
            ("DB_URL", "sqlite:///x.db", None),
            ("FEATURE_ENABLED", "ture", Some("true or false")),
            ("FEATURE_ENABLED", "flase", Some("true or false")),
            ("FEATURE_ENABLED", "auto", None),
            ("FEATURE_ENABLED", "TRUE", None),
            ("ENABLE_LOG", "trace", None),
            ("READ_TIMEOUT", "30x", Some("a duration")),
            ("READ_TIMEOUT", "5 mins", None),
            ("READ_TIMEOUT", "1h30m", None),
            ("READ_TIMEOUT", "0.5", None),
            ("READ_TIMEOUT", "never", None),
            ("JVM_MEMORY", "512MX", Some("a size")),
            ("JVM_MEMORY", "512m", None),
            ("OTHER", "99999999", None),
        ] {
            assert_eq!(wrong_kind(name, value), expected, "{name}={value}");
        }
    }
}
