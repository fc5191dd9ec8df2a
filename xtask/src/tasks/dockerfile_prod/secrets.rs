//! What of the present Dockerfiles, and of what services start, must not be shown or written.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::look::Looked;
use crate::rules::{ComposeSource, credentials_in_compose};
use crate::secret::{Masker, Secret};
use crate::surroundings::dockerfile::Command;
use crate::tasks::{Context, hidden};
use crate::yaml::{Limits, expand, read};

/// Takes out of text what the project's files hold, and what its Dockerfiles do.
pub fn masker(cx: &Context<'_>, looked: &Looked<'_>) -> Masker {
    let mut secrets = hidden::of_project(cx, looked.models.iter().map(|read| &read.model));
    let stages = looked.models.iter().flat_map(|read| read.builds.values()).filter_map(|build| build.dockerfile.as_ref());
    for stage in stages.flat_map(|file| &file.stages) {
        let environment: BTreeMap<&String, &String> =
            stage.environment.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
        secrets.extend(credentials(
            &json!({"environment": environment, "entrypoint": words(&stage.entrypoint), "command": words(&stage.command)}),
        ));
    }
    for recipe in looked.made.iter().map(|made| &made.recipe) {
        secrets.extend(credentials(&json!({"command": recipe.entry})));
    }
    hidden::masker(&secrets)
}

fn words(command: &Option<Command>) -> Json {
    match command {
        Some(Command::Words(words)) => json!(words),
        Some(Command::Shell(line)) => json!(line),
        None => json!([]),
    }
}

/// As if a service were declared so.
fn credentials(service: &Json) -> Vec<Secret> {
    let text = json!({"services": {"it": service}}).to_string();
    let Ok(documents) = read(&text, Limits::default()) else { return Vec::new() };
    let values: Vec<_> = documents.iter().filter_map(|document| expand(document, 0).ok()).collect();
    let source = ComposeSource { path: "".as_ref(), file: 0, text: &text, documents: &documents, values: &values };
    credentials_in_compose(&source).into_iter().map(|evidence| evidence.secret).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dockerfile_s_credentials_are_found_as_a_service_s_are() {
        let found = |service: Json| credentials(&service).iter().map(|secret| secret.expose().to_string()).collect::<Vec<_>>();
        assert_eq!(found(json!({"environment": {"API_KEY": "k-7Hq2x9Lm", "LEVEL": "info"}})), ["k-7Hq2x9Lm"]);
        assert_eq!(found(json!({"command": ["node", "x.js", "--token=t-7Hq2x9Lm"]})), ["t-7Hq2x9Lm"]);
        assert_eq!(found(json!({"command": "node x.js --password t-7Hq2x9Lm"})), ["t-7Hq2x9Lm"]);
        assert_eq!(found(json!({"command": ["node", "x.js", "--port=3000"]})), [""; 0]);
    }
}
