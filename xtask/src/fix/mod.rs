//! From findings to changed files, in memory. All fixes of a file are computed on the same original; what
//! cannot be written, or contradicts another fix, is left out by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::Audit;
use crate::cancel::Cancel;
use crate::finding::{Finding, Fix, FixKind};
use crate::yaml::{Operation, Refusal, operate, refusals};

/// Files as they would be, and the fixes that are left out.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    pub files: Vec<FilePatch>,
    pub left: Vec<Left>,
}

#[derive(Debug, Clone)]
pub struct FilePatch {
    /// Absolute.
    pub path: PathBuf,
    pub before: Arc<str>,
    pub after: String,
    /// The findings that go, as numbers of the audit's.
    pub findings: Vec<usize>,
}

/// A finding that has a fix which is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub finding: usize,
    pub why: String,
}

/// The findings whose fixes are meant: those of the named rules that have a patch, or without names all that
/// are safe alone.
pub fn chosen(audit: &Audit, rules: &[&'static str]) -> Vec<usize> {
    let meant = |finding: &Finding| match &finding.fix {
        None => false,
        Some(fix) if rules.is_empty() => fix.kind == FixKind::Apply,
        Some(fix) => rules.contains(&finding.rule) && matches!(fix.kind, FixKind::Apply | FixKind::Propose),
    };
    (0..audit.findings.len()).filter(|number| meant(&audit.findings[*number].finding)).collect()
}

impl Patch {
    /// The patch of these findings; anything as soon as somebody wants to stop.
    pub fn of(audit: &Audit, chosen: &[usize], cancel: &Cancel) -> Patch {
        let mut patch = Patch::default();
        let mut files: BTreeMap<&Path, Vec<(usize, &Fix)>> = BTreeMap::new();
        for number in chosen {
            if let Some(fix) = &audit.findings[*number].finding.fix {
                files.entry(&fix.file).or_default().push((*number, fix));
            }
        }
        for (path, fixes) in files {
            let Some(text) = audit.texts.get(path) else { continue };
            let (after, findings) = written(&text.text, &fixes, &mut patch.left, cancel);
            if !findings.is_empty() {
                patch.files.push(FilePatch { path: path.to_path_buf(), before: text.text.clone(), after, findings });
            }
        }
        patch
    }

    /// Every finding that goes.
    pub fn findings(&self) -> impl Iterator<Item = usize> {
        self.files.iter().flat_map(|file| file.findings.iter().copied())
    }
}

/// The text with as many of the fixes as can stand together; in the order of the findings the first one wins.
fn written(text: &str, fixes: &[(usize, &Fix)], left: &mut Vec<Left>, cancel: &Cancel) -> (String, Vec<usize>) {
    let all: Vec<Operation> = fixes.iter().flat_map(|(_, fix)| fix.operations.iter().cloned()).collect();
    if let Ok(operated) = operate(text, &all) {
        return (operated.text, fixes.iter().map(|(number, _)| *number).collect());
    }
    let groups: Vec<&[Operation]> = fixes.iter().map(|(_, fix)| fix.operations.as_slice()).collect();
    let mut possible = Vec::new();
    for (fix, refusal) in fixes.iter().zip(refusals(text, &groups)) {
        match refusal {
            Some(Refusal { why, .. }) => left.push(Left { finding: fix.0, why }),
            None => possible.push(*fix),
        }
    }
    let mut best = Best { source: text, text: text.to_string(), operations: Vec::new(), taken: Vec::new(), cancel };
    best.take(&possible, left);
    (best.text, best.taken)
}

/// The fixes that stand together so far, and what they make of the source.
struct Best<'a> {
    source: &'a str,
    text: String,
    operations: Vec<Operation>,
    taken: Vec<usize>,
    cancel: &'a Cancel,
}

impl Best<'_> {
    /// By halves: few fixes of a large file contradict others, and each try reads the whole file.
    fn take(&mut self, fixes: &[(usize, &Fix)], left: &mut Vec<Left>) {
        if fixes.is_empty() || self.cancel.requested() {
            return;
        }
        let mut with = self.operations.clone();
        with.extend(fixes.iter().flat_map(|(_, fix)| fix.operations.iter().cloned()));
        match (operate(self.source, &with), fixes) {
            (Ok(operated), _) => {
                self.text = operated.text;
                self.operations = with;
                self.taken.extend(fixes.iter().map(|(number, _)| *number));
            }
            (Err(Refusal { why, .. }), [(number, _)]) => left.push(Left { finding: *number, why }),
            (Err(_), _) => {
                let (first, second) = fixes.split_at(fixes.len() / 2);
                self.take(first, left);
                self.take(second, left);
            }
        }
    }
}
