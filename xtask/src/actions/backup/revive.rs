//! A server of its own, in no network, that dumps are restored into.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::super::World;
use super::dump::told;
use super::scan::{Found, scanned};
use super::{go_on, mark};
use crate::backup::adapters::{Adapter, Marks, Revive};
use crate::backup::{Content, Dump, hex, segment};
use crate::engine::remove::RUN_LABEL;
use crate::engine::{Exec, Executed, Said, Scratch};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// A server that was made from nothing and is not ready after so long will not be.
const READY: Duration = Duration::from_secs(180);
const ASKED: Duration = Duration::from_secs(30);
const RESTORE: Duration = Duration::from_secs(24 * 60 * 60);

/// A running server, by its container's id. It goes with everything else of the run.
pub struct Server<'w> {
    world: &'w World,
    pub id: String,
    adapter: &'static Adapter,
    revive: &'static Revive,
}

impl<'w> Server<'w> {
    /// Starts one of the image that the dump came from, and waits until it takes requests.
    ///
    /// # Errors
    /// `Failed`: the image is gone, or the server does not become ready.
    pub fn start(world: &'w World, dump: &Dump, adapter: &'static Adapter, revive: &'static Revive) -> Result<Server<'w>> {
        let engine = world.live()?.engine.as_ref();
        let label = format!("start a server for the dumps of {}", dump.service);
        if engine.image(&dump.image_id)?.is_none() {
            return Err(Error::failed(label).why(format!("the engine does not have {} any more as it was ({})", dump.image, dump.image_id)));
        }
        let mut env: Vec<(String, Secret)> = revive.env.iter().map(|(name, value)| (name.to_string(), Secret::new(*value))).collect();
        env.push((revive.password.to_string(), Secret::new(password()?)));
        let name = format!("xtask-{}-{}", world.run.short(), segment(&dump.service).replace('%', "_"));
        let scratch = Scratch { image: &dump.image_id, label: (RUN_LABEL, world.run.as_str()), volumes: &[], program: revive.program, env };
        let server = Server { world, id: engine.create_scratch(&name, &scratch)?, adapter, revive };
        engine.start(&server.id)?;
        server.wait(&label)?;
        Ok(server)
    }

    fn wait(&self, label: &str) -> Result<()> {
        let engine = self.world.live()?.engine.as_ref();
        let until = Instant::now() + READY;
        loop {
            go_on(self.world)?;
            let log = || -> Result<String> { Ok(self.world.masker.mask(engine.logs(&self.id, 10)?.trim()).into_owned()) };
            if !engine.container(&self.id)?.is_some_and(|container| container.is_up()) {
                return Err(Error::failed(label).why(format!("it has ended: {}", log()?)));
            }
            // A container may end between the two; then the next look says so.
            if self.say(self.revive.ready, &BTreeMap::new(), &[], ASKED, None).is_ok_and(|(ended, _, _)| ended.code == 0) {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(Error::failed(label).why(format!("it is not ready after {} s: {}", READY.as_secs(), log()?)));
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

    /// What can be counted of it now, as it was when it was dumped.
    pub fn counts(&self, dump: &Dump) -> Result<BTreeMap<String, u64>> {
        let word = mark(self.world, &dump.what);
        let told = [("XTASK_WHAT", dump.what.as_str()), ("XTASK_MARK", &word)];
        let (ended, said, found) = self.say(self.revive.count, &dump.options, &told, RESTORE, None)?;
        let mut marks = Marks::new(&word);
        marks.take(&said);
        if ended.code == 0 && marks.exit == Some(0) {
            return Ok(if marks.counts.is_empty() { found.ok().flatten().unwrap_or_default() } else { marks.counts });
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

/// What is not as it was: the counts that differ, in words.
pub fn differences(before: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let said = |count: Option<&u64>| count.map_or_else(|| "none".to_string(), u64::to_string);
    let differs = |name: &&String| before.get(*name) != now.get(*name);
    names.into_iter().filter(differs).map(|name| format!("{name}: {} and now {}", said(before.get(name)), said(now.get(name)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_tables_and_other_counts_differ() {
        let of = |pairs: &[(&str, u64)]| pairs.iter().map(|(name, count)| (name.to_string(), *count)).collect::<BTreeMap<_, _>>();
        assert!(differences(&of(&[("a", 1)]), &of(&[("a", 1)])).is_empty());
        assert_eq!(differences(&of(&[("a", 1), ("b", 2)]), &of(&[("a", 3)])), ["a: 1 and now 3", "b: 2 and now none"]);
    }
}
