//! What variables are called, and which places share one.

use crate::support::Project;

fn db(environment: &str) -> String {
    format!("services:\n  db:\n    image: postgres:15\n    environment:\n{environment}")
}

#[test]
fn named_after_service_and_key() {
    let project = Project::of(&db("      POSTGRES_PASSWORD: one-good-secret\n")).hides(&["one-good-secret"]);
    project.migrated(&[]);
    assert!(project.read("compose.yaml").contains("POSTGRES_PASSWORD: ${DB_PASSWORD:?set DB_PASSWORD in .env}\n"));
    assert_eq!(project.env(".env")["DB_PASSWORD"], "one-good-secret");
    assert_eq!(project.mode(".env"), 0o600);
    assert!(project.read(".env.example").contains("# used by db\nDB_PASSWORD=\n"));
    assert!(project.read(".gitignore").contains("/.env\n"));
    assert!(!project.git(&["status", "--porcelain"]).contains("?? .env\n"));
}

#[test]
fn two_services_that_share_admin_get_two_variables() {
    let project = Project::of(
        "services:\n  grafana:\n    image: grafana/grafana\n    environment:\n      GF_SECURITY_ADMIN_PASSWORD: admin\n  \
         db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: admin\n",
    );
    project.migrated(&[]);
    let env = project.env(".env");
    assert_eq!(env.len(), 2, "{env:?}");
    assert!(env.values().all(|value| value == "admin"));
}

#[test]
fn one_service_name_and_admin_in_two_projects_are_two_credentials() {
    let stack = db("      POSTGRES_PASSWORD: admin\n");
    let project = Project::with(&[("one/compose.yaml", &stack), ("two/compose.yaml", &stack)]);
    let outcome = project.migrated(&[]);
    let names: Vec<String> = project.env(".env").into_keys().collect();
    assert_eq!(names, ["DB_PASSWORD", "TWO_DB_PASSWORD"]);
    let of_two = outcome.stdout.split("Burned TWO_DB_PASSWORD").nth(1).unwrap();
    assert!(of_two.contains("docker compose -f two/compose.yaml exec db"), "{outcome}");
    assert!(project.read("two/compose.yaml").contains("${TWO_DB_PASSWORD:?"));
}

#[test]
fn a_url_s_password_is_the_variable_of_its_host() {
    let project = Project::of(
        "services:\n  app:\n    image: app\n    environment:\n      - DATABASE_URL=postgres://shop:Zx81-kq@store:5432/shop?sslmode=disable\n  \
         db:\n    image: postgres:15\n    container_name: store\n    environment:\n      POSTGRES_PASSWORD: \"Zx81-kq\" # local\n",
    )
    .hides(&["Zx81-kq"]);
    project.migrated(&[]);
    let text = project.read("compose.yaml");
    assert!(text.contains("postgres://shop:${DB_PASSWORD:?set DB_PASSWORD in .env}@store:5432/shop?sslmode=disable\n"), "{text}");
    assert!(text.contains("POSTGRES_PASSWORD: \"${DB_PASSWORD:?set DB_PASSWORD in .env}\" # local\n"), "{text}");
    assert_eq!(project.env(".env").len(), 1);
}

#[test]
fn a_percent_encoded_password_in_a_url_keeps_its_encoding() {
    let project = Project::of(
        "services:\n  app:\n    image: app\n    environment:\n      DATABASE_URL: postgres://shop:p%40ss%2Fw0rd-x@db/shop\n  \
         db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: p@ss/w0rd-x\n",
    )
    .hides(&["p%40ss%2Fw0rd-x", "p@ss/w0rd-x"]);
    project.migrated(&[]);
    let env = project.env(".env");
    let values: Vec<&str> = env.values().map(String::as_str).collect();
    assert!(values.contains(&"p%40ss%2Fw0rd-x") && values.contains(&"p@ss/w0rd-x"), "the two forms need two variables: {env:?}");
}

#[test]
fn an_existing_variable_of_that_value_wins() {
    let project = Project::of(&db("      POSTGRES_PASSWORD: one-good-secret\n")).hides(&["one-good-secret"]);
    project.write(".gitignore", "/.env\n").write(".env", "STORE_PW=one-good-secret\n").commit_all();
    project.migrated(&[]);
    assert!(project.read("compose.yaml").contains("${STORE_PW:?set STORE_PW in .env}"));
    assert_eq!(project.read(".env"), "STORE_PW=one-good-secret\n", "nothing has to be added");
}

#[test]
fn a_name_with_another_value_is_not_taken() {
    let project = Project::of(&db("      POSTGRES_PASSWORD: one-good-secret\n")).hides(&["one-good-secret", "another-secret"]);
    project.write(".gitignore", "/.env\n").write(".env", "DB_PASSWORD=another-secret\n").commit_all();
    project.migrated(&[]);
    let env = project.env(".env");
    assert_eq!(env["DB_PASSWORD"], "another-secret");
    assert_eq!(env["SHOP_DB_PASSWORD"], "one-good-secret");
}

#[test]
fn a_default_becomes_required_and_keeps_its_name() {
    let project = Project::of(&db("      POSTGRES_PASSWORD: ${PG_PASS:-guest}\n"));
    project.migrated(&[]);
    assert!(project.read("compose.yaml").contains("POSTGRES_PASSWORD: ${PG_PASS:?set PG_PASS in .env}\n"));
    assert_eq!(project.env(".env")["PG_PASS"], "guest");
}

#[test]
fn a_default_whose_variable_is_set_only_loses_the_default() {
    let project = Project::of(&db("      POSTGRES_PASSWORD: ${PG_PASS:-guest}\n")).hides(&["really-set-here"]);
    project.write(".gitignore", "/.env\n").write(".env", "PG_PASS=really-set-here\n").commit_all();
    project.migrated(&[]);
    assert!(project.read("compose.yaml").contains("POSTGRES_PASSWORD: ${PG_PASS:?set PG_PASS in .env}\n"));
    assert_eq!(project.read(".env"), "PG_PASS=really-set-here\n");
}

#[test]
fn one_variable_with_two_defaults_in_two_stacks_becomes_two() {
    let stack = |default: &str| db(&format!("      POSTGRES_PASSWORD: ${{PG_PASS:-{default}}}\n"));
    let project = Project::with(&[("a/compose.yaml", &stack("first-default")), ("b/compose.yaml", &stack("second-default"))])
        .hides(&["first-default", "second-default"]);
    project.migrated(&[]);
    let of = |stack: &str| {
        let text = project.read(&format!("{stack}/compose.yaml"));
        let name = text.split("${").nth(1).unwrap().split(':').next().unwrap().to_string();
        (project.env(&format!("{stack}/.env"))[&name].clone(), name)
    };
    let ((first, one), (second, two)) = (of("a"), of("b"));
    assert_eq!((first.as_str(), second.as_str()), ("first-default", "second-default"));
    assert_ne!(one, two);
}

#[test]
fn a_passthrough_entry_elsewhere_would_pick_the_name_up() {
    let other = "services:\n  job:\n    image: job\n    environment:\n      - DB_PASSWORD\n";
    let project = Project::with(&[("compose.yaml", &db("      POSTGRES_PASSWORD: one-good-secret\n")), ("compose.jobs.yaml", other)]);
    project.hides(&["one-good-secret"]).migrated(&[]);
}

#[test]
fn a_second_run_after_a_new_credential_reuses_what_is_there() {
    let project = Project::of(&db("      POSTGRES_PASSWORD: one-good-secret\n")).hides(&["one-good-secret", "second-secret"]);
    project.migrated(&[]);
    // Uncommitted, but as our run left it, so it is not dirty; a hand-made change is.
    let text = project.read("compose.yaml") + "      API_TOKEN: second-secret-9f8e7d6c5b4a\n";
    project.write("compose.yaml", &text);
    project.refuses(&[], 3, &["clean-files", "compose.yaml"]);
    project.migrated(&["--allow-dirty"]);
    let env = project.env(".env");
    assert_eq!(env.len(), 2, "{env:?}");
    assert_eq!(env["DB_API_TOKEN"], "second-secret-9f8e7d6c5b4a");
    assert_eq!(project.read(".env").matches("# Credentials").count(), 1, "one heading, not one a run:\n{}", project.read(".env"));
}
