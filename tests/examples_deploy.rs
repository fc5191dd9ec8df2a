//! The example stacks go into production, fail, go back and go into production again, by the commands of their
//! own READMEs, and lose their data and get it back, by those of this repository's: what stands there is what is run.

#![allow(clippy::print_stdout, reason = "a test says what it measured")]

mod engine_support;
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use engine_support::{Sandbox, sandbox};
use support::tree;
use xtask::engine::{Container, Engine, Health};

/// A command of a README, and what its comment says of it.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    command: String,
    exit: i32,
    /// The release that serves afterwards.
    serves: Option<String>,
}

const DEPLOY: &str = "\n## Deploy it with cargo xtask\n";

/// The commands of the section that begins so, one a line; a here-document belongs to its line.
fn lines(readme: &str, begin: &str) -> Vec<Line> {
    let section = readme.split(begin).nth(1).expect("the section");
    let block = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("its commands");
    let mut lines = Vec::new();
    let mut text = block.lines();
    while let Some(line) = text.next() {
        let (command, comment) = line.split_once("  # ").unwrap_or((line, ""));
        let mut command = command.trim_end().to_string();
        if command.ends_with("<<'END'") {
            for more in text.by_ref() {
                command.push('\n');
                command.push_str(more);
                if more == "END" {
                    break;
                }
            }
        }
        let words: Vec<&str> = comment.trim().split([' ', ':', ',']).collect();
        let after = |word: &str| words.iter().position(|one| *one == word).and_then(|at| words.get(at + 1));
        let exit = after("exit").map_or(0, |code| code.parse().expect("a number after exit"));
        let serves = words.iter().position(|word| *word == "serves").map(|at| words[at - 1].to_string());
        lines.push(Line { command, exit, serves });
    }
    lines
}

#[test]
fn a_readme_says_what_comes_of_its_commands() {
    let text = "x\n## Deploy it with cargo xtask\nwords\n```sh\na b   # exit 3: no, v1 serves again\ncat > f <<'END'\nx # y\nEND\nd\n```\n";
    let line = |command: &str, exit, serves: Option<&str>| Line { command: command.into(), exit, serves: serves.map(String::from) };
    assert_eq!(lines(text, DEPLOY), [line("a b", 3, Some("v1")), line("cat > f <<'END'\nx # y\nEND", 0, None), line("d", 0, None)]);
}

struct Example {
    sandbox: Sandbox,
    /// The copy, with names and host ports of its own.
    root: PathBuf,
    renamed: Vec<(String, String)>,
    bin: PathBuf,
    state: tempfile::TempDir,
    networks: Vec<String>,
    images: String,
}

impl Example {
    /// `renamed`: what stands in the example, and what stands in its place here.
    fn of(name: &str, renamed: impl Fn(&str) -> Vec<(String, String)>) -> Option<(Example, Vec<Line>)> {
        let sandbox = sandbox(&format!("ex-{name}"))?;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks").join(name);
        let root = sandbox.path().join("copy");
        std::fs::create_dir(&root).unwrap();
        tree::copy(&folder, &root);
        let lines = lines(&std::fs::read_to_string(root.join("README.md")).unwrap(), DEPLOY);
        let (images, networks) =
            (format!("xtask-test-{}/", sandbox.project), vec![format!("{}-back", sandbox.project), format!("{}-front", sandbox.project)]);
        let bin = sandbox.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        // `cargo xtask ...` as it is once the tool is installed, with its question answered.
        let cargo = format!("#!/bin/sh\nshift\nexec {} --yes \"$@\"\n", env!("CARGO_BIN_EXE_xtask"));
        std::fs::write(bin.join("cargo"), cargo).unwrap();
        std::fs::set_permissions(bin.join("cargo"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let renamed = renamed(&sandbox.project);
        let example = Example { sandbox, root, renamed, bin, state: tempfile::tempdir().unwrap(), networks, images };
        example.rename();
        example.shell("git init -q && git config user.name t && git config user.email t@t && git add -A && git commit -qm Start");
        Some((example, lines))
    }

    fn text(&self, text: &str) -> String {
        let renamed = self.renamed.iter().fold(text.to_string(), |text, (old, new)| text.replace(old, new));
        renamed.replace("timeout: 3s", "timeout: 10s").replace("retries: 15", "retries: 6").replace("retries: 10", "retries: 6")
    }

    /// Only what would meet other tests is another: names on the engine and host ports; and how patient healthchecks
    /// are, for a machine that many tests share.
    fn rename(&self) {
        for path in xtask::source::walk(&self.root).unwrap() {
            let named = |end: &str| path.to_string_lossy().ends_with(end);
            if named(".yml") || named(".yaml") || named(".conf") {
                let text = std::fs::read_to_string(&path).unwrap();
                std::fs::write(&path, self.text(&text)).unwrap();
            }
        }
        let settings = self.root.join("xtask.yaml");
        let text = std::fs::read_to_string(&settings).unwrap();
        // Of services without a healthcheck only time shows that they fall over; the others need none.
        std::fs::write(&settings, format!("deploy: {{settle: 1}}\n{text}")).unwrap();
    }

    fn shell(&self, command: &str) -> (i32, String) {
        let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").unwrap());
        let mut bash = Command::new("bash");
        bash.args(["-c", command]).current_dir(&self.root).env("PATH", path).env("XTASK_STATE", self.state.path()).env("NO_COLOR", "1");
        let output = bash.env_remove("TAG").stdin(Stdio::null()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&text).into_owned())
    }

    /// Runs the README; `serves` is asked wherever it names a release.
    fn holds(&self, lines: &[Line], serves: impl Fn(&str)) {
        let mut functions = String::new();
        for line in lines {
            let command = self.text(&line.command);
            if command.contains("() {") {
                functions.push_str(&format!("{command}\n"));
                continue;
            }
            let started = Instant::now();
            let (code, said) = self.shell(&format!("{functions}{command}"));
            assert_eq!(code, line.exit, "$ {command}\n{said}");
            println!("{:6.1} s  {}", started.elapsed().as_secs_f64(), command.lines().next().unwrap_or_default());
            if let Some(release) = &line.serves {
                serves(release);
            }
        }
    }

    /// The only container of a service, whatever stack of the example has it, is of this release and well; on a
    /// busy machine a healthcheck may time out now and then.
    fn is_of(&self, service: &str, release: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let all = self.containers();
            let found: Vec<&Container> = all.iter().filter(|one| one.service() == service).collect();
            assert_eq!(found.len(), 1, "containers of {service}");
            assert!(found[0].image.ends_with(&format!(":{release}")), "{service} runs {} and not {release}", found[0].image);
            if found[0].is_up() && matches!(found[0].state.health, None | Some(Health::Healthy)) {
                return;
            }
            assert!(Instant::now() < until, "{service}: {:?}", found[0].state);
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn containers(&self) -> Vec<Container> {
        let docker = &self.sandbox.docker;
        let listed = docker.containers(&[]).unwrap();
        let own = |project: Option<&String>| project.is_some_and(|project| project.starts_with(&self.sandbox.project));
        let mine = listed.iter().filter(|one| own(one.labels.get("com.docker.compose.project")));
        mine.filter_map(|one| docker.container(&one.id).unwrap()).collect()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let docker = &self.sandbox.docker;
        for container in self.containers() {
            let _ = docker.remove_container(&container.id);
        }
        let own = |labels: &std::collections::BTreeMap<String, String>| {
            labels.get("com.docker.compose.project").is_some_and(|project| project.starts_with(&self.sandbox.project))
        };
        for network in docker.networks(&[]).unwrap_or_default().iter().filter(|one| own(&one.labels) || self.networks.contains(&one.name)) {
            let _ = docker.remove_network(&network.id);
        }
        for volume in docker.volumes(&[]).unwrap_or_default().iter().filter(|one| own(&one.labels)) {
            let _ = docker.remove_volume(&volume.name);
        }
        for prefix in [format!("xtask.local/{}", self.sandbox.project), self.images.clone()] {
            for name in docker.images(&prefix).unwrap_or_default().iter().flat_map(|image| &image.tags) {
                if name.starts_with(&prefix) {
                    let _ = docker.untag(name);
                }
            }
        }
    }
}

/// A port of this test's own for each of those that the example publishes.
fn ports(of: &[u16], first: u16) -> Vec<(u16, u16)> {
    let base = 30_000 + u16::try_from(std::process::id() % 900).unwrap() * 20 + first;
    (base..).zip(of).map(|(new, old)| (*old, new)).collect()
}

/// Waits a little: a published port answers a moment after its container started.
fn get(port: u16, path: &str, words: &str) {
    let host = std::env::var("XTASK_RIG_HOST").unwrap_or_else(|_| "127.0.0.1".into());
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let asked = Command::new("curl").args(["-sS", "--max-time", "5", &format!("http://{host}:{port}{path}")]).output().unwrap();
        let said = String::from_utf8_lossy(&[asked.stdout, asked.stderr].concat()).into_owned();
        if said.contains(words) {
            return;
        }
        assert!(Instant::now() < until, "{path} answers {said} and not {words}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_agent_platform_goes_into_production_by_its_readme() {
    let ports = ports(&[8080, 4000, 7070, 6379, 5432], 0);
    let renamed = |project: &str| {
        let mut renamed: Vec<(String, String)> = ports.iter().map(|(old, new)| (format!("\"{old}:"), format!("\"{new}:"))).collect();
        renamed.push(("name: agent-dev".into(), format!("name: {project}-dev")));
        renamed.push(("name: agent\n".into(), format!("name: {project}\n")));
        renamed.push(("--confirm agent-dev".into(), format!("--confirm {project}-dev")));
        renamed.push(("REGISTRY=local".into(), format!("REGISTRY=xtask-test-{project}")));
        renamed.push((" local/".into(), format!(" xtask-test-{project}/")));
        renamed
    };
    let Some((example, lines)) = Example::of("agent", renamed) else { return };
    example.holds(&lines, |release| {
        ["gateway", "orchestrator", "indexer"].iter().for_each(|service| example.is_of(service, release));
        get(ports[0].1, "/runs", "[");
    });
    assert!(example.containers().is_empty(), "prod-down takes all away");
}

#[test]
fn the_trading_system_goes_into_production_by_its_readme() {
    let ports = ports(&[5433, 6380, 3200, 4005, 8088, 9105, 3404], 10);
    let renamed = |project: &str| {
        let mut renamed: Vec<(String, String)> =
            ports.iter().map(|(old, new)| (format!("_PORT:-{old}}}"), format!("_PORT:-{new}}}"))).collect();
        renamed.push(("\"3404:80\"".into(), format!("\"{}:80\"", ports[6].1)));
        renamed.push(("name: trading-".into(), format!("name: {project}-")));
        renamed.push(("# Node services of".into(), format!("name: {project}-apps\n# Node services of")));
        renamed.push(("container_name: ".into(), format!("container_name: {project}-")));
        renamed.push(("trading_backend".into(), format!("{project}-back")));
        renamed.push(("trading_frontend".into(), format!("{project}-front")));
        renamed.push((": trading/".into(), format!(": xtask-test-{project}/")));
        renamed
    };
    let Some((example, lines)) = Example::of("trading", renamed) else { return };
    example.holds(&lines, |release| {
        ["workspace", "workspace-worker", "tp-capital"].iter().for_each(|service| example.is_of(service, release));
        get(ports[2].1, "/health", "\"ok\"");
        get(ports[3].1, "/health", "\"ok\"");
    });
    assert!(example.containers().is_empty(), "prod-down takes all away");
}

/// Data is stored, verified, wrecked and restored, by the README of this repository.
#[cfg(feature = "backup")]
mod backups {
    use super::*;

    /// The commands that stand behind `In `stacks/NAME`:`.
    fn walk(name: &str) -> Vec<Line> {
        let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
        lines(&std::fs::read_to_string(readme).unwrap(), &format!("\nIn `stacks/{name}`:\n"))
    }

    fn may_restore(example: &Example) -> bool {
        let root = example.sandbox.docker.info().unwrap().root_dir;
        let may = nix::unistd::access(&Path::new(&root).join("volumes"), nix::unistd::AccessFlags::W_OK).is_ok();
        if !may {
            engine_support::skipped("restore in place", "this user may not change the engine's volumes");
        }
        may
    }

    #[test]
    fn the_agent_platform_gets_its_data_back_by_the_readme() {
        let ports = ports(&[8080, 4000, 7070, 6379, 5432], 20);
        let renamed = |project: &str| {
            let mut renamed: Vec<(String, String)> = ports.iter().map(|(old, new)| (format!("\"{old}:"), format!("\"{new}:"))).collect();
            renamed.push(("name: agent\n".into(), format!("name: {project}\n")));
            renamed.push(("--confirm agent".into(), format!("--confirm {project}")));
            renamed
        };
        let Some((example, _)) = Example::of("agent", renamed) else { return };
        if may_restore(&example) {
            example.holds(&walk("agent"), |_| {});
            assert!(example.containers().is_empty());
        }
    }

    #[test]
    fn the_trading_system_gets_its_data_back_by_the_readme() {
        let ports = ports(&[5433, 6380], 30);
        let renamed = |project: &str| {
            let mut renamed: Vec<(String, String)> =
                ports.iter().map(|(old, new)| (format!("_PORT:-{old}}}"), format!("_PORT:-{new}}}"))).collect();
            renamed.push(("name: trading-".into(), format!("name: {project}-")));
            renamed.push(("--confirm trading-".into(), format!("--confirm {project}-")));
            renamed.push(("container_name: ".into(), format!("container_name: {project}-")));
            renamed.push(("exec data-".into(), format!("exec {project}-data-")));
            renamed.push(("trading_backend".into(), format!("{project}-back")));
            renamed.push(("trading_frontend".into(), format!("{project}-front")));
            renamed
        };
        let Some((example, _)) = Example::of("trading", renamed) else { return };
        if may_restore(&example) {
            example.holds(&walk("trading"), |_| {});
            assert!(example.containers().is_empty());
        }
    }
}
