//! `history --env`: which variables changed when, by whom; never a value.

use serde_json::{Value, json};

use super::phase_2;
use crate::support::Project;

const COMPOSE: &str = "name: shop\nservices:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: canary-he-7Kq2Wz9x\n      POSTGRES_DB: shop\n    env_file: config/docker.env\n";

fn history(project: &Project) -> Vec<Value> {
    let document = project.xtask(&["history", "--env", "--format", "json"]).run().exits(0).json();
    document["result"].as_array().unwrap_or_else(|| panic!("{document}")).clone()
}

/// `FILE: service/+NAME ~NAME`, by which task.
fn short(change: &Value) -> String {
    let variables = change["variables"].as_array().unwrap().iter().map(|one| {
        let service = one["service"].as_str().map_or_else(String::new, |service| format!("{service}/"));
        format!("{service}{} {}", one["name"].as_str().unwrap(), one["how"].as_str().unwrap())
    });
    let task = change["task"].as_str().unwrap_or("by hand");
    format!("{task}, {}: {}", change["file"].as_str().unwrap(), variables.collect::<Vec<_>>().join(", "))
}

#[test]
fn variables_are_told_by_run_and_by_hand_and_by_name_only() {
    let files =
        [("compose.yaml", COMPOSE), ("config/docker.env", "API_TOKEN=canary-he-tok-5Rt8\nLOG=info\n"), (".gitignore", "*.env\n.env\n")];
    let project = Project::with(&files).hides(&["canary-he"]);
    assert_eq!(history(&project), Vec::<Value>::new());
    project.migrated(&[]);
    let first: Vec<String> = history(&project).iter().map(short).collect();
    assert!(first.contains(&"security-fix, compose.yaml: db/POSTGRES_PASSWORD changed".to_string()), "{first:?}");
    let home = first.iter().find(|line| line.starts_with("security-fix, .env: ")).unwrap_or_else(|| panic!("{first:?}"));
    assert!(home.ends_with("PASSWORD added"), "{home}");

    project.write(".env", &format!("{}EXTRA=canary-he-by-hand\n", project.read(".env")));
    let found = history(&project);
    let last = found.last().unwrap();
    assert_eq!(short(last), "by hand, .env: EXTRA added");
    assert_eq!([&last["run"], &last["who"], &last["standing"]], [&json!(null); 3]);

    phase_2(&project, &["--allow-dirty"], 0);
    let found = history(&project);
    let lines: Vec<String> = found.iter().map(short).collect();
    let by_hand = lines.iter().position(|line| line == "by hand, .env: EXTRA added").unwrap_or_else(|| panic!("{lines:?}"));
    let merged =
        lines.iter().position(|line| line == "env-standardize, .env: API_TOKEN added, LOG added").unwrap_or_else(|| panic!("{lines:?}"));
    assert!(by_hand < merged, "{lines:?}");
    assert_eq!(found[merged]["standing"], "committed");
    assert!(found[merged]["who"].as_str().unwrap().contains('@') && found[merged]["run"].as_str().unwrap().contains("env-standardize"));
    project.xtask(&["history", "--env"]).run().exits(0).says(&["WHEN", "by hand", "+EXTRA", "+API_TOKEN +LOG", "db: ~POSTGRES_PASSWORD"]);

    project.xtask(&["rollback", "--yes"]).run().exits(0);
    let lines: Vec<String> = history(&project).iter().map(short).collect();
    assert!(lines.contains(&"rollback, .env: API_TOKEN removed, LOG removed".to_string()), "{lines:?}");
}

#[test]
fn copies_that_have_expired_are_said_and_not_guessed() {
    let project =
        Project::with(&[("compose.yaml", COMPOSE), ("config/docker.env", "LOG=info\n"), (".gitignore", ".env\n")]).hides(&["canary-he"]);
    project.migrated(&[]);
    let run = history(&project)[0]["run"].as_str().unwrap().to_string();
    std::fs::remove_dir_all(project.path(&format!(".xtask/runs/{run}/blobs"))).unwrap();
    let found = history(&project);
    assert!(!found.is_empty());
    for change in &found {
        assert_eq!(change["variables"], json!([]));
        assert!(change["unknown"].as_str().unwrap().contains("expired"), "{change}");
    }
    project.xtask(&["history", "--env"]).run().exits(0).says(&["not known: the copies that the run kept have expired"]);
    project.xtask(&["history", "--env", "--releases"]).run().exits(2);
}
