//! From single stacks to the whole: one finding for each thing, however many stacks show it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::judge::across;
use super::{Audit, By, Entry, Gap, Judged, Looked, Suppressed, Text};
use crate::finding::{Finding, Severity};
use crate::policy::Date;
use crate::rules::Fact;
use crate::text::Span;

/// Takes what stacks came to, in their order.
#[derive(Debug, Default)]
pub struct Collector {
    stacks: Vec<Looked>,
    findings: Vec<Entry>,
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
        self.findings.push(Entry { finding, stacks: vec![stack.to_string()] });
    }

    fn suppress(&mut self, finding: Finding, stack: &str, reason: String, until: Option<Date>, by: By) {
        self.suppressed.push(Suppressed { entry: Entry { finding, stacks: vec![stack.to_string()] }, reason, until, by });
    }

    /// The audit; `severity` is the level of a rule that looks across stacks.
    pub fn finish(mut self, root: PathBuf, severity: impl Fn(&str) -> Option<Severity>) -> Audit {
        let mut stacks_at: HashMap<(&Path, Span), &str> = HashMap::new();
        for (_, Fact { spot, stack, .. }) in &self.facts {
            stacks_at.entry((&spot.file, spot.span)).or_insert(stack);
        }
        let across = across(&self.facts, severity).into_iter().map(|finding| {
            let stack = stacks_at.get(&(finding.file.as_path(), finding.span)).copied().unwrap_or_default().to_string();
            Entry { finding, stacks: vec![stack] }
        });
        self.findings.extend(across.collect::<Vec<_>>());
        // The sorting is stable, so the stack that was first stays first.
        self.findings.sort_by(|a, b| a.finding.order(&b.finding));
        self.findings.dedup_by(|next, known| known.takes_over(next));
        self.suppressed.sort_by(|a, b| a.entry.finding.order(&b.entry.finding).then(a.by.cmp(&b.by)));
        self.suppressed.dedup_by(|next, known| next.by == known.by && known.entry.takes_over(&mut next.entry));
        for text in self.texts.values_mut() {
            text.secrets.sort_unstable();
            text.secrets.dedup();
        }
        let Collector { stacks, findings, suppressed, gaps, texts, .. } = self;
        Audit { root, stacks, findings, suppressed, gaps, texts }
    }
}

impl Entry {
    /// Takes over the stacks of another entry if both are about the same thing, and says whether they are.
    fn takes_over(&mut self, other: &mut Entry) -> bool {
        if !self.finding.is(&other.finding) {
            return false;
        }
        // Where policies differ the stricter one speaks.
        self.finding.severity = self.finding.severity.max(other.finding.severity);
        for stack in other.stacks.drain(..) {
            if !self.stacks.contains(&stack) {
                self.stacks.push(stack);
            }
        }
        true
    }
}
