//! Back to a release: the same way as a deploy, but what runs is made from the release's record.

mod backup;
mod changes;
mod data;
mod found;
mod guards;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::changes::Changes;
use self::data::{Before, Data, Tenancy};
use self::guards::kept_copies;
use super::look::Standing;
use super::prove::{self, Expected};
use super::records::{Recorded, adopting, model_of};
use super::{chosen, confirmed, files, steps};
use crate::actions::{Action, MoveCurrent, NameImage, restore_steps};
use crate::engine::Spec;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::registry::Reference;
use crate::release::{Release, ServiceRecord, Target};
use crate::saga::{Plan, RunId, Verdict};
use crate::tasks::{Context, Ended, Overrides, Prepared, carry_out};

pub use self::data::Wanted as WantedData;

/// A one-shot that was done in a release runs again in a rollback when its label says so.
const AGAIN: (&str, &str) = ("xtask.rollback", "run");

/// The name of the task.
pub const TASK: &str = "rollback-release";

/// Brings a release back: the one that ran before the current one, by record, or the one named.
///
/// # Errors
/// `Refused`: there is none, or what it needs is gone; `RolledBack`: what ran serves again; `Stuck`.
pub fn rollback_release(cx: &Context<'_>, stack: Option<&str>, wanted: &Wanted, overrides: &Overrides) -> Result<Ended> {
    let stack = chosen(cx, stack)?;
    let _lock = if wanted.data.is_some() { data::lock(cx)? } else { None };
    carry_out(cx, TASK, overrides, |run| {
        let before = wanted.data.as_ref().map(|wanted| data::before(cx, stack, wanted, run)).transpose()?;
        let standing = Standing::recorded(cx, stack)?;
        let recorded = Recorded::look(cx, &standing)?;
        let target = target(&recorded, wanted.to.as_deref())?;
        Back { cx, standing, recorded, target }.prepare(before.zip(wanted.data.as_ref()), run)
    })
}

/// What the caller wants to go back to.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The release; without one, the one that ran before the current one.
    pub to: Option<String>,
    /// With its data.
    pub data: Option<WantedData>,
}

fn target(recorded: &Recorded, to: Option<&str>) -> Result<Release> {
    let stack = &recorded.shelf.stack;
    if let Some(id) = to {
        return recorded.releases.get(id);
    }
    let refused = |why: String| {
        Error::refused(format!("roll {stack} back")).why(why).help("`cargo xtask history --releases` lists them; --to RELEASE names one")
    };
    let current = recorded.current.as_ref().ok_or_else(|| refused("no release of it is recorded as running".into()))?;
    let before = current.previous.as_ref().ok_or_else(|| refused(format!("{} is the first release", current.id)))?;
    if !recorded.releases.has(before) {
        return Err(refused(format!("{before}, which ran before {}, is not kept any more", current.id)));
    }
    recorded.releases.get(before)
}

struct Back<'p> {
    cx: &'p Context<'p>,
    standing: Standing<'p>,
    recorded: Recorded,
    target: Release,
}

/// A service of the release, with the specifications of its containers.
struct Recalled {
    record: ServiceRecord,
    specs: Vec<Spec>,
    /// It is done, and shall not be done again.
    rests: bool,
    /// The services that it needs.
    needs: BTreeSet<String>,
}

impl<'p> Back<'p> {
    fn prepare(self, wanted: Option<(Before, &WantedData)>, run: &RunId) -> Result<Prepared<'p>> {
        let (mut contents, mut lost) = (Vec::new(), Vec::new());
        let model = model_of(&self.recorded.releases, &self.target).unwrap_or_else(|error| {
            lost.push(error.to_string());
            None
        });
        let services = self.recall(model.as_ref(), &mut contents, &mut lost)?;
        let same = self.target.root == self.cx.project.root;
        // Of a folder that is gone this one has taken the place.
        let here = same || !self.target.root.exists();
        let (restored, files) = if here { self.files(&mut contents, &mut lost)? } else { Default::default() };
        let targets: BTreeMap<String, Target> =
            services.iter().filter(|(_, service)| !service.rests).map(|(name, service)| (name.clone(), aim(service))).collect();
        let readers = model.as_ref().map(|model| self.readers(model, &restored)).unwrap_or_default();
        let data = wanted.map(|wanted| self.data(&services, wanted, run)).transpose()?;
        let Changes { stops, changes, replaced, told } = self.changes(&services, &readers, data.as_ref());
        let mut plan = Plan::new(TASK, Vec::new());
        plan.stacks = vec![self.standing.stack.id.clone()];
        plan.args = vec![self.standing.stack.id.clone(), format!("--to={}", self.target.id)];
        plan.args.extend(data.as_ref().map(|data| format!("--with-data={}", data.backup)));
        let mut guards = vec![self.images_are_kept(&services)?, self.volumes_are_there(&services)?, kept_copies(lost)];
        guards.extend((!same).then(|| self.bound_files(&services)));
        let mut other = vec![format!("roll {} back to {}", self.standing.stack.id, self.title())];
        if !here {
            other.push(format!("it was deployed from {}, whose files it reads; those here stay as they are", self.target.root.display()));
        }
        if let Some(data) = &data {
            guards.extend(data.guards.iter().cloned());
            other.extend(data.lines.iter().cloned());
        }
        other.extend(told);
        other.extend(files);
        let preview = vec![Event::Planned { files: Vec::new(), other }];
        let current = self.recorded.current.as_ref().map(|release| release.id.as_str());
        let recorded = current == Some(&self.target.id);
        // Also where it runs already, as after somebody has gone back by hand, the record shall say so.
        if !changes.is_empty() || !restored.is_empty() || !recorded {
            // A server that loads dumps reads its files as they were.
            let early = data.as_ref().is_some_and(|data| !data.servers.is_disjoint(&readers));
            let (first, restored) = if early { (restored, Vec::new()) } else { (Vec::new(), restored) };
            plan.steps.extend(data.iter().flat_map(Data::saving));
            plan.steps.extend(first);
            plan.steps.extend(data.as_ref().map(Data::filling));
            plan.steps.push(steps::keep(&self.standing));
            plan.steps.extend(adopting(self.cx, &self.standing, &self.recorded, run, &mut contents)?.map(|adopted| adopted.action));
            plan.steps.extend(self.names(&services)?);
            plan.steps.extend(restored);
            plan.steps.extend(stops);
            plan.steps.extend(data.as_ref().map(Data::exchanging));
            plan.steps.extend(changes);
            if !recorded {
                plan.finish.push(Action::MoveCurrent(MoveCurrent { shelf: self.recorded.shelf.clone(), id: self.target.id.clone() }));
            }
            plan.after.extend(steps::remove(replaced.clone()));
            plan.after.extend(data.as_ref().map(Data::dropping));
        }
        let (still, cx, standing) = (self.recorded.still(&self.standing), self.cx, self.standing);
        let (question, project) = (data.as_ref().map(|data| data.question.clone()), standing.call.project.clone());
        Ok(Prepared {
            guards,
            projects: vec![project.clone()],
            plan,
            contents,
            preview,
            still: Some(Box::new(move || {
                question.as_ref().map_or(Ok(()), |question| confirmed(cx, question, &project, "roll back with the data"))?;
                still()
            })),
            prove: Box::new(move |world| {
                let expected = Expected { targets: &targets, services: &[], replaced: &replaced };
                match (prove::prove(cx, world, &standing, &expected)?, &data) {
                    (Verdict::Holds(proof), Some(data)) => data.prove(cx, world, &standing, &replaced, proof),
                    (verdict, _) => Ok(verdict),
                }
            }),
        })
    }

    fn data(&self, services: &BTreeMap<String, Recalled>, wanted: (Before, &WantedData), run: &RunId) -> Result<Data> {
        let tenancies = services.iter().map(|(name, service)| {
            let specs = service.specs.iter().zip(service.record.containers.values()).collect();
            (name.clone(), Tenancy { image: &service.record.image, specs })
        });
        Data::look(self.cx, &self.standing, &self.recorded, &self.target, &tenancies.collect(), wanted, run)
    }

    fn title(&self) -> String {
        let tag = self.target.tag.as_ref().map(|tag| format!(" ({tag})")).unwrap_or_default();
        format!("{}{tag}", self.target.id)
    }

    /// The services of the release; what their specifications are goes among the contents of the run.
    fn recall(&self, model: Option<&Value>, contents: &mut Vec<Vec<u8>>, lost: &mut Vec<String>) -> Result<BTreeMap<String, Recalled>> {
        let blobs = self.recorded.releases.blobs(&self.target.id)?;
        let mut services = BTreeMap::new();
        for (name, record) in &self.target.services {
            let mut specs = Vec::new();
            for sha in record.containers.values() {
                match blobs.get(sha).and_then(|content| Ok((Spec::from_bytes(&content)?, content))) {
                    Ok((spec, content)) => {
                        specs.push(spec);
                        contents.push(content);
                    }
                    Err(error) => lost.push(error.to_string()),
                }
            }
            let again = specs.iter().any(|spec| spec.label(AGAIN.0) == AGAIN.1);
            // A container that was made alone does not tell what it needs; the model does.
            let told = specs.iter().flat_map(|spec| spec.label("com.docker.compose.depends_on").split(',').collect::<Vec<_>>());
            let mut needs: BTreeSet<String> = told.filter_map(|entry| entry.split(':').next()).map(String::from).collect();
            let declared = model.and_then(|model| model.get("services")?.get(name)?.get("depends_on")?.as_object());
            needs.extend(declared.into_iter().flatten().map(|(needed, _)| needed.clone()));
            needs.remove("");
            services.insert(name.clone(), Recalled { rests: record.done && !again, record: record.clone(), specs, needs });
        }
        Ok(services)
    }

    /// The steps that put bound and used files back, and what they do in words.
    fn files(&self, contents: &mut Vec<Vec<u8>>, lost: &mut Vec<String>) -> Result<(Vec<Action>, Vec<String>)> {
        let restored = restore_steps(&self.target, &self.cx.project.root)?;
        let blobs = self.recorded.releases.blobs(&self.target.id)?;
        for sha in &restored.contents {
            match blobs.get(sha) {
                Ok(content) => contents.push(content),
                Err(error) => lost.push(error.to_string()),
            }
        }
        let words = restored.steps.iter().map(crate::saga::Step::<crate::actions::World>::label).collect();
        Ok((restored.steps, words))
    }

    /// The services that read a file which is put back: they must be started with it.
    fn readers(&self, model: &Value, restored: &[Action]) -> BTreeSet<String> {
        let path = |action: &Action| match action {
            Action::WriteFile(write) => Some(self.cx.project.root.join(&write.path)),
            Action::RemoveFile(remove) => Some(self.cx.project.root.join(&remove.path)),
            _ => None,
        };
        files::readers(model, &restored.iter().filter_map(path).collect())
    }

    /// Owners of namespaces, and what others depend on, come first.
    fn in_order(&self, services: &BTreeMap<String, Recalled>) -> Vec<String> {
        let specs = services.iter().flat_map(|(name, service)| service.specs.iter().map(move |spec| (spec.name.as_str(), name)));
        let whose: BTreeMap<&str, &String> = specs.collect();
        let placed = |service: &Recalled| {
            let target = aim(service);
            let owners = target.inside.iter().filter_map(|container| whose.get(container.as_str())).map(|name| (*name).clone());
            Target { inside: owners.collect(), ..target }
        };
        let targets = services.iter().map(|(name, service)| (name.clone(), placed(service))).collect();
        crate::release::in_order(&targets)
    }

    /// Every image has the name again by which the release knew it.
    fn names(&self, services: &BTreeMap<String, Recalled>) -> Result<Vec<Action>> {
        let mut steps = Vec::new();
        let mut seen = BTreeSet::new();
        for service in services.values().filter(|service| !service.rests) {
            let ServiceRecord { image, image_id, .. } = &service.record;
            let Some(name) = Reference::parse(image).ok().and_then(|reference| reference.movable()) else { continue };
            let now = self.standing.live.engine.image(&name)?.map(|image| image.id);
            if now.as_ref() != Some(image_id) && seen.insert(name.clone()) {
                steps.push(Action::NameImage(NameImage { name, image_id: Some(image_id.clone()) }));
            }
        }
        Ok(steps)
    }
}

/// What must run again.
fn aim(service: &Recalled) -> Target {
    Target {
        image: service.record.image.clone(),
        image_id: Some(service.record.image_id.clone()),
        config_hash: service.record.config_hash.clone(),
        replicas: service.specs.len(),
        needs: service.needs.clone(),
        inside: service.specs.iter().flat_map(|spec| spec.owners.values().cloned()).collect(),
        ..Target::default()
    }
}
