//! What may be seen of a change: both texts with every secret masked by its place.

use super::draft::{Change, Kind};
use crate::dotenv::{self, Quoting};
use crate::event::FileDiff;
use crate::project::Project;
use crate::rules::{self, ComposeSource};
use crate::secret::MASK;
use crate::text::{Span, redact};
use crate::yaml::{Limits, expand, read};

pub fn diff(project: &Project, change: &Change) -> FileDiff {
    let (before, after) = match change.kind {
        Kind::Env | Kind::Example => (change.before.as_deref().map(env), env(&change.after)),
        Kind::Ignore => (change.before.clone(), change.after.clone()),
        // Git has shown its other values to everybody; the credentials are gone from the new text.
        Kind::SharedEnv => (change.before.as_deref().map(|text| redact(text, &change.secrets, MASK).text), change.after.clone()),
        Kind::Compose => {
            let before = change.before.as_deref().map(|text| redact(text, &change.secrets, MASK).text);
            (before, redact(&change.after, &credentials(&change.after), MASK).text)
        }
    };
    FileDiff { path: project.relative(&change.path).display().to_string(), before, after: Some(after) }
}

/// An env file with every value masked that is not a variable's name only.
fn env(text: &str) -> String {
    let entries = dotenv::parse(text, &|_| Some("set".to_string())).unwrap_or_default();
    let shown = |span: Span| {
        let written = span.slice(text).trim_matches(['"', '\'']);
        written.is_empty()
            || (written.starts_with("${") && written.ends_with('}') && written.contains(":?") && !written[2..].contains("${"))
    };
    let hidden = entries.iter().filter(|entry| entry.quoting != Quoting::Inherited && !shown(entry.value_span));
    redact(text, &hidden.map(|entry| entry.value_span).collect::<Vec<_>>(), MASK).text
}

/// Where credentials stand in a compose file's text; the whole text when it cannot be read.
pub fn credentials(text: &str) -> Vec<Span> {
    let Ok(documents) = read(text, Limits::default()) else { return vec![Span::new(0, text.len())] };
    let Ok(values) = documents.iter().map(|document| expand(document, 0)).collect::<Result<Vec<_>, _>>() else {
        return vec![Span::new(0, text.len())];
    };
    let source = ComposeSource { path: "".as_ref(), file: 0, text, documents: &documents, values: &values };
    rules::credentials_in_compose(&source).into_iter().map(|evidence| evidence.source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_an_env_file_is_masked() {
        let shown = env("# note\nA=plain-secret\nB='quoted secret'\nC=\nD=${D:?set D in .env}\nE=\"${E:-fallback-secret}\"\n");
        assert_eq!(shown, format!("# note\nA={MASK}\nB={MASK}\nC=\nD=${{D:?set D in .env}}\nE={MASK}\n"));
    }

    #[test]
    fn a_compose_text_hides_what_the_rules_find() {
        let text = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: hunter2hunter2\n";
        assert!(!redact(text, &credentials(text), MASK).text.contains("hunter2"));
    }
}
