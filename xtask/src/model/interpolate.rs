//! Variables in a compose file: every string is evaluated where it stands, then cast where the
//! field wants a number or a boolean.

use std::collections::BTreeMap;

pub use crate::text::template::{Arg, Op, Segment, TemplateError, Var, Why, parse};

use crate::text::template::evaluate;
use crate::yaml::{Data, Origin, Value};

use super::Fault;

/// One `${NAME}` in the stack's files. A value that several services share through an anchor is
/// evaluated, and listed, once for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub name: String,
    pub op: Op,
    /// Stands in the default or message of another variable.
    pub nested: bool,
    /// The scalar in which it stands.
    pub at: Origin,
    /// The way to that scalar in the model, for example `services.db.environment.PASSWORD`.
    pub place: String,
    pub service: Option<String>,
    pub found: Found,
}

/// Where a variable's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Exported,
    /// The number of the env file among the model's sources.
    EnvFile(u32),
    /// Set by Compose itself: `COMPOSE_PROJECT_NAME`.
    Compose,
    Unset,
}

/// The variables for `${}`: what is exported wins over env files.
#[derive(Default)]
pub struct Variables {
    pub values: BTreeMap<String, (String, Found)>,
}

impl Variables {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|(value, _)| value.as_str())
    }

    pub fn found(&self, name: &str) -> Found {
        self.values.get(name).map_or(Found::Unset, |(_, found)| *found)
    }
}

/// Evaluates and casts every string of a document in place; keys are left alone.
pub fn interpolate(value: &mut Value, variables: &Variables, references: &mut Vec<Reference>) -> Result<(), Fault> {
    let mut walk = Walk { variables, references, expanded: 0 };
    walk.value(value, &mut Vec::new())
}

struct Walk<'a> {
    variables: &'a Variables,
    references: &'a mut Vec<Reference>,
    /// Bytes that variables have brought into the document so far.
    expanded: usize,
}

/// A document whose variables grow beyond this is refused.
const EXPANSION_LIMIT: usize = 64 << 20;

impl Walk<'_> {
    fn value<'v>(&mut self, value: &'v mut Value, path: &mut Vec<&'v str>) -> Result<(), Fault> {
        let at = value.at;
        if let Data::Str(text) = &mut value.data {
            if text.contains('$') {
                *text = self.text(text, at, path)?;
            }
            if let Some(cast) = cast(path) {
                value.data = cast.apply(text).ok_or_else(|| Fault::new(at, format!("{}: {}", path.join("."), cast.wants())))?;
            }
            return Ok(());
        }
        match &mut value.data {
            Data::Seq(items) => {
                path.push("[]");
                for item in items {
                    self.value(item, path)?;
                }
                path.pop();
            }
            Data::Map(fields) => {
                for (key, field) in fields {
                    path.push(key);
                    self.value(&mut field.value, path)?;
                    path.pop();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str, at: Origin, path: &[&str]) -> Result<String, Fault> {
        let segments = parse(text);
        Segment::each_var(&segments, false, &mut |var, nested| {
            self.expanded += self.variables.get(&var.name).map_or(0, str::len);
            self.references.push(Reference {
                name: var.name.clone(),
                op: var.op,
                nested,
                at,
                place: path.join("."),
                service: path.get(1).filter(|_| path[0] == "services").map(ToString::to_string),
                found: self.variables.found(&var.name),
            });
        });
        if self.expanded > EXPANSION_LIMIT {
            return Err(Fault::new(at, "variables make this document grow beyond 64 MiB"));
        }
        let mut out = String::with_capacity(text.len());
        let lookup = |name: &str| self.variables.get(name).map(String::from);
        evaluate(text, &segments, &lookup, &mut out).map_err(|error| {
            let place = path.join(".");
            Fault::new(
                at,
                match error.why {
                    Why::Invalid => format!("{place}: a `${{` opens no variable; write `$$` for a dollar sign"),
                    // A message that is not written so was made from other variables, and may hold anything.
                    Why::Missing { name, message } if message.is_empty() || !text.contains(&message) => {
                        format!("{place}: the variable {name} has no value")
                    }
                    Why::Missing { name, message } => format!("{place}: the variable {name} has no value: {message}"),
                },
            )
        })?;
        Ok(out)
    }
}

/// What a string becomes before the file's form is checked.
#[derive(Clone, Copy)]
enum Cast {
    Int,
    Float,
    Bool,
}

impl Cast {
    fn apply(self, text: &str) -> Option<Data> {
        match self {
            Cast::Int => text.parse().ok().map(Data::Int),
            Cast::Float => super::units::float(text).map(Data::Float),
            Cast::Bool => boolean(text).map(Data::Bool),
        }
    }

    fn wants(self) -> &'static str {
        match self {
            Cast::Int => "must be an integer",
            Cast::Float => "must be a number",
            Cast::Bool => "must be true or false",
        }
    }
}

/// Compose also takes YAML 1.1's words here, with a warning.
pub fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "y" | "yes" | "on" => Some(true),
        "false" | "n" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// compose-go's table of casts, as far as it changes what a file may say.
fn cast(path: &[&str]) -> Option<Cast> {
    match path {
        ["services", _, rest @ ..] => service_cast(rest),
        ["networks", _, "external" | "internal" | "attachable" | "enable_ipv4" | "enable_ipv6"] => Some(Cast::Bool),
        ["volumes" | "secrets" | "configs", _, "external"] => Some(Cast::Bool),
        _ => None,
    }
}

fn service_cast(path: &[&str]) -> Option<Cast> {
    Some(match path {
        ["cpu_count" | "cpu_period" | "cpu_quota" | "cpu_rt_period" | "cpu_rt_runtime" | "cpu_shares"] => Cast::Int,
        ["oom_score_adj" | "pids_limit" | "scale"] => Cast::Int,
        ["deploy", "replicas"] | ["healthcheck", "retries"] | ["ports", "[]", "target"] => Cast::Int,
        ["deploy", "update_config" | "rollback_config", "parallelism"] => Cast::Int,
        ["deploy", "restart_policy", "max_attempts"] | ["deploy", "placement", "max_replicas_per_node"] => Cast::Int,
        ["ulimits", _] | ["ulimits", _, "hard" | "soft"] => Cast::Int,
        ["cpu_percent" | "cpus"] => Cast::Float,
        ["deploy", "update_config" | "rollback_config", "max_failure_ratio"] => Cast::Float,
        ["init" | "oom_kill_disable" | "privileged" | "read_only" | "stdin_open" | "tty"] => Cast::Bool,
        ["healthcheck", "disable"] | ["volumes", "[]", "read_only"] | ["volumes", "[]", "volume", "nocopy"] => Cast::Bool,
        _ => return None,
    })
}
