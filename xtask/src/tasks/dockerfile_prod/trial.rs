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
            let others = made
                .others
                .iter()
                .filter_map(|other| other.rsplit_once('/'))
                .any(|(id, name)| id == stack.id && name == made.recipe.service);
            let Some(service) = model.pointer_mut(&format!("/services/{}", made.recipe.service.replace('~', "~0").replace('/', "~1")))
            else {
                continue;
            };
            if made.stack == stack.id {
                wanted.insert(made.recipe.service.clone());
            }
            // The same service of another stack is not started, but others may address it there.
            if made.stack == stack.id || others {
                harden(service, made, image);
            }
        }
        let runs = there(&live, &model, &proposal.images)?;
        parts.push(Part { stack: stack.id.clone(), model, runs, wanted });
    }
    spread(&mut parts, false);
    let is_tried = |made: &Made| parts.iter().any(|part| part.stack == made.stack && part.wanted.contains(&made.recipe.service));
    let made = proposal.images.iter().map(|(number, _)| &proposal.looked.made[*number]);
    let left = made.filter(|made| !is_tried(made)).map(|made| made.recipe.service.clone()).collect();
    Ok(Trial { stacks: taken(&parts), left })
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

/// The service on its new image, as strictly as an engine can hold it: what the image says is what starts.
fn harden(service: &mut Json, made: &Made, image: &str) {
    let Some(fields) = service.as_object_mut() else { return };
    for key in [
        "build",
        "command",
        "entrypoint",
        "healthcheck",
        "cap_add",
        "privileged",
        "devices",
        "working_dir",
        "develop",
        "pull_policy",
        "post_start",
        "user",
    ] {
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
            sources: BTreeSet::new(),
        };
        let mut service = json!({
            "build": {}, "command": ["nodemon"], "healthcheck": {"test": ["CMD", "x"]}, "privileged": true, "cap_add": ["SYS_ADMIN"], "user": "0",
            "environment": {"NODE_ENV": "development", "DB": "x"}, "tmpfs": ["/run:mode=700"], "networks": {"n": {}},
            "volumes": [{"type": "bind", "source": "/p/web/src", "target": "/app/src"}, {"type": "volume", "source": "d", "target": "/data"}, {"type": "volume", "target": "/app/node_modules"}],
        });
        harden(&mut service, &made, "new:1");
        assert_eq!(
            service,
            json!({
                "environment": {"DB": "x"}, "tmpfs": ["/run:mode=700", "/tmp"], "networks": {"n": {}}, "volumes": [{"type": "volume", "source": "d", "target": "/data"}],
                "image": "new:1", "user": "7:7", "read_only": true, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"],
            })
        );
    }
}
