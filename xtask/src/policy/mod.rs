//! Which rules hold for which role, how severe, with which parameters and exceptions. The packs in
//! `policies/` are built in; a project's own file of the same name is laid over them, rule by rule.

mod date;
mod read;
mod schema;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::finding::Severity;
use crate::project::Role;
use crate::source::Files;
use crate::text::Span;

pub use date::Date;
pub use schema::schema;

/// How severe a rule's findings are, or that it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Off,
    Info,
    Low,
    Medium,
    High,
    Critical,
}

/// Findings that are known and accepted. What is not said fits everything.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The stack's id.
    pub stack: Option<String>,
    pub service: Option<String>,
    /// The place of the finding or the start of it: `services.web.volumes`.
    pub path: Option<String>,
    pub reason: String,
    /// The last day on which it holds.
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub until: Option<Date>,
    #[serde(skip)]
    pub written: Option<Written>,
}

/// Where an exception stands, and in which text.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    pub file: PathBuf,
    pub span: Span,
    pub text: Arc<str>,
}

/// What a policy says of one rule: a level alone, or with parameters and exceptions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Setting {
    Level(Level),
    Full(Full),
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
struct Full {
    level: Option<Level>,
    #[serde(default)]
    exceptions: Vec<Exception>,
    #[serde(flatten)]
    parameters: BTreeMap<String, serde_yaml::Value>,
}

/// The file's shape.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    /// From which severity on a finding keeps a stack out of production.
    blocking: Option<Severity>,
    /// Rules whose findings do so, however severe.
    #[serde(default)]
    blocking_rules: Vec<String>,
    #[serde(default)]
    rules: IndexMap<String, Setting>,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    level: Level,
    exceptions: Vec<Exception>,
    parameters: BTreeMap<String, Parameter>,
}

#[derive(Debug, Clone, PartialEq)]
struct Parameter {
    written: serde_yaml::Value,
    /// Those of a list, as text: rules ask for them with every service.
    items: Vec<String>,
}

/// The policy of one role.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub role: Role,
    blocking: Severity,
    blocking_rules: Vec<String>,
    rules: IndexMap<String, Entry>,
}

static PROD: LazyLock<Policy> = LazyLock::new(|| Policy::built_in(Role::Prod, include_str!("../../../policies/prod.yaml")));
static DEV: LazyLock<Policy> = LazyLock::new(|| Policy::built_in(Role::Dev, include_str!("../../../policies/dev.yaml")));

impl Policy {
    /// The built-in pack of a role. It names every rule and every parameter that there is.
    pub fn of(role: Role) -> &'static Policy {
        match role {
            Role::Prod => &PROD,
            Role::Dev => &DEV,
        }
    }

    fn built_in(role: Role, text: &str) -> Policy {
        let pack: Pack = serde_yaml::from_str(text).expect("policies/ is built in and held by a test");
        let entry = |setting: Setting| {
            let full = setting.full();
            let parameters = full.parameters.into_iter().map(|(name, value)| (name, Parameter::new(value))).collect();
            Entry { level: full.level.unwrap_or(Level::Off), exceptions: full.exceptions, parameters }
        };
        Policy {
            role,
            blocking: pack.blocking.unwrap_or(Severity::Critical),
            blocking_rules: pack.blocking_rules,
            rules: pack.rules.into_iter().map(|(rule, setting)| (rule, entry(setting))).collect(),
        }
    }

    /// The project's policy for a role: the built-in pack with the project's `policies/<role>.yaml` over it.
    pub fn load(root: &Path, role: Role, files: &dyn Files) -> Result<Policy> {
        let name = match role {
            Role::Prod => "prod",
            Role::Dev => "dev",
        };
        Policy::of(role).with_file(&root.join("policies").join(format!("{name}.yaml")), files)
    }

    /// This policy with a file laid over it; a file that is not there changes nothing.
    pub fn with_file(&self, path: &Path, files: &dyn Files) -> Result<Policy> {
        let mut policy = self.clone();
        if let Some(pack) = read::pack(path, files, self)? {
            policy.blocking = pack.blocking.unwrap_or(policy.blocking);
            policy.blocking_rules.extend(pack.blocking_rules);
            for (rule, setting) in pack.rules {
                let full = setting.full();
                if let Some(entry) = policy.rules.get_mut(&rule) {
                    entry.level = full.level.unwrap_or(entry.level);
                    entry.exceptions.extend(full.exceptions);
                    entry.parameters.extend(full.parameters.into_iter().map(|(name, value)| (name, Parameter::new(value))));
                }
            }
        }
        Ok(policy)
    }

    /// The same with no rule off: what was off has the level that another policy gives it, or the least.
    #[must_use]
    pub fn with_every_rule(&self, other: &Policy) -> Policy {
        let mut policy = self.clone();
        for (rule, entry) in &mut policy.rules {
            if entry.level == Level::Off {
                let level = other.rules.get(rule).map_or(Level::Off, |entry| entry.level);
                entry.level = if level == Level::Off { Level::Info } else { level };
            }
        }
        policy
    }

    /// Whether a finding of this rule keeps a stack out of production.
    pub fn blocks(&self, rule: &str, severity: Severity) -> bool {
        severity >= self.blocking || self.blocking_rules.iter().any(|name| name == rule)
    }

    /// The names of all rules, in the pack's order.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
    }

    /// How severe a rule's findings are; `None`: it does not hold.
    pub fn severity(&self, rule: &str) -> Option<Severity> {
        self.rules.get(rule).and_then(|entry| entry.level.severity())
    }

    pub fn exceptions(&self, rule: &str) -> &[Exception] {
        self.rules.get(rule).map_or(&[], |entry| &entry.exceptions)
    }

    /// A parameter that is a list of words or numbers, as text. Empty when it is not given.
    pub fn list(&self, rule: &str, parameter: &str) -> &[String] {
        self.parameter(rule, parameter).map_or(&[], |parameter| &parameter.items)
    }

    /// A parameter that is a number.
    pub fn number(&self, rule: &str, parameter: &str) -> Option<f64> {
        self.parameter(rule, parameter).and_then(|parameter| parameter.written.as_f64())
    }

    /// A parameter that is one word.
    pub fn word(&self, rule: &str, parameter: &str) -> Option<String> {
        self.parameter(rule, parameter).and_then(|parameter| text(&parameter.written))
    }

    fn parameter(&self, rule: &str, parameter: &str) -> Option<&Parameter> {
        self.rules.get(rule)?.parameters.get(parameter)
    }
}

impl Parameter {
    fn new(written: serde_yaml::Value) -> Self {
        let items = written.as_sequence().into_iter().flatten().filter_map(text).collect();
        Parameter { written, items }
    }
}

impl Setting {
    fn full(self) -> Full {
        match self {
            Setting::Level(level) => Full { level: Some(level), ..Full::default() },
            Setting::Full(full) => full,
        }
    }
}

impl Level {
    pub fn severity(self) -> Option<Severity> {
        match self {
            Level::Off => None,
            Level::Info => Some(Severity::Info),
            Level::Low => Some(Severity::Low),
            Level::Medium => Some(Severity::Medium),
            Level::High => Some(Severity::High),
            Level::Critical => Some(Severity::Critical),
        }
    }
}

impl Exception {
    /// Whether it speaks of this finding.
    pub fn fits(&self, stack: &str, service: Option<&str>, place: &str) -> bool {
        let path = |path: &String| {
            place.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']) || path.is_empty())
        };
        self.stack.as_deref().is_none_or(|named| named == stack)
            && self.service.as_deref().is_none_or(|named| Some(named) == service)
            && self.path.as_ref().is_none_or(path)
    }
}

fn text(value: &serde_yaml::Value) -> Option<String> {
    match value {
        serde_yaml::Value::String(text) => Some(text.clone()),
        serde_yaml::Value::Number(number) => Some(number.to_string()),
        serde_yaml::Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Disk, Overlay};

    fn over(text: &str) -> Result<Policy> {
        let mut files = Overlay::new(&Disk);
        files.set("/p/policies/prod.yaml", Some(text.as_bytes().to_vec()));
        Policy::load(Path::new("/p"), Role::Prod, &files)
    }

    #[test]
    fn both_packs_name_the_same_rules_and_parameters() {
        let (prod, dev) = (Policy::of(Role::Prod), Policy::of(Role::Dev));
        assert_eq!(prod.rules().collect::<Vec<_>>(), dev.rules().collect::<Vec<_>>());
        for (rule, entry) in &prod.rules {
            assert!(entry.parameters.keys().eq(dev.rules[rule].parameters.keys()), "{rule}");
            assert!(entry.exceptions.is_empty(), "{rule}: an exception is a project's own");
        }
    }

    #[test]
    fn a_project_changes_what_it_names_and_nothing_else() {
        let policy = over("rules:\n  privileged-container: low\n  no-new-privileges:\n    exceptions: [{service: dns, reason: it is the resolver, until: 2027-01-31}]\n").unwrap();
        assert_eq!(policy.severity("privileged-container"), Some(Severity::Low));
        assert_eq!(policy.severity("no-new-privileges"), Policy::of(Role::Prod).severity("no-new-privileges"));
        let exception = &policy.exceptions("no-new-privileges")[0];
        assert!(exception.fits("any", Some("dns"), "services.dns.network_mode"));
        assert!(!exception.fits("any", Some("web"), "services.web.network_mode"));
        assert_eq!(exception.until.as_ref().unwrap().to_string(), "2027-01-31");
    }

    #[test]
    fn what_is_misspelt_is_an_error_with_its_place_and_the_nearest_name() {
        let error = over("rules:\n  privilege-container: low\n").unwrap_err();
        assert!(error.to_string().contains("policies/prod.yaml:2:3"), "{error}");
        assert!(error.help.unwrap().contains("privileged-container"));
        let error = over("rules:\n  privileged-container: {level: low, prots: [1]}\n").unwrap_err();
        assert!(error.why.unwrap().contains("prots"));
        assert!(over("rules:\n  no-new-privileges: loud\n").unwrap_err().at.is_some());
        let error = over("rules:\n  no-new-privileges:\n    exceptions: [{reason: x, until: 2026-02-31}]\n").unwrap_err();
        assert!(error.at.is_some(), "{error}");
        let error = over("rules:\n  no-new-privileges:\n    exceptions: [{service: x}]\n").unwrap_err();
        assert!(error.to_string().contains("reason"), "{error}");
    }

    #[test]
    fn an_exception_for_a_path_holds_below_it() {
        let exception = Exception {
            stack: None,
            service: None,
            path: Some("services.web.volumes".into()),
            reason: "x".into(),
            until: None,
            written: None,
        };
        assert!(exception.fits("s", None, "services.web.volumes[0]") && exception.fits("s", None, "services.web.volumes"));
        assert!(!exception.fits("s", None, "services.web.volumes_from[0]"));
    }
}
