//! A server of its own, in no network, that dumps are restored into.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::super::World;
use super::dump::told;
use super::scan::{Found, scanned};
use super::{go_on, mark};
use crate::backup::adapters::{Adapter, COMMAND, Marks, Revive, SETUP, adapter, lodging, revive};
use crate::backup::{Content, Dump, hex, segment};
use crate::engine::remove::RUN_LABEL;
use crate::engine::{Beside, Exec, Executed, Said, Scratch, Spec};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// A server that was made from nothing and is not ready after so long will not be.
const READY: Duration = Duration::from_secs(180);
const ASKED: Duration = Duration::from_secs(30);
/// It writes what it still has in memory; whoever needs longer is killed, and that is seen.
const END: Duration = Duration::from_secs(600);
/// What a program ends with that SIGINT, SIGKILL or SIGTERM has ended.
const INTERRUPTED: i64 = 130;
const KILLED: i64 = 137;
const TERMINATED: i64 = 143;
const RESTORE: Duration = Duration::from_secs(24 * 60 * 60);

/// A running server, by its container's id. It goes with everything else of the run.
pub struct Server<'w> {
    world: &'w World,
    pub id: String,
    adapter: &'static Adapter,
    revive: &'static Revive,
}

/// What a server is made from.
#[derive(Clone, Copy)]
pub enum Base<'b> {
    /// The image that the dump came from; what it keeps goes with it.
    Image,
    /// The same, but it keeps its data in this volume, mounted there.
    Kept { volume: &'b str, at: &'b str },
    /// What this container is or was, with this volume in place of the one that it has there.
    Like { spec: &'b Spec, volume: &'b str, at: &'b str },
}

impl<'w> Server<'w> {
    /// One that runs already.
    ///
    /// # Errors
    /// `Unusable`: nobody can restore dumps of this kind.
    pub fn running(world: &'w World, id: &str, kind: &str) -> Result<Server<'w>> {
        let unknown = || Error::unusable(format!("restore dumps of {kind} servers")).help("use the version of xtask that made them");
        let adapter = adapter(kind).ok_or_else(unknown)?;
        Ok(Server { world, id: id.to_string(), adapter, revive: revive(kind).ok_or_else(unknown)? })
    }

    /// Makes one, which is not started.
    ///
    /// # Errors
    /// `Failed`: the image, or the container that it is to be like, is gone.
    pub fn make(world: &'w World, dump: &Dump, base: Base<'_>) -> Result<Server<'w>> {
        let engine = world.live()?.engine.as_ref();
        let label = said(dump);
        let server = Server::running(world, "", &dump.adapter)?;
        let name = format!("xtask-{}-{}", world.run.short(), segment(&dump.service).replace('%', "_"));
        let carried = (RUN_LABEL, world.run.as_str());
        let volumes = match base {
            Base::Like { spec, volume, at } => {
                let other = Beside { label: carried, volume, at, env: lodging(&dump.adapter).env, without: SETUP };
                return Ok(Server { id: engine.create(&name, &spec.beside(&other))?, ..server });
            }
            Base::Kept { volume, at } => vec![(volume, at)],
            Base::Image => Vec::new(),
        };
        if engine.image(&dump.image_id)?.is_none() {
            return Err(Error::failed(label).why(format!("the engine does not have {} any more as it was ({})", dump.image, dump.image_id)));
        }
        let told = server.revive;
        let mut env: Vec<(String, Secret)> = told.env.iter().map(|(name, value)| (name.to_string(), Secret::new(*value))).collect();
        env.push((told.password.to_string(), Secret::new(password()?)));
        let scratch = Scratch { image: &dump.image_id, label: carried, volumes: &volumes, program: told.program, env };
        Ok(Server { id: engine.create_scratch(&name, &scratch)?, ..server })
    }

    /// Starts it, restores all of its dumps into it, in their order, and compares what can be counted of each.
    ///
    /// # Errors
    /// `Failed`: it does not become ready, a client fails, or what is there is not what was dumped.
    pub fn load(&self, dumps: &[&Dump], content: &Content, mut each: impl FnMut(&Dump, &Tally)) -> Result<()> {
        let Some(first) = dumps.first() else { return Ok(()) };
        self.world.live()?.engine.start(&self.id)?;
        self.wait(&said(first))?;
        let mut dumps = dumps.to_vec();
        dumps.sort_by_key(|dump| (self.revive.order)(&dump.what));
        for dump in dumps {
            self.restore(dump, content)?;
            let now = self.counts(dump)?;
            let different = now.differences(dump);
            if !different.is_empty() {
                return Err(Error::failed(format!("verify the dump {} of {}", dump.what, dump.service)).why(different.join("; ")));
            }
            each(dump, &now);
        }
        Ok(())
    }

    /// Lets it end by itself, so that its data is whole, and removes it. What a server does that only a command dumps is not
    /// known: it has the time that it has whenever it is stopped, and is killed then as it always is.
    ///
    /// # Errors
    /// `Failed`: it had to be killed, or says that it failed.
    pub fn end(self, service: &str) -> Result<()> {
        let engine = self.world.live()?.engine.as_ref();
        let unknown = self.adapter.kind == COMMAND;
        let grace = engine.container(&self.id)?.filter(|_| unknown).map_or(END, |container| container.stop_grace);
        self.world.cancel.now(&format!("letting the server for the dumps of {service} end, for {} s at most", grace.as_secs()));
        let began = Instant::now();
        engine.stop(&self.id, grace)?;
        match engine.container(&self.id)?.map(|container| container.state.exit_code) {
            Some(0) => {}
            Some(INTERRUPTED | TERMINATED) if unknown => {}
            Some(KILLED) if unknown && began.elapsed() >= grace => {
                let needs = format!("a server that ends when it is told to; after {} s it was killed, as at every stop", grace.as_secs());
                self.world.not_proven(format!("what {service} had still to write when its dumps were restored"), needs);
            }
            code => {
                let ended = |code| format!("it ended with {code}: {}", self.log().unwrap_or_default());
                let how = code.map_or_else(|| "it is gone".to_string(), ended);
                return Err(Error::failed(format!("stop the server for the dumps of {service}")).why(how));
            }
        }
        engine.remove_container(&self.id)
    }

    /// Waits until it takes requests.
    pub fn ready(&self, service: &str) -> Result<()> {
        self.wait(&format!("reach the server of {service}"))
    }

    fn log(&self) -> Result<String> {
        Ok(self.world.masker.mask(self.world.live()?.engine.logs(&self.id, 10)?.trim()).into_owned())
    }

    fn wait(&self, label: &str) -> Result<()> {
        let engine = self.world.live()?.engine.as_ref();
        let until = Instant::now() + READY;
        loop {
            go_on(self.world)?;
            if !engine.container(&self.id)?.is_some_and(|container| container.is_up()) {
                return Err(Error::failed(label).why(format!("it has ended: {}", self.log()?)));
            }
            // A container may end between the two; then the next look says so.
            if self.say(self.revive.ready, &BTreeMap::new(), &[], ASKED, None).is_ok_and(|(ended, _, _)| ended.code == 0) {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(Error::failed(label).why(format!("it is not ready after {} s: {}", READY.as_secs(), self.log()?)));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Restores a dump.
    ///
    /// # Errors
    /// `Failed`: its client cannot, or the backup is damaged.
    pub fn restore(&self, dump: &Dump, content: &Content) -> Result<()> {
        let label = format!("restore the dump {} of {}", dump.what, dump.service);
        self.world.cancel.now(&label);
        let mut from = content.stream(&dump.path, &dump.stream);
        let (ended, _, _) = self.say(self.revive.restore, &dump.options, &[("XTASK_WHAT", &dump.what)], RESTORE, Some(&mut *from))?;
        if ended.code != 0 {
            return Err(Error::failed(label).why(format!("its client ended with {}: {}", ended.code, ended.output)));
        }
        // What its client left unread must be readable too.
        std::io::copy(&mut *from, &mut std::io::sink()).map_err(|error| Error::failed(label).why(error.to_string()))?;
        Ok(())
    }

    /// What can be counted of it now, as it was when it was dumped; with a checksum where the dump has one.
    ///
    /// # Errors
    /// `Failed`: its client cannot.
    pub fn counts(&self, dump: &Dump) -> Result<Tally> {
        let word = mark(self.world, &dump.what);
        let deep = if dump.sums.is_empty() { "" } else { "1" };
        let told = [("XTASK_WHAT", dump.what.as_str()), ("XTASK_MARK", &word), ("XTASK_DEEP", deep)];
        let (ended, said, found) = self.say(self.revive.count, &dump.options, &told, RESTORE, None)?;
        let mut marks = Marks::new(&word);
        marks.take(&said);
        if ended.code == 0 && marks.exit == Some(0) {
            let counts = if marks.counts.is_empty() { found.ok().flatten().unwrap_or_default() } else { marks.counts };
            return Ok(Tally { counts, sums: marks.sums });
        }
        Err(Error::failed(format!("count what was restored of {} of {}", dump.what, dump.service)).why(ended.output))
    }

    /// Its end, what it said on standard error, and what was counted in its output.
    fn say(
        &self,
        script: &str,
        options: &BTreeMap<String, String>,
        told_too: &[(&str, &str)],
        deadline: Duration,
        stdin: Option<&mut dyn std::io::Read>,
    ) -> Result<(Executed, Vec<u8>, Found)> {
        let mut env = told(self.world, &self.id, self.adapter, options)?;
        env.extend(told_too.iter().map(|(name, value)| (name.to_string(), Secret::new(*value))));
        let exec = Exec {
            argv: vec!["sh".to_string(), "-c".to_string(), format!("{}{script}", self.adapter.login)],
            env,
            stdin: None,
            deadline,
            masker: &self.world.masker,
        };
        let mut errors = Vec::new();
        let engine = self.world.live()?.engine.as_ref();
        let (ended, found) = scanned(self.adapter.scan, "", |scan| {
            engine.pipe(&self.id, &exec, stdin, &mut |piece| {
                match piece {
                    Said::Error(piece) => errors.extend_from_slice(&piece[..piece.len().min((4 << 20) - errors.len())]),
                    Said::Output(piece) => scan(piece)?,
                }
                go_on(self.world)
            })
        })?;
        Ok((ended, errors, found))
    }
}

/// Nobody needs to know it.
fn password() -> Result<String> {
    let mut random = [0_u8; 24];
    let path = std::path::Path::new("/dev/urandom");
    let read = std::fs::File::open(path).and_then(|mut source| std::io::Read::read_exact(&mut source, &mut random));
    read.map_err(|error| Error::io("read", path, error))?;
    Ok(hex(&random))
}

fn said(dump: &Dump) -> String {
    format!("start a server for the dumps of {}", dump.service)
}

/// What was counted, by table or whatever else there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub counts: BTreeMap<String, u64>,
    /// Of the contents; empty where nobody asked for it.
    pub sums: BTreeMap<String, String>,
}

impl Tally {
    /// What is not as it was when it was dumped, in words.
    pub fn differences(&self, dump: &Dump) -> Vec<String> {
        let names: BTreeSet<&String> = dump.counts.keys().chain(self.counts.keys()).collect();
        let said = |count: Option<&u64>| count.map_or_else(|| "none".to_string(), u64::to_string);
        let word = |name: &String| {
            let (before, now) = (dump.counts.get(name), self.counts.get(name));
            if before != now {
                return Some(format!("{name}: {} and now {}", said(before), said(now)));
            }
            let same = dump.sums.get(name).is_none_or(|sum| self.sums.get(name) == Some(sum));
            (!same).then(|| format!("{name}: as many rows, but not the same"))
        };
        names.into_iter().filter_map(word).collect()
    }

    /// What was dumped and is not there at all.
    pub fn missing(&self, dump: &Dump) -> Vec<String> {
        dump.counts.keys().filter(|name| !self.counts.contains_key(*name)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_tables_other_counts_and_other_contents_differ() {
        let of = |pairs: &[(&str, u64)]| pairs.iter().map(|(name, count)| (name.to_string(), *count)).collect::<BTreeMap<_, _>>();
        let json = serde_json::json!({"service": "db", "what": "databases/a", "adapter": "postgres", "path": "/p", "parts": 1, "bytes": 1,
            "sha256": "", "exit_code": 0, "client": "", "server": "", "image": "", "image_id": "", "counts": {"a": 1, "b": 2}, "seconds": 0.1});
        let mut dump: Dump = serde_json::from_value(json).unwrap();
        let now = |pairs: &[(&str, u64)]| Tally { counts: of(pairs), ..Tally::default() };
        assert!(now(&[("a", 1), ("b", 2)]).differences(&dump).is_empty());
        assert_eq!(now(&[("a", 3)]).differences(&dump), ["a: 1 and now 3", "b: 2 and now none"]);
        assert_eq!(now(&[("a", 3)]).missing(&dump), ["b"]);
        dump.sums = [("a".to_string(), "7".to_string())].into();
        assert_eq!(now(&[("a", 1), ("b", 2)]).differences(&dump), ["a: as many rows, but not the same"]);
        let same = Tally { sums: dump.sums.clone(), ..now(&[("a", 1), ("b", 2)]) };
        assert!(same.differences(&dump).is_empty());
    }
}
