//! The bytes of files: line endings, byte order marks, links, permissions.

use std::os::unix::fs::PermissionsExt;

use crate::support::Project;

const DB: &str = "services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: one-good-secret # note\n";

fn project() -> Project {
    Project::of(DB).hides(&["one-good-secret"])
}

#[test]
fn crlf_stays_crlf_in_every_file() {
    let project =
        Project::with(&[("compose.yaml", &DB.replace('\n', "\r\n")), (".gitignore", "node_modules/\r\n"), (".env.example", "A=1\r\n")])
            .hides(&["one-good-secret"]);
    project.migrated(&[]);
    for path in ["compose.yaml", ".gitignore", ".env.example"] {
        let text = project.read(path);
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{path}: {text:?}");
    }
    assert!(project.read("compose.yaml").contains("${DB_PASSWORD:?set DB_PASSWORD in .env} # note\r\n"));
    assert!(!project.git(&["status", "--porcelain"]).contains(".env\n"), "git understands the ignore file");
}

#[test]
fn a_byte_order_mark_stays() {
    let project = Project::of(&format!("\u{feff}{DB}")).hides(&["one-good-secret"]);
    project.migrated(&[]);
    let text = project.read("compose.yaml");
    assert!(text.starts_with("\u{feff}services:"));
    assert_eq!(text, format!("\u{feff}{}", DB.replace("one-good-secret", "${DB_PASSWORD:?set DB_PASSWORD in .env}")));
}

#[test]
fn no_newline_at_the_end_stays_so() {
    let project = Project::of(DB.trim_end()).hides(&["one-good-secret"]);
    project.migrated(&[]);
    assert!(project.read("compose.yaml").ends_with("# note"));
}

#[test]
fn modes_are_kept_and_the_env_file_is_made_private() {
    let project = Project::with(&[("compose.yaml", DB), (".gitignore", ".env\n")]).hides(&["one-good-secret"]);
    project.write(".env", "A=1\n");
    std::fs::set_permissions(project.path("compose.yaml"), std::fs::Permissions::from_mode(0o664)).unwrap();
    std::fs::set_permissions(project.path(".env"), std::fs::Permissions::from_mode(0o644)).unwrap();
    project.migrated(&[]);
    assert_eq!((project.mode("compose.yaml"), project.mode(".env")), (0o664, 0o600));
}

#[test]
fn a_read_only_compose_file_is_refused() {
    let project = project();
    std::fs::set_permissions(project.path("compose.yaml"), std::fs::Permissions::from_mode(0o444)).unwrap();
    project.refuses(&[], 3, &["writable-files", "compose.yaml is read-only"]);
}

#[test]
fn a_linked_compose_file_is_refused() {
    let project = Project::with(&[("real.yaml", DB)]).hides(&["one-good-secret"]);
    std::os::unix::fs::symlink("real.yaml", project.path("compose.yaml")).unwrap();
    project.commit_all();
    project.refuses(&[], 3, &["writable-files", "compose.yaml is a symbolic link"]);
}

#[test]
fn a_compose_file_with_two_names_is_refused() {
    let project = project();
    std::fs::hard_link(project.path("compose.yaml"), project.path("second-name")).unwrap();
    project.refuses(&[], 3, &["writable-files", "compose.yaml has several names"]);
}

#[test]
fn a_linked_root_env_file_is_refused() {
    let project = Project::with(&[("compose.yaml", DB), (".gitignore", ".env\nlocal.txt\n")]).hides(&["one-good-secret"]);
    project.write("local.txt", "A=1\n");
    std::os::unix::fs::symlink("local.txt", project.path(".env")).unwrap();
    project.refuses(&[], 3, &["writable-files", ".env is a symbolic link"]);
}

#[test]
fn an_env_file_with_two_names_is_refused() {
    let project = Project::with(&[("compose.yaml", DB), (".gitignore", ".env\nlocal.txt\n")]).hides(&["one-good-secret"]);
    project.write("local.txt", "A=1\n");
    std::fs::hard_link(project.path("local.txt"), project.path(".env")).unwrap();
    project.refuses(&[], 3, &["writable-files", ".env has several names"]);
}

#[test]
fn a_folder_called_env_is_refused() {
    let project = Project::with(&[("compose.yaml", DB), (".gitignore", ".env\n")]).hides(&["one-good-secret"]);
    std::fs::create_dir(project.path(".env")).unwrap();
    let outcome = project.call_migrate(&[]).run();
    assert!(matches!(outcome.code, 2 | 3), "{outcome}");
    assert_eq!(project.read("compose.yaml"), DB);
}

#[test]
fn every_byte_outside_the_credentials_stays() {
    let odd = "# head\n\n---\nservices:   # all\n    db:\n        'image' : \"postgres:15\"\n\n        environment:   \n            # why\n            POSTGRES_PASSWORD  :   one-good-secret\t# note  \n\n        ports: [ '5432:5432' , ]\n...\n";
    let project = Project::of(odd).hides(&["one-good-secret"]);
    project.migrated(&[]);
    assert_eq!(project.read("compose.yaml"), odd.replace("one-good-secret", "${DB_PASSWORD:?set DB_PASSWORD in .env}"));
}

/// A pipe or a device in the place of a file must not make anybody wait.
#[test]
fn a_pipe_is_not_waited_for() {
    let project = project();
    nix::unistd::mkfifo(&project.path(".env"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    project.migrate(&[]).exits(2).says(&["pipe or a device"]);
}

#[test]
fn a_folder_with_a_pattern_for_a_name_is_ignored() {
    let own = "services:\n  web:\n    image: nginx\n    environment:\n      API_KEY: another-good-secret\n      TZ: ${TZ:-UTC}\n";
    let project = Project::with(&[("a[1]*/compose.yaml", own), ("compose.yaml", DB), (".gitignore", "/.env\n")])
        .hides(&["one-good-secret", "another-good-secret"]);
    project.write(".env", "TZ=Europe/Paris\n");
    project.migrated(&[]);
    assert!(!project.git(&["status", "--porcelain"]).contains("/.env"), "{}", project.read(".gitignore"));
}

#[test]
fn what_git_would_take_after_all_is_put_back() {
    let own = "services:\n  web:\n    image: nginx\n    environment:\n      API_KEY: another-good-secret\n      TZ: ${TZ:-UTC}\n";
    let project = Project::with(&[("app/compose.yaml", own), ("app/.gitignore", "!.env\n"), (".gitignore", "/.env\n")])
        .hides(&["another-good-secret"]);
    project.write(".env", "TZ=Europe/Paris\n");
    project.migrate(&[]).exits(4).says(&["git does not ignore app/.env"]);
    assert!(!project.has("app/.env"));
}

#[test]
fn an_env_file_that_others_may_read_is_closed_and_the_plan_says_so() {
    let project = Project::of("services:\n  db:\n    image: postgres:15\n    environment:\n      POSTGRES_PASSWORD: one-good-secret\n");
    project.write(".gitignore", "/.env\n").write(".env", "TZ=UTC\n").commit_all();
    std::fs::set_permissions(project.path(".env"), std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    project.migrated(&[]).says(&[".env becomes its owner's alone (0600)"]);
    assert_eq!(project.mode(".env"), 0o600);
    project.xtask(&["rollback", "--yes"]).run().exits(0);
    assert_eq!(project.mode(".env"), 0o640);
}
