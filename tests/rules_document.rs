//! `policies/RULES.md` says what the rules say. Where it does not, this test writes it, and fails once.

use std::fs;
use std::path::Path;

#[test]
fn the_document_is_what_the_rules_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/RULES.md");
    let wanted = xtask::report::rules::markdown();
    let there = fs::read_to_string(&path).unwrap_or_default();
    if there != wanted {
        fs::write(&path, &wanted).unwrap();
        panic!("policies/RULES.md was not what the rules say; it is written anew now");
    }
}

#[test]
fn every_rule_has_its_line_and_its_chapter() {
    let text = xtask::report::rules::markdown();
    for rule in xtask::rules::all() {
        let line = format!("| [{0}](#{0}) |", rule.name);
        let chapter = format!("\n## {}\n", rule.name);
        assert_eq!((text.matches(&line).count(), text.matches(&chapter).count()), (1, 1), "{}", rule.name);
    }
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    assert!(readme.contains("(policies/RULES.md)"), "the README does not lead to the rules");
}
