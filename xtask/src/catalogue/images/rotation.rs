//! How a credential of a server is changed by hand.

use std::sync::LazyLock;

use serde::Deserialize;

use super::kind::ServerKind;

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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    setting: Vec<String>,
    provider: Vec<String>,
}

static ELSEWHERE: LazyLock<Elsewhere> = LazyLock::new(|| {
    let text = include_str!("../../../../policies/rotation.yaml");
    serde_yaml::from_str(text).expect("policies/rotation.yaml is built in and held by a test")
});

/// How the password of such a server is changed, one command or act a line; without a kind, or for one
/// that has no way of its own, what holds for any service.
pub fn rotation(kind: Option<&ServerKind>, about: Rotation<'_>) -> Vec<String> {
    let own = kind.map(|kind| &kind.rotation).filter(|lines| !lines.is_empty());
    filled(own.unwrap_or(&ELSEWHERE.setting), about)
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

#[cfg(test)]
mod tests {
    use super::super::index::{every_kind, server_kind};
    use super::*;

    #[test]
    fn every_kind_with_a_rotation_says_how_its_password_is_changed() {
        let about = Rotation { compose: "docker compose -f a.yml", service: "db", user: "app", variable: "DB_PASSWORD" };
        let own = || every_kind().filter(|kind| !kind.rotation.is_empty());
        assert!(own().count() >= 15, "kinds with a rotation of their own");
        for kind in own() {
            let lines = rotation(Some(kind), about);
            let text = lines.join("\n");
            assert!(text.contains("<new password>") && text.contains("as DB_PASSWORD"), "{}", kind.kind);
            assert!(!text.contains('{') && !text.contains('}'), "{}", kind.kind);
            // What a shell is given is seen in the list of processes.
            let on_command_line = lines.iter().filter(|line| line.starts_with("docker"));
            assert!(on_command_line.clone().all(|line| !line.split("        ").next().unwrap().contains("<new")), "{}", kind.kind);
            assert!(!kind.ports.is_empty() && kind.keys.password.iter().all(|key| !key.is_empty()), "{}", kind.kind);
        }
        assert_eq!(rotation(server_kind("postgres"), about)[0], "docker compose -f a.yml exec db psql -U app -d postgres");
        assert!(rotation(None, about).len() > 2 && token_rotation(about).iter().any(|line| line.contains("revoke")));
        assert_eq!(rotation(server_kind("nginx"), about), rotation(None, about));
    }
}
