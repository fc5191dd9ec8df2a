//! Every host port that the stack publishes is free, or held by the stack itself.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

use crate::guards::Checked;

/// A host port that a service publishes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    pub service: String,
    pub address: IpAddr,
    pub port: u16,
    /// `tcp` or `udp`.
    pub protocol: String,
}

/// A host port that a container holds, as the engine tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub container: String,
    pub address: IpAddr,
    pub port: u16,
    pub protocol: String,
}

/// The fixed host ports of a rendered model; one that the engine may choose is always free.
pub fn wanted_ports(model: &Value) -> BTreeSet<Wanted> {
    let mut wanted = BTreeSet::new();
    for (service, body) in model.get("services").and_then(Value::as_object).into_iter().flatten() {
        for port in body.get("ports").and_then(Value::as_array).into_iter().flatten() {
            let published = port.get("published").map(|text| text.as_str().map_or_else(|| text.to_string(), String::from));
            let address = port.get("host_ip").and_then(Value::as_str).and_then(|text| text.parse().ok());
            let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("tcp");
            // A range lets the engine choose, so no port of it must be free.
            let Some(port) = published.and_then(|text| text.parse().ok()).filter(|port| *port != 0) else { continue };
            wanted.insert(Wanted {
                service: service.clone(),
                address: address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
                port,
                protocol: protocol.to_string(),
            });
        }
    }
    wanted
}

/// `held` by containers of other stacks; `here`: the port is held by a program of this machine.
pub fn ports_are_free(wanted: &BTreeSet<Wanted>, held: &[Held], here: &dyn Fn(&Wanted) -> bool) -> Checked {
    let mut why = Vec::new();
    for port in wanted {
        let Wanted { service, address, port: number, protocol } = port;
        let holder = held.iter().find(|held| held.port == *number && held.protocol == *protocol && collide(*address, held.address));
        if let Some(holder) = holder {
            why.push(format!("{service} publishes {address}:{number}/{protocol}, which the container {} holds", holder.container));
        } else if here(port) {
            why.push(format!("{service} publishes {address}:{number}/{protocol}, which a program on this machine holds"));
        }
    }
    Checked::new("ports", why, "stop who holds it, or publish another port")
}

/// Two sockets of one port collide when their addresses are equal or one of them stands for all.
fn collide(a: IpAddr, b: IpAddr) -> bool {
    a == b || a.is_unspecified() || b.is_unspecified()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fixed_ports_collide_by_address_and_protocol() {
        let model = json!({"services": {"web": {"ports": [
            {"target": 80, "published": "8080", "protocol": "tcp"},
            {"target": 81, "published": "8081", "host_ip": "127.0.0.1", "protocol": "tcp"},
            {"target": 53, "published": 53, "protocol": "udp"},
            {"target": 9, "published": "9000-9010", "protocol": "tcp"},
            {"target": 10},
        ]}}});
        let wanted = wanted_ports(&model);
        assert_eq!(wanted.iter().map(|port| port.port).collect::<BTreeSet<_>>(), BTreeSet::from([53, 8080, 8081]));
        let held = |address: &str, port, protocol: &str| Held {
            container: "other".into(),
            address: address.parse().unwrap(),
            port,
            protocol: protocol.into(),
        };
        let why = |held: &[Held]| ports_are_free(&wanted, held, &|_| false).refusal.map_or(0, |refusal| refusal.why.len());
        assert_eq!(why(&[held("127.0.0.1", 8080, "tcp"), held("::", 8081, "tcp"), held("0.0.0.0", 53, "tcp")]), 2);
        assert_eq!(why(&[held("127.0.0.2", 8081, "tcp"), held("0.0.0.0", 53, "tcp")]), 0);
        let refusal = ports_are_free(&wanted, &[], &|port| port.port == 53).refusal.unwrap();
        assert_eq!(refusal.why, ["web publishes 0.0.0.0:53/udp, which a program on this machine holds"]);
    }
}
