//! From what was seen to figures, and which of them are as they should be.

use std::time::Duration;

use serde::Serialize;

use super::client::Seen;
use super::way::Went;
use super::{Release, Target, Way, median};

/// A release that went out once.
pub struct Round {
    pub seen: Seen,
    pub took: Duration,
    pub went: Went,
}

/// One release by one way: the medians of its rounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Case {
    pub way: &'static str,
    pub release: &'static str,
    pub rehearsed: bool,
    /// Of the last round, as the other words.
    pub exit: Option<i32>,
    pub requests: usize,
    pub failed: usize,
    /// The most of all rounds.
    pub failed_at_most: usize,
    pub refused: usize,
    pub reset: usize,
    pub timed_out: usize,
    pub bad_status: usize,
    /// From the first failed request to the next answered one: the longest, and all of them.
    pub longest_gap_seconds: f64,
    pub outage_seconds: f64,
    /// From the command's start to its end.
    pub seconds: f64,
    /// From the detected failure until the old release was proven again; `null` where nothing was put back.
    pub back_seconds: Option<f64>,
    /// The release that answered last; `null` when nobody did.
    pub serves: Option<String>,
}

pub fn case(way: Way, release: Release, rehearsed: bool, rounds: &[Round]) -> Case {
    let seconds = |of: &dyn Fn(&Round) -> Duration| median(&rounds.iter().map(|round| of(round).as_secs_f64()).collect::<Vec<_>>());
    let count = |of: &dyn Fn(&Seen) -> usize| {
        let mut counts: Vec<usize> = rounds.iter().map(|round| of(&round.seen)).collect();
        counts.sort_unstable();
        counts.get(counts.len() / 2).copied().unwrap_or_default()
    };
    let back: Vec<f64> = rounds.iter().filter_map(|round| round.went.back).map(|back| back.as_secs_f64()).collect();
    let last = rounds.last();
    Case {
        way: way.name(),
        release: release.name(),
        rehearsed,
        exit: last.and_then(|round| round.went.code),
        requests: count(&|seen| seen.requests),
        failed: count(&Seen::failed),
        failed_at_most: rounds.iter().map(|round| round.seen.failed()).max().unwrap_or_default(),
        refused: count(&|seen| seen.refused),
        reset: count(&|seen| seen.reset),
        timed_out: count(&|seen| seen.timed_out),
        bad_status: count(&|seen| seen.bad_status),
        longest_gap_seconds: seconds(&|round| round.seen.longest),
        outage_seconds: seconds(&|round| round.seen.outage),
        seconds: seconds(&|round| round.took),
        back_seconds: (!back.is_empty()).then(|| median(&back)),
        serves: last.and_then(|round| round.seen.serves.clone()),
    }
}

/// Only of what was measured.
pub fn targets(cases: &[Case], health_path: f64, settle: u64) -> Vec<Target> {
    let most = |what: &'static str, wanted: f64, measured: Vec<f64>| {
        let worst = measured.into_iter().max_by(f64::total_cmp);
        worst.map(|worst| Target::at_most(wanted, what, worst))
    };
    let rolling = Way::Rolling.name();
    let ours = |case: &&Case| Way::ALL.iter().any(|way| way.is_ours() && way.name() == case.way);
    let is = |case: &Case, release: Release| case.release == release.name();
    let caught = |case: &&Case| (case.rehearsed || case.way == rolling) && (is(case, Release::Crash) || is(case, Release::Ill));
    let lost = |cases: Vec<&Case>| cases.into_iter().map(|case| case.failed_at_most as f64).collect::<Vec<_>>();
    let good = |way: Way| cases.iter().filter(move |case| case.way == way.name() && is(case, Release::Good));
    let outage = |way: Way| good(way).map(|case| case.outage_seconds).max_by(f64::total_cmp);
    let beside_compose = match (outage(Way::Recreate), outage(Way::Compose)) {
        (Some(ours), Some(compose)) if compose > 0.0 => vec![ours / compose],
        _ => Vec::new(),
    };
    // A rehearsal goes the same path once more.
    let proven = |rehearsed: bool| {
        let cases = cases.iter().filter(ours).filter(move |case| is(case, Release::Good) && case.rehearsed == rehearsed);
        let paths = if rehearsed { 2.0 } else { 1.0 };
        cases.map(|case| (case.seconds - settle as f64) / (paths * health_path)).collect::<Vec<_>>()
    };
    let back = cases.iter().filter(|case| !is(case, Release::Good)).filter_map(|case| case.back_seconds);
    [
        most(
            "requests lost to a bad release that the rehearsal or rolling caught",
            0.0,
            lost(cases.iter().filter(ours).filter(caught).collect()),
        ),
        most("requests lost to a good release by rolling", 0.0, lost(good(Way::Rolling).collect())),
        most("times Compose's outage for a good release by recreate (a tenth is noise)", 1.1, beside_compose),
        most("times the health path until proven, beyond settle", 1.1, proven(false)),
        most("times the health paths of rehearsal and release until proven, beyond settle", 1.1, proven(true)),
        most("seconds from a detected failure to the old release proven", 10.0, back.collect()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(failed: usize, ms: u64, back: Option<u64>) -> Round {
        let time = Duration::from_millis(ms);
        let seen = Seen { requests: 100, reset: failed, outage: time, longest: time, serves: Some("v1".into()), ..Seen::default() };
        Round { seen, took: time * 2, went: Went { code: Some(4), back: back.map(Duration::from_secs) } }
    }

    #[test]
    fn a_case_tells_medians_and_the_most_that_was_lost() {
        let told = case(Way::Swap, Release::Crash, false, &[round(1, 300, Some(2)), round(9, 100, Some(4)), round(2, 200, None)]);
        assert_eq!((told.way, told.release, told.exit, told.requests), ("swap", "crash", Some(4), 100));
        assert_eq!((told.failed, told.failed_at_most, told.reset), (2, 9, 2));
        assert_eq!((told.outage_seconds, told.seconds, told.back_seconds), (0.2, 0.4, Some(4.0)));
        assert_eq!(told.serves.as_deref(), Some("v1"));
    }

    #[test]
    fn only_what_was_measured_is_a_target_and_the_worst_counts() {
        let told = |way: Way, release: Release, rehearsed: bool, failed: usize, seconds: f64| Case {
            way: way.name(),
            release: release.name(),
            rehearsed,
            failed_at_most: failed,
            outage_seconds: seconds / 10.0,
            seconds,
            ..Case::default()
        };
        assert!(targets(&[], 3.0, 10).is_empty());
        let cases = [
            told(Way::Compose, Release::Ill, false, 90, 5.0),
            told(Way::Rolling, Release::Good, true, 0, 16.6),
            told(Way::Rolling, Release::Good, false, 1, 16.0),
            told(Way::Swap, Release::Crash, false, 50, 20.0),
            told(Way::Swap, Release::Crash, true, 0, 20.0),
        ];
        let told: Vec<(f64, bool)> = targets(&cases, 3.0, 10).iter().map(|target| (target.measured, target.met)).collect();
        assert_eq!(told.len(), 4);
        assert_eq!((told[0], told[1]), ((0.0, true), (1.0, false)), "a swap without a rehearsal is caught by nothing before");
        assert_eq!(told[2], (2.0, false));
        assert!((told[3].0 - 1.1).abs() < 0.001, "{told:?}");
    }
}
