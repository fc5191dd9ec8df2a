//! Which line of a log tells of a database connection that failed. A line is only counted, and never shown.

use std::collections::BTreeSet;

/// What a client or a server says of a login that was refused, whoever it is; lower case.
const REFUSED_LOGIN: &[&str] = &[
    "password authentication failed",
    "no pg_hba.conf entry",
    "access denied for user",
    "wrongpass",
    "noauth authentication required",
    "authenticationfailed",
    "login failed for user",
    "login was refused",
    "login refused",
    "unable to authenticate user",
    "too many clients already",
    "remaining connection slots are reserved",
    "too many connections",
];

/// What only a server of this kind means so.
const OF_KIND: &[(&str, &str)] = &[
    ("mongo", "authentication failed"),
    ("clickhouse", "authentication failed"),
    ("rabbitmq", "invalid credentials"),
    ("elasticsearch", "failed to authenticate"),
    ("opensearch", "failed to authenticate"),
    ("postgres", "invalid length of startup packet"),
];

/// What anybody may say of anything: it counts where the line names a database too.
const NOT_REACHED: &[&str] = &[
    "connection refused",
    "econnrefused",
    "connection timed out",
    "etimedout",
    "timeout expired",
    "i/o timeout",
    "no route to host",
    "could not translate host name",
    "name or service not known",
    "temporary failure in name resolution",
    "no such host",
    "enotfound",
    "eai_again",
    "can't connect to",
    "could not connect to server",
    "authentication failed",
];

/// The databases that the services of a stack can mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Databases {
    /// Names of services and containers, lower case.
    pub names: BTreeSet<String>,
    /// The ports on which they listen.
    pub ports: BTreeSet<u16>,
}

/// What the line tells, in the words by which it is known. `kind`: of the database that says it.
pub fn failure(line: &str, kind: Option<&str>, databases: &Databases) -> Option<&'static str> {
    let line = line.to_ascii_lowercase();
    let within = |words: &&&'static str| line.contains(**words);
    let of_kind = OF_KIND.iter().find(|(of, words)| kind == Some(*of) && line.contains(words)).map(|(_, words)| *words);
    let not_reached = || NOT_REACHED.iter().find(within).copied().filter(|_| databases.named_in(&line));
    REFUSED_LOGIN.iter().find(within).copied().or(of_kind).or_else(not_reached)
}

impl Databases {
    /// Whether a line in lower case names one: its name as a word of its own, or `:5432`, `port 5432`.
    fn named_in(&self, line: &str) -> bool {
        let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        let stands_alone = |at: usize, word: &str| {
            let bytes = line.as_bytes();
            !is_word(at.checked_sub(1).and_then(|before| bytes.get(before))) && !is_word(bytes.get(at + word.len()))
        };
        let by_name = || self.names.iter().any(|name| line.match_indices(name.as_str()).any(|(at, _)| stands_alone(at, name)));
        let by_port = |port: &u16| {
            let digits = port.to_string();
            line.match_indices(&digits)
                .any(|(at, _)| stands_alone(at, &digits) && (line[..at].ends_with(':') || line[..at].ends_with("port ")))
        };
        self.ports.iter().any(by_port) || by_name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn databases() -> Databases {
        Databases { names: ["db".to_string(), "orders-cache".into()].into(), ports: [5432, 6379].into() }
    }

    #[test]
    fn refused_logins_count_wherever_they_are_said() {
        let lines = [
            "2026-11-22 FATAL:  password authentication failed for user \"app\"",
            "ERROR 1045 (28000): Access denied for user 'app'@'10.0.0.3' (using password: YES)",
            "WRONGPASS invalid username-password pair or user is disabled.",
            "PLAIN login refused: user 'guest' - invalid credentials",
            "psycopg2.OperationalError: FATAL:  sorry, too many clients already",
        ];
        for line in lines {
            assert!(failure(line, None, &Databases::default()).is_some(), "{line}");
        }
    }

    #[test]
    fn what_was_not_reached_counts_only_where_it_is_a_database() {
        let known = |line: &str| failure(line, None, &databases());
        assert_eq!(known("Error: connect ECONNREFUSED 172.18.0.2:5432"), Some("econnrefused"));
        assert_eq!(known("connection to server at \"db\" (172.18.0.2), port 5432 failed: Connection refused"), Some("connection refused"));
        assert_eq!(known("getaddrinfo ENOTFOUND db"), Some("enotfound"));
        assert_eq!(known("dial tcp: lookup orders-cache on 127.0.0.11:53: no such host"), Some("no such host"));
        assert_eq!(known("connect ECONNREFUSED 172.18.0.9:54321"), None);
        assert_eq!(known("GET https://api.example.org: connection refused"), None);
        assert_eq!(known("mydb-viewer: connection refused by dbx"), None);
    }

    #[test]
    fn words_of_one_server_mean_nothing_with_another() {
        let line = "Authentication failed for user";
        assert!(failure(line, Some("mongo"), &Databases::default()).is_some());
        assert!(failure(line, Some("nginx"), &Databases::default()).is_none());
        assert!(failure("database system is ready to accept connections", Some("postgres"), &databases()).is_none());
    }
}
