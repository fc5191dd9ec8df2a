//! What must hold for any input whatever. Each function takes the bytes of one input and panics when it does not.

mod fixes;
mod spans;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use xtask::dotenv;
use xtask::error::Result;
use xtask::model::{Call, Environment, Model, load};
use xtask::source::{Files, Overlay};
use xtask::yaml::{self, Limits};

pub use fixes::fix;

/// Stands between the files of an input, on a line of its own.
const NEXT_FILE: &str = "\n=====\n";

/// No file at all: what an input names is not looked for on this machine.
struct Nothing;

impl Files for Nothing {
    fn read(&self, _: &Path) -> Result<Option<Arc<[u8]>>> {
        Ok(None)
    }
}

/// The reader: a tree whose spans lie in the text and in each other, or an error at a byte of the text.
pub fn read(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match yaml::read(text, Limits::default()) {
        Err(error) => assert!(text.is_char_boundary(error.offset), "an error at byte {} of {}", error.offset, text.len()),
        Ok(documents) => {
            for document in &documents {
                spans::hold(text, document);
                match yaml::expand(document, 0) {
                    Err(error) => assert!(text.is_char_boundary(error.offset), "an error at byte {} of {}", error.offset, text.len()),
                    Ok(value) => spans::of_value(text, &value),
                }
            }
        }
    }
}

/// The renderer: a model that says the same twice and knows the place of each value, or an error with a line.
pub fn render(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut parts = text.split(NEXT_FILE).map(str::to_string);
    let compose = parts.next().unwrap_or_default();
    let mut files = vec![("compose.yaml", compose)];
    files.extend(["over.yaml", ".env", "other.yaml"].into_iter().zip(parts));
    match model(&files) {
        Ok(first) => {
            for (path, source) in first.sources.iter().map(|source| (&source.path, &source.text)) {
                assert!(files.iter().any(|(name, text)| path.ends_with(name) && **text == **source), "{} is not as given", path.display());
            }
            let again = model(&files).unwrap_or_else(|error| panic!("read once and then no more: {error}"));
            assert!(first.json() == again.json(), "the same files render differently");
        }
        Err(error) => {
            if let Some(at) = &error.at {
                assert!(at.line > 0 && at.column > 0, "no place in {error}");
            }
        }
    }
}

/// The stack of these files of one folder: `compose.yaml`, and `over.yaml` over it where there is one.
fn model(given: &[(&str, String)]) -> Result<Model> {
    let folder = Path::new("/nowhere/shop");
    let mut files = Overlay::new(&Nothing);
    given.iter().for_each(|(name, text)| files.set(folder.join(name), Some(text.clone().into_bytes())));
    let over = given.iter().any(|(name, text)| *name == "over.yaml" && !text.trim().is_empty());
    let names = if over { &["compose.yaml", "over.yaml"][..] } else { &["compose.yaml"] };
    let call =
        Call { files: names.iter().map(|name| folder.join(name)).collect::<Vec<PathBuf>>(), profiles: vec!["*".into()], ..Call::default() };
    load(&files, &call, &Environment::from([("HOME".into(), "/home/somebody".into())]))
}

/// Env files: entries whose spans lie in the text, and whose values read back when they are quoted.
pub fn dotenv(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let entries = match dotenv::parse(text, &|_| None) {
        Ok(entries) => entries,
        Err(error) => {
            // A carriage return alone ends a line, too.
            let lines = 1 + text.matches(['\n', '\r']).count();
            assert!((1..=lines).contains(&error.line) && error.column >= 1, "an error at line {} of {lines}", error.line);
            return;
        }
    };
    // Variables may grow a few bytes to 64 MiB; to write and read those again is this harness's time, not the parser's.
    if entries.iter().map(|entry| entry.value.len()).sum::<usize>() > 1 << 20 {
        return;
    }
    let mut quoted = String::new();
    for entry in &entries {
        for span in [entry.key_span, entry.value_span] {
            assert!(text.get(span.start..span.end).is_some(), "a span outside of the text");
        }
        assert_eq!(entry.key_span.slice(text), entry.key);
        quoted.push_str(&format!("{}={}\n", entry.key, dotenv::quote(&entry.value)));
    }
    let again = dotenv::parse(&quoted, &|_| None).unwrap_or_else(|error| panic!("what was quoted does not read: {}", error.why));
    let pairs = |entries: &[dotenv::Entry]| entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect::<Vec<_>>();
    assert_eq!(pairs(&again), pairs(&entries), "what was quoted reads differently");
    let changes: Vec<_> = entries.iter().rev().take(1).map(|entry| (entry, dotenv::quote("a new 'value'"))).collect();
    if let Ok(changed) = dotenv::with_values(text, &changes) {
        let now = dotenv::parse(&changed, &|_| None).unwrap_or_else(|error| panic!("what was changed does not read: {}", error.why));
        assert_eq!(now.last().map(|entry| entry.value.as_str()), entries.last().map(|_| "a new 'value'"));
    }
}
