//! From a build context to a recipe.

use super::base::{Bases, bases, of_language};
use super::{Context, Language, Recipe, Refused, Subject, copies, entry, health, node, port, python};
use crate::catalogue::key_shape;

/// Where images keep the service, unless its Dockerfile says otherwise.
const FOLDER: &str = "/app";
/// An account that owns nothing on any machine.
const NOBODY: &str = "10001:10001";
/// What tells that a folder is written in a language that is not known here.
const OTHERS: [(&str, &str); 10] = [
    ("go.mod", "Go"),
    ("Cargo.toml", "Rust"),
    ("pom.xml", "Java"),
    ("build.gradle", "Java"),
    ("build.gradle.kts", "Kotlin"),
    ("composer.json", "PHP"),
    ("Gemfile", "Ruby"),
    ("mix.exs", "Elixir"),
    ("deno.json", "Deno"),
    ("CMakeLists.txt", "C++"),
];
/// Variables of a Dockerfile that are for development, or that the new one sets itself.
const NOT_TAKEN: [&str; 9] =
    ["NODE_ENV", "FLASK_ENV", "FLASK_DEBUG", "DEBUG", "CHOKIDAR_USEPOLLING", "WATCHPACK_POLLING", "PATH", "PORT", "PYTHONUNBUFFERED"];

/// # Errors
/// All that cannot be told; nothing is guessed.
pub fn recipe(subject: &Subject<'_>) -> Result<Recipe, Vec<Refused>> {
    let context = Context::read(subject);
    let language = language(subject, &context).map_err(|refused| vec![refused])?;
    let folder = subject.build.image.as_ref().and_then(|image| image.workdir.clone()).filter(|path| is_plain(path));
    let folder = folder.unwrap_or_else(|| FOLDER.to_string());
    let mut refused = Vec::new();
    let bases = bases(subject, language).map_err(|why| refused.push(why)).ok();
    let parts = match language {
        Language::Node => node_parts(subject, &context),
        Language::Python => python_parts(subject, &context, &folder),
    };
    let parts = parts.map_err(|why| refused.push(why)).ok();
    let entry = parts.as_ref().map(|parts| parts.entry.clone()).unwrap_or_default();
    let port = port::port(subject, &context, &entry).map_err(|why| refused.push(why)).ok();
    let health = port.and_then(|port| health::health(subject, &context, language, port).map_err(|why| refused.push(why)).ok());
    let (Some(bases), Some(parts), Some(port), Some(health), true) = (bases, parts, port, health, refused.is_empty()) else {
        return Err(refused);
    };
    let mut parts = parts;
    // What starts, and what asks how it is, is needed whatever the old Dockerfile copies.
    for words in [Some(&parts.entry), health.probe.as_ref()].into_iter().flatten() {
        let file = entry::file(words, &[".js", ".mjs", ".cjs", ".py"]).filter(|file| subject.listed.contains(file));
        let missing = |file: &String| !parts.copies.iter().any(|name| name == file || file.starts_with(&format!("{name}/")));
        parts.copies.extend(file.filter(missing));
    }
    let installs = parts.dependencies.iter().chain(parts.build.iter().filter_map(|step| step.install.as_ref()));
    for names in installs.map(|install| &install.manifests).chain([&parts.copies]) {
        copies::check(subject, names).map_err(|why| vec![why])?;
    }
    Ok(whole(subject, language, folder, bases, parts, port, health))
}

/// What the languages have in common.
struct Parts {
    manager: &'static str,
    dependencies: Option<super::Install>,
    build: Option<super::BuildStep>,
    copies: Vec<String>,
    made: Vec<String>,
    entry: Vec<String>,
    labels: Vec<(String, String)>,
    development: super::Development,
    notes: Vec<String>,
    environment: Vec<(String, String)>,
}

fn node_parts(subject: &Subject<'_>, context: &Context<'_>) -> Result<Parts, Refused> {
    let node = node::node(subject, context)?;
    let copies = if node.outputs.is_empty() {
        copies::as_written(subject, node.manifest)
    } else {
        copies::built(subject, &node.outputs, node.manifest)
    };
    Ok(Parts {
        manager: node.manager,
        dependencies: node.dependencies,
        build: node.build,
        copies,
        made: node.outputs,
        entry: node.entry,
        labels: node.labels,
        development: node.development,
        notes: node.notes,
        environment: vec![("NODE_ENV".into(), "production".into())],
    })
}

fn python_parts(subject: &Subject<'_>, context: &Context<'_>, folder: &str) -> Result<Parts, Refused> {
    let python = python::python(subject, context, folder)?;
    let installed: Vec<&String> = python.dependencies.iter().flat_map(|install| &install.manifests).collect();
    let mut copies = copies::as_written(subject, None);
    copies.retain(|name| !installed.contains(&name));
    let mut environment = vec![("PYTHONUNBUFFERED".to_string(), "1".to_string()), ("PYTHONDONTWRITEBYTECODE".into(), "1".into())];
    if python.dependencies.is_some() || python.build.is_some() {
        environment.push(("PATH".into(), format!("{folder}/.venv/bin:$PATH")));
    }
    Ok(Parts {
        manager: python.manager,
        dependencies: python.dependencies,
        build: python.build,
        copies,
        made: Vec::new(),
        entry: python.entry,
        labels: python.labels,
        development: python.development,
        notes: python.notes,
        environment,
    })
}

fn whole(
    subject: &Subject<'_>,
    language: Language,
    folder: String,
    bases: Bases,
    parts: Parts,
    port: port::Port,
    health: health::Health,
) -> Recipe {
    let mut notes = parts.notes;
    let mut environment = parts.environment;
    for (name, value) in taken(subject) {
        if environment.iter().all(|(known, _)| *known != name) {
            environment.push((name, value));
        }
    }
    if let (Some(number), true) = (port.number, port.by_variable) {
        environment.push(("PORT".into(), number.to_string()));
    }
    let text = subject.build.text.as_deref().unwrap_or_default();
    if ["apt-get install", "apk add", "apt install"].iter().any(|word| text.contains(word)) {
        notes.push(
            "its Dockerfile installs packages of the system, which are not taken over; a base image that has them can be set as `base`"
                .into(),
        );
    }
    if bases.runtime != bases.build {
        notes.push(format!("it runs on {}, the slim sibling of {}", bases.runtime, bases.build));
    }
    Recipe {
        service: subject.service.to_string(),
        language,
        manager: parts.manager,
        base: bases.build,
        runtime: bases.runtime,
        folder,
        dependencies: parts.dependencies,
        build: parts.build,
        copies: parts.copies,
        made: parts.made,
        environment,
        user: user(subject),
        port: port.number,
        path: health.path,
        health: health.probe,
        entry: parts.entry,
        labels: parts.labels,
        development: parts.development,
        notes,
    }
}

fn language(subject: &Subject<'_>, context: &Context<'_>) -> Result<Language, Refused> {
    let service = subject.service;
    let node = context.has("package.json");
    let python = ["pyproject.toml", "requirements.txt", "setup.py", "Pipfile"].iter().any(|name| context.has(name));
    let base = subject.wish.base.clone().or_else(|| subject.build.image.as_ref()?.base.clone()).unwrap_or_default();
    match (node || of_language(&base, Language::Node), python || of_language(&base, Language::Python)) {
        (true, false) => return Ok(Language::Node),
        (false, true) => return Ok(Language::Python),
        (true, true) if of_language(&base, Language::Node) && !of_language(&base, Language::Python) => return Ok(Language::Node),
        (true, true) if of_language(&base, Language::Python) && !of_language(&base, Language::Node) => return Ok(Language::Python),
        (true, true) => {
            let why = format!("{service} has packages of Node and of Python, and its base image {base} does not say which of them runs");
            return Err(Refused::new(
                why,
                format!("say it by the base: `dockerfile-prod: {{services: {{{service}: {{base: \"node:22-bookworm-slim\"}}}}}}`"),
            ));
        }
        (false, false) => {}
    }
    let found = OTHERS.iter().find(|(file, _)| context.has(file)).map(|(_, name)| *name);
    let net = subject.listed.iter().any(|path| path.ends_with(".csproj")).then_some(".NET");
    let why = match (found.or(net), base.as_str()) {
        (Some(name), _) => format!("{service} is written in {name}; Node and Python are known"),
        (None, "") => format!("nothing tells what {service} is written in; Node and Python are known"),
        (None, base) => {
            format!("{service} is built on {base}, and has no package.json, requirements.txt or pyproject.toml; Node and Python are known")
        }
    };
    Err(Refused::new(why, format!("leave it out in xtask.yaml: `dockerfile-prod: {{services: {{{service}: {{skip: true}}}}}}`")))
}

/// What the service's Dockerfile sets for it, without what is for development and without credentials.
fn taken(subject: &Subject<'_>) -> Vec<(String, String)> {
    let Some(image) = &subject.build.image else { return Vec::new() };
    let stages = subject.build.dockerfile.iter().flat_map(|file| &file.stages);
    let mut all: Vec<(String, String)> = Vec::new();
    for (name, value) in stages.flat_map(|stage| &stage.environment) {
        let Some(value) = value.as_ref().filter(|_| image.environment.contains(name)) else { continue };
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !value.contains('$');
        let tools = ["NPM_", "npm_", "PIP_", "YARN_", "POETRY_", "UV_"].iter().any(|start| name.starts_with(start));
        if plain
            && !tools
            && !NOT_TAKEN.contains(&name.as_str())
            && !key_shape(name).is_credential()
            && all.iter().all(|(known, _)| known != name)
        {
            all.push((name.clone(), value.clone()));
        }
    }
    all
}

/// The account that the service has already, where that is a number and not root.
fn user(subject: &Subject<'_>) -> String {
    let number = |text: &str| {
        let (uid, gid) = text.split_once(':').unwrap_or((text, text));
        let is = |part: &str| part.parse::<u32>().is_ok_and(|id| id > 0);
        (is(uid) && is(gid)).then(|| format!("{uid}:{gid}"))
    };
    let given = subject.definition.get("user").and_then(serde_json::Value::as_str).and_then(number);
    let image = subject.build.image.as_ref();
    let own = image.and_then(|image| image.user.as_ref()?.name.clone());
    let node = image.and_then(|image| image.base.as_deref()).is_some_and(|base| super::repository(base).ends_with("node"));
    let of_image = own.as_deref().and_then(|name| if name == "node" && node { Some("1000:1000".into()) } else { number(name) });
    given.or(of_image).unwrap_or_else(|| NOBODY.to_string())
}

fn is_plain(path: &str) -> bool {
    path.len() > 1 && path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) && !path.contains("..") && !path.ends_with('/')
}
