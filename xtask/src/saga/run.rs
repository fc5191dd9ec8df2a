//! Runs a plan: every step durable in the journal before it acts, then the proof, then the finish.
//! Whatever fails on the way, the steps are undone in reverse. What comes after the commit undoes nothing.

use std::time::Instant;

use serde_json::Value;

use super::journal::{Journal, Record};
use super::recover::{Undoable, roll_back};
use super::settle::settle;
use super::{Plan, Step};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::event::{Event, Sink};

/// What was proven after the steps, and what could not be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proof {
    pub proven: Vec<String>,
    pub not_proven: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Holds(Proof),
    /// Complete sentences that say what does not hold.
    Bad(Vec<String>),
}

/// How a run ended. All but `Stuck` are final, but for what may be left to do after a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Committed(Proof),
    /// Everything was put back, because of this.
    RolledBack {
        why: Error,
    },
    /// Ctrl-C or SIGTERM; everything was put back.
    Interrupted,
    /// Could not be put back, or not be recorded: the run stays open.
    Stuck {
        why: Error,
    },
}

/// Takes the steps of `plan`, which `journal` has begun, one after another.
pub fn execute<W: ?Sized, S: Step<W>>(
    world: &W,
    journal: &mut Journal,
    plan: &Plan<S>,
    prove: impl FnOnce() -> Result<Verdict>,
    events: &dyn Sink,
    cancel: &Cancel,
) -> Outcome {
    let mut run = Run { world, journal, plan, events, cancel, done: Vec::new() };
    match run.forward(prove) {
        Ok(proof) => {
            if !plan.after.is_empty()
                && let Err(error) = settle(world, journal, &plan.after, plan.steps.len() + plan.finish.len(), events, cancel)
            {
                let todo = "remove the cause, then run `cargo xtask recover`: it does the rest";
                events.emit(Event::Warning(format!("the run is committed and stays, but what comes after is not done: {error}; {todo}")));
            }
            Outcome::Committed(proof)
        }
        Err(why) => {
            let Run { journal, done, .. } = run;
            let interrupted = cancel.requested();
            match roll_back(world, journal, &done, &why.to_string(), events, cancel) {
                Err(stuck) => Outcome::Stuck { why: stuck },
                Ok(()) if interrupted => Outcome::Interrupted,
                Ok(()) => Outcome::RolledBack { why },
            }
        }
    }
}

struct Run<'a, W: ?Sized, S: Step<W>> {
    world: &'a W,
    journal: &'a mut Journal,
    plan: &'a Plan<S>,
    events: &'a dyn Sink,
    cancel: &'a Cancel,
    /// Prepared, in order: what a rollback undoes.
    done: Vec<Undoable<S, S::Receipt>>,
}

impl<W: ?Sized, S: Step<W>> Run<'_, W, S> {
    fn forward(&mut self, prove: impl FnOnce() -> Result<Verdict>) -> Result<Proof> {
        for step in &self.plan.steps {
            self.step(step)?;
        }
        self.check_cancel()?;
        self.cancel.now("proving the result");
        let proof = match prove()? {
            Verdict::Holds(proof) => proof,
            Verdict::Bad(why) => return Err(Error::failed("prove the result").why(why.join("; "))),
        };
        self.check_cancel()?;
        self.journal.append(Record::Proven { proven: proof.proven.clone(), not_proven: proof.not_proven.clone() })?;
        for step in &self.plan.finish {
            self.step(step)?;
        }
        self.check_cancel()?;
        let after = self.plan.after.iter().map(to_value).collect::<Result<_>>()?;
        self.journal.append(Record::Committed { after })?;
        Ok(proof)
    }

    fn step(&mut self, step: &S) -> Result<()> {
        self.check_cancel()?;
        let (number, of, label) = (self.done.len() + 1, self.plan.len(), step.label());
        self.cancel.now(&label);
        self.events.emit(Event::StepStarted { number, of, label: label.clone() });
        let started = Instant::now();
        let taken = self.take(step);
        self.events.emit(match &taken {
            Ok(()) => Event::StepDone { number, of, label, took: started.elapsed() },
            Err(error) => Event::StepFailed { number, of, label, why: error.to_string() },
        });
        taken
    }

    fn take(&mut self, step: &S) -> Result<()> {
        let n = self.done.len();
        let receipt = step.prepare(self.world)?;
        self.journal.append(Record::Prepared { n, step: to_value(step)?, receipt: to_value(&receipt)? })?;
        self.done.push(Undoable { n, step: step.clone(), receipt });
        step.apply(self.world, &self.done[n].receipt)?;
        self.journal.append(Record::Applied { n })
    }

    fn check_cancel(&self) -> Result<()> {
        if self.cancel.requested() { Err(Error::new(crate::error::Kind::Interrupted, "interrupted")) } else { Ok(()) }
    }
}

pub(super) fn to_value(data: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(data).map_err(|error| Error::failed("write a record").why(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde::{Deserialize, Serialize};

    use super::super::{RunId, Store, recover};
    use super::*;
    use crate::event::Silent;

    /// A world of names. A step adds one; `fail` says where it breaks.
    type Names = RefCell<Vec<String>>;

    #[derive(Debug, Clone, Serialize, Deserialize)]
    struct Add {
        name: String,
        fail: Option<String>,
    }

    impl Step<Names> for Add {
        type Receipt = usize;

        fn label(&self) -> String {
            format!("add {}", self.name)
        }

        fn prepare(&self, world: &Names) -> Result<usize> {
            self.break_at("prepare").map(|()| world.borrow().len())
        }

        fn apply(&self, world: &Names, _: &usize) -> Result<()> {
            self.break_at("apply")?;
            world.borrow_mut().push(self.name.clone());
            self.break_at("applied")
        }

        fn undo(&self, world: &Names, before: &usize) -> Result<()> {
            self.break_at("undo")?;
            world.borrow_mut().truncate(*before);
            Ok(())
        }
    }

    impl Add {
        fn break_at(&self, point: &str) -> Result<()> {
            if self.fail.as_deref() == Some(point) { Err(Error::failed(format!("{point} {}", self.name))) } else { Ok(()) }
        }
    }

    fn add(name: &str, fail: Option<&str>) -> Add {
        Add { name: name.into(), fail: fail.map(Into::into) }
    }

    struct Bench {
        _folder: tempfile::TempDir,
        store: Store,
        world: Names,
    }

    fn bench() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.create().unwrap();
        Bench { _folder: folder, store, world: Names::default() }
    }

    impl Bench {
        fn run(&self, fail: [Option<&str>; 3], prove: impl FnOnce(&Cancel) -> Result<Verdict>) -> Outcome {
            self.run_with(fail, vec![], prove)
        }

        fn run_with(&self, fail: [Option<&str>; 3], after: Vec<Add>, prove: impl FnOnce(&Cancel) -> Result<Verdict>) -> Outcome {
            let mut plan = Plan::new("adding", vec![add("one", fail[0]), add("two", fail[1])]);
            plan.finish.push(add("three", fail[2]));
            plan.after = after;
            let run = RunId::new(&plan.task);
            let mut journal = self.store.begin(&run, &plan).unwrap();
            let cancel = Cancel::default();
            execute(&self.world, &mut journal, &plan, || prove(&cancel), &Silent, &cancel)
        }

        fn records(&self) -> Vec<&'static str> {
            let history = self.store.history().unwrap();
            history.last().unwrap().entries.iter().map(|entry| entry.record.name()).collect()
        }
    }

    fn holds(_: &Cancel) -> Result<Verdict> {
        Ok(Verdict::Holds(Proof { proven: vec!["rendered".into()], not_proven: vec![] }))
    }

    #[test]
    fn a_proven_run_commits_after_its_finish() {
        let bench = bench();
        let outcome = bench.run([None; 3], holds);
        assert!(matches!(outcome, Outcome::Committed(proof) if proof.proven == ["rendered"]));
        assert_eq!(*bench.world.borrow(), ["one", "two", "three"]);
        let step = ["prepared", "applied"];
        assert_eq!(bench.records(), [&["begun"][..], &step, &step, &["proven"], &step, &["committed"]].concat());
        assert_eq!(bench.store.open_run().unwrap(), None);
    }

    #[test]
    fn any_failure_puts_everything_back() {
        for point in ["prepare", "apply", "applied"] {
            for at in 0..3 {
                let bench = bench();
                let mut fail = [None; 3];
                fail[at] = Some(point);
                let outcome = bench.run(fail, holds);
                assert!(matches!(&outcome, Outcome::RolledBack { why } if why.what.starts_with(point)), "{outcome:?}");
                assert!(bench.world.borrow().is_empty());
                assert_eq!(bench.records().last(), Some(&"rolled-back"));
            }
        }
        let bench = bench();
        let outcome = bench.run([None; 3], |_| Ok(Verdict::Bad(vec!["the models differ".into()])));
        assert!(matches!(outcome, Outcome::RolledBack { why } if why.why.as_deref() == Some("the models differ")));
        assert!(bench.world.borrow().is_empty());
    }

    #[test]
    fn an_interrupted_run_is_put_back_and_says_so() {
        let bench = bench();
        let outcome = bench.run([None; 3], |cancel| {
            cancel.request();
            holds(cancel)
        });
        assert_eq!(outcome, Outcome::Interrupted);
        assert!(bench.world.borrow().is_empty());
        assert_eq!(bench.store.open_run().unwrap(), None);
    }

    #[test]
    fn a_failed_undo_is_stuck_until_recovered() {
        let bench = bench();
        let outcome = bench.run([Some("undo"), Some("apply"), None], holds);
        assert!(matches!(&outcome, Outcome::Stuck { why } if why.what == "undo \"add one\""), "{outcome:?}");
        let open = bench.store.open_run().unwrap().unwrap();
        let (mut journal, mut entries) = bench.store.reopen(&open).unwrap();
        let again = recover::<Names, Add>(&bench.world, &mut journal, &entries, &Silent, &Cancel::default()).unwrap();
        assert!(matches!(again, Some(Outcome::Stuck { .. })));
        for entry in &mut entries {
            if let Record::Prepared { step, .. } = &mut entry.record {
                step["fail"] = Value::Null;
            }
        }
        let done = recover::<Names, Add>(&bench.world, &mut journal, &entries, &Silent, &Cancel::default()).unwrap();
        assert!(matches!(done, Some(Outcome::RolledBack { .. })));
        assert!(bench.world.borrow().is_empty());
        let more = recover::<Names, Add>(&bench.world, &mut journal, &entries, &Silent, &Cancel::default()).unwrap();
        assert_eq!(more, None);
    }

    #[test]
    fn what_comes_after_the_commit_is_taken_once_it_is_recorded() {
        let bench = bench();
        let outcome = bench.run_with([None; 3], vec![add("four", None), add("five", None)], holds);
        assert!(matches!(outcome, Outcome::Committed(_)));
        assert_eq!(*bench.world.borrow(), ["one", "two", "three", "four", "five"]);
        assert_eq!(bench.records()[8..], ["committed", "settled"]);
        let entries = bench.store.history().unwrap().pop().unwrap().entries;
        let Record::Settled { receipts } = &entries.last().unwrap().record else { panic!() };
        assert_eq!(*receipts, [3, 4], "what each of them found stays");
        assert_eq!(bench.store.open_run().unwrap(), None);
    }

    #[test]
    fn what_fails_after_the_commit_is_done_by_recovery() {
        let bench = bench();
        let outcome = bench.run_with([None; 3], vec![add("four", None), add("five", Some("apply"))], holds);
        assert!(matches!(outcome, Outcome::Committed(proof) if proof.proven == ["rendered"]));
        assert_eq!(*bench.world.borrow(), ["one", "two", "three", "four"], "nothing is undone");
        let open = bench.store.open_run().unwrap().unwrap();
        let (mut journal, mut entries) = bench.store.reopen(&open).unwrap();
        let again = recover::<Names, Add>(&bench.world, &mut journal, &entries, &Silent, &Cancel::default());
        assert_eq!(again.unwrap_err().what, "apply five");
        assert!(bench.store.open_run().unwrap().is_some());
        let Some(Record::Committed { after }) = entries.last_mut().map(|entry| &mut entry.record) else { panic!() };
        after[1]["fail"] = Value::Null;
        let done = recover::<Names, Add>(&bench.world, &mut journal, &entries, &Silent, &Cancel::default()).unwrap();
        assert!(matches!(done, Some(Outcome::Committed(proof)) if proof.proven == ["rendered"]));
        assert_eq!(bench.world.borrow().last().unwrap(), "five");
        assert_eq!(bench.store.open_run().unwrap(), None);
        let more = recover::<Names, Add>(&bench.world, &mut journal, &entries, &Silent, &Cancel::default()).unwrap();
        assert_eq!(more, None);
    }

    #[test]
    fn a_run_that_is_put_back_takes_no_step_of_after() {
        let bench = bench();
        let outcome = bench.run_with([None, None, Some("apply")], vec![add("four", None)], holds);
        assert!(matches!(outcome, Outcome::RolledBack { .. }));
        assert!(bench.world.borrow().is_empty());
    }
}
