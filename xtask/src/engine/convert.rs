//! From the API's models, where everything is optional, to ours.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::models;

use super::platform::Platform;
use super::registry::Manifest;
use super::types::{
    Container, Endpoint, Health, Healthcheck, Image, ImageNames, Info, Listed, Mount, Network, Restart, State, Status, Volume,
};
use crate::secret::Secret;

pub(super) fn info(info: models::SystemInfo, version: models::SystemVersion) -> Info {
    Info {
        id: info.id.unwrap_or_default(),
        version: info.server_version.unwrap_or_default(),
        api_version: version.api_version.unwrap_or_default(),
        platform: platform(version.os, version.arch, None),
        security_options: info.security_options.unwrap_or_default(),
        storage_driver: info.driver.unwrap_or_default(),
        cpus: info.ncpu.unwrap_or_default().max(0).cast_unsigned(),
        memory_bytes: info.mem_total.unwrap_or_default().max(0).cast_unsigned(),
        root_dir: info.docker_root_dir.unwrap_or_default(),
        system_time: info.system_time.unwrap_or_default(),
    }
}

pub(super) fn listed(summary: models::ContainerSummary) -> Listed {
    let names = summary.names.unwrap_or_default();
    Listed {
        id: summary.id.unwrap_or_default(),
        name: names.first().map(|name| name.trim_start_matches('/').to_string()).unwrap_or_default(),
        labels: sorted(summary.labels),
    }
}

pub(super) fn container(inspected: models::ContainerInspectResponse) -> Container {
    let config = inspected.config.unwrap_or_default();
    let host = inspected.host_config.unwrap_or_default();
    let networks = inspected.network_settings.unwrap_or_default();
    Container {
        id: inspected.id.unwrap_or_default(),
        name: inspected.name.unwrap_or_default().trim_start_matches('/').to_string(),
        created: inspected.created.unwrap_or_default(),
        image_id: inspected.image.unwrap_or_default(),
        image: config.image.unwrap_or_default(),
        state: state(inspected.state.unwrap_or_default()),
        restart_count: inspected.restart_count.unwrap_or_default(),
        restart: restart(host.restart_policy),
        stop_grace: stop_grace(config.stop_timeout),
        healthcheck: config.healthcheck.as_ref().and_then(healthcheck),
        env: environment(config.env.unwrap_or_default()),
        command: config.cmd.unwrap_or_default(),
        argv: inspected.path.into_iter().chain(inspected.args.unwrap_or_default()).collect(),
        labels: sorted(config.labels),
        networks: networks.networks.unwrap_or_default().into_iter().map(|(name, settings)| (name, endpoint(settings))).collect(),
        mounts: inspected.mounts.unwrap_or_default().into_iter().map(mount).collect(),
        published: published(networks.ports.unwrap_or_default()),
        network_mode: host.network_mode.unwrap_or_default(),
    }
}

fn state(state: models::ContainerState) -> State {
    use models::ContainerStateStatusEnum as S;
    let status = match state.status {
        Some(S::RUNNING) => Status::Running,
        Some(S::PAUSED) => Status::Paused,
        Some(S::RESTARTING) => Status::Restarting,
        Some(S::REMOVING) => Status::Removing,
        Some(S::EXITED) => Status::Exited,
        Some(S::DEAD) => Status::Dead,
        _ => Status::Created,
    };
    let checked = state.health.as_ref().and_then(|health| health.log.as_ref()?.last()?.output.clone()).unwrap_or_default();
    let health = match state.health.and_then(|health| health.status) {
        Some(models::HealthStatusEnum::STARTING) => Some(Health::Starting),
        Some(models::HealthStatusEnum::HEALTHY) => Some(Health::Healthy),
        Some(models::HealthStatusEnum::UNHEALTHY) => Some(Health::Unhealthy),
        _ => None,
    };
    State {
        status,
        pid: state.pid.unwrap_or_default(),
        started_at: state.started_at.unwrap_or_default(),
        exit_code: state.exit_code.unwrap_or_default(),
        oom_killed: state.oom_killed.unwrap_or_default(),
        error: state.error.unwrap_or_default(),
        health,
        checked: Secret::new(checked),
    }
}

fn restart(policy: Option<models::RestartPolicy>) -> Restart {
    use models::RestartPolicyNameEnum as R;
    match policy.and_then(|policy| policy.name) {
        Some(R::ALWAYS) => Restart::Always,
        Some(R::UNLESS_STOPPED) => Restart::UnlessStopped,
        Some(R::ON_FAILURE) => Restart::OnFailure,
        _ => Restart::No,
    }
}

/// The engine's default is ten seconds.
fn stop_grace(secs: Option<i64>) -> Duration {
    secs.and_then(|secs| u64::try_from(secs).ok()).map_or(Duration::from_secs(10), Duration::from_secs)
}

/// A check that is switched off (`NONE`) is none. Zeros are what was not said: the engine's defaults.
fn healthcheck(config: &models::HealthConfig) -> Option<Healthcheck> {
    let test = config.test.as_deref().unwrap_or_default();
    if test.is_empty() || test[0] == "NONE" {
        return None;
    }
    let given = |nanos: Option<i64>| nanos.filter(|nanos| *nanos > 0).map(|nanos| Duration::from_nanos(nanos.cast_unsigned()));
    let or_default = |nanos| given(nanos).unwrap_or(Duration::from_secs(30));
    Some(Healthcheck {
        interval: or_default(config.interval),
        timeout: or_default(config.timeout),
        start_period: given(config.start_period).unwrap_or_default(),
        retries: config.retries.and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0).unwrap_or(3),
    })
}

fn endpoint(settings: models::EndpointSettings) -> Endpoint {
    let address = settings.ip_address.filter(|address| !address.is_empty()).or(settings.global_ipv6_address);
    Endpoint {
        network_id: settings.network_id.unwrap_or_default(),
        address: address.unwrap_or_default(),
        aliases: settings.aliases.unwrap_or_default(),
    }
}

fn mount(mount: models::MountPoint) -> Mount {
    Mount {
        kind: mount.typ.map(|kind| kind.to_string()).unwrap_or_default(),
        name: mount.name.unwrap_or_default(),
        source: mount.source.unwrap_or_default(),
        destination: mount.destination.unwrap_or_default(),
        writable: mount.rw.unwrap_or_default(),
    }
}

fn published(ports: models::PortMap) -> Vec<String> {
    let mut published = Vec::new();
    for (port, bindings) in ports {
        let protocol = port.split_once('/').map_or("tcp", |(_, protocol)| protocol);
        for binding in bindings.unwrap_or_default() {
            let (address, port) = (binding.host_ip.unwrap_or_default(), binding.host_port.unwrap_or_default());
            published.push(format!("{address}:{port}/{protocol}"));
        }
    }
    published.sort();
    published
}

fn environment(entries: Vec<String>) -> BTreeMap<String, String> {
    entries.into_iter().map(|entry| entry.split_once('=').map_or((entry.clone(), String::new()), |(k, v)| (k.into(), v.into()))).collect()
}

pub(super) fn image(image: models::ImageInspect) -> Image {
    let config = image.config.unwrap_or_default();
    Image {
        id: image.id.unwrap_or_default(),
        healthcheck: config.healthcheck.as_ref().and_then(healthcheck),
        volumes: config.volumes.unwrap_or_default(),
        tags: image.repo_tags.unwrap_or_default(),
        digests: image.repo_digests.unwrap_or_default(),
        platform: platform(image.os, image.architecture, image.variant),
        size_bytes: image.size.unwrap_or_default().max(0).cast_unsigned(),
        tagged: image.metadata.and_then(|metadata| metadata.last_tag_time).unwrap_or_default(),
    }
}

pub(super) fn image_names(image: models::ImageSummary) -> ImageNames {
    // Old engines write both for an image without a name.
    let named = |names: Vec<String>| names.into_iter().filter(|name| !name.starts_with("<none>")).collect();
    ImageNames {
        id: image.id,
        tags: named(image.repo_tags),
        digests: named(image.repo_digests),
        size_bytes: image.size.max(0).cast_unsigned(),
        labels: sorted(Some(image.labels)),
        built_ms: image.created.max(0).cast_unsigned() * 1000,
    }
}

/// Lists also name what is no image for any platform, the attestations of a build: `unknown/unknown`.
pub(super) fn manifest(found: models::DistributionInspect) -> Manifest {
    let platforms = found.platforms.into_iter().map(|named| platform(named.os, named.architecture, named.variant));
    Manifest {
        digest: found.descriptor.digest.unwrap_or_default(),
        platforms: platforms.filter(|platform| platform.os != "unknown").collect(),
    }
}

fn platform(os: Option<String>, architecture: Option<String>, variant: Option<String>) -> Platform {
    Platform { os: os.unwrap_or_default(), architecture: architecture.unwrap_or_default(), variant: variant.unwrap_or_default() }
}

pub(super) fn network(network: models::NetworkInspect) -> Network {
    Network {
        id: network.id.unwrap_or_default(),
        name: network.name.unwrap_or_default(),
        driver: network.driver.unwrap_or_default(),
        internal: network.internal.unwrap_or_default(),
        labels: sorted(network.labels),
        options: sorted(network.options),
        subnets: network.ipam.and_then(|ipam| ipam.config).unwrap_or_default().into_iter().filter_map(|config| config.subnet).collect(),
        created: network.created.unwrap_or_default(),
        containers: network.containers.unwrap_or_default().into_keys().collect(),
    }
}

pub(super) fn volume(volume: models::Volume) -> Volume {
    Volume {
        name: volume.name,
        driver: volume.driver,
        mountpoint: volume.mountpoint,
        created: volume.created_at.unwrap_or_default(),
        labels: sorted(Some(volume.labels)),
        options: sorted(Some(volume.options)),
    }
}

fn sorted(map: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    map.unwrap_or_default().into_iter().collect()
}
