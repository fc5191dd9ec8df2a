//! The example stacks through all phases, and back.

use std::path::Path;
use std::process::{Command, Stdio};

use super::holds;
use crate::support::{Project, judge, tree};

fn example(name: &str) -> Project {
    let project = Project::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks").join(name));
    if project.has(".env.example") {
        project.write(".env", &project.read(".env.example"));
    }
    project
}

fn engine() -> bool {
    let answers = Command::new("docker").arg("info").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let answers = answers.is_ok_and(|status| status.success());
    assert!(answers || std::env::var_os("XTASK_REQUIRE_ENGINE").is_none(), "no engine answers");
    answers
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
    let mut all = vec!["migrate", "--all", "--yes", "--on-conflict", "keep-file"];
    let judged = if judge::installed() { "from the root and from elsewhere" } else { "not proven" };
    // The images of phase 4 are built and started.
    let live = engine();
    if !live {
        all.extend(["--skip", "4"]);
    }
    let carry_out = || project.xtask(&all).with_docker().run().exits(0);
    carry_out().says(&["every stack renders as before", judged]);
    let status = project.xtask(&["migrate", "--status"]).run().exits(i32::from(!live));
    status.says(&["Done phase 1", "Done phase 2", if live { "Done phase 4" } else { "Pending phase 4" }]);
    project.leaves_alone(project.xtask(&all), 0, &[]);
    holds(&project);
    let migrated = tree::contents(project.root());
    for _ in 0..if live { 3 } else { 2 } {
        project.xtask(&["rollback", "--yes"]).run().exits(0);
    }
    tree::assert_same(&before, &tree::contents(project.root()), "rolled back");
    carry_out();
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
