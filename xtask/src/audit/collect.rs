//! From single stacks to the whole: one finding for each thing, however many stacks show it.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use foldhash::fast::RandomState;

use super::exceptions::{accepts, complaints};
use super::ignore::{INVALID, Ignores, Note};
use super::judge::across;
use super::{Audit, By, Entry, Gap, Judged, Judging, Looked, Suppressed, Text};
use crate::finding::Finding;
use crate::policy::{Date, Policy};
use crate::project::Role;
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
        let stacks = if stack.is_empty() { Vec::new() } else { vec![stack.to_string()] };
        self.findings.push(Entry { finding, stacks });
    }

    fn suppress(&mut self, finding: Finding, stack: &str, reason: String, until: Option<Date>, by: By) {
        self.suppressed.push(Suppressed { entry: Entry { finding, stacks: vec![stack.to_string()] }, reason, until, by });
    }

    /// The audit.
    pub fn finish(mut self, around: Around<'_>) -> Audit {
        let today = around.judging.today;
        let mut whose: HashMap<(&str, PathBuf, Span), (String, Role)> = HashMap::new();
        for (rule, Fact { spot, stack, role, .. }) in &self.facts {
            whose.entry((rule, spot.file.clone(), spot.span)).or_insert_with(|| (stack.clone(), *role));
        }
        for finding in across(&self.facts, |rule| around.prod.severity(rule)) {
            let concerned = whose.get(&(finding.rule, finding.file.clone(), finding.span)).cloned();
            self.settle(finding, concerned, &around);
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
        self.findings = sorted(self.findings);
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
    fn settle(&mut self, finding: Finding, concerned: Option<(String, Role)>, around: &Around<'_>) {
        let (stack, role) = concerned.unwrap_or((String::new(), Role::Prod));
        if let Some(Note { reason, until }) = self.ignores.of(&finding) {
            return self.suppress(finding, &stack, reason, until, By::Comment);
        }
        let policy = if role == Role::Dev { around.dev } else { around.prod };
        match accepts(policy, &stack, &finding, around.judging.today) {
            Some(exception) => self.suppress(finding, &stack, exception.reason.clone(), exception.until, By::Policy),
            None => self.finding(finding, &stack),
        }
    }
}

/// In the order of findings. It is stable, so the stack that was first stays first.
fn sorted(findings: Vec<Entry>) -> Vec<Entry> {
    // Numbers are moved about instead of entries, and paths are compared part by part only once.
    let mut files: Vec<&OsStr> = findings.iter().map(|entry| entry.finding.file.as_os_str()).collect();
    files.dedup();
    files.sort_by_key(|file| Path::new(*file));
    let mut rank = 0;
    let mut ranks: HashMap<&OsStr, usize, RandomState> = HashMap::default();
    for (at, file) in files.iter().enumerate() {
        rank += usize::from(at > 0 && Path::new(files[at - 1]) != Path::new(file));
        ranks.insert(file, rank);
    }
    let mut order: Vec<(usize, Span, usize)> =
        findings.iter().enumerate().map(|(n, entry)| (ranks[entry.finding.file.as_os_str()], entry.finding.span, n)).collect();
    order.sort_unstable_by(|a, b| {
        let places = || findings[a.2].finding.order(&findings[b.2].finding);
        (a.0, a.1).cmp(&(b.0, b.1)).then_with(places).then(a.2.cmp(&b.2))
    });
    let mut entries: Vec<Option<Entry>> = findings.into_iter().map(Some).collect();
    order.into_iter().filter_map(|(_, _, n)| entries[n].take()).collect()
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
