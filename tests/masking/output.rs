//! Standard output and standard error of every command. The search itself is in the builder: every
//! run of a project is searched for what the project hides.

use crate::Canaries;
use crate::support::Project;

#[test]
fn no_way_of_running_phase_1_shows_a_secret() {
    let project = Canaries::project();
    for args in [&["--dry-run"][..], &["--dry-run", "-v"], &["--dry-run", "--format", "json"], &["--dry-run", "-q"]] {
        project.migrate(args).exits(0);
    }
    // Dirty and refused, then carried out.
    project.write("config/app.env", &(project.read("config/app.env") + "# mine\n"));
    project.migrate(&["-v"]).exits(3);
    project.migrate(&["-v", "--allow-dirty"]).exits(0);
    for args in [&["history"][..], &["history", "--format", "json"], &["history", "-v"], &["doctor"], &["doctor", "--format", "json"]] {
        project.xtask(args).run();
    }
    project.migrate(&["-v", "--format", "json"]).exits(0);
}

#[test]
fn render_masks_what_the_files_say_and_what_variables_bring() {
    let project = Canaries::project();
    let before = project.xtask(&["render", "shop"]).run().exits(0);
    assert!(before.stdout.contains("********"));
    project.migrated(&[]);
    let after = project.xtask(&["render", "shop"]).run().exits(0);
    assert!(after.stdout.contains("\"POSTGRES_PASSWORD\": \"********\""), "{after}");
    assert!(after.stdout.contains("\"LEVEL\": \"info\""), "only secrets are masked: {after}");
}

#[test]
fn an_exported_secret_is_not_shown() {
    let project = Canaries::project();
    let canary = "Cexport9Gb5vK2xJ";
    let project = project.hides(&[canary]);
    for name in ["FALLBACK_PASSWORD", "ROOT_PASSWORD", "DB_PASSWORD", "CACHE_PASSWORD"] {
        for args in [&["migrate", "--phase", "1", "--dry-run", "-v"][..], &["render", "shop"], &["doctor"]] {
            project.xtask(args).env(name, canary).run();
        }
    }
}

/// The run as a document for programs, and everything that speaks of it afterwards.
#[test]
fn no_report_of_a_run_shows_a_secret() {
    let project = Canaries::project();
    let run = project.migrate(&["--commit", "--format", "json", "-v"]).exits(0).json();
    assert_eq!(run["exit"], 0);
    for args in [
        &["migrate", "--status"][..],
        &["migrate", "--status", "--format", "json"],
        &["history", "--format", "json"],
        &["rollback", "--dry-run", "-v"],
        &["rollback", "--yes", "--format", "json", "-v"],
        &["history", "-v"],
        &["migrate", "--status", "-v"],
    ] {
        let outcome = project.xtask(args).run();
        assert!(matches!(outcome.code, 0 | 1), "{args:?}: {outcome}");
    }
    assert!(project.read("compose.yaml").contains("Cmap7Kq2vX9zR4tB"), "it was put back");
}

/// Files that cannot be read: the error names the place and never the text.
#[test]
fn a_broken_file_is_named_without_its_text() {
    let db = "services:\n  db:\n    image: postgres:15\n    environment:\n";
    let cases = [
        ("unclosed quote", format!("{db}      POSTGRES_PASSWORD: \"Cmap7Kq2vX9zR4tB\n")),
        ("unclosed flow", format!("{db}      POSTGRES_PASSWORD: [Cmap7Kq2vX9zR4tB\n")),
        ("two colons", format!("{db}      POSTGRES_PASSWORD: Cmap7Kq2vX9zR4tB: x\n")),
        ("bad indent", format!("{db}      POSTGRES_PASSWORD: x\n    Cmap7Kq2vX9zR4tB\n")),
        ("a map for a value", format!("{db}      POSTGRES_PASSWORD: {{Cmap7Kq2vX9zR4tB: x}}\n")),
        ("a list for a value", format!("{db}      POSTGRES_PASSWORD: [Cmap7Kq2vX9zR4tB]\n")),
        ("a list for a name", format!("{db}      - [Cmap7Kq2vX9zR4tB]\n")),
        ("a value as environment", "services:\n  db:\n    image: x\n    environment: Cmap7Kq2vX9zR4tB\n".into()),
        ("a value as service", "services:\n  db: Cmap7Kq2vX9zR4tB\n".into()),
        ("an unknown alias", format!("{db}      POSTGRES_PASSWORD: *Cmap7Kq2vX9zR4tB\n")),
        ("a bad escape", format!("{db}      POSTGRES_PASSWORD: \"Cmap7Kq2vX9zR4tB\\q\"\n")),
        ("a bad template", format!("{db}      POSTGRES_PASSWORD: Cmap7Kq2vX9zR4tB${{\n")),
        ("a template with no name", format!("{db}      POSTGRES_PASSWORD: ${{-Cmap7Kq2vX9zR4tB}}\n")),
        ("an error text that is a secret", format!("{db}      POSTGRES_PASSWORD: ${{PG_PASSWORD:?Cmap7Kq2vX9zR4tB:x}}\n")),
        ("a wrong port", format!("{db}      A: b\n    ports: [\"Cmap7Kq2vX9zR4tB\"]\n")),
        ("a tab", format!("{db}\tPOSTGRES_PASSWORD: Cmap7Kq2vX9zR4tB\n")),
        ("a duplicate", format!("{db}      POSTGRES_PASSWORD: Cmap7Kq2vX9zR4tB\n      POSTGRES_PASSWORD: Cmap7Kq2vX9zR4tB\n")),
        ("a tag", format!("{db}      POSTGRES_PASSWORD: !Cmap7Kq2vX9zR4tB x\n")),
        ("a typed tag", format!("{db}      POSTGRES_PASSWORD: !!int Cmap7Kq2vX9zR4tB\n")),
    ];
    for (name, text) in cases {
        // What a `:?` says is the author's text for people to read.
        let shown = name.starts_with("an error text");
        let project = Project::of(&text);
        let project = if shown { project } else { project.hides(&["Cmap7Kq2vX9zR4tB", "Cmap7Kq2vX9"]) };
        for args in [&["migrate", "--phase", "1", "--yes", "-v"][..], &["render", "shop"]] {
            let outcome = project.xtask(args).run();
            assert!(matches!(outcome.code, 0 | 2 | 3), "{name}: {outcome}");
        }
    }
}

#[test]
fn a_broken_env_file_is_named_without_its_text() {
    let compose = "services:\n  db:\n    image: postgres:15\n    env_file: app.env\n    environment:\n      A: ${A:-b}\n";
    for broken in [
        "DB_PASSWORD='Cenvfile1Lv9eU8r\n",
        "DB_PASSWORD=\"Cenvfile1Lv9eU8r\n",
        "Cenvfile1Lv9eU8r with spaces\n",
        "DB-PASSWORD: Cenvfile1Lv9eU8r\n",
        "DB PASSWORD=Cenvfile1Lv9eU8r\n",
        "DB_PASSWORD=${Cenvfile1Lv9eU8r\n",
    ] {
        for file in [".env", "app.env"] {
            let project =
                Project::with(&[("compose.yaml", compose), ("app.env", "B=1\n"), (".gitignore", "/.env\n")]).hides(&["Cenvfile1Lv9eU8r"]);
            project.write(file, broken).commit_all();
            for args in [&["migrate", "--phase", "1", "--yes", "-v"][..], &["render", "shop"], &["doctor"]] {
                let outcome = project.xtask(args).run();
                assert!(matches!(outcome.code, 0..=3), "{broken:?} in {file}: {outcome}");
            }
        }
    }
}

#[test]
fn broken_settings_are_named_without_their_text() {
    let project = Project::with(&[("compose.yaml", "services: {a: {image: x}}\n"), ("xtask.yaml", "stacks: Cconfig7Qm4cO3pZ\n")]);
    project.hides(&["Cconfig7Qm4cO3pZ"]).migrate(&[]).exits(2);
}
