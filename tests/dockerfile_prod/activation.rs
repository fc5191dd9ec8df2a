//! Production stacks build with what was written, and nothing else of them changes.

use super::super::support::{Project, tree};
use super::contexts::{NODE, SERVER, unproven, written};

const DEV: &str = "services:\n  web: {build: ../web, ports: ['3000:3000']}\n";
const PROD: &str = "# who runs it
services:
  web: # the shop
    image: registry.example.com/web:${TAG:-1}
    environment: {DB_PASSWORD: 'hidden-canary-7Qx'}
  api:
    build: {context: ../web, dockerfile: Dockerfile} # as in dev
    image: registry.example.com/api:1
  db: {image: 'postgres:15'}
";

fn project(prod: &str) -> Project {
    let files = [("dev/compose.dev.yaml", DEV), ("prod/compose.prod.yaml", prod), ("web/Dockerfile", NODE), ("web/src/server.js", SERVER)];
    Project::with(&files).hides(&["hidden-canary-7Qx"])
}

#[test]
fn a_production_stack_builds_with_the_new_files_and_goes_back() {
    let project = project(PROD);
    written(&project);
    project.commit_all();
    let before = tree::contents(project.root());
    // Nothing is written but the compose file, so nothing is to be built.
    let activated = project.xtask(&["dockerfile-prod", "--activate", "--yes", "--format", "json"]).run().exits(0).json();
    let report = &activated["result"]["report"];
    assert_eq!(report["changed"], serde_json::json!(["prod/compose.prod.yaml"]), "{report:#}");
    assert!(report["proven"][0].as_str().unwrap().starts_with("every stack renders as before, but for"), "{report:#}");
    let text = project.read("prod/compose.prod.yaml");
    assert!(text.contains("    build: {context: ../web, dockerfile: Dockerfile.prod} # as in dev\n"), "{text}");
    assert!(text.contains("    build:\n      context: ../web\n      dockerfile: Dockerfile.prod\n"), "{text}");
    assert!(text.starts_with("# who runs it\nservices:\n  web: # the shop\n"), "{text}");
    assert_eq!(project.read("dev/compose.dev.yaml"), DEV);
    project.leaves_alone(project.xtask(&["dockerfile-prod", "--activate", "--yes"]), 0, &["Holds"]);
    project.xtask(&["rollback", "--yes"]).run().exits(0);
    tree::assert_same(&before, &tree::contents(project.root()), "a rollback brings the compose file back");
}

#[test]
fn what_cannot_be_activated_is_refused() {
    let target = PROD.replace("dockerfile: Dockerfile}", "target: app}");
    for (prod, word) in [
        (target.as_str(), "names a target"),
        ("services:\n  db: {image: 'postgres:15'}\n", "no stack that is for production has one of these services"),
    ] {
        let project = project(prod);
        project.write("web/Dockerfile", &NODE.replace("-slim\n", "-slim AS app\n"));
        project.leaves_alone(unproven(&project, &["--activate"]), 3, &["guard activation", word]);
    }
}
