use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::*;
use crate::yaml::{Limits, read};

/// Each thing that is unknown in a text on a line: its place, the bytes of its span, what is said.
fn said(text: &str) -> Vec<String> {
    let documents = read(text, Limits::default()).unwrap();
    let line = |unknown: &Unknown<'_>| {
        let what = match unknown {
            Unknown::Key { key, nearest, elsewhere, .. } => {
                assert_eq!(*key, unknown.span().slice(text).trim_matches(['"', '\'']), "the span of a key is the key's");
                let nearest = nearest.as_deref().unwrap_or("-");
                format!("{nearest}, {}", elsewhere.as_deref().unwrap_or("-"))
            }
            Unknown::Name { .. } => "name".to_string(),
            Unknown::Type { expected, null, .. } => {
                format!("{}: {expected}{}", unknown.span().slice(text), if *null { " (null)" } else { "" })
            }
        };
        format!("{} = {what}", unknown.place())
    };
    documents.iter().flat_map(|document| unknown_keys(document).iter().map(line).collect::<Vec<_>>()).collect()
}

fn service(text: &str) -> Vec<String> {
    said(&format!("services:\n  a:\n    image: x\n    {text}\n"))
}

#[test]
fn a_slip_of_the_pen_is_found_on_every_level() {
    assert_eq!(said("servces: {}\nvolums: {}\n"), ["servces = services, -", "volums = volumes, -"]);
    for (written, expected) in [
        ("privilaged: true", "services.a.privilaged = privileged, -"),
        ("volums: []", "services.a.volums = volumes, -"),
        ("depend_on: [b]", "services.a.depend_on = depends_on, -"),
        ("depends-on: [b]", "services.a.depends-on = depends_on, -"),
        ("memLimit: 1g", "services.a.memLimit = mem_limit, -"),
        ("enviorment: {}", "services.a.enviorment = environment, -"),
        ("heathcheck: {intervall: 1s}", "services.a.heathcheck = healthcheck, -"),
        ("healthcheck: {intervall: 1s}", "services.a.healthcheck.intervall = interval, -"),
        ("deploy: {ressources: {}}", "services.a.deploy.ressources = resources, -"),
        ("deploy: {resources: {limits: {cpu: 1}}}", "services.a.deploy.resources.limits.cpu = cpus, -"),
        ("build: {context: ., dockerFile: x}", "services.a.build.dockerFile = dockerfile, -"),
        ("ports: [{target: 80, publish: 80}]", "services.a.ports[0].publish = published, -"),
        ("volumes: [{type: bind, bind: {propogation: x}}]", "services.a.volumes[0].bind.propogation = propagation, -"),
        ("depends_on: {b: {conditon: service_started}}", "services.a.depends_on.b.conditon = condition, -"),
        ("networks: {n: {alias: [x]}}", "services.a.networks.n.alias = aliases, -"),
        ("extends: {services: b}", "services.a.extends.services = service, "),
    ] {
        let said = service(written);
        assert_eq!(said.len(), 1, "{written}: {said:?}");
        assert!(said[0].starts_with(expected), "{written}: {said:?}");
    }
    assert_eq!(said("networks: {n: {internl: true}}\nvolumes: {v: {drivr: x}}\nsecrets: {s: {fil: x}}\n").len(), 3);
}

#[test]
fn a_key_of_another_mapping_is_sent_there() {
    assert_eq!(service("deploy: {mem_limit: 1g}"), ["services.a.deploy.mem_limit = -, services.*"]);
    assert_eq!(service("deploy: {limits: {}}"), ["services.a.deploy.limits = -, services.*.deploy.resources"]);
    assert_eq!(service("interval: 5s"), ["services.a.interval = -, services.*.healthcheck"]);
    assert_eq!(service("name: x"), ["services.a.name = -, "]);
    assert_eq!(said("privileged: true\n"), ["privileged = -, services.*"]);
    assert_eq!(service("flavour: x"), ["services.a.flavour = -, -"]);
}

#[test]
fn kinds_of_values_are_those_that_compose_takes() {
    for (written, expected) in [
        ("ports: 80", "services.a.ports = 80: a list"),
        ("ports: ${PORTS}", "services.a.ports = ${PORTS}: a list"),
        ("ports:", "services.a.ports = : a list (null)"),
        ("user: 1000", "services.a.user = 1000: a string"),
        ("user: 2020-01-01", "services.a.user = 2020-01-01: a string"),
        ("privileged: 1", "services.a.privileged = 1: a string or true or false"),
        ("command: true", "services.a.command = true: a string, a list or nothing"),
        ("command: [null]", "services.a.command[0] = null: a string (null)"),
        ("mem_reservation: 1.5", "services.a.mem_reservation = 1.5: a string or an integer"),
        ("environment: [{A: b}]", "services.a.environment[0] = {A: b}: a string"),
        ("environment: {A: [b]}", "services.a.environment.A = [b]: a string, true or false, a number or nothing"),
        ("cgroup: none", "services.a.cgroup = none: `host` or `private`"),
        ("use_api_socket: ${X}", "services.a.use_api_socket = ${X}: true or false"),
        ("networks: {n: {priority: '5'}}", "services.a.networks.n.priority = '5': a number"),
    ] {
        assert_eq!(service(written), [expected], "{written}");
    }
    for written in [
        "command:",
        "deploy:",
        "develop:",
        "privileged: 'yes'",
        "privileged: ${X}",
        "mem_limit: ${M:-1g}",
        "mem_reservation: 1.0",
        "user: !!str 1000",
        "user: !own 1000",
        "cgroup: ${X}",
        "logging: {options: {a: }}",
        "storage_opt: {a: {b: 1}}",
        "ports: !reset 3",
        "ports: !override [80]",
        "build: .",
        "networks: {n: }",
        "ulimits: {nofile: 5, NPROC: {bogus: 1}}",
        "gpus: all",
        "env_file: [a, {path: b, required: '${R}'}]",
        "healthcheck: {retries: 3, test: [NONE]}",
    ] {
        assert_eq!(service(written), [""; 0], "{written}");
    }
    assert_eq!(said("include:\nvolumes: {v: }\nnetworks: {'a b': {bogus: 1}}\n"), [""; 0]);
    assert_eq!(said("services: {a b: {image: x}, c: }\n"), ["services.a b = name", "services.c = : a mapping (null)"]);
    assert_eq!(said("[]\n"), [" = []: a mapping"]);
}

#[test]
fn extensions_are_the_users_own() {
    assert_eq!(said("x-a: {b: [c, {d: e}]}\nservices: {a: {image: x, x-b: {c: d}, build: {context: ., x-c: 1}}}\n"), [""; 0]);
    assert_eq!(
        service("blkio_config: {x-a: 1}"),
        ["services.a.blkio_config.x-a = -, -"],
        "the schema has none here, and Compose refuses it"
    );
    assert_eq!(said("X-a: 1\n"), ["X-a = -, -"]);
}

#[test]
fn aliases_and_merge_keys_are_looked_through_once() {
    let text = "
x-base: &base
  privilaged: true
  ports: 3
  healthcheck: &check {intervall: 1s}
services:
  a:
    <<: *base
    ports: []
  b:
    <<: [*base, {volums: [], ports: 4}]
    healthcheck: *check
  c: *base
  d: {\"<<\": {image: x}}
";
    assert_eq!(
        said(text),
        [
            "x-base.privilaged = privileged, -",
            "x-base.ports = 3: a list",
            "x-base.healthcheck.intervall = interval, -",
            "services.b.<<[1].volums = volumes, -",
            "services.d.<< = -, -",
        ]
    );
    let hidden = "x-a: &a {ports: 3}\nx-b: &b {<<: *a, user: 1}\nservices:\n  s: {<<: *b, ports: [], user: x}\n";
    assert_eq!(said(hidden), [""; 0]);
    let again = "x-a: &a {image: x}\nservices:\n  s: *a\n  t: &a {imag: x}\n  u: *a\n";
    assert_eq!(said(again), ["services.t.imag = image, -"]);
}

#[test]
fn hostile_documents_end_soon() {
    let mut lists = String::from("x0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for n in 1..60 {
        lists.push_str(&format!("x{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(",")));
    }
    lists.push_str("services: {s: {command: *a59, environment: *a59, ports: *a59}}\n");
    let mut chain = String::from("x-0: &a0 {imag: x}\n");
    for n in 1..3000 {
        chain.push_str(&format!("x-{n}: &a{n} {{<<: *a{}}}\n", n - 1));
    }
    chain.push_str("services: {s: *a2999}\n");
    let wide: String = (0..2000).map(|n| format!("  k{n}: &w{n} {{<<: *w, ports: 3}}\n")).collect();
    let wide = format!("x: &w {{{}}}\nservices:\n{wide}", (0..2000).map(|n| format!("privilege{n}: 1")).collect::<Vec<_>>().join(", "));
    let keys: String = (0..8000).map(|n| format!("privilegd{n}: 1\n")).collect();
    let long = format!("{}: 1\n", "volumes".repeat(100));
    let below: String = (0..3000).map(|n| format!("    a{n}: &b{n} x\n")).collect();
    let below = format!("services:\n  ? {}\n  :\n{below}", "k".repeat(50_000));
    let inside = "services: &s\n  a: &a\n    <<: [*a, *s]\n    healthcheck: *a\n    build: {args: *s}\n".to_string();
    let doubled = "services:\n  a: &a {<<: [*a, *a], b: 1}\n".to_string();
    for (name, text, least) in [
        ("lists", &lists, 60),
        ("chain", &chain, 1),
        ("wide", &wide, 2000),
        ("keys", &keys, 8000),
        ("long", &long, 1),
        ("below", &below, 1),
        ("inside", &inside, 1),
        ("doubled", &doubled, 1),
    ] {
        let documents = read(text, Limits::default()).unwrap();
        let start = Instant::now();
        let found = unknown_keys(&documents[0]);
        assert!(found.len() >= least, "{name}: {}", found.len());
        let places: usize = found.iter().map(|unknown| unknown.place().to_string().len()).sum();
        assert!(places < 4 << 20, "{name}: places of {places} bytes");
        // Far more than an unoptimized build on a busy machine needs.
        assert!(start.elapsed() < Duration::from_secs(5), "{name}: {:?}", start.elapsed());
    }
}

/// The reader knows every word of JSON Schema that the schema uses.
#[test]
fn the_schema_says_nothing_that_is_not_read() {
    let text = include_str!("../../../../policies/schema/compose-spec.json");
    let schema: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut words = BTreeSet::new();
    collect(&schema, &mut words);
    let read = ["$ref", "additionalProperties", "definitions", "enum", "items", "oneOf", "patternProperties", "properties", "type"];
    let for_people = ["$id", "$schema", "default", "deprecated", "description", "title"];
    let for_the_model = ["maximum", "minimum", "pattern", "required", "uniqueItems"];
    let known: BTreeSet<&str> = [&read[..], &for_people, &for_the_model].concat().into_iter().collect();
    assert_eq!(words, known);
}

fn collect<'s>(schema: &'s serde_json::Value, words: &mut BTreeSet<&'s str>) {
    for (word, value) in schema.as_object().into_iter().flatten() {
        words.insert(word);
        match word.as_str() {
            "properties" | "patternProperties" | "definitions" => {
                value.as_object().unwrap().values().for_each(|schema| collect(schema, words));
            }
            "oneOf" => value.as_array().unwrap().iter().for_each(|schema| collect(schema, words)),
            "items" => collect(value, words),
            "additionalProperties" => assert!(value.is_boolean()),
            _ => {}
        }
    }
}
