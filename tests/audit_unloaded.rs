//! `audit` on stacks that Compose refuses: the gap is told with exit 2, and beside it what the schema does not know.

mod support;

use support::Project;

const REFUSED: &str = "\
services:
  web:
    image: nginx:1.22
    prots: ['80:80']
  db:
    image: postgres:15
    enviroment: {POSTGRES_PASSWORD: hunter2hunter2hunter2}
    ports: 5432
";

#[test]
fn a_refused_file_shows_what_was_meant() {
    let project = Project::of(REFUSED).hides(&["hunter2"]);
    let outcome = project.xtask(&["audit", "--format", "json"]).run().exits(2);
    let result = outcome.json()["result"].clone();
    let found: Vec<String> = result["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            format!("{} {} {}", finding["rule"].as_str().unwrap(), finding["place"].as_str().unwrap(), finding["help"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        found,
        [
            "schema services.web.prots did you mean `ports`?",
            "schema services.db.enviroment did you mean `environment`?",
            "schema services.db.ports write a list",
        ]
    );
    assert_eq!(result["gaps"].as_array().unwrap().len(), 1);
    project.xtask(&["audit"]).run().exits(2).says(&["compose.yaml:4:5", "Compose knows no key `prots` here", "could not be judged"]);
}

#[test]
fn policies_and_comments_hold_there_too() {
    let project = Project::of(&REFUSED.replace("prots: ['80:80']", "prots: ['80:80'] # audit:ignore schema a test until 2999-01-01"));
    project.write("policies/prod.yaml", "rules: {schema: {level: low, exceptions: [{path: services.db.ports, reason: known}]}}\n");
    let result = project.xtask(&["audit", "--format", "json"]).run().exits(2).json()["result"].clone();
    let findings = result["findings"].as_array().unwrap();
    assert_eq!((findings.len(), findings[0]["severity"].as_str()), (1, Some("low")));
    assert_eq!(result["suppressed"].as_array().unwrap().len(), 2);
}

#[test]
fn what_an_overlay_leaves_empty_is_no_slip() {
    let project = Project::of("services:\n  web:\n    image: nginx:1.22\n    prots: []\n");
    project.write("over.yaml", "services:\n  web:\n    ports:\n");
    let outcome = project.xtask(&["audit", "-f", "compose.yaml", "-f", "over.yaml", "--format", "json"]).run().exits(2);
    let places: Vec<String> = outcome.json()["result"]["findings"].as_array().unwrap().iter().map(|f| f["place"].to_string()).collect();
    assert_eq!(places, ["\"services.web.prots\""]);
}

/// Where nothing can be expanded nobody knows what is secret: nothing of the file is shown.
#[test]
fn a_file_that_cannot_be_expanded_stays_unshown() {
    let project = Project::of("services:\n  web: {image: *none, prots: [hunter2hunter2]}\n").hides(&["hunter2"]);
    let outcome = project.xtask(&["audit", "--format", "json"]).run().exits(2);
    assert_eq!(outcome.json()["result"]["findings"].as_array().unwrap().len(), 0);
}
