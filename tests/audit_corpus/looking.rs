//! What every audit of a real file must keep.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use xtask::audit::Audit;
use xtask::policy::Date;
use xtask::report::Look;
use xtask::report::answer::{Answer, Document};
use xtask::tasks::audit::{Request, audit};
use xtask::yaml::{self, Limits};

use super::support::real::provide;
use super::support::{Outcome, Project};

/// For one file in an unoptimised build, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// Credentials of public examples that are words of our own sentences as well.
const COMMON: [&str; 5] = ["password", "passwd", "secret", "default", "example"];

/// The audit of the project's `compose.yaml`, held to what every audit must keep; or why it cannot be read. What
/// the file needs to render is provided.
pub fn look(project: &Project, name: &str) -> Result<Audit, String> {
    for _ in 0..40 {
        let started = Instant::now();
        let found = audited(project);
        assert!(started.elapsed() < DEADLINE, "{name} took {:?}", started.elapsed());
        match found.gaps.first() {
            None => {
                points_into_files(name, &found);
                fingerprints_differ(name, &found);
                return Ok(shows_no_secret(name, found));
            }
            Some(gap) => {
                let why = gap.error.to_string();
                assert!(gap.error.at.is_some() || why.len() > 20, "{name}: a refusal without a reason: {why}");
                if !provide(project, &Outcome { code: 2, stdout: String::new(), stderr: why.clone() }) {
                    return Err(why.replace(&project.root().display().to_string(), ""));
                }
            }
        }
    }
    Err("it needs more than a test provides".into())
}

pub fn audited(project: &Project) -> Audit {
    let request = Request { targets: vec!["compose.yaml".into()], fixes: true, ..Request::default() };
    let environment = BTreeMap::from([("HOME".to_string(), "/home/somebody".to_string())]);
    let today = Date::of_unix_seconds(1_800_000_000);
    audit(&request, project.root(), &environment, today).unwrap_or_else(|error| panic!("{error}"))
}

/// Spans are of the file's characters; a service is one of the stack, and a place in it begins with its name.
fn points_into_files(name: &str, audit: &Audit) {
    for entry in &audit.findings {
        let finding = &entry.finding;
        let text = &audit.texts.get(&finding.file).unwrap_or_else(|| panic!("{name}: {} points nowhere", finding.rule)).text;
        let there = text.get(finding.span.start..finding.span.end);
        assert!(there.is_some() && finding.span.start < text.len(), "{name}: {} points outside: {:?}", finding.rule, finding.span);
        if let Some(service) = &finding.service {
            assert!(audit.stacks.iter().any(|stack| stack.services.contains(service)), "{name}: there is no service {service}");
        }
        let of_service = finding.place.strip_prefix("services.").zip(finding.service.as_ref());
        assert!(
            of_service.is_none_or(|(rest, service)| rest.starts_with(service.as_str())),
            "{name}: {} at {}",
            finding.rule,
            finding.place
        );
    }
}

fn fingerprints_differ(name: &str, audit: &Audit) {
    let mut known = BTreeMap::new();
    for entry in &audit.findings {
        let finding = &entry.finding;
        let print = finding.fingerprint(audit.relative(&finding.file));
        if let Some(other) = known.insert(print, finding) {
            panic!(
                "{name}: one fingerprint for two findings of {}: {} {:?} and {} {:?}",
                finding.rule, other.place, other.about, finding.place, finding.about
            );
        }
    }
}

/// No format shows the bytes of a credential, unless the file shows the same word in the open elsewhere.
fn shows_no_secret(name: &str, audit: Audit) -> Audit {
    let secrets: BTreeSet<String> = audit.texts.values().flat_map(|text| secrets(&text.text, &text.secrets)).collect();
    let answer = Answer::Audit(Box::new(audit));
    let look = Look::detect(true, false, false);
    let mut reports = vec![("json", serde_json::to_string(&answer).unwrap()), ("human", answer.text(look))];
    for (format, document) in [("sarif", Document::Sarif), ("github", Document::Github), ("markdown", Document::Markdown)] {
        reports.push((format, answer.document(document).unwrap_or_else(|error| panic!("{name} as {format}: {error}"))));
    }
    for (format, report) in reports {
        let shown = secrets.iter().filter(|secret| report.contains(secret.as_str())).count();
        assert_eq!(shown, 0, "{name}: {shown} credentials are shown as {format}");
    }
    match answer {
        Answer::Audit(audit) => *audit,
        _ => unreachable!("it was an audit"),
    }
}

fn secrets<'t>(text: &'t str, spans: &'t [xtask::text::Span]) -> impl Iterator<Item = String> + 't {
    let mut open = String::new();
    let mut at = 0;
    for span in spans {
        open.push_str(text.get(at..span.start).unwrap_or_default());
        open.push('\n');
        at = at.max(span.end);
    }
    open.push_str(text.get(at..).unwrap_or_default());
    let word = |span: &xtask::text::Span| span.slice(text).to_string();
    spans
        .iter()
        .map(word)
        .filter(move |secret| secret.chars().count() >= 6 && !COMMON.contains(&secret.as_str()) && !open.contains(secret.as_str()))
}

/// How many comments a text has.
pub fn comments(text: &str) -> usize {
    yaml::read(text, Limits::default()).expect("it reads").iter().map(|document| document.comments.len()).sum()
}
