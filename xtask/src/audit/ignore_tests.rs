use super::*;
use crate::audit::{Around, Audit, By, Collector, Looked, judge};
use crate::model::{Call, Environment, load};
use crate::policy::Policy;
use crate::project::Role;
use crate::rules::Subject;
use crate::source::{Disk, Overlay};
use crate::surroundings::Surroundings;

const COMPOSE: &str = "/project/compose.yaml";

/// Judges one stack on 2026-06-15; a policy's text is laid over prod.
fn audit(files: &[(&str, &str)], policy: &str, only: &[&'static str]) -> Audit {
    let mut overlay = Overlay::new(&Disk);
    files.iter().for_each(|(path, text)| overlay.set(format!("/project/{path}"), Some(text.as_bytes().to_vec())));
    overlay.set("/project/policy.yaml", Some(policy.as_bytes().to_vec()));
    let policy = Policy::of(Role::Prod).with_file(Path::new("/project/policy.yaml"), &overlay).unwrap();
    let files = vec![PathBuf::from(COMPOSE)];
    let model = load(&overlay, &Call { files: files.clone(), ..Call::default() }, &Environment::new()).unwrap();
    let tracked = model.sources.iter().map(|source| source.path.clone()).collect();
    let surroundings = Surroundings { tracked: Some(std::sync::Arc::new(tracked)), ..Surroundings::default() };
    let judging = Judging { today: Date::parse("2026-06-15").unwrap(), only, cancel: &Default::default() };
    let subject = Subject {
        id: "shop",
        role: Role::Prod,
        model: &model,
        files: &files,
        policy: &policy,
        surroundings: &surroundings,
        fixes: false,
        known: Default::default(),
    };
    let services = model.services().map(String::from).collect();
    let mut collector = Collector::default();
    collector.add(Looked { id: "shop".into(), role: None, files: files.clone(), services }, judge(&subject, judging));
    collector.finish(Around { root: "/project".into(), prod: &policy, dev: Policy::of(Role::Dev), judging, whole: true })
}

const PRIVILEGED: &[&str] = &["privileged-container", INVALID, UNUSED];

/// What stands and what is suppressed of one compose file: `rule place`, sorted by place.
fn outcome(text: &str) -> (Vec<String>, Vec<String>) {
    said(&audit(&[("compose.yaml", text)], "", PRIVILEGED))
}

fn said(audit: &Audit) -> (Vec<String>, Vec<String>) {
    let name = |finding: &Finding| format!("{} {}", finding.rule, finding.place);
    let findings = audit.findings.iter().map(|entry| name(&entry.finding)).collect();
    (findings, audit.suppressed.iter().map(|one| name(&one.entry.finding)).collect())
}

/// Nothing stands, and this is suppressed.
#[track_caller]
fn suppresses(text: &str, wanted: &[&str]) {
    let (findings, suppressed) = outcome(text);
    assert_eq!(
        (findings.as_slice(), suppressed.as_slice()),
        (&[][..], &wanted.iter().map(|w| w.to_string()).collect::<Vec<_>>()[..]),
        "{text}"
    );
}

/// The comment itself is a finding with these words, and suppresses nothing.
#[track_caller]
fn complains(comment: &str, rule: &str, words: &str) {
    let text = format!("services:\n  a:\n    image: x\n    privileged: true # audit:ignore {comment}\n");
    let audit = audit(&[("compose.yaml", &text)], "", PRIVILEGED);
    assert!(audit.suppressed.is_empty(), "{comment}");
    let about = audit.findings.iter().find(|entry| entry.finding.rule == rule).unwrap_or_else(|| panic!("{comment}: {:?}", audit.findings));
    assert!(about.finding.message.contains(words) || about.finding.help.contains(words), "{comment}: {:?}", about.finding);
    assert!(about.finding.span.slice(&text).starts_with("# audit:ignore"));
    assert!(audit.findings.iter().any(|entry| entry.finding.rule == "privileged-container"), "{comment}");
}

const A: &str = "privileged-container services.a.privileged";

#[test]
fn a_comment_covers_the_entry_of_its_line_or_of_the_next() {
    suppresses("services:\n  a:\n    image: x\n    privileged: true # audit:ignore privileged-container a reason\n", &[A]);
    suppresses("services:\n  a:\n    image: x\n    # audit:ignore privileged-container a reason\n    privileged: true\n", &[A]);
    suppresses("services:\n  a:\n    image: x\n    # audit:ignore privileged-container: a reason\n    privileged: true\n", &[A]);
    suppresses(
        "services:\n  a:\n    image: x\n    # audit:ignore privileged-container one\n    # more words\n    privileged: true\n",
        &[A],
    );
    let (findings, _) = outcome("services:\n  a:\n    image: x # audit:ignore privileged-container a reason\n    privileged: true\n");
    assert_eq!(findings, ["unused-suppression audit:ignore", A]);
}

#[test]
fn above_a_service_it_covers_the_service_alone() {
    let both = "services:\n  # audit:ignore privileged-container a reason\n  a:\n    image: x\n    privileged: true\n  b:\n    image: x\n    privileged: true\n";
    let (findings, suppressed) = outcome(both);
    assert_eq!((findings, suppressed), (vec!["privileged-container services.b.privileged".to_string()], vec![A.to_string()]));
    suppresses(
        &both.replace("  # audit", "# audit").replace("services:\n# ", "# ").replace("a reason\n", "a reason\nservices:\n"),
        &[A, "privileged-container services.b.privileged"],
    );
}

#[test]
fn flow_style_and_lists_are_covered_whole() {
    suppresses("services:\n  a: {image: x, privileged: true} # audit:ignore privileged-container a reason\n", &[A]);
    suppresses("services: {a: {image: x, privileged: true}} # audit:ignore privileged-container a reason\n", &[A]);
    suppresses("services:\n  a: {\n    image: x,\n    # audit:ignore privileged-container a reason\n    privileged: true\n  }\n", &[A]);
}

#[test]
fn several_comments_each_suppress_their_rule() {
    let text = "services:\n  # audit:ignore privileged-container it mounts\n  # audit:ignore no-new-privileges it uses sudo\n  a:\n    image: x\n    privileged: true\n";
    let audit = audit(&[("compose.yaml", text)], "", &["privileged-container", "no-new-privileges", UNUSED]);
    assert!(audit.findings.is_empty(), "{:?}", audit.findings);
    let mut reasons: Vec<&str> = audit.suppressed.iter().map(|one| one.reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["it mounts", "it uses sudo"]);
    assert!(audit.suppressed.iter().all(|one| one.by == By::Comment));
}

#[test]
fn line_ends_and_file_ends_do_not_matter() {
    suppresses("services:\r\n  a:\r\n    image: x\r\n    # audit:ignore privileged-container a reason\r\n    privileged: true\r\n", &[A]);
    suppresses("services:\r\n  a:\r\n    image: x\r\n    privileged: true # audit:ignore privileged-container a reason\r\n", &[A]);
    suppresses("services:\n  a:\n    image: x\n    privileged: true # audit:ignore privileged-container a reason", &[A]);
    let (findings, _) = outcome("services:\n  a:\n    image: x\n    privileged: true\n# audit:ignore privileged-container a reason");
    assert_eq!(findings, [A, "unused-suppression audit:ignore"], "below the last entry it covers nothing");
}

#[test]
fn a_day_ends_it_and_is_part_of_the_note() {
    let text =
        |day: &str| format!("services:\n  a:\n    image: x\n    privileged: true # audit:ignore privileged-container why until {day}\n");
    let audit = audit(&[("compose.yaml", &text("2026-06-15"))], "", PRIVILEGED);
    assert_eq!((audit.suppressed[0].reason.as_str(), audit.suppressed[0].until), ("why", Date::parse("2026-06-15")), "the last day counts");
    complains("privileged-container why until 2026-06-14", INVALID, "until a day that is past");
    complains("privileged-container why until 2026-02-30", INVALID, "does not exist");
    complains("privileged-container why until tomorrow", INVALID, "does not exist");
    for until in ["Until 2026-06-14", "until: 2026-06-14", "until\t2026-06-14", "UNTIL  2026-06-14"] {
        complains(&format!("privileged-container why {until}"), INVALID, "until a day that is past");
    }
    complains("privileged-container until 2027-01-01", INVALID, "without a reason");
}

#[test]
fn what_is_not_said_rightly_is_a_finding() {
    complains("privileged-container", INVALID, "without a reason");
    complains("privileged-contaner a reason", INVALID, "did you mean `privileged-container`?");
    complains("", INVALID, "a rule that does not exist");
    complains("everything a reason", INVALID, "write `# audit:ignore RULE reason`");
}

#[test]
fn a_comment_is_unused_only_if_its_rule_was_asked() {
    let text = "services:\n  # audit:ignore no-new-privileges a reason\n  a:\n    image: x\n    security_opt: [no-new-privileges:true]\n";
    let files = [("compose.yaml", text)];
    assert_eq!(said(&audit(&files, "", &["no-new-privileges", UNUSED])).0, ["unused-suppression audit:ignore"]);
    assert_eq!(said(&audit(&files, "", PRIVILEGED)).0, [""; 0], "another rule was asked");
    assert_eq!(said(&audit(&files, "", &["no-new-privileges"])).0, [""; 0], "nobody asked for this");
    assert_eq!(said(&audit(&files, "rules: {no-new-privileges: off}\n", &["no-new-privileges", UNUSED])).0, [""; 0], "the rule is off");
}

const ENV: &[&str] = &["tracked-env-file-secret", INVALID, UNUSED];

#[test]
fn env_files_have_comments_too() {
    let compose = "services:\n  a:\n    image: x\n    env_file: [a.env]\n";
    let env = "# audit:ignore tracked-env-file-secret for tests\nONE_PASSWORD=geh3im-Wort\nTWO_PASSWORD=geh3im-Wort # audit:ignore tracked-env-file-secret it is public\n\
               THREE_PASSWORD=geh3im-Wort\n# audit:ignore tracked-env-file-secret none\nPLAIN=1\nQUOTED='\n# audit:ignore nonsense\n'\n";
    let (findings, suppressed) = said(&audit(&[("compose.yaml", compose), ("a.env", env)], "", ENV));
    assert_eq!(suppressed, ["tracked-env-file-secret ONE_PASSWORD", "tracked-env-file-secret TWO_PASSWORD"]);
    assert_eq!(findings, ["tracked-env-file-secret THREE_PASSWORD", "unused-suppression audit:ignore"], "in a value it is no comment");
    let wrong = "ONE_PASSWORD=geh3im-Wort # audit:ignore tracked-env-file-secret\r\n";
    let (findings, _) = said(&audit(&[("compose.yaml", compose), ("a.env", wrong)], "", ENV));
    assert_eq!(findings, ["tracked-env-file-secret ONE_PASSWORD", "invalid-suppression audit:ignore"]);
}

const STACK: &str = "services:\n  a:\n    image: x\n    privileged: true\n";

/// The messages of findings about a policy with one exception from privileged-container.
fn of_exception(exception: &str) -> (Vec<String>, usize) {
    let policy = format!("rules:\n  privileged-container:\n    exceptions:\n      - {exception}\n");
    let audit = audit(&[("compose.yaml", STACK)], &policy, PRIVILEGED);
    let about = audit.findings.iter().filter(|entry| entry.finding.rule == INVALID);
    let shown = about.map(|entry| {
        assert!(entry.stacks.is_empty() && audit.texts.contains_key(Path::new("/project/policy.yaml")));
        assert_eq!(entry.finding.span.slice(&policy), exception);
        entry.finding.message.clone()
    });
    (shown.collect(), audit.suppressed.len())
}

#[test]
fn an_exception_that_does_not_hold_is_said_at_its_place() {
    assert_eq!(of_exception("{service: a, reason: x}"), (vec![], 1));
    assert_eq!(of_exception("{stack: shop, service: a, reason: x, until: 2026-06-15}"), (vec![], 1));
    assert_eq!(of_exception("{reason: x, until: 2026-06-14}"), (vec!["an exception from `privileged-container` has ended".to_string()], 0));
    let named = |what: &str| vec![format!("an exception from `privileged-container` names the {what}, which is not there")];
    assert_eq!(of_exception("{service: b, reason: x}"), (named("service `b`"), 0));
    assert_eq!(of_exception("{stack: shopp, reason: x}"), (named("stack `shopp`"), 0));
}
