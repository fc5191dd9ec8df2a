//! Dumps by a server's own client, in its own container.

use std::io::Read;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::super::World;
use super::{MARK, go_on, mark};
use crate::backup::adapters::{Adapter, ENDS, Marks, Survey, adapter, path_of};
use crate::backup::{Content, Dump, WantedDump, Writer, hex, segment};
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
pub fn dump(world: &World, wanted: &WantedDump, deep: bool, writer: &mut Writer) -> Result<Vec<Dump>> {
    let adapter = adapter_of(&wanted.adapter)?;
    let survey = survey(world, wanted, adapter)?;
    survey.what.iter().map(|what| one(world, wanted, adapter, &survey, (what, deep), writer)).collect()
}

fn adapter_of(kind: &str) -> Result<&'static Adapter> {
    adapter(kind)
        .ok_or_else(|| Error::unusable(format!("dump a server of the kind {kind}")).help("use the version of xtask that began the run"))
}

fn survey(world: &World, wanted: &WantedDump, adapter: &Adapter) -> Result<Survey> {
    let mut said = Vec::new();
    let asked = exec(world, adapter, adapter.survey, Vec::new(), SURVEY);
    let ended = world.live()?.engine.pipe(&wanted.container, &asked, None, &mut |piece| {
        if let Said::Output(piece) = piece {
            said.extend_from_slice(&piece[..piece.len().min(LONGEST - said.len())]);
        }
        go_on(world)
    })?;
    let survey = Survey::read(&String::from_utf8_lossy(&said));
    if ended.code != 0 || survey.what.is_empty() {
        return Err(failed(&wanted.service, "its databases", &ended, "it names nothing to dump"));
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
    let told = vec![("XTASK_WHAT", what), ("XTASK_MARK", &word), ("XTASK_DEEP", if deep { "1" } else { "" })];
    let asked = exec(world, adapter, adapter.dump, told, DUMP);
    let ended = world.live()?.engine.pipe(&wanted.container, &asked, None, &mut |piece| {
        match piece {
            Said::Error(piece) => marks.take(piece),
            Said::Output(piece) => {
                head.extend_from_slice(&piece[..piece.len().min(ENDS - head.len())]);
                keep_end(&mut tail, piece);
                parts.write(piece)?;
            }
        }
        go_on(world)
    })?;
    let bytes = parts.bytes();
    let wrong = match (ended.code, marks.exit) {
        (0, Some(0)) if bytes < adapter.least => Some(format!("it has only {bytes} bytes")),
        (0, Some(0)) => (adapter.whole)(what, &head, &tail).err().map(String::from),
        (0, Some(code)) => Some(format!("its client ended with {code}")),
        (0, None) => Some("its client did not say that it is done".to_string()),
        _ => Some(String::new()),
    };
    if let Some(why) = wrong {
        return Err(failed(&wanted.service, what, &ended, &why));
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
    let mut stored = Hashed { from: content.stream(&dump.path, &dump.stream), hash: Sha256::new(), bytes: 0 };
    if let Some(script) = (adapter.prove)(&dump.what) {
        let asked = exec(world, adapter, script, Vec::new(), DUMP);
        let ended = world.live()?.engine.pipe(container, &asked, Some(&mut stored), &mut |_| go_on(world))?;
        if ended.code != 0 {
            return Err(Error::failed(label).why(format!("what reads it ended with {}: {}", ended.code, ended.output)));
        }
    }
    // What its reader did not want counts too.
    std::io::copy(&mut stored, &mut std::io::sink()).map_err(|error| Error::failed(label.as_str()).why(error.to_string()))?;
    if (stored.bytes, hex(&stored.hash.finalize())) == (dump.stream.bytes, dump.stream.sha256.clone()) {
        return Ok(());
    }
    Err(Error::failed(label).why("it is not what the client wrote"))
}

struct Hashed<R> {
    from: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.from.read(into)?;
        self.hash.update(&into[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

fn exec<'w>(world: &'w World, adapter: &Adapter, script: &str, env: Vec<(&str, &str)>, deadline: Duration) -> Exec<'w> {
    Exec {
        argv: vec!["sh".to_string(), "-c".to_string(), format!("{}{script}", adapter.login)],
        env: env.into_iter().map(|(name, value)| (name.to_string(), Secret::new(value))).collect(),
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
