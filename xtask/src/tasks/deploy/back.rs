//! Back to a release: the same way as a deploy, but what runs is made from the release's record.

use std::collections::{BTreeMap, BTreeSet};

use super::look::Standing;
use super::prove::{self, Expected};
use super::records::{Recorded, adopting, model_of};
use super::{chosen, files, steps};
use crate::actions::{Action, MoveCurrent, NameImage, Replace, Source, StartService, StopService, restore_steps};
use crate::engine::Spec;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::guards::Checked;
use crate::registry::Reference;
use crate::release::{KeptFile, Release, ServiceRecord, Target};
use crate::saga::{Plan, RunId, Sha};
use crate::source::{Disk, Files};
use crate::tasks::{Context, Ended, Overrides, Prepared, carry_out};

/// A one-shot that was done in a release runs again in a rollback when its label says so.
const AGAIN: (&str, &str) = ("xtask.rollback", "run");

/// The name of the task.
pub const TASK: &str = "rollback-release";

/// Brings a release back: the one that ran before the current one, by record, or the one named.
///
/// # Errors
/// `Refused`: there is none, or what it needs is gone; `RolledBack`: what ran serves again; `Stuck`.
pub fn rollback_release(cx: &Context<'_>, stack: Option<&str>, to: Option<&str>, overrides: &Overrides) -> Result<Ended> {
    let stack = chosen(cx, stack)?;
    carry_out(cx, TASK, overrides, |run| {
        let standing = Standing::recorded(cx, stack)?;
        let recorded = Recorded::look(cx, &standing)?;
        let target = target(&recorded, to)?;
        Back { cx, standing, recorded, target }.prepare(run)
    })
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
}

impl<'p> Back<'p> {
    fn prepare(self, run: &RunId) -> Result<Prepared<'p>> {
        let (mut contents, mut lost) = (Vec::new(), Vec::new());
        let services = self.recall(&mut contents, &mut lost)?;
        let same = self.target.root == self.cx.project.root;
        // Of a folder that is gone this one has taken the place.
        let here = same || !self.target.root.exists();
        let (restored, files) = if here { self.files(&mut contents, &mut lost)? } else { Default::default() };
        let targets: BTreeMap<String, Target> =
            services.iter().filter(|(_, service)| !service.rests).map(|(name, service)| (name.clone(), aim(service))).collect();
        let readers = self.readers(&restored).unwrap_or_else(|error| {
            lost.push(error.to_string());
            BTreeSet::new()
        });
        let (changes, replaced, told) = self.changes(&services, &readers);
        let mut plan = Plan::new(TASK, Vec::new());
        plan.stacks = vec![self.standing.stack.id.clone()];
        plan.args = vec![self.standing.stack.id.clone(), format!("--to={}", self.target.id)];
        let mut guards = vec![self.images_are_kept(&services)?, self.volumes_are_there(&services)?, kept_copies(lost)];
        guards.extend((!same).then(|| self.bound_files(&services)));
        let mut other = vec![format!("roll {} back to {}", self.standing.stack.id, self.title())];
        if !here {
            other.push(format!("it was deployed from {}, whose files it reads; those here stay as they are", self.target.root.display()));
        }
        other.extend(told);
        other.extend(files);
        let preview = vec![Event::Planned { files: Vec::new(), other }];
        let current = self.recorded.current.as_ref().map(|release| release.id.as_str());
        let recorded = current == Some(&self.target.id);
        // Also where it runs already, as after somebody has gone back by hand, the record shall say so.
        if !changes.is_empty() || !restored.is_empty() || !recorded {
            plan.steps.push(steps::keep(&self.standing));
            plan.steps.extend(adopting(self.cx, &self.standing, &self.recorded, run, &mut contents)?.map(|adopted| adopted.action));
            plan.steps.extend(self.names(&services)?);
            plan.steps.extend(restored);
            plan.steps.extend(changes);
            if !recorded {
                plan.finish.push(Action::MoveCurrent(MoveCurrent { shelf: self.recorded.shelf.clone(), id: self.target.id.clone() }));
            }
            plan.after.extend(steps::remove(replaced.clone()));
        }
        let (still, cx, standing) = (self.recorded.still(&self.standing), self.cx, self.standing);
        Ok(Prepared {
            guards,
            projects: vec![standing.call.project.clone()],
            plan,
            contents,
            preview,
            still: Some(still),
            prove: Box::new(move |world| {
                prove::prove(cx, world, &standing, &Expected { targets: &targets, services: &[], replaced: &replaced })
            }),
        })
    }

    fn title(&self) -> String {
        let tag = self.target.tag.as_ref().map(|tag| format!(" ({tag})")).unwrap_or_default();
        format!("{}{tag}", self.target.id)
    }

    /// The services of the release; what their specifications are goes among the contents of the run.
    fn recall(&self, contents: &mut Vec<Vec<u8>>, lost: &mut Vec<String>) -> Result<BTreeMap<String, Recalled>> {
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
            services.insert(name.clone(), Recalled { rests: record.done && !again, record: record.clone(), specs });
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
    fn readers(&self, restored: &[Action]) -> Result<BTreeSet<String>> {
        let Some(model) = model_of(&self.recorded.releases, &self.target)? else { return Ok(BTreeSet::new()) };
        let path = |action: &Action| match action {
            Action::WriteFile(write) => Some(self.cx.project.root.join(&write.path)),
            Action::RemoveFile(remove) => Some(self.cx.project.root.join(&remove.path)),
            _ => None,
        };
        Ok(files::readers(&model, &restored.iter().filter_map(path).collect()))
    }

    /// A step for each service that does not run as it did in the release.
    fn changes(&self, services: &BTreeMap<String, Recalled>, readers: &BTreeSet<String>) -> (Vec<Action>, Vec<String>, Vec<String>) {
        let (mut steps, mut replaced, mut told) = (Vec::new(), Vec::new(), Vec::new());
        let now = self.standing.now();
        let (call, settle_secs) = (&self.standing.call, 0);
        for name in self.in_order(services) {
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
                told.push(format!("{name}  stays as it is: it was done in {}", self.target.id));
            } else if same {
                told.push(format!("{name}  stays as it is"));
            } else if here.is_empty() {
                told.push(format!("{name}  start  {}", service.record.image));
                steps.push(Action::StartService(StartService { call, service: name, source, surplus: Vec::new(), settle_secs }));
            } else {
                told.push(format!("{name}  swap  {}", service.record.image));
                replaced.extend(here.iter().map(|container| container.id.clone()));
                let proxy = self.standing.settings.proxy.get(&name).map(|proxy| crate::actions::Proxy::nginx(proxy));
                steps.push(Action::Replace(Replace { call, service: name, rolling: false, source, settle_secs, proxy }));
            }
        }
        let gone: BTreeSet<&String> =
            now.iter().filter(|one| one.running && !services.contains_key(&one.service)).map(|one| &one.service).collect();
        for name in gone {
            told.push(format!("{name}  stop: it was no part of {}; its containers stay", self.target.id));
            steps.push(Action::StopService(StopService { call: call.clone(), service: name.clone() }));
        }
        (steps, replaced, told)
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

    fn images_are_kept(&self, services: &BTreeMap<String, Recalled>) -> Result<Checked> {
        let mut why = Vec::new();
        for (name, service) in services.iter().filter(|(_, service)| !service.rests) {
            if self.standing.live.engine.image(&service.record.image_id)?.is_none() {
                why.push(format!("{name}: the image {} of {} is not on the engine any more", service.record.image, self.target.id));
            }
        }
        Ok(Checked::new("kept-images", why, "pull it by its digest (`cargo xtask history --releases` shows it), or go to another release"))
    }

    /// A release of another folder reads what it binds there: nothing here can put that back.
    fn bound_files(&self, services: &BTreeMap<String, Recalled>) -> Checked {
        let mut why = BTreeSet::new();
        for (name, service) in services.iter().filter(|(_, service)| !service.rests) {
            for bound in service.specs.iter().flat_map(Spec::binds).filter(|path| path.starts_with(&self.target.root)) {
                if !bound.exists() {
                    why.insert(format!("{name} reads {}, which is not there any more", bound.display()));
                }
                let kept = self.target.kept.files.iter().filter(|file| file.path.starts_with(&bound));
                for file in kept.filter(|file| bound.exists() && !is_as_kept(file)) {
                    why.insert(format!("{name} reads {}, which is another one than in {}", file.path.display(), self.target.id));
                }
            }
        }
        let help = format!("roll back there (`-C {}`), or deploy that release's commit from here", self.target.root.display());
        Checked::new("bound-files", why.into_iter().collect(), help)
    }

    /// Data that is gone is no reason to start without it.
    fn volumes_are_there(&self, services: &BTreeMap<String, Recalled>) -> Result<Checked> {
        let mut why = BTreeSet::new();
        for (name, service) in services.iter().filter(|(_, service)| !service.rests) {
            for volume in service.specs.iter().flat_map(Spec::volumes) {
                if self.standing.live.engine.volume(&volume)?.is_none() {
                    why.insert(format!("{name}: the volume {volume} is gone"));
                }
            }
        }
        Ok(Checked::new("volumes", why.into_iter().collect(), "bring the volume back first; a new one would be empty"))
    }
}

fn is_as_kept(file: &KeptFile) -> bool {
    matches!(Disk.read(&file.path), Ok(Some(content)) if Sha::of(&content) == file.content)
}

fn kept_copies(lost: Vec<String>) -> Checked {
    Checked::new("kept-copies", lost, "the record of this release is damaged; go to another release")
}

/// What must run again.
fn aim(service: &Recalled) -> Target {
    let needs =
        service.specs.iter().flat_map(|spec| spec.label("com.docker.compose.depends_on").split(',').map(String::from).collect::<Vec<_>>());
    let needs = needs.filter_map(|entry| entry.split(':').next().map(String::from)).filter(|name| !name.is_empty()).collect();
    Target {
        image: service.record.image.clone(),
        image_id: Some(service.record.image_id.clone()),
        config_hash: service.record.config_hash.clone(),
        replicas: service.specs.len(),
        needs,
        inside: service.specs.iter().flat_map(|spec| spec.owners.values().cloned()).collect(),
        ..Target::default()
    }
}
