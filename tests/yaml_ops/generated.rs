//! Edit operations over generated documents: several at once, in every style.

use proptest::prelude::*;
use serde_yaml::Value;
use xtask::yaml::{Limits, Node, Operation, Place, Plain, Seg, What, Written, operate, read};

use super::{blank_end, expect};

/// A value and how it is written.
#[derive(Debug, Clone)]
enum Shape {
    /// Which of [`SCALARS`], and what surrounds it.
    Scalar(usize),
    Seq {
        flow: bool,
        indented: bool,
        children: Vec<(Shape, u8)>,
    },
    Map {
        flow: bool,
        children: Vec<(Shape, u8)>,
    },
}

const SCALARS: &[&str] =
    &["x", "'it''s'", "\"a\\tb # c\"", "", "true", "0777", "http://h:1/x#y", "~", "|\n@  t\n@\n@    u # v\n", ">-\n@ w\n", "a\n@ b"];

fn shapes() -> impl Strategy<Value = Shape> {
    let leaf = (0..SCALARS.len()).prop_map(Shape::Scalar);
    leaf.prop_recursive(4, 24, 4, |inner| {
        let children = || prop::collection::vec((inner.clone(), any::<u8>()), 0..4);
        prop_oneof![
            (prop::bool::weighted(0.2), any::<bool>(), children()).prop_map(|(flow, indented, children)| Shape::Seq {
                flow,
                indented,
                children
            }),
            (prop::bool::weighted(0.2), children()).prop_map(|(flow, children)| Shape::Map { flow, children }),
        ]
    })
}

fn written(shape: &Shape, column: usize, step: usize, flow: bool, into: &mut String) {
    match shape {
        Shape::Scalar(which) => {
            let scalar = SCALARS[*which];
            let plain = flow && (scalar.is_empty() || scalar.contains('\n'));
            let text = if plain { "z".to_string() } else { scalar.replace('@', &" ".repeat(column)) };
            into.push_str(&text);
        }
        Shape::Seq { children, .. } | Shape::Map { children, .. } if flow || shape.is_flow() => {
            let braces = if matches!(shape, Shape::Map { .. }) { ["{", "}"] } else { ["[", "]"] };
            into.push_str(braces[0]);
            for (n, (child, _)) in children.iter().enumerate() {
                into.push_str(if n > 0 { ", " } else { "" });
                if matches!(shape, Shape::Map { .. }) {
                    into.push_str(&format!("k{n}: "));
                }
                written(child, column, step, true, into);
            }
            into.push_str(braces[1]);
        }
        Shape::Seq { children, .. } | Shape::Map { children, .. } => {
            let pad = " ".repeat(column);
            for (n, (child, marks)) in children.iter().enumerate() {
                if marks & 1 != 0 && n > 0 {
                    into.push('\n');
                }
                if marks & 2 != 0 {
                    into.push_str(&format!("{pad}# above\n"));
                }
                let lead = if matches!(shape, Shape::Map { .. }) { format!("{pad}k{n}:") } else { format!("{pad}-") };
                into.push_str(&lead);
                let end = if marks & 12 == 12 { " # end" } else { "" };
                if child.is_lines() {
                    into.push_str(&format!("{end}\n"));
                    let unindented = matches!((shape, child), (Shape::Map { .. }, Shape::Seq { indented: false, .. }));
                    written(child, column + if unindented { 0 } else { step }, step, false, into);
                    if marks & 48 == 48 {
                        into.push_str(&format!("{pad} # below\n"));
                    }
                } else {
                    into.push(' ');
                    written(child, column + 1, step, false, into);
                    if !into.ends_with('\n') {
                        into.push_str(&format!("{end}\n"));
                    }
                }
            }
        }
    }
}

impl Shape {
    fn is_flow(&self) -> bool {
        match self {
            Shape::Scalar(_) => false,
            Shape::Seq { flow, children, .. } | Shape::Map { flow, children } => *flow || children.is_empty(),
        }
    }

    fn is_lines(&self) -> bool {
        !self.is_flow() && !matches!(self, Shape::Scalar(_))
    }
}

fn places(node: &Node, place: Place, into: &mut Vec<(Place, bool, bool)>) {
    let kind = (matches!(node.data, Written::Map { .. }), matches!(node.data, Written::Seq { .. }));
    for entry in node.entries() {
        places(&entry.value, place.key(entry.key.text().unwrap()), into);
    }
    for (n, item) in node.items().iter().enumerate() {
        places(item, place.index(n), into);
    }
    into.push((place, kind.0, kind.1));
}

fn plain(number: usize) -> Plain {
    let items = vec![Plain::Int(7), Plain::Map(vec![("p".into(), Plain::Str("q: #".into())), ("no".into(), Plain::Null)])];
    match number % 6 {
        0 => Plain::Str("yes".into()),
        1 => Plain::Str("two\nlines".into()),
        2 => Plain::Bool(true),
        3 => Plain::Seq(items),
        4 => Plain::Map(vec![("m".into(), Plain::Seq(items)), ("e".into(), Plain::Map(Vec::new()))]),
        _ => Plain::Str("plain".into()),
    }
}

/// Values change first, then items go from the last to the first: places are those of the original.
fn expected(mut value: Value, operations: &[Operation]) -> Option<Value> {
    let mut ordered: Vec<&Operation> = operations.iter().collect();
    ordered.sort_by(|a, b| (a.what == What::Remove).cmp(&(b.what == What::Remove)).then(b.place.cmp(&a.place)));
    ordered.dedup();
    for operation in ordered {
        expect(&mut value, operation)?;
    }
    Some(value)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn operations_are_right_or_refused(
        children in prop::collection::vec((shapes(), any::<u8>()), 1..4),
        step in prop_oneof![Just(2usize), Just(4)],
        (crlf, mark, open_end) in any::<(bool, bool, bool)>(),
        chosen in prop::collection::vec((any::<prop::sample::Index>(), 0usize..24), 1..5),
    ) {
        let mut source = String::from("# top\n\n");
        written(&Shape::Map { flow: false, children }, 0, step, false, &mut source);
        if open_end {
            source.truncate(source.trim_end().len());
        }
        let source = if crlf { source.replace('\n', "\r\n") } else { source };
        let source = if mark { format!("\u{feff}{source}") } else { source };
        let documents = read(&source, Limits::default()).unwrap_or_else(|error| panic!("{}\n{source}", error.why));
        let mut all = Vec::new();
        places(&documents[0].root, Place::default(), &mut all);
        all.retain(|(place, ..)| !place.0.is_empty());
        let operations: Vec<Operation> = chosen.iter().map(|(index, kind)| {
            let (place, map, seq) = index.get(&all).clone();
            let what = match kind {
                0..6 => What::Set(plain(*kind)),
                6..14 if seq => What::Append(Plain::Seq(vec![plain(*kind), Plain::Int(*kind as i64)])),
                6..14 if map => What::Add { key: format!("n{kind}"), value: plain(*kind) },
                _ => What::Remove,
            };
            Operation { document: 0, place, what }
        }).collect();
        let operated = match operate(&source, &operations) {
            Ok(operated) => operated,
            Err(refusal) => {
                let known = ["exclude each other", "different values", "a comment stands inside"];
                // A block scalar at the very end has no line break; one behind it has.
                let at_end = open_end && source.contains(['|', '>']) && refusal.why.contains("meant");
                prop_assert!(at_end || known.iter().any(|why| refusal.why.contains(why)), "{}\n{source}\n{operations:?}", refusal.why);
                return Ok(());
            }
        };
        let bare = |text: &str| text.trim_start_matches('\u{feff}').to_string();
        let value = serde_yaml::from_str(&bare(&source)).unwrap();
        let now = serde_yaml::from_str::<Value>(&bare(&operated.text)).ok();
        prop_assert_eq!(now, expected(value, &operations), "\n{}\n---\n{}\n{:?}", source, operated.text, operations);
        let removes = operations.iter().any(|operation| operation.what == What::Remove);
        let comments = |text: &str| read(text, Limits::default()).unwrap()[0].comments.len();
        if !removes {
            prop_assert_eq!(comments(&source), comments(&operated.text));
            prop_assert_eq!(blank_end(&source), blank_end(&operated.text));
        }
        prop_assert_eq!(mark, operated.text.starts_with('\u{feff}'));
        prop_assert_eq!(crlf, operated.text.contains("\r\n"));
        let keyed = |operation: &Operation| matches!(operation.place.0.last(), Some(Seg::Index(_)));
        if !removes && operations.iter().all(|operation| !keyed(operation) && !matches!(operation.what, What::Add { .. })) {
            prop_assert_eq!(operate(&operated.text, &operations).unwrap().text, operated.text, "twice is once");
        }
    }
}
