//! One page that stands alone: a summary, a filter, and tables by service.

use serde_json::{Value, json};

use super::Regions;
use super::patch::{Line, Patches};
use crate::audit::{Audit, By, Entry, Gap, Looked, Suppressed};
use crate::error::Result;
use crate::finding::{Category, Finding, FixKind, Severity};
use crate::report::harmless;
use crate::report::page::{page, pieces};
use crate::rules;

const TEMPLATE: &str = include_str!("html/page.html");
const SCRIPT: &str = include_str!("html/page.js");

pub fn html(audit: &Audit) -> Result<String> {
    let regions = Regions::new(audit);
    let all = audit.findings.iter().chain(audit.suppressed.iter().map(|one| &one.entry));
    let patches = Patches::shown(audit, all.map(|entry| &entry.finding));
    let counts: Vec<Value> = audit.counts().iter().map(|(severity, count)| json!({"severity": severity.name(), "count": count})).collect();
    let mut names: Vec<&str> = audit.findings.iter().filter_map(|entry| entry.finding.service.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    let files: std::collections::BTreeSet<_> = audit.stacks.iter().flat_map(|stack| &stack.files).collect();
    let safe = |entry: &&Entry| entry.finding.fix.as_ref().is_some_and(|fix| fix.kind == FixKind::Apply);
    page(
        TEMPLATE,
        SCRIPT,
        json!({
            "total": audit.findings.len(),
            "services": audit.stacks.iter().map(|stack| stack.services.len()).sum::<usize>(),
            "files": files.len(),
            "fixes": audit.findings.iter().filter(safe).count(),
            "counts": counts,
            "categories": categories(audit),
            "names": names.into_iter().map(shown).collect::<Vec<_>>(),
            "stacks": audit.stacks.iter().map(|looked| stack(audit, looked)).collect::<Vec<_>>(),
            "gaps": audit.gaps.iter().map(gap).collect::<Vec<_>>(),
            "groups": groups(audit, &regions, &patches),
            "suppressed": audit.suppressed.iter().map(|one| suppressed(one, &regions, &patches)).collect::<Vec<_>>(),
            "version": env!("CARGO_PKG_VERSION"),
        }),
    )
}

/// A name on one line, without what would move the text around it.
fn shown(text: &str) -> String {
    harmless(text).replace(['\n', '\t'], " ")
}

fn category(finding: &Finding) -> Category {
    rules::named(finding.rule).map_or(Category::ServiceDefinitions, |rule| rule.category)
}

/// Those that have findings, in the order of a review, with a number for each severity.
fn categories(audit: &Audit) -> Vec<Value> {
    let of = |wanted: Category| -> Vec<Severity> {
        audit.findings.iter().filter(|entry| category(&entry.finding) == wanted).map(|entry| entry.finding.severity).collect()
    };
    let row = |category: Category| {
        let found = of(category);
        let counts: Vec<usize> = audit.counts().iter().map(|(severity, _)| found.iter().filter(|one| *one == severity).count()).collect();
        json!({"name": category, "title": category.title(), "counts": counts, "total": found.len()})
    };
    Category::ALL.into_iter().map(row).filter(|row| row["total"] != 0).collect()
}

fn stack(audit: &Audit, looked: &Looked) -> Value {
    let files: Vec<String> = looked.files.iter().map(|file| shown(&audit.relative(file).display().to_string())).collect();
    let found = audit.findings.iter().filter(|entry| entry.stacks.contains(&looked.id)).count();
    let role = looked.role.map_or(json!("none, judged as prod"), |role| json!(role));
    json!({"id": shown(&looked.id), "role": role, "files": files, "services": looked.services.len(), "findings": found})
}

fn gap(gap: &Gap) -> Value {
    json!({"stack": shown(&gap.stack), "error": shown(&gap.error.to_string()), "help": gap.error.help.as_deref().map(pieces)})
}

/// The findings by stack and service in the order of the stacks, what is about no service first; the most
/// severe first.
fn groups(audit: &Audit, regions: &Regions<'_>, patches: &Patches<'_>) -> Vec<Value> {
    let mut groups: Vec<(&[String], Option<&str>, Vec<&Entry>)> = Vec::new();
    for entry in &audit.findings {
        let (stacks, service) = (entry.stacks.as_slice(), entry.finding.service.as_deref());
        match groups.iter_mut().find(|group| group.0 == stacks && group.1 == service) {
            Some(group) => group.2.push(entry),
            None => groups.push((stacks, service, vec![entry])),
        }
    }
    let place = |stacks: &[String], service: Option<&str>| {
        let stack = audit.stacks.iter().position(|looked| stacks.contains(&looked.id));
        let at = |looked: &Looked| looked.services.iter().position(|name| Some(name.as_str()) == service);
        (stack, service.is_some(), stack.and_then(|number| at(&audit.stacks[number])))
    };
    groups.sort_by_key(|group| place(group.0, group.1));
    let group = |(stacks, service, mut entries): (&[String], Option<&str>, Vec<&Entry>)| {
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.finding.severity));
        let findings: Vec<Value> = entries.into_iter().map(|entry| finding(entry, regions, patches)).collect();
        json!({"stacks": shown(&stacks.join(", ")), "service": shown(service.unwrap_or_default()), "findings": findings})
    };
    groups.into_iter().map(group).collect()
}

fn finding(entry: &Entry, regions: &Regions<'_>, patches: &Patches<'_>) -> Value {
    let finding = &entry.finding;
    let rule = rules::named(finding.rule);
    let diff: Vec<Value> = patches.lines(finding).iter().map(diff_line).collect();
    let fix = finding.fix.as_ref().map(|fix| match fix.kind {
        FixKind::Apply => "Fix, safe alone",
        FixKind::Prove => "A fix that an engine has to prove",
        FixKind::Propose => "Fix, to be confirmed",
        FixKind::Report => "",
    });
    json!({
        "severity": finding.severity,
        "rule": finding.rule,
        "category": category(finding),
        "title": category(finding).title(),
        "priority": rule.map(|rule| rule.priority),
        "message": pieces(&finding.message),
        "help": pieces(&finding.help),
        "file": shown(&regions.audit.relative(&finding.file).display().to_string()),
        "line": regions.of(entry).line,
        "place": shown(&finding.place),
        "fix": fix,
        "caveat": finding.fix.as_ref().and_then(|fix| fix.caveat.as_deref()).map(pieces),
        "diff": diff,
    })
}

fn diff_line(line: &Line) -> Value {
    let class = match line.sign {
        '+' => "added",
        '-' => "removed",
        _ => "same",
    };
    let number = line.number.map_or(String::new(), |number| number.to_string());
    json!({"class": class, "text": format!("{number:>4} {} {}", line.sign, harmless(&line.text))})
}

fn suppressed(one: &Suppressed, regions: &Regions<'_>, patches: &Patches<'_>) -> Value {
    let mut value = finding(&one.entry, regions, patches);
    value["reason"] = json!(shown(&one.reason));
    value["until"] = json!(one.until.map(|until| until.to_string()).unwrap_or_default());
    value["by"] = match one.by {
        By::Comment => json!("comment"),
        By::Policy => json!("policy"),
    };
    value
}
