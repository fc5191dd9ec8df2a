//! What a service would come to see differently, and so keeps under its own `environment`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::loads::{Load, entries, reads_main};
use super::phase::survey::{Survey, View};
use crate::dotenv::Quoting;
use crate::secret::Secret;
use crate::tasks::hidden::by_place;
use crate::text::template::{self, Segment};

/// A variable of one service, as it is to be written into a compose file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub stack: String,
    pub service: String,
    pub name: String,
    /// As Compose reads it: `$` doubled, variables as `${}`.
    pub text: Secret,
    /// The compose file.
    pub file: PathBuf,
}

#[derive(Debug, Default)]
pub struct Pins {
    pub pins: Vec<Pin>,
    /// What has another value and may: stack, service and name.
    pub declared: BTreeSet<(String, String, String)>,
    /// What cannot be written down, and why.
    pub refused: Vec<String>,
}

/// What the pins are worked out from.
pub struct Pinning<'a> {
    pub main: &'a Path,
    pub before: &'a Survey<'a>,
    /// The project with the new `.env` and the new entries.
    pub planned: &'a Survey<'a>,
    pub loads: &'a [Load],
    /// Variables for which the root's value is to hold.
    pub yielding: &'a BTreeSet<String>,
    /// Services get `${NAME}` where that gives the value.
    pub explicit: bool,
}

impl Pinning<'_> {
    pub fn pins(&self) -> Pins {
        let mut found = Pins::default();
        for view in self.before.views.iter().filter(|view| view.chosen) {
            let Some(planned) = self.planned.views.iter().find(|planned| planned.stack.id == view.stack.id) else { continue };
            for service in view.model.services() {
                self.service(view, planned, service, &mut found);
            }
        }
        found
    }

    fn service(&self, view: &View<'_>, planned: &View<'_>, service: &str, found: &mut Pins) {
        let after = planned.model.environment_of(service);
        for (name, given) in view.model.environment_of(service) {
            let Some((value, _)) = given else { continue };
            let now = after.get(name).copied().flatten().map(|(value, _)| value);
            if now == Some(value) {
                continue;
            }
            if now.is_some() && self.yielding.contains(name) {
                found.declared.insert((view.stack.id.clone(), service.to_string(), name.to_string()));
                continue;
            }
            let at = || format!("{service} ({}): {name}", view.stack.id);
            let Some(file) = file_of(view, service) else {
                found.refused.push(format!("{} would change, and no file of the stack declares the service", at()));
                continue;
            };
            match self.text(view, planned, service, name, value) {
                Some(text) => found.pins.push(Pin {
                    stack: view.stack.id.clone(),
                    service: service.to_string(),
                    name: name.to_string(),
                    text: Secret::new(text),
                    file,
                }),
                None => found.refused.push(format!("{} is a secret with a value of its own, which a compose file must not hold", at())),
            }
        }
    }

    /// What gives the service its value again.
    fn text(&self, view: &View<'_>, planned: &View<'_>, service: &str, name: &str, value: &str) -> Option<String> {
        if self.explicit && reads_main(planned, self.main) && planned.model.lookup(name) == Some(value) {
            // `:?` also refuses an empty value.
            let operator = if value.is_empty() { "?" } else { ":?" };
            return Some(format!("${{{name}{operator}set {name} in .env}}"));
        }
        let gives =
            |text: &String| template::substitute(text, &|name| planned.model.lookup(name).map(String::from)).is_ok_and(|is| is == value);
        if let Some(text) = self.as_written(view, service, name).filter(gives) {
            return Some(text);
        }
        let is_secret = !by_place(std::iter::once((name, value))).is_empty();
        (!is_secret).then(|| value.replace('$', "$$"))
    }

    /// The value as its env file has it, where it is made of variables.
    fn as_written(&self, view: &View<'_>, service: &str, name: &str) -> Option<String> {
        let of = (view.stack.id.clone(), service.to_string());
        let load = self.loads.iter().rfind(|load| load.services.contains(&of) && !load.raw && self.holds(load, view, name))?;
        let source = view.model.sources.iter().find(|source| source.path == load.path)?;
        let text = source.text.trim_start_matches('\u{feff}');
        let entry = entries(text, false, view).remove(name)?;
        let written = entry.value_span.slice(text);
        let inner = match entry.quoting {
            Quoting::Plain => written,
            Quoting::Double if written.len() > 1 && !written.contains('\\') => &written[1..written.len() - 1],
            _ => return None,
        };
        template::parse(inner).iter().any(|segment| matches!(segment, Segment::Var(_))).then(|| inner.to_string())
    }

    fn holds(&self, load: &Load, view: &View<'_>, name: &str) -> bool {
        let source = view.model.sources.iter().find(|source| source.path == load.path);
        source.is_some_and(|source| entries(source.text.trim_start_matches('\u{feff}'), false, view).contains_key(name))
    }
}

/// The last file of the stack that declares the service.
fn file_of(view: &View<'_>, service: &str) -> Option<PathBuf> {
    let declares = |path: &&PathBuf| {
        let source = view.model.sources.iter().find(|source| source.path == **path);
        let roots = source.into_iter().flat_map(|source| source.documents()).map(|document| &document.root);
        roots.filter_map(|root| root.get("services")).any(|services| services.get(service).is_some())
    };
    view.stack.files.iter().rfind(declares).cloned()
}
