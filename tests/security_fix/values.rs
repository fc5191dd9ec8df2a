//! Values that are hard to quote: what a container got before is what it gets after.

use crate::support::{Project, judge as compose};

/// How it is written after the colon, and what Compose makes of it.
const WRITTEN: &[(&str, &str)] = &[
    ("'it''s-a-secret'", "it's-a-secret"),
    ("\"say \\\"secret\\\" twice\"", "say \"secret\" twice"),
    ("pa$$w-secret", "pa$w-secret"),
    ("'$$$$double'", "$$double"),
    ("\"a\\\\b\\\\\"", "a\\b\\"),
    ("'trailing\\'", "trailing\\"),
    ("'both''and\\'", "both'and\\"),
    ("'hash #inside'", "hash #inside"),
    ("nospace#hash", "nospace#hash"),
    ("'  spaces around  '", "  spaces around  "),
    ("pässwörd-秘密", "pässwörd-秘密"),
    ("\"tab\\tand\\u00e9\"", "tab\tandé"),
    ("|-\n        one-line-block", "one-line-block"),
    ("\"two\\nlines\"", "two\nlines"),
    ("\"broken over\n        two lines\"", "broken over two lines"),
    ("0123", "83"),
    ("1e3", "1000"),
    ("0x1F", "31"),
    ("1_000", "1000"),
    ("1.10", "1.1"),
    ("04150617", "1102223"),
    ("12345678901234567890", "12345678901234567890"),
    ("yes-sir", "yes-sir"),
    ("'yes'", "yes"),
    ("'null-ish'", "null-ish"),
    ("\"a=b;c|d&e<f>g`h`\"", "a=b;c|d&e<f>g`h`"),
    ("'*star'", "*star"),
    ("'${NOT}x'", "x"),
];

fn project() -> Project {
    let mut text = String::from("services:\n  app:\n    image: app\n    environment:\n");
    for (number, (written, _)) in WRITTEN.iter().enumerate() {
        text += &format!("      N{number}_PASSWORD: {written}\n");
    }
    Project::of(&text)
}

/// The model by the binary itself cannot be asked here: `render` masks. So every stored value is
/// looked at, and Compose says the rest where it is there.
#[test]
fn every_value_is_stored_as_it_was_rendered() {
    let project = project();
    let judged = |when: &str| {
        compose::installed().then(|| compose::config(project.root(), &["compose.yaml"]).unwrap_or_else(|error| panic!("{when}: {error}")))
    };
    let before = judged("before");
    project.call_migrate(&[]).may_show_secrets().run().exits(0);
    let env = project.env(".env");
    for (number, (written, expected)) in WRITTEN.iter().enumerate() {
        // `yes` is what every second switch is set to, and a variable that is unset is no secret.
        if matches!(*written, "'yes'" | "'${NOT}x'") {
            continue;
        }
        let stored = env.get(&format!("APP_N{number}_PASSWORD"));
        assert_eq!(stored.map(String::as_str), Some(*expected), "{written}");
    }
    let after = judged("after");
    assert_eq!(before, after);
    if let Some(after) = after {
        for (number, (written, expected)) in WRITTEN.iter().enumerate() {
            assert_eq!(compose::environment(&after, "app", &format!("N{number}_PASSWORD")), *expected, "{written}");
        }
    }
}

/// The same in a list, where the whole `KEY=value` is one scalar.
#[test]
fn values_in_a_list_are_taken_without_quotes_of_their_own() {
    let list = [
        ("- A_PASSWORD=plain-one", "A_PASSWORD", "plain-one"),
        ("- \"B_PASSWORD=dou\\\"ble\"", "B_PASSWORD", "dou\"ble"),
        ("- 'C_PASSWORD=sin''gle'", "C_PASSWORD", "sin'gle"),
        ("- D_PASSWORD=\"kept quotes\"", "D_PASSWORD", "\"kept quotes\""),
        ("- E_PASSWORD=pa$$w=rd", "E_PASSWORD", "pa$w=rd"),
        ("- F_PASSWORD=0123", "F_PASSWORD", "0123"),
    ];
    let mut text = String::from("services:\n  app:\n    image: app\n    environment:\n");
    list.iter().for_each(|(line, _, _)| text += &format!("      {line}\n"));
    let project = Project::of(&text).hides(&["plain-one", "kept quotes", "pa$w=rd"]);
    let before = compose::installed().then(|| compose::config(project.root(), &["compose.yaml"]).unwrap());
    project.migrated(&[]);
    let env = project.env(".env");
    for (line, key, value) in list {
        assert_eq!(env[&format!("APP_{key}")], value, "{line}");
    }
    if let Some(before) = before {
        assert_eq!(before, compose::config(project.root(), &["compose.yaml"]).unwrap());
    }
}

/// In arguments, URLs, labels, build arguments: only the credential is replaced.
#[test]
fn only_the_credential_s_own_bytes_are_replaced() {
    let project = Project::of(
        r#"services:
  cache:
    image: redis:7
    command: ["redis-server", "--requirepass", "Cache-4711!", "--appendonly", 'yes']
    healthcheck:
      test: redis-cli -a Cache-4711! --no-auth-warning ping | grep -q PONG   # fast
    labels:
      - dashboard.password=Board-0815
      - dashboard.user=board
  app:
    image: app
    build:
      context: .
      args:
        NPM_TOKEN: npm_0123456789abcdefghijABCDEFGHIJ012345
    environment:
      CACHE_URL: "redis://:Cache-4711!@cache:6379/0?x=1#frag"
"#,
    )
    .hides(&["Cache-4711!", "Board-0815", "npm_0123456789abcdefghijABCDEFGHIJ012345"]);
    let before = compose::installed().then(|| compose::config(project.root(), &["compose.yaml"]).unwrap());
    project.migrated(&[]);
    let text = project.read("compose.yaml");
    let cache = "${CACHE_PASSWORD:?set CACHE_PASSWORD in .env}";
    for line in [
        format!("    command: [\"redis-server\", \"--requirepass\", \"{cache}\", \"--appendonly\", 'yes']\n"),
        format!("      test: redis-cli -a {cache} --no-auth-warning ping | grep -q PONG   # fast\n"),
        "      - dashboard.password=${CACHE_DASHBOARD_PASSWORD:?set CACHE_DASHBOARD_PASSWORD in .env}\n".to_string(),
        "        NPM_TOKEN: ${APP_NPM_TOKEN:?set APP_NPM_TOKEN in .env}\n".to_string(),
        format!("      CACHE_URL: \"redis://:{cache}@cache:6379/0?x=1#frag\"\n"),
    ] {
        assert!(text.contains(&line), "no {line} in\n{text}");
    }
    if let Some(before) = before {
        assert_eq!(before, compose::config(project.root(), &["compose.yaml"]).unwrap());
    }
}
