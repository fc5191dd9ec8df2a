//! Loads every stack and judges it, on all cores, in a stable order.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use super::{Request, Scope};
use crate::audit::{Audit, Collector, Gap, Judged, Judging, Looked, judge, judge_unloaded};
use crate::error::{Error, Result};
use crate::model::{self, Call, Environment, Model, Source, SourceKind};
use crate::policy::{Date, Policy};
use crate::project::{Role, Stack};
use crate::rules::Subject;
use crate::source::{Disk, Files};
use crate::surroundings::Surroundings;
use crate::text::LineIndex;
use crate::yaml::{Limits, read};

/// The policies by role.
struct Policies {
    prod: Policy,
    dev: Policy,
}

impl Policies {
    fn load(scope: &Scope, request: &Request) -> Result<Policies> {
        let policy = |role: Role| -> Result<Policy> {
            let project = Policy::load(&scope.root, role, &Disk)?;
            match &request.policy {
                Some(path) if !path.exists() => {
                    Err(Error::unusable(format!("read the policy {}", path.display())).why("there is no such file"))
                }
                Some(path) => project.with_file(path, &Disk),
                None => Ok(project),
            }
        };
        Ok(Policies { prod: policy(Role::Prod)?, dev: policy(Role::Dev)? })
    }

    fn of(&self, role: Role) -> &Policy {
        match role {
            Role::Prod => &self.prod,
            Role::Dev => &self.dev,
        }
    }
}

/// Judges the stacks of a scope, as they are in these files.
pub fn look(
    scope: &Scope,
    files: &dyn Files,
    request: &Request,
    only: &[&'static str],
    environment: &Environment,
    today: Date,
) -> Result<Audit> {
    look_at_stacks(&scope.stacks, scope, files, request, only, environment, today)
}

/// The same of some stacks only.
pub fn look_at_stacks(
    stacks: &[Stack],
    scope: &Scope,
    files: &dyn Files,
    request: &Request,
    only: &[&'static str],
    environment: &Environment,
    today: Date,
) -> Result<Audit> {
    let policies = Policies::load(scope, request)?;
    let judging = Judging { today, only };
    let one = |stack: &Stack| look_at(stack, scope, files, request, &policies, judging, environment);
    let mut collector = Collector::default();
    for (stack, outcome) in in_parallel(stacks, request.jobs, &one) {
        match outcome {
            Ok((looked, judged)) => collector.add(looked, judged),
            Err(unloaded) => {
                let (error, judged) = *unloaded;
                collector.gap(Gap { stack: stack.id.clone(), error }, judged);
            }
        }
    }
    Ok(collector.finish(scope.root.clone(), |rule| policies.prod.severity(rule)))
}

/// What a stack came to; else why it could not be loaded, and what its files show all the same.
type Outcome = std::result::Result<(Looked, Judged), Box<(Error, Judged)>>;

/// The outcomes in the order of the stacks.
fn in_parallel<'s>(
    stacks: &'s [Stack],
    jobs: Option<NonZeroUsize>,
    one: &(impl Fn(&Stack) -> Outcome + Sync),
) -> Vec<(&'s Stack, Outcome)> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let workers = jobs.map_or_else(cores, NonZeroUsize::get).min(stacks.len());
    if workers < 2 {
        return stacks.iter().map(|stack| (stack, one(stack))).collect();
    }
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some((number, stack)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, stacks.get(n)?))) {
                    if sender.send((number, one(stack))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut outcomes: Vec<(usize, Outcome)> = receiver.iter().collect();
        outcomes.sort_by_key(|(number, _)| *number);
        outcomes.into_iter().map(|(number, outcome)| (&stacks[number], outcome)).collect()
    })
}

fn look_at(
    stack: &Stack,
    scope: &Scope,
    files: &dyn Files,
    request: &Request,
    policies: &Policies,
    judging: Judging<'_>,
    environment: &Environment,
) -> Outcome {
    let role = request.role.or(stack.role).unwrap_or(Role::Prod);
    let model = model_of(stack, files, environment)
        .map_err(|error| Box::new((error, judge_unloaded(&stack.id, &sources(stack, files), policies.of(role), judging))))?;
    let surroundings = surroundings(&model, scope);
    let subject = Subject {
        id: &stack.id,
        role,
        model: &model,
        files: &stack.files,
        policy: policies.of(role),
        surroundings: &surroundings,
        fixes: request.fixes,
    };
    let judged = judge(&subject, judging);
    let services = model.services().map(String::from).collect();
    Ok((Looked { id: stack.id.clone(), role: request.role.or(stack.role), files: stack.files.clone(), services }, judged))
}

/// The compose files of a stack that can be read, each by itself.
fn sources(stack: &Stack, files: &dyn Files) -> Vec<Source> {
    let source = |path: &PathBuf| {
        let bytes = files.read(path).ok()??;
        let text: Arc<str> = std::str::from_utf8(&bytes).ok()?.into();
        let documents = read(&text, Limits::default()).ok()?;
        Some(Source { path: path.clone(), lines: LineIndex::new(&text), text, kind: SourceKind::Compose(documents) })
    };
    stack.files.iter().filter_map(source).collect()
}

/// The stack with all its services. Where services of different profiles contradict each other, it is judged
/// as its users call it.
pub(super) fn model_of(stack: &Stack, files: &dyn Files, environment: &Environment) -> Result<Model> {
    let whole = model::load(files, &call(stack, vec!["*".to_string()]), environment);
    whole.or_else(|error| users_model(stack, files, environment).map_err(|_| error))
}

/// The stack as its users call it.
pub(super) fn users_model(stack: &Stack, files: &dyn Files, environment: &Environment) -> Result<Model> {
    model::load(files, &call(stack, stack.profiles.clone()), environment)
}

fn call(stack: &Stack, profiles: Vec<String>) -> Call {
    Call { files: stack.files.clone(), env_files: stack.env_files.clone(), profiles, project_name: None }
}

fn surroundings(model: &Model, scope: &Scope) -> Surroundings {
    let env_files = model.sources.iter().any(|source| source.documents().is_empty());
    let secret_files = model.value.get("secrets").is_some();
    let tracked = if env_files || secret_files { scope.tracked() } else { None };
    let builds = model.services().any(|service| model.service(service).is_some_and(|service| service.get("build").is_some()));
    let listed = if builds { scope.listed() } else { &[] };
    Surroundings::gather(model, &scope.files, &scope.root, listed, tracked.as_ref())
}
