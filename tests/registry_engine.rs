//! A real registry beside a real engine: what a name means, how it is fetched, and how it is put back.

#![allow(clippy::print_stderr)]

#[path = "registry_engine/commands.rs"]
mod commands;
#[path = "registry_engine/support.rs"]
mod support;

use support::{OPEN, Shelf, WITH_LOGIN, digest_of, docker, shelf};
use xtask::actions::{Action, NameImage, PullImage, inverse};
use xtask::engine::Engine;
use xtask::registry::{From, Logins, Trouble};
use xtask::saga::{Step, Undoable};

#[test]
fn a_tag_that_is_in_the_registry_is_resolved_with_and_without_the_image() {
    let Some(shelf) = shelf("there", OPEN) else { return };
    let name = shelf.name("app:v1");
    let digest = shelf.publish(&name, "one");
    let local = shelf.resolve(&name).unwrap();
    assert_eq!((local.from, local.moved, local.digest()), (From::Local, false, Some(digest.as_str())));
    assert_eq!(local.here.as_ref().unwrap().id, shelf.id(&name).unwrap());
    assert_eq!(local.there.as_ref().unwrap().platforms[0].to_string(), shelf.platform());
    shelf.forget(&name);
    let remote = shelf.resolve(&name).unwrap();
    assert_eq!((remote.from, remote.here.is_none(), remote.digest()), (From::Registry, true, Some(digest.as_str())));
    let pinned = shelf.resolve(&format!("{name}@{digest}")).unwrap();
    assert_eq!((pinned.from, pinned.digest()), (From::Registry, Some(digest.as_str())));
}

#[test]
fn a_tag_that_moved_is_told_with_both_digests() {
    let Some(shelf) = shelf("moved", OPEN) else { return };
    let (name, aside) = (shelf.name("app:v1"), shelf.name("aside:v1"));
    let old = shelf.publish(&name, "one");
    docker(&["tag", &name, &aside]);
    let new = shelf.publish(&name, "two");
    docker(&["tag", &aside, &name]);
    let moved = shelf.resolve(&name).unwrap();
    assert_eq!((moved.from, moved.moved, moved.digest()), (From::Registry, true, Some(new.as_str())));
    assert_eq!(moved.here.as_ref().unwrap().digests, std::slice::from_ref(&old));
    // By digest there is nothing that could move, and nobody is asked.
    let pinned = shelf.resolve(&format!("{name}@{old}")).unwrap();
    assert_eq!((pinned.from, pinned.there.is_none(), pinned.digest()), (From::Local, true, Some(old.as_str())));
}

#[test]
fn each_trouble_has_its_own_name_and_remedy() {
    let Some(shelf) = shelf("trouble", OPEN) else { return };
    let trouble = |image: &str| {
        let unresolved = shelf.resolve(image).unwrap_err();
        let help = unresolved.error.help.clone().unwrap();
        (unresolved.trouble, unresolved.error.to_string(), help)
    };
    shelf.publish(&shelf.name("app:v1"), "one");
    let (kind, said, help) = trouble(&shelf.name("app:v2"));
    assert!(kind == Trouble::Missing && said.contains("manifest unknown") && help.contains("correct the tag"), "{said}");
    let (kind, said, help) = trouble("127.0.0.1:1/app:v1");
    assert!(kind == Trouble::Unreachable && said.contains("connection refused") && help.contains("docker load"), "{said}");
    let (kind, said, _) = trouble("Not/A/Name:v1");
    assert!(kind == Trouble::Name && said.contains("Not/A/Name:v1"), "{said}");

    // For another machine, there and then also here.
    let other = if shelf.platform() == "linux/arm64" { "linux/amd64" } else { "linux/arm64" };
    let name = shelf.name("foreign:v1");
    shelf.build(&name, "foreign", other);
    docker(&["push", "-q", &name]);
    let (kind, said, help) = trouble(&name);
    assert!(kind == Trouble::Platform && said.contains(other) && help.contains("platform:"), "{said}");
    shelf.forget(&name);
    assert_eq!(trouble(&name).0, Trouble::Platform);

    // With the image here, a registry that is away is no obstacle, but nothing is hidden.
    let unpushed = "127.0.0.1:1/app:v1";
    docker(&["tag", &shelf.name("app:v1"), unpushed]);
    let found = shelf.resolve(unpushed);
    docker(&["image", "rm", unpushed]);
    let found = found.unwrap();
    assert_eq!((found.from, found.unconfirmed.unwrap().trouble), (From::Local, Trouble::Unreachable));
}

#[test]
fn a_login_is_asked_for_refused_and_accepted() {
    let Some(shelf) = shelf("login", WITH_LOGIN) else { return };
    let host = shelf.at.split('/').next().unwrap().to_string();
    let (user, password) = (std::env::var("XTASK_RIG_REGISTRY_USER").unwrap(), std::env::var("XTASK_RIG_REGISTRY_PASSWORD").unwrap());
    let name = shelf.name("app:v1");
    let config = |user: &str, password: &str| {
        let json = format!("{{\"auths\":{{\"{host}\":{{\"username\":\"{user}\",\"password\":\"{password}\"}}}}}}");
        Logins::in_file(shelf.file("config.json", &json))
    };
    let missing = shelf.resolve(&name).unwrap_err();
    assert_eq!(missing.trouble, Trouble::NotAllowed);
    assert!(missing.error.why.unwrap().contains("wants a login") && missing.error.help.unwrap().contains(&format!("docker login {host}")));
    let wrong = shelf.resolve_with(&name, &config(&user, "not-the-canary")).unwrap_err();
    assert_eq!(wrong.trouble, Trouble::NotAllowed);
    assert!(wrong.error.why.as_ref().unwrap().contains(&format!("does not accept the login of {user}")));
    assert!(!format!("{wrong:?}").contains("not-the-canary"));
    // The right one is let in, and hears that there is no such image.
    assert_eq!(shelf.resolve_with(&name, &config(&user, &password)).unwrap_err().trouble, Trouble::Missing);
}

#[test]
fn a_pull_by_digest_moves_no_name_and_the_step_moves_it_and_back() {
    let Some(shelf) = shelf("step", OPEN) else { return };
    let name = shelf.name("app:v1");
    let (old, new, old_digest) = two_releases(&shelf, &name);
    let logins = Logins::in_file("/nowhere/config.json");
    let cancel = xtask::cancel::Cancel::default();
    let resolver = xtask::registry::Resolver::new(&shelf.docker, &logins, &cancel).unwrap();
    resolver.pull(&xtask::registry::Reference::parse(&name).unwrap(), &new).unwrap();
    assert_eq!(shelf.id(&name), Some(old.clone()), "a pull by digest moves no name");
    docker(&["image", "rm", &by_digest(&name, &new)]);

    let world = shelf.world();
    let step = Action::PullImage(PullImage { image: name.clone(), digest: new.clone() });
    let receipt = step.prepare(&world).unwrap();
    // Undone before anything was done, it does nothing.
    step.undo(&world, &receipt).unwrap();
    step.apply(&world, &receipt).unwrap();
    let pulled = shelf.id(&name).unwrap();
    assert_ne!(pulled, old);
    for _ in 0..2 {
        step.undo(&world, &receipt).unwrap();
        assert_eq!(shelf.id(&name), Some(old.clone()));
        assert_eq!(shelf.id(&by_digest(&name, &new)), None, "what came with the step goes with its undo");
    }
    // Taken back later, by a run of its own.
    step.apply(&world, &receipt).unwrap();
    let back = inverse(&[Undoable { n: 0, step: step.clone(), receipt }]).unwrap().steps;
    assert_eq!(back, [Action::NameImage(NameImage { name: name.clone(), image_id: Some(old.clone()) })]);
    let named = back[0].prepare(&world).unwrap();
    back[0].apply(&world, &named).unwrap();
    assert_eq!(shelf.id(&name), Some(old.clone()));
    back[0].undo(&world, &named).unwrap();
    assert_eq!(shelf.id(&name), Some(pulled));
    // What somebody names meanwhile is theirs.
    let receipt = step.prepare(&world).unwrap();
    docker(&["tag", &old, &name]);
    step.undo(&world, &receipt).unwrap();
    assert_eq!(shelf.id(&name), Some(old));
    assert_eq!(
        shelf.docker.images(&shelf.at).unwrap().iter().filter(|image| image.digests.iter().any(|d| digest_of(d) == old_digest)).count(),
        1
    );
}

#[test]
fn a_name_that_was_not_there_goes_again_and_takes_no_older_image_along() {
    let Some(shelf) = shelf("new", OPEN) else { return };
    let name = shelf.name("app:v1");
    let digest = shelf.publish(&name, "one");
    shelf.forget(&name);
    let world = shelf.world();
    let step = Action::PullImage(PullImage { image: name.clone(), digest: digest.clone() });
    let receipt = step.prepare(&world).unwrap();
    step.apply(&world, &receipt).unwrap();
    let id = shelf.id(&name).unwrap();
    step.undo(&world, &receipt).unwrap();
    assert_eq!((shelf.id(&name), shelf.id(&id)), (None, None));

    // The image was here, known by its digest alone.
    docker(&["pull", "-q", &by_digest(&name, &digest)]);
    let receipt = step.prepare(&world).unwrap();
    step.apply(&world, &receipt).unwrap();
    step.undo(&world, &receipt).unwrap();
    assert_eq!((shelf.id(&name), shelf.id(&id)), (None, Some(id.clone())));
    docker(&["image", "rm", "--force", &id]);

    // A digest that nobody has is refused, and nothing has changed.
    let wrong = Action::PullImage(PullImage { image: name.clone(), digest: format!("sha256:{}", "0".repeat(64)) });
    let receipt = wrong.prepare(&world).unwrap();
    let error = wrong.apply(&world, &receipt).unwrap_err();
    assert!(error.why.unwrap().contains("manifest unknown") && shelf.id(&name).is_none());
}

/// The name means the first here and the second in the registry: the first's id, the second's digest, and
/// the first's.
fn two_releases(shelf: &Shelf, name: &str) -> (String, String, String) {
    let old_digest = shelf.publish(name, "one");
    let old = shelf.id(name).unwrap();
    let aside = shelf.name("aside:v1");
    docker(&["tag", name, &aside]);
    let new = shelf.publish(name, "two");
    let id = shelf.id(name).unwrap();
    docker(&["tag", &aside, name]);
    docker(&["image", "rm", "--force", &id]);
    docker(&["image", "rm", &aside]);
    (old, new, old_digest)
}

fn by_digest(name: &str, digest: &str) -> String {
    format!("{}@{digest}", name.rsplit_once(':').unwrap().0)
}
