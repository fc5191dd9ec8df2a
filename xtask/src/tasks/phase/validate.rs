//! What the project itself asks of a phase: its own commands, after everything else is proven.

use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::process::Program;
use crate::saga::Verdict;
use crate::tasks::Context;

/// What a command gets that is asked to end, before it is killed with all that it has started.
const GRACE: Duration = Duration::from_secs(10);

/// The verdict so far, if all commands agree with it. Of a command only the program is named.
pub fn validated(cx: &Context<'_>, commands: &[Vec<String>], verdict: Verdict) -> Result<Verdict> {
    let Verdict::Holds(mut proof) = verdict else { return Ok(verdict) };
    let deadline = Duration::from_secs(cx.project.settings.validate.timeout);
    for command in commands {
        let [program, args @ ..] = command.as_slice() else {
            return Err(Error::unusable("validate the phase").why("a command names no program").help("mend `validate` in xtask.yaml"));
        };
        let label = format!("{program} agrees");
        cx.events.emit(Event::ProofStarted { label: label.clone() });
        let started = Instant::now();
        let child = Program::new(program).args(args).cwd(&cx.project.root).deadline(deadline).interruptible().grace(GRACE);
        let ended = child.run(&cx.masker.borrow(), cx.cancel).and_then(|output| output.ok().map(|_| ()));
        match ended {
            Ok(()) => {
                let detail = "it ended with 0".to_string();
                proof.proven.push(format!("{label}: {detail}"));
                cx.events.emit(Event::ProofHolds { label, detail, took: started.elapsed() });
            }
            Err(error) if error.kind == Kind::Interrupted => return Err(error),
            Err(error) => {
                let why = vec![error.to_string()];
                cx.events.emit(Event::ProofFails { label, why: why.clone() });
                return Ok(Verdict::Bad(why));
            }
        }
    }
    Ok(Verdict::Holds(proof))
}
