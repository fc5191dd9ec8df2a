//! A run as it happens: a line for everything that is done, and a spinner with seconds while a
//! terminal waits.

use std::cell::RefCell;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::diff::{painted, unified};
use super::{Look, Style, err, harmless, out};
use crate::event::{Event, FileDiff, GuardOutcome, Sink};

pub struct Live {
    look: Look,
    /// The plan is all that was asked for, so it goes to standard output.
    plan_asked: bool,
    spinner: RefCell<Option<ProgressBar>>,
}

impl Live {
    pub fn new(look: Look, plan_asked: bool) -> Self {
        Live { look, plan_asked, spinner: RefCell::new(None) }
    }

    fn spin(&self, word: &str, text: &str) {
        if !self.look.live || self.look.quiet {
            return;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{prefix:>12.bold.cyan} {msg} {spinner} {elapsed:.dim}") {
            bar.set_style(style);
        }
        bar.set_prefix(word.to_string());
        bar.set_message(harmless(text).into_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.spinner.replace(Some(bar));
    }

    fn say(&self, style: Style, word: &str, text: &str) {
        if let Some(bar) = self.spinner.take() {
            bar.finish_and_clear();
        }
        let always = matches!(style, Style::Bad | Style::Warn);
        if always || !self.look.quiet {
            err(&self.look.line(style, word, text));
        }
    }

    /// Before a question the plan belongs to the rest of the story, on standard error.
    fn planned(&self, files: &[FileDiff], other: &[String]) {
        let shown = files.iter().filter(|_| self.plan_asked || !self.look.quiet);
        let look = if self.plan_asked { self.look.for_output() } else { self.look };
        let diff: String = shown.map(|file| painted(&unified(file), look)).collect();
        if self.plan_asked {
            out(&diff)
        } else {
            err(&diff)
        }
        for line in other {
            self.say(Style::Info, "Plan", line);
        }
    }

    fn guard(&self, name: &str, outcome: &GuardOutcome) {
        match outcome {
            GuardOutcome::Passed if self.look.verbose => self.say(Style::Good, "Guard", &format!("{name} passed")),
            GuardOutcome::Passed => {}
            GuardOutcome::Overridden { reason } => self.say(Style::Warn, "Overridden", &format!("guard {name}: {reason}")),
            GuardOutcome::Refused { why, help } => {
                self.say(Style::Bad, "Refused", &format!("guard {name}\n{}\nto do: {help}", why.join("\n")));
            }
        }
    }
}

impl Sink for Live {
    fn emit(&self, event: Event) {
        match event {
            Event::Planned { files, other } => self.planned(&files, &other),
            Event::Guard { name, outcome } => self.guard(name, &outcome),
            Event::RunBegun { run } => self.say(Style::Info, "Run", &run),
            Event::StepStarted { label, .. } => self.spin("Applying", &label),
            Event::StepDone { label, took, .. } => self.say(Style::Good, "Applied", &format!("{label}{}", seconds(took))),
            Event::StepFailed { label, why, .. } => self.say(Style::Bad, "Failed", &format!("{label}\n{why}")),
            Event::UndoStarted { label } => self.spin("Undoing", &label),
            Event::UndoDone { label, took } => self.say(Style::Warn, "Undone", &format!("{label}{}", seconds(took))),
            Event::ProofStarted { label } => self.spin("Proving", &label),
            Event::ProofHolds { label, detail, took } => {
                self.say(Style::Good, "Proven", &format!("{label}: {detail}{}", seconds(took)));
            }
            Event::ProofFails { label, why } => self.say(Style::Bad, "Not so", &format!("{label}\n{}", why.join("\n"))),
            Event::NotProven { label, needs } if !self.look.quiet => {
                self.say(Style::Warn, "Not proven", &format!("{label} (needs {needs})"))
            }
            Event::NotProven { .. } => {}
            Event::Note(text) => self.say(Style::Dim, "Note", &text),
            Event::Warning(text) => self.say(Style::Warn, "Warning", &text),
        }
    }
}

/// Seconds where they are worth a reader's glance.
fn seconds(took: Duration) -> String {
    match took.as_millis() {
        0..100 => String::new(),
        _ => format!(" ({:.1} s)", took.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_are_not_shown() {
        assert_eq!(seconds(Duration::from_millis(40)), "");
        assert_eq!(seconds(Duration::from_millis(1240)), " (1.2 s)");
    }
}
