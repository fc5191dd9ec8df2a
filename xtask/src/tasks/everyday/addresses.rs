//! Where a service answers, as one types it into a browser or a client.

use std::collections::BTreeSet;

use crate::engine::observe::Port;
use crate::yaml::Value;

/// Container ports behind which nearly always HTTP is spoken.
const HTTP: &[u16] = &[80, 3000, 4200, 5000, 5173, 8000, 8080, 8081, 8088, 8888, 9090, 15672, 16686];
const HTTPS: &[u16] = &[443, 8443];

/// `http://localhost:8080`, `localhost:5432`: in the order of the ports. `host` is where the engine is;
/// `service` is the rendered one, whose health check may tell what it speaks.
pub fn addresses(ports: &[Port], host: &str, service: Option<&Value>) -> Vec<String> {
    let asked = service.map(http_ports_asked).unwrap_or_default();
    let mut seen = BTreeSet::new();
    let mut shown = Vec::new();
    for port in ports {
        let at = match port.address.as_str() {
            "" | "0.0.0.0" | "::" => host.to_string(),
            "127.0.0.1" | "::1" if host == "localhost" => host.to_string(),
            address if address.contains(':') => format!("[{address}]"),
            address => address.to_string(),
        };
        let address = format!("{at}:{}", port.published);
        let address = match port.protocol.as_str() {
            "tcp" if HTTP.contains(&port.target) || asked.contains(&port.target) => format!("http://{address}"),
            "tcp" if HTTPS.contains(&port.target) => format!("https://{address}"),
            "tcp" => address,
            other => format!("{address}/{other}"),
        };
        // IPv4 and IPv6 are published one by one.
        if seen.insert(address.clone()) {
            shown.push(address);
        }
    }
    shown
}

/// The ports of the URLs in a service's health check.
fn http_ports_asked(service: &Value) -> BTreeSet<u16> {
    let test = service.get("healthcheck").and_then(|check| check.get("test")).and_then(Value::as_seq).unwrap_or_default();
    let words = test.iter().filter_map(Value::as_str);
    words.flat_map(|word| word.split("http://").skip(1).filter_map(port_of)).collect()
}

fn port_of(rest: &str) -> Option<u16> {
    let authority = rest.split(|char: char| !char.is_ascii_alphanumeric() && !".:-_[]".contains(char)).next()?;
    match authority.rsplit_once(':') {
        Some((_, port)) => port.parse().ok(),
        None => Some(80),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Data, Field};

    fn port(target: u16, address: &str, published: u16, protocol: &str) -> Port {
        Port { target, protocol: protocol.into(), address: address.into(), published }
    }

    #[test]
    fn addresses_are_what_one_types() {
        let ports = [
            port(80, "0.0.0.0", 8088, "tcp"),
            port(80, "::", 8088, "tcp"),
            port(443, "10.0.0.5", 443, "tcp"),
            port(5432, "127.0.0.1", 5433, "tcp"),
            port(53, "fd00::1", 53, "udp"),
        ];
        let shown = ["http://localhost:8088", "https://10.0.0.5:443", "localhost:5433", "[fd00::1]:53/udp"];
        assert_eq!(addresses(&ports, "localhost", None), shown);
        assert_eq!(addresses(&ports[..1], "build-host", None), ["http://build-host:8088"]);
    }

    #[test]
    fn a_health_check_tells_what_a_port_speaks() {
        let value = |data| Value { data, ..Value::default() };
        let map =
            |key: &str, inner: Value| value(Data::Map([(key.to_string(), Field { key: inner.at, value: inner })].into_iter().collect()));
        let test = value(Data::Seq(vec![value(Data::Str("curl -f http://127.0.0.1:3200/healthz || exit 1".into()))]));
        let service = map("healthcheck", map("test", test));
        assert_eq!(addresses(&[port(3200, "", 3200, "tcp")], "localhost", Some(&service)), ["http://localhost:3200"]);
        assert_eq!(addresses(&[port(4005, "", 4005, "tcp")], "localhost", Some(&service)), ["localhost:4005"]);
    }
}
