//! How a value reaches the stack whose users call it from its own folder.

use crate::support::{Project, judge as compose};

const DB: &str = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: one-good-secret\n";

fn project(files: &[(&str, &str)]) -> Project {
    Project::with(files).hides(&["one-good-secret"])
}

/// Users' own call, where Compose is there to be asked.
fn users_call_gives(project: &Project, file: &str, password: &str) {
    if compose::installed() {
        let absolute = project.path(file).display().to_string();
        let model = compose::config(project.elsewhere(), &[&absolute]).unwrap();
        assert_eq!(compose::environment(&model, "db", "POSTGRES_PASSWORD"), password);
    }
}

#[test]
fn the_root_folder_s_stack_needs_none() {
    let project = project(&[("compose.yaml", DB)]);
    project.migrated(&[]);
    assert!(project.has(".env"));
    assert_eq!(project.git(&["status", "--porcelain"]), " M compose.yaml\n?? .env.example\n?? .gitignore\n");
    users_call_gives(&project, "compose.yaml", "one-good-secret");
}

#[test]
fn a_link_to_the_root_s_env_file_where_the_stack_renders_equal_under_it() {
    let project = project(&[("tools/db/compose.yaml", DB), (".gitignore", ".env\n")]);
    project.write(".env", "UNRELATED=1\n");
    project.migrated(&[]);
    assert_eq!(std::fs::read_link(project.path("tools/db/.env")).unwrap().to_str(), Some("../../.env"));
    assert_eq!(project.env(".env")["DB_PASSWORD"], "one-good-secret");
    users_call_gives(&project, "tools/db/compose.yaml", "one-good-secret");
}

#[test]
fn a_small_env_file_where_the_root_s_would_change_something() {
    let compose = DB.to_string() + "      POSTGRES_DB: ${DB_NAME:-shop}\n";
    let project = project(&[("tools/db/compose.yaml", &compose), (".gitignore", "/.env\n")]);
    project.write(".env", "DB_NAME=other\n");
    project.migrated(&[]);
    assert_eq!(project.read("tools/db/.env").lines().last(), Some("DB_PASSWORD=one-good-secret"));
    assert_eq!(project.mode("tools/db/.env"), 0o600);
    assert!(project.read(".gitignore").contains("/tools/db/.env\n"));
    assert_eq!(project.env(".env")["DB_PASSWORD"], "one-good-secret");
    users_call_gives(&project, "tools/db/compose.yaml", "one-good-secret");
}

#[test]
fn a_link_must_suit_every_stack_of_the_folder_not_only_the_named_one() {
    let beside = "services:\n  web:\n    image: nginx\n    environment:\n      LEVEL: ${LEVEL:-debug}\n";
    let project = project(&[("tools/compose.db.yaml", DB), ("tools/compose.web.yaml", beside), (".gitignore", "/.env\n")]);
    project.write(".env", "LEVEL=info\n");
    project.migrated(&["tools/db"]);
    assert!(!project.path("tools/.env").is_symlink(), "through a link web would see another LEVEL");
    assert_eq!(project.env("tools/.env").into_keys().collect::<Vec<_>>(), ["DB_PASSWORD"]);
}

#[test]
fn a_link_is_chosen_although_a_service_gains_the_new_variable() {
    let loads = DB.to_string() + "    env_file: ../.env\n";
    let project = project(&[("tools/compose.yaml", &loads), (".gitignore", ".env\n")]);
    project.write(".env", "TZ=UTC\n");
    project.migrated(&[]);
    assert!(project.path("tools/.env").is_symlink());
}

#[test]
fn the_folder_s_own_env_file_where_there_is_one() {
    let project = project(&[("tools/db/compose.yaml", DB), (".gitignore", ".env\n")]);
    project.write("tools/db/.env", "TZ=UTC\n");
    project.migrated(&[]);
    assert!(project.read("tools/db/.env").starts_with("TZ=UTC\n"), "what was there stays");
    assert_eq!(project.env("tools/db/.env")["DB_PASSWORD"], "one-good-secret");
    assert_eq!(project.mode("tools/db/.env"), 0o600);
    users_call_gives(&project, "tools/db/compose.yaml", "one-good-secret");
}

#[test]
fn a_link_that_is_there_already_is_used_and_kept() {
    let project = project(&[("tools/db/compose.yaml", DB), (".gitignore", ".env\n")]);
    project.write(".env", "TZ=UTC\n");
    std::os::unix::fs::symlink("../../.env", project.path("tools/db/.env")).unwrap();
    project.migrated(&[]);
    assert!(std::fs::symlink_metadata(project.path("tools/db/.env")).unwrap().is_symlink());
    assert_eq!(project.env(".env")["DB_PASSWORD"], "one-good-secret");
    users_call_gives(&project, "tools/db/compose.yaml", "one-good-secret");
}

#[test]
fn a_link_that_leads_elsewhere_is_refused() {
    let project = project(&[("tools/db/compose.yaml", DB), (".gitignore", ".env\n"), ("other.txt", "TZ=UTC\n")]);
    std::os::unix::fs::symlink("../../other.txt", project.path("tools/db/.env")).unwrap();
    project.refuses(&[], 3, &["reachable-stacks", "tools/db/.env is a link to another file"]);
}

#[test]
fn two_stacks_of_one_folder_share_the_carrier() {
    let other = "services:\n  cache:\n    image: redis:7\n    command: redis-server --requirepass other-good-secret\n";
    let project = project(&[("ops/compose.db.yaml", DB), ("ops/compose.cache.yaml", other)]).hides(&["other-good-secret"]);
    project.migrated(&[]);
    let env = project.env("ops/.env");
    assert_eq!((env["DB_PASSWORD"].as_str(), env["CACHE_PASSWORD"].as_str()), ("one-good-secret", "other-good-secret"));
}

#[test]
fn env_files_that_the_settings_name_are_the_carrier() {
    let settings = "stacks:\n  db:\n    files: [ops/compose.yaml]\n    env_files: [defaults.txt, ops/local.txt]\n";
    let project = project(&[("xtask.yaml", settings), ("ops/compose.yaml", DB), (".gitignore", "local.txt\n"), ("defaults.txt", "A=1\n")]);
    project.write("ops/local.txt", "B=2\n");
    project.migrated(&[]);
    assert_eq!(project.env("ops/local.txt")["DB_PASSWORD"], "one-good-secret");
    assert!(!project.has("ops/.env"), "its users do not read it");
    if compose::installed() {
        let flags = ["--env-file", "defaults.txt", "--env-file", "ops/local.txt"];
        let model = compose::config_with(project.root(), &["ops/compose.yaml"], &flags).unwrap();
        assert_eq!(compose::environment(&model, "db", "POSTGRES_PASSWORD"), "one-good-secret");
    }
}

#[test]
fn settings_that_name_only_tracked_env_files_are_refused() {
    let settings = "stacks:\n  db:\n    files: [ops/compose.yaml]\n    env_files: [defaults.txt]\n";
    let project = project(&[("xtask.yaml", settings), ("ops/compose.yaml", DB), ("defaults.txt", "A=1\n")]);
    project.refuses(&[], 3, &["reachable-stacks", "git tracks every env file that it names"]);
}

#[test]
fn a_service_that_loads_the_file_we_write_is_told_of() {
    let compose =
        "services:\n  db:\n    image: postgres:15\n    env_file: .env\n    environment:\n      POSTGRES_PASSWORD: one-good-secret\n";
    let project = project(&[("compose.yaml", compose), (".gitignore", ".env\n")]);
    project.write(".env", "TZ=UTC\n");
    project.migrated(&[]).says(&["load the env file with their env_file", "db"]);
}

#[test]
fn strict_keeps_new_variables_out_of_every_service() {
    let compose =
        "services:\n  db:\n    image: postgres:15\n    env_file: ../.env\n    environment:\n      POSTGRES_PASSWORD: one-good-secret\n";
    let project = project(&[("ops/compose.yaml", compose), (".gitignore", ".env\n")]);
    project.write(".env", "TZ=UTC\n");
    let outcome = project.migrated(&["--strict"]);
    assert!(!outcome.stderr.contains("load the env file"), "{outcome}");
    assert_eq!(project.read(".env"), "TZ=UTC\n");
    assert_eq!(project.env(".env.secrets")["DB_PASSWORD"], "one-good-secret");
    assert!(!project.git(&["status", "--porcelain"]).contains(".env.secrets"), "git ignores it");
    users_call_gives(&project, "ops/compose.yaml", "one-good-secret");
}
