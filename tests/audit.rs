//! `audit` by the shipped binary: what it looks at, by which rules and policies, and how it exits.

mod support;

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;
use support::{Call, Outcome, Project};

/// Privileged, and nothing else that the tests ask for.
const PRIVILEGED: &str = "services:\n  web:\n    image: nginx:1.22\n    privileged: true\n";
const PLAIN: &str = "services:\n  db:\n    image: postgres:15\n";

const RULE: &[&str] = &["audit", "--format", "json", "--rule", "privileged-container"];

fn call<'p>(project: &'p Project, args: &[&str]) -> Call<'p> {
    project.xtask(&[RULE, args].concat())
}

fn audit(project: &Project, args: &[&str]) -> Outcome {
    call(project, args).run()
}

/// `FILE SEVERITY` of each finding.
fn found(outcome: &Outcome) -> Vec<String> {
    let document = outcome.json();
    let findings = document["result"]["findings"].as_array().unwrap_or_else(|| panic!("{outcome}"));
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_string();
    findings.iter().map(|finding| format!("{} {}", text(finding, "file"), text(finding, "severity"))).collect()
}

fn with_input(call: Call<'_>, input: &str) -> Outcome {
    let mut child = call.command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn standard_input_is_a_stack() {
    let project = Project::with(&[("compose.yaml", PLAIN)]);
    assert_eq!(found(&with_input(call(&project, &["-"]), PRIVILEGED).exits(1)), ["<stdin> critical"]);
    assert_eq!(found(&with_input(call(&project, &["-"]), PLAIN).exits(0)), [""; 0]);
    for input in ["", "services: [", "\u{0}"] {
        let outcome = with_input(call(&project, &["-"]), input).exits(2);
        assert_eq!(outcome.json()["result"]["gaps"][0]["stack"], "<stdin>");
    }
}

#[test]
fn files_named_together_are_one_stack() {
    let over = "services:\n  web:\n    privileged: false\n";
    let project = Project::with(&[("a.yaml", PRIVILEGED), ("b.yaml", over), ("c.yaml", PRIVILEGED)]);
    assert_eq!(found(&audit(&project, &["a.yaml", "c.yaml"]).exits(1)), ["a.yaml critical", "c.yaml critical"]);
    let merged = audit(&project, &["--file", "a.yaml", "--file", "b.yaml"]).exits(0);
    assert_eq!(merged.json()["result"]["stacks"][0]["files"], serde_json::json!(["a.yaml", "b.yaml"]));
    assert_eq!(found(&audit(&project, &["-f", "b.yaml", "-f", "a.yaml"]).exits(1)), ["a.yaml critical"], "the later one counts");
    audit(&project, &["-f", "none.yaml"]).exits(2).says(&["there is no such compose file"]);
}

#[test]
fn a_folder_is_all_that_is_below_it() {
    let project = Project::with(&[
        ("compose.yaml", PLAIN),
        ("a/compose.yaml", PRIVILEGED),
        ("a/b/docker-compose.prod.yml", PRIVILEGED),
        ("a/inner/xtask.yaml", ""),
        ("a/inner/compose.yaml", PRIVILEGED),
        ("empty/notes", ""),
    ]);
    let below = ["a/b/docker-compose.prod.yml critical", "a/compose.yaml critical", "a/inner/compose.yaml critical"];
    assert_eq!(found(&audit(&project, &["a"]).exits(1)), below);
    assert_eq!(found(&audit(&project, &["a/"]).exits(1)), below);
    assert_eq!(found(&audit(&project, &[]).exits(1)), below[..2], "a folder with settings is another project");
    audit(&project, &["empty"]).exits(2).says(&["there is no compose file below empty"]);
    audit(&project, &["nowhere"]).exits(2).says(&["there is no stack `nowhere`"]);
}

#[test]
fn a_broken_file_hides_nothing_of_the_others() {
    let project = Project::with(&[("a/compose.yaml", PRIVILEGED), ("b/compose.yaml", "services: [\n"), ("c/compose.yaml", PRIVILEGED)]);
    for args in [&[][..], &["."], &["--fail-on", "never"]] {
        let outcome = audit(&project, args).exits(2);
        assert_eq!(found(&outcome), ["a/compose.yaml critical", "c/compose.yaml critical"], "{args:?}");
        let gaps = outcome.json()["result"]["gaps"].clone();
        assert!(gaps.as_array().unwrap().len() == 1 && gaps[0]["error"].as_str().unwrap().contains("b/compose.yaml:"), "{gaps}");
    }
    project.xtask(&["audit", "--rule", "privileged-container"]).run().exits(2).says(&["Not read", "b/compose.yaml:", "2 critical"]);
}

#[test]
fn only_the_named_rules_are_asked() {
    let project = Project::with(&[("compose.yaml", PRIVILEGED)]);
    let rules = |args: &[&str]| {
        let outcome = project.xtask(&[&["audit", "--format", "json", "--fail-on", "never"], args].concat()).run().exits(0);
        let findings = outcome.json()["result"]["findings"].as_array().unwrap().clone();
        findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_string()).collect::<std::collections::BTreeSet<_>>()
    };
    let both = ["no-new-privileges".to_string(), "privileged-container".to_string()].into();
    assert_eq!(rules(&["--rule", "privileged-container,no-new-privileges"]), both);
    assert_eq!(rules(&["--rule", "privileged-container", "--rule", "no-new-privileges"]), both);
    assert!(rules(&[]).len() > 2);
    project.xtask(&["audit", "--rule", "privilege-container"]).run().exits(2).says(&["did you mean `privileged-container`?"]);
}

#[test]
fn the_threshold_decides_the_exit_and_nothing_else() {
    let project = Project::with(&[("compose.yaml", PLAIN)]);
    for (level, code) in [("info", 1), ("low", 1), ("medium", 1), ("high", 0), ("critical", 0), ("never", 0)] {
        let args = ["audit", "--format", "json", "--rule", "no-new-privileges", "--fail-on", level];
        assert_eq!(found(&project.xtask(&args).run().exits(code)), ["compose.yaml medium"], "{level}");
    }
    project.xtask(&["audit", "--rule", "no-new-privileges"]).run().exits(0).says(&["1 medium"]);
    project.xtask(&["audit", "--fail-on", "loud"]).run().exits(2);
}

#[test]
fn the_role_comes_from_the_name_unless_it_is_said() {
    let project =
        Project::with(&[("compose.dev.yaml", PRIVILEGED), ("prod/compose.prod.yaml", PRIVILEGED), ("plain/compose.yaml", PRIVILEGED)]);
    let as_named = ["compose.dev.yaml high", "plain/compose.yaml critical", "prod/compose.prod.yaml critical"];
    assert_eq!(found(&audit(&project, &[]).exits(1)), as_named);
    let all = |level: &str| as_named.map(|named| format!("{} {level}", named.split(' ').next().unwrap()));
    assert_eq!(found(&audit(&project, &["--role", "dev"]).exits(1)), all("high"));
    assert_eq!(found(&audit(&project, &["--role", "prod"]).exits(1)), all("critical"));
}

#[test]
fn policies_lie_over_each_other() {
    let project = Project::with(&[
        ("compose.yaml", PRIVILEGED),
        ("policies/prod.yaml", "rules:\n  privileged-container: low\n"),
        ("strict.yaml", "rules:\n  privileged-container: {exceptions: [{service: web, reason: it has to}]}\n"),
        ("wrong.yaml", "rules:\n  privileged-contaner: low\n"),
    ]);
    assert_eq!(found(&audit(&project, &[]).exits(0)), ["compose.yaml low"]);
    let accepted = audit(&project, &["--policy", "strict.yaml"]).exits(0).json();
    assert_eq!(accepted["result"]["suppressed"][0]["suppressed"]["reason"], "it has to");
    assert_eq!(accepted["result"]["suppressed"][0]["severity"], "low", "the project's own policy is below it");
    audit(&project, &["--policy", "wrong.yaml"]).exits(2).says(&[
        "\"path\": \"wrong.yaml\"",
        "\"line\": 2",
        "did you mean `privileged-container`?",
    ]);
    audit(&project, &["--policy", "none.yaml"]).exits(2).says(&["there is no such file"]);
    project.write("policies/prod.yaml", "rules:\n  privileged-container: off\n");
    assert_eq!(found(&audit(&project, &[]).exits(0)), [""; 0]);
}

#[test]
fn an_exception_that_has_ended_is_shown_in_the_policy() {
    let policy = "rules:\n  privileged-container:\n    exceptions:\n      - {service: web, reason: the old kernel, until: 2020-01-31}\n";
    let project = Project::with(&[("compose.yaml", PRIVILEGED), ("policies/prod.yaml", policy)]);
    let outcome = project.xtask(&["audit", "--rule", "privileged-container,invalid-suppression"]).run().exits(1);
    outcome.says(&["policies/prod.yaml:4:9", "an exception from `privileged-container` has ended", "1 critical, 1 high"]);
    let named = audit(&project, &["compose.yaml"]).exits(1);
    assert_eq!(found(&named), ["compose.yaml critical"], "only what was asked for");
}

#[test]
fn the_machine_can_be_described() {
    let project = Project::with(&[("compose.yaml", PLAIN)]);
    for args in [&["--host"][..], &["--host", "8cpu,16g"], &["--host=512m,2cpus"], &["--host", "8cpu,16g", "compose.yaml"]] {
        audit(&project, args).exits(0);
    }
    audit(&project, &["--host", "compose.yaml"]).exits(2).says(&["8cpu,16g"]);
}

#[test]
fn schemas_are_printed_as_they_are_kept() {
    let project = Project::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/schema");
    for name in ["policy", "settings"] {
        let kept = std::fs::read_to_string(folder.join(format!("{name}.schema.json"))).unwrap();
        assert_eq!(project.xtask(&["schema", name]).run().exits(0).stdout, kept);
    }
}

/// The renderer cannot read them; that is said, and they are not passed over.
#[test]
fn names_that_are_no_utf8_are_no_pass() {
    use std::os::unix::ffi::OsStrExt;
    let project = Project::with(&[("compose.yaml", PLAIN)]);
    let name = |bytes: &[u8]| project.root().join(std::ffi::OsStr::from_bytes(bytes));
    std::fs::create_dir(name(b"d\xff")).unwrap();
    std::fs::write(name(b"d\xff/compose.yaml"), PRIVILEGED).unwrap();
    std::fs::write(name(b"compose.\xffprod.yaml"), PRIVILEGED).unwrap();
    let outcome = audit(&project, &[]).exits(2);
    assert_eq!(outcome.json()["result"]["gaps"].as_array().map(Vec::len), Some(2), "{outcome}");
}
