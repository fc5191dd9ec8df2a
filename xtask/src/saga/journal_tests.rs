use std::fs;

use super::super::{Phase, Plan, RunId, Store};
use super::*;

struct Bench {
    _folder: tempfile::TempDir,
    path: PathBuf,
    journal: Journal,
}

/// The journal of a run of one step and one finishing step.
fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::at(folder.path());
    store.create().unwrap();
    let mut plan = Plan::new("test", vec!["a step"]);
    plan.finish.push("a finish");
    let journal = store.begin(&RunId::new("test"), &plan).unwrap();
    Bench { _folder: folder, path: journal.path().to_path_buf(), journal }
}

fn prepared(n: usize) -> Record {
    Record::Prepared { n, step: Value::from("a step"), receipt: Value::from("1 \n \u{e9}") }
}

fn proven() -> Record {
    Record::Proven { proven: vec!["rendered".into()], not_proven: vec![] }
}

fn committed() -> Record {
    Record::Committed { after: vec![Value::from("an after")] }
}

fn settled() -> Record {
    Record::Settled { receipts: vec![Value::from("what it found")] }
}

fn rolling_back() -> Record {
    Record::RollingBack { why: "so".into() }
}

#[test]
fn every_cut_of_the_tail_reads_as_before_the_last_record() {
    let mut bench = bench();
    for record in [prepared(0), Record::Applied { n: 0 }, proven(), prepared(1), Record::Applied { n: 1 }, committed(), settled()] {
        let (entries, state) = (replay(&bench.path).unwrap().entries, bench.journal.state().clone());
        let durable = fs::read(&bench.path).unwrap();
        bench.journal.append(record).unwrap();
        let whole = fs::read(&bench.path).unwrap();
        for cut in durable.len()..whole.len() {
            fs::write(&bench.path, &whole[..cut]).unwrap();
            let told = replay(&bench.path).unwrap();
            assert_eq!((&told.entries, &told.state, told.len), (&entries, &state, durable.len() as u64), "cut at {cut}");
        }
        fs::write(&bench.path, &whole).unwrap();
    }
    assert_eq!(replay(&bench.path).unwrap().state.phase, Phase::Committed);
}

#[test]
fn a_torn_last_line_is_cut_before_appending() {
    for torn in [&b"{\"at_ms\":1,\"rec"[..], b"\0\0\0\0", b"\0\0\0\n", b"\xff\xfe", b"{}\n"] {
        let bench = bench();
        let durable = fs::read(&bench.path).unwrap();
        fs::write(&bench.path, [&durable[..], torn].concat()).unwrap();
        let (mut journal, entries) = Journal::open(&bench.path).unwrap();
        assert_eq!((fs::read(&bench.path).unwrap(), entries.len()), (durable, 1));
        journal.append(prepared(0)).unwrap();
        assert_eq!(replay(&bench.path).unwrap().entries.len(), 2);
    }
}

#[test]
fn a_record_of_another_version_is_not_taken_for_a_torn_line() {
    let bench = bench();
    let durable = fs::read(&bench.path).unwrap();
    fs::write(&bench.path, [&durable[..], b"{\"at_ms\":1,\"record\":\"paused\",\"n\":0}\n"].concat()).unwrap();
    let whole = fs::read(&bench.path).unwrap();
    let error = Journal::open(&bench.path).unwrap_err();
    assert!(error.to_string().contains("another version") && error.at.is_some_and(|at| at.line == 2));
    assert_eq!(fs::read(&bench.path).unwrap(), whole);
}

#[test]
fn a_wrong_line_that_is_not_the_last_is_named() {
    let mut bench = bench();
    bench.journal.append(prepared(0)).unwrap();
    let whole = fs::read_to_string(&bench.path).unwrap();
    fs::write(&bench.path, whole.replacen("begun", "bogus", 1)).unwrap();
    let error = replay(&bench.path).unwrap_err();
    assert_eq!(error.at.map(|at| at.line), Some(1));
    let (begun, prepared) = whole.split_once('\n').unwrap();
    fs::write(&bench.path, format!("{begun}\n{prepared}{prepared}")).unwrap();
    let error = Journal::open(&bench.path).unwrap_err();
    assert_eq!(error.at.map(|at| at.line), Some(3));
    assert!(error.why.unwrap().contains("prepared cannot follow here"));
}

#[test]
fn only_one_order_is_legal() {
    let all = || {
        let stuck = Record::Stuck { n: 0, why: "so".into() };
        [
            prepared(0),
            Record::Applied { n: 0 },
            proven(),
            committed(),
            settled(),
            rolling_back(),
            Record::Undone { n: 0 },
            Record::RolledBack,
            stuck,
        ]
    };
    let all_applied = [prepared(0), Record::Applied { n: 0 }, proven(), prepared(1), Record::Applied { n: 1 }];
    let with_all_applied = |more: &[Record]| [&all_applied[..], more].concat();
    let legal: [(&[Record], &[&str]); 12] = [
        (&[], &["prepared", "rolling-back"]),
        (&[prepared(0)], &["applied", "rolling-back"]),
        (&[prepared(0), Record::Applied { n: 0 }], &["proven", "rolling-back"]),
        (&[prepared(0), Record::Applied { n: 0 }, proven()], &["rolling-back"]),
        (&[rolling_back()], &["rolled-back"]),
        (&[prepared(0), rolling_back()], &["undone", "stuck"]),
        (&[prepared(0), rolling_back(), Record::Undone { n: 0 }], &["rolled-back"]),
        (&[rolling_back(), Record::RolledBack], &[]),
        (&all_applied, &["committed", "rolling-back"]),
        (&with_all_applied(&[committed()]), &["settled"]),
        (&with_all_applied(&[committed(), settled()]), &[]),
        (&with_all_applied(&[Record::Committed { after: vec![] }]), &[]),
    ];
    for (before, expected) in legal {
        let state = before.iter().fold(bench().journal.state().clone(), |state, record| state.next(record).unwrap());
        let may: Vec<_> = all().iter().filter(|record| state.clone().next(record).is_ok()).map(Record::name).collect();
        assert_eq!(may, expected, "after {before:?}");
    }
}

#[test]
fn an_illegal_record_is_not_written() {
    let mut bench = bench();
    let before = fs::read(&bench.path).unwrap();
    assert!(bench.journal.append(committed()).is_err());
    assert_eq!(fs::read(&bench.path).unwrap(), before);
    bench.journal.append(rolling_back()).unwrap();
    bench.journal.append(Record::RolledBack).unwrap();
    assert_eq!(replay(&bench.path).unwrap().state.phase, Phase::RolledBack);
}

#[test]
fn a_commit_with_steps_after_it_is_open_until_they_are_done() {
    let mut bench = bench();
    for record in [prepared(0), Record::Applied { n: 0 }, proven(), prepared(1), Record::Applied { n: 1 }, committed()] {
        bench.journal.append(record).unwrap();
    }
    let state = replay(&bench.path).unwrap().state;
    assert!((state.is_open(), state.is_committed()) == (true, true), "{state:?}");
    bench.journal.append(settled()).unwrap();
    let state = replay(&bench.path).unwrap().state;
    assert!((state.is_open(), state.is_committed()) == (false, true), "{state:?}");
}

#[test]
fn a_commit_without_steps_after_it_is_written_and_read_as_ever() {
    let mut bench = bench();
    for record in [prepared(0), Record::Applied { n: 0 }, proven(), prepared(1), Record::Applied { n: 1 }] {
        bench.journal.append(record).unwrap();
    }
    let before = fs::read_to_string(&bench.path).unwrap();
    bench.journal.append(Record::Committed { after: vec![] }).unwrap();
    let line = fs::read_to_string(&bench.path).unwrap().split_off(before.len());
    assert!(line.ends_with(",\"record\":\"committed\"}\n"), "{line}");
    fs::write(&bench.path, before + "{\"at_ms\":1,\"record\":\"committed\"}\n").unwrap();
    let told = replay(&bench.path).unwrap();
    assert_eq!((told.state.phase, told.state.is_open()), (Phase::Committed, false));
}
