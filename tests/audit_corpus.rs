//! Real files are audited, each alone in a repository of its own: every finding points into its file, no report
//! shows a credential, and every fix that is made is verified by what renders, kept, and undone to the byte.
//!
//! The files below `tests/fixtures` always; with `XTASK_CORPUS` every compose file below that folder.

#![allow(clippy::print_stderr, reason = "a test says what it could not look at, and counts")]

#[path = "audit_corpus/fixing.rs"]
mod fixing;
#[path = "audit_corpus/looking.rs"]
mod looking;
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use support::real::{compose_files, fixtures, project};

/// What all files came to.
#[derive(Default)]
struct Figures {
    files: usize,
    unread: Vec<String>,
    findings: BTreeMap<&'static str, usize>,
    fixed: BTreeMap<String, usize>,
    left: BTreeMap<String, usize>,
    judged_by_compose: usize,
}

impl Figures {
    fn of(files: &[PathBuf]) -> Figures {
        let mut figures = Figures::default();
        for file in files {
            figures.files += 1;
            let project = project(file);
            let name = file.display().to_string();
            match looking::look(&project, &name) {
                Err(why) => figures.unread.push(format!("{name}: {why}")),
                Ok(audit) => {
                    for entry in &audit.findings {
                        *figures.findings.entry(entry.finding.rule).or_default() += 1;
                    }
                    let fixed = fixing::fix(&project, &name, &audit);
                    fixed.rules.into_iter().for_each(|rule| *figures.fixed.entry(rule).or_default() += 1);
                    fixed.left.into_iter().for_each(|why| *figures.left.entry(why).or_default() += 1);
                    figures.judged_by_compose += usize::from(fixed.judged_by_compose);
                }
            }
        }
        figures
    }

    fn show(&self, label: &str, started: Instant) {
        let (found, fixed): (usize, usize) = (self.findings.values().sum(), self.fixed.values().sum());
        let seconds = started.elapsed().as_secs();
        eprintln!(
            "{label}: {} files in {seconds} s, {} not read, {found} findings, {fixed} fixes made, {} left, {} fixed files equal to docker compose",
            self.files,
            self.unread.len(),
            self.left.values().sum::<usize>(),
            self.judged_by_compose,
        );
        let mut most: Vec<_> = self.findings.iter().collect();
        most.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        most.iter().take(20).for_each(|(rule, count)| eprintln!("  found {count:5} {rule}"));
        self.fixed.iter().for_each(|(rule, count)| eprintln!("  fixed {count:5} {rule}"));
        self.left.iter().for_each(|(why, count)| eprintln!("  left  {count:5} {why}"));
        self.unread.iter().for_each(|why| eprintln!("  not read: {why}"));
    }
}

#[test]
fn our_own_real_looking_files() {
    let started = Instant::now();
    let mut files = Vec::new();
    compose_files(&fixtures(), &mut files);
    let figures = Figures::of(&files);
    figures.show("fixtures", started);
    assert!(figures.files - figures.unread.len() >= 15, "most of them are read: {:?}", figures.unread);
    assert!(figures.fixed.values().sum::<usize>() >= 20 && figures.findings.len() >= 5);
}

#[test]
fn files_of_the_corpus() {
    let Some(corpus) = std::env::var_os("XTASK_CORPUS") else {
        eprintln!("XTASK_CORPUS names no folder: nothing more to go through");
        return;
    };
    let started = Instant::now();
    let mut files = Vec::new();
    compose_files(Path::new(&corpus), &mut files);
    assert!(!files.is_empty(), "no compose file below XTASK_CORPUS");
    let figures = Figures::of(&files);
    figures.show("corpus", started);
    assert!(figures.unread.len() * 4 < figures.files, "most of them are read");
    let (fixed, left): (usize, usize) = (figures.fixed.values().sum(), figures.left.values().sum());
    assert!(left * 10 <= fixed, "{left} fixes of {} were left", fixed + left);
}
