use proptest::prelude::*;

use super::*;

/// Replaces `from` in the one scalar whose decoded text contains it.
fn put(source: &str, from: &str, to: &str) -> Result<String, Refusal> {
    let documents = read(source, Limits::default()).unwrap();
    let node = holder(&documents[0].root, from).expect("a scalar holds the text");
    verified(source, &[ScalarEdit { span: node.span, text: node.text().unwrap().replace(from, to) }])
}

fn holder<'a>(node: &'a Node, part: &str) -> Option<&'a Node> {
    match &node.data {
        Written::Scalar { text, .. } => text.contains(part).then_some(node),
        Written::Map { entries, .. } => entries.iter().find_map(|entry| holder(&entry.value, part)),
        Written::Seq { items, .. } => items.iter().find_map(|item| holder(item, part)),
        Written::Alias(_) => None,
    }
}

#[test]
fn each_style_keeps_its_quotes_and_everything_around_it() {
    let to = "${X:?set X in .env}";
    for (before, after) in [
        ("a: secret # why\n", "a: ${X:?set X in .env} # why\n"),
        ("a: 'secret' # why\r\nb: 1\r\n", "a: '${X:?set X in .env}' # why\r\nb: 1\r\n"),
        ("\u{feff}a:   \"secret\"\n", "\u{feff}a:   \"${X:?set X in .env}\"\n"),
        ("a: {b: secret, c: 1}\n", "a: {b: '${X:?set X in .env}', c: 1}\n"),
        ("a: [-p, secret]\n", "a: [-p, '${X:?set X in .env}']\n"),
        ("- K=secret\n- L=1", "- K=${X:?set X in .env}\n- L=1"),
        ("- \"K=\\u0061 secret\\t\"\n", "- \"K=\\u0061 ${X:?set X in .env}\\t\"\n"),
        ("- 'it''s secret'\n", "- 'it''s ${X:?set X in .env}'\n"),
        ("a: &x !!str secret\nb: *x\n", "a: &x !!str ${X:?set X in .env}\nb: *x\n"),
        ("a: |\n  one\n  pw=secret  \n  two\n# end\n", "a: |\n  one\n  pw=${X:?set X in .env}  \n  two\n# end\n"),
        ("a: >-\r\n  one\r\n    pw=secret\r\n\r\n  two", "a: >-\r\n  one\r\n    pw=${X:?set X in .env}\r\n\r\n  two"),
        ("a: run\n  --pw secret\n  --on\n", "a: run\n  --pw ${X:?set X in .env}\n  --on\n"),
        ("a: \"run \\\n  --pw secret\n  --on\"\n", "a: \"run \\\n  --pw ${X:?set X in .env}\n  --on\"\n"),
    ] {
        assert_eq!(put(before, "secret", to).unwrap(), after);
    }
}

#[test]
fn a_plain_scalar_is_quoted_only_when_it_must_be() {
    for (to, expected) in [
        ("plain", "plain"),
        ("a: b", "'a: b'"),
        ("a #b", "'a #b'"),
        ("*x", "'*x'"),
        ("%x", "'%x'"),
        ("- x", "'- x'"),
        ("-x", "-x"),
        ("123", "'123'"),
        ("0x1F", "'0x1F'"),
        ("1e3", "'1e3'"),
        ("2001-01-01", "'2001-01-01'"),
        ("22:22", "'22:22'"),
        ("yes", "'yes'"),
        ("null", "'null'"),
        ("", "''"),
        ("it's: so", "\"it's: so\""),
        ("a\tb\n", "\"a\\tb\\n\""),
        ("\u{2028}", "\"\\u2028\""),
        ("üñ", "üñ"),
    ] {
        assert_eq!(put("k: secret # c\nz: 1\n", "secret", to).unwrap(), format!("k: {expected} # c\nz: 1\n"));
    }
}

#[test]
fn a_number_becomes_the_wanted_string() {
    let source = "a: 0123\n";
    let edit = ScalarEdit { span: Span::new(3, 7), text: "0123".into() };
    assert_eq!(verified(source, &[edit]).unwrap(), "a: '0123'\n");
}

#[test]
fn refuses_what_it_cannot_write_and_never_quotes_it() {
    for (source, to) in [
        ("a: |\n  secret\n", "two\nlines"),
        ("a: >\n  secret\n", " leading"),
        ("a: |\n  secret\n", ""),
        ("a: !!int 1\nb: !x secret\n", "x"),
    ] {
        let refusal = put(source, "secret", to).unwrap_err();
        assert!(!refusal.why.contains("secret"), "{}", refusal.why);
    }
    let nowhere = verified("a: b\n", &[ScalarEdit { span: Span::new(0, 1), text: "x".into() }]);
    assert!(nowhere.is_err(), "keys are not changed");
    let twice = [ScalarEdit { span: Span::new(3, 4), text: "x".into() }, ScalarEdit { span: Span::new(3, 4), text: "y".into() }];
    assert_eq!(verified("a: b\n", &twice).unwrap_err().why, "two changes want the same value");
}

#[test]
fn a_part_of_a_text_is_replaced() {
    assert_eq!(replace_within("postgres://u:pw@db/x", 13..15, "${P}"), "postgres://u:${P}@db/x");
}

/// One scalar written in some style, by rules of its own.
fn written(text: &str, style: u8, indent: usize, newline: &str) -> String {
    let pad = " ".repeat(indent);
    let lines = |header: &str| {
        let body: Vec<String> = text.lines().map(|line| format!("{pad}{line}")).collect();
        format!("{header}{newline}{}", body.join(newline))
    };
    match style {
        0 => text.replace('\n', &format!("{newline}{pad}")),
        1 => format!("'{}'", text.replace('\'', "''").replace('\n', &format!("{newline}{pad}"))),
        2 => serde_json::to_string(text).unwrap(),
        3 => lines("|"),
        4 => lines(">"),
        _ => lines("|-"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_is_right_or_refused(
        old in "([a-z0-9:#'\"\\\\$ {},\\[\\]&*!|>%@`?-]{0,8}\n?){1,4}",
        keep in 0usize..8,
        gone in prop_oneof![0usize..4, Just(99)],
        come in "[a-z0-9:#'\"\\\\$ {},\\[\\]&*!|>%@`?=~\t\n\r\u{85}\u{2028}é-]{0,12}",
        style in 0u8..6,
        shape in 0u8..4,
        crlf in any::<bool>(),
    ) {
        let newline = if crlf { "\r\n" } else { "\n" };
        let scalar = written(&old, style, 6, newline);
        let source = match shape {
            0 => format!("# top{newline}k: &a {scalar}{newline}z: [*a, 1] # end{newline}"),
            1 => format!("l:{newline}  - {scalar}{newline}  - x{newline}"),
            2 => format!("m: {{a: {scalar}, b: c}} # end{newline}"),
            _ => format!("m: [{scalar}, \"q\"]{newline}n: 1"),
        };
        let Ok(documents) = read(&source, Limits::default()) else { return Ok(()) };
        let Some(node) = documents.first().and_then(|d| first_value(&d.root)).filter(|node| !node.span.is_empty()) else { return Ok(()) };
        let text = node.text().unwrap();
        let at = |n: usize| text.char_indices().map(|(at, _)| at).nth(n).unwrap_or(text.len());
        let (cut, tail) = (at(keep), at(keep + gone));
        let wanted = ScalarEdit { span: node.span, text: format!("{}{come}{}", &text[..cut], &text[tail..]) };
        if let Ok(result) = verified(&source, std::slice::from_ref(&wanted)) {
            prop_assert_eq!(&result[..node.span.start], &source[..node.span.start]);
            prop_assert!(result.ends_with(&source[node.span.end..]));
            let again = read(&result, Limits::default()).unwrap();
            let node = first_value(&again[0].root).unwrap();
            prop_assert_eq!(node.text().unwrap(), &wanted.text);
            if our_texts(&source).is_some() && our_texts(&source) == other_reader(&source) {
                prop_assert_eq!(other_reader(&result), our_texts(&result), "another reader agrees on {:?}", result);
            }
        }
    }
}

fn first_value(node: &Node) -> Option<&Node> {
    match &node.data {
        Written::Scalar { .. } => Some(node),
        Written::Map { entries, .. } => first_value(&entries.first()?.value),
        Written::Seq { items, .. } => first_value(items.first()?),
        Written::Alias(_) => None,
    }
}

fn our_texts(source: &str) -> Option<Vec<String>> {
    let documents = read(source, Limits::default()).ok()?;
    super::super::expand(&documents[0], 0).ok().map(|value| texts(&value))
}

fn other_reader(source: &str) -> Option<Vec<String>> {
    serde_yaml::from_str(source).ok().map(|value| yaml_texts(&value))
}

fn texts(value: &super::super::Value) -> Vec<String> {
    use super::super::Data;
    match &value.data {
        Data::Str(text) => vec![text.clone()],
        Data::Seq(items) => items.iter().flat_map(texts).collect(),
        Data::Map(fields) => fields.values().flat_map(|field| texts(&field.value)).collect(),
        _ => Vec::new(),
    }
}

fn yaml_texts(value: &serde_yaml::Value) -> Vec<String> {
    match value {
        serde_yaml::Value::String(text) => vec![text.clone()],
        serde_yaml::Value::Sequence(items) => items.iter().flat_map(yaml_texts).collect(),
        serde_yaml::Value::Mapping(map) => map.values().flat_map(yaml_texts).collect(),
        _ => Vec::new(),
    }
}
