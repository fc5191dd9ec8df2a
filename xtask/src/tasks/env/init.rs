//! Makes an `.env` of the example, with secrets of its own.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use serde::Serialize;

use super::file_of;
use super::own::{Known, marked_required};
use crate::catalogue::{is_known_default, is_placeholder_word, key_shape};
use crate::dotenv::{self, Entry, Quoting, with_values};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::guards::Checked;
use crate::model::{Model, STAND_IN};
use crate::saga::{Plan, Proof, Verdict};
use crate::source::{Disk, real, text_of};
use crate::tasks::audit::model_of;
use crate::tasks::phase::change::{Change, Kind};
use crate::tasks::phase::checks::file_guards;
use crate::tasks::phase::hidden::Hidden;
use crate::tasks::phase::lines::example_path;
use crate::tasks::phase::{show, steps};
use crate::tasks::{Context, Ended, Overrides, Prepared, carry_out};

/// Of 62 characters: 190 bits.
const SECRET_CHARS: usize = 32;
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvInit {
    /// Relative to the project's root.
    pub file: String,
    /// Variables with a new secret.
    pub generated: Vec<String>,
    /// Variables that a person has to fill in.
    pub to_fill_in: Vec<String>,
    /// Env files of stacks that do not read the root's and have none yet.
    pub missing: Vec<String>,
}

/// Makes the root's `.env`, or the file of an environment; one that is there is never touched.
pub fn init(cx: &Context<'_>, environment: Option<&str>) -> Result<(Ended, EnvInit)> {
    let path = environment.map_or_else(|| Ok(cx.project.root.join(".env")), |name| file_of(cx, name))?;
    let source = example_path(&cx.project.root);
    let Some(example) = text_of(&Disk, &source)? else {
        return Err(Error::unusable(format!("read {}", source.display()))
            .why("there is no such file")
            .help("`cargo xtask env template` writes it"));
    };
    let known = Known::of(&models(cx, &example), &cx.project.root.join(".env"));
    let filled = fill(&example, &known, &mut secret).map_err(|why| Error::unusable(format!("read {}", source.display())).why(why))?;
    let shown = |path: &Path| cx.project.relative(path).display().to_string();
    let made = EnvInit {
        file: shown(&path),
        generated: filled.generated.clone(),
        to_fill_in: filled.to_fill_in.clone(),
        missing: missing(cx, &path).iter().map(|path| shown(path)).collect(),
    };
    let filled = RefCell::new(filled);
    let ended = carry_out(cx, "env-init", &Overrides::default(), |_| {
        let is_there = std::fs::symlink_metadata(&path).is_ok();
        let why = if is_there { vec![format!("{} is there already", shown(&path))] } else { Vec::new() };
        let mut guards = vec![Checked::new("new-file", why, "change it by hand; `cargo xtask env diff` shows what it lacks")];
        let env = Change { path: path.clone(), kind: Kind::Env, before: None, after: filled.borrow().text.clone(), secrets: Vec::new() };
        let hidden = Hidden::of(&cx.project, cx.git.as_ref(), &Disk, BTreeSet::from([path.as_path()]))?;
        let changes: Vec<Change> = if is_there { Vec::new() } else { hidden.ignore.into_iter().chain([env]).collect() };
        guards.extend(file_guards(cx, &changes, false)?);
        let files: Vec<_> = changes.iter().map(|change| show::diff(&cx.project, change, &cx.masker.borrow())).collect();
        let preview = vec![Event::Planned { files, other: Vec::new() }];
        let contents = changes.iter().map(|change| change.after.clone().into_bytes()).collect();
        let plan = Plan::new("env-init", changes.iter().map(|change| steps::write(&cx.project, change)).collect());
        let (path, filled) = (&path, &filled);
        let prove = move |_: &crate::actions::World| prove(path, &filled.borrow());
        Ok(Prepared { guards, projects: Vec::new(), plan, contents, preview, still: None, prove: Box::new(prove) })
    })?;
    Ok((ended, made))
}

/// Every stack that renders, as it would with what the example says and something for each secret.
fn models(cx: &Context<'_>, example: &str) -> Vec<Model> {
    let mut environment = cx.environment.clone();
    for Entry { key, value, .. } in dotenv::parse(example, &|_| Some("set".to_string())).unwrap_or_default() {
        match value.is_empty() {
            false => drop(environment.entry(key).or_insert(value)),
            true if key_shape(&key).is_credential() => drop(environment.entry(key).or_insert_with(|| STAND_IN.to_string())),
            true => {}
        }
    }
    let mut models = Vec::new();
    for stack in &cx.project.stacks {
        match model_of(stack, &Disk, &environment) {
            Ok(model) => models.push(model),
            Err(error) => cx.events.emit(Event::Warning(format!("which passwords stack {} sets is not known: {error}", stack.id))),
        }
    }
    models
}

fn prove(path: &Path, filled: &Filled) -> Result<Verdict> {
    let there = text_of(&Disk, path)?;
    if there.as_deref() != Some(&filled.text) {
        return Ok(Verdict::Bad(vec!["the file does not hold what was written".into()]));
    }
    let proven = vec![format!("the file reads back: {} secrets of its own", filled.generated.len())];
    Ok(Verdict::Holds(Proof { proven, ..Proof::default() }))
}

/// Stacks that would read another env file, which is not there.
fn missing(cx: &Context<'_>, path: &Path) -> BTreeSet<std::path::PathBuf> {
    let own = cx.project.stacks.iter().filter(|stack| stack.env_files.is_none()).map(|stack| stack.folder().join(".env"));
    let named = cx.project.stacks.iter().flat_map(|stack| stack.env_files.iter().flatten().cloned());
    own.chain(named)
        .filter(|file| file != path && real(file) != path && !file.is_file() && std::fs::symlink_metadata(file).is_err())
        .collect()
}

struct Filled {
    text: String,
    generated: Vec<String>,
    to_fill_in: Vec<String>,
}

/// The example with a secret for each that can be made up; what somebody else issues is empty, and marked. Why it cannot
/// be read, never with a value.
fn fill(example: &str, known: &Known, secret: &mut dyn FnMut() -> Result<String>) -> std::result::Result<Filled, String> {
    let entries = dotenv::parse(example, &|_| Some("set".to_string())).map_err(|error| format!("line {}: {}", error.line, error.why))?;
    let (mut changes, mut generated): (Vec<(&Entry, String)>, Vec<String>) = (Vec::new(), Vec::new());
    let (mut to_fill_in, mut required): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for entry in entries.iter().filter(|entry| entry.quoting != Quoting::Inherited) {
        let name = &entry.key;
        let written = entry.value_span.slice(example);
        let stands_for_one =
            entry.value.is_empty() || is_known_default(&entry.value) || is_placeholder_word(&entry.value) || is_told(&entry.value);
        if !stands_for_one || written.contains("${") {
            continue;
        }
        if known.can_be_made_up(name) {
            changes.push((entry, secret().map_err(|error| error.to_string())?));
            generated.push(name.clone());
        } else if key_shape(name).is_credential() {
            // A stand-in would be taken for the secret.
            if !entry.value.is_empty() {
                changes.push((entry, String::new()));
            }
            to_fill_in.push(name.clone());
            if !known.optional.contains(name) {
                required.push(name.clone());
            }
        } else if entry.value.is_empty() {
            to_fill_in.push(name.clone());
        }
    }
    let text = with_values(example, &changes).map_err(|refusal| format!("line {}: {}", refusal.line, refusal.why))?;
    Ok(Filled { text: marked_required(&text, &required), generated, to_fill_in })
}

/// `<token from BotFather>`: words for people.
fn is_told(value: &str) -> bool {
    value.starts_with('<') && value.ends_with('>')
}

fn secret() -> Result<String> {
    let io = |error| Error::io("read", Path::new("/dev/urandom"), error);
    let mut source = std::fs::File::open("/dev/urandom").map_err(io)?;
    let mut text = String::with_capacity(SECRET_CHARS);
    let mut bytes = [0_u8; 64];
    while text.len() < SECRET_CHARS {
        source.read_exact(&mut bytes).map_err(io)?;
        // What would make some characters likelier than others is thrown away.
        let fair = bytes.iter().filter(|byte| usize::from(**byte) < ALPHABET.len() * 4);
        text.extend(fair.take(SECRET_CHARS - text.len()).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_up_where_nobody_issues_them() {
        let example = "# c\nDB_PASSWORD=\nLEVEL=info # why\nADMIN_PASSWORD=admin\nOPENAI_API_KEY=your-api-key-here\nBOT_TOKEN=\"<from BotFather>\"\nHOST=\nDSN=\"x:${DB_PASSWORD:?}@y\"\nBROKER_API_SECRET=\nJWT_SECRET=\n";
        let mut number = 0;
        let mut next = || {
            number += 1;
            Ok(format!("made{number}"))
        };
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let known = Known { own: names(&["DB_PASSWORD", "ADMIN_PASSWORD"]), optional: names(&["OPENAI_API_KEY"]) };
        let filled = fill(example, &known, &mut next).unwrap();
        assert_eq!(filled.generated, ["DB_PASSWORD", "ADMIN_PASSWORD", "JWT_SECRET"]);
        assert_eq!(filled.to_fill_in, ["OPENAI_API_KEY", "BOT_TOKEN", "HOST", "BROKER_API_SECRET"]);
        let mark = "# required, and issued by somebody else: fill it in\n";
        let expected = example.replacen("DB_PASSWORD=\n", "DB_PASSWORD=made1\n", 1).replace("=admin", "=made2");
        let expected = expected.replace("JWT_SECRET=", "JWT_SECRET=made3").replace("=your-api-key-here", "=");
        let expected = expected.replace("BOT_TOKEN=\"<from BotFather>\"", &format!("{mark}BOT_TOKEN="));
        assert_eq!(filled.text, expected.replace("BROKER_API", &format!("{mark}BROKER_API")));
    }

    #[test]
    fn secrets_are_long_and_never_the_same() {
        let made: BTreeSet<String> = (0..20).map(|_| secret().unwrap()).collect();
        assert_eq!(made.len(), 20);
        assert!(made.iter().all(|secret| secret.len() == SECRET_CHARS && secret.bytes().all(|byte| ALPHABET.contains(&byte))));
    }
}
