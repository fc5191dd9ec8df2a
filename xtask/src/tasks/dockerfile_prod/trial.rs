//! The stacks as they are started to prove the new images: nothing of it is live, and nothing leads outside.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::Proposal;
use super::look::Made;
use crate::actions::StackCall;
use crate::error::Result;
use crate::tasks::deploy::around::{Part, spread, taken};
use crate::tasks::{Context, call};

/// What is started to prove the images.
#[derive(Default)]
pub struct Trial {
    /// The services with new images, and what they need and address, stack by stack in the order in which they start.
    pub stacks: Vec<(String, Json)>,
    /// Services that cannot be started, as their stacks do not render.
    pub left: Vec<String>,
}

pub fn trial(cx: &Context<'_>, proposal: &Proposal<'_>) -> Result<Trial> {
    let Some(live) = cx.live() else { return Ok(Trial::default()) };
    let mut parts = Vec::new();
    for stack in cx.project.in_order()? {
        let Some(read) = proposal.looked.models.iter().find(|read| read.stack.id == stack.id) else { continue };
        let call = StackCall { profiles: vec!["*".into()], ..call::for_compose(stack, &read.model) };
        // What does not render cannot be started; whoever leans on it is then not proven.
        let Ok(mut model) = live.compose.config_json(&call.call(), &cx.masker.borrow(), cx.cancel) else { continue };
        let mut wanted = BTreeSet::new();
        for (number, image) in &proposal.images {
            let made = &proposal.looked.made[*number];
            for (name, tried) in built_there(made, &stack.id) {
                let place = format!("/services/{}", name.replace('~', "~0").replace('/', "~1"));
                let Some(service) = model.pointer_mut(&place) else { continue };
                // What is not started may be addressed by others.
                if tried {
                    wanted.insert(name.to_string());
                }
                harden(service, made, image, name == made.recipe.service);
            }
        }
        let runs = there(&live, &model, &proposal.images)?;
        parts.push(Part { stack: stack.id.clone(), model, runs, wanted });
    }
    spread(&mut parts, false);
    let is_started = |stack: &str, service: &str| parts.iter().any(|part| part.stack == stack && part.wanted.contains(service));
    let made = proposal.images.iter().map(|(number, _)| &proposal.looked.made[*number]);
    let all = made.flat_map(|made| made.tried.iter().map(|(stack, name)| (stack, name)).chain([(&made.stack, &made.recipe.service)]));
    let left = all.filter(|(stack, service)| !is_started(stack, service)).map(|(_, service)| service.clone()).collect();
    Ok(Trial { stacks: taken(&parts), left })
}

/// The services of a stack that run on the image, and whether they are started for themselves: of one name only one is.
fn built_there<'m>(made: &'m Made, stack: &'m str) -> impl Iterator<Item = (&'m str, bool)> {
    let own = (made.stack == stack).then_some((made.recipe.service.as_str(), true));
    let others = made.others.iter().filter_map(|other| other.rsplit_once('/')).filter(move |(id, _)| *id == stack);
    let others = others.map(|(id, name)| (name, made.tried.iter().any(|(stack, tried)| stack == id && tried == name)));
    own.into_iter().chain(others)
}

/// The services whose images are here, or will be.
fn there(live: &crate::actions::Live, model: &Json, images: &[(usize, String)]) -> Result<BTreeSet<String>> {
    let mut there = BTreeSet::new();
    for (name, service) in model.get("services").and_then(Json::as_object).into_iter().flatten() {
        let image = service.get("image").and_then(Json::as_str).unwrap_or_default();
        let new = images.iter().any(|(_, new)| new == image);
        if new || (!image.is_empty() && live.engine.image(image)?.is_some()) {
            there.insert(name.clone());
        }
    }
    Ok(there)
}

/// The service on its new image, as strictly as an engine can hold it. Of the one that it was made for, what the image
/// says is what starts; others say it themselves.
fn harden(service: &mut Json, made: &Made, image: &str, is_own: bool) {
    let Some(fields) = service.as_object_mut() else { return };
    for key in ["command", "entrypoint", "healthcheck"].iter().filter(|_| is_own) {
        fields.remove(*key);
    }
    for key in ["build", "cap_add", "privileged", "devices", "working_dir", "develop", "pull_policy", "post_start", "user"] {
        fields.remove(key);
    }
    let sources = |mount: &Json| {
        let bound = mount.get("type").and_then(Json::as_str) == Some("bind");
        let source = mount.get("source").and_then(Json::as_str).unwrap_or_default();
        let target = mount.get("target").and_then(Json::as_str).unwrap_or_default();
        let over = Path::new(target).starts_with(Path::new(&made.recipe.folder).join("node_modules"))
            || Path::new(target) == Path::new(&made.recipe.folder);
        (bound && Path::new(source).starts_with(&made.context)) || over
    };
    if let Some(mounts) = fields.get_mut("volumes").and_then(Json::as_array_mut) {
        mounts.retain(|mount| !sources(mount));
    }
    // Of the settings for development only this one is known to everybody.
    if let Some(variables) = fields.get_mut("environment").and_then(Json::as_object_mut) {
        for name in ["NODE_ENV", "FLASK_ENV", "FLASK_DEBUG"] {
            variables.remove(name);
        }
    }
    fields.insert("image".into(), json!(image));
    fields.insert("user".into(), json!(made.recipe.user));
    fields.insert("read_only".into(), json!(true));
    fields.insert("cap_drop".into(), json!(["ALL"]));
    fields.insert("security_opt".into(), json!(["no-new-privileges:true"]));
    let tmpfs = fields.entry("tmpfs").or_insert_with(|| json!([]));
    if let Some(list) = tmpfs.as_array_mut()
        && !list.iter().filter_map(Json::as_str).any(|entry| entry.split(':').next() == Some("/tmp"))
    {
        list.push(json!("/tmp"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::{Development, Language, Recipe};

    #[test]
    fn the_image_alone_says_what_starts_and_nothing_is_allowed() {
        let recipe = Recipe {
            service: "web".into(),
            language: Language::Node,
            manager: "npm",
            base: "b:1".into(),
            runtime: "b:1".into(),
            folder: "/app".into(),
            dependencies: None,
            build: None,
            copies: Vec::new(),
            made: Vec::new(),
            environment: Vec::new(),
            user: "7:7".into(),
            port: None,
            path: None,
            health: None,
            entry: Vec::new(),
            labels: Vec::new(),
            development: Development::default(),
            notes: Vec::new(),
        };
        let made = Made {
            stack: "s".into(),
            recipe,
            context: "/p/web".into(),
            image: "i".into(),
            present: None,
            others: Vec::new(),
            tried: Vec::new(),
            untold: Vec::new(),
            sources: BTreeSet::new(),
        };
        let given = json!({
            "build": {}, "command": ["nodemon"], "healthcheck": {"test": ["CMD", "x"]}, "privileged": true, "cap_add": ["SYS_ADMIN"], "user": "0",
            "environment": {"NODE_ENV": "development", "DB": "x"}, "tmpfs": ["/run:mode=700"], "networks": {"n": {}},
            "volumes": [{"type": "bind", "source": "/p/web/src", "target": "/app/src"}, {"type": "volume", "source": "d", "target": "/data"}, {"type": "volume", "target": "/app/node_modules"}],
        });
        let mut worker = given.clone();
        harden(&mut worker, &made, "new:1", false);
        assert_eq!((&worker["command"], &worker["healthcheck"]), (&given["command"], &given["healthcheck"]));
        let mut service = given;
        harden(&mut service, &made, "new:1", true);
        assert_eq!(
            service,
            json!({
                "environment": {"DB": "x"}, "tmpfs": ["/run:mode=700", "/tmp"], "networks": {"n": {}}, "volumes": [{"type": "volume", "source": "d", "target": "/data"}],
                "image": "new:1", "user": "7:7", "read_only": true, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"],
            })
        );
    }
}
