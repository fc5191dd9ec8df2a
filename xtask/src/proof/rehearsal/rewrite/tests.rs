use super::*;
use std::time::Duration;

fn facts(model: &Value) -> Facts {
    Facts {
        run: "R7".into(),
        project: project("R7", 0),
        copies: bound_paths(model)
            .into_iter()
            .map(|path| (path.clone(), Path::new("/scratch").join(path.strip_prefix("/").unwrap())))
            .collect(),
        not_copied: BTreeMap::new(),
        images: images(model).into_iter().map(|image| (image, None)).collect(),
        ..Facts::default()
    }
}

fn one(service: Value) -> Result<Value> {
    let model = json!({"name": "live", "services": {"web": service}});
    Ok(rewrite(&model, &facts(&model))?.model["services"]["web"].clone())
}

fn left_out(model: &Value) -> BTreeMap<String, String> {
    rewrite(model, &facts(model)).unwrap().left_out.into_iter().map(|left| (left.service, left.why)).collect()
}

#[test]
fn volumes_and_networks_are_fresh_ones_whatever_they_were() {
    let model = json!({
        "name": "live",
        "services": {"db": {"image": "postgres:15", "networks": {"back": {"ipv4_address": "10.0.0.5", "aliases": ["store"]}},
            "volumes": [{"type": "volume", "source": "data", "target": "/data", "volume": {}}]}},
        "networks": {"back": {"name": "live_back", "external": true}, "front": {"name": "live_front", "ipam": {"config": [{"subnet": "10.0.0.0/24"}]}}},
        "volumes": {"data": {"name": "live_data", "driver_opts": {"type": "nfs"}}, "old": {"external": true, "name": "prod"}},
    });
    let rewritten = rewrite(&model, &facts(&model)).unwrap().model;
    assert_eq!(rewritten["name"], "xtask-r7");
    let network = |name: &str| {
        json!({"name": name, "internal": true, "driver": "bridge", "labels": {"xtask.run": "R7"},
            "driver_opts": {"com.docker.network.bridge.inhibit_ipv4": "true"}})
    };
    let expected = json!({"back": network("xtask-r7-live_back"), "front": network("xtask-r7-live_front"), "default": network("xtask-r7-live_default")});
    assert_eq!(rewritten["networks"], expected);
    let volume = |name: &str| json!({"name": name, "labels": {"xtask.run": "R7"}});
    assert_eq!(rewritten["volumes"], json!({"data": volume("xtask-r7-live_data"), "old": volume("xtask-r7-prod")}));
    assert_eq!(rewritten["services"]["db"]["networks"], json!({"back": {"aliases": ["store"]}}));
    assert_eq!(rewritten["services"]["db"]["volumes"], json!([{"type": "volume", "source": "data", "target": "/data"}]));
}

#[test]
fn what_ties_a_service_to_the_machine_goes() {
    let service = json!({
        "image": "nginx", "container_name": "edge", "ports": [{"published": "80"}], "scale": 3, "mac_address": "02::", "restart": "always",
        "external_links": ["prod_db"], "devices": ["/dev/sda"], "gpus": [{}], "network_mode": "host", "pid": "host", "ipc": "host", "uts": "host",
        "labels": {"traefik.enable": "true"}, "logging": {"driver": "syslog"}, "build": {"context": "/p"}, "profiles": ["full"],
        "extra_hosts": ["host.docker.internal=host-gateway", "db=10.1.1.1"], "environment": {"A": "pa$$w"}, "x-note": 1,
        "deploy": {"replicas": 2, "placement": {}, "resources": {"limits": {"memory": "64M"}, "reservations": {"devices": []}}},
    });
    let expected = json!({
        "image": "nginx", "extra_hosts": ["db=10.1.1.1"], "environment": {"A": "pa$$w"},
        "deploy": {"resources": {"limits": {"memory": "64M"}}}, "networks": {"default": {"aliases": ["edge"]}},
        "labels": {"xtask.run": "R7"}, "logging": {"driver": "json-file"}, "restart": "no",
    });
    assert_eq!(one(service).unwrap(), expected);
}

#[test]
fn a_key_that_is_not_known_refuses_by_name() {
    let error = one(json!({"image": "nginx", "teleport": true})).unwrap_err();
    assert_eq!(error.kind, crate::error::Kind::Refused);
    assert!(error.why.unwrap().starts_with("service web has the key teleport"));
    for (model, place) in [
        (json!({"services": {}, "portals": {}}), "the model has the key portals"),
        (json!({"services": {}, "networks": {"n": {"tunnel": 1}}}), "network n has the key tunnel"),
        (json!({"services": {}, "volumes": {"v": {"mirror": 1}}}), "volume v has the key mirror"),
        (json!({"services": {"w": {"image": "i", "networks": {"n": {"via": 1}}}}}), "network n of service w has the key via"),
        (json!({"services": {"w": {"image": "i", "deploy": {"to": 1}}}}), "deploy of service w has the key to"),
        (json!({"services": {"w": {"image": "i", "volumes": [{"type": "volume", "sync": 1}]}}}), "a mount of service w has the key sync"),
    ] {
        let why = rewrite(&model, &facts(&model)).err().unwrap().why.unwrap();
        assert!(why.starts_with(place), "{why}");
    }
}

#[test]
fn binds_and_secrets_become_their_copies() {
    let model = json!({
        "services": {"db": {"image": "postgres", "secrets": [{"source": "pw", "target": "/run/secrets/pw"}],
            "volumes": [{"type": "bind", "source": "/p/data", "target": "/data", "bind": {"create_host_path": true, "propagation": "rshared"}},
                        {"type": "bind", "source": "/p/conf", "target": "/conf", "read_only": true}]}},
        "secrets": {"pw": {"name": "live_pw", "file": "/p/pw.txt"}},
        "configs": {"page": {"name": "live_page", "content": "hello"}},
    });
    let rewritten = rewrite(&model, &facts(&model)).unwrap().model;
    let safe = json!({"create_host_path": false});
    let expected = json!([{"type": "bind", "source": "/scratch/p/data", "target": "/data", "bind": safe},
        {"type": "bind", "source": "/scratch/p/conf", "target": "/conf", "read_only": true, "bind": safe}]);
    assert_eq!(rewritten["services"]["db"]["volumes"], expected);
    assert_eq!(
        (&rewritten["secrets"], &rewritten["configs"]),
        (&json!({"pw": {"file": "/scratch/p/pw.txt"}}), &json!({"page": {"content": "hello"}}))
    );
}

#[test]
fn what_cannot_be_rehearsed_is_left_out_with_whoever_needs_it() {
    let with = |key: &str, value: Value| json!({"image": "i", key: value});
    let model = json!({"services": {
        "off": with("labels", json!({"xtask.rehearse": "off"})),
        "root": with("privileged", json!(true)),
        "admin": with("cap_add", json!(["CAP_SYS_ADMIN"])),
        "built": {"build": {"context": "/p"}},
        "inside": with("network_mode", json!("container:abc")),
        "needs": with("depends_on", json!({"off": {"condition": "service_started", "required": true}})),
        "chain": with("links", json!(["needs:alias"])),
        "likes": with("depends_on", json!({"off": {"condition": "service_started", "required": false}})),
        "socket": with("volumes", json!([{"type": "bind", "source": "/run/docker.sock", "target": "/s"}])),
    }});
    let mut facts = facts(&model);
    facts.copies.clear();
    facts.not_copied.insert("/run/docker.sock".into(), "it belongs to the machine".into());
    let rewritten = rewrite(&model, &facts).unwrap();
    let why: BTreeMap<&str, &str> = rewritten.left_out.iter().map(|left| (left.service.as_str(), left.why.as_str())).collect();
    let expected = BTreeMap::from([
        ("off", "its label xtask.rehearse is off"),
        ("root", "it is privileged"),
        ("admin", "it has the capability CAP_SYS_ADMIN"),
        ("built", "it has no image, and a rehearsal does not build"),
        ("inside", "its network_mode is that of a running container"),
        ("needs", "it depends on off, which is left out"),
        ("chain", "it depends on needs, which is left out"),
        ("socket", "/run/docker.sock is not copied: it belongs to the machine"),
    ]);
    assert_eq!((why, rewritten.services), (expected, vec!["likes".to_string()]));
    assert_eq!(rewritten.model["services"]["likes"]["depends_on"], json!({}));
}

#[test]
fn an_image_that_is_not_there_is_named() {
    let model = json!({"services": {"web": {"image": "app:dev"}}});
    let facts = Facts { images: BTreeMap::new(), ..facts(&model) };
    assert_eq!(rewrite(&model, &facts).unwrap().left_out[0].why, "its image app:dev is not on this engine");
    assert!(left_out(&model).is_empty());
}

#[test]
fn a_second_stack_shares_what_it_shares_in_production() {
    let first = json!({"name": "data", "services": {"db": {"image": "i", "networks": {"back": null},
            "volumes": [{"type": "volume", "source": "files", "target": "/f"}]}},
        "networks": {"back": {"name": "data_back"}, "unused": {"name": "data_unused"}}, "volumes": {"files": {"name": "data_files"}}});
    let made = rewrite(&first, &facts(&first)).unwrap().made;
    assert_eq!(made, BTreeSet::from(["xtask-r7-data_back".to_string(), "xtask-r7-data_files".to_string()]));
    let second = json!({"name": "apps", "services": {"api": {"image": "i", "networks": {"db": null}}},
        "networks": {"db": {"name": "data_back", "external": true}}, "volumes": {"v": {"name": "data_files", "external": true}}});
    assert_eq!(external_networks(&second), BTreeSet::from(["data_back".to_string()]));
    let facts = Facts { made, project: project("R7", 1), ..facts(&second) };
    let rewritten = rewrite(&second, &facts).unwrap();
    assert_eq!(rewritten.project(), "xtask-r7-1");
    assert_eq!(rewritten.model["networks"]["db"], json!({"external": true, "name": "xtask-r7-data_back"}));
    assert_eq!(rewritten.model["volumes"]["v"], json!({"external": true, "name": "xtask-r7-data_files"}));
}

#[test]
fn who_leans_on_the_outside_is_known_and_not_waited_for_long() {
    let check = json!({"test": ["CMD", "true"], "interval": "30s", "timeout": "5s", "retries": 3});
    let model = json!({
        "services": {"api": {"image": "i", "networks": {"shared": null}, "healthcheck": check},
            "web": {"image": "i", "networks": {"own": null}, "depends_on": {"api": {"condition": "service_healthy", "required": true}}},
            "job": {"image": "i", "networks": {"own": null}}},
        "networks": {"shared": {"name": "data_back", "external": true}, "own": {"name": "live_own"}},
    });
    let what = "db-1 in the network data_back".to_string();
    let facts = Facts { outside: BTreeMap::from([("data_back".to_string(), what.clone())]), ..facts(&model) };
    let rewritten = rewrite(&model, &facts).unwrap();
    assert_eq!(rewritten.needs, BTreeMap::from([("api".to_string(), what.clone()), ("web".to_string(), what)]));
    assert_eq!(rewritten.model["services"]["api"]["healthcheck"]["start_period"], "30s");
}

#[test]
fn a_healthcheck_is_asked_every_second_and_as_patiently_as_the_live_one() {
    let live = json!({"test": ["CMD", "true"], "interval": "30s", "timeout": "5s", "retries": 3, "start_period": "1m0s"});
    let service = one(json!({"image": "i", "healthcheck": live})).unwrap();
    // 60 + 5 + 3 x (30 + 5)
    let expected = json!({"test": ["CMD", "true"], "interval": "1s", "retries": 3, "start_period": "170s", "timeout": "5000ms"});
    assert_eq!(service["healthcheck"], expected);
    let off = json!({"disable": true});
    assert_eq!(one(json!({"image": "i", "healthcheck": off})).unwrap()["healthcheck"], off);
    assert_eq!(one(json!({"image": "i"})).unwrap().get("healthcheck"), None);
    let inherited = Healthcheck { interval: s(10), timeout: s(2), start_period: s(0), retries: 2 };
    assert_eq!(bound(None, Some(&inherited)), Some(s(2 + 2 * 12)));
    assert_eq!(healthcheck::duration("1h0m1.5s"), Some(Duration::from_millis(3_601_500)));
    assert_eq!((healthcheck::duration("soon"), healthcheck::duration("0s")), (None, None));
}

fn s(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn a_trial_keeps_how_services_are_started_again() {
    let model = json!({"name": "shop", "services": {
        "web": {"image": "nginx:1.22", "restart": "unless-stopped"},
        "job": {"image": "nginx:1.22", "deploy": {"restart_policy": {"condition": "on-failure"}, "replicas": 2}},
    }});
    let kept = rewrite(&model, &Facts { keep_restart: true, ..facts(&model) }).unwrap().model;
    assert_eq!(kept["services"]["web"]["restart"], "unless-stopped");
    assert_eq!(kept["services"]["job"].get("restart"), None);
    assert_eq!(kept["services"]["job"]["deploy"]["restart_policy"], json!({"condition": "on-failure"}));
    let ended = rewrite(&model, &facts(&model)).unwrap().model;
    assert!(["web", "job"].iter().all(|name| ended["services"][name]["restart"] == "no"));
    assert_eq!(ended["services"]["job"]["deploy"].get("restart_policy"), None);
}
