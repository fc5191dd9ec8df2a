//! Services in JavaScript: npm, pnpm and Yarn, with and without a lock file and a build.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{BuildStep, Context, Development, Install, Refused, Subject, entry};

/// Where a package manager is fetched from: it is pinned, so that two builds are one.
const PNPM: &str = "9.15.9";
const YARN: &str = "1.22.22";
const LOCKS: [(&str, &str); 4] =
    [("package-lock.json", "npm"), ("npm-shrinkwrap.json", "npm"), ("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn")];
const ENDINGS: [&str; 4] = [".js", ".mjs", ".cjs", ".ts"];

/// What is known of a service in JavaScript.
#[derive(Default)]
pub struct Node {
    pub manager: &'static str,
    pub dependencies: Option<Install>,
    pub build: Option<BuildStep>,
    /// Folders that only the build makes.
    pub outputs: Vec<String>,
    pub entry: Vec<String>,
    pub manifest: Option<&'static str>,
    pub labels: Vec<(String, String)>,
    pub development: Development,
    pub notes: Vec<String>,
}

struct Package<'a> {
    subject: &'a Subject<'a>,
    context: &'a Context<'a>,
    json: Json,
    lock: Option<(&'static str, String)>,
    manager: &'static str,
}

/// # Errors
/// What cannot be told: the package manager, a private registry, the entry.
pub fn node(subject: &Subject<'_>, context: &Context<'_>) -> Result<Node, Refused> {
    let Some(text) = context.text("package.json")? else {
        let (entry, notes) = declared_entry(subject)?;
        return Ok(Node { entry, notes, ..Node::default() });
    };
    let service = subject.service;
    let json: Json = serde_json::from_str(&text).map_err(|error| {
        Refused::new(format!("package.json of {service} cannot be read (line {} column {})", error.line(), error.column()), "mend it")
    })?;
    if json.get("workspaces").is_some() || context.has("pnpm-workspace.yaml") {
        let help =
            format!("make {service} a package of its own, or leave it out: `dockerfile-prod: {{services: {{{service}: {{skip: true}}}}}}`");
        return Err(Refused::new(format!("{service} is a workspace of several packages"), help));
    }
    let package = Package::of(subject, context, json)?;
    let mut node = Node { manager: package.manager, manifest: Some("package.json"), labels: package.labels(), ..Node::default() };
    if !package.names("dependencies").is_empty() || !package.names("optionalDependencies").is_empty() {
        node.dependencies = Some(package.install(true)?);
    }
    if package.lock.is_none() && !package.names("dependencies").is_empty() {
        node.notes.push("there is no lock file: two builds may install different versions; commit one".to_string());
    }
    node.development = package.development();
    package.entry(&mut node)?;
    Ok(node)
}

fn declared_entry(subject: &Subject<'_>) -> Result<(Vec<String>, Vec<String>), Refused> {
    if let Some(words) = &subject.wish.entry {
        return Ok((words.clone(), Vec::new()));
    }
    let (words, from) = entry::declared(subject).ok_or_else(|| no_entry(subject, "`node server.js`"))?;
    Ok((words, vec![format!("it starts what {from} starts")]))
}

/// Asked of who knows.
pub fn no_entry(subject: &Subject<'_>, such_as: &str) -> Refused {
    let service = subject.service;
    let words: Vec<String> = such_as.trim_matches('`').split(' ').map(|word| format!("\"{word}\"")).collect();
    Refused::new(
        format!(
            "nothing tells what {service} starts in production: neither the compose file nor its Dockerfile names a plain program such as {such_as}"
        ),
        format!("say it in xtask.yaml: `dockerfile-prod: {{services: {{{service}: {{entry: [{}]}}}}}}`", words.join(", ")),
    )
}

impl<'a> Package<'a> {
    fn of(subject: &'a Subject<'a>, context: &'a Context<'a>, json: Json) -> Result<Self, Refused> {
        let service = subject.service;
        let mut locks = Vec::new();
        for (name, manager) in LOCKS {
            if let Some(text) = context.text(name)? {
                locks.push((name, manager, text));
            }
        }
        if locks.len() > 1 {
            let names: Vec<&str> = locks.iter().map(|(name, ..)| *name).collect();
            return Err(Refused::new(
                format!("{service} has several lock files: {}", names.join(", ")),
                "keep the one that is used, remove the others",
            ));
        }
        let words = ["_auth", "_password", "npmAuth", "${"];
        context.without_login(&[".npmrc", ".yarnrc", ".yarnrc.yml"], &words)?;
        let written: Vec<&str> = std::iter::once("package.json").chain(locks.iter().map(|(name, ..)| *name)).collect();
        context.without_login(&written, &[])?;
        let said = json.get("packageManager").and_then(Json::as_str).and_then(|said| said.split('@').next()).unwrap_or_default();
        let said = ["pnpm", "yarn"].into_iter().find(|known| *known == said).unwrap_or("npm");
        let manager = locks.first().map_or(said, |(_, manager, _)| *manager);
        let lock = locks.pop().map(|(name, _, text)| (name, text));
        Ok(Package { subject, context, json, lock, manager })
    }

    fn names(&self, key: &str) -> BTreeSet<&str> {
        self.json.get(key).and_then(Json::as_object).into_iter().flatten().map(|(name, _)| name.as_str()).collect()
    }

    fn script(&self, name: &str) -> Option<&str> {
        self.json.get("scripts")?.get(name)?.as_str()
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.json.get(key).and_then(Json::as_str)
    }

    fn labels(&self) -> Vec<(String, String)> {
        let all = [("title", "name"), ("version", "version"), ("description", "description"), ("licenses", "license")];
        all.iter().filter_map(|(label, key)| Some((format!("org.opencontainers.image.{label}"), self.text(key)?.to_string()))).collect()
    }

    /// Which version of a manager the project says, where it is a number.
    fn version(&self, manager: &str) -> Option<String> {
        let version = self.text("packageManager")?.strip_prefix(manager)?.strip_prefix('@')?.split('+').next()?;
        let numbers = version.split('.').count() == 3 && version.chars().all(|c| c.is_ascii_digit() || c == '.');
        numbers.then(|| version.to_string())
    }

    fn is_berry(&self) -> bool {
        match &self.lock {
            Some((name, text)) => *name == "yarn.lock" && text.contains("__metadata:"),
            None => self.version("yarn").is_some_and(|version| !version.starts_with("0.") && !version.starts_with("1.")),
        }
    }

    /// Of production alone, or of all that a build needs.
    fn install(&self, production: bool) -> Result<Install, Refused> {
        let extra = [".npmrc", ".yarnrc", ".yarnrc.yml"].into_iter().filter(|name| self.context.has(name));
        let lock = self.lock.as_ref().map(|(name, _)| *name);
        let mut manifests: Vec<String> = std::iter::once("package.json").chain(lock).chain(extra).map(String::from).collect();
        // What a lock file may name beside itself.
        let beside = |path: &&String| [".yarn/plugins/", ".yarn/patches/", "patches/"].iter().any(|folder| path.starts_with(folder));
        manifests.extend(self.subject.listed.iter().filter(beside).cloned());
        let mut commands = match self.manager {
            "pnpm" => {
                let mut version = self.version("pnpm").unwrap_or_else(|| PNPM.to_string());
                if self.lock.as_ref().is_some_and(|(_, text)| text.contains("lockfileVersion: '6")) && self.version("pnpm").is_none() {
                    version = "8.15.9".to_string();
                }
                let frozen = if lock.is_some() { " --frozen-lockfile" } else { "" };
                let production = if production { " --prod" } else { "" };
                vec![format!("npm install --global --force pnpm@{version}"), format!("pnpm install{frozen}{production}")]
            }
            "yarn" if self.is_berry() => self.berry(production)?,
            "yarn" => {
                let frozen = if lock.is_some() { " --frozen-lockfile" } else { "" };
                let production = if production { "true" } else { "false" };
                let version = self.version("yarn").unwrap_or_else(|| YARN.to_string());
                vec![
                    format!("npm install --global --force yarn@{version}"),
                    format!("yarn install{frozen} --production={production} && yarn cache clean"),
                ]
            }
            _ => {
                let command = if lock.is_some() { "npm ci" } else { "npm install --no-package-lock" };
                let omit = if production { " --omit=dev" } else { "" };
                let scripts = if self.no_scripts(production) { " --ignore-scripts" } else { "" };
                vec![format!("{command}{omit}{scripts} --no-audit --no-fund && npm cache clean --force")]
            }
        };
        if self.script("prepare").is_some() {
            // It serves developers, and may need their packages, or sources that are not there yet.
            commands.insert(0, "npm pkg delete scripts.prepare".to_string());
        }
        let why = if production {
            "The packages that the service needs while it runs, and no others."
        } else {
            "All packages: a build needs those for development too."
        };
        Ok(Install { manifests, commands, into: "node_modules", why: why.to_string() })
    }

    fn berry(&self, production: bool) -> Result<Vec<String>, Refused> {
        let linked = self.context.text(".yarnrc.yml")?.is_some_and(|text| text.contains("nodeLinker: node-modules"));
        let version = self.version("yarn").filter(|version| version.split('.').next().and_then(|major| major.parse().ok()) >= Some(4));
        let (true, Some(version)) = (linked, version) else {
            let why = format!("{} uses Yarn with Plug'n'Play, or does not say which Yarn, or one before 4", self.subject.service);
            return Err(Refused::new(
                why,
                "write `nodeLinker: node-modules` into .yarnrc.yml, and `packageManager` with its version (4.0.0 or later) into package.json",
            ));
        };
        // The one that is installed, wherever the project keeps its own.
        let frozen = if self.lock.is_some() { " --immutable" } else { "" };
        let install = if production { "workspaces focus --production".to_string() } else { format!("install{frozen}") };
        let env = "YARN_IGNORE_PATH=1 YARN_ENABLE_GLOBAL_CACHE=false YARN_CACHE_FOLDER=/tmp/yarn";
        Ok(vec![format!("npm install --global --force @yarnpkg/cli-dist@{version}"), format!("{env} yarn {install} && rm -rf /tmp/yarn")])
    }

    /// Whether nothing that is installed wants to run a program for it: then none shall.
    fn no_scripts(&self, production: bool) -> bool {
        let own = ["preinstall", "install", "postinstall"].iter().any(|name| self.script(name).is_some());
        let Some(packages) = self.packages() else { return false };
        let is = |package: &Json, key: &str| package.get(key) == Some(&Json::Bool(true));
        let wants = packages.iter().any(|(_, package)| is(package, "hasInstallScript") && !(production && is(package, "dev")));
        !own && !wants
    }

    fn packages(&self) -> Option<serde_json::Map<String, Json>> {
        let (_, text) = self.lock.as_ref().filter(|_| self.manager == "npm")?;
        let lock: Json = serde_json::from_str(text).ok()?;
        lock.get("packages")?.as_object().cloned()
    }

    fn development(&self) -> Development {
        if let Some(packages) = self.packages() {
            let dev = packages.iter().filter(|(path, package)| !path.is_empty() && package.get("dev") == Some(&Json::Bool(true)));
            return Development { paths: dev.map(|(path, _)| path.clone()).collect(), names: Vec::new() };
        }
        let runtime = self.names("dependencies");
        let names: Vec<String> = self.names("devDependencies").difference(&runtime).map(ToString::to_string).collect();
        Development { paths: Vec::new(), names }
    }

    /// What starts, and whether it must be built before.
    fn entry(&self, node: &mut Node) -> Result<(), Refused> {
        let words = self.start(node).ok_or_else(|| no_entry(self.subject, "`node src/server.js`"))?;
        let file = entry::file(&words, &ENDINGS);
        let is_there = file.as_ref().is_some_and(|file| self.subject.listed.contains(file));
        let builds = self.script("build").is_some();
        let service = self.subject.service;
        if let Some(file) = &file
            && !is_there
        {
            if !builds {
                let why = format!("{service} starts {file}, which is not there, and no script `build` makes it");
                return Err(Refused::new(
                    why,
                    format!("say what starts: `dockerfile-prod: {{services: {{{service}: {{entry: [node, FILE]}}}}}}`"),
                ));
            }
            node.outputs.push(file.split('/').next().unwrap_or(file).to_string());
        }
        if file.as_ref().is_some_and(|file| file.ends_with(".ts")) {
            let why = format!("{service} starts TypeScript as it is, which node does not run");
            return Err(Refused::new(why, "add a script `build` that compiles it, and let `start` name the JavaScript that it makes"));
        }
        if file.is_none() && builds {
            node.outputs.extend(self.framework_outputs());
        }
        if !node.outputs.is_empty() {
            let run = if self.manager == "npm" { "npm run build" } else { &format!("{} run build", self.manager) };
            node.build = Some(BuildStep { install: Some(self.install(false)?), commands: vec![run.to_string()], adds_package: false });
        }
        node.entry = words;
        Ok(())
    }

    fn framework_outputs(&self) -> Vec<String> {
        let known = [("next", ".next"), ("nuxt", ".output"), ("@remix-run/serve", "build")];
        let runtime = self.names("dependencies");
        known.iter().filter(|(package, _)| runtime.contains(package)).map(|(_, output)| (*output).to_string()).collect()
    }

    fn start(&self, node: &mut Node) -> Option<Vec<String>> {
        if let Some(words) = &self.subject.wish.entry {
            return Some(words.clone());
        }
        if let Some((words, from)) = entry::declared(self.subject) {
            node.notes.push(format!("it starts what {from} starts"));
            return Some(words);
        }
        for script in ["start:prod", "start"] {
            let words = self.script(script).and_then(entry::words_of).filter(|words| entry::is_plain(words));
            if let Some(mut words) = words {
                node.notes.push(format!("it starts what its script `{script}` starts"));
                // Scripts find the programs of packages; a container does not.
                if words[0] != "node" && !words[0].contains('/') {
                    words[0] = format!("node_modules/.bin/{}", words[0]);
                }
                return Some(words);
            }
        }
        let main = self.text("main")?.trim_start_matches("./").to_string();
        node.notes.push("it starts the `main` of its package.json".to_string());
        Some(vec!["node".to_string(), main])
    }
}
