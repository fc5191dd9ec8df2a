//! The example stacks through all phases of the migration, and back: what was planted on the engine for phase 3 goes and
//! comes back as well. Without an engine phases 1 and 2 go alone.

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Call, Outcome, Project, judge, tree};

struct Example {
    project: Project,
    state: tempfile::TempDir,
    stacks: &'static [&'static str],
    /// What nobody uses; `None` without an engine.
    planted: Option<Planted>,
}

/// A volume with content, a network and an image with a name, of this compose project, and none of them declared.
struct Planted {
    volume: String,
    network: String,
    image: String,
}

fn engine() -> bool {
    let answers = Command::new("docker").arg("info").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let answers = answers.is_ok_and(|status| status.success());
    assert!(answers || std::env::var_os("XTASK_REQUIRE_ENGINE").is_none(), "no engine answers");
    answers
}

fn docker(args: &[&str], input: &[u8]) -> String {
    let mut child = Command::new("docker").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input).unwrap();
    let said = child.wait_with_output().unwrap();
    assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

impl Example {
    /// A copy with names of its own on the engine: `named` is what stands in the example, and `NAME` what stands in its place.
    fn of(name: &str, stacks: &'static [&'static str], named: &[(&str, &str)], of: &str) -> Example {
        let own = format!("exm-{name}-{}", std::process::id());
        let project = Project::new();
        tree::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../stacks").join(name), project.root());
        for path in xtask::source::walk(project.root()).unwrap() {
            if path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml") {
                let text = std::fs::read_to_string(&path).unwrap();
                let renamed = named.iter().fold(text, |text, (old, new)| text.replace(old, &new.replace("NAME", &own)));
                std::fs::write(&path, renamed).unwrap();
            }
        }
        // What was planted a moment ago is old enough.
        project.write("xtask.yaml", &format!("{}\ncleanup: {{younger-than: 0h, keep-tags: 0}}\n", project.read("xtask.yaml")));
        if project.has(".env.example") {
            project.write(".env", &project.read(".env.example"));
        }
        project.git_init();
        let project = project.hides(&["qC2PGZabxfjgoLse2MiLs8X2wKKoVDeF", "cVJUjBx7FTut49F45jDs3KW6SyvIdBBYHQa8T1IDY8NJIk7Y"]);
        let planted = engine().then(|| Planted::of(&of.replace("NAME", &own)));
        Example { project, state: tempfile::tempdir().unwrap(), stacks, planted }
    }

    fn call(&self, args: &[&str]) -> Call<'_> {
        self.project.xtask(args).with_docker().env("XTASK_STATE", self.state.path().to_str().unwrap())
    }

    /// All phases. With every stack named, images without a name stay, which other tests may have on this engine.
    fn migrate(&self, more: &[&str]) -> Call<'_> {
        let skipped: &[&str] = if self.planted.is_some() { &[] } else { &["--skip", "4"] };
        self.call(&[&["migrate", "--all", "--yes"], skipped, more, self.stacks].concat())
    }

    fn word(&self) -> String {
        let said = self.call(&[&["cleanup", "--dry-run", "--format", "json"], self.stacks].concat()).run().exits(0).json();
        said["result"]["report"]["confirm"].as_str().unwrap().to_string()
    }

    fn committed(&self) -> Vec<String> {
        let runs = self.call(&["history", "--format", "json"]).run().exits(0).json();
        let committed = |run: &&Value| run["standing"] == "committed" && run["task"] != "rollback";
        runs["result"].as_array().unwrap().iter().filter(committed).map(|run| run["task"].as_str().unwrap().to_string()).collect()
    }

    /// Every phase is done, and another run touches nothing: no file, nothing on the engine, no run.
    fn is_done(&self) {
        let status = self.call(&[&["migrate", "--status"], self.stacks].concat()).run();
        let done = ["Done phase 1", "Done phase 2"];
        match &self.planted {
            Some(_) => status.exits(0).says(&done).says(&["Done phase 3", "Done phase 4"]),
            None => status.exits(1).says(&done).says(&["Pending phase 4"]),
        };
        let (runs, planted) = (self.committed(), self.planted.as_ref().map(Planted::look));
        let again = self.project.leaves_alone(self.migrate(&["--on-conflict", "keep-file", "--format", "json"]), 0, &[]).json();
        assert!(again["result"].as_array().unwrap().iter().all(|phase| phase["ended"] == "nothing-to-do"), "{again}");
        assert_eq!((runs, planted), (self.committed(), self.planted.as_ref().map(Planted::look)));
        self.call(&["env", "check"]).run().exits(0);
    }

    fn rolls_back(&self) -> Outcome {
        self.call(&["rollback", "--yes"]).run().exits(0)
    }

    /// Phases 1 and 2 once more, from the same beginning.
    fn comes_to_the_same_again(&self, migrated: &tree::Tree) {
        self.project.xtask(&["migrate", "--all", "--yes", "--on-conflict", "keep-file", "--skip", "3", "--skip", "4"]).run().exits(0);
        tree::assert_same(migrated, &tree::contents(self.project.root()), "the same again");
    }
}

impl Planted {
    fn of(project: &str) -> Planted {
        let of = format!("com.docker.compose.project={project}");
        let planted =
            Planted { volume: format!("{project}_old"), network: format!("{project}_old"), image: format!("xtask-test/{project}:old") };
        docker(&["volume", "create", "--label", &of, "--label", "com.docker.compose.volume=old", &planted.volume], b"");
        let write = "cd /v; mkdir -p sub 'a b'; printf hello > plain; ln plain second; ln -s plain link; \
                     head -c 300000 /dev/urandom > sub/large; chmod 4750 plain; chown -R 999:998 sub; chmod 700 .";
        docker(&["run", "--rm", "--network", "none", "-v", &format!("{}:/v", planted.volume), "redis:7", "sh", "-ec", write], b"");
        // Addresses that the engine gives to nobody of itself, so that they are free when the network comes back.
        let number = std::process::id();
        let subnet = format!("10.{}.{}.{}/28", 213 + number % 7, number / 7 % 256, if project.contains("agent") { 16 } else { 32 });
        let label = "com.docker.compose.network=old";
        docker(&["network", "create", "--internal", "--subnet", &subnet, "--label", &of, "--label", label, &planted.network], b"");
        // Not the smallest on this engine: that one other tests make containers of.
        let folder = tempfile::tempdir().unwrap();
        std::fs::File::create(folder.path().join("zeros")).unwrap().set_len(160_000_000).unwrap();
        let tar = Command::new("tar").args(["-c", "zeros"]).current_dir(folder.path()).output().unwrap();
        docker(&["import", "--change", &format!("LABEL {of}"), "-", &planted.image], &tar.stdout);
        planted
    }

    /// Volume, network and image as they are on the engine; empty: it is not there.
    fn look(&self) -> [String; 3] {
        let inspect = |kind: &str, name: &str, form: &str| {
            let said = Command::new("docker").args([kind, "inspect", "--format", form, name]).stderr(Stdio::null()).output().unwrap();
            String::from_utf8(said.stdout).unwrap().trim().to_string()
        };
        let mut volume = inspect(
            "volume",
            &self.volume,
            "{{.Name}} {{.Driver}} {{json .Labels}} {{range $key, $value := .Options}}{{$key}}={{$value}} {{end}}",
        );
        if !volume.is_empty() {
            let find = "cd /v; find . ! -type d -printf '%p %y %m %U:%G %s %T@ %n %l\\n' | sort; find . -type d -printf '%p %m %U:%G\\n' | sort; \
                        find . -type f -exec sha256sum {} + | sort";
            let mount = format!("{}:/v:ro", self.volume);
            volume.push_str(&docker(&["run", "--rm", "--network", "none", "-v", &mount, "redis:7", "sh", "-ec", find], b""));
        }
        let form = "{{.Name}} {{.Driver}} {{.Internal}} {{json .Labels}} {{json .Options}} {{json .IPAM}}";
        [volume, inspect("network", &self.network, form), inspect("image", &self.image, "{{.Id}} {{json .RepoTags}}")]
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        for args in [["volume", "rm", &self.volume], ["network", "rm", &self.network], ["rmi", "-f", &self.image]] {
            let _ = Command::new("docker").args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

#[test]
fn trading_goes_through_every_phase_and_back() {
    let named = [
        ("name: trading-", "name: NAME-"),
        ("# Node services of", "name: NAME-apps\n# Node services of"),
        ("container_name: ", "container_name: NAME-"),
    ];
    let stacks = &["database", "apps", "docs", "infrastructure", "monitoring"];
    let example = Example::of("trading", stacks, &named, "NAME-database");
    let project = &example.project;
    let (before, planted) = (tree::contents(project.root()), example.planted.as_ref().map(Planted::look));

    let table = ["conflicting-variables", "LOG_LEVEL", "APP_TITLE", "WEBHOOK_SECRET"];
    example.migrate(&[]).run().exits(3).says(&table);
    assert_eq!(example.committed(), ["security-fix"]);
    let word = planted.as_ref().map(|_| example.word());
    let by_name: Vec<&str> = word.iter().flat_map(|word| ["--confirm", word]).collect();
    let judged = if judge::installed() { "from the root and from elsewhere" } else { "not proven" };
    let said = example.migrate(&[&["--on-conflict", "keep-file"], by_name.as_slice()].concat()).run().exits(0);
    said.says(&["every stack renders as before", judged]);
    if let Some(planted) = &example.planted {
        assert_eq!(planted.look(), ["", "", ""]);
    }
    example.is_done();

    let apps = project.read("tools/compose/docker-compose.apps.yml");
    assert!(!apps.contains("docker.env"));
    assert!(apps.contains("- LOG_LEVEL=warn\n"), "who loaded the other file keeps its value");
    assert!(apps.contains("- WEBHOOK_SECRET=${DOCKER_WEBHOOK_SECRET:?"), "a secret is named and not written");
    let env = project.read(".env");
    assert!(env.contains("# --- config/docker.env\n# Settings that every container shares.") && env.contains("\nREQUEST_TIMEOUT=30s\n"));
    assert_eq!(project.env(".env")["LOG_LEVEL"], "info");
    let carrier = project.env("tools/compose/.env");
    assert!(carrier.contains_key("DOCKER_WEBHOOK_SECRET") && !carrier.contains_key("BROKER_API_SECRET"));

    if planted.is_some() {
        example.rolls_back();
        assert!(!project.has("backend/api/workspace/Dockerfile.prod"));
        assert_eq!(example.planted.as_ref().unwrap().look(), ["", "", ""]);
        example.rolls_back();
        assert_eq!(example.planted.as_ref().map(Planted::look), planted, "the engine's things are back");
    }
    let migrated = tree::contents(project.root());
    example.rolls_back();
    assert!(project.read("tools/compose/docker-compose.apps.yml").contains("docker.env"));
    example.rolls_back();
    tree::assert_same(&before, &tree::contents(project.root()), "rolled back");
    assert!(example.committed().is_empty());
    example.comes_to_the_same_again(&migrated);
}

#[test]
fn agent_goes_through_every_phase_and_back() {
    let named = [("name: agent-dev", "name: NAME-dev"), ("name: agent\n", "name: NAME\n")];
    let example = Example::of("agent", &["dev", "prod"], &named, "NAME-dev");
    let project = &example.project;
    let (before, planted) = (tree::contents(project.root()), example.planted.as_ref().map(Planted::look));

    let said = example.migrate(&["--on-conflict", "keep-file"]).run().exits(0).says(&["every stack renders as before"]);
    // Without the name of its list, the named volume stays; the phase waits.
    if let (Some(there), Some(planted)) = (&example.planted, &planted) {
        said.says(&["unused volumes stay", &there.volume]);
        assert_eq!(there.look(), [planted[0].as_str(), "", ""]);
        let status = example.call(&["migrate", "--status", "dev", "prod"]).run().exits(1);
        status.says(&["Pending phase 3", &there.volume, "Done phase 4"]);
        example.migrate(&["--confirm", &example.word()]).run().exits(0);
        assert_eq!(there.look(), ["", "", ""]);
    }
    example.is_done();

    let env = project.env(".env");
    assert_eq!(env["REGISTRY"], "registry.agent.example/platform");
    assert!(!env.contains_key("TAG"), "a release's tag is given to each deploy");
    let text = project.read(".env.example");
    let registry =
        "# used by gateway, indexer, orchestrator; default registry.agent.example/platform\nREGISTRY=registry.agent.example/platform\n";
    assert!(text.contains(registry) && text.contains("; default latest\n# TAG=\n"), "{text}");

    if planted.is_some() {
        example.rolls_back();
        example.rolls_back();
        assert!(!project.has("services/gateway/Dockerfile.prod"));
        example.rolls_back();
        assert_eq!(example.planted.as_ref().map(Planted::look), planted, "the engine's things are back");
    }
    let migrated = tree::contents(project.root());
    example.rolls_back();
    example.rolls_back();
    tree::assert_same(&before, &tree::contents(project.root()), "rolled back");
    assert!(example.committed().is_empty());
    example.comes_to_the_same_again(&migrated);
}
