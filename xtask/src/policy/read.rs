//! Reading a project's own policy, strictly: a misspelt rule would be a rule that silently does not hold.

use std::path::Path;

use super::{Full, Level, Pack, Policy, Setting, Written};
use crate::error::{Error, Result};
use crate::source::Files;
use crate::text::{LineIndex, Span, nearest};
use crate::yaml::{Limits, Node, read};

/// The file's settings; each names a rule and parameters that `known` has. `None`: no such file.
pub(super) fn pack(path: &Path, files: &dyn Files, known: &Policy) -> Result<Option<Pack>> {
    let Some(bytes) = files.read(path)? else { return Ok(None) };
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| Error::unusable(format!("read {}", path.display())).why(format!("not UTF-8 at byte {}", error.valid_up_to())))?;
    let file = File { path, text };
    // The serde reader is only let near what the strict reader has accepted.
    let documents = read(text, Limits::default()).map_err(|error| file.error(error.offset, error.why))?;
    let Some(document) = documents.first().filter(|document| !document.root.span.is_empty()) else { return Ok(Some(Pack::default())) };
    let whole: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| file.error(0, error.to_string()))?;
    let mut pack = Pack::default();
    for entry in document.root.entries() {
        match entry.key.text() {
            Some("rules") => {}
            Some("blocking") => {
                pack.blocking = Some(file.parsed(&entry.value, whole.get("blocking"))?);
                continue;
            }
            Some("blocking_rules") => {
                pack.blocking_rules = file.parsed(&entry.value, whole.get("blocking_rules"))?;
                if let Some(unknown) = pack.blocking_rules.iter().find(|name| !known.rules.contains_key(*name)) {
                    return Err(file.error(entry.value.span.start, format!("there is no rule `{unknown}`")));
                }
                continue;
            }
            _ => return Err(file.error(entry.key.span.start, "a policy has the keys rules, blocking and blocking_rules")),
        }
        for rule in entry.value.entries() {
            let (name, mut full) = file.setting(&rule.key, &whole, known)?;
            let items = rule.value.get("exceptions").map_or(&[][..], Node::items);
            for (exception, item) in full.exceptions.iter_mut().zip(items) {
                exception.written = Some(Written { file: path.to_path_buf(), span: file.first_line(item), text: text.into() });
            }
            pack.rules.insert(name, Setting::Full(full));
        }
    }
    Ok(Some(pack))
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn error(&self, offset: usize, why: impl Into<String>) -> Error {
        let (line, column) = LineIndex::new(self.text).line_column(self.text, offset);
        Error::unusable("read the policy").at(self.path, line, column).why(why)
    }

    /// The first line of a node, to point at.
    fn first_line(&self, node: &Node) -> Span {
        let written = node.span.slice(self.text);
        Span::new(node.span.start, node.span.start + written.lines().next().map_or(0, str::len))
    }

    /// A value of the file as what it has to be.
    fn parsed<T: serde::de::DeserializeOwned>(&self, node: &Node, value: Option<&serde_yaml::Value>) -> Result<T> {
        serde_yaml::from_value(value.cloned().unwrap_or_default()).map_err(|error| self.error(node.span.start, error.to_string()))
    }

    /// One rule's setting; an error then says which rule it is about, and where that stands.
    fn setting(&self, key: &Node, whole: &serde_yaml::Value, known: &Policy) -> Result<(String, Full)> {
        let bad = |why: String| self.error(key.span.start, why);
        let name = key.text().ok_or_else(|| bad("a rule's name is a word".into()))?;
        let Some(entry) = known.rules.get(name) else {
            let error = bad(format!("there is no rule `{name}`"));
            return Err(match nearest(name, known.rules()) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("`cargo xtask explain` lists the rules"),
            });
        };
        let value = whole.get("rules").and_then(|rules| rules.get(name)).cloned().unwrap_or_default();
        let full = match value {
            serde_yaml::Value::Mapping(_) => serde_yaml::from_value::<Full>(value),
            word => serde_yaml::from_value::<Level>(word).map(|level| Full { level: Some(level), ..Full::default() }),
        };
        let full = full.map_err(|error| bad(format!("`{name}`: {error}")))?;
        if let Some(parameter) = full.parameters.keys().find(|parameter| !entry.parameters.contains_key(*parameter)) {
            let known = entry.parameters.keys().map(|parameter| format!(", {parameter}")).collect::<String>();
            return Err(bad(format!("`{name}` has no parameter `{parameter}`")).help(format!("it has level, exceptions{known}")));
        }
        Ok((name.to_string(), full))
    }
}
