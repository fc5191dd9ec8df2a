//! The way every changing task goes: lock, look, guards, plan, consent, steps, proof; or undo.

use crate::actions::{Action, World};
use crate::error::{Error, Kind, Result};
use crate::event::{Event, GuardOutcome};
use crate::guards::{Checked, git_is_ready};
use crate::saga::{Holder, Lock, Outcome, Plan, Proof, RunId, Verdict, execute, now_ms, try_lock};

use super::project_lock::{forget_runs, lock_projects, note_run, refuse_foreign_run};
use super::{Context, security_fix};

/// For how long the originals of a committed run are kept, for its rollback: 90 days.
const KEPT_MS: u64 = 90 * 24 * 60 * 60 * 1000;

/// Looks, in the world of the run, whether the change holds.
pub type Prove<'p> = Box<dyn FnOnce(&World) -> Result<Verdict> + 'p>;

/// Refuses when the world is not as the plan saw it.
pub type Still<'p> = Box<dyn Fn() -> Result<()> + 'p>;

/// What a task has found out and would do; nothing was touched for it.
pub struct Prepared<'p> {
    pub guards: Vec<Checked>,
    /// The compose projects that the run is about: nobody else may change them meanwhile.
    pub projects: Vec<String>,
    pub plan: Plan<Action>,
    /// The contents that the plan's steps write, to be kept before the first of them.
    pub contents: Vec<Vec<u8>>,
    /// What the plan comes to, secrets masked: shown before anybody is asked.
    pub preview: Vec<Event>,
    /// Says, once nobody else can change anything, whether what was found still is so.
    pub still: Option<Still<'p>>,
    /// Starts again from the sources; called after the last step.
    pub prove: Prove<'p>,
}

/// Guards that the caller wants to go over, and why.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub guards: Vec<String>,
    pub reason: String,
}

const OVERRIDE: &str = "--override=";
const REASON: &str = "--reason=";

/// Stands for a reason of which nobody can say whether it names a secret.
const HIDDEN: &str = "(hidden: not every stack renders, so not every secret is known)";

impl Overrides {
    /// As a run records them, one word each; none without a guard.
    fn args(&self) -> Vec<String> {
        let guards = self.guards.iter().map(|guard| format!("{OVERRIDE}{guard}"));
        let reason = (!self.guards.is_empty()).then(|| format!("{REASON}{}", self.reason));
        guards.chain(reason).collect()
    }

    /// The same from a run's record.
    pub fn recorded(args: &[String]) -> Overrides {
        let after = |start| args.iter().filter_map(move |arg| arg.strip_prefix(start)).map(String::from);
        Overrides { guards: after(OVERRIDE).collect(), reason: after(REASON).next().unwrap_or_default() }
    }

    /// Whoever gives a reason may name a secret in it; of any stack, not only of those that are changed.
    fn masked(&self, cx: &Context<'_>) -> Overrides {
        if self.guards.is_empty() {
            return self.clone();
        }
        let reason = match security_fix::all_secrets(cx) {
            Some(masker) => masker.mask(&self.reason).into_owned(),
            None => HIDDEN.to_string(),
        };
        Overrides { guards: self.guards.clone(), reason }
    }
}

/// How a guarded task ended without an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    NothingToDo,
    /// The plan was shown and every guard passed.
    Planned,
    Committed {
        run: RunId,
        proof: Proof,
    },
}

impl Ended {
    /// For programs.
    pub fn word(&self) -> &'static str {
        match self {
            Ended::NothingToDo => "nothing-to-do",
            Ended::Planned => "planned",
            Ended::Committed { .. } => "committed",
        }
    }

    /// For reports: the run, what it has proven, and what it could not prove.
    pub fn told(&self) -> (Option<String>, Vec<String>, Vec<String>) {
        match self {
            Ended::Committed { run, proof } => (Some(run.to_string()), proof.proven.clone(), proof.not_proven.clone()),
            _ => Default::default(),
        }
    }

    pub fn run(&self) -> Option<&str> {
        match self {
            Ended::Committed { run, .. } => Some(run.as_str()),
            _ => None,
        }
    }
}

/// Carries a task out. Every refusal, also of the last guard, leaves everything as it was.
pub fn carry_out<'p>(
    cx: &Context<'_>,
    task: &'static str,
    overrides: &Overrides,
    prepare: impl FnOnce(&RunId) -> Result<Prepared<'p>>,
) -> Result<Ended> {
    let run = RunId::new(task);
    let _lock = if cx.dry_run { None } else { Some(lock(cx, task, &run)?) };
    refuse_open_run(cx)?;
    let prepared = prepare(&run);
    // What was cut short looks as if it were refused.
    stop_when_interrupted(cx)?;
    let mut prepared = prepared?;
    let guards: Vec<Checked> = prepared.guards.into_iter().chain(git_guard(cx, &prepared.plan)).collect();
    check_names(&guards, overrides)?;
    let overrides = overrides.masked(cx);
    prepared.plan.args.extend(overrides.args());
    for event in prepared.preview {
        cx.events.emit(event);
    }
    check(cx, guards, &overrides)?;
    if cx.dry_run {
        refuse_foreign_run(cx, &prepared.projects)?;
    }
    let _projects = if cx.dry_run { Vec::new() } else { lock_projects(cx, &prepared.projects, &format!("{task} ({run})"))? };
    if prepared.plan.is_empty() {
        return Ok(Ended::NothingToDo);
    }
    if cx.dry_run {
        return Ok(Ended::Planned);
    }
    consent(cx, &prepared.plan)?;
    prepared.still.map_or(Ok(()), |still| still())?;
    note_run(cx, &prepared.projects, &run)?;
    let ended = start(cx, run, &prepared.plan, &prepared.contents, prepared.prove);
    // It is only left when the run is; another checkout then says so and asks here.
    if let Err(error) = forget_runs(cx) {
        cx.events.emit(Event::Warning(format!("the note of the run stays: {error}")));
    }
    ended
}

fn lock(cx: &Context<'_>, task: &str, run: &RunId) -> Result<Lock> {
    cx.check_state()?;
    cx.store.create()?;
    let holder = Holder::me(format!("{task} ({run})"));
    try_lock(&cx.store.lock_path(), &holder)?.map_err(crate::saga::Held::into_error)
}

/// A run that was interrupted must be settled first; it is never settled unasked.
pub(super) fn refuse_open_run(cx: &Context<'_>) -> Result<()> {
    match cx.store.open_run()? {
        None => Ok(()),
        Some(open) if open.state.is_committed() => Err(Error::refused("start a run")
            .why(format!("the run {} is committed, but what comes after it is not done", open.id))
            .help("run `cargo xtask recover`: it does the rest")),
        Some(open) => Err(Error::refused("start a run")
            .why(format!("the run {} did not come to its end", open.id))
            .help("run `cargo xtask recover`: it puts everything back to before that run")),
    }
}

/// Asked of every plan that has a part for git.
fn git_guard(cx: &Context<'_>, plan: &Plan<Action>) -> Option<Checked> {
    let mut steps = plan.steps.iter().chain(&plan.finish);
    let commits = plan.steps.iter().chain(&plan.finish).any(|step| matches!(step, Action::GitCommit(_)));
    steps.any(Action::needs_git).then(|| git_is_ready(cx.git.as_ref(), commits))
}

fn check_names(guards: &[Checked], overrides: &Overrides) -> Result<()> {
    let known: Vec<&str> = guards.iter().map(|guard| guard.name).collect();
    match overrides.guards.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let help = format!("guards of this task: {}", known.join(", "));
            Err(Error::unusable(format!("there is no guard `{unknown}` that can be overridden")).help(help))
        }
    }
}

/// Reports every guard, and refuses when one stands that was not overridden.
fn check(cx: &Context<'_>, guards: Vec<Checked>, overrides: &Overrides) -> Result<()> {
    let mut refused = Vec::new();
    for guard in guards {
        let overridden = overrides.guards.iter().any(|name| name == guard.name);
        let outcome = match guard.refusal {
            None => GuardOutcome::Passed,
            Some(_) if overridden => GuardOutcome::Overridden { reason: overrides.reason.clone() },
            Some(refusal) => {
                refused.push(guard.name);
                GuardOutcome::Refused { why: refusal.why, help: refusal.help }
            }
        };
        cx.events.emit(Event::Guard { name: guard.name, outcome });
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(Error::refused("nothing was touched").why(format!("refused by {}", refused.join(", "))))
}

fn consent(cx: &Context<'_>, plan: &Plan<Action>) -> Result<()> {
    let question = match plan.len() {
        1 => "Carry out this step?".to_string(),
        steps => format!("Carry out these {steps} steps?"),
    };
    let agreed = (cx.confirm)(&question)?;
    stop_when_interrupted(cx)?;
    if agreed { Ok(()) } else { Err(Error::refused("nothing was touched").why("the answer was no")) }
}

fn stop_when_interrupted(cx: &Context<'_>) -> Result<()> {
    if cx.cancel.requested() { Err(Error::new(Kind::Interrupted, "interrupted; nothing was touched")) } else { Ok(()) }
}

fn start(cx: &Context<'_>, run: RunId, plan: &Plan<Action>, contents: &[Vec<u8>], prove: Prove<'_>) -> Result<Ended> {
    let mut journal = cx.store.begin(&run, plan)?;
    cx.events.emit(Event::RunBegun { run: run.to_string() });
    let world = cx.world(&run);
    let keep = || -> Result<()> { contents.iter().try_for_each(|content| world.blobs.put(content).map(|_| ())) };
    let kept = keep();
    // When the contents cannot be kept, the run ends like one whose first step failed.
    let empty = Plan { steps: Vec::new(), finish: Vec::new(), after: Vec::new(), ..plan.clone() };
    let outcome = match kept {
        Ok(()) => execute(&world, &mut journal, plan, || prove(&world), cx.events, cx.cancel),
        Err(error) => execute(&world, &mut journal, &empty, || Err(error), cx.events, cx.cancel),
    };
    for warning in world.warnings.take() {
        cx.events.emit(Event::Warning(warning));
    }
    // What could not be removed when a commit was prepared is no step's to undo.
    if !matches!(outcome, Outcome::Committed(_))
        && let Some(Err(error)) = cx.git.as_ref().map(|git| git.clear_index_leftovers(run.as_str()))
    {
        cx.events.emit(Event::Warning(format!("something of this run is left in .git: {error}")));
    }
    let begun = journal.state().marks.len();
    let touched = plan.steps.iter().chain(&plan.finish).take(begun).any(Action::touches);
    let ended = conclude(run, outcome, touched);
    // Old originals are let go while the lock is still held; a failure of that is no failure of the run.
    if let Err(error) = cx.store.expire(now_ms().saturating_sub(KEPT_MS)) {
        cx.events.emit(Event::Warning(format!("old runs could not be tidied: {error}")));
    }
    ended
}

/// The outcome as an end or as an error with its exit code; `touched` when a step was begun that
/// changes something.
fn conclude(run: RunId, outcome: Outcome, touched: bool) -> Result<Ended> {
    match outcome {
        Outcome::Committed(proof) => Ok(Ended::Committed { run, proof }),
        Outcome::RolledBack { why } if why.kind == Kind::Refused && !touched => {
            Err(Error { help: why.help.clone(), ..Error::refused("nothing was touched").why(why.to_string()) })
        }
        Outcome::RolledBack { why } => {
            let because = why.to_string();
            let error = Error::new(Kind::RolledBack, format!("run {run}: everything was put back")).why(because);
            Err(Error { help: why.help, ..error })
        }
        Outcome::Interrupted => Err(Error::new(Kind::Interrupted, format!("run {run} was interrupted; everything was put back"))),
        Outcome::Stuck { why } => Err(Error { kind: Kind::Stuck, ..why }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_are_read_back_as_they_were_recorded() {
        let given = Overrides { guards: vec!["clean-files".into(), "engine".into()], reason: "a = b, --override=x".into() };
        let args = [vec!["--commit".to_string(), "db".to_string()], given.args()].concat();
        let read = Overrides::recorded(&args);
        assert_eq!((read.guards, read.reason), (given.guards, given.reason));
        let unused = Overrides { guards: Vec::new(), reason: "for nothing".into() };
        assert!(unused.args().is_empty());
    }
}
