//! Stacks of several files: those that want to keep the reader busy for ever, and random ones that
//! Compose judges.

#![allow(clippy::print_stdout)]

#[path = "support/compose.rs"]
mod compose;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use xtask::error::Kind;
use xtask::model::{Call, load};
use xtask::source::Disk;

fn call(folder: &Path) -> Call {
    Call { files: vec![folder.join("compose.yaml"), folder.join("over.yaml")], ..Call::default() }
}

/// A name, files with their text, whether they can be read.
type Reaching = (&'static str, Vec<(String, String)>, bool);

/// Files that reach for each other.
fn reaching() -> Vec<Reaching> {
    let file = |name: &str, text: &str| (name.to_string(), text.to_string());
    let compose = |text: &str| vec![file("compose.yaml", text)];
    let numbered = |count: usize, line: &dyn Fn(usize) -> String| {
        let files = (0..count).map(|n| (format!("{n}.yaml"), line(n)));
        files.chain([file("compose.yaml", "include: [0.yaml]\nservices: {web: {image: x}}\n")]).collect::<Vec<_>>()
    };
    let all = |count: usize| (0..count).map(|n| format!("{n}.yaml")).collect::<Vec<_>>().join(", ");
    let mut many = numbered(400, &|n| format!("services: {{s{n}: {{image: x}}}}\n"));
    many.push((String::from("compose.yaml"), format!("include: [{}]\n", all(400))));
    vec![
        (
            "an include through a link",
            vec![file("compose.yaml", "include: [loop/a.yaml]\n"), file("a.yaml", "include: [loop/a.yaml]\n")],
            false,
        ),
        ("an include by other spellings", compose("include: [./././compose.yaml]\n"), false),
        ("extending through a link", compose("services: {web: {image: x, extends: {file: loop/compose.yaml, service: web}}}\n"), false),
        (
            "extending to and fro through links",
            vec![
                file("compose.yaml", "services: {web: {extends: {file: loop/a.yaml, service: a}}}\n"),
                file("a.yaml", "services: {a: {extends: {file: loop/loop/b.yaml, service: b}}}\n"),
                file("b.yaml", "services: {b: {image: x, extends: {file: loop/a.yaml, service: a}}}\n"),
            ],
            false,
        ),
        (
            "each includes the next twice",
            numbered(20, &|n| if n == 19 { "services: {}\n".into() } else { format!("include: [{0}.yaml, ./{0}.yaml]\n", n + 1) }),
            false,
        ),
        (
            "each includes all later ones",
            numbered(14, &|n| {
                format!(
                    "include: [{}]\nservices: {{s{n}: {{image: x}}}}\n",
                    (n + 1..14).map(|n| format!("{n}.yaml")).collect::<Vec<_>>().join(", ")
                )
            }),
            false,
        ),
        ("very deep", numbered(200, &|n| if n == 199 { "services: {}\n".into() } else { format!("include: [{}.yaml]\n", n + 1) }), false),
        ("many", many, true),
        ("a pipe", compose("include: [pipe]\n"), false),
        ("a device without end", compose("services: {web: {extends: {file: /dev/zero, service: a}}}\n"), false),
        ("a folder", compose("services: {web: {extends: {file: ., service: a}}}\n"), false),
        ("binary", vec![file("compose.yaml", "include: [b.yaml]\n"), file("b.yaml", "\u{1}\u{2}")], false),
        ("a long path", compose(&format!("include: [\"{}\"]\n", "a/".repeat(100_000))), false),
        ("up and up", compose(&format!("include: [\"{}nowhere.yaml\"]\n", "../".repeat(10_000))), false),
    ]
}

#[test]
fn files_that_reach_for_each_other_end_in_time() {
    for (name, files, read) in reaching() {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(".", folder.path().join("loop")).expect("a link");
        nix::unistd::mkfifo(&folder.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        for (path, text) in &files {
            fs::write(folder.path().join(path), text).expect("write");
        }
        let call = Call { files: vec![folder.path().join("compose.yaml")], ..Call::default() };
        let started = Instant::now();
        let result =
            std::thread::spawn(move || load(&Disk, &call, &BTreeMap::new()).map(|model| drop(model.json()))).join().expect("no panic");
        let took = started.elapsed();
        match result {
            Ok(()) => assert!(read, "{name} was read"),
            Err(error) => {
                assert!(!read && error.kind == Kind::Unusable, "{name}: {error}");
                assert!(error.at.is_some_and(|at| at.line > 0), "{name}: no place");
            }
        }
        assert!(took < Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 }), "{name} took {took:?}");
    }
}

/// Marsaglia's xorshift: the same stacks on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % most
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }

    /// Some of the keys, each with or without a tag.
    fn keys(&mut self, tags: &[&str]) -> String {
        let keys: [(&str, &[&str]); 8] = [
            ("environment", &["{A: \"1\", B: \"${WHO:-b}\"}", "[A=2, WHO]", "{C: , B: \"$$x\"}"]),
            ("ports", &["[\"80\"]", "[\"80:81\", {target: 82}]"]),
            ("volumes", &["[\"./a:/a\"]", "[\"../b:/a:ro\", {type: bind, source: c, target: /c}]"]),
            ("build", &[".", "{context: ./app, args: {A: \"1\"}}"]),
            ("command", &["a b", "[c]"]),
            ("labels", &["{l: \"1\", m.n: \"2\"}", "[l=3]"]),
            ("env_file", &["[{path: some.env, required: false}]"]),
            ("develop", &["{watch: [{path: ./w, action: sync, target: /w}]}"]),
        ];
        let mut text = String::from("{image: x");
        for (key, values) in keys {
            if self.below(2) == 0 {
                let (tag, value) = (self.of(tags), self.of(values));
                write!(text, ", {key}: {tag}{value}").expect("write");
            }
        }
        text
    }

    /// A stack of files in three folders, with `.env` files beside them.
    fn stack(&mut self) -> Vec<(&'static str, String)> {
        let plain = &[""];
        let tags = &["", "", "!override ", "!reset "];
        let base = format!("services:\n  one: {}}}\n  two: {}, extends: one}}\n", self.keys(plain), self.keys(plain));
        let mid = format!(
            "services:\n  three: {}, extends: {{file: {}base.yaml, service: {}}}}}\n",
            self.keys(tags),
            self.of(&["", "./"]),
            self.of(&["one", "two"])
        );
        let part = format!(
            "include: [{}]\nservices:\n  four: {}}}\n",
            self.of(&["", "deep/leaf.yaml", "{path: [deep/leaf.yaml]}"]),
            self.keys(plain)
        );
        let main = format!(
            "include: [{}]\nservices:\n  five: {}, extends: {{file: a/mid.yaml, service: three}}}}\n  six: {}, extends: {{file: a/base.yaml, service: {}}}}}\n",
            self.of(&["b/part.yaml", "{path: b/part.yaml, project_directory: a}", "{path: b/part.yaml, env_file: a/.env}", ""]),
            self.keys(tags),
            self.keys(tags),
            self.of(&["one", "two"])
        );
        let over = format!(
            "services:\n  five: {}}}\n  {}: {}{}}}\n",
            self.keys(tags),
            self.of(&["six", "seven"]),
            self.of(&["", "!override "]),
            self.keys(tags)
        );
        vec![
            ("compose.yaml", main),
            ("over.yaml", over),
            ("a/base.yaml", base),
            ("a/mid.yaml", mid),
            ("b/part.yaml", part),
            ("b/deep/leaf.yaml", format!("services: {{leaf: {}}}}}\n", self.keys(plain))),
            ("a/.env", "WHO=a\nIMAGE=b\n".into()),
            ("b/.env", self.of(&["WHO=b\n", "IMAGE=$WHO\n", ""]).into()),
            (".env", self.of(&["WHO=main\n", "", "OTHER=1\n"]).into()),
        ]
    }
}

#[test]
fn random_stacks_render_as_compose_renders_them() {
    if !compose::installed() {
        println!("Compose 2.40 is not installed: nothing to compare with");
        return;
    }
    let mut random = Random(0x2127_599B_F432_5C37);
    let (mut equal, mut refused) = (0, 0);
    let count = std::env::var("XTASK_STACKS").ok().and_then(|count| count.parse().ok()).unwrap_or(30);
    for number in 0..count {
        let folder = tempfile::tempdir().expect("a folder");
        let stack = random.stack();
        for (path, text) in &stack {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("write");
        }
        let call = call(folder.path());
        let environment = BTreeMap::from([("HOME".to_string(), compose::HOME.to_string())]);
        let ours = load(&Disk, &call, &environment).map(|model| model.json());
        match (ours, compose::config(folder.path(), &call, &BTreeMap::new())) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(compose::difference("", &ours, &theirs), None, "stack {number}: {stack:#?}");
                equal += 1;
            }
            (Err(_), Err(_)) => refused += 1,
            (ours, theirs) => panic!("stack {number}: we say {:?}, Compose {:?}\n{stack:#?}", ours.err(), theirs.err()),
        }
    }
    println!("{equal} stacks equal, {refused} refused by both");
    assert!(equal > refused, "most of them can be read");
}
