//! From what the rules found to what can be moved: the part of each scalar that a variable takes
//! the place of, and the value that this part renders to.

use std::collections::BTreeSet;
use std::ops::Range;

use super::spot::{Account, Spot, Where};
use super::survey::{Looked, Survey, View, locate};
use crate::catalogue::is_known_default;
use crate::model::scalar_text;
use crate::project::Project;
use crate::rules::{Evidence, EvidenceKind, Form};
use crate::secret::Secret;
use crate::text::template::{self, Op, Segment, Var};
use crate::yaml::Data;

/// What a survey comes to.
#[derive(Default)]
pub struct Found {
    pub spots: Vec<Spot>,
    /// Places that cannot be moved, with the reason; sentences without values.
    pub left: Vec<String>,
}

pub fn spots(project: &Project, survey: &Survey<'_>) -> Found {
    let mut found = Found::default();
    for looked in survey.files.iter().filter(|looked| !looked.home) {
        let views: Vec<&View<'_>> = survey.views.iter().filter(|view| view.reads(&looked.path)).collect();
        for evidence in &looked.evidence {
            let inside = looked.path.starts_with(&project.root);
            let spot = if inside { spot(looked, evidence, &views) } else { Err("the file lies outside the project".into()) };
            match spot {
                Ok(spot) => found.spots.push(spot),
                Err(why) => found.left.push(format!("{} ({}): {why}", locate(project, looked, evidence.source), evidence.finding.place)),
            }
        }
    }
    found
}

type Why<T> = Result<T, String>;

fn spot(looked: &Looked, evidence: &Evidence, views: &[&View<'_>]) -> Why<Spot> {
    let place = cut_and_value(looked, evidence, views)?;
    // Of a variable that is set, the value counts and not the default.
    let well_known = if place.bound { is_known_default(&place.value) } else { evidence.known_default };
    Ok(Spot {
        file: looked.path.clone(),
        scalar: evidence.scalar.span,
        cut: place.cut,
        source: evidence.source,
        value: Secret::new(place.value),
        project: projects(views),
        services: if looked.env { Vec::new() } else { evidence.services.clone() },
        key: evidence.key.clone(),
        place: place_of(evidence.form),
        account: evidence.url.as_ref().map(|url| Account { user: named(&url.user), host: named(&url.host) }),
        hosts: hosts(evidence, views),
        fallback_of: evidence.variable.clone(),
        bound: place.bound,
        token: evidence.token.is_some(),
        well_known,
    })
}

/// The names under which Compose runs it, as one word.
fn projects(views: &[&View<'_>]) -> String {
    let names: BTreeSet<&str> = views.iter().map(|view| view.model.name.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(" ")
}

struct Cut {
    cut: Range<usize>,
    value: String,
    bound: bool,
}

fn cut_and_value(looked: &Looked, evidence: &Evidence, views: &[&View<'_>]) -> Why<Cut> {
    let span = evidence.scalar.span;
    let text = match looked.scalars.get(&span).ok_or("it stands at a place that cannot be named")? {
        Data::Str(text) => text,
        // A number or a boolean renders as Compose prints it, not as it is written.
        other => {
            let value = scalar_text(other).ok_or("it is no single value")?;
            return Ok(Cut { cut: 0..span.end - span.start, value, bound: false });
        }
    };
    if views.iter().any(|view| view.has_own_variables(&looked.path, span)) {
        return Err("its variables come from an env file that only an included file reads".into());
    }
    let part = text.get(evidence.range.clone()).ok_or("its place in the value is unclear")?;
    if let Some(name) = &evidence.variable
        && evidence.kind == EvidenceKind::Default
        && let Some(var) = variable_around(text, name, &evidence.range)
        && var.arg.as_ref().is_some_and(|arg| arg.range == evidence.range)
    {
        let set = one_value(views, |view| view.model.lookup(name).map(String::from))?.filter(|value| !value.is_empty());
        let bound = set.is_some();
        let value = match set {
            Some(value) => value,
            None => rendered(looked, part, views)?,
        };
        return Ok(Cut { cut: var.range, value, bound });
    }
    Ok(Cut { cut: evidence.range.clone(), value: rendered(looked, part, views)?, bound: false })
}

/// What a part of a value renders to; in an env file it is taken as it is read.
fn rendered(looked: &Looked, part: &str, views: &[&View<'_>]) -> Why<String> {
    if looked.env || !part.contains('$') {
        return Ok(part.to_string());
    }
    let value = one_value(views, |view| template::substitute(part, &|name| view.model.lookup(name).map(String::from)).ok())?;
    value.ok_or_else(|| "it does not render".to_string())
}

fn named(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_string())
}

fn place_of(form: Form) -> Where {
    match form {
        Form::Map | Form::List => Where::Environment,
        Form::Argument | Form::Healthcheck => Where::Argument,
        Form::Label => Where::Label,
        Form::BuildArg => Where::BuildArg,
        Form::EnvFile => Where::EnvFile,
        Form::Config | Form::Other => Where::Other,
    }
}

/// The innermost `${name:-...}` of a text around a range.
fn variable_around(text: &str, name: &str, range: &Range<usize>) -> Option<Var> {
    let segments = template::parse(text);
    let mut found: Option<Var> = None;
    Segment::each_var(&segments, false, &mut |var, _| {
        let holds = var.range.start <= range.start && range.end <= var.range.end;
        if holds && var.name == name && matches!(var.op, Op::Default { .. }) {
            found = Some(var.clone());
        }
    });
    found
}

/// What all stacks that read a place make of it: one thing, or it cannot become one variable.
fn one_value(views: &[&View<'_>], of: impl Fn(&View<'_>) -> Option<String>) -> Why<Option<String>> {
    let mut values: Vec<Option<String>> = views.iter().map(|view| of(view)).collect();
    values.dedup();
    if values.len() > 1 {
        let ids: Vec<&str> = views.iter().map(|view| view.stack.id.as_str()).collect();
        return Err(format!("it renders differently in {}", ids.join(" and ")));
    }
    Ok(values.pop().flatten())
}

/// The hosts that stand beside a credential: `DB_HOST` beside `DB_PASSWORD`, `REDIS_ADDR` beside
/// `REDIS_PASSWORD`.
fn hosts(evidence: &Evidence, views: &[&View<'_>]) -> Vec<String> {
    let Some(service) = evidence.services.first() else { return Vec::new() };
    let first_word = |key: &str| key.split('_').next().unwrap_or_default().trim_end_matches("PASSWORD").to_string();
    let stem = first_word(&evidence.key.to_ascii_uppercase());
    let is_host = |name: &str| ["HOST", "HOSTNAME", "SERVER", "ADDR", "ADDRESS"].iter().any(|end| name.ends_with(end));
    let mut hosts = Vec::new();
    for view in views {
        for (name, value) in view.model.environment_of(service) {
            let name = name.to_ascii_uppercase();
            if is_host(&name) && (stem.is_empty() || name.starts_with(&stem)) {
                hosts.extend(value.map(|(value, _)| host_of(value)));
            }
        }
    }
    hosts.dedup();
    hosts
}

/// `redis://redis:6379` and `redis:6379` name the host `redis`.
fn host_of(value: &str) -> String {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split([':', '/']).next().unwrap_or(rest).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_come_bare() {
        assert_eq!(host_of("redis://u:p@redis:6379/0"), "redis");
        assert_eq!(host_of("db:5432"), "db");
        assert_eq!(host_of("db"), "db");
    }

    #[test]
    fn the_innermost_variable_is_found() {
        let text = "a ${A:-x${B:-secret}y} z";
        let at = text.find("secret").unwrap();
        let var = variable_around(text, "B", &(at..at + 6)).unwrap();
        assert_eq!(&text[var.range.clone()], "${B:-secret}");
        assert_eq!(var.arg.unwrap().range, at..at + 6);
        assert!(variable_around(text, "C", &(at..at + 6)).is_none());
    }
}
