//! The figures that need no engine: of files and journals.

use super::figure::{Figure, Measure, Part, Target, Unit};
use crate::error::Result;
use crate::saga::{Record, RunView};
use crate::tasks::env_standardize::{Share, shares};
use crate::tasks::history::{RunSummary, Standing, summaries};
use crate::tasks::{Context, cleanup, security_fix};

const CREDENTIALS: Measure = Measure {
    name: "hard-coded-credentials",
    title: "hard-coded credentials",
    unit: Unit::Count,
    target: Some(Target::AtMost(0.0)),
    how: "findings of the credential rules in compose files and in env files that git may see",
};

const STACKS: Measure = Measure {
    name: "stacks-on-root-env",
    title: "stacks on the root's .env",
    unit: Unit::Percent,
    target: Some(Target::AtLeast(100.0)),
    how: "stacks whose every env_file and whose ${} is the root's .env, of the stacks that use either",
};

const SERVICES: Measure = Measure {
    name: "services-on-root-env",
    title: "services on the root's .env",
    unit: Unit::Percent,
    target: Some(Target::AtLeast(100.0)),
    how: "services whose every env_file is the root's .env, of the services that have one; all profiles",
};

const RECLAIMED: Measure = Measure {
    name: "bytes-reclaimed",
    title: "disk space reclaimed",
    unit: Unit::Bytes,
    target: None,
    how: "net of archives, summed over the committed runs of cleanup that were not rolled back, as their journals say it",
};

pub fn of_files(cx: &Context<'_>, stacks: &[String]) -> Result<Vec<Figure>> {
    let standing = security_fix::standing(cx, stacks)?;
    let paths = standing.credentials.iter().map(|credential| credential.path.clone()).collect();
    let (shares, unread) = shares(cx, stacks)?;
    Ok(vec![
        credentials(paths, standing.unread),
        on_root(&shares).without(unread.clone()),
        services_on_root(&shares).without(unread),
        reclaimed(&cx.store.history()?),
    ])
}

/// `paths`: of each finding.
fn credentials(mut paths: Vec<String>, unread: Vec<String>) -> Figure {
    paths.sort();
    let parts = paths.chunk_by(|a, b| a == b).map(|same| Part::new(same[0].as_str(), same.len() as f64)).collect();
    CREDENTIALS.is(paths.len() as f64).of(parts).without(unread)
}

fn on_root(shares: &[Share]) -> Figure {
    let counted: Vec<(&Share, bool)> = shares.iter().filter_map(|share| Some((share, share.is_on_root()?))).collect();
    let there = counted.iter().filter(|(_, on_root)| *on_root).count();
    let elsewhere = |share: &Share| match share.elsewhere.len() {
        0 => "its ${} are read from elsewhere".to_string(),
        _ => format!("other env files: {}", share.elsewhere.join(", ")),
    };
    let parts = counted.iter().filter(|(_, on_root)| !on_root).map(|(share, _)| Part::new(&share.stack, 0.0).noting(elsewhere(share)));
    match percent(there, counted.len()) {
        None => STACKS.is_not("no stack has an env_file or uses a variable"),
        Some(value) => STACKS.is(value).of(parts.collect()).adding(&format!("{there} of {}", counted.len())),
    }
}

fn services_on_root(shares: &[Share]) -> Figure {
    let there: usize = shares.iter().map(|share| share.on_root.len()).sum();
    let elsewhere: usize = shares.iter().map(|share| share.elsewhere.len()).sum();
    let without: usize = shares.iter().map(|share| share.without).sum();
    let named = shares.iter().flat_map(|share| share.elsewhere.iter().map(move |service| format!("{} {service}", share.stack)));
    match percent(there, there + elsewhere) {
        None => SERVICES.is_not("no service has an env_file"),
        Some(value) => {
            let how = format!("{there} of {}; {without} services have no env_file and are not counted", there + elsewhere);
            SERVICES.is(value).of(named.map(|service| Part::new(service, 0.0)).collect()).adding(&how)
        }
    }
}

fn reclaimed(runs: &[RunView]) -> Figure {
    let committed = runs.iter().zip(summaries(runs)).filter(|(run, _)| run.begun.task == cleanup::TASK && run.state.is_committed());
    let (undone, cleanups): (Vec<_>, Vec<_>) = committed.partition(|(_, summary)| summary.standing == Standing::Undone);
    if cleanups.is_empty() {
        return RECLAIMED.is_not(if undone.is_empty() { "no cleanup has run" } else { "every cleanup was rolled back" });
    }
    let told = |(run, _): &(&RunView, RunSummary)| {
        Some(Part::new(run.id.as_str(), run.entries.iter().filter_map(|entry| bytes_of(&entry.record)).next()?))
    };
    let parts: Vec<Part> = cleanups.iter().filter_map(told).collect();
    let silent = cleanups.len() - parts.len();
    if parts.is_empty() {
        return RECLAIMED.is_not(&format!("{silent} runs of cleanup, and their journals name no bytes"));
    }
    let without = (silent > 0).then(|| format!("{silent} runs whose journals name no bytes"));
    RECLAIMED.is(parts.iter().map(|part| part.value).sum()).of(parts).without(without.into_iter().collect())
}

/// What a run has noted once nothing more was to go.
fn bytes_of(record: &Record) -> Option<f64> {
    let Record::Settled { receipts } = record else { return None };
    receipts.iter().find_map(|receipt| receipt.get("reclaimed_bytes")?.as_f64())
}

pub(super) fn percent(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| (part as f64 * 1000.0 / whole as f64).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(stack: &str, on_root: &[&str], elsewhere: &[&str], variables_on_root: Option<bool>) -> Share {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Share { stack: stack.into(), on_root: owned(on_root), elsewhere: owned(elsewhere), without: 1, variables_on_root }
    }

    #[test]
    fn stacks_and_services_are_counted_apart() {
        let shares = [
            share("a", &["web"], &[], Some(true)),
            share("b", &["web", "db"], &["job"], Some(true)),
            share("c", &[], &[], Some(false)),
            share("d", &[], &[], None),
        ];
        let stacks = on_root(&shares);
        assert_eq!((stacks.value, stacks.met), (Some(33.3), Some(false)));
        let notes: Vec<_> = stacks.parts.iter().map(|part| (part.of.as_str(), part.note.as_deref().unwrap())).collect();
        assert_eq!(notes, [("b", "other env files: job"), ("c", "its ${} are read from elsewhere")]);
        let services = services_on_root(&shares);
        assert_eq!((services.value, services.met, services.parts[0].of.as_str()), (Some(75.0), Some(false), "b job"));
        assert!(services.how.ends_with("3 of 4; 4 services have no env_file and are not counted"), "{}", services.how);
        assert_eq!(on_root(&shares[..1]).met, Some(true));
    }

    #[test]
    fn nothing_to_count_is_no_zero() {
        let none = [share("d", &[], &[], None)];
        assert_eq!(on_root(&none).not_measured.as_deref(), Some("no stack has an env_file or uses a variable"));
        assert_eq!(services_on_root(&none).not_measured.as_deref(), Some("no service has an env_file"));
        assert_eq!(reclaimed(&[]).not_measured.as_deref(), Some("no cleanup has run"));
        assert_eq!(reclaimed(&[]).value, None);
    }

    #[test]
    fn credentials_are_told_by_file() {
        let figure = credentials(vec!["b.yaml".into(), "a.yaml".into(), "b.yaml".into()], Vec::new());
        assert_eq!((figure.value, figure.met), (Some(3.0), Some(false)));
        assert_eq!(figure.parts, [Part::new("a.yaml", 1.0), Part::new("b.yaml", 2.0)]);
        assert_eq!(credentials(Vec::new(), vec!["stack x: why".into()]).met, None);
    }

    #[test]
    fn reclaimed_bytes_are_what_the_settled_run_has_noted() {
        let receipts = vec![serde_json::json!({"kind": "nothing"}), serde_json::json!({"kind": "reclaimed", "reclaimed_bytes": -12})];
        assert_eq!(bytes_of(&Record::Settled { receipts }), Some(-12.0));
        assert_eq!(bytes_of(&Record::Settled { receipts: Vec::new() }), None);
        assert_eq!(bytes_of(&Record::Applied { n: 0 }), None);
    }
}
