use std::collections::BTreeSet;
use std::path::Path;

use super::super::kind::Reach;
use super::super::name::is_named;
use super::*;

#[test]
fn images_are_known_wherever_they_come_from() {
    for (image, kind) in [
        ("postgres", "postgres"),
        ("postgres:15-alpine", "postgres"),
        ("docker.io/library/postgres:15@sha256:abc", "postgres"),
        ("localhost:5000/mirror/postgres", "postgres"),
        ("timescale/timescaledb:2.13.0-pg15", "postgres"),
        ("redis:7", "redis"),
        ("mcr.microsoft.com/mssql/server:2022-latest", "mssql"),
        ("rabbitmq:3.12-management", "rabbitmq"),
        ("docker.elastic.co/elasticsearch/elasticsearch:8.11.0", "elasticsearch"),
        ("mariadb:11", "mariadb"),
        ("nginx:1.22", "nginx"),
        ("nginxinc/nginx-unprivileged:1.27", "nginx-unprivileged"),
        ("langfuse/langfuse-worker:3", "langfuse-worker"),
        ("quay.io/prometheus/node-exporter:v1.8.0", "node-exporter"),
    ] {
        assert_eq!(server_kind(image).map(|k| k.kind.as_str()), Some(kind), "{image}");
    }
    for image in [
        "postgres-exporter",
        "quay.io/prometheuscommunity/postgres-exporter:v0.15.0",
        "oliver006/redis_exporter",
        "",
        "trading/workspace:dev",
        "jc21/nginx-proxy-manager",
        "traefik/whoami",
    ] {
        assert!(server_kind(image).is_none(), "{image}");
    }
    assert_eq!(server_kind_of_scheme("PostgreSQL").unwrap().kind, "postgres");
    assert_eq!(server_kind_of_scheme("https").map(|k| &k.kind), None);
}

#[test]
fn every_file_of_the_folder_is_built_in_and_says_what_the_index_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/images");
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let kinds: Vec<String> = every_kind().map(|kind| format!("{}.yaml", kind.kind)).collect();
    assert_eq!(kinds, names);
    let mut of_index: Vec<(String, u16)> =
        INDEX.ports.iter().flat_map(|(port, at)| at.iter().map(move |at| (kind(*at).kind.clone(), *port))).collect();
    of_index.sort();
    let mut of_files: Vec<(String, u16)> = every_kind().flat_map(|kind| kind.ports.iter().map(|port| (kind.kind.clone(), *port))).collect();
    of_files.sort();
    assert_eq!(of_index, of_files);
    for kind in every_kind() {
        for image in &kind.images {
            assert_eq!(server_kind(image).unwrap().kind, kind.kind, "{image}");
        }
        for scheme in &kind.schemes {
            assert_eq!(server_kind_of_scheme(scheme).unwrap().kind, kind.kind, "{scheme}");
        }
    }
    let (images, schemes): (usize, usize) =
        every_kind().fold((0, 0), |(images, schemes), kind| (images + kind.images.len(), schemes + kind.schemes.len()));
    assert_eq!((INDEX.names.values().map(Vec::len).sum::<usize>(), INDEX.schemes.len()), (images, schemes));
}

#[test]
fn the_facts_of_an_entry_agree_with_each_other() {
    for entry in every_kind() {
        let name = &entry.kind;
        assert!(entry.ports.iter().all(|port| entry.port(*port).is_some()), "{name}: each port has facts");
        assert_eq!((0..=u16::MAX).filter(|port| entry.port(*port).is_some()).count(), entry.ports.len(), "{name}: facts of a port only");
        assert!(entry.source.starts_with("https://"), "{name}");
        let mut images = BTreeSet::new();
        for container in &entry.containers {
            for image in &container.images {
                assert!(entry.images.contains(image) && images.insert(image), "{name}: {image} is one of `images`, in one container");
            }
            let paths: Vec<&String> = container.writable.iter().flatten().chain(&container.data).collect();
            assert!(paths.iter().all(|path| path.starts_with('/') && !path.ends_with('/')), "{name}");
            assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), paths.len(), "{name}: a path is scratch or data");
            for capability in container.capabilities.iter().flatten() {
                assert!(KNOWN_CAPABILITIES.contains(&capability.as_str()), "{name}: {capability}");
            }
            if let Some(health) = &container.health {
                assert!(matches!((health.test[0].as_str(), health.test.len()), ("CMD-SHELL", 2) | ("CMD", 2..)), "{name}");
                let times = [&health.interval, &health.timeout, &health.start_period];
                assert!(times.iter().all(|time| time.strip_suffix('s').is_some_and(|n| n.parse::<u32>().is_ok())), "{name}");
            }
        }
    }
}

/// What an entry can ask for: none of these gives a container power over its host.
const KNOWN_CAPABILITIES: [&str; 8] = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "IPC_LOCK", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"];

#[test]
fn a_proof_is_a_test_that_exists() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    let mut proven = 0;
    for kind in every_kind().filter(|kind| kind.proven != "no") {
        let (file, function) = kind.proven.split_once("::").expect("FILE::FUNCTION");
        let text = std::fs::read_to_string(tests.join(file).with_extension("rs")).expect(&kind.proven);
        assert!(text.contains(&format!("#[test]\nfn {function}() {{")), "{}: no such test", kind.proven);
        proven += 1;
    }
    assert!(proven >= 5, "{proven} proven entries");
}

#[test]
fn a_port_is_sensitive_where_no_kind_holds_it_open() {
    for (port, what) in [
        (5432, Some("SQL")),
        (6379, Some("keys and values")),
        (15672, Some("management interface")),
        (9092, Some("messages")),
        (2375, Some("the Docker engine, which is root on the host")),
    ] {
        assert_eq!(is_sensitive_port(port), what, "{port}");
    }
    // Of a web server, of nobody known, of a web interface, of a storage that browsers use.
    for port in [80, 443, 3000, 8080, 9000, 16686, 12345] {
        assert_eq!(is_sensitive_port(port), None, "{port}");
    }
    let rabbitmq = server_kind("rabbitmq:3.12-management").unwrap();
    assert!(rabbitmq.port(15672).unwrap().is_management() && !rabbitmq.port(5672).unwrap().is_management());
    let langfuse = server_kind("langfuse/langfuse:2").unwrap().port(3000).unwrap();
    assert_eq!((langfuse.reach, langfuse.login, langfuse.is_sensitive()), (Reach::Proxied, Some(true), false));
}

#[test]
fn a_container_is_known_by_its_image_and_not_by_its_kind_alone() {
    let account = |image: &str| {
        let user = server_kind(image)?.container(image)?.user.as_ref()?;
        let account = user.account(image);
        Some((account.name, account.uid, account.gid))
    };
    assert_eq!(account("postgres:15"), Some(("postgres", 999, Some(999))));
    assert_eq!(account("mirror.example/library/postgres:15-alpine"), Some(("postgres", 70, Some(70))));
    assert_eq!(account("timescale/timescaledb:2.13.0-pg15"), Some(("postgres", 70, Some(70))));
    assert_eq!(account("bitnami/postgresql:15"), Some(("postgres", 1001, None)));
    assert_eq!(account("supabase/postgres:15"), None);
    let file = |image: &str, variable| server_kind(image)?.container(image)?.file_variable(variable);
    assert_eq!(file("postgres:15", "POSTGRES_PASSWORD"), Some("POSTGRES_PASSWORD_FILE"));
    assert_eq!(file("grafana/grafana", "GF_SECURITY_ADMIN_PASSWORD"), Some("GF_SECURITY_ADMIN_PASSWORD__FILE"));
    // The official image has no such variable, another vendor's has.
    assert_eq!(file("redis:7", "REDIS_PASSWORD"), None);
    assert_eq!(file("bitnami/redis:7", "REDIS_PASSWORD"), Some("REDIS_PASSWORD_FILE"));
    assert!(is_named("bitnami/redis", "redis"), "which is why the longest name decides");
}

#[test]
fn the_keys_of_passwords_are_credentials_to_the_rules() {
    for kind in every_kind() {
        for key in kind.keys.password.iter().filter(|key| !key.ends_with("_AUTH")) {
            assert!(super::super::super::key_shape(key).is_credential(), "{key}");
        }
    }
}
