use std::net::IpAddr;

use crate::yaml::{Data, Origin, Value};

use super::{mapping, text};

/// `[[IP:]HOST:]CONTAINER[/PROTOCOL]` with ranges; one entry for each container port, in the order
/// of their text, as Compose sorts them.
pub fn parse(spec: &str, at: Origin) -> Result<Vec<Value>, String> {
    let (ip, host, container) = parts(spec);
    let (container, protocol) = match container.split_once('/') {
        Some((port, rest)) => (port, rest.split('/').next().unwrap_or_default()),
        None => (container, ""),
    };
    let protocol = if protocol.is_empty() { "tcp".to_string() } else { protocol.to_ascii_lowercase() };
    let ip = address(ip)?;
    if container.is_empty() {
        return Err("a container port is missing".into());
    }
    let target = range(container).ok_or("the container port must be a number up to 65535 or a range of them")?;
    let published = match host {
        "" => None,
        host => Some(range(host).ok_or("the host port must be a number up to 65535 or a range of them")?),
    };
    if published.is_some_and(|published| published.1 - published.0 != target.1 - target.0 && target.0 != target.1) {
        return Err("the ranges of host and container ports differ in length".into());
    }
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err("the protocol must be tcp, udp or sctp".into());
    }
    let mut ports: Vec<u32> = (target.0..=target.1).collect();
    ports.sort_by_key(|port| format!("{port}/{protocol}"));
    Ok(ports
        .into_iter()
        .map(|port| {
            let published = published.map(|(first, last)| match target.0 == target.1 && first != last {
                true => format!("{first}-{last}"),
                false => (first + port - target.0).to_string(),
            });
            let number = (port != 0).then_some(Data::Int(i64::from(port)));
            let keys = [
                ("mode", Some(Data::Str("ingress".into()))),
                ("host_ip", text(ip.clone())),
                ("target", number),
                ("published", published.and_then(text)),
                ("protocol", text(protocol.clone())),
            ];
            mapping(at, keys)
        })
        .collect())
}

fn parts(spec: &str) -> (&str, &str, &str) {
    match spec.rsplit_once(':') {
        None => ("", "", spec),
        Some((rest, container)) => match rest.rsplit_once(':') {
            None => ("", rest, container),
            Some((ip, host)) => (ip, host, container),
        },
    }
}

fn address(ip: &str) -> Result<String, String> {
    let bare = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip);
    // An address with colons needs its brackets, or its last group would be a port.
    let plain = !ip.contains(':') || ip.starts_with('[');
    if ip.is_empty() || (plain && bare.parse::<IpAddr>().is_ok()) {
        Ok(bare.to_string())
    } else {
        Err("the host's IP address is not valid".into())
    }
}

fn range(text: &str) -> Option<(u32, u32)> {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten().map(u32::from);
    let mut ends = text.split('-');
    let first = number(ends.next()?)?;
    let last = ends.next().map_or(Some(first), number)?;
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(spec: &str) -> Result<Vec<String>, String> {
        let get = |port: &Value, key: &str| {
            port.get(key).and_then(|value| super::super::super::text::scalar_text(&value.data)).unwrap_or_default()
        };
        let show =
            |port: &Value| format!("{}|{}|{}|{}", get(port, "host_ip"), get(port, "published"), get(port, "target"), get(port, "protocol"));
        parse(spec, Origin::default()).map(|ports| ports.iter().map(show).collect())
    }

    /// All printed, or refused, by Compose 2.40.
    #[test]
    fn short_ports_read_like_compose() {
        for (spec, ports) in [
            ("81", vec!["||81|tcp"]),
            ("90-91:8090-8091", vec!["|90|8090|tcp", "|91|8091|tcp"]),
            ("127.0.0.1:82:80/UDP", vec!["127.0.0.1|82|80|udp"]),
            ("[::1]:83:80", vec!["::1|83|80|tcp"]),
            ("127.0.0.1::84", vec!["127.0.0.1||84|tcp"]),
            ("8000-8002:80", vec!["|8000-8002|80|tcp"]),
            ("9-10", vec!["||10|tcp", "||9|tcp"]),
            ("080:080/tcp/x", vec!["|80|80|tcp"]),
            (":80", vec!["||80|tcp"]),
        ] {
            assert_eq!(shown(spec).unwrap(), ports, "{spec}");
        }
        for spec in [
            "abc",
            "",
            "80:",
            "70000",
            "80-81:90-92",
            "2-1:5",
            "::1:80:80",
            "localhost:80:80",
            "80/foo",
            "127.0.0.1:80",
            " 80:80",
            "1:2:3:4",
        ] {
            assert!(shown(spec).is_err(), "{spec}");
        }
    }
}
