//! What is written and what is refused, without an engine.

use xtask::cancel::Cancel;
use xtask::event::Silent;
use xtask::tasks::Context;
use xtask::tasks::dockerfile_prod::{Standing, standing};

use super::super::support::{Project, tree};
use super::contexts::{NODE, SERVER, small, unproven, written};

const BUILT: &str = "services:\n  web: {build: web}\n";

#[test]
fn without_an_engine_nothing_is_touched() {
    let project = small(BUILT);
    for args in [&["dockerfile-prod", "--yes"][..], &["dockerfile-prod", "--dry-run"], &["migrate", "--phase", "4", "--yes"]] {
        project.leaves_alone(project.xtask(args), 3, &["guard engine"]);
    }
}

#[test]
fn files_are_written_once_and_go_with_a_rollback() {
    let project = small(BUILT);
    let before = tree::contents(project.root());
    let outcome = unproven(&project, &["--format", "json"]).run().exits(0).json();
    let report = &outcome["result"]["report"];
    assert_eq!((&report["services"], report["changed"].as_array().unwrap().len()), (&serde_json::json!(["web"]), 2), "{report:#}");
    assert!(report["not_proven"][0].as_str().unwrap().contains("an engine"), "{report:#}");
    let text = project.read("web/Dockerfile.prod");
    assert!(text.starts_with("# Written by cargo xtask dockerfile-prod; sha256 ") && text.contains("USER 10001:10001\n"), "{text}");
    assert!(project.read("web/.dockerignore").contains("\n**/.env\n"));
    // What is as it was written needs no engine to be left alone.
    project.leaves_alone(project.xtask(&["migrate", "--phase", "4", "--yes"]), 0, &["Holds"]);
    project.xtask(&["rollback", "--yes"]).run().exits(0);
    tree::assert_same(&before, &tree::contents(project.root()), "a rollback takes the files away");
}

#[test]
fn what_somebody_wrote_is_never_overwritten() {
    let project = small(BUILT);
    project.write("web/Dockerfile.prod", "FROM mine\n");
    project.leaves_alone(unproven(&project, &[]), 3, &["guard own-files", "web/Dockerfile.prod was not written by this tool"]);
    std::fs::remove_file(project.path("web/Dockerfile.prod")).unwrap();
    project.write("web/.dockerignore", "*.tmp\n");
    written(&project);
    assert_eq!(project.read("web/.dockerignore"), "*.tmp\n");
    assert!(project.has("web/Dockerfile.prod.dockerignore"));
    // Nothing new is to be written, so a change of somebody's is nobody's trouble yet.
    project.write("web/src/server.js", &SERVER.replace("/health'", "/livez'"));
    project.write("web/Dockerfile.prod", &project.read("web/Dockerfile.prod").replace("EXPOSE 3000", "EXPOSE 3001"));
    project.leaves_alone(unproven(&project, &["--allow-dirty"]), 3, &["web/Dockerfile.prod was changed since this tool wrote it"]);
}

#[test]
fn a_build_that_needs_what_would_be_hidden_goes_on_as_before() {
    let project = small(BUILT);
    project.write("web/Dockerfile", &NODE.replace("COPY src", "COPY README.md ./\nCOPY src")).write("web/README.md", "");
    written(&project);
    assert!(!project.has("web/.dockerignore") && project.has("web/Dockerfile.prod.dockerignore"));
}

#[test]
fn another_language_is_refused_by_name_and_can_be_left_out() {
    let project = small("services:\n  web: {build: web}\n  jobs: {build: jobs}\n");
    project.write("jobs/Dockerfile", "FROM golang:1.22\n").write("jobs/go.mod", "module jobs\n");
    project.commit_all();
    project.leaves_alone(unproven(&project, &[]), 3, &["jobs is written in Go; Node and Python are known", "skip: true"]);
    project.write("xtask.yaml", "dockerfile-prod:\n  services:\n    jobs: {skip: true}\n");
    written(&project);
    assert!(project.has("web/Dockerfile.prod") && !project.has("jobs/Dockerfile.prod"));
}

#[test]
fn what_cannot_be_told_is_asked_and_the_settings_answer() {
    let project = Project::with(&[
        ("compose.yaml", BUILT),
        ("web/Dockerfile", "FROM node\nCOPY . .\nCMD npm start\n"),
        ("web/server.js", "require('http').createServer().listen(7)"),
    ]);
    let asked = ["which means another image tomorrow", "nothing tells what web starts", "nothing tells what web answers"];
    project.leaves_alone(unproven(&project, &[]), 3, &asked);
    project.write(
        "xtask.yaml",
        "dockerfile-prod:\n  services:\n    web: {base: 'node:18-alpine', entry: [node, server.js], port: 7000, health: /up}\n",
    );
    written(&project);
    let text = project.read("web/Dockerfile.prod");
    for line in ["FROM node:18-alpine AS production\n", "EXPOSE 7000\n", "path:'/up'", "CMD [\"node\", \"server.js\"]\n"] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn no_secret_gets_into_a_dockerfile() {
    let canary = "command-canary-9Rf3xC";
    let compose = format!(
        "services:\n  web:\n    build: web\n    command: [node, src/server.js, {canary}]\n    environment: {{API_TOKEN: {canary}}}\n"
    );
    let project = small(&compose).hides(&[canary]);
    let refused = ["guard no-secrets", "web/Dockerfile.prod would hold a secret of the project"];
    project.leaves_alone(unproven(&project, &[]), 3, &refused);
    // One that only the Dockerfile has.
    let project = small(BUILT).hides(&[canary]);
    project.write("web/Dockerfile", &NODE.replace("server.js\"]", &format!("server.js\", \"--token={canary}\"]")));
    project.leaves_alone(unproven(&project, &[]), 3, &refused);
}

#[test]
fn how_the_phase_stands_is_told_without_a_change() {
    let project = small(BUILT);
    let stands = || {
        let (cancel, no) = (Cancel::default(), |_: &str| Ok(false));
        let cx = Context::open(project.root(), &Silent, &cancel, true, &no).unwrap();
        standing(&cx, &[]).unwrap()
    };
    let open = ["web/Dockerfile.prod", "web/.dockerignore"].map(String::from).to_vec();
    assert_eq!(stands(), Standing { open, ..Standing::default() });
    written(&project);
    assert_eq!(stands(), Standing { held: vec!["web".into()], ..Standing::default() });
    project.write("web/src/server.js", &SERVER.replace("/health'", "/livez'"));
    assert_eq!(stands().open, ["web/Dockerfile.prod"]);
}
