//! What somebody wants of a service's backup: by its labels, or in the settings.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// Says how a service, or its volumes, are backed up.
pub const LABEL: &str = "xtask.backup";
const COMMAND: &str = "xtask.backup.command";
const RESTORE: &str = "xtask.backup.restore";
const SQLITE: &str = "xtask.backup.sqlite";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    pub how: Option<String>,
    /// Its standard output, in the service's container, is a dump.
    pub command: Option<String>,
    /// Reads such a dump from its standard input.
    pub restore: Option<String>,
    /// Files of SQLite, in the service's container.
    pub sqlite: Vec<String>,
}

/// The kind of an adapter, and what its scripts are told.
pub type Named = (&'static str, BTreeMap<String, String>);

impl Wish {
    /// What the labels say wins.
    pub fn with_labels(self, labels: &BTreeMap<String, String>) -> Wish {
        let label = |name: &str| labels.get(name).cloned();
        Wish {
            how: label(LABEL).or(self.how),
            command: label(COMMAND).or(self.command),
            restore: label(RESTORE).or(self.restore),
            sqlite: label(SQLITE).map_or(self.sqlite, |paths| paths.split_whitespace().map(String::from).collect()),
        }
    }

    /// The dump that it names, if any.
    ///
    /// # Errors
    /// `Unusable`: it names two, or a path that is none.
    pub fn named(&self, service: &str) -> Result<Option<Named>> {
        let unusable = |why: &str| Error::unusable(format!("dump {service}")).why(why);
        let mut options = BTreeMap::new();
        match (&self.command, self.sqlite.as_slice()) {
            (Some(_), [_, ..]) => {
                Err(unusable("it has both a command and files of SQLite").help(format!("leave out {COMMAND} or {SQLITE}")))
            }
            (None, _) if self.restore.is_some() => Err(unusable(&format!("{RESTORE} needs {COMMAND}"))),
            (Some(command), []) => {
                options.insert("command".to_string(), command.clone());
                options.extend(self.restore.iter().map(|restore| ("restore".to_string(), restore.clone())));
                Ok(Some(("command", options)))
            }
            (None, []) => Ok(None),
            (None, files) => {
                if files.iter().any(|file| !file.starts_with('/') || file.contains(['\'', '\n'])) {
                    return Err(unusable(&format!("{SQLITE} takes absolute paths")));
                }
                options.insert("files".to_string(), files.join("\n"));
                Ok(Some(("sqlite", options)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_win_and_two_ways_are_one_too_many() {
        let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let set = Wish { command: Some("a".into()), restore: Some("r".into()), ..Wish::default() };
        let wish = set.clone().with_labels(&labels(&[(COMMAND, "b | c")]));
        let (kind, options) = wish.named("s").unwrap().unwrap();
        assert_eq!((kind, options["command"].as_str(), options["restore"].as_str()), ("command", "b | c", "r"));
        assert!(set.with_labels(&labels(&[(SQLITE, "/data/a.db")])).named("s").is_err());
        let two = Wish::default().with_labels(&labels(&[(SQLITE, "/data/a.db /data/b.db")]));
        assert_eq!(two.named("s").unwrap().unwrap().1["files"], "/data/a.db\n/data/b.db");
        assert!(Wish::default().with_labels(&labels(&[(SQLITE, "data/a.db")])).named("s").is_err());
        assert_eq!(Wish::default().named("s").unwrap(), None);
    }
}
