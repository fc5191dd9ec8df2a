//! What answers when a service is well, and the program that asks it.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as Json;

use super::port::Port;
use super::{Context, Language, Refused, Subject};

/// Of an own check: `http://localhost:3000/health`.
static URL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::[^/\s"']+)?(/[\w./-]*)"#).expect("a constant")
});
/// In sources: a path that is named so that somebody asks it.
static ROUTE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"["'`](/(?:[\w-]+/)*(?:health|healthz|healthcheck|health-check|livez?|liveness|ready|readyz|readiness|ping))/?["'`]"#)
        .expect("a constant")
});
const RANK: [&str; 10] = ["health", "healthz", "healthcheck", "health-check", "ready", "readyz", "readiness", "live", "livez", "liveness"];

/// The path, and the program that asks.
pub struct Health {
    pub path: Option<String>,
    pub probe: Option<Vec<String>>,
}

pub fn health(subject: &Subject<'_>, context: &Context<'_>, language: Language, port: Port) -> Result<Health, Refused> {
    match subject.wish.health.as_deref() {
        Some("none") => return Ok(Health { path: None, probe: None }),
        Some(path) => return asking(subject, language, port, path.to_string()),
        None => {}
    }
    let test = subject.definition.pointer("/healthcheck/test");
    let words: Vec<&str> = test.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    let asked = |text: &str| URL.captures(text).and_then(|found| found.get(1)).map(|path| path.as_str().to_string());
    let of_check = asked(&words.join(" "));
    let of_dockerfile = || {
        let text = subject.build.text.as_deref()?;
        text.lines().skip_while(|line| !line.trim_start().starts_with("HEALTHCHECK")).find_map(asked)
    };
    let mut routes = context.captures(&ROUTE);
    routes.sort_by_key(|route| {
        let name = route.rsplit('/').next().unwrap_or_default();
        (RANK.iter().position(|known| *known == name).unwrap_or(RANK.len()), route.len())
    });
    if let Some(path) = of_check.or_else(of_dockerfile).or_else(|| routes.into_iter().next()) {
        return asking(subject, language, port, path);
    }
    // A check of its own, by a program that the image has.
    if words.len() > 2
        && words[0] == "CMD"
        && matches!(words[1], "node" | "python" | "python3")
        && context.has(words[2].trim_start_matches("./"))
    {
        return Ok(Health { path: None, probe: Some(words[1..].iter().map(ToString::to_string).collect()) });
    }
    let service = subject.service;
    Err(Refused::new(
        format!(
            "nothing tells what {service} answers when it is well: no healthcheck asks it, and its sources name no path such as /health"
        ),
        format!("say it in xtask.yaml: `dockerfile-prod: {{services: {{{service}: {{health: /PATH}}}}}}`, or `health: none`"),
    ))
}

fn asking(subject: &Subject<'_>, language: Language, port: Port, path: String) -> Result<Health, Refused> {
    let service = subject.service;
    let Some(number) = port.number else {
        return Err(Refused::new(
            format!("nothing tells on which port {service} answers {path}"),
            format!("say it in xtask.yaml: `dockerfile-prod: {{services: {{{service}: {{port: 3000}}}}}}`"),
        ));
    };
    let safe = path.starts_with('/') && path.chars().all(|c| c.is_ascii_alphanumeric() || "/._~-".contains(c));
    if !safe {
        return Err(Refused::new(
            format!("the health path of {service} has characters that no path needs"),
            "write it with letters, digits, `/`, `.`, `_`, `-`",
        ));
    }
    Ok(Health { probe: Some(probe(language, number, port.by_variable, &path)), path: Some(path) })
}

/// Asks over HTTP with the language itself: slim images have no curl.
fn probe(language: Language, port: u16, by_variable: bool, path: &str) -> Vec<String> {
    let (program, flag, script) = match language {
        Language::Node => {
            let port = if by_variable { format!("process.env.PORT||{port}") } else { port.to_string() };
            let script = format!(
                "require('http').get({{host:'127.0.0.1',port:{port},path:'{path}',timeout:4000}},r=>process.exit(r.statusCode<400?0:1)).on('timeout',()=>process.exit(1)).on('error',()=>process.exit(1))"
            );
            ("node", "-e", script)
        }
        Language::Python => {
            let (import, port) = if by_variable { ("os,", format!("os.environ.get('PORT','{port}')")) } else { ("", format!("'{port}'")) };
            let script = format!("import {import}urllib.request as r; r.urlopen('http://127.0.0.1:'+{port}+'{path}',timeout=4)");
            ("python3", "-c", script)
        }
    };
    vec![program.to_string(), flag.to_string(), script]
}
