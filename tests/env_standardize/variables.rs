//! `env check`, `env template`, `env init`, `env diff`.

use crate::support::Project;

const COMPOSE: &str =
    "services:\n  a:\n    image: x:${IMAGE_TAG}\n    environment:\n      DB_PORT: ${DB_PORT:-5432}\n      KEY: ${KEY:?give one}\n";
const SETTINGS: &str = "environments: {staging: .env.staging, prod: .env.prod}\n";

fn kinds(project: &Project, args: &[&str], code: i32) -> Vec<String> {
    let said = project.xtask(&[&["env", "check", "--format", "json"], args].concat()).run().exits(code).json();
    let problem = |problem: &serde_json::Value| format!("{} {}", problem["kind"].as_str().unwrap(), problem["message"].as_str().unwrap());
    said["result"]["problems"].as_array().unwrap().iter().map(problem).collect()
}

#[test]
fn check_finds_each_kind_of_problem() {
    let files =
        [("compose.yaml", COMPOSE), (".env.example", "# IMAGE_TAG=\nDB_PORT=\n"), ("xtask.yaml", SETTINGS), (".gitignore", ".env*\n")];
    let project = Project::with(&files);
    project.write(".env", "UNUSED=1\nDB_PORT=99999\n");
    let found = kinds(&project, &[], 1);
    for words in [
        "undefined nothing sets `IMAGE_TAG`",
        "undefined `KEY` is required, and nothing sets it",
        "unused no stack that reads this file uses `UNUSED`",
        "invalid `DB_PORT` of `a` cannot be a port",
        "undocumented `KEY` is not named",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(words)), "{words}: {found:#?}");
    }
    project.xtask(&["env", "check"]).run().exits(1).says(&["unused", ".env:1:1", "5 problems"]);
    // An environment's file is laid over the root's.
    project.write(".env", "DB_PORT=5432\nKEY=x\n").write(".env.staging", "IMAGE_TAG=1\n");
    project.write(".env.example", "IMAGE_TAG=\nDB_PORT=\nKEY=\n");
    assert_eq!(kinds(&project, &[], 1), ["undefined nothing sets `IMAGE_TAG`, so that it becomes empty"]);
    assert_eq!(kinds(&project, &["--environment", "staging"], 0), Vec::<String>::new());
    project.xtask(&["env", "check", "--environment", "test"]).run().exits(2).says(&["there is no environment `test`", "staging, prod"]);
}

#[test]
fn check_finds_a_variable_with_two_values() {
    let compose = "services:\n  a: {image: 'x:${LEVEL}', env_file: a.env}\n";
    let project =
        Project::with(&[("compose.yaml", compose), ("a.env", "LEVEL=one-value\n"), (".env.example", "LEVEL=\n"), (".gitignore", ".env\n")]);
    project.write(".env", "LEVEL=other-value\n");
    let project = project.hides(&["one-value", "other-value"]);
    let found = kinds(&project, &[], 1);
    assert_eq!(found, ["conflicting `LEVEL` has one value in .env and another in a.env"]);
}

#[test]
fn template_writes_what_is_missing_once() {
    let project = Project::with(&[("compose.yaml", COMPOSE), (".env.example", "# mine\nKEY=replace-me\n")]);
    project.write(".env", "KEY=canary-key-1\n").write(".gitignore", ".env\n").commit_all();
    let project = project.hides(&["canary-key-1"]);
    project.leaves_alone(project.xtask(&["env", "template", "--check"]), 1, &["+DB_PORT=********"]);
    project.xtask(&["env", "template", "--yes"]).run().exits(0);
    assert_eq!(
        project.read(".env.example"),
        "# mine\n# used by a; required\nKEY=replace-me\n\n# --- Used by the compose files\n# used by a; default 5432\nDB_PORT=5432\n\
         # used by a; required\nIMAGE_TAG=\n"
    );
    project.leaves_alone(project.xtask(&["env", "template", "--check"]), 0, &[]);
    project.xtask(&["rollback", "--yes"]).run().exits(0);
    assert_eq!(project.read(".env.example"), "# mine\nKEY=replace-me\n");
}

#[test]
fn init_makes_secrets_and_never_overwrites() {
    let example = "# the database\nDB_PASSWORD=\nADMIN_PASSWORD=changeme\nOPENAI_API_KEY=\nLEVEL=info\nDSN=\"db://u:${DB_PASSWORD:?}@db\"\n\
                   CACHE_PASSWORD=\nJWT_SECRET=replace-me\nBROKER_API_SECRET=replace-me\nMAIL_PASSWORD=\nRABBITMQ_DEFAULT_PASS=\nMYSQL_ROOT_PASSWORD=\n";
    let compose = "services:
  db: {image: 'postgres:15', environment: ['POSTGRES_PASSWORD=${DB_PASSWORD:?}']}
  cache: {image: 'redis:7', command: 'redis-server --requirepass ${CACHE_PASSWORD:?}'}
  old: {image: 'mysql:8', environment: [MYSQL_ROOT_PASSWORD]}
  queue: {image: 'rabbitmq:3', env_file: .env}
  admin: {image: 'grafana/grafana:10', env_file: admin.env}
  web: {build: ., environment: {DB: '${DB_PASSWORD:?}', MAIL: '${MAIL_PASSWORD:?}', KEY: '${OPENAI_API_KEY:-}'}}
";
    let admin = ("admin.env", "GF_SECURITY_ADMIN_PASSWORD=${ADMIN_PASSWORD:?}\n");
    let project = Project::with(&[("compose.yaml", compose), admin, (".env.example", example), ("xtask.yaml", SETTINGS)]);
    project.leaves_alone(project.xtask(&["env", "init", "--dry-run"]), 0, &["DB_PASSWORD=********"]);
    let to_fill_in = "OPENAI_API_KEY, BROKER_API_SECRET, MAIL_PASSWORD";
    let said = project.xtask(&["env", "init", "--yes"]).run().exits(0).says(&["6 secrets of its own", "Fill in", to_fill_in]);
    let values = project.env(".env");
    let own = ["DB_PASSWORD", "ADMIN_PASSWORD", "CACHE_PASSWORD", "JWT_SECRET", "RABBITMQ_DEFAULT_PASS", "MYSQL_ROOT_PASSWORD"];
    for name in own {
        let secret = &values[name];
        assert!(secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
        assert!(!said.stdout.contains(secret.as_str()) && !said.stderr.contains(secret.as_str()), "{said}");
    }
    assert_ne!(values["DB_PASSWORD"], values["ADMIN_PASSWORD"]);
    // What somebody else issues is empty, and a stand-in is not taken for it.
    for name in ["OPENAI_API_KEY", "BROKER_API_SECRET", "MAIL_PASSWORD"] {
        let required = project.read(".env").contains(&format!("# required, and issued by somebody else: fill it in\n{name}="));
        assert_eq!((values[name].as_str(), required), ("", name != "OPENAI_API_KEY"), "{name}");
    }
    assert_eq!(values["LEVEL"], "info");
    assert!(project.read(".env").starts_with("# the database\nDB_PASSWORD="));
    assert_eq!((project.mode(".env"), project.read(".gitignore").contains("/.env\n")), (0o600, true));
    project.leaves_alone(project.xtask(&["env", "init", "--yes"]), 3, &["new-file", ".env is there already"]);
    project.xtask(&["env", "init", "--environment", "prod", "--yes"]).run().exits(0);
    assert_ne!(project.env(".env.prod")["DB_PASSWORD"], values["DB_PASSWORD"]);
    assert_eq!(project.mode(".env.prod"), 0o600);
    project.xtask(&["rollback", "--yes"]).run().exits(0);
    assert!(!project.has(".env.prod") && project.has(".env"));
}

#[test]
fn init_needs_an_example() {
    let project = Project::of("services: {a: {image: x}}\n");
    project.leaves_alone(project.xtask(&["env", "init", "--yes"]), 2, &["there is no such file", "env template"]);
}

#[test]
fn diff_masks_what_could_be_a_secret() {
    let project =
        Project::with(&[("compose.yaml", "services: {a: {image: x}}\n"), ("xtask.yaml", SETTINGS), (".env.example", "LEVEL=info\n")]);
    project
        .write(".env", "LEVEL=info\nDB_PASSWORD=canary-root-1\nA=1\n")
        .write(".env.staging", "LEVEL=debug\nDB_PASSWORD=canary-stage-1\n");
    project.write(".env.prod", "LEVEL=warn\nURL=http://u:canary-url-1@x/\n");
    let project = project.hides(&["canary-root-1", "canary-stage-1", "canary-url-1"]);
    project.xtask(&["env", "diff"]).run().exits(0).says(&["DB_PASSWORD  ********  -", "A            1         -", "2 variables; 1 equal"]);
    project.xtask(&["env", "diff", "staging"]).run().exits(0).says(&["LEVEL        info      debug", "DB_PASSWORD  ********  ********"]);
    let said = project.xtask(&["env", "diff", "staging", "prod", "--format", "json"]).run().exits(0).json();
    let rows: Vec<&str> = said["result"]["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(rows, ["DB_PASSWORD", "LEVEL", "URL"]);
    project.xtask(&["env", "diff", "test"]).run().exits(2).says(&["there is no environment"]);
}
