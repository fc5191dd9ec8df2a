//! From single stacks to the whole: one finding for each thing, however many stacks show it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::exceptions::{accepts, complaints};
use super::ignore::{INVALID, Ignores, Note};
use super::judge::across;
use super::{Audit, By, Entry, Gap, Judged, Judging, Looked, Suppressed, Text};
use crate::finding::Finding;
use crate::policy::{Date, Policy};
use crate::project::Role;
use crate::rules::Fact;
use crate::text::Span;

/// What a fact is found by: rule, file and bytes.
type At<'a> = (&'a str, &'a Path, Span);

/// Takes what stacks came to, in their order.
#[derive(Debug, Default)]
pub struct Collector {
    stacks: Vec<Looked>,
    findings: Vec<Entry>,
    suppressed: Vec<Suppressed>,
    facts: Vec<(&'static str, Fact)>,
    gaps: Vec<Gap>,
    texts: BTreeMap<PathBuf, Text>,
    ignores: Ignores,
}

/// What the whole is judged by.
pub struct Around<'a> {
    /// Reports show paths relative to it.
    pub root: PathBuf,
    pub prod: &'a Policy,
    pub dev: &'a Policy,
    pub judging: Judging<'a>,
    /// All stacks of a project were asked for.
    pub whole: bool,
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
        self.ignores.merge(judged.ignores);
        for (path, text) in judged.texts {
            let known = self.texts.entry(path).or_insert_with(|| Text { text: text.text.clone(), secrets: Vec::new() });
            known.secrets.extend(text.secrets);
        }
    }

    fn finding(&mut self, finding: Finding, stack: &str) {
        // What is about no stack has none.
        let stacks = if stack.is_empty() { Vec::new() } else { vec![stack.to_string()] };
        self.findings.push(Entry { finding, stacks });
    }

    fn suppress(&mut self, finding: Finding, stack: &str, reason: String, until: Option<Date>, by: By) {
        self.suppressed.push(Suppressed { entry: Entry { finding, stacks: vec![stack.to_string()] }, reason, until, by });
    }

    /// The audit.
    pub fn finish(mut self, around: Around<'_>) -> Audit {
        let today = around.judging.today;
        let facts = std::mem::take(&mut self.facts);
        let mut first: HashMap<At<'_>, &Fact> = HashMap::new();
        for (rule, fact) in &facts {
            first.entry((rule, &fact.spot.file, fact.spot.span)).or_insert(fact);
        }
        for finding in across(&facts, |rule| around.prod.severity(rule)) {
            let fact = first.get(&(finding.rule, &finding.file, finding.span)).copied();
            self.settle(finding, fact, &around);
        }
        // What could not be looked at may be what they are for.
        let whole = around.whole && self.gaps.is_empty();
        if self.gaps.is_empty() {
            self.ignores.unused(whole).into_iter().for_each(|finding| self.finding(finding, ""));
        }
        if around.judging.asks(INVALID) {
            let policies = [around.prod, around.dev];
            let wrong: Vec<_> = policies.iter().flat_map(|policy| complaints(policy, &self.stacks, whole, today)).collect();
            for (finding, text) in wrong {
                self.texts.entry(finding.file.clone()).or_insert(text);
                self.finding(finding, "");
            }
        }
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
        Audit { root: around.root, since: None, stacks, findings, suppressed, gaps, texts }
    }
}

impl Collector {
    /// A finding that follows from several stacks: it is the stack's whose fact it points at.
    fn settle(&mut self, finding: Finding, fact: Option<&Fact>, around: &Around<'_>) {
        let (stack, role) = fact.map_or(("", Role::Prod), |fact| (&fact.stack, fact.role));
        if let Some(Note { reason, until }) = self.ignores.of(&finding) {
            return self.suppress(finding, stack, reason, until, By::Comment);
        }
        let policy = if role == Role::Dev { around.dev } else { around.prod };
        match accepts(policy, stack, &finding, around.judging.today) {
            Some(exception) => self.suppress(finding, stack, exception.reason.clone(), exception.until, By::Policy),
            None => self.finding(finding, stack),
        }
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
