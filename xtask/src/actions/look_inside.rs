//! The step that looks into a built image for what must not be in it.

use std::collections::BTreeSet;
use std::io::{BufReader, Read};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::World;
use super::live::remove_rehearsal;
use crate::backup::tar::{Kind, Tar};
use crate::engine::Scratch;
use crate::engine::remove::RUN_LABEL;
use crate::error::{Error, Result};
use crate::production::package_name;

/// What a package says of itself is not longer.
const LARGEST: u64 = 1 << 20;
const BUFFER: usize = 1 << 20;

/// Unpacks the folder of the service from a container that is never started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookInside {
    pub service: String,
    pub image: String,
    /// Where the image keeps the service.
    pub folder: String,
    /// Paths below it that are for development only.
    pub paths: Vec<String>,
    /// Packages for development only, unless another one that is there needs them.
    pub names: Vec<String>,
}

impl LookInside {
    pub fn prepare(&self, world: &World) -> Result<()> {
        world.live().map(|_| ())
    }

    pub fn apply(&self, world: &World) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        let name: String = self.image.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let label = (RUN_LABEL, world.run.as_str());
        let scratch = Scratch { image: &self.image, label, volumes: &[], program: None, env: Vec::new() };
        let id = engine.create_scratch(&format!("xtask-{}-{name}", world.run.short()), &scratch)?;
        let cannot = |error: std::io::Error| Error::failed(format!("look into the image of {}", self.service)).why(error.to_string());
        let archive = BufReader::with_capacity(BUFFER, engine.read_archive(&id, &self.folder)?);
        let found = Contents::read(archive).map_err(cannot)?;
        engine.remove_container(&id)?;
        let wrong = found.wrong(self);
        if !wrong.is_empty() {
            return Err(Error::failed(format!("look into the image of {}", self.service)).why(wrong.join("; ")));
        }
        let development = self.paths.len() + self.names.len();
        let detail = format!("{} files, none of {development} packages for development, no .env, no .git", found.files);
        world.proven(format!("what the image of {} holds", self.service), detail);
        Ok(())
    }

    /// Nothing of it stays, whoever was killed in it.
    pub fn undo(&self, world: &World) -> Result<()> {
        remove_rehearsal(world)
    }
}

/// What is in an image's folder.
#[derive(Default)]
struct Contents {
    files: usize,
    /// Secrets and history, relative to the folder.
    leaks: Vec<String>,
    paths: BTreeSet<String>,
    packages: BTreeSet<String>,
    /// What the packages that are there need.
    needed: BTreeSet<String>,
}

impl Contents {
    fn read(from: impl Read) -> std::io::Result<Contents> {
        let mut tar = Tar::new(from);
        let mut found = Contents::default();
        while let Some(header) = tar.next_entry()? {
            let whole = String::from_utf8_lossy(&header.path).into_owned();
            // The engine puts the folder's own name in front.
            let Some((_, path)) = whole.split_once('/') else { continue };
            found.files += usize::from(matches!(header.kind, Kind::File));
            found.take(path);
            let is_manifest = path.ends_with("/package.json") && path.starts_with("node_modules/") || path.ends_with(".dist-info/METADATA");
            if is_manifest && header.size <= LARGEST && matches!(header.kind, Kind::File) {
                let mut bytes = Vec::new();
                tar.read_to_end(&mut bytes)?;
                found.needs(path, &String::from_utf8_lossy(&bytes));
            }
        }
        Ok(found)
    }

    fn take(&mut self, path: &str) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let installed = path.split('/').any(|part| matches!(part, "node_modules" | "site-packages"));
        let template = [".example", ".sample", ".template", ".dist"].iter().any(|ending| name.ends_with(ending));
        let env = (name == ".env" || name.starts_with(".env.")) && !template && !installed;
        if env || name == ".git" {
            self.leaks.push(path.to_string());
        }
        if let Some(rest) = path.strip_prefix("node_modules/") {
            self.paths.insert(path.to_string());
            let parts: Vec<&str> = rest.split('/').collect();
            let scoped = rest.starts_with('@');
            if parts.len() == if scoped { 2 } else { 1 } {
                self.packages.insert(rest.to_string());
            }
        }
        if let Some(package) = name.strip_suffix(".dist-info").filter(|_| installed) {
            self.packages.insert(package_name(package.split('-').next().unwrap_or_default()));
        }
    }

    fn needs(&mut self, path: &str, text: &str) {
        if path.ends_with("METADATA") {
            let required = text.lines().filter_map(|line| line.strip_prefix("Requires-Dist: ")).filter(|line| !line.contains("extra =="));
            self.needed.extend(required.map(package_name));
            return;
        }
        let Ok(package) = serde_json::from_str::<Json>(text) else { return };
        for key in ["dependencies", "peerDependencies", "optionalDependencies"] {
            let names = package.get(key).and_then(Json::as_object).into_iter().flatten();
            self.needed.extend(names.map(|(name, _)| name.clone()));
        }
    }

    fn wrong(&self, look: &LookInside) -> Vec<String> {
        let leaks = self.leaks.iter().map(|path| format!("it holds {path}"));
        let paths = look.paths.iter().filter(|path| self.paths.contains(*path));
        let names = look.names.iter().filter(|name| self.packages.contains(*name) && !self.needed.contains(*name));
        leaks.chain(paths.chain(names).map(|name| format!("it holds {name}, which is for development only"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(paths: &[&str], names: &[&str]) -> LookInside {
        let all = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        LookInside { service: "web".into(), image: "i".into(), folder: "/app".into(), paths: all(paths), names: all(names) }
    }

    #[test]
    fn what_must_not_be_there_is_named() {
        let mut found = Contents::default();
        for path in [
            ".env",
            "sub/.env.local",
            ".env.example",
            "src/.git",
            "node_modules/x/.env",
            "node_modules/nodemon",
            "node_modules/@a/b",
            "src/env.js",
        ] {
            found.take(path);
        }
        found.take(".venv/lib/python3.11/site-packages/PyTest-8.0.dist-info");
        found.take(".venv/lib/python3.11/site-packages/pluggy-1.dist-info");
        found.needs("node_modules/x/package.json", r#"{"dependencies": {"@a/b": "1"}}"#);
        found.needs(
            "a/site-packages/idna-3.dist-info/METADATA",
            "Name: x\nRequires-Dist: Pluggy>=1\nRequires-Dist: pytest ; extra == 'test'\n",
        );
        assert_eq!(
            found.wrong(&look(&["node_modules/nodemon", "node_modules/gone"], &["@a/b", "pytest", "pluggy", "ruff"])),
            [
                "it holds .env",
                "it holds sub/.env.local",
                "it holds src/.git",
                "it holds node_modules/nodemon, which is for development only",
                "it holds pytest, which is for development only"
            ]
        );
    }
}
