//! `build` and `pull` as they are typed.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use xtask::engine::Engine;

use super::support::{OPEN, Shelf, WITH_LOGIN, digest_of, docker, docker_config, shelf};

/// The program on the shelf's folder, with the client's configuration and what else is exported.
struct Project<'s> {
    shelf: &'s Shelf,
    config: PathBuf,
    path: String,
    state: tempfile::TempDir,
}

impl<'s> Project<'s> {
    fn new(shelf: &'s Shelf, image: &str, config: &str) -> Self {
        shelf.file("web/Dockerfile", "FROM scratch\nCOPY f /f\nCMD [\"/f\"]\n");
        shelf.file("web/f", &format!("one of {}", shelf.at));
        shelf.file("compose.yaml", &format!("services:\n  web:\n    image: {image}\n    build: {{context: ./web, provenance: false}}\n"));
        shelf.file("xtask.yaml", "stacks:\n  shop:\n    files: [compose.yaml]\n    role: prod\n");
        let path = std::env::var("PATH").unwrap();
        Project { config: docker_config(shelf.folder.path(), config), path, state: tempfile::tempdir().unwrap(), shelf }
    }

    fn run(&self, tag: Option<&str>, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(args).current_dir(self.shelf.folder.path()).env("NO_COLOR", "1").env("DOCKER_CONFIG", &self.config);
        command.env("PATH", &self.path).env("XTASK_STATE", self.state.path()).env_remove("TAG");
        tag.map(|tag| command.env("TAG", tag));
        command.output().unwrap()
    }

    /// Its one document, and the exit code.
    fn json(&self, tag: Option<&str>, args: &[&str]) -> (Value, i32) {
        let output = self.run(tag, &[args, &["--format", "json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        (json, output.status.code().unwrap())
    }

    /// The answer, where it is `0`.
    fn done(&self, args: &[&str]) -> Value {
        let (json, code) = self.json(None, args);
        assert_eq!(code, 0, "{args:?}: {json:#}");
        json["result"].clone()
    }
}

#[test]
fn a_release_is_built_pushed_forgotten_and_pulled_with_the_login_of_a_helper() {
    let Some(shelf) = shelf("release", WITH_LOGIN) else { return };
    let host = shelf.at.split('/').next().unwrap().to_string();
    let (user, password) = (std::env::var("XTASK_RIG_REGISTRY_USER").unwrap(), std::env::var("XTASK_RIG_REGISTRY_PASSWORD").unwrap());
    let mut project = Project::new(&shelf, &shelf.name("web:${TAG:?}"), &format!("{{\"credHelpers\":{{\"{host}\":\"rig\"}}}}"));
    let name = shelf.name("web:v1");

    // The helper is named but not installed: the push says so, and what was built stays.
    let (refused, code) = project.json(None, &["build", "--tag", "v1", "--push"]);
    assert_eq!(code, 6, "{refused:#}");
    let built = shelf.id(&name).unwrap();

    let helper = format!(
        "#!/bin/sh\nread -r server\nprintf '{{\"ServerURL\":\"%s\",\"Username\":\"{user}\",\"Secret\":\"{password}\"}}' \"$server\"\n"
    );
    let helper = shelf.file("bin/docker-credential-rig", &helper);
    assert!(Command::new("chmod").arg("755").arg(&helper).status().unwrap().success());
    project.path = format!("{}:{}", helper.parent().unwrap().display(), project.path);
    let made = project.done(&["build", "--tag", "v1", "--push"]);
    let image = &made["images"][0];
    assert_eq!((image["image"].as_str(), image["id"].as_str()), (Some(name.as_str()), Some(built.as_str())));
    let digest = digest_of(&shelf.docker.image(&name).unwrap().unwrap().digests[0]);
    assert_eq!(image["digest"].as_str(), Some(digest.as_str()));

    shelf.forget(&name);
    let dry = project.run(None, &["pull", "--tag", "v1", "--dry-run"]);
    assert!(dry.status.success() && String::from_utf8_lossy(&dry.stdout).contains("Would pull"));
    assert_eq!(shelf.id(&name), None);
    // The exported tag is as good as the argument.
    let (pulled, code) = project.json(Some("v1"), &["pull", "shop"]);
    assert_eq!(code, 0, "{pulled:#}");
    let image = &pulled["result"]["images"][0];
    assert_eq!((image["how"].as_str(), image["old"].as_str(), image["new"].as_str()), (Some("pulled"), None, Some(digest.as_str())));
    assert_eq!(shelf.id(&name), Some(built));
    let again = project.done(&["pull", "--tag", "v1"]);
    assert_eq!((again["ended"].as_str(), again["images"][0]["how"].as_str()), (Some("nothing-to-do"), Some("unchanged")));
    for output in [project.run(None, &["pull", "--tag", "v1", "-v"]), project.run(None, &["build", "--tag", "v1", "--push", "-v"])] {
        assert!(output.status.success());
        let said = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8_lossy(&said).contains(&password));
    }
}

#[test]
fn a_pull_of_a_moved_tag_shows_both_digests_touches_no_container_and_is_rolled_back() {
    let Some(shelf) = shelf("pull", OPEN) else { return };
    let project = Project::new(&shelf, &shelf.name("web:${TAG:?}"), "{}");
    let (name, aside) = (shelf.name("web:v1"), shelf.name("aside:v1"));
    let old = shelf.publish(&name, "one");
    let old_id = shelf.id(&name).unwrap();
    docker(&["tag", &name, &aside]);
    let new = shelf.publish(&name, "two");
    let new_id = shelf.id(&name).unwrap();
    docker(&["tag", &aside, &name]);
    docker(&["image", "rm", "--force", &new_id]);
    let container = docker(&["create", &name]).trim().to_string();

    let pulled = project.done(&["pull", "--tag", "v1"]);
    let image = &pulled["images"][0];
    assert_eq!((image["old"].as_str(), image["new"].as_str()), (Some(old.as_str()), Some(new.as_str())));
    assert_eq!(shelf.id(&name), Some(new_id));
    let made_of = shelf.docker.container(&container).unwrap().unwrap().image_id;
    let back = project.run(None, &["rollback", "--yes"]);
    docker(&["rm", &container]);
    assert_eq!(made_of, old_id);
    assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
    assert_eq!(shelf.id(&name), Some(old_id));
}

#[test]
fn what_cannot_be_had_or_has_no_release_s_name_is_refused_before_anything_is_done() {
    let Some(shelf) = shelf("refused", OPEN) else { return };
    let project = Project::new(&shelf, &shelf.name("web:${TAG:-latest}"), "{}");
    for (args, why) in [
        (&["build"][..], "TAG is not set"),
        (&["build", "--tag", "latest"], "`latest` is no release"),
        (&["build", "--tag", "v 1"], "a tag has at most 128"),
    ] {
        let output = project.run(None, args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(2 | 3)) && said.contains(why), "{args:?}: {said}");
    }
    assert!(shelf.docker.images(&shelf.at).unwrap().is_empty());

    // One image of two is missing: none is pulled.
    let digest = shelf.publish(&shelf.name("app:v1"), "one");
    shelf.forget(&shelf.name("app:v1"));
    let compose =
        format!("services:\n  app: {{image: \"{}\"}}\n  no: {{image: \"{}\"}}\n", shelf.name("app:${TAG}"), shelf.name("no:${TAG}"));
    shelf.file("compose.yaml", &compose);
    let output = project.run(Some("v1"), &["pull"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("no:v1") && said.contains("manifest unknown"), "{said}");
    assert_eq!((shelf.id(&shelf.name("app:v1")), shelf.id(&shelf.name(&format!("app@{digest}")))), (None, None));
    // An image without the tag in its name would overwrite the release before.
    shelf.file("compose.yaml", &format!("services:\n  web: {{image: \"{}\", build: ./web}}\n", shelf.name("web:stable")));
    let output = project.run(None, &["build", "--tag", "v2"]);
    assert!(output.status.code() == Some(3) && String::from_utf8_lossy(&output.stderr).contains("does not carry the tag v2"));
}
