//! Inputs that want to break the reader: each ends in a correct reading or in an error with file,
//! line and column, in little time, without a panic. Where Compose 2.40 is installed it says which
//! of the small ones are readable.

#![allow(clippy::print_stdout)]

#[path = "support/compose.rs"]
mod compose;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use xtask::error::Kind;
use xtask::model::{Call, load};
use xtask::source::Disk;

const HEAD: &[u8] = b"services:\n  web:\n    image: x\n";

/// What a hostile input should end in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Read,
    Refused,
}

fn with_head(rest: impl AsRef<[u8]>) -> Vec<u8> {
    [HEAD, rest.as_ref()].concat()
}

/// Small inputs, which Compose may judge too.
fn small() -> Vec<(&'static str, Vec<u8>, End)> {
    vec![
        ("empty", Vec::new(), End::Refused),
        ("blank", b" \n\n".to_vec(), End::Refused),
        ("binary", (0..=255).cycle().take(4000).collect(), End::Refused),
        ("latin-1", with_head(b"    user: caf\xe9\n"), End::Refused),
        ("utf-16", "services:\n".encode_utf16().flat_map(u16::to_le_bytes).collect(), End::Refused),
        ("nul", with_head(b"    user: a\0b\n"), End::Refused),
        ("control", with_head(b"    user: a\x01b\n"), End::Refused),
        ("crlf", String::from_utf8(with_head("    user: y\n")).unwrap_or_default().replace('\n', "\r\n").into_bytes(), End::Read),
        ("bom", [b"\xef\xbb\xbf", &with_head("")[..]].concat(), End::Read),
        ("tab at the beginning", b"\tservices: {}\n".to_vec(), End::Refused),
        ("tab as indentation", b"services:\n  web:\n\timage: x\n".to_vec(), End::Refused),
        ("tab on a line of its own", with_head("\t\n    user: y\n"), End::Refused),
        ("tab before a comment", with_head("\t# c\n"), End::Refused),
        ("tab behind a dash", with_head("    command:\n    -\ta\n"), End::Refused),
        ("tab between key and value", with_head("    user:\ty\n"), End::Read),
        ("duplicate key", with_head("    image: y\n"), End::Refused),
        ("duplicate key in flow", with_head("    environment: {A: 1, A: 2}\n"), End::Refused),
        ("number as key", with_head("    environment: {1: a}\n"), End::Refused),
        ("list as key", with_head("    environment: {? [a] : b}\n"), End::Refused),
        ("alias without anchor", with_head("    user: *nobody\n"), End::Refused),
        ("alias before its anchor", b"x-a: *a\nx-b: &a 1\nservices: {}\n".to_vec(), End::Refused),
        ("alias of itself", b"x-a: &a [*a]\nservices: {}\n".to_vec(), End::Refused),
        ("merge of itself", b"x-a: &a\n  <<: *a\nservices: {}\n".to_vec(), End::Refused),
        ("merge of a scalar", with_head("    <<: text\n"), End::Refused),
        ("unclosed quote", with_head("    user: \"y\n"), End::Refused),
        ("unclosed flow", with_head("    command: [a, b\n"), End::Refused),
        ("wrong indentation", with_head("   user: y\n"), End::Refused),
        ("a block without a last break", with_head("    user: |\n      y"), End::Read),
        ("yes and no", with_head("    environment: {yes: no, on: off, y: n}\n"), End::Read),
        ("a scalar where a mapping should be", b"services: text\n".to_vec(), End::Refused),
        ("tag that does not fit", with_head("    environment: {A: !!int x}\n"), End::Refused),
        ("directive of another YAML", [b"%YAML 1.2\n---\n", HEAD].concat(), End::Refused),
        ("a file without anything but a tag", [HEAD, b"---\n!reset {services: {}}\n"].concat(), End::Refused),
        ("a tag for every name", [HEAD, b"    tty: true\n---\nx-a: {\"*\": !reset 1}\n"].concat(), End::Read),
        ("a tag on an alias of itself", with_head("    labels: &a {b: !override *a}\n"), End::Refused),
        ("a tag on a key", with_head("    !reset user: y\n"), End::Read),
        ("an include of a number", with_head("include: 5\n"), End::Refused),
        ("an include of nothing", with_head("include: [{path: []}]\n"), End::Read),
        ("an include of an empty path", with_head("include: [\"\"]\n"), End::Refused),
        ("an include of nothing at all", with_head("include: [/dev/null]\n"), End::Read),
        ("extending nothing", with_head("    extends: {}\n"), End::Refused),
        ("extending an empty name", with_head("    extends: \"\"\n"), End::Refused),
        ("documents", [HEAD, b"---\nservices: {web: {user: y}}\n"].concat(), End::Read),
    ]
}

/// Large inputs and how long each may take in this build: 0.2 s for 100 kB is the rule of the
/// optimised one.
fn large() -> Vec<(&'static str, Vec<u8>, End)> {
    let lines = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let chain = lines(3000, &|n| if n == 0 { "x-0: &a0 [y]\n".into() } else { format!("x-{n}: &a{n} [*a{}]\n", n - 1) });
    let merges = lines(3000, &|n| if n == 0 { "x-0: &a0 {k: v}\n".into() } else { format!("x-{n}: &a{n} {{<<: *a{}}}\n", n - 1) });
    let bomb = lines(30, &|n| {
        if n == 0 { "x-0: &a0 [y]\n".into() } else { format!("x-{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(",")) }
    });
    let wide = lines(60, &|n| {
        if n == 0 { "x-0: &a0 {k: v}\n".into() } else { format!("x-{n}: &a{n} {{<<: [{}]}}\n", vec![format!("*a{}", n - 1); 9].join(",")) }
    });
    let anchors = lines(20_000, &|n| format!("  - &a{n} y\n  - *a{n}\n"));
    let deep: String = (0..3000).map(|n| format!("{}k:\n", " ".repeat(n))).collect();
    vec![
        ("a chain of aliases", with_head(chain), End::Refused),
        ("a chain of merges", with_head(merges), End::Refused),
        ("a bomb of aliases", with_head(bomb), End::Refused),
        ("a bomb of merges", with_head(wide), End::Refused),
        ("many anchors", with_head(format!("x-a:\n{anchors}")), End::Read),
        ("deep flow", with_head(format!("x-a: {}", "[".repeat(100_000))), End::Refused),
        ("deep flow mappings", with_head(format!("x-a: {}", "{a: ".repeat(100_000))), End::Refused),
        ("deep block", with_head(format!("x-a:\n{}", deep.lines().map(|line| format!(" {line}\n")).collect::<String>())), End::Refused),
        ("deep dashes", with_head(format!("x-a:\n  {}y\n", "- ".repeat(50_000))), End::Refused),
        ("one long line", with_head(format!("    user: {}\n", "y".repeat(10 << 20))), End::Read),
        ("a megabyte of variables", with_head(format!("    command: '{}'\n", "${A:-x}".repeat(150_000))), End::Read),
        ("nested variables", with_head(format!("    user: '{}{}'\n", "${A:-".repeat(50_000), "}".repeat(50_000))), End::Refused),
        ("open variables", with_head(format!("    user: '{}'\n", "${A:-".repeat(200_000))), End::Refused),
        (
            "many services",
            {
                let mut text = String::from("services:\n");
                // Ten megabytes, or what an unoptimised build reads in a second or two.
                for n in 0..if cfg!(debug_assertions) { 8_000 } else { 80_000 } {
                    write!(text, "  s{n}:\n    image: nginx:1.22\n    environment: {{A: one, B: \"$${n}\"}}\n    ports: [\"80\"]\n    networks: [default]\n    restart: always\n").unwrap_or_default();
                }
                text.into_bytes()
            },
            End::Read,
        ),
        ("a range of all ports", with_head("    ports: [\"1-65535:1-65535\"]\n"), End::Read),
        (
            "a hundred thousand environment entries",
            with_head(format!("    environment:\n{}", lines(100_000, &|n| format!("      - V{n}=x\n")))),
            End::Read,
        ),
        (
            "services that depend on each other",
            format!("services:\n{}", lines(5000, &|n| format!("  s{n}: {{image: x, depends_on: [s{}]}}\n", (n + 1) % 5000))).into_bytes(),
            End::Refused,
        ),
        (
            "a chain of services",
            format!("services:\n  s0: {{image: x}}\n{}", lines(5000, &|n| format!("  s{}: {{extends: s{n}}}\n", n + 1))).into_bytes(),
            End::Refused,
        ),
        ("services that extend one", with_head(lines(5000, &|n| format!("  s{n}: {{extends: web}}\n"))), End::Read),
        (
            "services that extend a large one",
            with_head(format!(
                "    environment:\n{}{}",
                lines(5000, &|n| format!("      - V{n}=x\n")),
                lines(1000, &|n| format!("  s{n}: {{extends: web}}\n"))
            )),
            End::Refused,
        ),
        (
            "tags",
            with_head(format!(
                "    labels:\n{}---\nservices:\n  web:\n    labels:\n{}",
                lines(20_000, &|n| format!("      l{n}: y\n")),
                lines(20_000, &|n| format!("      l{n}: !reset y\n"))
            )),
            End::Read,
        ),
        (
            "a bomb of aliases with a tag",
            with_head(format!(
                "    user: !override y\n{}",
                lines(30, &|n| {
                    if n == 0 { "x-0: &a0 [y]\n".into() } else { format!("x-{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(",")) }
                })
            )),
            End::Refused,
        ),
        ("too large", vec![b' '; 33 << 20], End::Refused),
    ]
}

fn call(folder: &Path) -> Call {
    Call { files: vec![folder.join("compose.yaml")], ..Call::default() }
}

/// Reads one input on a thread with an ordinary stack; says how it ended, and in what time.
fn read(folder: &Path, input: &[u8]) -> (Result<(), xtask::error::Error>, Duration) {
    fs::write(folder.join("compose.yaml"), input).expect("write the input");
    let call = call(folder);
    let started = Instant::now();
    let result = std::thread::spawn(move || load(&Disk, &call, &BTreeMap::new()).map(|model| drop(model.json()))).join().expect("no panic");
    (result, started.elapsed())
}

fn judge(name: &str, result: &Result<(), xtask::error::Error>, end: End) {
    match result {
        Ok(()) => assert_eq!(end, End::Read, "{name} was read"),
        Err(error) => {
            assert_eq!((end, error.kind), (End::Refused, Kind::Unusable), "{name}: {error}");
            assert!(error.at.as_ref().is_some_and(|at| at.line > 0 && at.column > 0), "{name}: no place in {error}");
        }
    }
}

#[test]
fn small_hostile_inputs_end_as_they_do_for_compose() {
    let folder = tempfile::tempdir().expect("a folder");
    let installed = compose::installed();
    for (name, input, end) in small() {
        let (result, took) = read(folder.path(), &input);
        judge(name, &result, end);
        assert!(took < Duration::from_secs(1), "{name} took {took:?}");
        // Compose replaces bytes that are not UTF-8 in silence; we do not read such a file. It never
        // comes back from a mapping that merges itself.
        if installed && !matches!(name, "latin-1" | "merge of itself") {
            let theirs = compose::config(folder.path(), &call(folder.path()), &BTreeMap::new());
            assert_eq!(theirs.is_ok(), end == End::Read, "{name}: Compose says {theirs:?}");
        }
    }
}

#[test]
fn large_hostile_inputs_end_in_time() {
    let folder = tempfile::tempdir().expect("a folder");
    // The build with debug assertions is some twenty times slower, on a busy machine more.
    let slack = if cfg!(debug_assertions) { 40 } else { 1 };
    for (name, input, end) in large() {
        let (result, took) = read(folder.path(), &input);
        println!("{name}: {} kB in {took:?}", input.len() / 1024);
        judge(name, &result, end);
        let size = u32::try_from(input.len() / 100_000).expect("a number");
        let allowed = (Duration::from_millis(200) * size).max(Duration::from_secs(1)) * slack;
        assert!(took < allowed, "{name} took {took:?} of {allowed:?}");
    }
}

#[test]
fn env_files_are_held_to_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("compose.yaml"), HEAD).expect("write");
    let inputs: Vec<(&str, Vec<u8>, End)> = vec![
        ("binary", (128..=255).collect(), End::Refused),
        ("latin-1", b"A=caf\xe9\n".to_vec(), End::Refused),
        ("nul", b"A=a\0b\n".to_vec(), End::Read),
        ("unclosed", format!("A='{}", "x".repeat(1 << 20)).into_bytes(), End::Refused),
        (
            "expanding",
            (0..40).fold(String::from("A0=xxxxxxxxxx\n"), |text, n| text + &format!("A{}=$A{n}$A{n}\n", n + 1)).into_bytes(),
            End::Refused,
        ),
        ("many", (0..200_000).map(|n| format!("V{n}=x\n")).collect::<String>().into_bytes(), End::Read),
        ("one name again and again", "A=x\n".repeat(500_000).into_bytes(), End::Read),
    ];
    for (name, input, end) in inputs {
        fs::write(folder.path().join(".env"), &input).expect("write");
        let started = Instant::now();
        let result = load(&Disk, &call(folder.path()), &BTreeMap::new()).map(|_| ());
        judge(name, &result, end);
        assert!(started.elapsed() < Duration::from_secs(10), "{name} took {:?}", started.elapsed());
    }
}

#[test]
fn a_folder_where_a_file_should_be_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let call = Call { files: vec![PathBuf::from(folder.path())], ..Call::default() };
    assert_eq!(load(&Disk, &call, &BTreeMap::new()).err().map(|error| error.kind), Some(Kind::Unusable));
}
