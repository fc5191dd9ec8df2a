//! Settings that let anybody in: variables and arguments that switch a server's authentication off.

use serde::Deserialize;

use super::kind::ServerKind;

/// The switches of one kind of server.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthOff {
    #[serde(default)]
    pub environment: Vec<VariableSwitch>,
    #[serde(default)]
    pub command: Vec<ArgumentSwitch>,
}

/// A variable that switches authentication off by what it says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableSwitch {
    pub variable: String,
    /// The whole value is one of these; case and the space around it do not count.
    #[serde(default)]
    pub is: Vec<String>,
    /// The value has one of these as whole words: `PLAINTEXT://` is not in `SASL_PLAINTEXT://`.
    #[serde(default)]
    pub has: Vec<String>,
    pub effect: String,
}

/// An argument, or several in a row: `--protected-mode no`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgumentSwitch {
    pub argument: String,
    pub effect: String,
}

/// Where a setting stands that switches authentication off. It holds no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthOffAt<'a> {
    Variable { name: &'a str, effect: &'a str },
    Argument { argument: &'a str, effect: &'a str },
}

impl ServerKind {
    /// The settings of a service of this kind that let anybody in: from its environment, as (name, value),
    /// and its command's arguments. A shell's one argument is split at spaces too.
    pub fn auth_off<'a>(
        &'a self,
        environment: impl IntoIterator<Item = (&'a str, &'a str)>,
        command: &[impl AsRef<str>],
    ) -> Vec<AuthOffAt<'a>> {
        let mut found = Vec::new();
        if !self.auth_off.environment.is_empty() {
            for (name, value) in environment {
                let switch = self.auth_off.environment.iter().find(|switch| switch.variable == name && switch.is_thrown(value));
                found.extend(switch.map(|switch| AuthOffAt::Variable { name: &switch.variable, effect: &switch.effect }));
            }
        }
        let words: Vec<&str> = command.iter().flat_map(|argument| argument.as_ref().split_whitespace()).collect();
        for switch in &self.auth_off.command {
            let wanted: Vec<&str> = switch.argument.split_whitespace().collect();
            if words.windows(wanted.len()).any(|window| window == wanted) {
                found.push(AuthOffAt::Argument { argument: &switch.argument, effect: &switch.effect });
            }
        }
        found
    }
}

impl VariableSwitch {
    fn is_thrown(&self, value: &str) -> bool {
        let value = value.trim();
        self.is.iter().any(|word| word.eq_ignore_ascii_case(value)) || self.has.iter().any(|word| has_word(value, word))
    }
}

/// Whether a text has the word with no letter, digit or `_` before or after a letter, digit or `_` of it.
fn has_word(text: &str, word: &str) -> bool {
    let joins = |a: Option<char>, b: Option<char>| {
        let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        is_part(a) && is_part(b)
    };
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
        !joins(before, word.chars().next()) && !joins(word.chars().next_back(), after)
    })
}

#[cfg(test)]
mod tests {
    use super::super::index::server_kind;
    use super::*;

    fn found(image: &str, environment: &[(&'static str, &'static str)], command: &[&str]) -> Vec<&'static str> {
        let kind = server_kind(image).unwrap();
        let at = |at| match at {
            AuthOffAt::Variable { name, .. } => name,
            AuthOffAt::Argument { argument, .. } => argument,
        };
        kind.auth_off(environment.iter().copied(), command).into_iter().map(at).collect()
    }

    #[test]
    fn what_lets_anybody_in_is_found_and_what_only_looks_like_it_is_not() {
        let variables: &[(&str, &str, &str, bool)] = &[
            ("postgres:15", "POSTGRES_HOST_AUTH_METHOD", "trust", true),
            ("postgres:15", "POSTGRES_HOST_AUTH_METHOD", "scram-sha-256", false),
            ("postgres:15", "POSTGRES_INITDB_ARGS", "-k --auth-host=trust", true),
            ("postgres:15", "POSTGRES_INITDB_ARGS", "--auth-host=scram-sha-256", false),
            ("mysql:8", "MYSQL_ALLOW_EMPTY_PASSWORD", "Yes", true),
            ("mysql:8", "MYSQL_RANDOM_ROOT_PASSWORD", "yes", false),
            ("bitnami/redis:7", "ALLOW_EMPTY_PASSWORD", "yes", true),
            ("bitnami/redis:7", "ALLOW_EMPTY_PASSWORD", "no", false),
            ("elasticsearch:8.11.0", "xpack.security.enabled", "false", true),
            ("elasticsearch:8.11.0", "xpack.security.enabled", "true", false),
            ("neo4j:5", "NEO4J_AUTH", "none", true),
            ("neo4j:5", "NEO4J_AUTH", "neo4j/longer-than-none", false),
            ("apache/kafka:3.8.0", "KAFKA_LISTENERS", "PLAINTEXT://:9092,CONTROLLER://:9093", true),
            ("apache/kafka:3.8.0", "KAFKA_LISTENERS", "SASL_SSL://:9092", false),
            ("apache/kafka:3.8.0", "KAFKA_LISTENERS", "SASL_PLAINTEXT://:9092", false),
        ];
        for (image, variable, value, expected) in variables {
            let expected: &[&str] = if *expected { &[variable] } else { &[] };
            assert_eq!(found(image, &[(variable, value)], &[]), expected, "{image} {variable}={value}");
        }
        assert_eq!(found("redis:7", &[], &["sh", "-c", "redis-server --protected-mode no"]), ["--protected-mode no"]);
        assert_eq!(found("redis:7", &[], &["redis-server", "--requirepass", "no"]), [""; 0]);
        // Without a password there is none to switch off: that a store is reachable is another matter.
        assert_eq!(found("redis:7", &[("OTHER", "yes")], &["redis-server"]), [""; 0]);
    }

    #[test]
    fn a_word_ends_where_letters_do() {
        for (text, word, expected) in [
            ("A:PLAINTEXT,B:SSL", ":PLAINTEXT", true),
            ("A:PLAINTEXT_2", ":PLAINTEXT", false),
            ("SASL_PLAINTEXT://x", "PLAINTEXT://", false),
            ("SASL_PLAINTEXT://x,PLAINTEXT://y", "PLAINTEXT://", true),
            ("", "x", false),
        ] {
            assert_eq!(has_word(text, word), expected, "{text} {word}");
        }
    }
}
