//! Deploys of images that come from a registry, with the tool as it is shipped: a tag that moved, a registry that
//! is away or stops in the middle, an image for another machine. Afterwards the new release serves or the old one,
//! and names mean what they meant.

mod engine_support;
#[path = "deploy_registry/gate.rs"]
mod gate;
#[path = "prod_up/mod.rs"]
#[allow(dead_code)] // shared with the tests of prod-up
mod support;

use std::io::Read;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gate::{Gate, Way};
use nix::sys::signal::Signal;
use support::{Prod, QUICK, STACK, images};
use xtask::engine::Engine;

/// A stack whose web server's image is in the registry, below a path of its own, reached through a gate.
struct Shop {
    prod: Prod,
    gate: Gate,
    /// Without its tag.
    image: String,
}

fn shop(test: &str, settings: &str) -> Option<Shop> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let prod = Prod::of(test, STACK, settings)?;
    let Ok(registry) = std::env::var("XTASK_RIG_REGISTRY") else {
        assert!(std::env::var_os("XTASK_REQUIRE_ENGINE").is_none(), "XTASK_REQUIRE_ENGINE is set, but XTASK_RIG_REGISTRY is not");
        engine_support::skipped(test, "XTASK_RIG_REGISTRY is not set");
        return None;
    };
    let gate = Gate::open(&registry);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let image = format!("127.0.0.1:{}/{test}-{}-{number}/web", gate.port, std::process::id());
    let text = std::fs::read_to_string(prod.root().join("compose.prod.yaml")).unwrap();
    std::fs::write(prod.root().join("compose.prod.yaml"), text.replace(images::NAME, &image)).unwrap();
    Some(Shop { prod, gate, image })
}

impl Shop {
    fn name(&self, tag: &str) -> String {
        format!("{}:{tag}", self.image)
    }

    /// The registry has this release under that tag; the engine not any more.
    fn publish(&self, release: &str, tag: &str) {
        let name = self.name(tag);
        docker(&["tag", &format!("{}:{release}", images::NAME), &name]);
        docker(&["push", "-q", &name]);
        docker(&["image", "rm", &name]);
    }

    /// The same while the engine goes on to know the tag as that image, from that registry.
    fn publish_over(&self, release: &str, tag: &str, here: &str) {
        let held = format!("{}:held-{}", images::NAME, self.prod.port);
        docker(&["tag", here, &held]);
        self.publish(release, tag);
        docker(&["tag", &held, &self.name(tag)]);
        docker(&["image", "rm", &held]);
    }

    /// A release with bytes of its own. It is not built, for then the engine would keep its layers, and have nothing
    /// to transfer.
    fn publish_anew(&self, tag: &str, megabytes: usize) {
        let (name, folder) = (self.name(tag), tempfile::tempdir().unwrap());
        let mut bytes = vec![0; megabytes << 20];
        std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
        std::fs::write(folder.path().join("bytes"), bytes).unwrap();
        std::fs::write(folder.path().join("index.html"), tag).unwrap();
        let container = format!("{}-big", self.prod.sandbox.project);
        docker(&["create", "--name", &container, &format!("{}:v2", images::NAME)]);
        for (file, at) in [("bytes", "/bytes"), ("index.html", "/usr/share/nginx/html/index.html")] {
            docker(&["cp", folder.path().join(file).to_str().unwrap(), &format!("{container}:{at}")]);
        }
        docker(&["commit", &container, &name]);
        docker(&["rm", &container]);
        docker(&["push", "-q", &name]);
        docker(&["image", "rm", &name]);
    }

    fn id(&self, name: &str) -> Option<String> {
        self.prod.sandbox.docker.image(name).unwrap().map(|image| image.id)
    }

    /// Serves, whole, by the name of the registry.
    fn serves(&self, text: &str) -> Vec<support::Who> {
        self.prod.answers(text);
        let who = self.prod.serving();
        self.prod.only_the_two(&who);
        who
    }

    fn up(&self, tag: &str, args: &[&str]) -> support::Said {
        self.prod.up(&[&["--tag", tag], args].concat())
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        for image in self.prod.sandbox.docker.images(&self.image).unwrap_or_default() {
            let names = image.tags.iter().chain(&image.digests).filter(|name| name.starts_with(&self.image));
            for name in names {
                let _ = self.prod.sandbox.docker.untag(name);
            }
        }
    }
}

fn docker(args: &[&str]) {
    let output = Command::new("docker").args(args).output().unwrap();
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

const SERVES: &[&str] = &["--no-rehearse"];

#[test]
fn a_tag_that_moved_is_deployed_and_taken_back_by_its_digest() {
    let Some(shop) = shop("dr-moved", QUICK) else { return };
    let stable = shop.name("stable-1");
    shop.publish("v1", "stable-1");
    shop.up("stable-1", SERVES).expect(0, &["pull"]);
    let before = shop.serves("v1");
    let old = shop.id(&stable).unwrap();
    // The same tag is a good release now: the registry's is meant, though one is here.
    shop.publish_over("v2", "stable-1", &old);
    shop.up("stable-1", SERVES).expect(0, &["swap (image"]);
    let second = shop.serves("v2");
    assert_ne!(second, before);
    let new = shop.id(&stable).unwrap();
    assert_ne!(new, old);
    // And a bad one: the name means again what it meant.
    shop.publish_over("crash", "stable-1", &new);
    shop.up("stable-1", SERVES).expect(4, &["it falls over"]);
    assert_eq!((shop.serves("v2"), shop.id(&stable)), (second.clone(), Some(new.clone())));
    shop.up("stable-1", &[]).expect(3, &["it falls over", "nothing was touched"]);
    assert_eq!((shop.serves("v2"), shop.id(&stable)), (second, Some(new)));
}

/// The plan has shown a digest: that is what runs, whatever the tag means by now.
#[test]
fn a_tag_that_moves_between_plan_and_apply_changes_nothing() {
    let Some(shop) = shop("dr-between", QUICK) else { return };
    shop.publish("v1", "one");
    shop.up("one", SERVES).expect(0, &[]);
    shop.publish("v2", "two");
    let mut going = shop.prod.start_asked(&["--tag", "two", "--no-rehearse"]);
    going.until_said("Carry out these");
    shop.publish("crash", "two");
    going.types("y\n");
    going.end().expect(0, &[]);
    shop.serves("v2");
}

#[test]
fn a_registry_that_is_away_matters_only_for_what_is_not_here() {
    let Some(shop) = shop("dr-away", QUICK) else { return };
    shop.publish("v1", "one");
    shop.publish("v2", "two");
    shop.up("one", SERVES).expect(0, &[]);
    let before = shop.serves("v1");
    shop.up("missing", SERVES).expect(3, &["manifest unknown", "nothing was touched"]);
    shop.gate.set(Way::Closed);
    shop.up("two", SERVES).expect(3, &["cannot be asked", "nothing was touched"]);
    assert_eq!(shop.serves("v1"), before);
    // What is here can be deployed, and that nobody could be asked is said.
    shop.gate.set(Way::Open);
    docker(&["pull", "-q", &shop.name("two")]);
    shop.gate.set(Way::Closed);
    shop.up("two", SERVES).expect(0, &["is taken as it is here"]);
    shop.serves("v2");
    shop.prod.run(&["--yes", "rollback", "--release"]).expect(0, &[]);
    shop.serves("v1");
}

#[test]
fn an_image_for_another_machine_is_refused() {
    let Some(shop) = shop("dr-arch", QUICK) else { return };
    shop.publish("v1", "one");
    shop.up("one", SERVES).expect(0, &[]);
    let before = shop.serves("v1");
    let host = shop.prod.sandbox.docker.info().unwrap().platform.to_string();
    let other = if host == "linux/arm64" { "linux/amd64" } else { "linux/arm64" };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Dockerfile"), "FROM scratch\nCOPY Dockerfile /f\nCMD [\"/f\"]\n").unwrap();
    let name = shop.name("other");
    docker(&["build", "-q", "--provenance=false", "--platform", other, "-t", &name, folder.path().to_str().unwrap()]);
    docker(&["push", "-q", &name]);
    shop.up("other", SERVES).expect(3, &[other, "nothing was touched"]);
    docker(&["image", "rm", "--force", &shop.id(&name).unwrap()]);
    shop.up("other", SERVES).expect(3, &[other, "nothing was touched"]);
    assert_eq!((shop.serves("v1"), shop.id(&name)), (before, None));
}

/// Interrupted, killed, or left by the registry in the middle of a transfer: nothing of it is left.
#[test]
fn a_pull_that_is_interrupted_leaves_nothing() {
    let Some(shop) = shop("dr-pull", QUICK) else { return };
    shop.publish("v1", "one");
    shop.up("one", SERVES).expect(0, &[]);
    let before = shop.serves("v1");
    shop.publish_anew("big", 8);
    let name = shop.name("big");
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let known = shop.prod.journals().len();
        let mut going = shop.prod.start(&["--tag", "big", "--no-rehearse"]);
        // The registry answers, and then says no more in the middle of a layer.
        shop.gate.set(Way::Stalls(256 << 10));
        shop.prod.until(&mut going, known, |records| records.iter().any(|record| record["step"]["kind"] == "pull-image"));
        shop.gate.until_stalled();
        going.signal(signal);
        let ended = Instant::now();
        match signal {
            Signal::SIGINT => drop(going.end().expect(130, &["everything was put back"]).code),
            _ => {
                going.kill();
                shop.prod.run(&["recover"]).expect(0, &[]);
            }
        }
        assert!(ended.elapsed() < Duration::from_secs(20), "{:?}", ended.elapsed());
        shop.gate.set(Way::Open);
        assert_eq!((shop.serves("v1"), shop.id(&name)), (before.clone(), None));
    }
    // A connection that breaks is tried again by the engine.
    shop.gate.set(Way::Cuts(1));
    shop.up("big", SERVES).expect(0, &[]);
    shop.serves("big");
}
