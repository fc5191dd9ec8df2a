//! Edit operations over real files: for every service of every file a key is added, an item is
//! appended to each sequence, each scalar is set and each entry is removed, one at a time.
//!
//! Every result is judged by another YAML reader, which knows nothing of the edit, and by the bytes
//! and comments around it. The files below `tests/fixtures` always; with `XTASK_CORPUS` every
//! compose file below that folder.

#![allow(clippy::print_stderr, reason = "a test says what it could not look at, and counts")]

#[path = "yaml_ops/generated.rs"]
mod generated;

use std::fs;
use std::path::{Path, PathBuf};

use serde_yaml::Value;
use xtask::text::apply;
use xtask::yaml::{Limits, Node, Operation, Place, Plain, Seg, What, Written, operate, read};

#[derive(Default)]
struct Counts {
    files: usize,
    edits: usize,
    nothing: usize,
    refused: usize,
    wrong: Vec<String>,
    reasons: std::collections::BTreeMap<String, usize>,
}

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml") {
            found.push(path);
        }
    }
    found.sort();
}

/// Every operation that is tried inside a node.
fn operations(node: &Node, place: &Place, into: &mut Vec<Operation>) {
    let operation = |place: &Place, what| Operation { document: 0, place: place.clone(), what };
    match &node.data {
        Written::Map { entries, .. } => {
            into.push(operation(place, What::Add { key: "x-new".into(), value: nested() }));
            for entry in entries {
                let Some(key) = entry.key.text() else { continue };
                let below = place.key(key);
                into.push(operation(&below, What::Remove));
                operations(&entry.value, &below, into);
            }
        }
        Written::Seq { items, .. } => {
            into.push(operation(place, What::Append(Plain::Str("no".into()))));
            for (index, item) in items.iter().enumerate() {
                into.push(operation(&place.index(index), What::Remove));
                operations(item, &place.index(index), into);
            }
        }
        Written::Scalar { .. } | Written::Alias(_) => {
            into.push(operation(place, What::Set(Plain::Str("it's: 1 #x".into()))));
            into.push(operation(place, What::Set(nested())));
        }
    }
}

fn nested() -> Plain {
    let items = vec![Plain::Str("0777".into()), Plain::Map(vec![("k".into(), Plain::Int(1)), ("on".into(), Plain::Null)])];
    Plain::Map(vec![("list".into(), Plain::Seq(items)), ("flag".into(), Plain::Bool(true))])
}

fn value(plain: &Plain) -> Value {
    match plain {
        Plain::Null => Value::Null,
        Plain::Bool(value) => (*value).into(),
        Plain::Int(value) => (*value).into(),
        Plain::Str(value) => value.as_str().into(),
        Plain::Seq(items) => Value::Sequence(items.iter().map(value).collect()),
        Plain::Map(entries) => Value::Mapping(entries.iter().map(|(key, plain)| (key.as_str().into(), value(plain))).collect()),
    }
}

/// The operation on values alone.
fn expect(root: &mut Value, operation: &Operation) -> Option<()> {
    let (last, path) = operation.place.0.split_last()?;
    let mut around = root;
    for seg in path {
        around = child(around, seg)?;
    }
    match (&operation.what, last) {
        (What::Remove, Seg::Key(key)) => drop(around.as_mapping_mut()?.shift_remove(key.as_str())?),
        (What::Remove, Seg::Index(index)) => drop(around.as_sequence_mut()?.remove(*index)),
        (What::Set(plain), seg) => *child(around, seg)? = value(plain),
        (What::Append(plain), seg) => {
            let around = child(around, seg)?;
            if around.is_null() {
                *around = Value::Sequence(Vec::new());
            }
            let items = around.as_sequence_mut()?;
            if !items.contains(&value(plain)) {
                items.push(value(plain));
            }
        }
        (What::Add { key, value: plain }, seg) => {
            let around = child(around, seg)?;
            if around.is_null() {
                *around = Value::Mapping(Default::default());
            }
            around.as_mapping_mut()?.insert(key.as_str().into(), value(plain));
        }
    }
    Some(())
}

fn child<'v>(value: &'v mut Value, seg: &Seg) -> Option<&'v mut Value> {
    match (value, seg) {
        (Value::Mapping(map), Seg::Key(key)) => map.get_mut(key.as_str()),
        (Value::Sequence(items), Seg::Index(index)) => items.get_mut(*index),
        _ => None,
    }
}

fn go_through(files: &[PathBuf], label: &str) -> Counts {
    let mut counts = Counts::default();
    for file in files {
        let Ok(source) = fs::read_to_string(file) else { continue };
        let Ok(documents) = read(&source, Limits::default()) else { continue };
        let Some(services) = documents.first().and_then(|document| document.root.get("services")) else { continue };
        counts.files += 1;
        let mut wanted = Vec::new();
        operations(services, &Place::default().key("services"), &mut wanted);
        let comments = documents.iter().map(|document| document.comments.len()).sum();
        let before = Before { source: &source, comments, value: serde_yaml::from_str(&source).ok() };
        for operation in &wanted {
            one(&before, operation, &file.display().to_string(), &mut counts);
        }
    }
    let share = counts.refused as f64 * 100.0 / (counts.edits + counts.nothing + counts.refused).max(1) as f64;
    eprintln!(
        "{label}: {} files, {} edits right, {} with nothing to do, {} refused ({share:.2} %), {} wrong",
        counts.files,
        counts.edits,
        counts.nothing,
        counts.refused,
        counts.wrong.len()
    );
    counts.reasons.iter().for_each(|(why, count)| eprintln!("  {count} refused: {why}"));
    assert!(counts.wrong.is_empty(), "{}", counts.wrong.join("\n"));
    counts
}

/// A file before any operation.
struct Before<'a> {
    source: &'a str,
    comments: usize,
    /// What the other reader makes of it, if it can.
    value: Option<Value>,
}

fn one(before: &Before, operation: &Operation, file: &str, counts: &mut Counts) {
    let source = before.source;
    let operated = match operate(source, std::slice::from_ref(operation)) {
        Ok(operated) => operated,
        Err(refusal) => {
            counts.refused += 1;
            let why = refusal.why.split('`').step_by(2).collect::<Vec<_>>().join("…");
            *counts.reasons.entry(why).or_default() += 1;
            return;
        }
    };
    if operated.edits.is_empty() {
        counts.nothing += 1;
        assert_eq!(operated.text, source);
        return;
    }
    counts.edits += 1;
    let text = &operated.text;
    let mut wrong = |why: &str| counts.wrong.push(format!("{file}: {} {:?}: {why}", operation.place, operation.what));
    if apply(source, &operated.edits).as_deref() != Ok(text) {
        wrong("the edits are not the text");
    }
    let removes = operation.what == What::Remove;
    if source.ends_with('\n') != text.ends_with('\n') || (!removes && blank_end(source) != blank_end(text)) {
        wrong("the end of the file is another one");
    }
    let all_crlf = |text: &str| text.matches('\n').count() == text.matches("\r\n").count();
    if all_crlf(source) && source.contains('\n') && !all_crlf(text) {
        wrong("a line ends otherwise");
    }
    let comments: usize = read(text, Limits::default()).unwrap().iter().map(|document| document.comments.len()).sum();
    if !removes && comments != before.comments {
        wrong("a comment is lost");
    }
    // The other reader leaves merge keys as they are.
    if let Some(mut expected) = before.value.clone()
        && expect(&mut expected, operation).is_some()
        && !serde_yaml::from_str::<Value>(text).is_ok_and(|after| after == expected)
    {
        wrong("another reader reads something else");
    }
    if matches!(operation.what, What::Append(_)) {
        let again = operate(text, std::slice::from_ref(operation)).map(|again| again.edits.len());
        if again != Ok(0) {
            wrong("the item is appended again");
        }
    }
}

/// What follows the last line that is not blank, its line break included.
fn blank_end(text: &str) -> &str {
    let content = text.trim_end().len();
    &text[content + text[content..].find(['\r', '\n']).unwrap_or(text.len() - content)..]
}

#[test]
fn our_own_real_looking_files() {
    let mut files = Vec::new();
    yaml_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures"), &mut files);
    let counts = go_through(&files, "fixtures");
    assert!(counts.edits > 500 && counts.refused * 20 < counts.edits, "{} edits, {} refused", counts.edits, counts.refused);
}

#[test]
fn files_of_the_corpus() {
    let Some(corpus) = std::env::var_os("XTASK_CORPUS") else {
        eprintln!("XTASK_CORPUS names no folder: nothing more to go through");
        return;
    };
    let mut files = Vec::new();
    yaml_files(Path::new(&corpus), &mut files);
    assert!(!files.is_empty(), "no YAML file below XTASK_CORPUS");
    let counts = go_through(&files, "corpus");
    assert!(counts.refused * 20 < counts.edits, "{} edits, {} refused", counts.edits, counts.refused);
}
