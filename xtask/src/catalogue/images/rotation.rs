//! What kind of server an image is, which of its keys hold credentials, and how a password of it is
//! changed by hand.

use std::sync::LazyLock;

use serde::Deserialize;

/// One kind of server: `policies/images/<kind>.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerKind {
    pub kind: String,
    /// For people.
    pub title: String,
    /// Names without registry, tag and digest; one without a folder holds in every folder.
    images: Vec<String>,
    /// Of URLs that point at such a server.
    schemes: Vec<String>,
    pub ports: Vec<u16>,
    pub keys: ServerKeys,
    /// The account when no key names one.
    pub default_user: String,
    rotation: Vec<String>,
}

/// The environment variables that an image reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerKeys {
    pub user: Vec<String>,
    pub password: Vec<String>,
    pub database: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    setting: Vec<String>,
    provider: Vec<String>,
}

/// What the commands of a rotation are about.
#[derive(Debug, Clone, Copy)]
pub struct Rotation<'a> {
    /// How the stack is called: `docker compose -f FILE`.
    pub compose: &'a str,
    pub service: &'a str,
    pub user: &'a str,
    /// The variable that now holds the credential.
    pub variable: &'a str,
}

static KINDS: LazyLock<Vec<ServerKind>> = LazyLock::new(|| {
    let files = [
        include_str!("../../../policies/images/clickhouse.yaml"),
        include_str!("../../../policies/images/elasticsearch.yaml"),
        include_str!("../../../policies/images/grafana.yaml"),
        include_str!("../../../policies/images/influxdb.yaml"),
        include_str!("../../../policies/images/mariadb.yaml"),
        include_str!("../../../policies/images/minio.yaml"),
        include_str!("../../../policies/images/mongo.yaml"),
        include_str!("../../../policies/images/mssql.yaml"),
        include_str!("../../../policies/images/mysql.yaml"),
        include_str!("../../../policies/images/neo4j.yaml"),
        include_str!("../../../policies/images/pgadmin.yaml"),
        include_str!("../../../policies/images/postgres.yaml"),
        include_str!("../../../policies/images/questdb.yaml"),
        include_str!("../../../policies/images/rabbitmq.yaml"),
        include_str!("../../../policies/images/redis.yaml"),
    ];
    files.map(|text| serde_yaml::from_str(text).expect("policies/images is built in and held by a test")).into()
});

static ELSEWHERE: LazyLock<Elsewhere> = LazyLock::new(|| {
    let text = include_str!("../../../policies/rotation.yaml");
    serde_yaml::from_str(text).expect("policies/rotation.yaml is built in and held by a test")
});

/// The kind of server that an image is, by its name: registries, mirrors, tags and digests do not count.
pub fn server_kind(image: &str) -> Option<&'static ServerKind> {
    let name = image_name(image);
    let is = |known: &str| name == known || name.strip_suffix(known).is_some_and(|folder| folder.ends_with('/'));
    KINDS.iter().find(|kind| kind.images.iter().any(|known| is(known)))
}

/// The kind of server that a URL's scheme speaks to.
pub fn server_kind_of_scheme(scheme: &str) -> Option<&'static ServerKind> {
    KINDS.iter().find(|kind| kind.schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme)))
}

/// How the password of such a server is changed, one command or act a line; without a kind, what holds
/// for any service.
pub fn rotation(kind: Option<&ServerKind>, about: Rotation<'_>) -> Vec<String> {
    filled(kind.map_or(&ELSEWHERE.setting, |kind| &kind.rotation), about)
}

/// How a token that a provider issued is changed.
pub fn token_rotation(about: Rotation<'_>) -> Vec<String> {
    filled(&ELSEWHERE.provider, about)
}

fn filled(lines: &[String], about: Rotation<'_>) -> Vec<String> {
    let fill = |line: &String| {
        let line = line.replace("{compose}", about.compose).replace("{service}", about.service);
        line.replace("{user}", about.user).replace("{variable}", about.variable)
    };
    lines.iter().map(fill).collect()
}

/// `registry.example:5000/library/postgres:15@sha256:...` is `library/postgres`.
fn image_name(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    let last_slash = image.rfind('/').map_or(0, |at| at + 1);
    let image = image[last_slash..].find(':').map_or(image, |colon| &image[..last_slash + colon]);
    match image.split_once('/') {
        Some((registry, rest)) if registry.contains(['.', ':']) || registry == "localhost" => rest,
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_wherever_they_come_from() {
        for (image, kind) in [
            ("postgres", "postgres"),
            ("postgres:15-alpine", "postgres"),
            ("docker.io/library/postgres:15@sha256:abc", "postgres"),
            ("localhost:5000/mirror/postgres", "postgres"),
            ("timescale/timescaledb:2.13.0-pg15", "postgres"),
            ("redis:7", "redis"),
            ("mcr.microsoft.com/mssql/server:2022-latest", "mssql"),
            ("rabbitmq:3.12-management", "rabbitmq"),
            ("docker.elastic.co/elasticsearch/elasticsearch:8.11.0", "elasticsearch"),
            ("mariadb:11", "mariadb"),
        ] {
            assert_eq!(server_kind(image).map(|k| k.kind.as_str()), Some(kind), "{image}");
        }
        for image in
            ["postgres-exporter", "quay.io/prometheuscommunity/postgres-exporter:v0.15.0", "oliver006/redis_exporter", "", "nginx:1.22"]
        {
            assert!(server_kind(image).is_none(), "{image}");
        }
        assert_eq!(server_kind_of_scheme("postgresql").unwrap().kind, "postgres");
        assert_eq!(server_kind_of_scheme("https").map(|k| &k.kind), None);
    }

    #[test]
    fn every_kind_says_how_its_password_is_changed() {
        let about = Rotation { compose: "docker compose -f a.yml", service: "db", user: "app", variable: "DB_PASSWORD" };
        for kind in KINDS.iter() {
            let lines = rotation(Some(kind), about);
            let text = lines.join("\n");
            assert!(text.contains("<new password>") && text.contains("as DB_PASSWORD"), "{}", kind.kind);
            assert!(!text.contains('{') && !text.contains('}'), "{}", kind.kind);
            // What a shell is given is seen in the list of processes.
            let on_command_line = lines.iter().filter(|line| line.starts_with("docker"));
            assert!(on_command_line.clone().all(|line| !line.split("        ").next().unwrap().contains("<new")), "{}", kind.kind);
            assert!(
                !kind.images.is_empty() && !kind.ports.is_empty() && kind.keys.password.iter().all(|key| !key.is_empty()),
                "{}",
                kind.kind
            );
        }
        assert_eq!(rotation(server_kind("postgres"), about)[0], "docker compose -f a.yml exec db psql -U app -d postgres");
        assert!(rotation(None, about).len() > 2 && token_rotation(about).iter().any(|line| line.contains("revoke")));
    }

    #[test]
    fn the_keys_of_passwords_are_credentials_to_the_rules() {
        for kind in KINDS.iter() {
            for key in kind.keys.password.iter().filter(|key| !key.ends_with("_AUTH")) {
                assert!(super::super::key_shape(key).is_credential(), "{key}");
            }
        }
    }
}
