//! Containers that say in their logs what nobody may read.

use super::support::{Prod, QUICK, Said, images};

/// The tag is only given by `--tag`, and another stack of the project does not render.
const TALKS: &str = "name: PROJECT
services:
  web:
    image: 'IMAGE:${TAG:?the release}'
    stop_grace_period: 1s
    environment:
      STORE_PASSWORD: '${STORE_PASSWORD}'
      API_TOKEN: '${SHELL_TOKEN:-none}'
      NOTE: 'it has told'
    secrets: [key]
    healthcheck: {test: [CMD, curl, -fsS, 'http://127.0.0.1/'], interval: 1s, timeout: 3s, retries: 3}
    ports: ['PORT:80']
secrets: {key: {file: key.txt}}
";

const FIRST: [&str; 3] = ["canary-pu-env-Lk29", "canary-pu-exp-Wm41", "canary-pu-key-Zx83"];
const LATER: [&str; 3] = ["canary-pu-env-Hh52", "canary-pu-exp-Jr67", "canary-pu-key-Bd90"];

fn talking(test: &str) -> Option<Prod> {
    let prod = Prod::of(test, TALKS, QUICK)?;
    prod.write("compose.broken.yaml", "services:\n  x: {image: 'redis:${NEVER_SET:?say it}'}\n");
    prod.write(
        "xtask.yaml",
        &format!("stacks:\n  shop: {{files: [compose.prod.yaml], role: prod}}\n  broken: {{files: [compose.broken.yaml]}}\n{QUICK}"),
    );
    secrets(&prod, FIRST);
    Some(prod)
}

fn secrets(prod: &Prod, values: [&str; 3]) {
    prod.write(".env", &format!("STORE_PASSWORD={}\n", values[0]));
    prod.write("key.txt", values[2]);
}

/// With the exported variable.
fn run(prod: &Prod, values: [&str; 3], args: &[&str]) -> Said {
    Said::of(&prod.command(prod.root(), args).env("SHELL_TOKEN", values[1]).output().unwrap())
}

fn up(prod: &Prod, values: [&str; 3], args: &[&str]) -> Said {
    run(prod, values, &[&["--yes", "prod-up", "shop"], args].concat())
}

#[test]
fn what_a_failing_container_says_is_shown_without_its_secrets() {
    let Some(prod) = talking("df-talks") else { return };
    // `Said` looks for every canary.
    let shown = ["NOTE=it has told", "STORE_PASSWORD=********", "API_TOKEN=********"];
    up(&prod, FIRST, &["--tag", "talks"]).expect(3, &shown);
    up(&prod, FIRST, &["--tag", "talks", "--no-rehearse"]).expect(4, &shown);
    let json = up(&prod, FIRST, &["--tag", "talks", "--no-rehearse", "--format", "json"]);
    json.expect(4, &["it has told"]);
    assert!(prod.containers().is_empty());
    prod.nothing_left_over();
}

/// An image that serves as it was deployed first, and talks when it is started once more.
const TWICE: &str = "ENTRYPOINT []\nCMD [\"sh\", \"-c\", \"if [ -e /been ]; then env; cat /run/secrets/*; exit 3; fi; touch /been; \
                     exec nginx -g 'daemon off;'\"]";

/// Who is put back may say what was true then, and stands in no file of today.
#[test]
fn what_a_container_says_that_is_put_back_is_shown_without_its_secrets() {
    let Some(prod) = talking("df-twice") else { return };
    let image = format!("{}:twice", images::NAME);
    images::build(&image, TWICE);
    up(&prod, FIRST, &["--tag", "twice", "--no-rehearse"]).expect(0, &[]);
    secrets(&prod, LATER);
    // It cannot be put back by this run, nor by a recovery from a shell that knows nothing.
    let shown = ["NOTE=it has told", "STORE_PASSWORD=********", "API_TOKEN=********"];
    up(&prod, LATER, &["--tag", "talks", "--no-rehearse"]).expect(5, &shown);
    prod.run(&["recover"]).expect(5, &shown);
    std::fs::remove_file(prod.root().join(".env")).unwrap();
    prod.write("key.txt", "canary-pu-key-Third");
    prod.run(&["--format", "json", "recover"]).expect(5, &["it has told"]);
}

/// The release that is gone back to is made from its record.
#[test]
fn what_a_release_says_that_is_gone_back_to_is_shown_without_its_secrets() {
    let Some(prod) = talking("df-past") else { return };
    // Its second start is that of the container which the rollback makes.
    let been = "ENTRYPOINT []\nCMD [\"sh\", \"-c\", \"if [ -e /data/been ]; then env; cat /run/secrets/*; exit 3; fi; touch /data/been; \
                exec nginx -g 'daemon off;'\"]";
    images::build(&format!("{}:been", images::NAME), been);
    let with_data = TALKS.replace("    secrets: [key]\n", "    secrets: [key]\n    volumes: ['data:/data']\n") + "volumes: {data: {}}\n";
    prod.write("compose.prod.yaml", &with_data);
    up(&prod, FIRST, &["--tag", "been", "--no-rehearse"]).expect(0, &[]);
    secrets(&prod, LATER);
    up(&prod, LATER, &["--tag", "v2", "--no-rehearse"]).expect(0, &[]);
    prod.answers("v2");
    let before = prod.serving();
    std::fs::write(prod.root().join(".env"), "").unwrap();
    let said = prod.run(&["--yes", "rollback", "--release", "shop"]);
    said.expect(4, &["NOTE=it has told", "STORE_PASSWORD=********", "API_TOKEN=********"]);
    prod.answers("v2");
    assert_eq!(prod.serving(), before);
}
