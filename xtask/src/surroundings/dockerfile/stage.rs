//! The stages of a Dockerfile, instruction by instruction.

use std::collections::BTreeMap;

use super::expand::expand;
use super::lines::{Instruction, words};
use super::{Dockerfile, Health, User};

/// What one `FROM` opens.
#[derive(Debug, Clone)]
pub struct Stage {
    pub name: Option<String>,
    pub base: Base,
    /// The last `USER` of this stage.
    pub user: Option<User>,
    pub health: Option<Health>,
    pub expose: Vec<u16>,
    pub entrypoint: Option<Command>,
    pub command: Option<Command>,
    /// `WORKDIR`, as far as it is known; relative to the base's where it does not begin with `/`.
    pub workdir: Option<String>,
    /// `ENV`: names, and values where they are known.
    pub environment: BTreeMap<String, Option<String>>,
    /// What is copied out of the build context, as written; empty where nothing is.
    pub sources: Vec<String>,
    /// Stages that something is copied from.
    pub copies_from: Vec<usize>,
}

/// What `CMD` or `ENTRYPOINT` start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Words(Vec<String>),
    /// A line for a shell.
    Shell(String),
}

/// What a stage starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    Image(String),
    /// A stage above, by its number.
    Stage(usize),
    /// It is made of variables whose values are not known from here.
    Unclear,
}

const INSTRUCTIONS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

pub(super) struct Stages<'a> {
    given: &'a BTreeMap<String, String>,
    escape: char,
    /// `ARG`s before the first `FROM`.
    global: BTreeMap<String, Option<String>>,
    /// `ARG`s of the open stage.
    own: BTreeMap<String, Option<String>>,
    file: Dockerfile,
}

impl<'a> Stages<'a> {
    pub fn new(given: &'a BTreeMap<String, String>, escape: char, unclear: Vec<String>) -> Self {
        let file = Dockerfile { stages: Vec::new(), unclear };
        Stages { given, escape, global: BTreeMap::new(), own: BTreeMap::new(), file }
    }

    pub fn finish(mut self) -> Dockerfile {
        if self.file.stages.is_empty() {
            self.file.unclear.push("there is no FROM".to_string());
        }
        self.file
    }

    pub fn take(&mut self, instruction: &Instruction) {
        let arguments = instruction.arguments.as_str();
        match instruction.keyword.as_str() {
            "FROM" => self.from(arguments),
            "ARG" => self.argument(arguments),
            "ENV" => self.environment(arguments),
            "USER" => self.user(instruction),
            "HEALTHCHECK" => self.health(arguments),
            "EXPOSE" => self.expose(arguments),
            "COPY" | "ADD" => self.copy(arguments),
            "RUN" => self.run(arguments),
            "WORKDIR" => self.workdir(arguments),
            "CMD" | "ENTRYPOINT" => self.starts(&instruction.keyword, arguments),
            known if INSTRUCTIONS.contains(&known) => {}
            unknown => self.file.unclear.push(format!("line {}: `{unknown}` is no instruction", instruction.line)),
        }
    }

    fn expand(&self, text: &str) -> Option<String> {
        expand(text, self.escape, &|name| {
            let known = self.file.stages.last().and_then(|stage| stage.environment.get(name)).or_else(|| self.own.get(name));
            known.cloned().flatten()
        })
    }

    fn from(&mut self, arguments: &str) {
        let mut words = words(arguments).into_iter().filter(|word| !word.starts_with("--"));
        let written = words.next().unwrap_or_default();
        let name = words.next().filter(|word| word.eq_ignore_ascii_case("as")).and_then(|_| words.next()).map(String::from);
        let image = expand(written, self.escape, &|name| self.global.get(name).cloned().flatten()).filter(|image| !image.is_empty());
        let above = image.as_deref().and_then(|image| self.file.find(image));
        let base = match (above, image) {
            (Some(number), _) => Base::Stage(number),
            (None, Some(image)) => Base::Image(image),
            (None, None) => Base::Unclear,
        };
        let environment = match base {
            Base::Stage(number) => self.file.stages[number].environment.clone(),
            _ => BTreeMap::new(),
        };
        self.own.clear();
        let stage = Stage {
            name,
            base,
            user: None,
            health: None,
            expose: Vec::new(),
            entrypoint: None,
            command: None,
            workdir: None,
            environment,
            sources: Vec::new(),
            copies_from: Vec::new(),
        };
        self.file.stages.push(stage);
    }

    fn argument(&mut self, arguments: &str) {
        for word in words(arguments) {
            let (name, default) = word.split_once('=').map_or((word, None), |(name, default)| (name, Some(default)));
            let global = self.file.stages.is_empty();
            let lookup = |name: &str| if global { self.global.get(name).cloned().flatten() } else { None };
            let default = default.and_then(|default| if global { expand(default, self.escape, &lookup) } else { self.expand(default) });
            let inherited = || self.global.get(name).cloned().flatten();
            let value = self.given.get(name).cloned().or(default).or_else(|| if global { None } else { inherited() });
            let into = if global { &mut self.global } else { &mut self.own };
            into.insert(name.to_string(), value);
        }
    }

    fn environment(&mut self, arguments: &str) {
        let words = words(arguments);
        let first = words.first().copied().unwrap_or_default();
        let pairs: Vec<(String, Option<String>)> = if first.contains('=') {
            let pair = |word: &&str| word.split_once('=').map(|(name, value)| (name.to_string(), self.expand(value)));
            words.iter().filter_map(pair).collect()
        } else {
            // The old form: a name, and the rest of the line.
            vec![(first.to_string(), self.expand(arguments[first.len()..].trim()))]
        };
        if let Some(stage) = self.file.stages.last_mut() {
            stage.environment.extend(pairs.into_iter().filter(|(name, _)| !name.is_empty()));
        }
    }

    fn user(&mut self, instruction: &Instruction) {
        let user = User { name: self.expand(&instruction.arguments), span: instruction.span, line: instruction.line };
        if let Some(stage) = self.file.stages.last_mut() {
            stage.user = Some(user);
        }
    }

    fn health(&mut self, arguments: &str) {
        let command = words(arguments).into_iter().find(|word| !word.starts_with("--")).unwrap_or_default();
        let health = if command.eq_ignore_ascii_case("none") { Health::None } else { Health::Command };
        if let Some(stage) = self.file.stages.last_mut() {
            stage.health = Some(health);
        }
    }

    fn expose(&mut self, arguments: &str) {
        let expanded = self.expand(arguments).unwrap_or_default();
        let range = |word: &str| {
            let numbers = word.split('/').next().unwrap_or_default();
            let (from, to) = numbers.split_once('-').unwrap_or((numbers, numbers));
            Some(from.parse::<u16>().ok()?..=to.parse().ok()?)
        };
        let ports: Vec<u16> = expanded.split_whitespace().filter_map(range).flatten().collect();
        if let Some(stage) = self.file.stages.last_mut() {
            stage.expose.extend(ports);
        }
    }

    fn workdir(&mut self, arguments: &str) {
        let expanded = self.expand(arguments);
        if let Some(stage) = self.file.stages.last_mut() {
            stage.workdir = match (expanded, stage.workdir.take()) {
                (Some(path), Some(before)) if !path.starts_with('/') => Some(format!("{}/{path}", before.trim_end_matches('/'))),
                (path, _) => path,
            };
        }
    }

    /// An entrypoint takes the meaning of a command that stands above it in the base, not of one in this stage.
    fn starts(&mut self, keyword: &str, arguments: &str) {
        let command = match serde_json::from_str::<Vec<String>>(arguments) {
            Ok(words) => Command::Words(words),
            Err(_) => Command::Shell(arguments.to_string()),
        };
        if let Some(stage) = self.file.stages.last_mut() {
            let place = if keyword == "CMD" { &mut stage.command } else { &mut stage.entrypoint };
            *place = Some(command);
        }
    }

    fn copy(&mut self, arguments: &str) {
        let words = words(arguments);
        let flags: Vec<&str> = words.iter().copied().take_while(|word| word.starts_with("--")).collect();
        if let Some(from) = flags.iter().find_map(|flag| flag.strip_prefix("--from=")) {
            let number = self.expand(from).and_then(|name| self.file.find(&name).or_else(|| name.parse().ok()));
            let above = number.filter(|number| *number + 1 < self.file.stages.len());
            if let Some(stage) = self.file.stages.last_mut() {
                stage.copies_from.extend(above);
            }
            return;
        }
        let rest = &words[flags.len()..];
        let list: Vec<String> = match rest.first() {
            Some(first) if first.starts_with('[') => serde_json::from_str(&rest.join(" ")).unwrap_or_default(),
            _ => rest.iter().map(ToString::to_string).collect(),
        };
        let sources = list.split_last().map_or(&[][..], |(_, sources)| sources);
        let sources = sources.iter().filter(|source| !source.starts_with("<<") && !source.contains("://"));
        let sources: Vec<String> = sources.map(|source| self.expand(source).unwrap_or_else(|| ".".to_string())).collect();
        if let Some(stage) = self.file.stages.last_mut() {
            stage.sources.extend(sources);
        }
    }

    /// A command that mounts the build context can take anything out of it.
    fn run(&mut self, arguments: &str) {
        let mounts =
            words(arguments).into_iter().take_while(|word| word.starts_with("--")).filter_map(|word| word.strip_prefix("--mount="));
        let takes_context =
            |mount: &str| mount.split(',').any(|part| part == "type=bind") && !mount.split(',').any(|part| part.starts_with("from="));
        if mounts.into_iter().any(takes_context)
            && let Some(stage) = self.file.stages.last_mut()
        {
            stage.sources.push(".".to_string());
        }
    }
}
