//! Variables in a compose file: every string is evaluated where it stands, then cast where the
//! field wants a number or a boolean.

pub use crate::text::template::{Arg, Op, Segment, TemplateError, Var, Why, parse};

use crate::text::Span;
use crate::text::template::{evaluate_or, filled};
use crate::yaml::{Data, Origin, Value};

use super::references::{Reference, Written};
use super::stand_in::stand_in;
use super::variables::{Found, Variables};
use super::{Fault, Unset};

/// What a document is evaluated with.
pub struct Evaluation<'a> {
    /// The text of the document's file.
    pub source: &'a str,
    pub variables: &'a Variables,
    pub unset: Unset,
    pub references: &'a mut Vec<Reference>,
}

/// Evaluates and casts every string of a document in place; keys are left alone.
pub fn interpolate(value: &mut Value, evaluation: Evaluation) -> Result<(), Fault> {
    let Evaluation { source, variables, unset, references } = evaluation;
    let mut walk = Walk { source, variables, unset, references, expanded: 0 };
    walk.value(value, &mut Vec::new())
}

struct Walk<'a> {
    source: &'a str,
    variables: &'a Variables,
    unset: Unset,
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
            let known = self.references.len();
            if text.contains('$') {
                *text = self.text(text, at, path)?;
            }
            let Some(cast) = cast(path) else { return Ok(()) };
            let stands_in = self.references[known..].iter().any(|reference| reference.found == Found::StandIn);
            value.data = match cast.apply(text) {
                Some(data) => data,
                None if matches!(cast, Cast::Bool) && stands_in => Data::Bool(!grants(path)),
                None => return Err(Fault::new(at, format!("{}: {}", path.join("."), cast.wants()))),
            };
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
        let mut written = Written::new(self.source, text, at);
        Segment::each_var(&segments, false, &mut |var, nested| {
            let (value, found) = self.variables.find(&var.name);
            self.expanded += value.map_or(0, str::len);
            let span = written.span(&var.range);
            let missing = matches!(var.op, Op::Required { colon } if !filled(value, colon));
            self.references.push(Reference {
                name: var.name.clone(),
                op: var.op,
                nested,
                at,
                span,
                argument: span.zip(var.arg.as_ref()).map(|(span, arg)| {
                    let start = span.start + (arg.range.start - var.range.start);
                    Span::new(start, start + arg.range.len())
                }),
                place: path.join("."),
                service: path.get(1).filter(|_| path[0] == "services").map(ToString::to_string),
                found: if missing && self.unset == Unset::StandIn { Found::StandIn } else { found },
            });
        });
        if self.expanded > EXPANSION_LIMIT {
            return Err(Fault::new(at, "variables make this document grow beyond 64 MiB"));
        }
        let mut out = String::with_capacity(text.len());
        let lookup = |name: &str| self.variables.get(name).map(String::from);
        let place = |var: &Var| stand_in(path, text, &segments, var);
        let stand_in = (self.unset == Unset::StandIn).then_some(&place as &dyn Fn(&Var) -> String);
        evaluate_or(text, &segments, &lookup, stand_in, &mut out).map_err(|error| refusal(text, at, path, error))?;
        Ok(out)
    }
}

fn refusal(text: &str, at: Origin, path: &[&str], error: TemplateError) -> Fault {
    let place = path.join(".");
    let why = match error.why {
        Why::Invalid => format!("{place}: a `${{` opens no variable; write `$$` for a dollar sign"),
        // A message that is not written so was made from other variables, and may hold anything.
        Why::Missing { name, message } if message.is_empty() || !text.contains(&message) => {
            format!("{place}: the variable {name} has no value")
        }
        Why::Missing { name, message } => format!("{place}: the variable {name} has no value: {message}"),
    };
    Fault::new(at, why)
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

/// Whether `true` at this place takes a restriction away, so that nobody shall stand in with it.
fn grants(path: &[&str]) -> bool {
    matches!(path, ["services", _, "privileged" | "oom_kill_disable"] | ["services", _, "healthcheck", "disable"])
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
