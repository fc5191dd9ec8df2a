use std::collections::BTreeSet;

use crate::catalogue::key_shape;
use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Found, Reference, Rule, Subject};
use crate::yaml::Value;

use super::given::is_credential;
use crate::rules::listed::listed;

pub static RULE: Rule = Rule {
    name: "inline-config-secret",
    title: "a config holds a credential",
    doc: "A config is a file that every process of its containers can read, and `content` writes it into the compose \
        file; a `${VARIABLE}` in it is replaced before the container starts. Keep the credential in a secret, and let the \
        configuration name its file, or read it from there at the start.",
    category: Category::SecretsManagement,
    priority: Priority::P0,
    references: &[Reference::Spec("configs.content"), Reference::Spec("secrets")],
    fix: FixKind::Report,
    check: Check::Stack(check),
};

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    for (name, config) in subject.top("configs") {
        let Some(content) = config.get("content").and_then(Value::as_str) else { continue };
        let place = format!("configs.{name}.content");
        let mut keys: BTreeSet<&str> = content.split(['\n', '{', '}', ',', ';']).filter_map(assigned).collect();
        let variables = subject.model.references.iter().filter(|reference| reference.place == place);
        if keys.is_empty() {
            keys.extend(variables.map(|reference| reference.name.as_str()).filter(|name| key_shape(name).is_credential()));
        }
        if keys.is_empty() {
            continue;
        }
        let keys: Vec<&str> = keys.into_iter().collect();
        found.report(
            subject.top_spot("configs", name),
            format!("the config `{name}` holds {}, for every process of its containers to read", listed(&keys)),
            "keep it in a secret, and let the configuration read the secret's file",
        );
    }
}

/// The key of `key: value`, `key = value` or `"key": "value"` that holds a credential.
fn assigned(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches("- ").trim_start_matches("export ");
    if line.starts_with(['#', ';', '/']) {
        return None;
    }
    let at = line.find([':', '='])?;
    let key = line[..at].trim().trim_matches(['"', '\'']);
    let value = line[at + 1..].trim().trim_matches(['"', '\'']);
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    (is_key && is_credential(key, value)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::rules::testing::Fixture;

    #[test]
    fn finds_credentials_and_variables_that_bring_them() {
        Fixture::new(
            "
services:
  web: {image: x, configs: [literal, json, variable, clean, file]}
configs:
  literal:
# ^^^^^^^ the config `literal` holds `admin_password` and `api_token`, for every process of its containers to read
    content: |
      user = app
      admin_password = hunter22
      api_token: \"abcdefgh12\"
  json:
# ^^^^ the config `json` holds `password`, for every process of its containers to read
    content: '{\"db\": {\"user\": \"a\", \"password\": \"hunter22\"}}'
  variable:
# ^^^^^^^^ the config `variable` holds `DB_PASSWORD`, for every process of its containers to read
    content: |
      url postgres://app:${DB_PASSWORD}@db/app
  clean:
    content: |
      # password = hunter22
      password_file = /run/secrets/db
      token_ttl: 15m
      password: {{ env \"DB_PASSWORD\" }}
      level: ${LEVEL:-info}
  file: {file: ./app.conf}
",
        )
        .file(".env", "DB_PASSWORD=hunter22\n")
        .assert_findings(&RULE);
    }
}
