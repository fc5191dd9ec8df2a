//! What a service starts that is built in the folder of another, and so gets that one's image.

use serde_json::Value as Json;

use super::{Recipe, Refused, Subject, entry};

/// How such a service is started in production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// As its compose file says, else as the image does.
    Told,
    /// Its compose file starts something for development: nobody knows what it is elsewhere.
    Untold,
}

/// `first` is whose image it is, and `recipe` its recipe.
///
/// # Errors
/// It would start, or be asked, what is the other's.
pub fn start(subject: &Subject<'_>, first: &Subject<'_>, recipe: &Recipe) -> Result<Start, Refused> {
    let (service, other) = (subject.service, first.service);
    let has = |key: &str| subject.definition.get(key).is_some_and(|value| !value.is_null());
    let composed = entry::of_compose(subject);
    if composed.is_none() && (has("command") || has("entrypoint")) {
        return Ok(Start::Untold);
    }
    let present = entry::of_dockerfile(subject);
    let same = match (&composed, &present) {
        (Some(words), _) | (None, Some(words)) if *words == recipe.entry => true,
        (Some(_), _) => false,
        (None, None) if subject.build.text == first.build.text => true,
        (None, _) => {
            let starts = recipe.entry.join(" ");
            return Err(Refused::new(
                format!(
                    "{service} is built in the folder of {other}, and the image of that folder starts `{starts}`, which is not what {service} starts now"
                ),
                format!("write what it starts as its `command` into the compose file, or {}", leave_out(service)),
            ));
        }
    };
    let checked = subject
        .definition
        .get("healthcheck")
        .is_some_and(|check| check.get("test").is_some() || check.get("disable") == Some(&Json::Bool(true)));
    if !same && !checked && recipe.health.is_some() {
        return Err(Refused::new(
            format!("{service} is built in the folder of {other}, and the image of that folder asks how {other} is"),
            format!(
                "give {service} a `healthcheck` of its own in the compose file (`disable: true` where it answers no questions), or {}",
                leave_out(service)
            ),
        ));
    }
    Ok(Start::Told)
}

fn leave_out(service: &str) -> String {
    format!("leave it out: `dockerfile-prod: {{services: {{{service}: {{skip: true}}}}}}`")
}
