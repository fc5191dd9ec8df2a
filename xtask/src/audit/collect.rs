//! From single stacks to the whole: one finding for each thing, however many stacks show it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::judge::across;
use super::{Audit, By, Entry, Gap, Judged, Looked, Suppressed, Text};
use crate::finding::{Finding, Severity};
use crate::policy::Date;
use crate::rules::Fact;
use crate::text::Span;

type Identity = (&'static str, PathBuf, Span, String, String);

/// Takes what stacks came to, in their order.
#[derive(Debug, Default)]
pub struct Collector {
    stacks: Vec<Looked>,
    findings: Vec<Entry>,
    known: HashMap<Identity, usize>,
    suppressed: Vec<Suppressed>,
    facts: Vec<(&'static str, Fact)>,
    gaps: Vec<Gap>,
    texts: BTreeMap<PathBuf, Text>,
}

impl Collector {
    pub fn add(&mut self, stack: Looked, judged: Judged) {
        self.take(&stack.id, judged);
        self.stacks.push(stack);
    }

    /// A stack that could not be judged, and what can be said of its files all the same.
    pub fn gap(&mut self, gap: Gap, judged: Judged) {
        self.take(&gap.stack, judged);
        self.gaps.push(gap);
    }

    fn take(&mut self, stack: &str, judged: Judged) {
        for finding in judged.findings {
            self.finding(finding, stack);
        }
        for (finding, reason, until, by) in judged.suppressed {
            self.suppress(finding, stack, reason, until, by);
        }
        self.facts.extend(judged.facts);
        for (path, text) in judged.texts {
            let known = self.texts.entry(path).or_insert_with(|| Text { text: text.text.clone(), secrets: Vec::new() });
            known.secrets.extend(text.secrets);
        }
    }

    fn finding(&mut self, finding: Finding, stack: &str) {
        match self.known.get(&identity(&finding)) {
            // Where policies differ the stricter one speaks.
            Some(at) => {
                let entry = &mut self.findings[*at];
                entry.finding.severity = entry.finding.severity.max(finding.severity);
                if entry.stacks.iter().all(|known| known != stack) {
                    entry.stacks.push(stack.to_string());
                }
            }
            None => {
                self.known.insert(identity(&finding), self.findings.len());
                self.findings.push(Entry { finding, stacks: vec![stack.to_string()] });
            }
        }
    }

    fn suppress(&mut self, finding: Finding, stack: &str, reason: String, until: Option<Date>, by: By) {
        match self.suppressed.iter_mut().find(|known| known.by == by && identity(&known.entry.finding) == identity(&finding)) {
            Some(known) => known.entry.stacks.push(stack.to_string()),
            None => self.suppressed.push(Suppressed { entry: Entry { finding, stacks: vec![stack.to_string()] }, reason, until, by }),
        }
    }

    /// The audit; `severity` is the level of a rule that looks across stacks.
    pub fn finish(mut self, root: PathBuf, severity: impl Fn(&str) -> Option<Severity>) -> Audit {
        for finding in across(&self.facts, severity) {
            let concerned = |fact: &&(&'static str, Fact)| fact.1.spot.file == finding.file && fact.1.spot.span == finding.span;
            let stack = self.facts.iter().find(concerned).map(|(_, fact)| fact.stack.clone()).unwrap_or_default();
            self.finding(finding, &stack);
        }
        self.findings.sort_by(|a, b| a.finding.order(&b.finding));
        self.suppressed.sort_by(|a, b| a.entry.finding.order(&b.entry.finding));
        for text in self.texts.values_mut() {
            text.secrets.sort_unstable();
            text.secrets.dedup();
        }
        let Collector { stacks, findings, suppressed, gaps, texts, .. } = self;
        Audit { root, stacks, findings, suppressed, gaps, texts }
    }
}

fn identity(finding: &Finding) -> Identity {
    (finding.rule, finding.file.clone(), finding.span, finding.place.clone(), finding.about.clone())
}
