//! Loads every stack and judges it, on all cores, in a stable order.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use super::{Request, Scope};
use crate::audit::{Around, Audit, Collector, Gap, Judged, Judging, Looked, judge, judge_unloaded};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::model::{self, Environment, Model, Source, SourceKind, Unset};
use crate::policy::Date;
use crate::project::{Role, Stack};
use crate::rules::{Known, Subject};
use crate::source::Files;
use crate::surroundings::Surroundings;
use crate::tasks::call;
use crate::yaml::{Limits, read};

/// Judges the stacks of a scope, as they are in these files.
pub fn look(
    scope: &Scope<'_>,
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
    scope: &Scope<'_>,
    files: &dyn Files,
    request: &Request,
    only: &[&'static str],
    environment: &Environment,
    today: Date,
) -> Result<Audit> {
    let judging = Judging { today, only, cancel: &request.cancel };
    let one = |stack: &Stack| look_at(stack, scope, files, request, judging, environment);
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
    go_on(&request.cancel)?;
    let asked_for_all = request.targets.is_empty() && request.files.is_empty();
    Ok(collector.finish(Around {
        root: scope.root.clone(),
        prod: scope.policies.of(Role::Prod),
        dev: scope.policies.of(Role::Dev),
        judging,
        whole: asked_for_all && stacks.len() == scope.stacks.len(),
    }))
}

/// An error when somebody wants to stop: nothing is touched by a look.
pub(super) fn go_on(cancel: &Cancel) -> Result<()> {
    if cancel.requested() { Err(Error::new(Kind::Interrupted, "interrupted; nothing was touched")) } else { Ok(()) }
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
    scope: &Scope<'_>,
    files: &dyn Files,
    request: &Request,
    judging: Judging<'_>,
    environment: &Environment,
) -> Outcome {
    go_on(&request.cancel).map_err(|error| Box::new((error, Judged::default())))?;
    let role = request.role.or(stack.role).unwrap_or(Role::Prod);
    let model = model_of(stack, files, environment)
        .map_err(|error| Box::new((error, judge_unloaded(&stack.id, &sources(stack, files), scope.policies.of(role), judging))))?;
    let surroundings = surroundings(&model, scope, request);
    let subject = Subject {
        id: &stack.id,
        role,
        model: &model,
        files: &stack.files,
        policy: scope.policies.of(role),
        surroundings: &surroundings,
        fixes: request.fixes,
        known: Known::default(),
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
        Some(Source::new(path.clone(), text, SourceKind::Compose(documents)))
    };
    stack.files.iter().filter_map(source).collect()
}

/// The stack with all its services. Where services of different profiles contradict each other, it is judged
/// as its users call it.
pub(in crate::tasks) fn model_of(stack: &Stack, files: &dyn Files, environment: &Environment) -> Result<Model> {
    let whole = model::load(files, &call::whole(stack, Unset::StandIn), environment);
    whole.or_else(|error| users_model(stack, files, environment).map_err(|_| error))
}

/// The stack as its users call it. What a machine that deploys sets, this one need not have.
pub(super) fn users_model(stack: &Stack, files: &dyn Files, environment: &Environment) -> Result<Model> {
    model::load(files, &call::of(stack, Unset::StandIn), environment)
}

fn surroundings(model: &Model, scope: &Scope<'_>, request: &Request) -> Surroundings {
    let env_files = model.sources.iter().any(|source| source.documents().is_empty());
    let secret_files = model.value.get("secrets").is_some();
    let tracked = if env_files || secret_files { scope.tracked() } else { None };
    let builds = model.services().any(|service| model.service(service).is_some_and(|service| service.get("build").is_some()));
    let none = BTreeSet::new();
    let listed = if builds { scope.listed() } else { &none };
    Surroundings { host: request.host, ..Surroundings::gather(model, &scope.files, &scope.root, listed, tracked.as_ref()) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::tasks::audit::audit;

    #[test]
    fn a_look_ends_when_somebody_wants_to_stop() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks/agent");
        let request = Request { targets: vec!["compose.dev.yaml".into()], ..Request::default() };
        let look = |request: &Request| audit(request, &folder, &Environment::new(), Date::of_unix_seconds(1_700_000_000));
        assert!(!look(&request).unwrap().findings.is_empty());
        request.cancel.request();
        assert_eq!(look(&request).unwrap_err().kind, Kind::Interrupted);
    }
}
