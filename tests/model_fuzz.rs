//! Random values, templates and env files, read by Compose and by us: the same, to the byte. Where
//! Compose 2.40 is not installed only our own round trip is tried.

#![allow(clippy::print_stdout)]

#[path = "support/compose.rs"]
mod compose;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use xtask::dotenv;
use xtask::model::{Call, load};
use xtask::source::Disk;
use xtask::text::template;

/// Marsaglia's xorshift: the same values on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % most
    }

    /// Up to `most` pieces one after the other.
    fn text(&mut self, pieces: &[&str], most: usize) -> String {
        (0..self.below(most + 1)).map(|_| pieces[self.below(pieces.len())]).collect()
    }
}

fn call(folder: &Path) -> Call {
    Call { files: vec![folder.join("compose.yaml")], ..Call::default() }
}

fn ours(folder: &Path) -> Result<Json, xtask::error::Error> {
    let environment = BTreeMap::from([("HOME".to_string(), compose::HOME.to_string())]);
    load(&Disk, &call(folder), &environment).map(|model| model.json())
}

fn theirs(folder: &Path) -> Result<Json, String> {
    compose::config(folder, &call(folder), &BTreeMap::new())
}

/// What every value of `json`'s only service says, dollars undoubled.
fn environment(json: &Json) -> BTreeMap<String, String> {
    let fields = json["services"]["web"]["environment"].as_object().expect("an environment");
    let text = |value: &Json| value.as_str().expect("a string").replace("$$", "$");
    fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

#[test]
fn what_we_quote_compose_reads_back() {
    const PIECES: [&str; 26] = [
        "'", "\"", "\\", "$", "${", "}", "$$", "\n", "\r", "\t", " ", "#", " #", "=", ":", "a", "B", "0", "n", "x", "\\n", "$A", "é",
        "\u{a0}", "日", "`",
    ];
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let folder = tempfile::tempdir().expect("a folder");
    let values: Vec<String> = (0..500).map(|_| random.text(&PIECES, 12)).collect();
    let (mut env, mut yaml) = (String::new(), String::from("services:\n  web:\n    image: x\n    environment:\n"));
    for (n, value) in values.iter().enumerate() {
        writeln!(env, "V{n}={}", dotenv::quote(value)).expect("write");
        writeln!(yaml, "      V{n}: ${{V{n}}}").expect("write");
    }
    fs::write(folder.path().join(".env"), env).expect("write");
    fs::write(folder.path().join("compose.yaml"), yaml).expect("write");
    let mut readers = vec![("we", environment(&ours(folder.path()).expect("our reading")))];
    if compose::installed() {
        readers.push(("Compose", environment(&theirs(folder.path()).expect("Compose's reading"))));
    }
    for (who, read) in readers {
        let wrong = values.iter().enumerate().filter(|(n, value)| read.get(&format!("V{n}")) != Some(value)).count();
        assert_eq!(wrong, 0, "{who} read {wrong} of {} values back wrongly", values.len());
    }
}

#[test]
fn random_templates_mean_what_they_mean_to_compose() {
    const PIECES: [&str; 20] =
        ["${", "}", "$A", "${A}", "${U", "${A", "${EMPTY", ":-", "-", ":?", "?", ":+", "+", "$$", "$", "{", "x", " ", "\n", "${U:-"];
    if !compose::installed() {
        println!("Compose 2.40 is not installed: nothing to compare with");
        return;
    }
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let lookup = |name: &str| match name {
        "A" => Some("a".to_string()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let texts: Vec<String> = (0..3000).map(|_| random.text(&PIECES, 9)).collect();
    let (good, bad): (Vec<&String>, Vec<&String>) = texts.iter().partition(|text| template::substitute(text, &lookup).is_ok());
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(".env"), "A=a\nEMPTY=\n").expect("write");
    let write = |texts: &[&String]| {
        let fields: serde_json::Map<String, Json> =
            texts.iter().enumerate().map(|(n, text)| (format!("V{n}"), Json::String(text.to_string()))).collect();
        let yaml = serde_json::json!({"services": {"web": {"image": "x", "environment": fields}}});
        fs::write(folder.path().join("compose.yaml"), yaml.to_string()).expect("write");
    };
    write(&good);
    let read = environment(&theirs(folder.path()).expect("Compose takes what we take"));
    for (n, text) in good.iter().enumerate() {
        assert_eq!(read[&format!("V{n}")], template::substitute(text, &lookup).expect("good"), "{text:?}");
    }
    for text in bad.iter().take(40) {
        write(&[text]);
        assert!(theirs(folder.path()).is_err(), "Compose takes {text:?}");
    }
    println!("{} templates equal, {} refused, 40 of these by Compose too", good.len(), bad.len());
}

#[test]
fn random_env_files_read_as_compose_reads_them() {
    const PIECES: [&str; 30] = [
        "A=",
        "B=",
        "X=",
        "C: ",
        "export D=",
        "E ",
        "A",
        "\n",
        "\n",
        "\n",
        "\r\n",
        "'",
        "\"",
        "\\",
        "\\\"",
        "\\n",
        "\\$",
        "$A",
        "${B}",
        "${X:-d}",
        "$$",
        "#",
        " #",
        " ",
        "\t",
        "a",
        "value",
        "0",
        "=",
        "\\0101",
    ];
    if !compose::installed() {
        println!("Compose 2.40 is not installed: nothing to compare with");
        return;
    }
    let mut random = Random(0xD1B5_4A32_D192_ED03);
    let folder = tempfile::tempdir().expect("a folder");
    let texts: Vec<String> = (0..1200).map(|_| random.text(&PIECES, 14)).collect();
    let (good, bad): (Vec<&String>, Vec<&String>) = texts.iter().partition(|text| dotenv::parse(text, &|_| None).is_ok());
    let write = |texts: &[&String]| {
        let mut yaml = String::from("services:\n");
        for (n, text) in texts.iter().enumerate() {
            fs::write(folder.path().join(format!("{n}.env")), text).expect("write");
            writeln!(yaml, "  s{n}: {{image: x, network_mode: none, env_file: {n}.env}}").expect("write");
        }
        fs::write(folder.path().join("compose.yaml"), yaml).expect("write");
    };
    write(&good);
    let read = theirs(folder.path()).expect("Compose takes what we take");
    let mine = ours(folder.path()).expect("we take it too");
    for (n, text) in good.iter().enumerate() {
        let service = format!("s{n}");
        assert_eq!(compose::difference("", &mine["services"][&service], &read["services"][&service]), None, "{text:?}");
    }
    for text in bad.iter().take(40) {
        write(&[text]);
        assert!(theirs(folder.path()).is_err(), "Compose takes {text:?}");
    }
    println!("{} env files equal, {} refused, 40 of these by Compose too", good.len(), bad.len());
}
