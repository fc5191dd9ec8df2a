use std::cell::OnceCell;
use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::Subject;
use crate::yaml::Value;

type Names = HashSet<String, RandomState>;

/// What rules ask of all services together, for each of them: worked out once, when it is first asked for. A stack can
/// have thousands.
#[derive(Debug, Default)]
pub struct Known {
    completed: OnceCell<Names>,
    built: OnceCell<Names>,
}

/// What is waited for before a service starts.
pub(super) fn condition(need: &Value) -> Option<&str> {
    need.get("condition").and_then(Value::as_str)
}

impl Subject<'_> {
    /// Whether a service starts only when the one of this name has done its work and ended.
    pub(super) fn is_awaited(&self, name: &str) -> bool {
        let collect = || {
            let needs = self.top("services").filter_map(|(_, service)| service.get("depends_on")?.as_map()).flatten();
            let completed = needs.filter(|(_, need)| condition(&need.value) == Some("service_completed_successfully"));
            completed.map(|(name, _)| name.clone()).collect()
        };
        self.known.completed.get_or_init(collect).contains(name)
    }

    /// Whether a service builds an image of this repository, which `repository` reads from the image's reference.
    pub(super) fn is_built(&self, name: &str, repository: fn(&str) -> &str) -> bool {
        let collect = || {
            let builds =
                self.top("services").filter(|(_, service)| service.get("build").is_some_and(|build| build.data != crate::yaml::Data::Null));
            let images = builds.filter_map(|(_, service)| service.get("image")?.as_str());
            images.map(|image| repository(image).to_string()).collect()
        };
        self.known.built.get_or_init(collect).contains(name)
    }
}
