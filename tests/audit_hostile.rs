//! Files that want to break an audit, through the shipped binary: each is exit 2 with the line that is to blame,
//! or judged rightly; in little time, in little memory.
//!
//! Small ones lie in `tests/fixtures/hostile`, large ones are made here.

#![allow(clippy::print_stdout, reason = "a test says what it measured")]

#[path = "audit_hostile/large.rs"]
mod large;
mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use support::Project;

/// What an audit of an input must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Exit 2, and this line of the compose file (or of `.env`) is to blame.
    Refused(usize),
    /// The services, and how many of them are found to be privileged.
    Judged(usize, usize),
}

/// The memory that a run may have. A debug build of an empty audit takes a fiftieth of it.
const MEMORY_KB: usize = 2 << 20;

const COMPOSE: &[(&str, End)] = &[
    ("alias-bomb", End::Refused(5)),
    ("merge-bomb", End::Refused(5)),
    ("anchor-cycle", End::Refused(6)),
    ("merge-cycle", End::Refused(2)),
    ("anchors-again", End::Judged(3, 1)),
    ("cr-only", End::Judged(1, 1)),
    ("nul", End::Refused(5)),
    ("invalid-utf8", End::Refused(5)),
    ("bom-in-the-middle", End::Refused(5)),
    ("tabs", End::Refused(2)),
    ("huge-integers", End::Refused(6)),
    ("huge-integers-as-text", End::Judged(1, 1)),
    ("include-cycle", End::Refused(1)),
    ("extends-cycle", End::Refused(5)),
    ("extends-itself", End::Refused(5)),
    ("control-in-a-value", End::Judged(1, 1)),
    ("control-in-a-service", End::Refused(2)),
    ("rtl-names", End::Judged(1, 1)),
    ("variables-in-variables", End::Judged(1, 1)),
    ("unclosed-variable", End::Refused(5)),
];

const ENV: &[(&str, End)] = &[
    ("nul", End::Judged(1, 1)),
    ("invalid-utf8", End::Refused(2)),
    ("bom-in-the-middle", End::Refused(2)),
    ("unclosed-quote", End::Refused(2)),
    ("cr-only", End::Judged(1, 1)),
    ("doubling", End::Refused(23)),
];

const STACK: &str = "services:\n  web:\n    image: nginx:1.22\n    privileged: true\n    user: ${A}\n";

fn fixture(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/hostile").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// How a run ended, and in what time.
struct Run {
    code: i32,
    stdout: Vec<u8>,
    stderr: String,
    took: Duration,
}

impl Run {
    fn json(&self, name: &str) -> Json {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{name}: {error}\n{}", self.stderr))
    }
}

/// Runs the binary with no more memory than it may have.
fn run(project: &Project, args: &[&str]) -> Run {
    let meant = project.xtask(args).command();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("ulimit -v {MEMORY_KB} && exec \"$@\""), "sh"]).arg(meant.get_program()).args(meant.get_args());
    command.env_clear().envs(meant.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(project.root());
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("the binary runs");
    let took = started.elapsed();
    let stderr = String::from_utf8(output.stderr).expect("messages are UTF-8");
    Run { code: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr, took }
}

/// 0.2 s for 100 kB is what the optimised build keeps; this one is some twenty times slower, on a busy machine
/// more. Half a second is for starting a process anywhere.
fn allowed(bytes: usize) -> Duration {
    let slack = if cfg!(debug_assertions) { 40 } else { 1 };
    let size = u32::try_from(bytes.div_ceil(100_000)).expect("a number");
    (Duration::from_millis(200) * size).max(Duration::from_millis(500)) * slack
}

/// Audits `compose.yaml` and shows its fixes.
fn judge(name: &str, project: &Project, blamed: &str, bytes: usize, end: End) {
    let look = run(project, &["audit", "compose.yaml", "--format", "json", "--fail-on", "never"]);
    let fix = run(project, &["audit", "compose.yaml", "--fix", "--format", "json"]);
    println!("{name}: {} kB, audit {:?}, --fix {:?}", bytes / 1000, look.took, fix.took);
    let (found, fixed) = (look.json(name), fix.json(name));
    match end {
        End::Refused(line) => {
            assert_eq!((look.code, fix.code), (2, 2), "{name}: {found:#}\n{fixed:#}");
            let gaps = found["result"]["gaps"].as_array().unwrap_or_else(|| panic!("{name}: {found:#}"));
            let said = gaps[0]["error"].as_str().unwrap_or_default();
            assert!(said.contains(&format!("{blamed}:{line}:")), "{name}: not {blamed}:{line} but {said}");
        }
        End::Judged(services, privileged) => {
            assert_eq!((look.code, fix.code), (0, 0), "{name}: {found:#}\n{fixed:#}");
            assert_eq!(found["result"]["stacks"][0]["services"].as_array().map(Vec::len), Some(services), "{name}");
            let findings = found["result"]["findings"].as_array().expect("findings");
            let found = findings.iter().filter(|finding| finding["rule"] == "privileged-container").count();
            assert_eq!(found, privileged, "{name}");
        }
    }
    for (what, took, times) in [("audit", look.took, 1), ("audit --fix", fix.took, 5)] {
        // Fixes are tried out: that is several audits.
        assert!(took < allowed(bytes) * times, "{what} of {name} took {took:?} of {:?}", allowed(bytes) * times);
    }
}

#[test]
fn small_hostile_files() {
    for (name, end) in COMPOSE {
        let project = Project::new();
        let input = fixture(&format!("{name}.yaml"));
        std::fs::write(project.path("compose.yaml"), &input).expect("write the input");
        judge(name, &project, "compose.yaml", input.len(), *end);
    }
}

#[test]
fn small_hostile_env_files() {
    for (name, end) in ENV {
        let project = Project::new();
        project.write("compose.yaml", STACK);
        let input = fixture(&format!("{name}.env"));
        std::fs::write(project.path(".env"), &input).expect("write the input");
        judge(name, &project, ".env", input.len(), *end);
    }
}

#[test]
fn every_hostile_file_has_its_expectation() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/hostile");
    let mut there: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let mut known: Vec<String> = COMPOSE.iter().map(|(name, _)| format!("{name}.yaml")).collect();
    known.extend(ENV.iter().map(|(name, _)| format!("{name}.env")));
    there.sort();
    known.sort();
    assert_eq!(there, known);
}

#[test]
fn large_hostile_files() {
    for (name, input, end) in large::compose() {
        let project = Project::new();
        std::fs::write(project.path("compose.yaml"), &input).expect("write the input");
        judge(name, &project, "compose.yaml", input.len(), end);
    }
}

#[test]
fn large_hostile_env_files() {
    for (name, input, end) in large::env() {
        let project = Project::new();
        project.write("compose.yaml", STACK);
        std::fs::write(project.path(".env"), &input).expect("write the input");
        judge(name, &project, ".env", input.len(), end);
    }
}

#[test]
fn names_do_not_steer_a_terminal_or_turn_the_text_around() {
    for name in ["control-in-a-value", "control-in-a-service", "rtl-names"] {
        let project = Project::new();
        std::fs::write(project.path("compose.yaml"), fixture(&format!("{name}.yaml"))).expect("write the input");
        for format in ["human", "markdown", "github"] {
            let said = run(&project, &["audit", "compose.yaml", "--format", format]);
            let said = format!("{}{}", String::from_utf8_lossy(&said.stdout), said.stderr);
            assert!(said.len() > 20, "{name} as {format}: nothing was said");
            let steers = |char: char| char != '\n' && (char.is_control() || ('\u{202a}'..='\u{202e}').contains(&char));
            assert_eq!(said.chars().find(|char| steers(*char)), None, "{name} as {format}:\n{said}");
        }
    }
}
