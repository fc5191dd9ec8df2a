use crate::finding::{Category, FixKind, Priority};
use crate::rules::{Check, Draft, Found, Reference, Rule, Subject};
use crate::text::Span;
use crate::yaml::{Comment, Entry, Operation, Origin, Place, What};

pub static RULE: Rule = Rule {
    name: "obsolete-version",
    title: "a `version` that means nothing",
    doc: "`version` told old releases of Compose how to read a file. Compose ignores it, warns of it at every call, and reads \
        the file by the newest rules whatever stands there: it only misleads. Remove it.",
    category: Category::ServiceDefinitions,
    priority: Priority::P3,
    references: &[Reference::Spec("spec")],
    fix: FixKind::Apply,
    check: Check::Stack(check),
};

fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    for (file, number, document) in subject.documents() {
        let Some(entry) = document.root.entries().iter().find(|entry| entry.key.text() == Some("version")) else { continue };
        let spot = subject.spot(Origin { file, span: entry.key.span }, "version".into(), None);
        let operation = || Operation { document: number, place: Place::default().key("version"), what: What::Remove };
        let draft = || Draft::unseen(subject.path(file), operation());
        let reported = found.report(spot, "`version` means nothing to Compose", "remove the line");
        // It often stands first, below words about the whole file.
        match document.comments.iter().any(|comment| stands_above(subject, file, comment, entry)) {
            true => reported.fix_as(FixKind::Propose, || Some(draft().caveat("the comment directly above it goes with it"))),
            false => reported.fix(|| Some(draft())),
        };
    }
}

/// Whether a comment ends on the line before an entry.
fn stands_above(subject: &Subject<'_>, file: u32, comment: &Comment, entry: &Entry) -> bool {
    let (end, start) = (comment.span.end, entry.key.span.start);
    end < start && {
        let between = subject.written(Origin { file, span: Span::new(end, start) });
        between.trim().is_empty() && between.matches('\n').count() == 1
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::finding::FixKind;
    use crate::rules::testing::{Fixture, assert_fixed};

    #[test]
    fn finds_it_in_every_file() {
        Fixture::new("  version: '3.8'\n# ^^^^^^^ `version` means nothing to Compose\n  services: {web: {image: nginx}}\n")
            .overlay(
                "prod.yaml",
                "  services: {web: {labels: {version: '3'}}}\n  version: '3'\n# ^^^^^^^ `version` means nothing to Compose\n",
            )
            .assert_findings(&RULE);
    }

    #[test]
    fn the_line_goes() {
        assert_fixed(
            &RULE,
            "# shop\n\nversion: \"3.8\" # old\nservices:\n  web: {image: nginx}\n",
            "# shop\n\nservices:\n  web: {image: nginx}\n",
        );
        for blank in ["", "\n", "\r\n", "\n  \n\n"] {
            let services = "services:\n  web: {image: nginx}\n\n";
            assert_fixed(&RULE, &format!("version: '3.8'\n{blank}{services}"), services);
        }
    }

    #[test]
    fn words_about_the_file_are_not_taken_along_unasked() {
        let kind = |text: &str| Fixture::new(text).findings(&RULE)[0].fix.as_ref().unwrap().kind;
        assert_eq!(kind("# Copyright\nversion: '3'\nservices: {web: {image: nginx}}\n"), FixKind::Propose);
        assert_eq!(kind("services: {web: {image: nginx}} # web\n\nversion: '3'\n"), FixKind::Apply);
    }
}
