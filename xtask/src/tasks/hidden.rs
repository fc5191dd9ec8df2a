//! What must not be shown of a running stack: the secrets of its files, and those that its containers
//! were given, also as releases and runs keep them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Context, security_fix};
use crate::actions::{Action, Receipt, Replace, Source, StartService};
use crate::catalogue::{key_shape, never_a_credential, tokens_in};
use crate::dotenv;
use crate::engine::{Container, Spec};
use crate::guards::deploy::secret_files;
use crate::model::Model;
use crate::release::{Release, Releases};
use crate::rules::{EnvSource, credentials_in_env_file};
use crate::saga::{Blobs, Sha, Undoable};
use crate::secret::{Masker, Secret};
use crate::source::{Disk, Files};
use crate::yaml::Value;

/// A larger file is no password.
const LARGEST_BYTES: u64 = 64 << 10;

pub fn masker(secrets: &[Secret]) -> Masker {
    Masker::new(secrets.iter().map(Secret::expose))
}

/// Of the project's files, of the variables that the stacks use, and of their secret files.
pub fn of_project<'m>(cx: &Context<'_>, models: impl Iterator<Item = &'m Model>) -> Vec<Secret> {
    let mut secrets = security_fix::secret_values(cx);
    for model in models {
        let variables = model.references.iter().filter_map(|reference| Some((reference.name.as_str(), model.lookup(&reference.name)?)));
        secrets.extend(by_place(variables));
        for service in model.services() {
            let given = model.environment_of(service);
            secrets.extend(by_place(given.iter().filter_map(|(key, value)| Some((*key, value.as_ref()?.0)))));
        }
        let declared = model.value.get("secrets").and_then(Value::as_map).into_iter().flatten();
        secrets.extend(declared.flat_map(|(_, field)| content(model, &field.value)));
    }
    secrets
}

/// Of what a container was given.
pub fn of_container(container: &Container) -> Vec<Secret> {
    by_place(container.env.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// Of what the containers of releases were given, and of their secret files as they were: who goes back hears
/// what those containers say. A content that is lost can neither run nor be shown.
pub fn of_releases(releases: &Releases, all: &[Release]) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for release in all {
        let Ok(blobs) = releases.blobs(&release.id) else { continue };
        let specs = release.services.values().flat_map(|service| service.containers.values());
        secrets.extend(specs.flat_map(|spec| of_spec(&blobs, spec)));
        let paths = paths_of_release(releases, release);
        let kept = release.kept.files.iter().filter(|file| paths.contains(&file.path));
        secrets.extend(kept.filter_map(|file| whole(&blobs.get(&file.content).ok()?)));
    }
    secrets
}

/// Where a release has its secret files.
pub fn paths_of_release(releases: &Releases, release: &Release) -> Vec<PathBuf> {
    let blobs = releases.blobs(&release.id).ok();
    let model = blobs.zip(release.model.as_ref()).and_then(|(blobs, model)| serde_json::from_slice(&blobs.get(model).ok()?).ok());
    model.iter().flat_map(secret_files).map(|file| file.path).collect()
}

/// The same of what a run has noted: of containers that it found or makes anew, and of the secret files at these
/// places, before it and by it.
pub fn of_run(blobs: &Blobs, steps: &[Undoable<Action, Receipt>], root: &Path, places: &BTreeSet<PathBuf>) -> Vec<Secret> {
    let mut specs: Vec<&Sha> = Vec::new();
    let mut files: Vec<&Sha> = Vec::new();
    for Undoable { step, receipt, .. } in steps {
        if let Receipt::Stack(kept) = receipt {
            specs.extend(kept.containers.iter().map(|container| &container.spec));
        }
        if let Action::Replace(Replace { source: Source::Spec { containers }, .. })
        | Action::StartService(StartService { source: Source::Spec { containers }, .. }) = step
        {
            specs.extend(containers);
        }
        match step {
            Action::KeepFiles(keep) => {
                let secret = keep.files.iter().filter(|file| places.contains(&root.join(&file.path)));
                files.extend(secret.flat_map(|file| [&file.before, &file.now]));
            }
            Action::WriteFile(write) if places.contains(&root.join(&write.path)) => {
                files.extend(write.before.iter().chain([&write.content]))
            }
            _ => {}
        }
    }
    let files = files.into_iter().filter_map(|file| whole(&blobs.get(file).ok()?));
    specs.into_iter().flat_map(|spec| of_spec(blobs, spec)).chain(files).collect()
}

fn of_spec(blobs: &Blobs, spec: &Sha) -> Vec<Secret> {
    let spec = blobs.get(spec).and_then(|bytes| Spec::from_bytes(&bytes));
    spec.map(|spec| by_place(spec.environment())).unwrap_or_default()
}

/// What stands under the name of a credential, or looks like one.
pub fn by_place<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for (key, value) in entries {
        let named = key_shape(key).is_credential() && !never_a_credential(value);
        if named || !tokens_in(key, value).is_empty() {
            secrets.push(Secret::new(value));
        } else {
            secrets.extend(in_value(key, value));
        }
    }
    secrets
}

/// Passwords in URLs and connection strings, found as in an env file that git tracks.
fn in_value(key: &str, value: &str) -> Vec<Secret> {
    let text = format!("{key}={value}\n");
    let Ok(entries) = dotenv::parse_raw(&text, &|_| None) else { return Vec::new() };
    let source = EnvSource { path: Path::new(""), file: 0, text: &text, entries: &entries, raw: true, tracked: true, services: &[] };
    credentials_in_env_file(&source).into_iter().map(|evidence| evidence.secret).collect()
}

fn content(model: &Model, secret: &Value) -> Option<Secret> {
    if let Some(name) = secret.get("environment").and_then(Value::as_str) {
        return model.lookup(name).map(Secret::new);
    }
    let path = Path::new(secret.get("file")?.as_str()?);
    let small = path.metadata().ok().is_some_and(|meta| meta.is_file() && meta.len() <= LARGEST_BYTES);
    let bytes = if small { Disk.read(path).ok()?? } else { return None };
    whole(&bytes)
}

/// The content of a secret file.
fn whole(bytes: &[u8]) -> Option<Secret> {
    std::str::from_utf8(bytes).ok().map(|text| Secret::new(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_by_their_key_their_shape_or_their_url() {
        let given = [
            ("DB_PASSWORD", "canary-by-key"),
            ("DATABASE_URL", "postgres://app:canary-in-url@db:5432/app"),
            ("DB_PASSWORD_FILE", "/run/secrets/db_password"),
            ("LOG_LEVEL", "information"),
        ];
        let secrets = by_place(given.into_iter());
        let shown: Vec<&str> = secrets.iter().map(Secret::expose).collect();
        assert_eq!(shown, ["canary-by-key", "canary-in-url"]);
    }
}
