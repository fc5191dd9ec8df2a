use std::time::{Duration, Instant};

use super::*;

#[test]
fn what_others_share_is_not_changed() {
    let source = "x: &b\n  e: {A: 1}\n  l: &l [1]\ny:\n  <<: *b\n  z: *b\n  m: *l\nf: &free\n  a: 1\n";
    for (operation, names) in [
        (add("x", "k", text("v")), "`&b`"),
        (set("x.e.A", text("v")), "`&b`"),
        (append("x.l", "v"), "`&b`"),
        (remove("x"), "`&b`"),
        (set("x", text("v")), "`&b`"),
        (add("y.z", "k", text("v")), "`*b`"),
        (add("y.z.e", "k", text("v")), "`*b`"),
        (append("y.m", "v"), "`*l`"),
        (set("y.e", text("v")), "`b`"),
        (remove("y.e"), "`b`"),
        (add("y", "e", text("v")), "`b`"),
        (remove("y.<<"), "merge"),
    ] {
        let why = refusal(source, std::slice::from_ref(&operation));
        assert!(why.contains(names), "{operation:?}: {why}");
    }
    assert!(done(source, &[add("f", "k", text("v"))]).ends_with("  a: 1\n  k: v\n"), "nobody shares it");
    assert!(done(source, &[remove("y")]).ends_with("l: &l [1]\nf: &free\n  a: 1\n"), "aliases may go");
    let redefined = "a: &x 1\nb: &x 2\nc: *x\n";
    assert_eq!(done(redefined, &[remove("a")]), "b: &x 2\nc: *x\n");
    assert!(refusal(redefined, &[remove("b")]).contains("`&x`"));
}

#[test]
fn contradictions_are_refused_by_naming_both_places() {
    let source = "a:\n  b:\n    c: 1\n  d: [1]\n  n:\n";
    for (operations, places) in [
        (vec![set("a", text("x")), set("a.b.c", text("y"))], ["`a`", "`a.b.c`"]),
        (vec![remove("a.b"), add("a.b", "k", text("v"))], ["`a.b`", "`a.b`"]),
        (vec![append("a.d", "x"), remove("a")], ["`a`", "`a.d`"]),
        (vec![set("a.b", text("x")), remove("a.b")], ["`a.b`", "`a.b`"]),
        (vec![set("a.b", text("x")), set("a.b", text("y"))], ["`a.b`", "different"]),
        (vec![add("a", "k", text("x")), add("a", "k", text("y"))], ["`a`", "`k`"]),
        (vec![add("a.n", "k", text("x")), append("a.n", "x")], ["`a.n`", "`a.n`"]),
    ] {
        let why = refusal(source, &operations);
        assert!(places.iter().all(|place| why.contains(place)), "{why}");
    }
    let twice = [set("a.b.c", text("x")), set("a.b.c", text("x")), add("a", "k", text("v")), add("a", "k", text("v"))];
    assert_eq!(done(source, &twice), "a:\n  b:\n    c: x\n  d: [1]\n  n:\n  k: v\n");
}

#[test]
fn what_is_unclear_is_refused_and_never_quoted() {
    for (operation, source) in [
        (set("nowhere", text("x")), "a: secret\n"),
        (remove("a.b"), "a: secret\n"),
        (set("a[1]", text("x")), "a: [secret]\n"),
        (set("a.k", text("x")), "a: [secret]\n"),
        (add("a", "k", text("x")), "a: [secret]\n"),
        (add("a", "k", text("x")), "a: secret\n"),
        (append("a", "x"), "a: {b: secret}\n"),
        (add("a", "b", text("x")), "a: {b: secret}\n"),
        (add("", "k", text("x")), "? a\n: secret\n"),
        (remove(""), "a: secret\n"),
        (set("a", text("x")), "a:\n  - secret # c\n  - x\n"),
        (set("a", seq(&["x"])), "a:\n  - secret\n  # c\n  - x\n"),
        (set("a", text("x")), "a: [secret, # c\n  x]\n"),
        (remove("a[0]"), "a: [secret, # c\n  x]\n"),
        (set("a", text("x")), "a: !!int 5\nb: secret\n"),
        (set("a", text("x")), "a: !reset\nb: secret\n"),
        (set("a", text("x")), "a: !override [secret]\n"),
        (set("a", seq(&["x"])), "a: | # c\n  secret\n"),
        (add("a[0]", "k", text("x")), "a: [b: secret]\n"),
        (add("a", "k", text("x")), "a:\n  b: |\n    secret"),
        (add("", "k", map(&[("a", text("1")), ("a", text("2"))])), "b: secret\n"),
        (add("", "k", text("x")), "a: secret\rb: 1\r"),
        (append("", "x"), "a: secret: b\n"),
        (Operation { document: 1, ..remove("a") }, "a: secret\n"),
    ] {
        let why = refusal(source, std::slice::from_ref(&operation));
        assert!(!why.contains("secret") && why.len() > 10, "{operation:?} {why}");
    }
}

#[test]
fn a_gate_that_is_wrong_would_be_noticed() {
    let wants = |operations: &'static [Operation]| plan::plan(operations, 1).unwrap();
    let read = |text: &str| read(text, Limits::default()).unwrap();
    let operations: &'static [Operation] = Box::leak(Box::new([add("a", "k", text("1"))]));
    let before = read("a:\n  b: x # c\nd: &y !t 1\n");
    for (after, right) in [
        ("a:\n  b: x # c\n  k: '1'\nd: &y !t 1\n", true),
        ("a:\n  b: x # c\n  k: 1\nd: &y !t 1\n", false),
        ("a:\n  b: x # c\n  l: '1'\nd: &y !t 1\n", false),
        ("a:\n  b: x # c\nd: &y !t 1\n", false),
        ("a:\n  b: 'x' # c\n  k: '1'\nd: &y !t 1\n", false),
        ("a:\n  b: x\n  k: '1'\nd: &y !t 1\n", false),
        ("a:\n  b: x # c\n  k: '1'\nd: !t 1\n", false),
        ("a:\n  b: x # c\n  k: '1'\nd: &y 1\n", false),
        ("a:\n  k: '1'\n  b: x # c\nd: &y !t 1\n", false),
        ("a: {b: x, k: '1'} # c\nd: &y !t 1\n", false),
        ("a:\n  b: x # c\n  k: '1'\nd: &y !t 1\ne: 1\n", false),
        ("a:\n  b: x # c\n  k: '1'\nd: &y !t 1\n---\n", false),
    ] {
        assert_eq!(verify::verify(&before, &read(after), &wants(operations), &[]).is_ok(), right, "{after}");
    }
}

#[test]
fn many_operations_take_a_moment() {
    let service = |n: usize| format!("  s{n}:\n    image: x:{n} # c\n    environment:\n      - A=1\n      - B=2\n    read_only: false\n\n");
    let services: String = (0..200).map(service).collect();
    let source = format!("services:\n{services}");
    let at = |n: usize, rest: &str| format!("services.s{n}{rest}");
    let mut operations = Vec::new();
    for n in 0..5 {
        operations.push(add(&at(n, ""), "user", text("1")));
        operations.push(append(&at(n + 50, ".environment"), "C=3"));
        operations.push(set(&at(n + 100, ".read_only"), Plain::Bool(true)));
        operations.push(remove(&at(n + 150, ".read_only")));
    }
    done(&source, &operations);
    let best = (0..5).map(|_| {
        let start = Instant::now();
        operate(&source, &operations).unwrap();
        start.elapsed()
    });
    let best = best.min().unwrap();
    assert!(best < Duration::from_millis(200), "{best:?}");
}

#[test]
fn hostile_files_end_soon() {
    let start = Instant::now();
    let flow = format!("a: [{}]\nb: 1\n", "x, ".repeat(350_000));
    assert!(done(&flow, &[append("a", "w"), remove("a[7]")]).ends_with("x, w, ]\nb: 1\n"));
    let mut bomb = String::from("a0: &a0 [x]\n");
    for n in 1..60 {
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(",")));
    }
    assert!(done(&bomb, &[add("", "k", text("v"))]).ends_with("\nk: v\n"));
    assert!(refusal(&bomb, &[append("a3", "v")]).contains("`&a3`"));
    let mut merges = String::from("m0: &m0 {x: 1}\n");
    for n in 1..60 {
        merges.push_str(&format!("m{n}: &m{n}\n  <<: [{}]\n", vec![format!("*m{}", n - 1); 9].join(",")));
    }
    assert!(done(&merges, &[add("m59", "k", text("v"))]).ends_with("\n  k: v\n"));
    assert!(refusal(&merges, &[add("m59", "x", text("v"))]).contains("`m58`"));
    let nested = |depth: usize| (0..depth).map(|n| format!("{}k:\n", " ".repeat(n))).collect::<String>();
    let deep = "k.".repeat(100);
    assert!(done(&nested(100), &[add(&deep, "z", Plain::Int(1))]).contains("z: 1"));
    assert!(refusal(&nested(20_000), &[add("k", "z", Plain::Int(1))]).len() < 200);
    assert!(refusal("k: 1\n", &[set(&"k.".repeat(50_000), Plain::Int(1))]).len() < 200);
    let blank = format!("a: 1{}b: 2\n", "\n".repeat(1 << 20));
    assert!(done(&blank, &[remove("b"), add("", "k", Plain::Int(1))]).starts_with("a: 1\nk: 1\n"));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
