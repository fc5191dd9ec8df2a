//! The page of an audit in a real browser: its rows, its filter, and names that would be scripts.

#![allow(clippy::print_stderr, reason = "a test says what it could not look at")]

#[path = "audit_html/browser.rs"]
mod browser;

use std::collections::BTreeMap;
use std::path::PathBuf;

use browser::Browser;
use xtask::audit::{Audit, By, Entry, Gap, Looked, Suppressed, Text};
use xtask::error::Error;
use xtask::finding::{Finding, Severity};
use xtask::project::Role;
use xtask::report::audit::html;
use xtask::text::Span;

/// Each would change the title or leave its place if it were taken for markup.
const HOSTILE: [&str; 8] = [
    "<script>document.title='ran'</script>",
    "\"><img src=x onerror=\"document.title='ran'\">",
    "' autofocus onfocus='document.title=`ran`",
    "</td></tr></table><h1 class=ran>x</h1>",
    "{{ 7 * 7 }}{% for x in y %}",
    "web\u{202e}gnp.exe",
    "nul\u{0}esc\u{1b}[31m\u{7}",
    "`<b>` & &amp;lt;",
];

fn finding(rule: &'static str, severity: Severity, service: Option<&str>, file: &str) -> Entry {
    let name = service.unwrap_or("all");
    let finding = Finding {
        rule,
        severity,
        file: PathBuf::from("/p").join(file),
        span: Span::new(0, 8),
        place: format!("services.{name}"),
        service: service.map(String::from),
        message: format!("`{name}` is not as it should be"),
        help: format!("write `{name}` otherwise"),
        about: String::new(),
        fix: None,
    };
    Entry { finding, stacks: vec![format!("stack {name}")] }
}

/// One finding for each hostile name, in turn high and low, one for a whole stack, and the same names
/// wherever else a name can stand.
fn hostile() -> Audit {
    let level = |number: usize| if number.is_multiple_of(2) { Severity::High } else { Severity::Low };
    let named = || HOSTILE.iter().enumerate();
    let text = Text { text: "services: {}\n".into(), secrets: Vec::new() };
    Audit {
        since: None,
        root: "/p".into(),
        stacks: named()
            .map(|(_, name)| Looked {
                id: format!("stack {name}"),
                role: Some(Role::Prod),
                files: vec![PathBuf::from("/p").join(name.replace('/', "_"))],
                services: vec![(*name).to_string()],
            })
            .collect(),
        findings: named()
            .map(|(number, name)| finding("privileged-container", level(number), Some(name), &name.replace('/', "_")))
            .chain([finding("restart-policy", Severity::Critical, None, "compose.yaml")])
            .collect(),
        suppressed: vec![Suppressed {
            entry: finding("no-new-privileges", Severity::Medium, Some(HOSTILE[0]), "compose.yaml"),
            reason: HOSTILE[1].into(),
            until: None,
            by: By::Comment,
        }],
        gaps: vec![Gap { stack: HOSTILE[1].into(), error: Error::unusable(format!("read {}", HOSTILE[0])).help(HOSTILE[3]) }],
        texts: BTreeMap::from([("/p/compose.yaml".into(), text)]),
    }
}

#[test]
fn no_name_becomes_markup_or_runs() {
    let page = html(&hostile()).unwrap();
    assert!(page.chars().all(|char| !char.is_control() || char == '\n'), "a control character stands in the page");
    let Some(browser) = Browser::find() else { return };
    let dom = browser.dom(&page, "");
    assert!(dom.contains("<title>Audit: 9 findings</title>"), "a name ran: {dom}");
    assert!(!dom.contains("<img") && !dom.contains("<h1 class") && dom.matches("<script").count() == 1, "{dom}");
    // Every name is there to be read, the finding's and the service's.
    for text in [
        "&lt;script&gt;document.title='ran'&lt;/script&gt;",
        "\"&gt;&lt;img src=x",
        "{{ 7 * 7 }}",
        "web\\u{202e}gnp.exe",
        "nul\\u{0}esc\\u{1b}[31m",
    ] {
        assert!(dom.matches(text).count() >= 3, "{text} is not shown: {dom}");
    }
    assert_eq!((dom.matches("<tr class=\"finding\"").count(), dom.matches("<tr class=\"suppressed\"").count()), (9, 1));
    assert!(dom.find("id=\"gaps\"") < dom.find("id=\"summary\""), "what was not judged comes first");
}

#[test]
fn the_filter_takes_a_preset_from_the_fragment() {
    let Some(browser) = Browser::find() else { return };
    let page = html(&hostile()).unwrap();
    let hidden = |fragment: &str| {
        let dom = browser.dom(&page, fragment);
        assert!(!dom.contains("<form class=\"filter\" id=\"filter\" role=\"search\" aria-label=\"Filter the findings\" hidden"), "{dom}");
        let rows = dom.split("<tr class=\"finding\"").skip(1).map(|row| row.split('>').next().unwrap());
        let hidden = rows.filter(|row| row.contains("hidden")).count();
        let said = format!("{} of 9 findings", 9 - hidden);
        assert!(dom.contains(&said), "the page does not say {said}");
        hidden
    };
    assert_eq!(hidden(""), 0);
    assert_eq!(hidden("#severity=high"), 4);
    assert_eq!(hidden("#category=service-definitions"), 8);
    assert_eq!(hidden("#service=%7B%7B%207%20*%207%20%7D%7D%7B%25%20for%20x%20in%20y%20%25%7D"), 8);
    assert_eq!(hidden("#text=privileged%20ONFOCUS"), 8);
    assert_eq!(hidden("#severity=no-such-word"), 0);
}

#[test]
fn without_scripts_everything_is_there() {
    let Some(browser) = Browser::find() else { return };
    let page = html(&hostile()).unwrap();
    let start = page.find("<script>").unwrap();
    // A script that is not the page's own does not pass its policy.
    let other = format!("{}<script>document.title = 'ran'</script></body></html>", &page[..start]);
    let dom = browser.dom(&other, "");
    assert!(dom.contains("<title>Audit: 9 findings</title>"), "the policy lets another script run");
    assert!(dom.matches("<tr class=\"finding\"").count() == 9 && dom.contains("aria-label=\"Filter the findings\" hidden"));
}

#[test]
fn a_picture_of_it_is_more_than_an_empty_sheet() {
    let Some(browser) = Browser::find() else { return };
    let (page, blank) = (browser.picture(&html(&hostile()).unwrap()), browser.picture("<!DOCTYPE html><title>x</title>"));
    assert!(page > 4 * blank, "{page} bytes, a blank one has {blank}");
}
