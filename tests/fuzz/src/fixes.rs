//! The fixes of a stack of one file: made, read again, and judged again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value as Json;
use xtask::audit::{Around, Audit, Collector, Judging, Looked, judge};
use xtask::finding::Finding;
use xtask::fix::{Patch, chosen};
use xtask::policy::{Date, Policy};
use xtask::project::Role;
use xtask::rules::Subject;
use xtask::surroundings::Surroundings;
use xtask::yaml::{self, Limits};

/// A stack that was judged, and how it renders.
struct Stack {
    audit: Audit,
    rendered: Json,
}

/// Fixes that hold alone hold together: the text reads, no comment is lost, what was fixed is gone and nothing
/// else appears, what renders is what was declared, and there is nothing left to do.
pub fn fix(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some(before) = look(text) else { return };
    points_into(&before.audit, text);
    // Of a file that uses nothing at all, everything could be removed but not all of it.
    if before.audit.stacks.iter().all(|stack| stack.services.is_empty()) {
        return;
    }
    let all = chosen(&before.audit, &[]);
    if all.is_empty() {
        return;
    }
    written(&before, text, &all);
    let good: Vec<usize> = all.iter().copied().filter(|number| wrong(&before, text, &[*number]).is_none()).collect();
    if let Some(why) = wrong(&before, text, &good) {
        panic!("fixes that hold alone do not hold together: {why}");
    }
}

fn look(text: &str) -> Option<Stack> {
    let model = super::model(&[("compose.yaml", text.to_string())]).ok()?;
    let files = [PathBuf::from("/nowhere/shop/compose.yaml")];
    let surroundings = Surroundings::default();
    let policy = Policy::of(Role::Prod);
    let subject = Subject { id: "shop", role: Role::Prod, model: &model, files: &files, policy, surroundings: &surroundings, fixes: true, known: Default::default() };
    let judging = Judging { today: Date::of_unix_seconds(1_800_000_000), only: &[], cancel: &Default::default() };
    let judged = judge(&subject, judging);
    let services = model.services().map(String::from).collect();
    let mut collector = Collector::default();
    collector.add(Looked { id: "shop".into(), role: Some(Role::Prod), files: files.to_vec(), services }, judged);
    let audit = collector.finish(Around { root: "/nowhere/shop".into(), prod: policy, dev: Policy::of(Role::Dev), judging, whole: false });
    Some(Stack { audit, rendered: model.json() })
}

fn points_into(audit: &Audit, text: &str) {
    for finding in audit.findings.iter().map(|entry| &entry.finding) {
        let span = finding.span;
        assert!(text.get(span.start..span.end).is_some(), "{} points at {span:?} of {} bytes", finding.rule, text.len());
    }
}

/// What these fixes make of the text, if anything; it reads, and every comment that no fix takes away is there.
fn written(before: &Stack, text: &str, numbers: &[usize]) -> Option<String> {
    let patch = Patch::of(&before.audit, numbers, &Default::default());
    let file = patch.files.first()?;
    let read = |text: &str| yaml::read(text, Limits::default()).unwrap_or_else(|error| panic!("the result does not read: {}", error.why));
    let comments = |text: &str| read(text).into_iter().flat_map(|document| document.comments).count();
    let removes = numbers.iter().filter_map(|number| before.audit.findings[*number].finding.fix.as_ref());
    let removes = removes.flat_map(|fix| &fix.operations).any(|operation| operation.what == yaml::What::Remove);
    assert!(removes || comments(&file.after) == comments(text), "a comment is lost");
    Some(file.after.clone())
}

/// Why these fixes do not do what they declare and nothing else; none when they do.
fn wrong(before: &Stack, text: &str, numbers: &[usize]) -> Option<String> {
    if numbers.is_empty() {
        return None;
    }
    let Some(after) = written(before, text, numbers) else { return Some("nothing is written".into()) };
    let Some(now) = look(&after) else { return Some("the stack would not render".into()) };
    points_into(&now.audit, &after);
    let fixes: Vec<&Finding> = numbers.iter().map(|number| &before.audit.findings[*number].finding).collect();
    let mut declared = before.rendered.clone();
    fixes.iter().filter_map(|finding| finding.fix.as_ref()).flat_map(|fix| &fix.changes).for_each(|change| change.make(&mut declared));
    if declared != now.rendered {
        return Some("it would render otherwise than declared".into());
    }
    let mut allowed: BTreeMap<Identity, i64> = BTreeMap::new();
    before.audit.findings.iter().for_each(|entry| *allowed.entry(identity(&entry.finding)).or_default() += 1);
    fixes.iter().for_each(|finding| *allowed.entry(identity(finding)).or_default() -= 1);
    for entry in &now.audit.findings {
        let left = allowed.entry(identity(&entry.finding)).or_default();
        *left -= 1;
        if *left < 0 {
            return Some(format!("{} would be found at {}", entry.finding.rule, entry.finding.place));
        }
    }
    None
}

type Identity = (&'static str, Option<String>, String, String);

fn identity(finding: &Finding) -> Identity {
    let place = finding.place.split('[').next().unwrap_or_default().to_string();
    (finding.rule, finding.service.clone(), place, finding.about.clone())
}
