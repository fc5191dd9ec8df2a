//! Keys and values inside a value: `?password=x`, `Password=x;`, `-Ddb.password=x`, `{"token": "x"}`.

use std::ops::Range;

use super::evidence::UrlParts;
use super::interpolation::{Part, parts};
use crate::catalogue::{key_shape, looks_random};

/// `key=value` somewhere in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    pub key: String,
    pub value: Range<usize>,
}

pub(super) fn assignments(text: &str, within: Range<usize>) -> Vec<Assignment> {
    let inside = &text[within.clone()];
    if !inside.contains(['=', '"']) {
        return Vec::new();
    }
    let variables: Vec<Range<usize>> = if inside.contains('$') { variables(text, within.clone()) } else { Vec::new() };
    let equals = text[within.clone()].match_indices('=').map(|(n, _)| within.start + n);
    let mut found: Vec<Assignment> = equals.filter_map(|at| assignment(text, &within, at, &variables)).collect();
    found.extend(json_fields(text, within));
    found
}

/// The credentials of HTTP: the values of headers that are named for one (`X-Api-Key: x`, `Authorization: Bearer x`), and
/// a text that is nothing but such a value.
pub(super) fn authorizations(text: &str, within: Range<usize>) -> Vec<Assignment> {
    let inside = &text[within.clone()];
    let mut found = Vec::new();
    for (at, _) in inside.match_indices(':') {
        let key = inside[..at].rsplit(|c: char| !is_key_char(c)).next().unwrap_or_default();
        let is_header = key.eq_ignore_ascii_case("authorization") || key.contains('-') && !key.starts_with('-');
        if is_header && key_shape(key).is_credential() {
            let value = header_value(text, within.start + at + 1..within.end);
            found.push(Assignment { key: key.to_string(), value });
        }
    }
    let alone = header_value(text, within.clone());
    let (scheme, token) = (&text[within.start..alone.start], &text[alone.clone()]);
    let holds = match scheme.trim().to_ascii_lowercase().as_str() {
        "basic" => is_user_password(token),
        "bearer" => looks_random(token),
        _ => false,
    };
    if holds && text[alone.end..within.end].trim().is_empty() {
        found.push(Assignment { key: "authorization".to_string(), value: alone });
    }
    found.retain(|header| !header.value.is_empty());
    found
}

/// What stands in a header behind its scheme, if it says one.
fn header_value(text: &str, range: Range<usize>) -> Range<usize> {
    const SCHEMES: [&str; 6] = ["basic", "bearer", "token", "apikey", "digest", "negotiate"];
    let rest = &text[range.clone()];
    let said = rest.trim_start();
    let scheme = said.split(' ').next().unwrap_or_default();
    let named = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) && said.len() > scheme.len();
    let value = if named { said[scheme.len()..].trim_start() } else { said };
    let start = range.end - value.len();
    let variables: Vec<Range<usize>> = if value.contains('$') { variables(text, start..range.end) } else { Vec::new() };
    start..value_end(text, start..range.end, &variables)
}

/// Whether it is `user:password` in base64, as the scheme Basic has it (RFC 7617).
fn is_user_password(token: &str) -> bool {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut decoded) = (0_u32, 0, Vec::new());
    for byte in token.trim_end_matches('=').bytes() {
        let Some(digit) = DIGITS.iter().position(|digit| *digit == byte) else { return false };
        (bits, held) = (bits << 6 | digit as u32, held + 6);
        if held >= 8 {
            held -= 8;
            decoded.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    decoded.iter().position(|byte| *byte == b':').is_some_and(|colon| colon + 1 < decoded.len())
        && !decoded.iter().any(u8::is_ascii_control)
}

fn assignment(text: &str, within: &Range<usize>, equals: usize, variables: &[Range<usize>]) -> Option<Assignment> {
    let key_start = text[within.start..equals].rfind(|c: char| !is_key_char(c)).map_or(within.start, |n| {
        let at = within.start + n;
        at + text[at..].chars().next().map_or(1, char::len_utf8)
    });
    let key = text[key_start..equals].trim_start_matches(['-', '.']);
    let start = equals + 1;
    let rest = &text[start..within.end];
    if key.is_empty() || rest.starts_with('=') {
        return None;
    }
    if let Some(quote) = rest.chars().next().filter(|c| *c == '"' || *c == '\'') {
        let end = start + 1 + rest[1..].find(quote)?;
        return Some(Assignment { key: key.to_string(), value: start + 1..end });
    }
    Some(Assignment { key: key.to_string(), value: start..value_end(text, start..within.end, variables) })
}

/// Where an unquoted value ends: variables are part of it, whatever they hold.
fn value_end(text: &str, range: Range<usize>, variables: &[Range<usize>]) -> usize {
    let mut at = range.start;
    loop {
        let Some(n) = text[at..range.end].find(|c: char| c.is_whitespace() || "&;\"',|)`<>".contains(c)) else { return range.end };
        let variable = variables[..variables.partition_point(|v| v.start <= at + n)].last().filter(|v| v.contains(&(at + n)));
        match variable {
            Some(variable) => at = variable.end,
            None => return at + n,
        }
    }
}

fn variables(text: &str, within: Range<usize>) -> Vec<Range<usize>> {
    let variable = |part| match part {
        Part::Variable { range, .. } => Some(range),
        Part::Literal(_) => None,
    };
    parts(text, within).into_iter().filter_map(variable).collect()
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// String fields of JSON: `"key": "value"`, values with escapes left out.
fn json_fields(text: &str, within: Range<usize>) -> Vec<Assignment> {
    let mut fields = Vec::new();
    let mut at = within.start;
    while let Some(open) = text[at..within.end].find('"').map(|n| at + n) {
        let Some(close) = text[open + 1..within.end].find('"').map(|n| open + 1 + n) else { break };
        at = close + 1;
        let after = text[at..within.end].trim_start();
        let Some(value) = after.strip_prefix(':').map(str::trim_start).and_then(|v| v.strip_prefix('"')) else { continue };
        let start = within.end - value.len();
        let Some(len) = value.find('"') else { break };
        at = start + len + 1;
        if !text[start..start + len].contains('\\') {
            fields.push(Assignment { key: text[open + 1..close].to_string(), value: start..start + len });
        }
    }
    fields
}

/// What a text that holds assignments connects to, if it is a connection string: a URL, or the
/// `Host=...;Port=...` of drivers.
pub(super) fn connection(text: &str, within: Range<usize>, assignments: &[Assignment]) -> Option<UrlParts> {
    let value = |names: &[&str]| {
        let named = |a: &&Assignment| names.iter().any(|name| a.key.eq_ignore_ascii_case(name));
        assignments.iter().find(named).map(|a| text[a.value.clone()].to_string())
    };
    let inside = &text[within];
    let user = value(&["user", "username", "uid", "id", "user_id"]).unwrap_or_default();
    if let Some((before, after)) = inside.split_once("://") {
        let scheme = before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || "+.-".contains(c))).next().unwrap_or_default();
        let authority = after.split(['/', '?', ';', '#', ' ']).next().unwrap_or_default();
        let address = authority.rsplit('@').next().unwrap_or_default();
        let (host, port) = address.split_once(':').unwrap_or((address, ""));
        return Some(UrlParts { scheme: scheme.into(), user, host: host.into(), port: port.into(), percent_encoded: false });
    }
    let names = ["host", "server", "source", "addr", "hostname"];
    let named = assignments.iter().find(|a| names.iter().any(|name| a.key.eq_ignore_ascii_case(name)))?;
    // Drivers for SQL Server write `tcp:host,port`.
    let address = text[named.value.start..].split([';', ' ']).next().unwrap_or_default();
    let address = address.strip_prefix("tcp:").unwrap_or(address);
    let (host, after) = address.split_once([',', ':']).unwrap_or((address, ""));
    let inline_port: String = after.chars().take_while(char::is_ascii_digit).collect();
    let port = value(&["port"]).unwrap_or(inline_port);
    Some(UrlParts { scheme: String::new(), user, host: host.into(), port, percent_encoded: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String)> {
        assignments(text, 0..text.len()).into_iter().map(|a| (a.key, text[a.value].to_string())).collect()
    }

    fn holds(text: &str, key: &str, value: &str) {
        assert!(found(text).contains(&(key.to_string(), value.to_string())), "{text}: {:?}", found(text));
    }

    #[test]
    fn assignments_of_many_kinds() {
        holds("jdbc:postgresql://db/x?user=u&password=pw&ssl=off", "password", "pw");
        holds("Server=db,1433;User Id=sa;Password=pw;", "Password", "pw");
        holds("-Xmx1g -Dspring.datasource.password=pw", "Dspring.datasource.password", "pw");
        holds("host=db password='p w' port=1", "password", "p w");
        holds("--password=\"pw\" x", "password", "pw");
        holds("PGPASSWORD=${P:-a b} psql", "PGPASSWORD", "${P:-a b}");
        holds("{\"user\": \"u\", \"token\":\"pw\"}", "token", "pw");
        assert_eq!(found("a == b, = c"), []);
    }

    #[test]
    fn headers_hold_credentials() {
        let of = |text: &str| authorizations(text, 0..text.len()).into_iter().map(|a| text[a.value].to_string()).collect::<Vec<_>>();
        assert_eq!(of("curl -H 'Authorization: Bearer abc123' x"), ["abc123"]);
        assert_eq!(of("curl -H \"authorization:Basic YTpi\" -H 'X-Api-Key: k1 ' x"), ["YTpi", "k1"]);
        assert_eq!(of("PRIVATE-TOKEN: ${T:-a b}"), ["${T:-a b}"]);
        assert_eq!(of("Basic YWRtaW46c2VjcmV0"), ["YWRtaW46c2VjcmV0"]);
        assert_eq!(of("bearer 3d0f0c527a514a539d276f3a0b8b4f11"), ["3d0f0c527a514a539d276f3a0b8b4f11"]);
        for text in ["Basic training", "Bearer of news", "Authorization: Bearer <token>", "Accept: x", "Basic", "é: Basic ü", "--token: x"]
        {
            assert_eq!(of(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_connection_has_a_host() {
        let of = |text: &str| connection(text, 0..text.len(), &assignments(text, 0..text.len()));
        let jdbc = of("jdbc:postgresql://db:5432/x?user=u&password=pw").unwrap();
        assert_eq!((jdbc.scheme.as_str(), jdbc.user.as_str(), jdbc.host.as_str(), jdbc.port.as_str()), ("postgresql", "u", "db", "5432"));
        let ado = of("Server=tcp:db,1433;Password=pw").unwrap();
        assert_eq!((ado.host.as_str(), ado.port.as_str()), ("db", "1433"));
        assert_eq!(of("-Dx.password=pw"), None);
    }
}
