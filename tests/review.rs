//! The review of the agent platform says what a review by hand said, in every format.

#[path = "audit_html/browser.rs"]
#[allow(dead_code, reason = "no picture is taken here")]
mod browser;
mod support;

use std::path::Path;

use browser::Browser;
use serde_json::Value;
use support::Project;

/// Copies of the platform's two files; what they hold in the open must not be shown.
fn agent() -> Project {
    Project::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks/agent")).hides(&[
        "dev-local-passphrase",
        "dev-secret",
        "replace-me",
    ])
}

fn review(project: &Project) -> Value {
    project.xtask(&["review", "--format", "json"]).run().exits(0).json()["result"].clone()
}

fn statuses<'v>(review: &'v Value, list: &str) -> Vec<(&'v str, &'v str)> {
    let all = review[list].as_array().unwrap();
    all.iter().map(|one| (one["name"].as_str().unwrap(), one["status"].as_str().unwrap())).collect()
}

#[test]
fn the_requirements_are_met_as_the_review_by_hand_says() {
    let review = review(&agent());
    let wanted = [
        ("Non-root execution", "partial"),
        ("Read-only filesystem", "partial"),
        ("Secrets management", "fail"),
        ("Network isolation", "fail"),
        ("Resource limits", "fail"),
        ("Health checks", "partial"),
        ("Least privilege", "partial"),
        ("Observability", "partial"),
    ];
    assert_eq!(statuses(&review, "compliance"), wanted);
    assert_eq!(review["status"], "fail");
}

#[test]
fn dev_stands_beside_prod_in_ten_aspects() {
    let review = review(&agent());
    let pairs = review["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 1);
    let wanted = [
        ("Images", "pass"),
        ("Security options", "partial"),
        ("Read-only root", "partial"),
        ("Health checks", "partial"),
        ("Depends on", "pass"),
        ("Port exposure", "partial"),
        ("Secrets", "fail"),
        ("Network isolation", "fail"),
        ("Resource limits", "fail"),
        ("Restart policy", "pass"),
    ];
    assert_eq!(statuses(&pairs[0], "aspects"), wanted);
    let aspect = |number: usize| pairs[0]["aspects"][number]["sides"].as_array().unwrap().clone();
    assert_eq!(aspect(0), ["3 built from source, 6 from a registry", "9 from a registry"]);
    assert_eq!(aspect(1), ["6 of 9 services", "all 9 services"]);
    assert_eq!(aspect(6), ["8 written out, 0 defaults, 0 secrets as files", "0 written out, 7 defaults, 0 secrets as files"]);
}

#[test]
fn every_section_is_there_and_the_ticks_are_earned() {
    let project = agent();
    let text = project.xtask(&["review"]).run().exits(0).stdout;
    let sections = ["Summary", "Development and production", "Findings by category", "Recommendations", "Hardening checklist"];
    for section in sections.iter().chain(&["From development to production", "Compliance"]) {
        assert_eq!(text.matches(&format!("\n## {section}\n")).count(), 1, "{section}");
    }
    assert!((1..=10).all(|number| text.contains(&format!("\n### {number}. "))), "a category is missing");
    assert!(["P0", "P1", "P2", "P3"].iter().all(|priority| text.contains(&format!("\n### {priority}: "))), "a priority is missing");
    for line in [
        "- [x] No-new-privileges on all services\n",
        "- [ ] All capabilities dropped: all 9 services\n",
        "- [ ] A tmpfs where a read-only service writes: `gateway`, `indexer`, `orchestrator`\n",
        "- [ ] No default passwords: `langfuse`, `orchestrator`, `postgres`, `rabbitmq`\n",
        "- no process gains rights that it was not started with: all 9 services of prod\n",
        "$ cargo xtask audit --fix=no-new-privileges --apply\n",
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    // Dev's policy does not ask for it, yet the review shows it.
    assert!(
        text.contains("logs grow until the disk is full (`no-log-rotation`): all 9 services; the policy of this role does not ask for it")
    );
    assert_eq!(project.xtask(&["review", "--format", "markdown"]).run().exits(0).stdout, text);
}

#[test]
fn a_hardened_stack_is_ready_and_one_role_is_one_column() {
    let service = "    user: '999:999'\n    read_only: true\n    tmpfs: [/tmp]\n    cap_drop: [ALL]\n    security_opt: [no-new-privileges:true, apparmor=docker-default]\n";
    let limits = "    mem_limit: 64m\n    cpus: 0.5\n    pids_limit: 64\n    ulimits: {nofile: 1024}\n    restart: unless-stopped\n    labels: {org.example.part: web, org.example.environment: prod, org.example.version: '1'}\n";
    let rest = "    logging: {driver: json-file, options: {max-size: 10m, max-file: '3'}}\n    healthcheck: {test: [CMD, 'true'], interval: 10s}\n    networks: [front]\n";
    let image = "registry.example/web:1.2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let text = format!("services:\n  web:\n    image: {image}\n{service}{limits}{rest}networks: {{front: {{internal: true}}}}\n");
    let review = review(&Project::with(&[("compose.prod.yaml", &text)]));
    assert!(statuses(&review, "compliance").iter().all(|(_, status)| *status == "pass"), "{:#}", review["compliance"]);
    assert!(review["pairs"][0]["aspects"].as_array().unwrap().iter().all(|aspect| aspect["sides"].as_array().unwrap().len() == 1));
    assert_eq!(review["summary"][0], "Ready for production.");
}

#[test]
fn nothing_is_praised_of_which_a_worse_rule_speaks() {
    let base = "services:\n  api:\n    image: app:1\n    privileged: true\n    depends_on: [web]\n  web:\n    image: web:1\n    user: root\n    ports: ['8080:80']\n";
    let dev = "services:\n  web:\n    ports: ['8081:81']\n";
    let project = Project::with(&[("compose.yaml", base), ("compose.dev.yaml", dev)]);
    let text = project.xtask(&["review"]).run().exits(0).stdout;
    for praise in [
        "- capabilities are dropped",
        "- a profile confines the container",
        "- the root file system is read-only",
        "- the user is declared",
        "- dependencies are waited for until they are healthy: all",
    ] {
        assert!(!text.contains(praise), "{praise} in {text}");
    }
    for line in [
        "- [ ] Read-only root filesystem: all 2 services\n",
        "prod is reached on every interface: `web`",
        "- prod, critical: a container has every right of the host (`privileged-container`): `api`\n",
        "- dev, high: a container has every right of the host (`privileged-container`): `api`\n",
        "1 port of 1 service, 1 on all interfaces",
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
}

#[test]
fn what_cannot_be_read_is_said_first() {
    let project = Project::with(&[("compose.yaml", "services:\n  web: {image: 'x:1'}\n"), ("b/compose.yaml", "services: [\n")]);
    let text = project.xtask(&["review"]).run().exits(2).stdout;
    assert!(text.find("## Not reviewed") < text.find("## Summary") && text.contains("- `b`: "), "{text}");
}

#[test]
fn the_page_holds_in_a_browser() {
    let Some(browser) = Browser::find() else { return };
    let page = agent().xtask(&["review", "--format", "html"]).run().exits(0).stdout;
    let dom = browser.dom(&page, "");
    assert_eq!((dom.matches("<h2>").count(), dom.matches("<script").count()), (7, 0));
    assert!(dom.matches("class=\"badge fail\"").count() >= 6 && dom.contains("<span class=\"added\">+    cap_drop:</span>"), "{dom}");
}
