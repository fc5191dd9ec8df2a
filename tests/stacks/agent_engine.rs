//! The stack `agent` on an engine: both files come up, and the services answer after using their stores.

use std::process::Command;
use std::time::Duration;

use xtask::cancel::Cancel;
use xtask::engine::compose::{ComposeCall, Up};
use xtask::engine::{Engine, Exec};
use xtask::secret::Masker;

use super::agent::folder;
use super::engine_support::{Sandbox, sandbox};
use super::support::tree;

const OWN: [&str; 3] = ["gateway", "orchestrator", "indexer"];
const DEADLINE: Duration = Duration::from_secs(120);

/// Run in the gateway: waits until all three are healthy, then goes through all of them once.
const VISIT: &str = "
const healthy = ['127.0.0.1:8080', 'orchestrator:4000', 'indexer:7070'].map((host) => `http://${host}/healthz`);
const call = async (path, body) => {
  const answer = await fetch(`http://127.0.0.1:8080${path}`, body && { method: 'POST', body: JSON.stringify(body) });
  return `${answer.status} ${(await answer.text()).trim()}`;
};
(async () => {
  for (let left = 120; ; left -= 1) {
    const answers = await Promise.all(healthy.map((url) => fetch(url).then((answer) => answer.status, () => 0)));
    if (answers.every((status) => status === 200)) break;
    if (left === 0) throw new Error(`not healthy: ${answers}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  console.log(await call('/runs', { prompt: 'count the ships' }));
  console.log(await call('/runs'));
  console.log(await call('/documents', { id: 'ships', text: 'Two ships' }));
  console.log(await call('/search?q=SHIPS'));
})().catch((error) => { console.error(error.message); process.exit(1); });
";

/// Removes the built images too; the sandbox removes the rest.
struct Images(Vec<String>);

impl Drop for Images {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["image", "rm", "--force"]).args(&self.0).output();
    }
}

/// A file, and beside it what makes it fit beside other tests: no host ports, images of their own.
fn call(sandbox: &Sandbox, file: &str) -> ComposeCall {
    let of = |name: &str| format!("  {name}: {{ports: !reset []}}\n");
    let own = OWN.map(|name| format!("  {name}: {{image: {}-{name}, ports: !reset []}}\n", sandbox.project)).concat();
    sandbox.file("test.yaml", &format!("services:\n{own}{}{}", of("redis"), of("postgres")));
    let files = vec![sandbox.path().join(file), sandbox.path().join("test.yaml")];
    ComposeCall { files, project_name: Some(sandbox.project.clone()), ..ComposeCall::default() }
}

fn visit(sandbox: &Sandbox) -> String {
    let masker = Masker::default();
    let argv = ["node", "-e", VISIT].map(String::from).to_vec();
    let exec = Exec { argv, env: Vec::new(), stdin: None, deadline: DEADLINE, masker: &masker };
    let done = sandbox.docker.exec(&sandbox.container("gateway").id, &exec).unwrap();
    assert_eq!(done.code, 0, "{}", done.output);
    done.output
}

#[test]
fn both_files_come_up_and_their_services_use_their_stores() {
    let Some(sandbox) = sandbox("agent") else { return };
    let _images = Images(OWN.map(|name| format!("{}-{name}", sandbox.project)).to_vec());
    tree::copy(&folder(), sandbox.path());
    let (masker, cancel) = (Masker::default(), Cancel::default());
    for file in ["compose.dev.yaml", "docker-compose.prod.yaml"] {
        let call = call(&sandbox, file);
        // Only dev has something to build; prod then runs the same images, as from a registry.
        sandbox.compose.build(&call, DEADLINE, &masker, &cancel).unwrap();
        sandbox.compose.up(&call, &Up::default(), DEADLINE, &masker, &cancel).unwrap();
        let said = visit(&sandbox);
        for answer in ["201 {\"id\":1,\"waiting\":1}", "count the ships", "200 {\"words\": 2}", "200 {\"documents\": [\"ships\"]}"] {
            assert!(said.contains(answer), "{file}: no {answer} in {said}");
        }
        sandbox.compose.down_with_volumes(&call, DEADLINE, &masker, &cancel).unwrap();
    }
}
