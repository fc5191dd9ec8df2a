//! A deploy that is under way, what happens to it meanwhile, and what must be so when it has ended.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use xtask::engine::Engine;

use super::{Prod, Said, Who};

const PATIENCE: Duration = Duration::from_secs(90);

/// The tool at work.
pub struct Going {
    pub child: Child,
    said: tempfile::TempDir,
    /// Where a person would sit.
    terminal: Option<OwnedFd>,
}

impl Prod {
    /// `prod-up` and these arguments, agreed to.
    pub fn start(&self, args: &[&str]) -> Going {
        Going::of(self.command(self.root(), &[&["--yes", "prod-up"], args].concat()))
    }

    /// The same at a terminal, where somebody is asked.
    pub fn start_asked(&self, args: &[&str]) -> Going {
        let mut command = self.command(self.root(), &[&["prod-up"], args].concat());
        let terminal = nix::pty::openpty(None, None).unwrap();
        command.env("TERM", "dumb").stdin(terminal.slave.try_clone().unwrap());
        let said = tempfile::tempdir().unwrap();
        let child = command.stdout(file(&said, "out")).stderr(terminal.slave).spawn().unwrap();
        // The terminal must be read, else its end is full and who writes there waits.
        let (from, mut into) = (terminal.master.try_clone().unwrap(), file(&said, "err"));
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = nix::unistd::read(&from, &mut piece) {
                into.write_all(&piece[..read]).unwrap();
            }
        });
        Going { child, said, terminal: Some(terminal.master) }
    }

    /// The journals of this project's runs.
    pub fn journals(&self) -> Vec<PathBuf> {
        let runs = std::fs::read_dir(self.root().join(".xtask/runs")).into_iter().flatten();
        runs.map(|run| run.unwrap().path().join("journal.jsonl")).filter(|path| path.exists()).collect()
    }

    /// The records of the newest run, as far as they are written.
    pub fn records(&self) -> Vec<Value> {
        let read = |path: PathBuf| -> Vec<Value> {
            let text = std::fs::read(path).unwrap_or_default();
            String::from_utf8_lossy(&text).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
        };
        let runs = self.journals().into_iter().map(read).filter(|records| !records.is_empty());
        runs.max_by_key(|records| records[0]["number"].as_u64()).unwrap_or_default()
    }

    /// Waits until the newest run has come to a record; `known`: how many runs there were before it.
    pub fn until(&self, going: &mut Going, known: usize, reached: impl Fn(&[Value]) -> bool) {
        let began = Instant::now();
        loop {
            let records = self.records();
            // The newest journal may not hold its first record yet.
            let its_own = records.first().and_then(|begun| begun["number"].as_u64()) > Some(known as u64);
            if its_own && reached(&records) {
                return;
            }
            if let Some(status) = going.child.try_wait().unwrap() {
                panic!("it ended before with {status}: {}", going.so_far());
            }
            assert!(began.elapsed() < PATIENCE, "it never came there: {}", going.so_far());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until all steps are taken and the proof has begun.
    pub fn until_proof(&self, going: &mut Going, known: usize) {
        self.until(going, known, |records| {
            let steps = records[0]["steps"].as_u64().unwrap();
            records.iter().filter(|record| record["record"] == "applied").count() as u64 >= steps
        });
    }

    /// The programs that carry the state folder in their environment: the tool and what it has started.
    pub fn processes(&self) -> Vec<Pid> {
        let mark = format!("XTASK_STATE={}", self.state.path().display());
        let carries = |pid: &i32| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
        };
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(carries).map(Pid::from_raw).collect()
    }

    /// One release serves, whole: its two containers under their names and nothing else, its images held, no run
    /// open, nothing left over.
    pub fn whole(&self, release: &str) -> Vec<Who> {
        let who = self.serves(release);
        self.only_the_two(&who);
        who
    }

    pub fn only_the_two(&self, who: &[Who]) {
        let names: Vec<&str> = who.iter().map(|(name, _)| name.as_str()).collect();
        let project = &self.sandbox.project;
        assert_eq!(names, [format!("{project}-db-1"), format!("{project}-web-1")]);
        self.nothing_left_over();
        self.run(&["recover"]).expect(0, &["no run is open"]);
        let releases = self.releases();
        let held = self.held();
        let wanted: usize = releases.iter().map(|release| release["images"].as_object().unwrap().len()).sum();
        assert_eq!(held.len(), wanted, "{held:?} for {releases:#?}");
    }

    /// The names of ours that hold images of this project.
    pub fn held(&self) -> Vec<String> {
        let prefix = format!("xtask.local/{}", self.sandbox.project);
        let images = self.sandbox.docker.images(&prefix).unwrap();
        images.into_iter().flat_map(|image| image.tags).filter(|tag| tag.starts_with(&prefix)).collect()
    }
}

fn file(folder: &tempfile::TempDir, name: &str) -> File {
    File::create(folder.path().join(name)).unwrap()
}

impl Going {
    fn of(mut command: Command) -> Going {
        let said = tempfile::tempdir().unwrap();
        let child = command.stdin(Stdio::null()).stdout(file(&said, "out")).stderr(file(&said, "err")).spawn().unwrap();
        Going { child, said, terminal: None }
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.said.path().join(name)).unwrap()).into_owned()
    }

    pub fn so_far(&self) -> String {
        self.text("out") + &self.text("err")
    }

    /// Waits until it has said this.
    pub fn until_said(&mut self, words: &str) {
        let began = Instant::now();
        while !self.so_far().contains(words) {
            let over = self.child.try_wait().unwrap().is_some() || began.elapsed() > PATIENCE;
            assert!(!over || self.so_far().contains(words), "no {words} in\n{}", self.so_far());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn types(&self, text: &str) {
        nix::unistd::write(self.terminal.as_ref().unwrap(), text.as_bytes()).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits for its end.
    pub fn end(mut self) -> Said {
        let status = self.child.wait().unwrap();
        // What was written to the terminal is read a moment later.
        std::thread::sleep(Duration::from_millis(if self.terminal.is_some() { 200 } else { 0 }));
        let text = self.so_far();
        assert!(!text.contains("canary-pu"), "a secret in\n{text}");
        Said { code: status.code().unwrap_or(-1), text, out: self.text("out") }
    }

    /// SIGKILL of the tool alone; what it has started goes on.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGKILL of the tool and of all that it has started.
    pub fn kill_all(&mut self, prod: &Prod) {
        while let pids @ [_, ..] = prod.processes().as_slice() {
            for pid in pids {
                let _ = kill(*pid, Signal::SIGKILL);
            }
            let _ = self.child.try_wait();
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child.wait().unwrap();
    }
}
