//! Dumps by a server's own client, in its own container.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::super::World;
use super::hashed::Hashed;
use super::scan::scanned;
use super::{MARK, go_on, mark};
use crate::backup::adapters::{Adapter, ENDS, Marks, Survey, adapter, path_of};
use crate::backup::{Content, Dump, WantedDump, Writer, segment};
use crate::engine::{Exec, Executed, Said};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// A server that says nothing of itself for so long is not asked for a dump.
const SURVEY: Duration = Duration::from_secs(120);
const DUMP: Duration = Duration::from_secs(24 * 60 * 60);
/// A survey that says more is none.
const LONGEST: usize = 4 << 20;
/// So many lines of what a client that failed has said are told.
const LINES: usize = 5;

/// Everything of one server.
///
/// # Errors
/// The client fails, or what it wrote is not whole.
pub fn dump(world: &World, wanted: &WantedDump, deep: bool, writer: &mut Writer, left_out: &mut Vec<String>) -> Result<Vec<Dump>> {
    let adapter = adapter_of(&wanted.adapter)?;
    let survey = survey(world, wanted, adapter)?;
    left_out.extend(survey.left.iter().map(|left| format!("{}: {left}", wanted.service)));
    survey.what.iter().map(|what| one(world, wanted, adapter, &survey, (what, deep), writer)).collect()
}

fn adapter_of(kind: &str) -> Result<&'static Adapter> {
    adapter(kind)
        .ok_or_else(|| Error::unusable(format!("dump a server of the kind {kind}")).help("use the version of xtask that began the run"))
}

fn survey(world: &World, wanted: &WantedDump, adapter: &Adapter) -> Result<Survey> {
    let mut said = Vec::new();
    let told = told(world, &wanted.container, adapter, &wanted.options)?;
    let asked = exec(world, adapter, adapter.survey, told, SURVEY);
    let ended = world.live()?.engine.pipe(&wanted.container, &asked, None, &mut |piece| {
        if let Said::Output(piece) = piece {
            said.extend_from_slice(&piece[..piece.len().min(LONGEST - said.len())]);
        }
        go_on(world)
    })?;
    let survey = Survey::read(&String::from_utf8_lossy(&said));
    if ended.code != 0 || survey.what.is_empty() {
        return Err(failed(&wanted.service, "its databases", &ended, "it names nothing to dump")
            .help("the label `xtask.backup: archive` copies its volumes instead"));
    }
    Ok(survey)
}

fn one(
    world: &World,
    wanted: &WantedDump,
    adapter: &Adapter,
    survey: &Survey,
    (what, deep): (&str, bool),
    writer: &mut Writer,
) -> Result<Dump> {
    let began = Instant::now();
    world.cancel.now(&format!("dumping {} of {}", what, wanted.service));
    let path = format!("/dumps/{}/{}", segment(&wanted.service), path_of(what));
    let word = mark(world, what);
    let (mut marks, mut head, mut tail) = (Marks::new(&word), Vec::new(), Vec::new());
    let mut parts = writer.stream(&path);
    let mut told = told(world, &wanted.container, adapter, &wanted.options)?;
    let deep = if deep { "1" } else { "" };
    told.extend(
        [("XTASK_WHAT", what), ("XTASK_MARK", word.as_str()), ("XTASK_DEEP", deep)]
            .map(|(name, value)| (name.to_string(), Secret::new(value))),
    );
    let asked = exec(world, adapter, adapter.dump, told, DUMP);
    let engine = world.live()?.engine.as_ref();
    let (ended, counted) = scanned(adapter.scan, what, |scan| {
        engine.pipe(&wanted.container, &asked, None, &mut |piece| {
            match piece {
                Said::Error(piece) => marks.take(piece),
                Said::Output(piece) => {
                    head.extend_from_slice(&piece[..piece.len().min(ENDS - head.len())]);
                    keep_end(&mut tail, piece);
                    scan(piece)?;
                    parts.write(piece)?;
                }
            }
            go_on(world)
        })
    })?;
    let bytes = parts.bytes();
    let wrong = match (ended.code, marks.exit) {
        (0, Some(0)) if bytes < adapter.least => Some(format!("it has only {bytes} bytes")),
        (0, Some(0)) => (adapter.whole)(what, &head, &tail).err().map(String::from).or_else(|| counted.clone().err()),
        (0, Some(code)) => Some(format!("its client ended with {code}")),
        (0, None) => Some("its client did not say that it is done".to_string()),
        _ => Some(String::new()),
    };
    if let Some(why) = wrong {
        return Err(failed(&wanted.service, what, &ended, &why));
    }
    let mut options = wanted.options.clone();
    match counted.unwrap_or_default() {
        Some(counts) => marks.counts.extend(counts),
        None => _ = adapter.scan.map(|_| options.insert("uncounted".to_string(), "1".to_string())),
    }
    Ok(Dump {
        service: wanted.service.clone(),
        what: what.to_string(),
        adapter: adapter.kind.to_string(),
        path,
        stream: parts.finish()?,
        exit_code: ended.code,
        client: survey.client.clone(),
        server: survey.server.clone(),
        image: wanted.image.clone(),
        image_id: wanted.image_id.clone(),
        counts: marks.counts,
        sums: marks.sums,
        options,
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// Reads a stored dump back: it must be what was read, and whoever can read such a dump must find it whole.
///
/// # Errors
/// It is not.
pub fn prove(world: &World, container: &str, dump: &Dump, content: &Content) -> Result<()> {
    let adapter = adapter_of(&dump.adapter)?;
    let label = format!("read the stored dump {} of {}", dump.what, dump.service);
    let mut stored = Hashed::of(content.stream(&dump.path, &dump.stream));
    if let Some(script) = (adapter.prove)(&dump.what) {
        let asked = exec(world, adapter, script, told(world, container, adapter, &dump.options)?, DUMP);
        let ended = world.live()?.engine.pipe(container, &asked, Some(&mut stored), &mut |_| go_on(world))?;
        if ended.code != 0 {
            return Err(Error::failed(label).why(format!("what reads it ended with {}: {}", ended.code, ended.output)));
        }
    }
    if stored.is(&dump.stream).map_err(|error| Error::failed(label.as_str()).why(error.to_string()))? {
        return Ok(());
    }
    Err(Error::failed(label).why("it is not what the client wrote"))
}

/// What every script is told: the options, and the password that is an option of the server itself.
pub fn told(world: &World, container: &str, adapter: &Adapter, options: &BTreeMap<String, String>) -> Result<Vec<(String, Secret)>> {
    let mut env: Vec<(String, Secret)> =
        options.iter().map(|(name, value)| (format!("XTASK_{}", name.to_ascii_uppercase()), Secret::new(value.as_str()))).collect();
    if let Some(option) = adapter.password_option
        && let Some(found) = world.live()?.engine.container(container)?
        && let Some(password) = argument(&found.argv, option)
    {
        env.push(("XTASK_ARGUMENT".to_string(), Secret::new(password)));
    }
    Ok(env)
}

/// The value of an option, also in a shell's script; one that the shell has filled in is in the environment.
fn argument(command: &[String], option: &str) -> Option<String> {
    let of = |words: &[&str]| {
        let at = words.iter().position(|word| *word == option)?;
        let value = words.get(at + 1)?.trim_matches(['"', '\'']);
        (!value.is_empty() && !value.starts_with('$')).then(|| value.to_string())
    };
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    of(&words).or_else(|| command.iter().find_map(|line| of(&line.split_whitespace().collect::<Vec<_>>())))
}

fn exec<'w>(world: &'w World, adapter: &Adapter, script: &str, env: Vec<(String, Secret)>, deadline: Duration) -> Exec<'w> {
    Exec {
        argv: vec!["sh".to_string(), "-c".to_string(), format!("{}{script}", adapter.login)],
        env,
        stdin: None,
        deadline,
        masker: &world.masker,
    }
}

/// The last bytes that went by.
fn keep_end(tail: &mut Vec<u8>, piece: &[u8]) {
    tail.extend_from_slice(&piece[piece.len().saturating_sub(ENDS)..]);
    tail.drain(..tail.len().saturating_sub(ENDS));
}

fn failed(service: &str, what: &str, ended: &Executed, why: &str) -> Error {
    let said: Vec<&str> = ended.output.lines().filter(|line| !line.starts_with(MARK)).collect();
    let said = said[said.len().saturating_sub(LINES)..].join("; ");
    let code = if ended.code == 0 { String::new() } else { format!("its client ended with {}", ended.code) };
    let parts = [code.as_str(), why, said.as_str()].into_iter().filter(|part| !part.is_empty());
    Error::failed(format!("dump {what} of {service}")).why(parts.collect::<Vec<_>>().join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_where_the_server_has_it_as_an_option() {
        let of = |words: &[&str]| argument(&words.iter().map(ToString::to_string).collect::<Vec<_>>(), "--requirepass");
        assert_eq!(of(&["redis-server", "--requirepass", "a b"]).as_deref(), Some("a b"));
        assert_eq!(of(&["sh", "-c", "exec redis-server --requirepass 'ab' --save 60 1"]).as_deref(), Some("ab"));
        assert_eq!(of(&["sh", "-c", "exec redis-server --requirepass \"$REDIS_PASSWORD\""]), None);
        assert_eq!(of(&["redis-server", "--requirepass"]), None);
    }
}
