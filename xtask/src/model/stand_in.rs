//! What takes the place of a required variable that has no value: for each place something that can stand there,
//! and that says as little as possible. Who judges what stands there asks [`super::Model::stands_in`].

use crate::text::template::{Segment, Var};

/// What stands in where a number or a word will do.
pub const STAND_IN: &str = "1";

/// A path that is nobody's, an address that only the host reaches.
const FOLDER: &str = "/unset";
const ADDRESS: &str = "127.0.0.1";

/// What a variable in a text of these segments becomes at a place of a file.
pub fn stand_in(path: &[&str], text: &str, segments: &[Segment], var: &Var) -> String {
    let ["services", _, field @ ..] = path else { return STAND_IN.into() };
    let covers = |segment: &Segment| matches!(segment, Segment::Var(outer) if outer.range.start <= var.range.start && var.range.end <= outer.range.end);
    let is_first = segments.first().is_some_and(covers);
    let is_whole = is_first && segments.len() == 1;
    let stand_in = match field {
        ["volumes", "[]"] | ["volumes", "[]", "source"] if is_first => FOLDER,
        ["ports", "[]"] => of_port(text, segments, var),
        ["ports", "[]", "host_ip"] if is_whole => ADDRESS,
        ["container_name"] if is_whole => return format!("unset.{}", var.name),
        ["extra_hosts", "[]"] if is_whole => "unset:127.0.0.1",
        ["stop_grace_period"] if is_whole => "1s",
        ["healthcheck", "interval" | "timeout" | "start_period" | "start_interval"] if is_whole => "1s",
        ["deploy", _, "delay" | "monitor" | "window"] if is_whole => "1s",
        ["deploy", _, "order"] if is_whole => "stop-first",
        ["depends_on", _, "condition"] if is_whole => "service_healthy",
        ["pull_policy"] if is_whole => "missing",
        ["cgroup"] if is_whole => "private",
        ["gpus"] if is_whole => "all",
        ["attach"] | ["build", "privileged" | "no_cache" | "pull"] | ["post_start" | "pre_stop", "[]", "privileged"] if is_whole => "false",
        _ => STAND_IN,
    };
    stand_in.to_string()
}

/// In the text of a port: before two colons stands an address.
fn of_port(text: &str, segments: &[Segment], var: &Var) -> &'static str {
    let is = |one: &Var| one.range == var.range;
    let (address, rest) = match segments {
        [Segment::Var(first), rest @ ..] if is(first) => (ADDRESS, rest),
        [Segment::Literal(open), Segment::Var(second), rest @ ..] if text[open.clone()] == *"[" && is(second) => ("::1", rest),
        _ => return STAND_IN,
    };
    let colons = |segment: &Segment| match segment {
        Segment::Literal(range) => text[range.clone()].matches(':').count(),
        _ => 0,
    };
    if rest.iter().map(colons).sum::<usize>() >= 2 { address } else { STAND_IN }
}

#[cfg(test)]
mod tests {
    use crate::model::{Call, Environment, Model, Unset, load};
    use crate::source::{Disk, Overlay};

    fn model(service: &str) -> Model {
        let text = format!("services:\n  a:\n    image: x\n    {service}\n  z: {{image: x}}\n");
        let mut files = Overlay::new(&Disk);
        files.set("/nowhere/compose.yaml", Some(text.into_bytes()));
        let call = Call { files: vec!["/nowhere/compose.yaml".into()], unset: Unset::StandIn, ..Call::default() };
        load(&files, &call, &Environment::new()).unwrap_or_else(|error| panic!("{service}: {error}"))
    }

    /// The port as `ADDRESS PUBLISHED TARGET`.
    fn port(spec: &str) -> String {
        let model = model(&format!("ports: ['{spec}']"));
        let port = &model.json()["services"]["a"]["ports"][0];
        let text = |key: &str| port[key].as_str().map_or_else(|| port[key].to_string(), String::from);
        format!("{} {} {}", text("host_ip"), text("published"), text("target"))
    }

    #[test]
    fn ports_and_addresses_are_told_apart() {
        for (spec, shown) in [
            ("${X:?}:80", "null 1 80"),
            ("${X:?}", "null null 1"),
            ("${X:?}:8080:80", "127.0.0.1 8080 80"),
            ("${X:?}:${Y:?}:80/udp", "127.0.0.1 1 80"),
            ("[${X:?}]:80:81", "::1 80 81"),
            ("10.0.0.1:${X:?}:80", "10.0.0.1 1 80"),
        ] {
            assert_eq!(port(spec), shown, "{spec}");
        }
    }

    #[test]
    fn every_place_gets_what_can_stand_there() {
        for service in [
            "volumes: ['${X:?}:/data', '${Y:?}/a:/b:ro', '${Z:-${X:?}}:/c', {type: bind, source: '${X:?}', target: /d}]",
            "container_name: ${X_1:?}",
            "container_name: app_${X:?}",
            "extra_hosts: ['${X:?}', 'a:${Y:?}']",
            "stop_grace_period: ${X:?}",
            "healthcheck: {test: [CMD, a], interval: '${X:?}', timeout: '${X:?}s', start_period: '${X:?}', retries: '${X:?}'}",
            "deploy: {update_config: {delay: '${X:?}', order: '${X:?}'}, restart_policy: {delay: '${X:?}', window: '${X:?}'}}",
            "depends_on: {z: {condition: '${X:?}'}}",
            "pull_policy: ${X:?}",
            "cgroup: ${X:?}",
            "gpus: ${X:?}",
            "attach: ${X:?}",
            "build: {context: ., privileged: '${X:?}', no_cache: '${X:?}', pull: '${X:?}'}",
        ] {
            model(service);
        }
    }

    #[test]
    fn nothing_is_granted_that_nobody_has_said() {
        let model = model("privileged: '${X:?}'\n    oom_kill_disable: '${X:?}'\n    read_only: '${X:?}'");
        let shown = model.json();
        let service = &shown["services"]["a"];
        assert!(service["privileged"] != true && service["oom_kill_disable"] != true, "{service}");
        assert_eq!(service["read_only"], true);
    }

    #[test]
    fn the_model_tells_what_stands_in() {
        let model = model("ports: ['${HTTP:?}:80', '81:81']");
        let ports = model.service("a").and_then(|a| a.get("ports")).unwrap().as_seq().unwrap();
        assert_eq!(ports.iter().map(|port| model.stands_in(port.at)).collect::<Vec<_>>(), [Some("HTTP"), None]);
    }
}
