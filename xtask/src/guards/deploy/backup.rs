//! Who deploys wants data to come back to: a verified backup that is no older than the settings say.

use crate::backup::{BUILT, Stored};
use crate::guards::Checked;
use crate::project::BeforeDeploy;
use crate::text::age;

/// One hour, in milliseconds.
pub const HOUR_MS: u64 = 3_600_000;

/// The newest backup of these that was verified. Its age is that of the data, not that of the verification.
pub fn newest_verified(stored: &[Stored]) -> Option<&Stored> {
    stored.iter().filter(|stored| stored.summary.verified.is_some()).max_by_key(|stored| stored.summary.at_ms)
}

/// Whether a backup is no older than so many hours.
pub fn is_fresh(stored: &Stored, hours: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(stored.summary.at_ms) <= hours * HOUR_MS
}

/// `stored`: the backups of the stack, or why they cannot be read. `unverifiable`: why the backup that would be made
/// could not count as verified.
pub fn is_backed_up(
    stack: &str,
    before: BeforeDeploy,
    stored: &Result<Vec<Stored>, String>,
    unverifiable: Vec<String>,
    now_ms: u64,
) -> Checked {
    let hours = match before {
        BeforeDeploy::Off => return Checked::new("backup", Vec::new(), ""),
        BeforeDeploy::Required => {
            let help = "take `archive-hot` away where it is not needed, or go on without a backup: --override backup --reason TEXT";
            let why = unverifiable.into_iter().chain(stored.as_ref().err().cloned()).collect();
            return Checked::new("backup", why, if BUILT { help } else { WITHOUT });
        }
        BeforeDeploy::Fresh(hours) => hours,
    };
    let found = stored.as_deref().map(newest_verified);
    let why = match found {
        Err(why) => Some(why.clone()),
        Ok(None) => Some(format!("no backup of {stack} was ever verified, and before-deploy asks for one of the last {hours} h")),
        Ok(Some(newest)) if is_fresh(newest, hours, now_ms) => None,
        Ok(Some(newest)) => Some(format!(
            "the last verified backup of {stack}, {}, is {} old, and before-deploy asks for one of the last {hours} h",
            newest.summary.name,
            age(now_ms.saturating_sub(newest.summary.at_ms))
        )),
    };
    let newer = stored.as_deref().ok().and_then(<[Stored]>::last).filter(|last| last.summary.verified.is_none()).filter(|_| why.is_some());
    let help = match newer {
        _ if !BUILT => WITHOUT.to_string(),
        Some(newer) if is_fresh(newer, hours, now_ms) => {
            format!("`cargo xtask backup verify {}` verifies the newest one", newer.summary.name)
        }
        _ => format!("`cargo xtask backup {stack} --verify` makes one"),
    };
    Checked::new("backup", why.into_iter().collect(), help)
}

const WITHOUT: &str = "this xtask was built without backups: build it with the feature `backup`";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{Summary, Verified};

    const NOW: u64 = 1_800_000_000_000;

    fn stored(hours: u64, verified: bool) -> Stored {
        let at_ms = NOW - hours * HOUR_MS;
        let verified = verified.then_some(Verified { at_ms: NOW, took_ms: 1, deep: false });
        let summary = Summary { name: format!("of-{hours}"), at_ms, verified, ..Summary::default() };
        Stored { summary, snapshot: String::new(), added_bytes: 0 }
    }

    fn refusal(before: BeforeDeploy, stored: Vec<Stored>) -> Option<String> {
        is_backed_up("shop", before, &Ok(stored), Vec::new(), NOW).refusal.map(|refusal| refusal.why.join(" "))
    }

    #[test]
    fn the_age_of_the_data_counts_and_not_that_of_the_verification() {
        let fresh = BeforeDeploy::Fresh(24);
        assert_eq!(refusal(fresh, vec![stored(30, true), stored(24, true)]), None);
        let old = refusal(fresh, vec![stored(25, true), stored(1, false)]).unwrap();
        assert!(old.contains("of-25, is 25 h old"), "{old}");
        assert!(refusal(fresh, vec![stored(1, false)]).unwrap().contains("ever verified"));
        assert!(refusal(fresh, Vec::new()).is_some());
        assert_eq!(refusal(BeforeDeploy::Off, Vec::new()), None);
    }

    #[test]
    fn what_cannot_be_read_refuses() {
        let unread = is_backed_up("shop", BeforeDeploy::Fresh(1), &Err("another key".into()), Vec::new(), NOW);
        assert_eq!(unread.refusal.unwrap().why, ["another key"]);
        let unread = is_backed_up("shop", BeforeDeploy::Required, &Err("another key".into()), Vec::new(), NOW);
        assert_eq!(unread.refusal.unwrap().why, ["another key"]);
        let hot = is_backed_up("shop", BeforeDeploy::Required, &Ok(Vec::new()), vec!["it is copied hot".into()], NOW);
        assert_eq!(hot.refusal.unwrap().why, ["it is copied hot"]);
        assert_eq!(is_backed_up("shop", BeforeDeploy::Required, &Ok(Vec::new()), Vec::new(), NOW).refusal, None);
    }

    #[test]
    #[cfg(feature = "backup")]
    fn the_command_to_run_is_said() {
        let help = |stored| is_backed_up("shop", BeforeDeploy::Fresh(24), &Ok(stored), Vec::new(), NOW).refusal.unwrap().help;
        assert!(help(vec![stored(2, false)]).contains("backup verify of-2"));
        assert!(help(vec![stored(40, false)]).contains("backup shop"));
    }
}
