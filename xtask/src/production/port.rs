//! Where a service listens.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as Json;

use super::{Context, Refused, Subject};

static FALLBACK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"\bPORT\b["'\])]*\s*(?:\|\||\?\?|,)\s*["']?(\d{2,5})\b"#).expect("a constant"));
static LISTEN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"\.listen\(\s*(\d{2,5})\b"#).expect("a constant"));

/// A port, and whether the variable `PORT` moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    pub number: Option<u16>,
    pub by_variable: bool,
}

/// By the surest of: the settings, `PORT` as the service is given it, what the Dockerfile exposes, what the compose file
/// publishes, an argument, the sources. Several on one level are a question; none at all is no port.
pub fn port(subject: &Subject<'_>, context: &Context<'_>, entry: &[String]) -> Result<Port, Refused> {
    let by_variable = subject.build.reads.iter().any(|read| read.name == "PORT")
        || context.sources.iter().any(|(_, text)| text.contains("env.PORT") || text.contains("\"PORT\"") || text.contains("'PORT'"));
    if subject.wish.port.is_some() {
        return Ok(Port { number: subject.wish.port, by_variable });
    }
    let given = subject.definition.pointer("/environment/PORT").and_then(number).filter(|_| by_variable);
    let exposed = subject.build.image.as_ref().map(|image| image.expose.clone()).unwrap_or_default();
    let list = |key: &str| subject.definition.get(key).and_then(Json::as_array).into_iter().flatten();
    let published: BTreeSet<u16> = list("ports").filter_map(|port| number(port.get("target")?)).collect();
    let expose: BTreeSet<u16> = list("expose").filter_map(number).collect();
    let argument = entry.iter().zip(entry.iter().skip(1)).find(|(word, _)| matches!(word.as_str(), "--port" | "-p" | "--bind" | "-b"));
    let argument = argument.and_then(|(_, value)| value.rsplit(':').next()?.parse().ok());
    let sources: BTreeSet<u16> =
        [&*FALLBACK, &*LISTEN].into_iter().flat_map(|form| context.captures(form)).filter_map(|port| port.parse().ok()).collect();
    let one = |port: Option<u16>| port.into_iter().collect::<BTreeSet<u16>>();
    let levels = [one(given), one(argument), exposed, published, expose, sources];
    let found = levels.into_iter().find(|ports| !ports.is_empty()).unwrap_or_default();
    if found.len() > 1 {
        let ports: Vec<String> = found.iter().map(ToString::to_string).collect();
        let service = subject.service;
        return Err(Refused::new(
            format!("{service} has several ports ({}), and nothing tells which one answers when it is asked how it is", ports.join(", ")),
            format!("say it in xtask.yaml: `dockerfile-prod: {{services: {{{service}: {{port: {}}}}}}}`", ports[0]),
        ));
    }
    Ok(Port { number: found.first().copied(), by_variable })
}

fn number(value: &Json) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok()).or_else(|| value.as_str()?.parse().ok())
}
