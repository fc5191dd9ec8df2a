//! Which variables a project's stacks use, who uses them, and what holds without them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::survey::{Survey, View};
use crate::model::interpolate::Op;
use crate::model::{Found, Reference};
use crate::source::real;
use crate::text::Span;

/// One variable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// The services, and what is no service as `networks.front`.
    pub services: BTreeSet<String>,
    /// The defaults that stand in `${NAME:-...}`, as written. More than one: they contradict each other.
    pub defaults: BTreeSet<String>,
    /// Somewhere it has no default, or Compose refuses to go on without it.
    pub required: bool,
    /// Somewhere something else stands in for it when it is set: `${NAME:+...}`.
    pub replaced: bool,
    /// It stands by its name alone under some `environment`.
    pub bare: bool,
    /// Some stack has no value for it.
    pub unset: bool,
}

/// What `${}` and names alone ask for, in the stacks that `of` chooses; what Compose sets itself is not among them.
pub fn referenced(survey: &Survey<'_>, of: impl Fn(&View<'_>) -> bool) -> BTreeMap<String, Usage> {
    let mut found: BTreeMap<String, Usage> = BTreeMap::new();
    for view in survey.views.iter().filter(|view| of(view)) {
        for reference in view.model.references.iter().filter(|reference| !own(reference)) {
            let usage = found.entry(reference.name.clone()).or_default();
            usage.services.insert(reference.service.clone().unwrap_or_else(|| reference.place.clone()));
            usage.unset |= matches!(reference.found, Found::Unset | Found::StandIn);
            match reference.op {
                Op::Default { .. } => drop(usage.defaults.insert(argument(view, reference).unwrap_or("${}").to_string())),
                Op::Alternate { .. } => usage.replaced = true,
                Op::None | Op::Required { .. } => usage.required = true,
            }
        }
        for service in view.model.services() {
            for (name, _) in view.model.environment_of(service).into_iter().filter(|(_, value)| value.is_none()) {
                let usage = found.entry(name.to_string()).or_default();
                usage.services.insert(service.to_string());
                usage.bare = true;
            }
        }
    }
    found
}

/// The services of any stack that load this env file.
pub fn loaders(survey: &Survey<'_>, file: &Path) -> BTreeSet<String> {
    let services = survey.views.iter().flat_map(|view| &view.model.env_files);
    let loads = |path: &Path| path == file || real(path) == file;
    services.filter(|(_, files)| files.iter().any(|loaded| loads(&loaded.path))).map(|(service, _)| service.clone()).collect()
}

fn own(reference: &Reference) -> bool {
    reference.found == Found::Compose || reference.name.starts_with("COMPOSE_")
}

fn argument<'v>(view: &'v View<'_>, reference: &Reference) -> Option<&'v str> {
    let source = view.model.sources.get(reference.at.file as usize)?;
    reference.argument.map(|span: Span| span.slice(&source.text))
}
