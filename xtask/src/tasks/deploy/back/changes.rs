//! What happens to the services when a release comes back.

use std::collections::{BTreeMap, BTreeSet};

use super::data::Data;
use super::{Back, Recalled};
use crate::actions::{Action, Proxy, Replace, Source, StartService, StopService};

/// What happens to the services, in order, and what is said of it.
#[derive(Default)]
pub struct Changes {
    /// Before the data is exchanged.
    pub stops: Vec<Action>,
    pub changes: Vec<Action>,
    /// Ids of containers.
    pub replaced: Vec<String>,
    pub told: Vec<String>,
}

impl Back<'_> {
    /// A step for each service that does not run as it did in the release. Where data goes back, whoever uses it, and
    /// whoever needs them, is stopped before anything is replaced.
    pub(super) fn changes(&self, services: &BTreeMap<String, Recalled>, readers: &BTreeSet<String>, data: Option<&Data>) -> Changes {
        let mut made = Changes::default();
        let now = self.standing.now();
        let (call, settle_secs) = (&self.standing.call, 0);
        let stop = |service: &String| Action::StopService(StopService { call: call.clone(), service: service.clone() });
        let order = self.in_order(services);
        let held = data.map(|data| self.leaning(services, &order, &data.users)).unwrap_or_default();
        let gone: BTreeSet<&String> =
            now.iter().filter(|one| one.running && !services.contains_key(&one.service)).map(|one| &one.service).collect();
        let mut stops = Vec::new();
        for name in order {
            let service = &services[&name];
            let here: Vec<_> = now.iter().filter(|container| container.service == name).collect();
            let same = !readers.contains(&name)
                && here.len() == service.specs.len()
                && here
                    .iter()
                    .all(|one| one.image_id == service.record.image_id && one.config_hash == service.record.config_hash && one.running);
            let source = Source::Spec { containers: service.record.containers.values().cloned().collect() };
            let (call, name) = (call.clone(), name);
            if service.rests {
                made.told.push(format!("{name}  stays as it is: it was done in {}", self.target.id));
                continue;
            }
            if same && !held.contains(&name) {
                made.told.push(format!("{name}  stays as it is"));
                continue;
            }
            if data.is_some() && here.iter().any(|one| one.running) {
                stops.push(stop(&name));
            }
            if same {
                made.told.push(format!("{name}  stops, and starts again on the data of then"));
                made.changes.push(Action::StartService(StartService { call, service: name, source, surplus: Vec::new(), settle_secs }));
            } else if here.is_empty() {
                made.told.push(format!("{name}  start  {}", service.record.image));
                made.changes.push(Action::StartService(StartService { call, service: name, source, surplus: Vec::new(), settle_secs }));
            } else {
                made.told.push(format!("{name}  swap  {}", service.record.image));
                made.replaced.extend(here.iter().map(|container| container.id.clone()));
                let proxy = self.standing.settings.proxy.get(&name).map(|proxy| Proxy::nginx(proxy));
                made.changes.push(Action::Replace(Replace { call, service: name, rolling: false, source, settle_secs, proxy }));
            }
        }
        for name in gone {
            made.told.push(format!("{name}  stop: it was no part of {}; its containers stay", self.target.id));
            if data.is_some() { made.stops.push(stop(name)) } else { made.changes.push(stop(name)) }
        }
        // Whoever needs others ends before them.
        made.stops.extend(stops.into_iter().rev());
        made
    }

    /// These services, and whoever needs one of them, to the end of every chain.
    fn leaning(&self, services: &BTreeMap<String, Recalled>, order: &[String], users: &BTreeSet<String>) -> BTreeSet<String> {
        let mut held = users.clone();
        // Each stands after those that it needs.
        for name in order {
            if services[name].needs.iter().any(|needed| held.contains(needed)) {
                held.insert(name.clone());
            }
        }
        held
    }
}
