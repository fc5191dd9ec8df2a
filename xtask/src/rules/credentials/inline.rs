//! Keys and values inside a value: `?password=x`, `Password=x;`, `-Ddb.password=x`, `{"token": "x"}`.

use std::ops::Range;

use super::evidence::UrlParts;
use super::interpolation::{Part, parts};

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
    fn a_connection_has_a_host() {
        let of = |text: &str| connection(text, 0..text.len(), &assignments(text, 0..text.len()));
        let jdbc = of("jdbc:postgresql://db:5432/x?user=u&password=pw").unwrap();
        assert_eq!((jdbc.scheme.as_str(), jdbc.user.as_str(), jdbc.host.as_str(), jdbc.port.as_str()), ("postgresql", "u", "db", "5432"));
        let ado = of("Server=tcp:db,1433;Password=pw").unwrap();
        assert_eq!((ado.host.as_str(), ado.port.as_str()), ("db", "1433"));
        assert_eq!(of("-Dx.password=pw"), None);
    }
}
