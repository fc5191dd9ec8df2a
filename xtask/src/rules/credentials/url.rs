//! Credentials inside URLs: `scheme://user:password@host:port`.

use std::ops::Range;

use super::evidence::UrlParts;
use super::interpolation::{Part, parts};
use crate::text::template::DEPTH_LIMIT;

/// User, password and host in bytes; what is longer is no URL.
const LONGEST_AUTHORITY: usize = 2048;

/// A password inside a URL, and the URL around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UrlPassword {
    pub range: Range<usize>,
    pub parts: UrlParts,
}

/// The passwords of all URLs in `text[within]`, those in defaults of variables too. Variables in a
/// URL are not taken apart.
pub(super) fn passwords(text: &str, within: Range<usize>) -> Vec<UrlPassword> {
    passwords_inside(text, within, 0)
}

/// `depth` is how many defaults stand around it: what nests deeper than variables can is no variable.
fn passwords_inside(text: &str, within: Range<usize>, depth: usize) -> Vec<UrlPassword> {
    if depth > DEPTH_LIMIT {
        return Vec::new();
    }
    let mut found = Vec::new();
    // Between a password and a host there is one.
    if !text[within.clone()].contains('@') {
        return found;
    }
    let holes = variables(text, within.clone());
    let mut at = within.start;
    while let Some(mark) = text[at..within.end].find("://").map(|n| at + n) {
        at = mark + 3;
        if in_hole(&holes, mark) {
            continue;
        }
        let scheme = scheme_before(text, within.start, mark);
        let reach = (at + LONGEST_AUTHORITY).min(within.end);
        let reach = (reach..=within.end).find(|end| text.is_char_boundary(*end)).unwrap_or(within.end);
        if let Some(password) = password_of(text, at..reach, &holes, scheme) {
            found.push(password);
        }
    }
    found.extend(mysql_dsn(text, within, &holes));
    for (_, default) in holes {
        found.extend(default.into_iter().flat_map(|default| passwords_inside(text, default, depth + 1)));
    }
    found
}

type Hole = (Range<usize>, Option<Range<usize>>);

fn variables(text: &str, within: Range<usize>) -> Vec<Hole> {
    let holes = parts(text, within).into_iter();
    holes
        .filter_map(|part| match part {
            Part::Variable { range, default, .. } => Some((range, default)),
            Part::Literal(_) => None,
        })
        .collect()
}

/// Holes stand in order and apart.
fn in_hole(holes: &[Hole], at: usize) -> bool {
    holes[..holes.partition_point(|(hole, _)| hole.start <= at)].last().is_some_and(|(hole, _)| hole.contains(&at))
}

fn scheme_before(text: &str, start: usize, mark: usize) -> &str {
    let head = &text[start..mark];
    let from = head.rfind(|c: char| !(c.is_ascii_alphanumeric() || "+.-".contains(c))).map_or(0, |n| n + 1);
    &head[from..]
}

/// The first byte of `range` outside variables that `wanted` likes.
fn find_outside(text: &str, range: Range<usize>, holes: &[Hole], wanted: impl Fn(char) -> bool) -> Option<usize> {
    text[range.clone()]
        .char_indices()
        .map(|(n, c)| (range.start + n, c))
        .find(|(at, c)| wanted(*c) && !in_hole(holes, *at))
        .map(|(at, _)| at)
}

fn rfind_outside(text: &str, range: Range<usize>, holes: &[Hole], wanted: char) -> Option<usize> {
    text[range.clone()]
        .char_indices()
        .rev()
        .map(|(n, c)| (range.start + n, c))
        .find(|(at, c)| *c == wanted && !in_hole(holes, *at))
        .map(|(at, _)| at)
}

fn password_of(text: &str, rest: Range<usize>, holes: &[Hole], scheme: &str) -> Option<UrlPassword> {
    let is_end = |c: char| c.is_whitespace() || "\"'<>`|\\".contains(c);
    let word_end = find_outside(text, rest.clone(), holes, is_end).unwrap_or(rest.end);
    let word = rest.start..word_end;
    let mut authority = word.start..find_outside(text, word.clone(), holes, |c| "/?#".contains(c)).unwrap_or(word.end);
    let mut at_sign = rfind_outside(text, authority.clone(), holes, '@');
    if at_sign.is_none() {
        // A password may hold a reserved character that should have been encoded; a port may not.
        let colon = find_outside(text, authority.clone(), holes, |c| c == ':')?;
        let port = &text[colon + 1..authority.end];
        if port.is_empty() || port.chars().all(|c| c.is_ascii_digit()) || in_hole(holes, colon + 1) {
            return None;
        }
        let found = rfind_outside(text, word.clone(), holes, '@')?;
        authority.end = find_outside(text, found..word.end, holes, |c| "/?#".contains(c)).unwrap_or(word.end);
        at_sign = Some(found);
    }
    let at_sign = at_sign?;
    let colon = find_outside(text, authority.start..at_sign, holes, |c| c == ':')?;
    let host_end = find_outside(text, at_sign + 1..authority.end, holes, |c| ":,".contains(c)).unwrap_or(authority.end);
    let port = text[host_end..authority.end].strip_prefix(':').map(|port| port.split(',').next().unwrap_or_default());
    let range = colon + 1..at_sign;
    let parts = UrlParts {
        scheme: scheme.to_string(),
        user: text[authority.start..colon].to_string(),
        host: plain(text, at_sign + 1..host_end),
        port: port.unwrap_or_default().to_string(),
        percent_encoded: has_percent_encoding(&text[range.clone()]),
    };
    (!range.is_empty()).then_some(UrlPassword { range, parts })
}

/// Go's form for MySQL: `user:password@tcp(host:port)/name`.
fn mysql_dsn(text: &str, within: Range<usize>, holes: &[Hole]) -> Option<UrlPassword> {
    let mark = within.start + text[within.clone()].find("@tcp(")?;
    let word =
        text[within.start..mark].rfind(|c: char| c.is_whitespace() || "\"'=".contains(c)).map_or(within.start, |n| within.start + n + 1);
    let colon = find_outside(text, word..mark, holes, |c| c == ':')?;
    let address = text[mark + 5..within.end].split(')').next()?;
    let (host, port) = address.split_once(':').unwrap_or((address, ""));
    let user = text[word..colon].to_string();
    let parts = UrlParts { scheme: "mysql".into(), user, host: host.into(), port: port.into(), percent_encoded: false };
    (!text[colon + 1..mark].contains("://") && colon + 1 < mark).then_some(UrlPassword { range: colon + 1..mark, parts })
}

/// The text, or the default if all of it is one variable with a default.
fn plain(text: &str, range: Range<usize>) -> String {
    match parts(text, range.clone()).as_slice() {
        [Part::Variable { default: Some(default), .. }] => text[default.clone()].to_string(),
        _ => text[range].to_string(),
    }
}

fn has_percent_encoding(text: &str) -> bool {
    text.split('%').skip(1).any(|after| after.get(..2).is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String, String, String, String)> {
        let all = passwords(text, 0..text.len()).into_iter();
        all.map(|p| (text[p.range].to_string(), p.parts.scheme, p.parts.user, p.parts.host, p.parts.port)).collect()
    }

    fn one(text: &str) -> [String; 5] {
        let mut all = found(text);
        assert_eq!(all.len(), 1, "{text}");
        let (password, scheme, user, host, port) = all.remove(0);
        [password, scheme, user, host, port]
    }

    #[test]
    fn passwords_of_urls() {
        for (text, expected) in [
            ("postgres://u:pw@db:5432/x?sslmode=off", ["pw", "postgres", "u", "db", "5432"]),
            ("redis://:pw@redis/1", ["pw", "redis", "", "redis", ""]),
            ("amqp://guest:guest@rabbitmq:5672//", ["guest", "amqp", "guest", "rabbitmq", "5672"]),
            ("mongodb+srv://u:p%40w@a:1,b:2/x", ["p%40w", "mongodb+srv", "u", "a", "1"]),
            ("x=http://me@mail.org:pw@h/", ["pw", "http", "me@mail.org", "h", ""]),
            ("postgres://u:p@w@db/x", ["p@w", "postgres", "u", "db", ""]),
            ("postgres://u:p#w/x@db/x", ["p#w/x", "postgres", "u", "db", ""]),
            ("postgres://${U}:${P:-pw}@${H:-db}:${PORT:-1}/x", ["${P:-pw}", "postgres", "${U}", "db", "${PORT:-1}"]),
            ("smtp://a:${P:?set P in .env}@h:587", ["${P:?set P in .env}", "smtp", "a", "h", "587"]),
            ("${URL:-postgres://u:pw@db/x}", ["pw", "postgres", "u", "db", ""]),
            ("root:pw@tcp(db:3306)/x", ["pw", "mysql", "root", "db", "3306"]),
            ("jdbc:mysql://u:pw@db/x", ["pw", "mysql", "u", "db", ""]),
            ("curl -f 'http://u:pw@h/x' || exit 1", ["pw", "http", "u", "h", ""]),
        ] {
            assert_eq!(one(text), expected.map(String::from), "{text}");
        }
        assert_eq!(found("http://a:b@c,http://d:e@f").len(), 2);
    }

    #[test]
    fn defaults_nested_beyond_measure_are_left() {
        let text = format!("{}x://u:p@h{}", "${A:-".repeat(5_000), "}".repeat(5_000));
        assert!(found(&text).len() <= 1);
        assert_eq!(one("${A:-${B:-x://u:p@h}}")[0], "p");
    }

    #[test]
    fn urls_without_a_password() {
        for text in [
            "http://db:5432/x",
            "http://user@host/x",
            "http://host:80/x@y",
            "https://a.example/?q=a:b@c",
            "redis://cache:6379",
            "git@github.com:a/b",
            "http://host:${PORT}/x@y",
            "redis://:@redis/1",
            "a=http://x:1/h,b=http://y:2/h",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
