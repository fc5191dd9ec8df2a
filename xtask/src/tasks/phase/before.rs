//! Everything as it is before the first step: what the proof compares with.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;

use super::rendering::Rendering;
use super::survey::Survey;
use crate::cancel::Cancel;
use crate::engine::compose::{Compose, ComposeCall};
use crate::error::{Error, Result};
use crate::project::{Project, Stack};
use crate::secret::Masker;

/// What every stack rendered to, by its id.
pub struct Before {
    pub renderings: BTreeMap<String, Rendering>,
    /// As `docker compose config` prints it, where Compose is installed.
    pub compose: Option<BTreeMap<String, Told>>,
}

/// What Compose says of one stack.
#[derive(Clone, PartialEq)]
pub struct Told {
    pub users: Json,
    /// The label that tells Compose whether a container is as its files say, by service.
    pub hashes: BTreeMap<String, String>,
}

impl Before {
    pub fn look(project: &Project, survey: &Survey<'_>, asked: Option<&Asked<'_>>) -> Result<Before> {
        let renderings = survey.views.iter().map(|view| (view.stack.id.clone(), view.rendering.clone())).collect();
        let told = |asked: &Asked<'_>| {
            let told = survey.views.iter().map(|view| Ok((view.stack.id.clone(), asked.tell(project, view.stack)?)));
            told.collect::<Result<BTreeMap<_, _>>>()
        };
        Ok(Before { renderings, compose: asked.map(told).transpose()? })
    }
}

/// A compose program, and how it is asked.
pub struct Asked<'a> {
    pub compose: &'a Compose,
    pub masker: &'a RefCell<Masker>,
    pub cancel: &'a Cancel,
}

impl Asked<'_> {
    /// What Compose makes of a stack, called as its users call it: from the project's root, and from
    /// a folder that has nothing to do with it.
    pub fn tell(&self, project: &Project, stack: &Stack) -> Result<Told> {
        let root = &project.root;
        let from_root = self.config(&call(stack, root, |path| project.relative(path)))?;
        let from_elsewhere = self.config(&call(stack, Path::new("/"), |path| path))?;
        if from_root != from_elsewhere {
            return Err(Error::failed(format!("render {}", stack.id))
                .why("docker compose renders it differently from the project's root and from elsewhere")
                .help("look for relative paths in the exported environment"));
        }
        let frozen = serde_json::to_vec(&from_root).map_err(|error| Error::failed("write JSON").why(error.to_string()))?;
        let hashes = self.compose.config_hashes(&frozen, &self.masker.borrow(), self.cancel)?;
        Ok(Told { users: from_root, hashes })
    }

    fn config(&self, call: &ComposeCall) -> Result<Json> {
        self.compose.config_json(call, &self.masker.borrow(), self.cancel)
    }
}

fn call<'p>(stack: &'p Stack, cwd: &Path, seen: impl Fn(&'p Path) -> &'p Path) -> ComposeCall {
    ComposeCall {
        files: stack.files.iter().map(|file| seen(file).to_path_buf()).collect(),
        env_files: stack.env_files.clone(),
        profiles: stack.profiles.clone(),
        cwd: Some(cwd.to_path_buf()),
        ..ComposeCall::default()
    }
}
