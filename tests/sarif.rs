//! What `--format sarif` prints is valid by the schema of the standard.

#[path = "sarif/schema.rs"]
mod schema;
mod support;

use std::fs;
use std::path::Path;

use schema::faults;
use serde_json::{Value, json};
use support::Project;

fn standard() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/sarif/sarif-schema-2.1.0.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn sarif(project: &Project, code: i32) -> Value {
    project.xtask(&["audit", "--format", "sarif"]).run().exits(code).json()
}

/// Suppressed findings, fixes, spaces in names, a file that is no compose file.
fn everything() -> Project {
    Project::with(&[
        (
            "a b/compose.yaml",
            "services:\n  web:\n    image: nginx:1.22\n    privileged: true # audit:ignore privileged-container it is the lab\n",
        ),
        (
            "compose.yaml",
            "services:\n  db:\n    image: postgres:15\n    environment: {POSTGRES_PASSWORD: hunter2hunter2}\n    privileged: true\n",
        ),
        ("broken/compose.yaml", "services:\n  web: [\n"),
    ])
    .hides(&["hunter2hunter2"])
}

#[test]
fn what_is_printed_is_valid() {
    let standard = standard();
    let agent = Project::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks/agent"));
    let empty = Project::of("services:\n  web: {image: 'nginx:1.22'}\n");
    let whole = sarif(&everything(), 2);
    for log in [&whole, &sarif(&agent, 1), &sarif(&empty, 0)] {
        assert_eq!(faults(&standard, log), Vec::<String>::new());
    }
    let results = whole["runs"][0]["results"].as_array().unwrap();
    let with = |key: &str| results.iter().filter(|result| result.get(key).is_some()).count();
    assert!(with("suppressions") == 1 && with("fixes") > 0, "{whole:#}");
    assert_eq!(whole["runs"][0]["invocations"][0]["toolExecutionNotifications"].as_array().unwrap().len(), 1);
}

/// The validator is one: what breaks the standard does not pass it.
#[test]
fn what_is_not_valid_is_seen() {
    let (standard, whole) = (standard(), sarif(&everything(), 2));
    let broken: [(&str, Value, &str); 7] = [
        ("/version", json!("2.0.0"), ".version: \"2.0.0\" is not one of [\"2.1.0\"]"),
        ("/runs/0/tool/driver/name", json!(7), ".runs[0].tool.driver.name: is no \"string\""),
        ("/runs/0/results/0/level", json!("loud"), ".level: \"loud\" is not one of"),
        ("/runs/0/results/0/message", json!({}), ".message: 0 choices of anyOf hold"),
        ("/runs/0/results/0/ruleIndex", json!(-2), ".ruleIndex: is less than -1"),
        ("/runs/0/results/0/locations/0/physicalLocation/region", json!({"startLine": 0}), ".startLine: is less than 1"),
        ("/runs/0/results/0", json!({"message": {"text": "x"}, "unknown": 1}), ".unknown: is not known"),
    ];
    for (place, value, said) in broken {
        let mut log = whole.clone();
        *log.pointer_mut(place).unwrap() = value;
        let faults = faults(&standard, &log);
        assert!(faults.iter().any(|fault| fault.contains(said)), "{place}: {faults:?}");
    }
}
