//! The example stacks through all phases, and back.

use std::path::Path;

use super::holds;
use crate::support::{Project, judge, tree};

fn example(name: &str) -> Project {
    let project = Project::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks").join(name));
    if project.has(".env.example") {
        project.write(".env", &project.read(".env.example"));
    }
    project
}

fn all_phases_and_back(name: &str, refused: bool) -> Project {
    let project = example(name).hides(&["qC2PGZabxfjgoLse2MiLs8X2wKKoVDeF", "cVJUjBx7FTut49F45jDs3KW6SyvIdBBYHQa8T1IDY8NJIk7Y"]);
    let before = tree::contents(project.root());
    if refused {
        project.xtask(&["migrate", "--all", "--yes"]).run().exits(3).says(&[
            "conflicting-variables",
            "LOG_LEVEL",
            "APP_TITLE",
            "WEBHOOK_SECRET",
        ]);
    }
    let all = ["migrate", "--all", "--yes", "--on-conflict", "keep-file"];
    let proven = if judge::installed() { project.xtask(&all).with_docker().run() } else { project.xtask(&all).run() };
    let judged = if judge::installed() { "from the root and from elsewhere" } else { "not proven" };
    proven.exits(0).says(&["every stack renders as before", judged]);
    project.xtask(&["migrate", "--status"]).run().exits(0).says(&["Done phase 1", "Done phase 2"]);
    project.leaves_alone(project.xtask(&all), 0, &[]);
    holds(&project);
    let migrated = tree::contents(project.root());
    for _ in 0..2 {
        project.xtask(&["rollback", "--yes"]).run().exits(0);
    }
    tree::assert_same(&before, &tree::contents(project.root()), "rolled back");
    project.xtask(&all).run().exits(0);
    tree::assert_same(&migrated, &tree::contents(project.root()), "the same again");
    project
}

#[test]
fn trading_reads_everything_from_the_root() {
    let project = all_phases_and_back("trading", true);
    let apps = project.read("tools/compose/docker-compose.apps.yml");
    assert!(!apps.contains("docker.env"));
    assert!(apps.contains("- LOG_LEVEL=warn\n"), "who loaded the other file keeps its value");
    assert!(apps.contains("- WEBHOOK_SECRET=${DOCKER_WEBHOOK_SECRET:?"), "a secret is named and not written");
    let env = project.read(".env");
    assert!(env.contains("# --- config/docker.env\n# Settings that every container shares.") && env.contains("\nREQUEST_TIMEOUT=30s\n"));
    assert_eq!(project.env(".env")["LOG_LEVEL"], "info");
}

#[test]
fn agent_gets_its_variables_and_their_example() {
    let project = all_phases_and_back("agent", false);
    let env = project.env(".env");
    assert_eq!(env["REGISTRY"], "registry.agent.example/platform");
    assert!(!env.contains_key("TAG"), "a release's tag is given to each deploy");
    let example = project.read(".env.example");
    assert!(
        example.contains(
            "# used by gateway, indexer, orchestrator; default registry.agent.example/platform\nREGISTRY=registry.agent.example/platform\n"
        ),
        "{example}"
    );
    assert!(example.contains("; default latest\n# TAG=\n"));
}
