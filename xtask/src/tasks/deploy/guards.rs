//! All guards of a deploy, answered together.

use std::collections::BTreeSet;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::path::Path;

use super::images::Images;
use super::look::{Looked, Standing};
use super::request::Request;
use crate::audit::Audit;
use crate::engine::Listed;
use crate::error::Result;
use crate::finding::Finding;
use crate::guards::Checked;
use crate::guards::deploy::{
    Blocking, Held, Names, NextImage, Wanted, definitions_are_unchanged, external_things_exist, findings_are_accepted, images_are_there,
    names_are_kept, one_role, ports_are_free, room_for_images, secret_files, secret_files_are_ready, tag_is_set, tag_use,
    variables_are_set, wanted_ports,
};
use crate::model::{self, Unset};
use crate::policy::{Date, Policy};
use crate::project::{Role, Stack};
use crate::release::Release;
use crate::source::Disk;
use crate::surroundings::Host;
use crate::tasks::audit::{self, Scope};
use crate::tasks::elsewhere::made_in;
use crate::tasks::{Context, call};

/// What the policies call tags that are no version.
const MOVING: (&str, &str) = ("untagged-or-latest", "tags");

/// `last`: the release that is recorded as running, with its rendered model where it has one.
pub fn guards(
    cx: &Context<'_>,
    looked: &Looked<'_>,
    request: &Request,
    resolved: &Images,
    last: Option<(&Release, Option<&serde_json::Value>)>,
) -> Result<Vec<Checked>> {
    let policy = Policy::load(&cx.project.root, Role::Prod, &Disk)?;
    let engine = looked.standing.live.engine.as_ref();
    let images = looked.images();
    let mut guards = vec![
        tag_is_set(&tag_use(&looked.model, &looked.standing.settings.tag), &images, policy.list(MOVING.0, MOVING.1)),
        variables_are_set(&looked.model),
        one_role(&looked.model.name, looked.standing.stack.role.or(Some(Role::Prod)), &others(cx, looked)),
        same_files(looked)?,
        way_back(&looked.standing),
        findings(cx, looked, request, &policy)?,
        room_for_images(resolved.room(looked)),
    ];
    let unrendered = looked.rendered.as_ref().err().cloned();
    guards.push(Checked::new(
        "renders",
        unrendered.into_iter().collect(),
        "`docker compose config` shows the same; set right what it names",
    ));
    // All that can be said is said at once: where a variable is missing, our own reading tells of the rest.
    let own = looked.rendered.is_err().then(|| looked.model.json());
    let json = own.as_ref().or(looked.rendered.as_ref().ok().map(|rendered| &rendered.json));
    if let Some(json) = json {
        guards.push(secret_files_are_ready(&secret_files(json)));
        guards.push(external_things_exist(engine, json)?);
    }
    if let Ok(rendered) = &looked.rendered {
        guards.push(images_are_there(&resolved.unavailable));
        guards.push(definitions_are_unchanged(engine, &rendered.json)?);
        guards.push(ports_are_free(&wanted_ports(&rendered.json), &held(looked)?, &held_here(looked)));
        guards.push(names_are_kept(last.and_then(|(_, model)| model).map(Names::of).as_ref(), &Names::of(&rendered.json)));
    }
    Ok(guards)
}

/// Containers of these services that were made from other compose files, as another checkout has them: they
/// would be replaced without being noted, so nothing could put them back.
fn same_files(looked: &Looked<'_>) -> Result<Checked> {
    let label = |container: &Listed, name: &str| container.labels.get(&format!("com.docker.compose.{name}")).cloned().unwrap_or_default();
    let of_project = [("com.docker.compose.project", looked.standing.call.project.as_str()), ("com.docker.compose.oneoff", "False")];
    let mut why = Vec::new();
    for container in looked.standing.live.engine.containers(&of_project)? {
        let service = label(&container, "service");
        if looked.model.services().any(|name| name == service) && !looked.standing.containers.iter().any(|own| own.id == container.id) {
            why.push(format!("{service} has a container that was made from {}", label(&container, "project.config_files")));
        }
    }
    let help = "deploy from there (`-C FOLDER`), which also adopts what was started by hand; or give this stack a `name:` of its own";
    Ok(Checked::new("files", why, help))
}

/// What a container reads of a folder from which the stack was deployed before must be there still: else
/// nothing could start it again.
fn way_back(standing: &Standing<'_>) -> Checked {
    let mut why = Vec::new();
    for container in &standing.containers {
        let Some(root) = made_in(container, &standing.roots) else { continue };
        let bound = container.mounts.iter().filter(|mount| mount.kind == "bind").map(|mount| Path::new(&mount.source));
        for path in bound.filter(|path| path.starts_with(root) && !path.exists()) {
            why.push(format!("{} reads {}, which is not there any more", container.name, path.display()));
        }
    }
    Checked::new("way-back", why, "bring it back until this deploy is done; without it, what runs now could not be started again")
}

/// The other stacks of the project by name, with the project name that each renders to.
fn others(cx: &Context<'_>, looked: &Looked<'_>) -> Vec<(String, Option<Role>, String)> {
    let others = cx.project.stacks.iter().filter(|stack| stack.id != looked.standing.stack.id);
    let read = |stack: &Stack| model::load(&Disk, &call::of(stack, Unset::StandIn), &cx.environment).ok().map(|model| model.name);
    others.filter_map(|stack| Some((stack.id.clone(), stack.role, read(stack)?))).collect()
}

/// The audit of this one stack, by the policy for production. What is found in services that are not started,
/// such as those of a profile that is off, does not come into production.
fn findings(cx: &Context<'_>, looked: &Looked<'_>, request: &Request, policy: &Policy) -> Result<Checked> {
    let audit = audited(cx, looked.standing.stack, &looked.standing.call.env, None)?;
    let unread: Vec<String> = audit.gaps.iter().map(|gap| gap.error.to_string()).collect();
    let started: BTreeSet<String> = looked.images().into_iter().map(|(service, _)| service).collect();
    Ok(findings_are_accepted(&blocking(cx, &audit, policy, &started), &unread, &request.accepted))
}

/// The audit of one stack as production is judged; `host`: the machine that it shall run on, where that counts.
pub(super) fn audited(cx: &Context<'_>, stack: &Stack, env: &[(String, String)], host: Option<Host>) -> Result<Audit> {
    let asked = audit::Request { targets: vec![stack.id.clone()], role: Some(Role::Prod), host, ..audit::Request::default() };
    let mut environment = cx.environment.clone();
    environment.extend(env.iter().cloned());
    // The stack itself is handed on, not its name: a folder may be called so.
    let scope = Scope::resolve(&audit::Request::default(), &cx.project.root)?;
    let today = Date::of_unix_seconds(crate::saga::now_ms() / 1000);
    audit::look_at_stacks(std::slice::from_ref(stack), &scope, &scope.files, &asked, &[], &environment, today)
}

/// What the policies call tags that are no version.
pub(super) fn moving_tags(cx: &Context<'_>) -> Result<Vec<String>> {
    Ok(Policy::load(&cx.project.root, Role::Prod, &Disk)?.list(MOVING.0, MOVING.1).to_vec())
}

/// What keeps the stack out; `started`: the services that a deploy starts.
pub(super) fn blocking(cx: &Context<'_>, audit: &Audit, policy: &Policy, started: &BTreeSet<String>) -> Vec<Blocking> {
    let text = |finding: &Finding| audit.texts.get(&finding.file).map(|text| text.text.as_ref());
    let comes = |finding: &Finding| {
        finding.service.as_ref().is_none_or(|service| {
            started.contains(service) || !text(finding).is_some_and(|text| stands_alone(text, finding.span.start, service))
        })
    };
    let findings = audit.findings.iter().map(|entry| &entry.finding).filter(|finding| policy.blocks(finding.rule, finding.severity));
    findings
        .filter(|finding| comes(finding))
        .map(|finding| {
            let path = cx.project.relative(&finding.file).display().to_string();
            let line = text(finding).map(|text| text[..finding.span.start.min(text.len())].matches('\n').count() + 1);
            let at = line.map_or_else(|| path.clone(), |line| format!("{path}:{line}"));
            Blocking { rule: finding.rule.to_string(), at, message: finding.message.clone() }
        })
        .collect()
}

/// Whether what stands at `at` is written in the block of this service, and no anchor hands it on to others.
fn stands_alone(text: &str, at: usize, service: &str) -> bool {
    let head = format!("{service}:");
    let before = text.get(..at).unwrap_or_default();
    for line in before.lines().rev() {
        if line.contains('&') {
            return false;
        }
        if line.trim() == head {
            return true;
        }
    }
    false
}

/// The host ports that containers of others hold.
fn held(looked: &Looked<'_>) -> Result<Vec<Held>> {
    let engine = looked.standing.live.engine.as_ref();
    let mut held = Vec::new();
    for listed in engine.containers(&[])? {
        if looked.standing.containers.iter().any(|own| own.id == listed.id) {
            continue;
        }
        let Some(container) = engine.container(&listed.id)? else { continue };
        held.extend(container.published.iter().filter_map(|published| parsed(&container.name, published)));
    }
    Ok(held)
}

/// `0.0.0.0:5432/tcp`, `[::]:80/udp` or `:::80/tcp`.
fn parsed(container: &str, published: &str) -> Option<Held> {
    let (socket, protocol) = published.split_once('/')?;
    let (address, port) = socket.rsplit_once(':')?;
    let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
    Some(Held { container: container.to_string(), address, port: port.parse().ok()?, protocol: protocol.to_string() })
}

/// Whether a program of this machine holds a port that no container of the stack holds. Of another machine's
/// engine it says nothing: the name of a port there is another port.
fn held_here<'l>(looked: &'l Looked<'_>) -> impl Fn(&Wanted) -> bool + 'l {
    move |wanted| {
        let own =
            looked.standing.containers.iter().flat_map(|container| &container.published).filter_map(|published| parsed("", published));
        if own.into_iter().any(|held| held.port == wanted.port && held.protocol == wanted.protocol) {
            return false;
        }
        let taken = |error: std::io::Error| error.kind() == std::io::ErrorKind::AddrInUse;
        match wanted.protocol.as_str() {
            "udp" => UdpSocket::bind((wanted.address, wanted.port)).err().is_some_and(taken),
            _ => TcpListener::bind((wanted.address, wanted.port)).err().is_some_and(taken),
        }
    }
}

/// The images that running services would change to.
pub(super) fn next_images(looked: &Looked<'_>) -> Vec<NextImage> {
    let images = looked.images();
    let old = |service: &String| {
        looked.standing.containers.iter().find(|container| container.service() == service).map(|container| &container.image)
    };
    let next = images
        .iter()
        .filter_map(|(service, new)| Some(NextImage { service: service.clone(), old: old(service)?.clone(), new: new.clone() }));
    next.filter(|next| next.old != next.new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_of_a_service_alone_is_told_from_one_that_an_anchor_hands_on() {
        let text = "x-a: &a\n  K: v\nservices:\n  web:\n    environment:\n      K: v\n  db:\n    environment: &e\n      K: v\n";
        let at = |number: usize| text.match_indices("K: v").nth(number).unwrap().0;
        assert!(stands_alone(text, at(1), "web"));
        assert!(!stands_alone(text, at(0), "web") && !stands_alone(text, at(2), "db"));
    }

    #[test]
    fn published_addresses_are_read() {
        let read = |text: &str| parsed("web", text).map(|held| (held.address.to_string(), held.port, held.protocol));
        assert_eq!(read("0.0.0.0:5432/tcp"), Some(("0.0.0.0".into(), 5432, "tcp".into())));
        assert_eq!(read("[::]:80/udp"), Some(("::".into(), 80, "udp".into())));
        assert_eq!(read(":::80/tcp"), Some(("::".into(), 80, "tcp".into())));
        assert_eq!(read("nothing"), None);
    }
}
