//! A container like another one that nobody meets: in no network, with nothing of it that can be written to.

use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, Mount, MountType};

use super::Spec;

/// What is otherwise in a container that is like another one.
pub struct Beside<'b> {
    pub label: (&'b str, &'b str),
    /// The only volume that it has, and where.
    pub volume: &'b str,
    pub at: &'b str,
    /// Variables, and their values.
    pub env: &'b [(&'b str, &'b str)],
    /// Nothing of the other one is mounted below these.
    pub without: &'b [&'b str],
}

impl Spec {
    /// How a container is made that runs what this one runs, as it runs it: the same image, command, environment, user
    /// and limits, and the files that are bound into it, which it can only read. It has no port, no name in a network,
    /// no other volume, and is not started again by itself.
    pub fn beside(&self, other: &Beside<'_>) -> Spec {
        let host = self.body.host_config.clone().unwrap_or_default();
        let own = |mode: Option<String>| mode.filter(|mode| !mode.starts_with("container:") && mode != "host");
        let host = HostConfig {
            mounts: Some(mounts(&host, other)),
            binds: None,
            network_mode: Some("none".to_string()),
            pid_mode: own(host.pid_mode),
            ipc_mode: own(host.ipc_mode),
            uts_mode: own(host.uts_mode),
            restart_policy: None,
            auto_remove: None,
            port_bindings: None,
            publish_all_ports: None,
            links: None,
            dns: None,
            dns_options: None,
            dns_search: None,
            extra_hosts: None,
            volumes_from: None,
            privileged: None,
            log_config: None,
            container_id_file: None,
            ..host
        };
        let changed = |entry: &&String| !other.env.iter().any(|(name, _)| entry.split('=').next() == Some(name));
        let kept = self.body.env.iter().flatten().filter(changed).cloned();
        let body = ContainerCreateBody {
            // Some servers call their files by it.
            hostname: self.body.hostname.clone().or_else(|| self.id.get(..super::spec::SHORT_ID).map(String::from)),
            env: Some(kept.chain(other.env.iter().map(|(name, value)| format!("{name}={value}"))).collect()),
            labels: Some([(other.label.0.to_string(), other.label.1.to_string())].into()),
            healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_string()]), ..HealthConfig::default() }),
            exposed_ports: None,
            volumes: None,
            networking_config: None,
            host_config: Some(host),
            ..self.body.clone()
        };
        Spec { body, owners: Default::default(), ..self.clone() }
    }
}

fn mounts(host: &HostConfig, other: &Beside<'_>) -> Vec<Mount> {
    let without = |at: &str| other.without.iter().chain([&other.at]).any(|left| at == *left || at.starts_with(&format!("{left}/")));
    let bound = host.binds.iter().flatten().filter_map(|bind| {
        let mut parts = bind.split(':');
        let (source, target) = (parts.next()?.to_string(), parts.next()?.to_string());
        source.starts_with('/').then(|| Mount {
            typ: Some(MountType::BIND),
            source: Some(source),
            target: Some(target),
            ..Mount::default()
        })
    });
    let wanted =
        |mount: &Mount| matches!(mount.typ, Some(MountType::BIND | MountType::TMPFS)) && !mount.target.as_deref().is_none_or(without);
    let read_only = |mount: Mount| Mount { read_only: (mount.typ == Some(MountType::BIND)).then_some(true), ..mount };
    let data = Mount {
        typ: Some(MountType::VOLUME),
        source: Some(other.volume.to_string()),
        target: Some(other.at.to_string()),
        ..Mount::default()
    };
    bound.chain(host.mounts.iter().flatten().cloned()).filter(wanted).map(read_only).chain([data]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn nothing_of_the_live_one_can_be_met_or_written_to() {
        let bind = |from: &str, at: &str| Mount {
            typ: Some(MountType::BIND),
            source: Some(from.into()),
            target: Some(at.into()),
            ..Mount::default()
        };
        let host = HostConfig {
            binds: Some(vec!["/etc/shop.conf:/etc/shop.conf:rw".into(), "other:/other".into()]),
            mounts: Some(vec![bind("/p/init", "/init.d"), bind("/p/s", "/run/secrets/s")]),
            network_mode: Some("shop_default".into()),
            port_bindings: Some(Default::default()),
            shm_size: Some(7),
            privileged: Some(true),
            ..HostConfig::default()
        };
        let body = ContainerCreateBody {
            env: Some(vec!["DB=shop".into(), "PASSWORD=x".into()]),
            cmd: Some(vec!["serve".into()]),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        };
        let spec = Spec { id: "0123456789abcdef".into(), name: "db".into(), image_id: "i".into(), owners: BTreeMap::new(), body };
        let other = Beside { label: ("l", "v"), volume: "fresh", at: "/data", env: &[("DB", "none")], without: &["/init.d"] };
        let made = spec.beside(&other).body;
        assert_eq!(made.env.unwrap(), ["PASSWORD=x", "DB=none"]);
        assert_eq!((made.hostname.as_deref(), made.cmd.unwrap().join(" ").as_str()), (Some("0123456789ab"), "serve"));
        let host = made.host_config.unwrap();
        let said: Vec<_> =
            host.mounts.unwrap().into_iter().map(|mount| (mount.source.unwrap(), mount.target.unwrap(), mount.read_only)).collect();
        let line = |from: &str, at: &str, read_only| (from.to_string(), at.to_string(), read_only);
        assert_eq!(
            said,
            [
                line("/etc/shop.conf", "/etc/shop.conf", Some(true)),
                line("/p/s", "/run/secrets/s", Some(true)),
                line("fresh", "/data", None)
            ]
        );
        assert_eq!((host.network_mode.as_deref(), host.shm_size, host.privileged), (Some("none"), Some(7), None));
        assert!(host.binds.is_none() && host.port_bindings.is_none());
    }
}
