//! A runbook's facts out of the model and the settings.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::super::Subject;
use super::{Place, Runbook, Service};
use crate::catalogue::image_tag;
use crate::guards::deploy::tag_use;
use crate::project::Probe;
use crate::proof::rehearsal::rewrite::bound;
use crate::release::{how, image_of, in_order, targets};
use crate::tasks::call;
use crate::tasks::deploy::probe::shown;

pub(super) fn gather(subject: &Subject<'_>) -> Runbook {
    // Our own reading, so that it is the same without an engine.
    let model = subject.model.json();
    let relative = |path: &Path| subject.cx.project.relative(path).display().to_string();
    let settings = subject.settings;
    let tag = tag_use(&subject.model, &settings.tag);
    let hooks = &settings.hooks;
    let moments = [("pre-deploy", &hooks.pre_deploy), ("post-deploy", &hooks.post_deploy), ("on-rollback", &hooks.on_rollback)];
    let programs = moments
        .into_iter()
        .flat_map(|(moment, commands)| commands.iter().filter_map(move |argv| Some((moment.to_string(), argv.first()?.clone()))));
    Runbook {
        stack: subject.stack.id.clone(),
        project: subject.model.name.clone(),
        files: subject.stack.files.iter().map(|file| relative(file)).collect(),
        profiles: call::profiles(subject.stack, &subject.model),
        tag: (!tag.services.is_empty()).then_some(tag.variable),
        rehearses: settings.rehearse.on().is_some(),
        settle_secs: settings.settle,
        keep: settings.keep,
        services: services(subject, &model),
        data: data(&model, &subject.model.name, &relative),
        external_networks: external_networks(&model),
        hooks: programs.collect(),
        probes: settings.probes.iter().filter_map(probe).collect(),
    }
}

fn entries<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// In the order in which a deploy goes through them.
fn services(subject: &Subject<'_>, model: &Value) -> Vec<Service> {
    let targets = targets(model, &BTreeMap::new(), &BTreeMap::new(), &subject.settings.strategy);
    let bodies: BTreeMap<&String, &Value> = entries(model, "services").collect();
    let mut services = Vec::new();
    for name in in_order(&targets) {
        let Some(body) = bodies.get(&name) else { continue };
        let target = &targets[&name];
        services.push(Service {
            image: without_tag(&image_of(model, &name, body)),
            how: how(target),
            health_secs: bound(body.get("healthcheck"), None).map(|bound| bound.as_secs()),
            restart: restart(body),
            ports: body.get("ports").and_then(Value::as_array).into_iter().flatten().map(port).collect(),
            needs: target.needs.iter().cloned().collect(),
            name,
        });
    }
    services
}

/// The tag is another one with every release.
fn without_tag(image: &str) -> String {
    let name = image.split('@').next().unwrap_or(image);
    let tag = image_tag(name);
    name.strip_suffix(tag).filter(|_| !tag.is_empty()).map_or(name, |name| name.trim_end_matches(':')).trim_end_matches(':').to_string()
}

fn restart(service: &Value) -> String {
    let under_deploy = service.pointer("/deploy/restart_policy/condition").and_then(Value::as_str);
    service.get("restart").and_then(Value::as_str).or(under_deploy).unwrap_or("no").to_string()
}

/// `127.0.0.1:8080->80/tcp`, as `docker ps` has it.
fn port(port: &Value) -> String {
    let number = |key: &str| match port.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let address = match text(port, "host_ip") {
        "" => String::new(),
        address => format!("{address}:"),
    };
    let inside = format!("{}/{}", number("target"), text(port, "protocol"));
    match number("published") {
        published if published.is_empty() => format!("{address}any->{inside}"),
        published => format!("{address}{published}->{inside}"),
    }
}

/// Every volume, and every folder or file of the machine that may be written.
fn data(model: &Value, project: &str, relative: &dyn Fn(&Path) -> String) -> Vec<Place> {
    let mut places: BTreeMap<(&'static str, String), Place> = BTreeMap::new();
    for (service, body) in entries(model, "services") {
        for mount in body.get("volumes").and_then(Value::as_array).into_iter().flatten() {
            let written = mount.get("read_only") != Some(&Value::Bool(true));
            let source = text(mount, "source");
            let place = match text(mount, "type") {
                "volume" if source.is_empty() => ("volume", format!("without a name, at {}", text(mount, "target"))),
                "volume" => {
                    let given = model.get("volumes").and_then(|all| all.get(source)?.get("name")?.as_str());
                    ("volume", given.map_or_else(|| format!("{project}_{source}"), String::from))
                }
                "bind" if written => ("folder", relative(Path::new(&source.replace("$$", "$")))),
                _ => continue,
            };
            let external = model.get("volumes").and_then(|all| all.get(source)?.get("external")) == Some(&Value::Bool(true));
            let (kind, name) = place.clone();
            let known = places.entry(place).or_insert_with(|| Place { kind, name, external, services: Vec::new() });
            if !known.services.contains(service) {
                known.services.push(service.clone());
            }
        }
    }
    places.into_values().collect()
}

fn external_networks(model: &Value) -> Vec<String> {
    let external = entries(model, "networks").filter(|(_, network)| network.get("external") == Some(&Value::Bool(true)));
    external.map(|(key, network)| network.get("name").and_then(Value::as_str).unwrap_or(key).to_string()).collect()
}

/// Without what may hold a secret: the user and the question of a URL, the arguments of a command.
fn probe(probe: &Probe) -> Option<String> {
    if let Some(url) = &probe.http {
        return Some(format!("{} answers {}", shown(url), probe.status.unwrap_or(200)));
    }
    if let Some(address) = &probe.tcp {
        return Some(format!("{address} accepts a connection"));
    }
    let program = probe.command.as_ref()?.first()?;
    Some(format!("{program} ends with code 0 in {}", probe.service.as_deref().unwrap_or("its service")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn images_lose_their_tags_and_probes_their_secrets() {
        for (image, name) in
            [("shop/api:v1", "shop/api"), ("r.example:5000/api", "r.example:5000/api"), ("api:", "api"), ("redis:7@sha256:ab", "redis")]
        {
            assert_eq!(without_tag(image), name);
        }
        let http = Probe { http: Some("http://u:canary@h:80/health?token=canary#canary".into()), ..Probe::default() };
        assert_eq!(probe(&http).unwrap(), "http://h:80/health answers 200");
        let command = Probe { command: Some(vec!["curl".into(), "canary".into()]), service: Some("api".into()), ..Probe::default() };
        assert_eq!(probe(&command).unwrap(), "curl ends with code 0 in api");
    }

    #[test]
    fn data_is_every_volume_and_what_is_written_of_the_machine() {
        let mount =
            |kind: &str, source: &str, read_only: bool| json!({"type": kind, "source": source, "target": "/t", "read_only": read_only});
        let model = json!({"name": "p", "services": {
            "a": {"volumes": [mount("volume", "own", false), mount("bind", "/p/conf", true), mount("bind", "/p/up", false)]},
            "b": {"volumes": [mount("volume", "own", false), mount("volume", "far", false), mount("tmpfs", "", false)]},
        }, "volumes": {"own": {"name": "p_own"}, "far": {"name": "far", "external": true}}});
        let found = data(&model, "p", &|path| path.strip_prefix("/p").unwrap().display().to_string());
        let told: Vec<(&str, &str, bool, usize)> =
            found.iter().map(|one| (one.kind, one.name.as_str(), one.external, one.services.len())).collect();
        assert_eq!(told, [("folder", "up", false, 1), ("volume", "far", true, 1), ("volume", "p_own", false, 2)]);
    }

    #[test]
    fn ports_are_told_as_docker_tells_them() {
        let told = |value: Value| port(&value);
        assert_eq!(told(json!({"target": 80, "published": "8080", "protocol": "tcp"})), "8080->80/tcp");
        assert_eq!(told(json!({"target": 80, "protocol": "udp", "host_ip": "127.0.0.1"})), "127.0.0.1:any->80/udp");
    }
}
