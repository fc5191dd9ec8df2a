//! Services in Python: pip, uv and Poetry, with and without a lock file and a package to build.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value as Json;

use super::{BuildStep, Context, Development, Install, Refused, Subject, entry};
use crate::source::clean;

/// Pinned, so that two builds are one.
const UV: &str = "0.9.5";
const POETRY: &str = "1.8.5";
const TOOLS: &str = "/opt/tools";
/// So many files of requirements are followed.
const MOST_FILES: usize = 20;
/// Sources that are called so start the service, when nothing else is said.
const MAINS: [&str; 6] = ["main.py", "app.py", "server.py", "src/main.py", "src/app.py", "src/server.py"];
const DEVELOPMENT: [&str; 8] = ["dev", "test", "tests", "testing", "lint", "docs", "typing", "develop"];

/// What is known of a service in Python.
#[derive(Default)]
pub struct Python {
    pub manager: &'static str,
    pub dependencies: Option<Install>,
    pub build: Option<BuildStep>,
    pub entry: Vec<String>,
    pub labels: Vec<(String, String)>,
    pub development: Development,
    pub notes: Vec<String>,
}

struct Project<'a> {
    subject: &'a Subject<'a>,
    context: &'a Context<'a>,
    /// `pyproject.toml`, or an empty mapping.
    toml: Json,
    requirements: Vec<String>,
    folder: &'a str,
}

/// # Errors
/// What cannot be told: what is installed, the entry.
pub fn python(subject: &Subject<'_>, context: &Context<'_>, folder: &str) -> Result<Python, Refused> {
    let service = subject.service;
    let toml = match context.text("pyproject.toml")? {
        Some(text) => {
            basic_toml::from_str(&text).map_err(|_| Refused::new(format!("pyproject.toml of {service} cannot be read"), "mend it"))?
        }
        None => Json::Null,
    };
    if context.has("Pipfile") {
        return Err(Refused::new(
            format!("{service} uses Pipenv"),
            "pip, uv and Poetry are known: `pipenv requirements > requirements.txt`",
        ));
    }
    context.without_login(&["pyproject.toml", "poetry.lock", "uv.lock"], &[])?;
    let requirements = requirements(subject, context)?;
    let project = Project { subject, context, toml, requirements, folder };
    let mut python = Python { labels: project.labels(), development: project.development()?, ..Python::default() };
    (python.manager, python.dependencies) = project.install(&mut python.notes)?;
    python.entry = project.entry(&mut python)?;
    Ok(python)
}

/// `requirements.txt` and every file that it names.
fn requirements(subject: &Subject<'_>, context: &Context<'_>) -> Result<Vec<String>, Refused> {
    let mut files: Vec<String> = Vec::new();
    let mut waiting = vec!["requirements.txt".to_string()];
    while let Some(name) = waiting.pop() {
        if files.contains(&name) || files.len() > MOST_FILES {
            continue;
        }
        let Some(text) = context.text(&name)? else { continue };
        context.without_login(&[&name], &["${"])?;
        for line in text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim()) {
            let named = ["-r", "--requirement", "-c", "--constraint"].iter().find_map(|flag| line.strip_prefix(flag));
            if let Some(named) = named.map(|rest| rest.trim_start_matches('=').trim()).filter(|named| !named.is_empty()) {
                let beside = Path::new(&name).with_file_name(named);
                waiting.push(clean(&beside).display().to_string());
            }
            if line.starts_with("-e") || line.starts_with("./") || line.starts_with("file:") {
                let why =
                    format!("{name} of {} installs a folder ({line}), which is not there while packages are installed", subject.service);
                return Err(Refused::new(why, "name what it needs instead, and let the sources be imported"));
            }
        }
        files.push(name);
    }
    Ok(files)
}

impl Project<'_> {
    fn at(&self, pointer: &str) -> Option<&Json> {
        self.toml.pointer(pointer)
    }

    fn labels(&self) -> Vec<(String, String)> {
        let text = |key: &str| {
            let found = self.at(&format!("/project/{key}")).or_else(|| self.at(&format!("/tool/poetry/{key}")));
            found.and_then(Json::as_str).map(String::from)
        };
        let all = [("title", "name"), ("version", "version"), ("description", "description"), ("licenses", "license")];
        all.iter().filter_map(|(label, key)| Some((format!("org.opencontainers.image.{label}"), text(key)?))).collect()
    }

    fn install(&self, notes: &mut Vec<String>) -> Result<(&'static str, Option<Install>), Refused> {
        let venv = format!("{}/.venv", self.folder);
        let mut commands = vec![format!("python3 -m venv {venv}")];
        let tool = |tool: &str| format!("python3 -m venv {TOOLS} && {TOOLS}/bin/pip install --no-cache-dir {tool}");
        let has = |name: &str| self.context.has(name);
        let (manager, manifests): (&'static str, Vec<String>) = if has("uv.lock") {
            commands.push(tool(&format!("uv=={UV}")));
            commands.push(format!("{TOOLS}/bin/uv sync --frozen --no-dev --no-install-project --no-cache --no-python-downloads"));
            ("uv", vec!["pyproject.toml".into(), "uv.lock".into()])
        } else if has("poetry.lock") || self.at("/tool/poetry/dependencies").is_some() {
            let locked = has("poetry.lock");
            if !locked {
                notes.push("there is no poetry.lock: two builds may install different versions; commit one".to_string());
            }
            commands.push(tool(&format!("poetry=={}", self.poetry()?)));
            commands.push(format!(
                "POETRY_VIRTUALENVS_IN_PROJECT=true {TOOLS}/bin/poetry install --only=main --no-root --no-interaction --no-cache"
            ));
            ("poetry", std::iter::once("pyproject.toml".to_string()).chain(locked.then(|| "poetry.lock".into())).collect())
        } else if !self.requirements.is_empty() {
            commands.push(format!("{venv}/bin/pip install --no-cache-dir --requirement requirements.txt"));
            ("pip", self.requirements.clone())
        } else if self.at("/project/dependencies").and_then(Json::as_array).is_some_and(|list| !list.is_empty()) {
            notes.push("there is no lock file: two builds may install different versions; commit one".to_string());
            let list = "import tomllib; print('\\n'.join(tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']))";
            commands.push(format!(
                "python3 -c \"{list}\" > /tmp/requirements.txt && {venv}/bin/pip install --no-cache-dir --requirement /tmp/requirements.txt"
            ));
            ("pip", vec!["pyproject.toml".into()])
        } else {
            return Ok(("", None));
        };
        let why = "The packages that the service needs while it runs, in an environment of their own.".to_string();
        Ok((manager, Some(Install { manifests, commands, into: ".venv", why })))
    }

    /// The version that wrote the lock file can read it.
    fn poetry(&self) -> Result<String, Refused> {
        let text = self.context.text("poetry.lock")?.unwrap_or_default();
        let said = text.lines().next().and_then(|line| line.split("by Poetry ").nth(1)).and_then(|rest| rest.split(' ').next());
        let number = said.filter(|said| said.chars().all(|c| c.is_ascii_digit() || c == '.') && said.split('.').count() == 3);
        Ok(number.unwrap_or(POETRY).to_string())
    }

    /// Names that only groups for development hold.
    fn development(&self) -> Result<Development, Refused> {
        let mut names: BTreeSet<String> = BTreeSet::new();
        let list = |value: &Json| -> Vec<String> { value.as_array().into_iter().flatten().filter_map(Json::as_str).map(package).collect() };
        let groups = |pointer: &str| self.at(pointer).and_then(Json::as_object).into_iter().flatten();
        names.extend(groups("/dependency-groups").flat_map(|(_, group)| list(group)));
        let optional = groups("/project/optional-dependencies").filter(|(name, _)| DEVELOPMENT.contains(&name.as_str()));
        names.extend(optional.flat_map(|(_, group)| list(group)));
        names.extend(self.at("/tool/uv/dev-dependencies").into_iter().flat_map(list));
        let poetry = groups("/tool/poetry/group").filter(|(name, _)| *name != "main").filter_map(|(_, group)| group.get("dependencies"));
        for group in poetry.chain(self.at("/tool/poetry/dev-dependencies")) {
            names.extend(group.as_object().into_iter().flatten().map(|(name, _)| package(name)));
        }
        for file in ["requirements-dev.txt", "dev-requirements.txt", "requirements/dev.txt"] {
            let text = self.context.text(file)?.unwrap_or_default();
            names.extend(text.lines().map(str::trim).filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic())).map(package));
        }
        let mut runtime: BTreeSet<String> = self.at("/project/dependencies").into_iter().flat_map(list).collect();
        runtime.extend(groups("/tool/poetry/dependencies").map(|(name, _)| package(name)));
        for file in &self.requirements {
            let text = self.context.text(file)?.unwrap_or_default();
            runtime.extend(text.lines().map(str::trim).filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic())).map(package));
        }
        // What every environment has.
        runtime.extend(["pip", "setuptools", "wheel"].map(String::from));
        Ok(Development { paths: Vec::new(), names: names.difference(&runtime).cloned().collect() })
    }

    fn entry(&self, python: &mut Python) -> Result<Vec<String>, Refused> {
        let scripts = self.at("/project/scripts").or_else(|| self.at("/tool/poetry/scripts")).and_then(Json::as_object);
        let is_script = |name: &str| scripts.is_some_and(|scripts| scripts.contains_key(name));
        let words = if let Some(words) = &self.subject.wish.entry {
            words.clone()
        } else if let Some((words, from)) = entry::declared(self.subject) {
            python.notes.push(format!("it starts what {from} starts"));
            words
        } else if let Some((name, _)) = scripts.and_then(|scripts| scripts.iter().next().filter(|_| scripts.len() == 1)) {
            python.notes.push("it starts the only script of its pyproject.toml".to_string());
            vec![name.clone()]
        } else {
            let mains: Vec<&str> = MAINS.into_iter().filter(|main| self.context.is_listed(main)).collect();
            let [main] = mains.as_slice() else { return Err(super::node::no_entry(self.subject, "`python3 src/main.py`")) };
            python.notes.push(format!("it starts {main}, the only file of such a name"));
            vec!["python3".to_string(), (*main).to_string()]
        };
        if words.first().is_some_and(|first| is_script(first)) {
            let command = format!("{}/.venv/bin/pip install --no-cache-dir --no-deps .", self.folder);
            python.build = Some(BuildStep { install: None, commands: vec![command], adds_package: true });
        }
        Ok(words)
    }
}

/// The name in `Fast_API[all]>=0.1 ; python_version > "3"`, as indexes compare it.
pub fn package(requirement: &str) -> String {
    let name: String = requirement.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    let mut normal = String::new();
    for char in name.to_ascii_lowercase().chars() {
        let char = if "-_.".contains(char) { '-' } else { char };
        if !(char == '-' && normal.ends_with('-')) {
            normal.push(char);
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::package;

    #[test]
    fn names_of_packages_are_compared_as_indexes_do() {
        for (written, name) in
            [("Fast_API[all]>=0.1", "fast-api"), ("a..b__c ; x", "a-b-c"), ("pytest==8", "pytest"), ("x@ https://h/x", "x")]
        {
            assert_eq!(package(written), name);
        }
    }
}
