//! Which logins a service's rendered model promises: pure, from its image's name, environment and
//! command.

use super::Environment;
use crate::secret::Secret;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Postgres,
    Redis,
    Mysql,
    Rabbitmq,
}

/// A user and a password that a server is to accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub server: Server,
    /// Empty where the server knows no users.
    pub user: String,
    pub password: Secret,
    /// Empty where it does not matter.
    pub database: String,
    pub port: u16,
}

/// The logins of a service as `docker compose config` renders it, with `$` doubled in its values.
pub fn rendered_logins(service: &serde_json::Value) -> Vec<Login> {
    let undoubled = |value: &serde_json::Value| value.as_str().map(|text| text.replace("$$", "$"));
    let entries = service.get("environment").and_then(|env| env.as_object()).into_iter().flatten();
    let env = entries.filter_map(|(name, value)| Some((name.clone(), undoubled(value)?))).collect();
    let command = service.get("command").and_then(|command| command.as_array()).into_iter().flatten();
    let image = service.get("image").and_then(|image| image.as_str()).unwrap_or_default();
    logins(image, &env, &command.filter_map(undoubled).collect::<Vec<_>>())
}

/// The logins of a service, none when it is no server that is known here, or has no password in its
/// environment and command. `command` is the rendered list; values are undoubled (`$`, not `$$`).
pub fn logins(image: &str, env: &Environment, command: &[String]) -> Vec<Login> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).cloned();
    let login = |server, user: String, password: String, database: String, port| Login {
        server,
        user,
        password: Secret::new(password),
        database,
        port,
    };
    let name = repository(image);
    let known = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if known(&["postgres", "timescale", "postgis", "pgvector"]) || (set("POSTGRES_PASSWORD").is_some() && set("POSTGRES_DB").is_some()) {
        let Some(password) = set("POSTGRES_PASSWORD") else { return Vec::new() };
        let user = set("POSTGRES_USER").unwrap_or_else(|| "postgres".into());
        let database = set("POSTGRES_DB").unwrap_or_else(|| user.clone());
        return vec![login(Server::Postgres, user, password, database, option(command, "-p").unwrap_or(5432))];
    }
    if known(&["redis", "valkey"]) {
        let password = argument(command, "--requirepass").or_else(|| set("REDIS_PASSWORD"));
        let port = option(command, "--port").unwrap_or(6379);
        return password.map(|password| login(Server::Redis, String::new(), password, String::new(), port)).into_iter().collect();
    }
    if known(&["mysql", "mariadb", "percona"]) {
        let port = 3306;
        let own = set("MYSQL_PASSWORD").or_else(|| set("MARIADB_PASSWORD")).zip(set("MYSQL_USER").or_else(|| set("MARIADB_USER")));
        let root = set("MYSQL_ROOT_PASSWORD").or_else(|| set("MARIADB_ROOT_PASSWORD"));
        let own = own.map(|(password, user)| login(Server::Mysql, user, password, String::new(), port));
        let root = root.map(|password| login(Server::Mysql, "root".into(), password, String::new(), port));
        return own.into_iter().chain(root).collect();
    }
    if known(&["rabbitmq"]) {
        let user = set("RABBITMQ_DEFAULT_USER").unwrap_or_else(|| "guest".into());
        let password = set("RABBITMQ_DEFAULT_PASS");
        return password.map(|password| login(Server::Rabbitmq, user, password, String::new(), 5672)).into_iter().collect();
    }
    Vec::new()
}

/// The last part of an image's name, without registry, tag and digest.
fn repository(image: &str) -> String {
    let name = image.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default().to_lowercase()
}

/// What follows a flag, as a word of its own or in a shell command line, `--flag value` or `--flag=value`.
fn argument(command: &[String], flag: &str) -> Option<String> {
    let words: Vec<&str> =
        command.iter().flat_map(|part| if command_line(part) { part.split_whitespace().collect() } else { vec![part.as_str()] }).collect();
    let at = words.iter().position(|word| *word == flag || word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')))?;
    let value = words[at].split_once('=').map_or_else(|| words.get(at + 1).copied(), |(_, value)| Some(value))?;
    let value = value.trim_matches(['"', '\'']);
    // A variable of the container's shell is not the value.
    (!value.is_empty() && !value.starts_with('$')).then(|| value.to_string())
}

/// One word that is a whole command, as in `sh -c "redis-server --requirepass x"`.
fn command_line(part: &str) -> bool {
    part.contains("-server ") || part.contains(" --")
}

fn option(command: &[String], flag: &str) -> Option<u16> {
    argument(command, flag)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(image: &str, env: &[(&str, &str)], command: &[&str]) -> Vec<(Server, String, String, String, u16)> {
        let env = env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let command: Vec<String> = command.iter().map(ToString::to_string).collect();
        let logins = logins(image, &env, &command);
        logins.into_iter().map(|login| (login.server, login.user, login.password.expose().into(), login.database, login.port)).collect()
    }

    #[test]
    fn postgres_by_any_name_with_its_defaults() {
        let expected = (Server::Postgres, "postgres".to_string(), "pw".to_string(), "postgres".to_string(), 5432);
        assert_eq!(found("postgres:15", &[("POSTGRES_PASSWORD", "pw")], &[]), [expected]);
        let env = [("POSTGRES_PASSWORD", "pw"), ("POSTGRES_USER", "u"), ("POSTGRES_DB", "d")];
        let expected = (Server::Postgres, "u".to_string(), "pw".to_string(), "d".to_string(), 5433);
        assert_eq!(found("reg:5000/timescale/timescaledb:pg15@sha256:0", &env, &["postgres", "-p", "5433"]), [expected]);
        assert_eq!(found("postgres:15", &[("POSTGRES_PASSWORD_FILE", "/run/secrets/pw")], &[]), []);
    }

    #[test]
    fn redis_by_its_command() {
        let expected = [(Server::Redis, String::new(), "pw".to_string(), String::new(), 6379)];
        assert_eq!(found("redis:7", &[], &["redis-server", "--requirepass", "pw"]), expected);
        assert_eq!(found("redis:7", &[], &["redis-server", "--requirepass=pw"]), expected);
        assert_eq!(found("redis:7", &[], &["sh", "-c", "redis-server --requirepass 'pw' --save ''"]), expected);
        assert_eq!(found("redis:7", &[], &["sh", "-c", "redis-server --requirepass \"$REDIS_PASSWORD\""]), []);
        assert_eq!(
            found("redis:7", &[("REDIS_PASSWORD", "pw")], &["sh", "-c", "redis-server --requirepass \"$REDIS_PASSWORD\""]),
            expected
        );
        assert_eq!(found("redis:7", &[], &["redis-server"]), []);
    }

    #[test]
    fn mysql_has_two_and_others_none() {
        let users: Vec<String> =
            found("mariadb:11", &[("MARIADB_USER", "u"), ("MARIADB_PASSWORD", "p"), ("MYSQL_ROOT_PASSWORD", "r")], &[])
                .into_iter()
                .map(|login| format!("{}:{}", login.1, login.2))
                .collect();
        assert_eq!(users, ["u:p", "root:r"]);
        assert_eq!(found("rabbitmq:3-management", &[("RABBITMQ_DEFAULT_PASS", "p")], &[])[0].1, "guest");
        assert_eq!(found("nginx:1.22", &[("PASSWORD", "p")], &[]), []);
    }
}
