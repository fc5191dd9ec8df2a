//! On the engine: what holds stays, what does not leaves nothing behind.

use std::process::{Command, Stdio};

use xtask::engine::Engine;

use super::super::engine_support::{Sandbox, sandbox};
use super::super::support::{Outcome, Project, tree};
use super::contexts::{NODE, SERVER, small};

const SECRET: &str = "live-canary-4Tg7Vw";

fn compose(extra: &str) -> String {
    format!(
        "services:\n  web:\n    build: web\n    image: node:18-bookworm-slim\n    command: [node, --watch, src/server.js]\n    environment: {{DB_PASSWORD: {SECRET}}}\n{extra}"
    )
}

fn run(project: &Project, args: &[&str]) -> Outcome {
    project.xtask(&[&["dockerfile-prod", "--yes"], args].concat()).with_docker().run()
}

/// Nothing of any run of this project is on the engine.
fn nothing_is_left(sandbox: &Sandbox, project: &Project) {
    for run in std::fs::read_dir(project.path(".xtask/runs")).unwrap() {
        let run = run.unwrap().file_name().into_string().unwrap();
        let label = [("xtask.run", run.as_str())];
        assert_eq!(sandbox.docker.containers(&label).unwrap(), [], "{run}");
        assert_eq!((sandbox.docker.networks(&label).unwrap().len(), sandbox.docker.volumes(&label).unwrap().len()), (0, 0), "{run}");
        let short = run.rsplit('-').next().unwrap().to_string();
        let images = sandbox.docker.images("xtask.local/dockerfile-prod/").unwrap();
        assert!(images.iter().flat_map(|image| &image.tags).all(|tag| !tag.ends_with(&format!(":{short}"))), "{images:?}");
    }
}

/// Packages by Yarn 4, which the project keeps beside itself, with hooks for developers.
fn berry(project: &Project) {
    let package = r#"{"name": "berry", "version": "1.0.0", "packageManager": "yarn@4.9.2", "scripts": {"prepare": "husky install"}, "dependencies": {"ms": "2.1.3"}, "devDependencies": {"husky": "9.1.7"}}"#;
    let lock = r#"__metadata:
  version: 8
  cacheKey: 10c0

"berry@workspace:.":
  version: 0.0.0-use.local
  resolution: "berry@workspace:."
  dependencies:
    husky: "npm:9.1.7"
    ms: "npm:2.1.3"
  languageName: unknown
  linkType: soft

"husky@npm:9.1.7":
  version: 9.1.7
  resolution: "husky@npm:9.1.7"
  bin:
    husky: bin.js
  checksum: 10c0/35bb110a71086c48906aa7cd3ed4913fb913823715359d65e32e0b964cb1e255593b0ae8014a5005c66a68e6fa66c38dcfa8056dbbdfb8b0187c0ffe7ee3a58f
  languageName: node
  linkType: hard

"ms@npm:2.1.3":
  version: 2.1.3
  resolution: "ms@npm:2.1.3"
  checksum: 10c0/d924b57e7312b3b63ad21fc5b3dc0af5e78d61a1fc7cfb5457edaf26326bf62be5307cc87ffb6862ef1c2b33b0233cdb5d4f01c4c958cc0d660948b65a287a48
  languageName: node
  linkType: hard
"#;
    project.write("berry/package.json", package).write("berry/yarn.lock", lock).write("berry/Dockerfile", NODE);
    project.write("berry/.yarnrc.yml", "nodeLinker: node-modules\nyarnPath: .yarn/releases/yarn-4.9.2.cjs\n");
    project.write("berry/src/server.js", &format!("require('ms');\n{SERVER}"));
}

#[test]
fn an_image_that_holds_is_measured_and_its_files_stay() {
    let Some(sandbox) = sandbox("p4-good") else { return };
    let more = "    volumes: ['./web/src:/app/src:ro']
  worker:
    build: web
    command: [node, src/worker.js]
    healthcheck: {test: [CMD, test, -e, /tmp/works]}
  berry: {build: berry}
";
    let project = small(&compose(more)).hides(&[SECRET]);
    project
        .write("web/.env", "TOKEN=x\n")
        .write("web/src/worker.js", "require('fs').writeFileSync('/tmp/works', ''); setInterval(() => 0, 999);");
    berry(&project);
    let before = tree::contents(project.root());
    let report = run(&project, &["--format", "json"]).exits(0).json()["result"]["report"].clone();
    let proven = report["proven"].to_string();
    for word in [
        "what the image of web holds",
        "rehearsal of",
        "web-1 healthy",
        "worker-1 healthy",
        "what the image of berry holds",
        "berry-1 healthy",
    ] {
        assert!(proven.contains(word), "{report:#}");
    }
    assert_eq!(report["not_proven"], serde_json::json!([]), "{report:#}");
    let image = report["images"].as_array().unwrap().iter().find(|image| image["service"] == "web").unwrap();
    assert!(image["bytes"].as_u64() >= image["before_bytes"].as_u64() && image["before_bytes"].as_u64() > Some(1_000_000), "{image}");
    nothing_is_left(&sandbox, &project);
    assert!(project.has("web/Dockerfile.prod"));
    run(&project, &[]).exits(0).says(&["Holds"]);
    project.xtask(&["rollback", "--yes"]).with_docker().run().exits(0);
    tree::assert_same(&before, &tree::contents(project.root()), "a rollback takes the files away");
}

#[test]
fn an_image_that_does_not_hold_leaves_nothing() {
    let Some(sandbox) = sandbox("p4-bad") else { return };
    // It wants to write where nobody may, and tells what it was given.
    let writes = SERVER.replace(
        "const http",
        "console.log('given', process.env.DB_PASSWORD);\nrequire('fs').writeFileSync('/app/cache', '');\nconst http",
    );
    let package = r#"{"name": "web", "main": "dist/server.js", "scripts": {"build": "echo said-by-the-build && exit 3"}}"#;
    let fails_to_build = NODE.replace("CMD [\"node\", \"src/server.js\"]\n", "");
    for (files, words) in [
        (vec![("web/src/server.js", writes.as_str())], ["everything was put back", "read-only file system"]),
        (vec![("web/package.json", package), ("web/Dockerfile", &fails_to_build)], ["everything was put back", "said-by-the-build"]),
    ] {
        let project = small(&compose("")).hides(&[SECRET]);
        for (path, text) in files {
            project.write(path, text);
        }
        let before = tree::contents(project.root());
        run(&project, &[]).exits(4).says(&words);
        tree::assert_same(&before, &tree::contents(project.root()), "what does not hold is put back");
        nothing_is_left(&sandbox, &project);
    }
}

/// Node and Python, with a database and a store that they ask before they say that they are well.
#[test]
fn the_agent_platform_gets_its_images() {
    let Some(sandbox) = sandbox("p4-agent") else { return };
    let project = Project::copy_of(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks/agent"));
    let report = run(&project, &["--format", "json"]).exits(0).json()["result"]["report"].clone();
    assert_eq!(report["services"], serde_json::json!(["gateway", "indexer", "orchestrator"]), "{report:#}");
    // The engine has none of the present images: they are built to be compared with, and go again.
    let images = report["images"].as_array().unwrap();
    assert!(images.len() == 3 && images.iter().all(|image| image["before_bytes"].as_u64() > Some(1_000_000)), "{report:#}");
    let proven = report["proven"].to_string();
    for service in ["gateway", "indexer", "orchestrator"] {
        assert!(
            proven.contains(&format!("-{service}-1 healthy")) && project.has(&format!("services/{service}/Dockerfile.prod")),
            "{report:#}"
        );
    }
    project.commit_all();
    run(&project, &["--activate"]).exits(0).says(&["prod/indexer builds with Dockerfile.prod"]);
    run(&project, &["--activate"]).exits(0).says(&["Holds"]);
    nothing_is_left(&sandbox, &project);
}

#[test]
fn a_base_image_is_pinned_by_the_digest_that_its_registry_knows() {
    let (Some(sandbox), Ok(registry)) = (sandbox("p4-pin"), std::env::var("XTASK_RIG_REGISTRY")) else { return };
    let base = format!("{registry}/{}/node:18", sandbox.project);
    let docker = |args: &[&str]| assert!(Command::new("docker").args(args).stdout(Stdio::null()).status().unwrap().success(), "{args:?}");
    docker(&["tag", "node:18-bookworm-slim", &base]);
    docker(&["push", "--quiet", &base]);
    let project = small("services:\n  web: {build: web}\n");
    project.write("web/Dockerfile", &NODE.replace("node:18-bookworm-slim", &base));
    run(&project, &[]).exits(0);
    let digests = sandbox.docker.image(&base).unwrap().unwrap().digests;
    let digest = digests.iter().find_map(|name| name.strip_prefix(&base.replace(":18", "@"))).unwrap().to_string();
    docker(&["image", "rm", &base]);
    let text = project.read("web/Dockerfile.prod");
    assert!(text.contains(&format!("FROM {base}@{digest} AS production\n")), "{text}");
    // What was pinned stays: neither the engine nor the registry is asked again.
    run(&project, &[]).exits(0).says(&["Holds"]);
    nothing_is_left(&sandbox, &project);
}
