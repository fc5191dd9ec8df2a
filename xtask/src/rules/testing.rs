//! Fixtures whose expectation stands in them: under a line of YAML, `#   ^^^^ message` for each finding
//! that points there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Check, Found, Rule, Subject};
use crate::finding::{Finding, Severity};
use crate::model::{Call, Environment, Model, Unset, load};
use crate::policy::Policy;
use crate::project::Role;
use crate::source::{Disk, Overlay};
use crate::surroundings::Surroundings;
use crate::text::LineIndex;
use crate::yaml::operate;

const FILE: &str = "/project/compose.yaml";

/// A stack in memory, to be judged by one rule.
pub struct Fixture {
    files: Vec<(PathBuf, String)>,
    compose: Vec<PathBuf>,
    role: Role,
    policy: String,
    pub surroundings: Surroundings,
}

impl Fixture {
    /// A prod stack of one file, `/project/compose.yaml`.
    pub fn new(text: &str) -> Self {
        let files = vec![(FILE.into(), text.to_string())];
        Fixture { files, compose: vec![FILE.into()], role: Role::Prod, policy: String::new(), surroundings: Surroundings::default() }
    }

    /// One more file beside it, such as `.env`.
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((Path::new("/project").join(name), text.to_string()));
        self
    }

    /// One more compose file, over those before.
    pub fn overlay(mut self, name: &str, text: &str) -> Self {
        self.compose.push(Path::new("/project").join(name));
        self.file(name, text)
    }

    pub fn dev(mut self) -> Self {
        self.role = Role::Dev;
        self
    }

    /// A project's own policy.
    pub fn policy(mut self, text: &str) -> Self {
        self.policy = text.to_string();
        self
    }

    /// With what its files tell of builds and templates.
    pub fn gathered(mut self) -> Self {
        let listed: BTreeSet<PathBuf> = self.files.iter().map(|(path, _)| path.clone()).collect();
        let tracked = self.surroundings.tracked.take();
        self.surroundings = Surroundings::gather(&self.model(), &self.overlaid(), Path::new("/project"), &listed, tracked.as_ref());
        self
    }

    fn overlaid(&self) -> Overlay<'static> {
        let mut files = Overlay::new(&Disk);
        self.files.iter().for_each(|(path, text)| files.set(path, Some(text.clone().into_bytes())));
        files.set("/project/policies/own.yaml", Some(self.policy.clone().into_bytes()));
        files
    }

    pub fn model(&self) -> Model {
        let call = Call { files: self.compose.clone(), profiles: vec!["*".into()], unset: Unset::StandIn, ..Call::default() };
        load(&self.overlaid(), &call, &Environment::new()).unwrap_or_else(|error| panic!("the fixture does not render: {error}"))
    }

    /// What is told of it as a rule sees it.
    pub fn told<T>(&self, of: impl FnOnce(&Subject<'_>) -> T) -> T {
        let model = self.model();
        let policy = Policy::of(self.role).with_file(Path::new("/project/policies/own.yaml"), &self.overlaid()).unwrap();
        let surroundings = &self.surroundings;
        let subject = Subject {
            id: "fixture",
            role: self.role,
            model: &model,
            files: &self.compose,
            policy: &policy,
            surroundings,
            fixes: true,
            known: Default::default(),
        };
        of(&subject)
    }

    /// What the rule finds, sorted by place.
    pub fn findings(&self, rule: &'static Rule) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut found = Found::new(rule, Severity::Medium, true, &mut findings);
        self.told(|subject| match rule.check {
            Check::Service(check) => subject.services().for_each(|service| check(&service, &mut found)),
            Check::Stack(check) => check(subject, &mut found),
            Check::Across { gather, judge } => judge(&gather(subject), &mut found),
            Check::Credential(_) | Check::Elsewhere => panic!("{} does not look at stacks", rule.name),
        });
        crate::finding::sort(&mut findings);
        findings
    }

    /// Compares what is found with the `# ^^^ message` lines of all compose files.
    pub fn assert_findings(&self, rule: &'static Rule) {
        let found: Vec<String> = self.findings(rule).iter().map(|finding| self.shown(finding)).collect();
        let mut wanted: Vec<String> = self.files.iter().flat_map(|(path, text)| expected(path, text)).collect();
        let mut found_sorted = found;
        found_sorted.sort();
        wanted.sort();
        assert_eq!(found_sorted, wanted, "{}", rule.name);
    }

    fn shown(&self, finding: &Finding) -> String {
        let (path, text) = self.files.iter().find(|(path, _)| *path == finding.file).expect("a finding points into a file of the fixture");
        let lines = LineIndex::new(text);
        let (line, column) = lines.line_column(text, finding.span.start);
        let (last, end) = lines.line_column(text, finding.span.end);
        let width = if last == line { end - column } else { 1 };
        format!("{}:{line}:{column}+{width} {}", path.display(), finding.message)
    }
}

/// The `# ^^^ message` lines of a text, as places of the nearest line above that is none of them.
fn expected(path: &Path, text: &str) -> Vec<String> {
    let mut wanted = Vec::new();
    let mut last = 0;
    for (number, line) in text.lines().enumerate() {
        let Some((before, rest)) = line.trim_start().starts_with('#').then(|| line.split_once('^')).flatten() else {
            last = number + 1;
            continue;
        };
        let carets = 1 + rest.chars().take_while(|char| *char == '^').count();
        let message = rest.trim_start_matches('^').trim();
        wanted.push(format!("{}:{last}:{}+{carets} {message}", path.display(), before.chars().count() + 1));
    }
    wanted
}

/// One compose file of a prod stack with its expectations.
pub fn assert_findings(rule: &'static Rule, text: &str) {
    Fixture::new(text).assert_findings(rule);
}

/// All fixes of the rule make `after` of `before`; then the rule finds nothing that it could fix, and the
/// rendered model has changed exactly as the fixes declare.
pub fn assert_fixed(rule: &'static Rule, before: &str, after: &str) {
    Fixture::new(before).assert_fixed(rule, after);
}

impl Fixture {
    /// See [`assert_fixed`]; `after` is the first compose file.
    pub fn assert_fixed(&self, rule: &'static Rule, after: &str) {
        let fixes: Vec<_> = self.findings(rule).into_iter().filter_map(|finding| finding.fix).collect();
        assert!(!fixes.is_empty(), "{}: no fix", rule.name);
        let operations: Vec<_> = fixes.iter().flat_map(|fix| fix.operations.clone()).collect();
        assert!(fixes.iter().all(|fix| fix.file == self.files[0].0), "{}: a fix in another file", rule.name);
        let operated = operate(&self.files[0].1, &operations).unwrap_or_else(|refusal| panic!("{}: {}", rule.name, refusal.why));
        assert_eq!(operated.text, after, "{}", rule.name);
        let mut wanted = self.model().json();
        fixes.iter().flat_map(|fix| &fix.changes).for_each(|change| change.make(&mut wanted));
        let mut fixed =
            Fixture { files: self.files.clone(), compose: self.compose.clone(), policy: self.policy.clone(), ..Fixture::new("") };
        fixed.role = self.role;
        fixed.surroundings = self.surroundings.clone();
        fixed.files[0].1 = operated.text;
        assert_eq!(fixed.model().json(), wanted, "{}: renders otherwise than declared", rule.name);
        let left: Vec<_> = fixed.findings(rule).into_iter().filter(|finding| finding.fix.is_some()).collect();
        assert!(left.is_empty(), "{}: found again: {left:?}", rule.name);
    }
}
