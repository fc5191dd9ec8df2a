use super::*;

#[test]
fn flow_collections_gain_in_flow_style() {
    for (operation, before, after) in [
        (append("a", "ALL"), "a: [x, y] # c\n", "a: [x, y, ALL] # c\n"),
        (append("a", "ALL"), "a: [ \"x\", ]\n", "a: [ \"x\", ALL, ]\n"),
        (append("a", "ALL"), "a: []\nb: 1\n", "a: [ALL]\nb: 1\n"),
        (append("a", "on"), "a: [\"x\"]", "a: [\"x\", \"on\"]"),
        (add("a", "k", text("a:b")), "a: { x: 1 }\n", "a: { x: 1, k: 'a:b' }\n"),
        (add("a", "k", seq(&["v"])), "a: {}\n", "a: {k: [v]}\n"),
        (add("a", "k", map(&[("v", Plain::Null)])), "a: {x, y: }\n", "a: {x, y:, k: {v: null} }\n"),
        (add("a.y", "k", text("v")), "a: {x, y: }\n", "a: {x, y: {k: v} }\n"),
        (add("a.x", "k", text("v")), "a: {x, y: }\n", "a: {x: {k: v}, y: }\n"),
        (add("", "k", text("v")), "{\"a\": 1}", "{\"a\": 1, k: v}"),
        (append("a", "z"), "a: [\n  x, # c\n  y # d\n]\n", "a: [\n  x, # c\n  y, # d\n  z\n]\n"),
        (append("a", "z"), "a: [\r\n  x,\r\n  y,\r\n]\r\n", "a: [\r\n  x,\r\n  y,\r\n  z,\r\n]\r\n"),
        (append("a", "z"), "a: [x,\n  y]\n", "a: [x,\n  y, z]\n"),
        (add("a", "k", text("v")), "a: {\n  b: {\n    c: 1\n  }\n}\n", "a: {\n  b: {\n    c: 1\n  }, k: v\n}\n"),
    ] {
        assert_eq!(done(before, &[operation]), after);
    }
}

#[test]
fn flow_collections_lose_in_flow_style() {
    for (at, before, after) in [
        ("a[0]", "a: [x, y]\n", "a: [y]\n"),
        ("a[1]", "a: [x, y, z] # c\n", "a: [x, z] # c\n"),
        ("a[1]", "a: [ x, y ]\n", "a: [ x ]\n"),
        ("a[0]", "a: [x]\n", "a: []\n"),
        ("a[1]", "a: [\n  x,\n  y,\n]\n", "a: [\n  x,\n]\n"),
        ("a.b", "a: {b: 1, c: 2}\n", "a: {c: 2}\n"),
        ("a.b", "a: {c, b: , d: [1]}\n", "a: {c, d: [1]}\n"),
        ("a.b.c", "a: {b: {c: 1}}\n", "a: {b: {}}\n"),
    ] {
        assert_eq!(done(before, &[remove(at)]), after);
    }
    let several = [remove("a[0]"), remove("a[1]"), remove("a[3]"), append("a", "m")];
    assert_eq!(done("a: [p, q, r, s]\n", &several), "a: [r, m]\n");
}

#[test]
fn values_in_flow_collections_are_set() {
    for (at, value, before, after) in [
        ("a[0]", text("b: c"), "a: [x, y]\n", "a: ['b: c', y]\n"),
        ("a.b", Plain::Bool(false), "a: {b: \"yes\"}\n", "a: {b: false}\n"),
        ("a.b", seq(&["x", "1"]), "a: {b: 1}\n", "a: {b: [x, '1']}\n"),
        ("a", seq(&["x"]), "a: {b: 1} # c\n", "a: [x] # c\n"),
        ("a", text("x"), "a: [b,\n  c] # d\n", "a: x # d\n"),
        ("a.b", text("x"), "a: {b, c}\n", "a: {b: x, c}\n"),
        ("a.b", text("x"), "{\"a\":{\"b\":\"y\"}}\n", "{\"a\":{\"b\":\"x\"}}\n"),
    ] {
        assert_eq!(done(before, &[set(at, value)]), after);
    }
}
