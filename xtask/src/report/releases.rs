//! The table of releases.

use super::history::{columns, one_line};
use crate::tasks::releases::{ImageSummary, ReleaseSummary};

/// A table for each stack and engine; under each release its images and what was accepted.
pub fn tables(releases: &[ReleaseSummary]) -> String {
    if releases.is_empty() {
        return "no releases yet\n".to_string();
    }
    let mut engines: Vec<&str> = releases.iter().map(|release| release.engine.as_str()).collect();
    engines.sort_unstable();
    engines.dedup();
    let groups = releases.chunk_by(|one, next| (&one.stack, &one.engine) == (&next.stack, &next.engine));
    let table = |group: &[ReleaseSummary]| {
        let ReleaseSummary { stack, project, engine, .. } = &group[0];
        let on = if engines.len() > 1 { format!(", engine {engine}") } else { String::new() };
        one_line(&format!("{stack} (compose project {project}{on})")) + "\n" + &rows(group)
    };
    groups.map(table).collect::<Vec<_>>().join("\n")
}

fn rows(releases: &[ReleaseSummary]) -> String {
    let head = ["", "RELEASE", "WHEN", "WHO", "TAG", "COMMIT", "SECONDS", "BEFORE IT"].map(String::from);
    let cells = |release: &ReleaseSummary| {
        let mark = if release.current { "*" } else { "" };
        let id = if release.adopted { format!("{} (adopted)", release.id) } else { release.id.clone() };
        let commit: String = release.git_commit.iter().flat_map(|commit| commit.chars().take(12)).collect();
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        let commit = if commit.is_empty() { "-".to_string() } else { commit };
        let seconds = format!("{:.1}", release.seconds);
        [mark.into(), id, release.when.clone(), release.who.clone(), or_dash(&release.tag), commit, seconds, or_dash(&release.previous)]
    };
    let rows: Vec<[String; 8]> = std::iter::once(head).chain(releases.iter().map(cells)).collect();
    let mut lines = columns(&rows).into_iter();
    let mut text = lines.next().unwrap_or_default();
    for (line, release) in lines.zip(releases) {
        text.push_str(&line);
        for (service, image) in &release.images {
            text.push_str(&below(&format!("{service}: {} {}", image.image, short(image))));
        }
        for accepted in &release.accepted {
            text.push_str(&below(&format!("accepted {}: {}", accepted.rule, accepted.reason)));
        }
        for not_kept in &release.not_kept {
            text.push_str(&below(&format!("not kept: {not_kept}")));
        }
    }
    text
}

fn below(text: &str) -> String {
    format!("     {}\n", one_line(text))
}

/// Twelve digits of what registries call the image, else of its id.
fn short(image: &ImageSummary) -> String {
    let name = image.repo_digests.first().and_then(|digest| digest.rsplit_once('@')).map_or(image.image_id.as_str(), |(_, digest)| digest);
    match name.split_once(':') {
        Some((algorithm, digits)) => format!("{algorithm}:{}", digits.chars().take(12).collect::<String>()),
        None => name.chars().take(12).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::release::Accepted;

    fn release(id: &str) -> ReleaseSummary {
        let image = ImageSummary { image: "web:1".into(), image_id: "sha256:0123456789abcdef".into(), repo_digests: vec![] };
        ReleaseSummary {
            engine: "e1".into(),
            stack: "web".into(),
            project: "shop".into(),
            id: id.into(),
            current: false,
            when: "2026-11-21T22:01:55Z".into(),
            who: "me@here".into(),
            run: "a-run".into(),
            tag: None,
            git_commit: None,
            images: BTreeMap::from([("web".to_string(), image)]),
            seconds: 12.34,
            accepted: vec![],
            adopted: false,
            previous: None,
            backup: None,
            not_kept: vec![],
        }
    }

    #[test]
    fn shows_what_ran_and_which_is_current() {
        let mut second = ReleaseSummary {
            current: true,
            tag: Some("1.2".into()),
            git_commit: Some("0123456789abcdef0123".into()),
            previous: Some("r0001".into()),
            accepted: vec![Accepted { rule: "latest-tag".into(), reason: "a\nb \u{1b}[2J".into() }],
            not_kept: vec!["/p/data is data of a service".into()],
            ..release("r0002")
        };
        second.images.get_mut("web").unwrap().repo_digests = vec!["example.org/web@sha256:fedcba9876543210".into()];
        let first = ReleaseSummary { adopted: true, ..release("r0001") };
        let expected = "\
web (compose project shop)
   RELEASE          WHEN                  WHO      TAG  COMMIT        SECONDS  BEFORE IT
   r0001 (adopted)  2026-11-21T22:01:55Z  me@here  -    -             12.3     -
     web: web:1 sha256:0123456789ab
*  r0002            2026-11-21T22:01:55Z  me@here  1.2  0123456789ab  12.3     r0001
     web: web:1 sha256:fedcba987654
     accepted latest-tag: a b \\u{1b}[2J
     not kept: /p/data is data of a service
";
        assert_eq!(tables(&[first, second]), expected);
        assert_eq!(tables(&[]), "no releases yet\n");
    }

    #[test]
    fn stacks_and_engines_have_tables_of_their_own() {
        let text = tables(&[release("r0001"), ReleaseSummary { engine: "e2".into(), ..release("r0001") }]);
        assert!(
            text.contains("(compose project shop, engine e1)\n") && text.contains("\n\nweb (compose project shop, engine e2)\n"),
            "{text}"
        );
    }
}
