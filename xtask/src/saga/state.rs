//! One table of which record may follow which, used live and on replay.

use super::journal::Record;

/// How far one step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Prepared,
    Applied,
    Undone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No record yet.
    New,
    Running,
    /// The steps were proven; what follows are finishing steps.
    Proven,
    RollingBack,
    Stuck,
    /// Committed; the steps that come after are not known to be done.
    Settling,
    /// Committed, and nothing is left to do.
    Committed,
    RolledBack,
}

/// Where a run stands: the fold of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub phase: Phase,
    /// By step number, counted from 0.
    pub marks: Vec<Mark>,
    /// How many steps the plan has before the proof, and in all.
    pub steps: usize,
    pub total: usize,
}

impl State {
    pub fn new() -> Self {
        State { phase: Phase::New, marks: Vec::new(), steps: 0, total: 0 }
    }

    /// A run that is neither committed, with all that comes after it, nor rolled back.
    pub fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::New | Phase::Committed | Phase::RolledBack)
    }

    /// Whether what the run did stays, also when something is left to do after it.
    pub fn is_committed(&self) -> bool {
        matches!(self.phase, Phase::Settling | Phase::Committed)
    }

    /// The step to be undone next.
    pub fn next_undo(&self) -> Option<usize> {
        self.marks.iter().rposition(|mark| *mark != Mark::Undone)
    }

    fn all_applied(&self) -> bool {
        self.marks.iter().all(|mark| *mark == Mark::Applied)
    }

    /// The state after `record`, or what makes this record illegal here.
    pub fn next(mut self, record: &Record) -> Result<State, String> {
        use Phase::{Committed, New, Proven, RolledBack, RollingBack, Running, Settling, Stuck};
        self.phase = match (self.phase, record) {
            (New, Record::Begun(begun)) => {
                (self.steps, self.total) = (begun.steps, begun.steps + begun.finish);
                Running
            }
            (phase @ (Running | Proven), Record::Prepared { n, .. })
                if *n == self.marks.len() && self.all_applied() && self.may_go_to(*n) =>
            {
                self.marks.push(Mark::Prepared);
                phase
            }
            (phase @ (Running | Proven), Record::Applied { n }) if *n + 1 == self.marks.len() && self.marks[*n] == Mark::Prepared => {
                self.marks[*n] = Mark::Applied;
                phase
            }
            (Running, Record::Proven { .. }) if self.marks.len() == self.steps && self.all_applied() => Proven,
            (Proven, Record::Committed { after }) if self.marks.len() == self.total && self.all_applied() => {
                if after.is_empty() {
                    Committed
                } else {
                    Settling
                }
            }
            (Settling, Record::Settled { .. }) => Committed,
            (Running | Proven | Stuck, Record::RollingBack { .. }) => RollingBack,
            (RollingBack, Record::Undone { n }) if self.next_undo() == Some(*n) => {
                self.marks[*n] = Mark::Undone;
                RollingBack
            }
            (RollingBack, Record::Stuck { n, .. }) if self.next_undo() == Some(*n) => Stuck,
            (RollingBack, Record::RolledBack) if self.next_undo().is_none() => RolledBack,
            (phase, record) => return Err(format!("{} cannot follow here ({phase:?}, steps {:?})", record.name(), self.marks)),
        };
        Ok(self)
    }

    fn may_go_to(&self, n: usize) -> bool {
        match self.phase {
            Phase::Running => n < self.steps,
            Phase::Proven => n < self.total,
            _ => false,
        }
    }
}

impl Default for State {
    fn default() -> Self {
        State::new()
    }
}
