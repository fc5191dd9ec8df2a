//! Makes the production stacks build with the new files: edits of their compose files, each with what it changes in the
//! rendered model.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::{Value as Json, json};

use super::look::{Looked, Made, Read, built, context};
use crate::error::Result;
use crate::event::FileDiff;
use crate::finding::{Change, Fix, FixKind};
use crate::production::DOCKERFILE;
use crate::project::{Role, Stack};
use crate::secret::MASK;
use crate::source::{Disk, Files};
use crate::tasks::audit::verify::{Renders, beyond, renders};
use crate::tasks::security_fix::credentials_in_text;
use crate::tasks::{Context, call};
use crate::text::redact;
use crate::yaml::{Limits, Node, Operation, Place, Plain, What, Written as Data, operate, read};

/// A compose file before and after.
pub struct Edit {
    pub path: PathBuf,
    pub before: String,
    pub after: String,
}

#[derive(Default)]
pub struct Activation {
    pub edits: Vec<Edit>,
    /// `stack/service`
    pub services: Vec<String>,
    pub refused: Vec<String>,
    fixes: Vec<Fix>,
    before: Renders,
}

/// Every stack that is not for development and has a service with a new image, or builds in its context. None at all is
/// a refusal, unless they build so already.
pub fn activate(cx: &Context<'_>, looked: &Looked<'_>) -> Result<Activation> {
    let mut activation = Activation { before: renders(&cx.project.stacks, &Disk, &cx.environment), ..Activation::default() };
    let mut is_done = false;
    for stack in looked.models.iter().filter(|stack| stack.stack.role != Some(Role::Dev)) {
        for service in stack.model.services() {
            match wanted(looked, stack, service) {
                Wanted::Nothing => {}
                Wanted::Done => is_done = true,
                Wanted::Refused(why) => activation.refused.push(format!("{service} of {}: {why}", stack.stack.id)),
                Wanted::Change(changes) => match edit(stack.stack, service, &changes)? {
                    Ok(fix) => {
                        activation.services.push(format!("{}/{service}", stack.stack.id));
                        activation.fixes.push(fix);
                    }
                    Err(why) => activation.refused.push(format!("{service} of {}: {why}", stack.stack.id)),
                },
            }
        }
    }
    if activation.fixes.is_empty() && activation.refused.is_empty() && !is_done {
        activation.refused.push("no stack that is for production has one of these services".to_string());
    }
    activation.write()?;
    Ok(activation)
}

/// What a service of a production stack needs.
enum Wanted {
    Nothing,
    Done,
    Refused(String),
    Change(Section),
}

/// Its build section.
enum Section {
    /// It builds in this folder with another Dockerfile.
    Dockerfile,
    /// It has an image of this name and no build section: one in this folder.
    New(PathBuf),
}

fn wanted(looked: &Looked<'_>, stack: &Read<'_>, service: &str) -> Wanted {
    let section = built(stack).find(|(name, _)| *name == service).map(|(_, build)| build);
    let Some(build) = section else {
        let image = stack.json["services"][service].get("image").is_some();
        let builds =
            |made: &&Made| made.recipe.service == service || made.others.iter().any(|other| other.rsplit('/').next() == Some(service));
        let says = ["command", "entrypoint"].iter().any(|key| !stack.json["services"][service][*key].is_null());
        return match looked.made.iter().filter(|_| image).find(builds) {
            Some(made) if made.recipe.service != service && !says => {
                let starts = made.recipe.entry.join(" ");
                Wanted::Refused(format!("the new image starts `{starts}` unless the stack says otherwise: write its `command` there"))
            }
            Some(made) => Wanted::Change(Section::New(made.context.clone())),
            None => Wanted::Nothing,
        };
    };
    let folder = context(build);
    let is_made = |made: &Made| Some(&made.context) == folder.as_ref();
    let text = |key: &str| build.get(key).and_then(Json::as_str);
    if text("dockerfile") == Some(DOCKERFILE) {
        return Wanted::Done;
    }
    if !looked.made.iter().any(is_made) {
        return Wanted::Nothing;
    }
    if build.get("target").is_some() || build.get("dockerfile_inline").is_some() {
        return Wanted::Refused(
            "its build section names a target or has a Dockerfile of its own in it, which Dockerfile.prod does not have".into(),
        );
    }
    Wanted::Change(Section::Dockerfile)
}

/// In the last of the stack's files that says something of it.
fn edit(stack: &Stack, service: &str, section: &Section) -> Result<std::result::Result<Fix, String>> {
    let place = Place::default().key("services").key(service);
    for file in stack.files.iter().rev() {
        let Some(bytes) = Disk.read(file)? else { continue };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Ok(documents) = read(&text, Limits::default()) else { continue };
        let Some(root) = documents.first().map(|document| &document.root) else { continue };
        let there = place.find(root);
        let fix = |operation: Operation, change: Change| Fix {
            kind: FixKind::Apply,
            file: file.clone(),
            operations: vec![operation],
            changes: vec![change],
            caveat: None,
            reveals: &[],
        };
        let path = |last: &[&str]| ["services", service].iter().chain(last).map(ToString::to_string).collect::<Vec<_>>();
        match section {
            Section::New(folder) if there.is_some() => {
                let relative = relative(stack.folder(), folder);
                let value =
                    Plain::Map(vec![("context".into(), Plain::Str(relative)), ("dockerfile".into(), Plain::Str(DOCKERFILE.into()))]);
                let operation = Operation { document: 0, place, what: What::Add { key: "build".into(), value } };
                let now = json!({"context": folder, "dockerfile": DOCKERFILE});
                return Ok(Ok(fix(operation, Change { path: path(&["build"]), now: Some(now) })));
            }
            Section::Dockerfile => {
                let Some(build) = there.and_then(|node| node.get("build")) else { continue };
                let Some(operation) = dockerfile(build, &place.key("build")) else {
                    return Ok(Err(
                        "its build section is written in a way that cannot be edited: write `dockerfile: Dockerfile.prod` there".into(),
                    ));
                };
                return Ok(Ok(fix(operation, Change { path: path(&["build", "dockerfile"]), now: Some(json!(DOCKERFILE)) })));
            }
            Section::New(_) => {}
        }
    }
    Ok(Err(
        "none of the stack's own files says how it is built: it is included or extended; write `dockerfile: Dockerfile.prod` there".into()
    ))
}

fn dockerfile(build: &Node, place: &Place) -> Option<Operation> {
    let name = Plain::Str(DOCKERFILE.into());
    let (place, what) = match &build.data {
        Data::Map { .. } if build.get("dockerfile").is_some() => (place.key("dockerfile"), What::Set(name)),
        Data::Map { .. } => (place.clone(), What::Add { key: "dockerfile".into(), value: name }),
        Data::Scalar { text, .. } => {
            let long = vec![("context".to_string(), Plain::Str(text.to_string())), ("dockerfile".to_string(), name)];
            (place.clone(), What::Set(Plain::Map(long)))
        }
        _ => return None,
    };
    Some(Operation { document: 0, place, what })
}

/// From one folder to another, as compose files have it.
fn relative(from: &Path, to: &Path) -> String {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) = (from.components().collect(), to.components().collect());
    let same = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..".to_string(), from.len() - same);
    let down = to[same..].iter().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    let path = parts.join("/");
    if path.starts_with("..") { path } else { format!("./{path}") }
}

impl Activation {
    /// All operations of a file on the same original.
    fn write(&mut self) -> Result<()> {
        let mut by_file: BTreeMap<&PathBuf, Vec<Operation>> = BTreeMap::new();
        for fix in &self.fixes {
            by_file.entry(&fix.file).or_default().extend(fix.operations.iter().cloned());
        }
        for (path, operations) in by_file {
            let before = String::from_utf8_lossy(&Disk.read(path)?.unwrap_or_default()).into_owned();
            match operate(&before, &operations) {
                Ok(operated) => self.edits.push(Edit { path: path.clone(), before, after: operated.text }),
                Err(refusal) => self.refused.push(format!("{} cannot be edited: {}", path.display(), refusal.why)),
            }
        }
        Ok(())
    }

    pub fn diffs(&self, cx: &Context<'_>) -> Vec<FileDiff> {
        let masked = |text: &str| redact(text, &credentials_in_text(text), MASK).text;
        let diff = |edit: &Edit| FileDiff {
            path: cx.project.relative(&edit.path).display().to_string(),
            before: Some(masked(&edit.before)),
            after: Some(masked(&edit.after)),
        };
        self.edits.iter().map(diff).collect()
    }

    /// What is not as it was declared, from the files as they are now: by our own renderer, and by Compose.
    pub fn wrong(&self, cx: &Context<'_>) -> Result<Vec<String>> {
        if self.fixes.is_empty() {
            return Ok(Vec::new());
        }
        let fixes: Vec<&Fix> = self.fixes.iter().collect();
        let mut why = beyond(&self.before, &renders(&cx.project.stacks, &Disk, &cx.environment), &fixes);
        let Some(compose) = &cx.doors.compose else { return Ok(why) };
        for stack in cx.project.stacks.iter().filter(|stack| self.fixes.iter().any(|fix| stack.files.contains(&fix.file))) {
            let model = crate::model::load(&Disk, &call::whole(stack, crate::model::Unset::StandIn), &cx.environment)?;
            // Where variables are missing Compose refuses, as it did before.
            let Ok(told) = compose.config_json(&call::for_compose(stack, &model).call(), &cx.masker.borrow(), cx.cancel) else { continue };
            for name in self.services.iter().filter_map(|name| name.strip_prefix(&format!("{}/", stack.id))) {
                let service = &told["services"][name];
                if !service.is_null() && service["build"]["dockerfile"].as_str() != Some(DOCKERFILE) {
                    why.push(format!("docker compose would not build {name} of {} with {DOCKERFILE}", stack.id));
                }
            }
        }
        Ok(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_from_the_compose_file() {
        for (from, to, path) in [("/p", "/p/a/b", "./a/b"), ("/p/tools/compose", "/p/api", "../../api"), ("/p", "/p", "./")] {
            assert_eq!(relative(Path::new(from), Path::new(to)), path);
        }
    }

    #[test]
    fn every_form_of_a_build_section_is_edited() {
        for (build, after) in [
            ("build: ./web", "build:\n      context: ./web\n      dockerfile: Dockerfile.prod"),
            ("build: {context: ./web}", "build: {context: ./web, dockerfile: Dockerfile.prod}"),
            (
                "build:\n      context: ./web\n      dockerfile: Dockerfile.dev # old",
                "build:\n      context: ./web\n      dockerfile: Dockerfile.prod # old",
            ),
        ] {
            let text = format!("services:\n  web:\n    {build}\n");
            let documents = read(&text, Limits::default()).unwrap();
            let place = Place::default().key("services").key("web").key("build");
            let operation = dockerfile(place.find(&documents[0].root).unwrap(), &place).unwrap();
            assert_eq!(operate(&text, &[operation]).unwrap().text, format!("services:\n  web:\n    {after}\n"));
        }
    }
}
