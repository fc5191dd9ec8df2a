//! Which backups of one stack may go. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::backup::Stored;
use crate::project::KeepSettings;
use crate::saga::utc;

const DAY_MS: u64 = 86_400_000;

/// The names of those that may go, oldest first. A period is stood for by its newest verified backup, else by its
/// newest. Never the newest verified one, nor one of `needed`.
pub fn beyond(stored: &[&Stored], keep: KeepSettings, needed: &BTreeSet<String>) -> Vec<String> {
    let mut newest: Vec<&Stored> = stored.to_vec();
    newest.sort_by_key(|one| std::cmp::Reverse(one.summary.at_ms));
    let verified = newest.iter().find(|one| one.summary.verified.is_some()).copied();
    let mut stays: BTreeSet<&str> = needed.iter().map(String::as_str).collect();
    stays.extend(newest.iter().take(keep.last).chain(&verified).map(|one| one.summary.name.as_str()));
    // Weeks begin on Mondays, months where the calendar says; 1970 began on a Thursday.
    let day = |at_ms: u64| (at_ms / DAY_MS).to_string();
    let week = |at_ms: u64| ((at_ms / DAY_MS + 3) / 7).to_string();
    let month = |at_ms: u64| utc(at_ms)[..6].to_string();
    stays.extend(periods(&newest, keep.daily, &day));
    stays.extend(periods(&newest, keep.weekly, &week));
    stays.extend(periods(&newest, keep.monthly, &month));
    let goes = newest.iter().rev().map(|one| &one.summary.name).filter(|name| !stays.contains(name.as_str()));
    goes.cloned().collect()
}

/// The names that stand for the newest so many periods.
fn periods<'s>(newest: &[&'s Stored], count: usize, period: &dyn Fn(u64) -> String) -> Vec<&'s str> {
    let mut found: Vec<(String, &Stored)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for one in newest {
        let of = period(one.summary.at_ms);
        match places.get(&of) {
            Some(place) if found[*place].1.summary.verified.is_none() && one.summary.verified.is_some() => found[*place].1 = one,
            Some(_) => {}
            None => {
                places.insert(of.clone(), found.len());
                found.push((of, one));
            }
        }
    }
    found.into_iter().take(count).map(|(_, one)| one.summary.name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{Summary, Verified};

    /// 2026-11-22, a Sunday, at midnight.
    const SUNDAY: u64 = 1_795_305_600_000;
    const HOUR: u64 = 3_600_000;

    fn stored(hours_ago: u64, verified: bool) -> Stored {
        let verified = verified.then_some(Verified { at_ms: 0, took_ms: 1, deep: false });
        let summary = Summary { name: hours_ago.to_string(), at_ms: SUNDAY + 12 * HOUR - hours_ago * HOUR, verified, ..Summary::default() };
        Stored { summary, snapshot: String::new(), added_bytes: 0 }
    }

    fn kept(all: &[Stored], keep: KeepSettings, needed: &[&str]) -> Vec<String> {
        let needed = needed.iter().map(|name| name.to_string()).collect();
        let goes = beyond(&all.iter().collect::<Vec<_>>(), keep, &needed);
        all.iter().map(|one| one.summary.name.clone()).filter(|name| !goes.contains(name)).collect()
    }

    #[test]
    fn the_only_verified_one_and_what_is_needed_stay() {
        let all = [stored(90, true), stored(80, true), stored(50, false), stored(3, false), stored(1, false)];
        let last = KeepSettings { last: 1, ..KeepSettings::default() };
        assert_eq!(kept(&all, last, &[]), ["80", "1"]);
        assert_eq!(kept(&all, last, &["50"]), ["80", "50", "1"]);
        assert_eq!(kept(&all, KeepSettings { last: 9, ..last }, &[]).len(), 5);
        assert!(kept(&[], last, &[]).is_empty());
    }

    #[test]
    fn a_period_is_stood_for_by_what_was_verified() {
        let all = [stored(60, true), stored(37, false), stored(14, true), stored(13, false), stored(2, true), stored(1, false)];
        assert_eq!(kept(&all, KeepSettings { daily: 2, ..KeepSettings::default() }, &[]), ["14", "2"]);
        assert_eq!(kept(&all, KeepSettings { daily: 3, ..KeepSettings::default() }, &[]), ["60", "14", "2"]);
    }

    #[test]
    fn weeks_begin_on_mondays_and_months_as_they_do() {
        // 12 h, 156 h: Sunday and Monday of one week; 157 h: the Sunday before.
        let all = [stored(24 * 30, true), stored(24 * 21, true), stored(24 * 7 + 1, true), stored(24 * 6, true), stored(0, true)];
        assert_eq!(kept(&all, KeepSettings { weekly: 2, ..KeepSettings::default() }, &[]), ["169", "0"]);
        assert_eq!(kept(&all, KeepSettings { monthly: 2, ..KeepSettings::default() }, &[]), ["720", "0"]);
    }
}
