//! What a service publishes on its host.

use std::net::IpAddr;

use super::Service;
use crate::model::{STAND_IN, scalar_text};
use crate::yaml::{Origin, Value};

/// One entry of `ports` as it is written: a range is one.
pub struct Published<'a> {
    /// Its place in the rendered list; of a range that of its first port.
    pub index: usize,
    at: Origin,
    /// The address of the host; `None`: all of them.
    pub address: Option<&'a str>,
    /// The first and last port of the host; `None`: the engine chooses, or a variable that has no value here.
    pub host: Option<(u16, u16)>,
    /// That variable.
    pub variable: Option<&'a str>,
    /// The container's ports.
    pub targets: Vec<u16>,
    pub protocol: &'a str,
}

/// Why an engine publishes nothing although `ports` says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpublished {
    /// The container has the host's own network.
    Host,
    /// It has no network at all.
    NoNetwork,
    /// It has the network of another one; the engine refuses to create it.
    Shared,
    /// All its networks are internal.
    Internal,
}

impl<'a> Service<'a> {
    /// What the engine publishes, as written.
    pub fn published(&self) -> Vec<Published<'a>> {
        if self.unpublished().is_some() { Vec::new() } else { self.ports() }
    }

    /// Why what `ports` says does not hold. Each case was seen on Docker 26: three publish nothing without a
    /// word, the third is an error.
    pub fn unpublished(&self) -> Option<Unpublished> {
        match self.text("network_mode") {
            Some("host") => return Some(Unpublished::Host),
            Some("none") => return Some(Unpublished::NoNetwork),
            Some(mode) if mode.starts_with("service:") || mode.starts_with("container:") => return Some(Unpublished::Shared),
            Some(_) => return None,
            None => {}
        }
        let mut networks = self.entries("networks").peekable();
        let is_internal = |name: &str| self.subject.network_flag(name, "internal");
        (networks.peek().is_some() && networks.all(|(name, _)| is_internal(name))).then_some(Unpublished::Internal)
    }

    /// The entries of `ports`, published or not.
    fn ports(&self) -> Vec<Published<'a>> {
        let mut all: Vec<Published<'a>> = Vec::new();
        for (index, item) in self.items("ports").iter().enumerate() {
            let Some(mut port) = Published::read(index, item) else { continue };
            if let Some(variable) = self.subject.model.stands_in(item.at).filter(|_| port.host.is_some_and(is_made_up)) {
                (port.host, port.variable) = (None, Some(variable));
            }
            match all.last_mut() {
                Some(last) if last.at == port.at => last.join(port),
                _ => all.push(port),
            }
        }
        all
    }
}

impl<'a> Published<'a> {
    fn read(index: usize, item: &'a Value) -> Option<Self> {
        let number = |key: &str| item.get(key).and_then(|value| scalar_text(&value.data));
        let target = number("target")?.parse().ok()?;
        let host = number("published").filter(|text| !text.is_empty());
        let address = item.get("host_ip").and_then(Value::as_str).filter(|address| !address.is_empty());
        let protocol = item.get("protocol").and_then(Value::as_str).unwrap_or("tcp");
        Some(Published {
            index,
            at: item.at,
            address,
            host: host.and_then(|text| range(&text)),
            variable: None,
            targets: vec![target],
            protocol,
        })
    }

    /// Takes in another port of the same range.
    fn join(&mut self, other: Published<'a>) {
        self.targets.extend(other.targets);
        if let (Some(mine), Some(others)) = (&mut self.host, other.host) {
            *mine = (mine.0.min(others.0), mine.1.max(others.1));
        }
    }

    /// No address says on which interface.
    pub fn is_everywhere(&self) -> bool {
        self.address.is_none_or(|address| address.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified()))
    }

    /// Whether other hosts than those of a private network can reach it.
    pub fn is_open(&self) -> bool {
        self.is_everywhere() || self.address.and_then(|address| address.parse().ok()).is_some_and(|address| !is_private(address))
    }

    /// The host's ports in words: `8080/tcp`, `8000-8010/udp`; `${PORT}/tcp`; `*:80/tcp` where the engine chooses.
    pub fn name(&self) -> String {
        if let Some(variable) = self.variable {
            return format!("${{{variable}}}/{}", self.protocol);
        }
        match self.host {
            Some((first, last)) if first == last => format!("{first}/{}", self.protocol),
            Some((first, last)) => format!("{first}-{last}/{}", self.protocol),
            None => format!("*:{}/{}", self.targets[0], self.protocol),
        }
    }
}

/// Whether a host's port can be what stands in for a variable.
fn is_made_up((first, last): (u16, u16)) -> bool {
    [first, last].iter().any(|port| port.to_string() == STAND_IN)
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Loopback, link-local, and the ranges of RFC 1918, RFC 4193 and RFC 6598, which VPNs use.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::Fixture;

    fn of<T>(text: &str, told: impl Fn(&Service<'_>) -> T) -> T {
        Fixture::new(text).told(|subject| told(&subject.services().next().unwrap()))
    }

    #[test]
    fn entries_are_told_as_written() {
        let text = "
services:
  web:
    image: x
    ports: ['80', '8080:80', '9-10:9-10/udp', '127.0.0.1:81:81', '[::]:82:82', {target: 83, published: '8083', host_ip: 10.0.0.1}, '8000-8002:84', '[2001:db8::1]:85:85']
";
        let told = |service: &Service<'_>| -> Vec<(String, bool, bool)> {
            service.published().iter().map(|port| (port.name(), port.is_everywhere(), port.is_open())).collect()
        };
        let named = |name: &str, everywhere, open| (name.to_string(), everywhere, open);
        assert_eq!(
            of(text, told),
            [
                named("*:80/tcp", true, true),
                named("8080/tcp", true, true),
                named("9-10/udp", true, true),
                named("81/tcp", false, false),
                named("82/tcp", true, true),
                named("8083/tcp", false, false),
                named("8000-8002/tcp", true, true),
                named("85/tcp", false, true),
            ]
        );
    }

    #[test]
    fn some_networks_publish_nothing() {
        for (line, why) in [
            ("network_mode: host", Some(Unpublished::Host)),
            ("network_mode: none", Some(Unpublished::NoNetwork)),
            ("network_mode: 'container:x'", Some(Unpublished::Shared)),
            ("network_mode: bridge", None),
            ("networks: [data]", Some(Unpublished::Internal)),
            ("networks: [data, front]", None),
            ("init: true", None),
        ] {
            let text = format!(
                "services:\n  web:\n    image: x\n    {line}\n    ports: ['80:80']\nnetworks: {{data: {{internal: true}}, front: {{}}}}\n"
            );
            assert_eq!(
                of(&text, |service| (service.unpublished(), service.published().len())),
                (why, usize::from(why.is_none())),
                "{line}"
            );
        }
    }
}
