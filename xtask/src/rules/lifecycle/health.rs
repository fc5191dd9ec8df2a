//! What is known about how a service's health is seen.

use crate::catalogue::HealthCommand;
use crate::rules::Service;
use crate::surroundings::dockerfile;
use crate::yaml::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The compose file says how, or the Dockerfile that the service is built from.
    Checked,
    /// The compose file switches it off.
    Disabled,
    /// Neither says anything; an image from elsewhere may.
    Unsaid,
}

pub fn health(service: &Service<'_>) -> Health {
    let none = service.items("healthcheck.test").first().and_then(Value::as_str) == Some("NONE");
    match service.get("healthcheck") {
        _ if none || service.flag("healthcheck.disable") => Health::Disabled,
        Some(_) => Health::Checked,
        None if is_built_with_one(service) => Health::Checked,
        None => Health::Unsaid,
    }
}

fn is_built_with_one(service: &Service<'_>) -> bool {
    let build = service.subject.surroundings.builds.get(service.name);
    build.and_then(|build| build.image.as_ref()).is_some_and(|image| image.health == Some(dockerfile::Health::Command))
}

/// A health command that works inside the service's image.
pub fn known_command(service: &Service<'_>) -> Option<&'static HealthCommand> {
    let image = service.image()?;
    service.kind()?.container(image)?.health.as_ref()
}

/// Whether it does its work and ends: nobody asks such a service how it is.
pub fn is_job(service: &Service<'_>) -> bool {
    let says = |path: &str, words: &[&str]| service.text(path).is_some_and(|text| words.contains(&text));
    says("restart", &["no"])
        || says("deploy.mode", &["replicated-job", "global-job"])
        || says("deploy.restart_policy.condition", &["none"])
        || service.get("provider").is_some()
        || service.subject.is_awaited(service.name)
}
