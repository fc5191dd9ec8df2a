use serde_json::{Value, json};

use super::*;

const ID: &str = "0123456789abcdef0123";

fn inspected(host: Value, config: Value, networks: Value, mounts: Value) -> Spec {
    let whole = json!({
        "Id": ID, "Name": "/shop-web-1", "Image": "sha256:11", "HostConfig": host, "Config": config,
        "NetworkSettings": {"Networks": networks}, "Mounts": mounts,
    });
    Spec::of(serde_json::from_value(whole).unwrap())
}

fn body(spec: &Spec) -> Value {
    serde_json::to_value(&spec.body).unwrap()
}

#[test]
fn what_the_engine_chose_is_left_to_it() {
    let networks = json!({"shop_default": {
        "IPAMConfig": {"IPv4Address": "172.30.0.9"}, "Aliases": ["web", "0123456789ab"], "MacAddress": "02:42:ac:1e:00:09",
        "IPAddress": "172.30.0.9", "NetworkID": "n", "EndpointID": "e", "Gateway": "172.30.0.1",
    }});
    let spec =
        inspected(json!({"NetworkMode": "shop_default"}), json!({"Hostname": "0123456789ab", "Image": "web:1"}), networks, json!([]));
    assert_eq!((spec.name.as_str(), spec.image_id.as_str()), ("shop-web-1", "sha256:11"));
    assert_eq!(spec.networks(), ["shop_default"]);
    let made = body(&spec);
    assert_eq!(made.get("Hostname"), None);
    let endpoint = &made["NetworkingConfig"]["EndpointsConfig"]["shop_default"];
    assert_eq!(endpoint, &json!({"IPAMConfig": {"IPv4Address": "172.30.0.9"}, "Aliases": ["web"]}));
}

#[test]
fn what_somebody_configured_stays() {
    let networks = json!({"n": {"MacAddress": "02:42:ac:11:65:43", "IPAddress": "172.30.0.9", "DriverOpts": {"a": "b"}}});
    let config =
        json!({"Hostname": "front", "Env": ["A=1"], "Labels": {"x": "y"}, "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5}});
    let spec = inspected(json!({"NetworkMode": "n", "MaskedPaths": []}), config, networks, json!([]));
    let made = body(&spec);
    assert_eq!(made["NetworkingConfig"]["EndpointsConfig"]["n"], json!({"MacAddress": "02:42:ac:11:65:43", "DriverOpts": {"a": "b"}}));
    assert_eq!((&made["Hostname"], &made["Env"], &made["Labels"]["x"]), (&json!("front"), &json!(["A=1"]), &json!("y")));
    assert_eq!(made["HostConfig"]["MaskedPaths"], json!([]), "an empty list is not the default one");
    assert_eq!(made["Healthcheck"]["Interval"], 5);
    assert_eq!(spec.label("x"), "y");
}

#[test]
fn anonymous_volumes_are_named() {
    let point = |name: &str, to: &str, rw: bool| json!({"Type": "volume", "Name": name, "Destination": to, "RW": rw});
    let mounts = json!([
        point("anon1", "/data", true),
        point("shop_db", "/db", true),
        point("anon2", "/cache", false),
        point("anon3", "/short", true),
        {"Type": "bind", "Source": "/etc", "Destination": "/host"},
    ]);
    let host = json!({
        "Binds": ["shop_db:/db:rw", "/etc:/host:ro", "/short"],
        "Mounts": [{"Type": "volume", "Target": "/cache", "ReadOnly": true}],
    });
    let made = body(&inspected(host, json!({}), json!({}), mounts));
    assert_eq!(made["HostConfig"]["Binds"], json!(["shop_db:/db:rw", "/etc:/host:ro"]));
    let volume = |name: &str, to: &str, read_only: bool| json!({"Target": to, "Source": name, "Type": "volume", "ReadOnly": read_only});
    assert_eq!(
        made["HostConfig"]["Mounts"],
        json!([volume("anon2", "/cache", true), volume("anon1", "/data", false), volume("anon3", "/short", false)])
    );
}

#[test]
fn who_lives_in_another_network_asks_for_no_name_and_no_port() {
    let host = json!({"NetworkMode": "container:aaaa", "PidMode": "container:bbbb", "VolumesFrom": ["cccc:ro"]});
    let config = json!({"Hostname": "of-the-owner", "ExposedPorts": {"80/tcp": {}}});
    let spec = inspected(host, config, json!({}), json!([]));
    assert_eq!(spec.owner_ids(), ["aaaa", "bbbb", "cccc"]);
    let now = BTreeMap::from([("aaaa".to_string(), "dddd".to_string()), ("cccc".to_string(), "eeee".to_string())]);
    let made = serde_json::to_value(spec.body_with("web:2", &now)).unwrap();
    assert_eq!((made.get("Hostname"), made.get("ExposedPorts"), made.get("NetworkingConfig")), (None, None, None));
    let host = &made["HostConfig"];
    assert_eq!((&host["NetworkMode"], &host["PidMode"]), (&json!("container:dddd"), &json!("container:bbbb")));
    assert_eq!((&host["VolumesFrom"], &made["Image"]), (&json!(["eeee:ro"]), &json!("web:2")));
}

#[test]
fn the_same_specification_is_the_same_bytes() {
    let labels: serde_json::Map<String, Value> = (0..20).map(|n| (format!("label{n}"), json!("v"))).collect();
    let make = || inspected(json!({"NetworkMode": "n"}), json!({"Labels": labels}), json!({"n": {}, "m": {}}), json!([]));
    let bytes = make().to_bytes().unwrap();
    assert_eq!(bytes, make().to_bytes().unwrap());
    assert!(Spec::from_bytes(&bytes).unwrap() == make());
    let error = Spec::from_bytes(b"{\"id\": canary").err().unwrap();
    assert!(!format!("{error:?}").contains("canary"));
}

#[test]
fn what_it_mounts_is_told_as_of_a_container() {
    let host = json!({
        "Binds": ["shop_db:/db:rw", "/etc/a.conf:/a.conf:ro,z"],
        "Mounts": [
            {"Type": "volume", "Source": "files", "Target": "/files", "ReadOnly": true},
            {"Type": "tmpfs", "Target": "/tmp"},
            {"Type": "bind", "Source": "/p", "Target": "/q"},
        ],
    });
    let told = inspected(host, json!({}), json!({}), json!([])).mounts();
    let lines: Vec<String> =
        told.iter().map(|one| format!("{} {:?} {} {} {}", one.kind, one.name, one.source, one.destination, one.writable)).collect();
    let wanted = [
        "volume \"shop_db\" shop_db /db true",
        "bind \"\" /etc/a.conf /a.conf false",
        "volume \"files\" files /files false",
        "bind \"\" /p /q true",
    ];
    assert_eq!(lines, wanted);
}
