//! `audit --fix` by the shipped binary: what it writes, what it proves, and what it leaves alone.

mod support;

use support::Project;

const STACK: &str = "\
# the shop
services:
  web: # in front
    image: nginx:1.22
    restart: \"no\" # by hand

  db:
    image: postgres:15
    security_opt:
      - label:type:db # kept
volumes: {}
";

const FIXED: &str = "\
# the shop
services:
  web: # in front
    image: nginx:1.22
    restart: \"no\" # by hand
    security_opt:
      - no-new-privileges:true

  db:
    image: postgres:15
    security_opt:
      - label:type:db # kept
      - no-new-privileges:true
volumes: {}
";

const RULE: &str = "--fix=no-new-privileges";

fn findings(project: &Project) -> Vec<String> {
    let outcome = project.xtask(&["audit", "--format", "json", "--fail-on", "never"]).run().exits(0);
    let findings = outcome.json()["result"]["findings"].as_array().unwrap().clone();
    findings.iter().map(|finding| format!("{} {}", finding["rule"].as_str().unwrap(), finding["place"].as_str().unwrap())).collect()
}

#[test]
fn showing_touches_nothing() {
    let project = Project::of(STACK);
    project.leaves_alone(project.xtask(&["audit", RULE]), 0, &["+      - no-new-privileges:true", "--apply"]);
    project.leaves_alone(project.xtask(&["audit", RULE, "--apply", "--dry-run"]), 0, &["+      - no-new-privileges:true"]);
}

#[test]
fn fixes_are_written_proven_and_undone() {
    let project = Project::of(STACK);
    let before = findings(&project);
    project.xtask(&["audit", RULE, "--apply", "--yes"]).run().exits(0).says(&["Proven"]);
    assert_eq!(project.read("compose.yaml"), FIXED);
    let gone: Vec<String> = before.iter().filter(|finding| !findings(&project).contains(finding)).cloned().collect();
    assert!(gone.iter().all(|finding| finding.starts_with("no-new-privileges")) && gone.len() == 2, "{gone:?}");
    let again = project.leaves_alone(project.xtask(&["audit", RULE, "--apply", "--yes", "--format", "json"]), 0, &[]);
    assert_eq!(again.json()["result"]["ended"], "nothing-to-do");
    project.xtask(&["rollback", "--yes"]).run().exits(0);
    assert_eq!(project.read("compose.yaml"), STACK);
}

#[test]
fn the_run_is_recorded() {
    let project = Project::of(STACK);
    project.xtask(&["audit", RULE, "--apply", "--yes"]).run().exits(0);
    let history = project.xtask(&["history", "--format", "json"]).run().exits(0).json();
    assert_eq!(history["result"][0]["args"], serde_json::json!([RULE]));
}

#[test]
fn changes_that_git_does_not_know_are_not_mixed_with_ours() {
    let project = Project::of(STACK);
    project.write("compose.yaml", &format!("{STACK}# mine\n"));
    project.leaves_alone(project.xtask(&["audit", RULE, "--apply", "--yes"]), 3, &["clean-files", "--allow-dirty"]);
    project.xtask(&["audit", RULE, "--apply", "--yes", "--allow-dirty"]).run().exits(0);
    assert_eq!(project.read("compose.yaml"), format!("{FIXED}# mine\n"));
}

#[test]
fn one_broken_file_leaves_all_files_alone() {
    let project = Project::with(&[("a/compose.yaml", STACK), ("b/compose.yaml", "services: [\n")]);
    project.leaves_alone(project.xtask(&["audit", RULE, "--apply", "--yes"]), 3, &["stacks-render", "b/compose.yaml:"]);
}

#[test]
fn what_is_shared_through_an_anchor_is_left_by_name() {
    let stack = "x-base: &base\n  image: nginx:1.22\nservices:\n  one: *base\n  two:\n    <<: *base\n";
    let project = Project::of(stack);
    let outcome = project.xtask(&["audit", RULE, "--apply", "--yes", "--format", "json"]).run().exits(0).json();
    let left = outcome["result"]["left"].as_array().unwrap();
    let services: Vec<&str> = left.iter().map(|left| left["finding"]["place"].as_str().unwrap()).collect();
    assert_eq!(services, ["services.one.security_opt"], "{outcome:#}");
    let expected = format!("{stack}    security_opt:\n      - no-new-privileges:true\n");
    assert_eq!(project.read("compose.yaml"), expected);
}

#[test]
fn one_run_is_enough_where_a_service_extends_another() {
    // What is written into `base` reaches `web` too, until `web` says the same itself.
    let stack = "services:\n  base:\n    image: nginx:1.22\n  web:\n    extends: {service: base}\n";
    let project = Project::of(stack);
    let rule = "--fix=no-log-rotation";
    let said = project.xtask(&["audit", rule, "--apply", "--yes", "--format", "json"]).run().exits(0).json();
    assert_eq!(said["result"]["left"], serde_json::json!([]), "{said:#}");
    assert_eq!(project.read("compose.yaml").matches("driver: json-file").count(), 2);
    let again = project.leaves_alone(project.xtask(&["audit", rule, "--apply", "--yes", "--format", "json"]), 0, &[]).json();
    assert_eq!(again["result"]["ended"], "nothing-to-do", "{again:#}");
}

#[test]
fn a_fix_that_another_stack_would_not_survive_is_left() {
    // The overlay takes the option back: what the fix declares does not come true there.
    let project = Project::with(&[
        ("compose.yaml", "services:\n  web:\n    image: nginx:1.22\n    restart: 'no'\n"),
        ("compose.prod.yaml", "services:\n  web:\n    security_opt: [no-new-privileges:false]\n"),
    ]);
    let outcome = project.xtask(&["audit", RULE, "--format", "json", "shop"]).run().exits(0).json();
    let left = outcome["result"]["left"].as_array().unwrap();
    assert_eq!(left.len(), 1, "{outcome:#}");
    assert!(left[0]["why"].as_str().unwrap().contains("prod would render otherwise than declared"), "{outcome:#}");
}

#[test]
fn a_proposal_is_made_when_its_rule_is_named_and_only_then() {
    let stack = "services:\n  web:\n    image: nginx:1.22\n    privileged: true # for now\n    restart: always\n";
    let project = Project::of(stack);
    let all = project.xtask(&["audit", "--fix", "--format", "json"]).run().exits(0).json();
    let fixed = all["result"]["fixed"].as_array().unwrap();
    assert!(fixed.iter().all(|finding| finding["rule"] != "privileged-container"), "{all:#}");
    project.xtask(&["audit", "--fix=privileged-container", "--apply", "--yes"]).run().exits(0);
    assert_eq!(project.read("compose.yaml"), "services:\n  web:\n    image: nginx:1.22\n    restart: always\n");
}

#[test]
fn an_unknown_rule_is_refused_with_the_nearest_name() {
    let project = Project::of(STACK);
    project.leaves_alone(project.xtask(&["audit", "--fix=no-new-privilege"]), 2, &["no-new-privileges"]);
}

#[test]
fn every_safe_fix_of_the_example_stacks_is_made() {
    for stack in ["agent", "trading"] {
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("stacks").join(stack);
        let project = Project::copy_of(&source);
        project.xtask(&["audit", "--fix", "--apply", "--yes"]).run().exits(0);
        let left = project.xtask(&["audit", "--fix", "--format", "json"]).run().exits(0).json();
        assert_eq!(left["result"]["ended"], "nothing-to-do", "{left:#}");
        assert_eq!(left["result"]["left"], serde_json::json!([]), "{left:#}");
    }
}

#[test]
fn names_count_from_where_it_is_called() {
    let project = Project::with(&[("compose.yaml", STACK), ("a/compose.yaml", STACK), ("a/other.yaml", STACK)]);
    for target in [&["compose.yaml"][..], &["-f", "compose.yaml"], &["."]] {
        let call = project.xtask(&[&["-C", "a", "audit", RULE], target].concat()).run().exits(0);
        let diff = |name: &str| call.stdout.matches(name).count();
        assert_eq!((diff("+++ "), diff("compose.yaml")), (1, 2), "{call}");
    }
    project.xtask(&["-C", "a", "audit", RULE, "compose.yaml", "--apply", "--yes"]).run().exits(0);
    assert_eq!(project.read("a/compose.yaml"), FIXED);
    assert_eq!((project.read("compose.yaml"), project.read("a/other.yaml")), (STACK.to_string(), STACK.to_string()));
    project.xtask(&["-C", "a", "audit", RULE, ".", "--apply", "--yes"]).run().exits(0);
    assert_eq!(project.read("compose.yaml"), STACK, "not below the folder");
}

#[test]
fn standard_input_can_be_shown_and_not_written() {
    let project = Project::of(STACK);
    project.leaves_alone(project.xtask(&["audit", RULE, "-", "--apply", "--yes"]), 2, &["standard input is no file"]);
}
