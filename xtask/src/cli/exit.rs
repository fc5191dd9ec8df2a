//! The one table of exit codes; the README shows it, and nothing else decides a code.

use crate::error::Kind;

/// How a command ended, for whoever called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// Looked, and it is not as it should be: findings, pending changes.
    NotAsItShouldBe,
    Unusable,
    Refused,
    RolledBack,
    Stuck,
    Failed,
    Interrupted,
}

impl Exit {
    pub const ALL: [Exit; 8] =
        [Exit::Done, Exit::NotAsItShouldBe, Exit::Unusable, Exit::Refused, Exit::RolledBack, Exit::Stuck, Exit::Failed, Exit::Interrupted];

    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::NotAsItShouldBe => 1,
            Exit::Unusable => 2,
            Exit::Refused => 3,
            Exit::RolledBack => 4,
            Exit::Stuck => 5,
            Exit::Failed => 6,
            Exit::Interrupted => 130,
        }
    }

    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Done => "done, nothing to do, or nothing found",
            Exit::NotAsItShouldBe => "looked, and it is not as it should be: findings, a phase that does not hold, an open run",
            Exit::Unusable => "usage, configuration or an input file cannot be used, or could not be looked at",
            Exit::Refused => "refused by a guard or by a rehearsal; nothing was touched",
            Exit::RolledBack => "a change did not hold and everything was put back",
            Exit::Stuck => "a change could not be put back; a person is needed",
            Exit::Failed => "failed, with nothing to undo",
            Exit::Interrupted => "interrupted, and everything was put back",
        }
    }
}

impl From<Kind> for Exit {
    fn from(kind: Kind) -> Exit {
        match kind {
            Kind::Unusable => Exit::Unusable,
            Kind::Refused => Exit::Refused,
            Kind::Failed => Exit::Failed,
            Kind::RolledBack => Exit::RolledBack,
            Kind::Stuck => Exit::Stuck,
            Kind::Interrupted => Exit::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_its_own() {
        let mut codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        codes.sort_unstable();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 130]);
    }
}
