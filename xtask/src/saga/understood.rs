//! What a journal says, read as what it was written from: wholly, or not at all.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::clock::utc;
use super::journal::{Entry, Record};
use crate::error::{Error, Result};

/// So much of a reader's complaint is told: it may list all kinds that it knows.
const TOLD: usize = 120;

/// `entries` are those of the same journal: the first one says who has written it.
///
/// # Errors
/// `Unusable`: this version does not know it, or knows only a part of it. That part could be put back, and the rest stay.
pub fn understood<T: Serialize + DeserializeOwned>(what: &str, said: &Value, entries: &[Entry]) -> Result<T> {
    let unreadable = |why: String| Error::unusable(format!("read {what} of the journal")).why(why).help(whose(entries));
    let read = T::deserialize(said).map_err(|error| unreadable(shortened(&error.to_string())))?;
    let again = serde_json::to_value(&read).map_err(|error| unreadable(error.to_string()))?;
    match beyond(said, &again) {
        Some(name) => Err(unreadable(format!("it says `{name}`, which this xtask does not know"))),
        None => Ok(read),
    }
}

/// The name of something that was said and is not read; what says nothing may be left out.
fn beyond(said: &Value, read: &Value) -> Option<String> {
    match (said, read) {
        (Value::Object(said), Value::Object(read)) => said.iter().find_map(|(name, value)| match read.get(name) {
            Some(read) => beyond(value, read),
            None => (!says_nothing(value)).then(|| name.clone()),
        }),
        (Value::Array(said), Value::Array(read)) => said.iter().zip(read).find_map(|(said, read)| beyond(said, read)),
        _ => None,
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

fn shortened(why: &str) -> String {
    match why.char_indices().nth(TOLD) {
        Some((end, _)) => format!("{}...", &why[..end]),
        None => why.to_string(),
    }
}

/// Who can put the run back.
fn whose(entries: &[Entry]) -> String {
    let begun = entries.first().and_then(|entry| match &entry.record {
        Record::Begun(begun) => Some(format!("version {}, as it was at {}", begun.version, utc(entry.at_ms))),
        _ => None,
    });
    let begun = begun.unwrap_or_else(|| "its journal names it".to_string());
    format!("Use the xtask that began the run ({begun}): its commit in another folder, with `-C` and the folder of this project")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        path: String,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", rename_all = "kebab-case")]
    enum Step {
        Write {
            inner: Vec<Inner>,
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            since: Vec<String>,
        },
    }

    fn read(said: &Value) -> Result<Step> {
        understood("step 1", said, &[])
    }

    #[test]
    fn what_was_written_before_a_field_was_there_is_read() {
        let step = Step::Write { inner: vec![Inner { path: "a".into() }], since: Vec::new() };
        assert_eq!(read(&json!({"kind": "write", "inner": [{"path": "a"}]})).unwrap(), step);
        assert_eq!(read(&json!({"kind": "write", "inner": [{"path": "a"}], "gone": [], "was": null})).unwrap(), step);
    }

    #[test]
    fn what_is_not_known_is_not_passed_over() {
        for (said, wanted) in [
            (json!({"kind": "put-back", "inner": []}), "put-back"),
            (json!({"kind": "write", "inner": [], "users": ["a"]}), "`users`"),
            (json!({"kind": "write", "inner": [{"path": "a"}, {"path": "b", "inode": 7}]}), "`inode`"),
            (json!({"kind": "write"}), "inner"),
            (json!("write"), "write"),
            (json!(null), "null"),
        ] {
            let error = read(&said).unwrap_err();
            assert!(error.why.as_ref().is_some_and(|why| why.contains(wanted)), "{said}: {error}");
            assert!(error.help.is_some_and(|help| help.contains("began the run")), "{said}");
        }
    }
}
