use super::*;

#[test]
fn a_key_is_added_behind_the_last_one_like_its_siblings() {
    let one = |at: &str| add(at, "user", text("1000:1000"));
    for (at, before, after) in [
        ("", "a: 1\n", "a: 1\nuser: '1000:1000'\n"),
        ("", "a: 1", "a: 1\nuser: '1000:1000'"),
        ("", "\u{feff}a: 1\r\n\r\n", "\u{feff}a: 1\r\nuser: '1000:1000'\r\n\r\n"),
        ("s.w", "s:\n  w:\n    i: x # c\n  d:\n    i: y\n", "s:\n  w:\n    i: x # c\n    user: '1000:1000'\n  d:\n    i: y\n"),
        ("s.w", "s:\n    w:\n        i: \"x\"\n", "s:\n    w:\n        i: \"x\"\n        user: \"1000:1000\"\n"),
        (
            "s.w",
            "s:\n  w:\n    e:\n      A: 1\n      # B: 2\n\n    # mine\n\n  # next\n  d: 1\n",
            "s:\n  w:\n    e:\n      A: 1\n      # B: 2\n\n    # mine\n    user: '1000:1000'\n\n  # next\n  d: 1\n",
        ),
        ("[1]", "- a: 1\n-  b: 1\n   c: 2\n- d: 1\n", "- a: 1\n-  b: 1\n   c: 2\n   user: '1000:1000'\n- d: 1\n"),
        ("a", "a:\n  b: |+\n    x\n\n\nc: 1\n", "a:\n  b: |+\n    x\n\n\n  user: '1000:1000'\nc: 1\n"),
        ("a", "a:\n  b: >\n    x\n\n\nc: 1\n", "a:\n  b: >\n    x\n  user: '1000:1000'\n\n\nc: 1\n"),
        ("a", "a:\n  b: x\n    y # c\n---\nz: 1\n", "a:\n  b: x\n    y # c\n  user: '1000:1000'\n---\nz: 1\n"),
        ("a", "a:\n  b:\nc: 1\n", "a:\n  b:\n  user: '1000:1000'\nc: 1\n"),
        ("a", "a: !override\n  <<: {c: 1}\nc: 1\n", "a: !override\n  <<: {c: 1}\n  user: '1000:1000'\nc: 1\n"),
        ("a", "a: # none\n\nc: 1\n", "a: # none\n  user: '1000:1000'\n\nc: 1\n"),
        ("a", "a:\n  # B: 2\nc: 1\n", "a:\n  # B: 2\n  user: '1000:1000'\nc: 1\n"),
        ("a", "a: ~ # none\nc: {d: 1}\n", "a: # none\n  user: '1000:1000'\nc: {d: 1}\n"),
    ] {
        assert_eq!(done(before, &[one(at)]), after);
    }
}

#[test]
fn collections_are_added_in_the_habits_of_the_file() {
    let limits = map(&[("limits", map(&[("cpus", text("0.5")), ("pids", Plain::Int(100))]))]);
    let check = map(&[("test", seq(&["CMD", "true"])), ("none", Plain::Seq(Vec::new())), ("off", Plain::Bool(false))]);
    let operations = [add("s.w", "deploy", limits), add("s.w", "check", check)];
    for (before, added) in [
        (
            "s:\n  w:\n    p:\n      - a\n",
            "    deploy:\n      limits:\n        cpus: '0.5'\n        pids: 100\n    check:\n      test:\n        - CMD\n        - 'true'\n      none: []\n      'off': false\n",
        ),
        (
            "s:\n    w:\n        p:\n        - a\n",
            "        deploy:\n            limits:\n                cpus: '0.5'\n                pids: 100\n        check:\n            test:\n            - CMD\n            - 'true'\n            none: []\n            'off': false\n",
        ),
    ] {
        assert_eq!(done(before, &operations), format!("{before}{added}"));
    }
    let mounts = Plain::Seq(vec![map(&[("type", text("tmpfs")), ("target", text("/tmp"))]), Plain::Seq(vec![text("x"), Plain::Null])]);
    assert_eq!(done("a: 1\n", &[add("", "v", mounts)]), "a: 1\nv:\n  - type: tmpfs\n    target: /tmp\n  - - x\n    - null\n");
}

#[test]
fn items_are_appended_once() {
    for (at, before, after) in [
        ("a", "a:\n  - x # c\nb: 1\n", "a:\n  - x # c\n  - ALL\nb: 1\n"),
        ("a", "a:\n- x\n# about b\nb: 1\n", "a:\n- x\n- ALL\n# about b\nb: 1\n"),
        ("a", "a:\n  - x\n  # - y\nb: 1\n", "a:\n  - x\n  # - y\n  - ALL\nb: 1\n"),
        ("a", "a:\r\n  -   x: 1\r\n      y: 2", "a:\r\n  -   x: 1\r\n      y: 2\r\n  -   ALL"),
        ("a[0]", "a:\n  - - x\n    - y\n", "a:\n  - - x\n    - y\n    - ALL\n"),
        ("a", "a:\n  -\n  -\nb:\n", "a:\n  -\n  -\n  - ALL\nb:\n"),
        ("a", "a:\nb: 1\n", "a:\n  - ALL\nb: 1\n"),
        ("", "- |\n  x\n  y\n# end\n", "- |\n  x\n  y\n# end\n- ALL\n"),
    ] {
        assert_eq!(done(before, &[append(at, "ALL"), append(at, "ALL")]), after);
        assert_eq!(done(after, &[append(at, "ALL")]), after, "it is there");
    }
    let two = [append("a", "x"), append("a", "w"), append("a", "x")];
    assert_eq!(done("a:\n  - 'x'\n", &two), "a:\n  - 'x'\n  - w\n");
}

#[test]
fn strings_are_quoted_only_when_they_must_be() {
    for word in [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "N",
        "0777",
        "0o17",
        "22:22",
        "1e3",
        "1_0",
        "null",
        "~",
        "",
        " x",
        "a: b",
        "a #b",
        "*x",
        "<<",
        "2001-01-01",
        "0x1F",
        ".inf",
        "=",
        "- x",
    ] {
        let after = done("a: 1\n", &[add("", "k", text(word)), add("", word, text("v"))]);
        assert_eq!(after, format!("a: 1\nk: '{word}'\n'{word}': v\n"));
    }
    for word in ["x", "./a:/b:ro", "no-new-privileges:true", "a,b", "${X:?say}", "a'b", "v1.2.3", "/x", "ä"] {
        assert_eq!(done("a: 1\n", &[add("", "k", text(word))]), format!("a: 1\nk: {word}\n"));
    }
    assert_eq!(done("a: 1\n", &[add("", "k", text("two\nlines\n"))]), "a: 1\nk: \"two\\nlines\\n\"\n");
}

#[test]
fn values_are_set_in_place() {
    for (at, value, before, after) in [
        ("a", text("y"), "a: 'x' # c\n", "a: 'y' # c\n"),
        ("a", text("true"), "a: true\n", "a: 'true'\n"),
        ("a", Plain::Bool(true), "a: \"true\" # c\r\n", "a: true # c\r\n"),
        ("a", Plain::Int(5), "a: # c\nb: 1", "a: 5 # c\nb: 1"),
        ("a[1]", text("x"), "a:\n  - b\n  - # c\n", "a:\n  - b\n  - x # c\n"),
        ("a", seq(&["x"]), "a: b # c\nd:\n- e\n", "a: # c\n- x\nd:\n- e\n"),
        ("a", map(&[("x", Plain::Int(1)), ("z", Plain::Null)]), "a:\n    b # c\n", "a:\n    x: 1 # c\n    z: null\n"),
        ("a[0]", map(&[("x", Plain::Int(1)), ("k", text("z"))]), "a:\n  - b # c\n", "a:\n  - x: 1 # c\n    k: z\n"),
        ("a[0]", map(&[("x", Plain::Int(1)), ("k", text("z"))]), "a:\n  -\n  - b\n", "a:\n  - x: 1\n    k: z\n  - b\n"),
        ("a", text("x"), "a: # c\n  - b\n  - d\n\n# e\nf: 1\n", "a: x # c\n\n# e\nf: 1\n"),
        ("a", Plain::Seq(Vec::new()), "a: !override\n  - b\nc: 1\n", "a: !override []\nc: 1\n"),
        ("a", seq(&["x", "w"]), "a: !override\n    - b\nc: 1\n", "a: !override\n    - x\n    - w\nc: 1\n"),
        ("a", map(&[("x", Plain::Int(1))]), "a:\n- b\n- c\nd: {}", "a:\n  x: 1\nd: {}"),
        ("a[0]", text("x"), "a:\n  - b: 1\n    c: 2\n  - d\n", "a:\n  - x\n  - d\n"),
        ("a", text("one\ntwo"), "a: |\n  b\n  c\n\nd: 1\n", "a: \"one\\ntwo\"\n\nd: 1\n"),
        ("a", seq(&["x"]), "a: >-\n  b\n  c\n\nd: 1\n", "a:\n  - x\n\nd: 1\n"),
        ("a[0]", Plain::Int(1), "a:\n  - |\n    b\n  - c\n", "a:\n  - 1\n  - c\n"),
        ("a", text("w"), "a: &x b # c\nd: 1\n", "a: &x w # c\nd: 1\n"),
        ("b", text("w"), "a: &x b\nb: *x # c\n", "a: &x b\nb: w # c\n"),
    ] {
        let now = done(before, &[set(at, value.clone())]);
        assert_eq!(now, after);
        assert_eq!(done(&now, &[set(at, value)]), after, "it is so already");
    }
}

#[test]
fn entries_and_items_are_removed_with_their_comments() {
    for (at, before, after) in [
        ("a", "a: 1 # c\nb: 2\n", "b: 2\n"),
        ("b", "a: 1\nb: 2 # c\n", "a: 1\n"),
        ("b", "a: 1\nb: 2", "a: 1"),
        ("b", "a: 1\r\nb:\r\n  - x\r\n  # y\r\nc: 1\r\n", "a: 1\r\nc: 1\r\n"),
        ("s.b", "s:\n  a: 1\n\n  # b\n  b: 1\n\n  # c\n  c: 1\n", "s:\n  a: 1\n\n\n  # c\n  c: 1\n"),
        ("s.b", "s:\n  # both\n  b: 1\n  c: 1\n", "s:\n  # both\n  c: 1\n"),
        ("s.b", "s:\n  a: 1\n  # of nothing\n\n  b: 1\n", "s:\n  a: 1\n  # of nothing\n\n"),
        ("a[0]", "a:\n  - x\n  - y\n", "a:\n  - y\n"),
        ("a[1]", "a:\n- x\n-\n  y: 1\n- z\n", "a:\n- x\n- z\n"),
        ("a[1]", "a:\n- |\n  x\n- # c\n  y: 1\n-\n", "a:\n- |\n  x\n-\n"),
        ("a[0].x", "a:\n  - x: 1\n    y: 2\n", "a:\n  - y: 2\n"),
        ("a[0].x", "a:\n  - x: 1 # c\n\n    # about y\n    y: 2\n", "a:\n  - # about y\n    y: 2\n"),
        ("a[0].y", "a:\n  - x: 1\n    y: 2\n  - z\n", "a:\n  - x: 1\n  - z\n"),
        ("a.b", "a: # c\n  # d\n  b: 1 # e\nf: 1\n", "a: {} # c\nf: 1\n"),
        ("a[0]", "a:\n- b: 1\n  c: 2", "a: []"),
        ("a.b", "a:\n\n  b: 1", "a: {}"),
        ("a[0].x", "a:\n  - x: 1 # c\n  - y\n", "a:\n  - {}\n  - y\n"),
        ("a", "# top\n\na: 1\n", "# top\n\n{}\n"),
        ("b", "a: 1\n&k b: 2\nc: 1\n", "a: 1\nc: 1\n"),
    ] {
        assert_eq!(done(before, &[remove(at)]), after);
    }
}

#[test]
fn operations_side_by_side_do_not_disturb_each_other() {
    let source = "s:\n  w:\n    i: x\n    e:\n      - A\n      - B\n  # d\n  d: {i: y}\n";
    let all = [add("s", "num", Plain::Int(1)), add("s.w", "u", Plain::Int(2)), append("s.w.e", "C"), add("s.d", "k", text("v"))];
    let after = "s:\n  w:\n    i: x\n    e:\n      - A\n      - B\n      - C\n    u: 2\n  # d\n  d: {i: y, k: v}\n  num: 1\n";
    assert_eq!(done(source, &all), after);
    let mut backwards = all.to_vec();
    backwards.reverse();
    assert_eq!(done(source, &backwards), after);
    for (operations, before, after) in [
        (
            vec![remove("w.e"), add("w", "u", Plain::Int(2)), add("", "num", Plain::Int(3))],
            "w:\n  i: x\n  e: y\n",
            "w:\n  i: x\n  u: 2\nnum: 3\n",
        ),
        (vec![remove("w.e"), add("", "num", Plain::Int(3))], "w:\n  i: x\n  # c\n  e: y", "w:\n  i: x\nnum: 3"),
        (vec![remove("w.e"), remove("w.i"), add("w", "u", Plain::Int(2))], "w: # c\n  i: x\n  e: y\nz: 1\n", "w: # c\n  u: 2\nz: 1\n"),
        (vec![remove("w[0]"), remove("w[1]"), append("w", "u")], "w:\n  - i\n  - e\n  - o", "w:\n  - o\n  - u"),
        (vec![remove("w[0].a"), remove("w[0].b")], "w:\n  - a: 1\n    b: 2\n    c: 3\n", "w:\n  - c: 3\n"),
        (vec![remove("b"), remove("c"), append("a", "u")], "a:\n  - x\n# both\nb: 1\nc: 1\n\nd: 1\n", "a:\n  - x\n  - u\n\nd: 1\n"),
        (vec![set("a.b", text("v")), add("a", "k", text("w"))], "a:\n  b: >-\n    x\n\nc: 1\n", "a:\n  b: >-\n    v\n  k: w\n\nc: 1\n"),
        (vec![set("a", seq(&["x"])), add("", "z", Plain::Int(1))], "a: # c\n", "a: # c\n  - x\nz: 1\n"),
        (vec![set("a.b", text("w")), add("a", "c", Plain::Null), add("", "z", Plain::Int(1))], "a: {b: x}", "a: {b: w, c: null}\nz: 1"),
    ] {
        assert_eq!(done(before, &operations), after);
    }
}

#[test]
fn documents_are_apart() {
    let second = Operation { document: 1, place: place("a"), what: What::Add { key: "k".into(), value: text("v") } };
    let source = "a:\n  b: 1\n---\na:\n  b: 1\n...\n# end\n";
    assert_eq!(done(source, &[second]), "a:\n  b: 1\n---\na:\n  b: 1\n  k: v\n...\n# end\n");
}
