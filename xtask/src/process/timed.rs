use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use super::{Ended, Program};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};

/// What a run has cost.
#[derive(Debug, Clone, Copy)]
pub struct Timed {
    pub took: Duration,
    /// Of all its threads and children, in user and system mode.
    pub cpu: Duration,
    /// The most memory that any program started so far has held at once, in bytes.
    pub peak_bytes: u64,
    pub code: Option<i32>,
}

impl Program {
    /// Runs it to its end with its output thrown away, and says what that cost. Whatever else this
    /// process has started must have ended, for its cost would be counted in.
    ///
    /// # Errors
    /// It cannot be started or passed its deadline (both `Failed`), or was cancelled (`Interrupted`).
    pub fn time(&self, cancel: &Cancel) -> Result<Timed> {
        let cannot = |error: std::io::Error| Error::failed(format!("run {}", self.shown())).why(error.to_string());
        let before = cpu_of_children().map_err(cannot)?;
        let started = Instant::now();
        let handle = self.command().stdout_null().stderr_null().start().map_err(cannot)?;
        let ended = self.wait(&handle, cancel).map_err(cannot)?;
        let took = started.elapsed();
        let status = match ended {
            Ended::By(status) => status,
            Ended::Cancelled => return Err(Error::new(Kind::Interrupted, format!("run {}", self.shown())).why("interrupted")),
            Ended::Late => {
                return Err(Error::failed(format!("run {}", self.shown())).why(format!("not done after {} s", self.deadline.as_secs())));
            }
        };
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| cannot(error.into()))?;
        // Linux counts in units of 1,024 bytes.
        let peak_bytes = u64::try_from(usage.max_rss()).unwrap_or_default() << 10;
        let cpu = cpu_of_children().map_err(cannot)?.saturating_sub(before);
        Ok(Timed { took, cpu, peak_bytes, code: status.code() })
    }
}

fn cpu_of_children() -> std::io::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = (usage.user_time() + usage.system_time()).num_microseconds();
    Ok(Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_a_run_has_cost() {
        let timed = Program::new("sh").args(["-c", "echo thrown away; sleep 0.1; exit 3"]).time(&Cancel::default()).unwrap();
        assert_eq!(timed.code, Some(3));
        assert!(timed.took >= Duration::from_millis(100), "{timed:?}");
        assert!(timed.peak_bytes > 100 << 10, "{timed:?}");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let error = Program::new("no-such-program").time(&Cancel::default()).unwrap_err();
        assert!(error.what.contains("no-such-program"));
    }
}
