//! What containers use, what they may use, and which of their ports answer on the host.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::Docker as Client;
use bollard::models::{ContainerStatsResponse, HostConfig, PortMap};
use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::StreamExt;
use tokio::task::JoinSet;

use super::Observer;

/// Between the two samples that make a processor's share.
const SAMPLE: Duration = Duration::from_millis(500);

/// What stands in a container's configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declared {
    pub memory_limit_bytes: Option<u64>,
    /// In processors: 1.5.
    pub cpu_limit: Option<f64>,
    /// What answers on the host now, by the container's port.
    pub ports: Vec<Port>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// In the container.
    pub target: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// Of the host; `0.0.0.0` and `::` are all of them.
    pub address: String,
    pub published: u16,
}

/// What a running container uses at this moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Without the page cache that can be given back, as `docker stats` counts it.
    pub memory_bytes: Option<u64>,
    /// In processors: 0.25 is a quarter of one.
    pub cpus: Option<f64>,
}

impl Observer {
    /// The configuration of each of these containers by its id; those that went away are left out.
    pub fn declared(&self, ids: &[String]) -> BTreeMap<String, Declared> {
        self.each(ids, |client, id| async move {
            let inspected = client.inspect_container(&id, None).await.ok()?;
            let ports = inspected.network_settings.and_then(|networks| networks.ports).unwrap_or_default();
            Some(declared(&inspected.host_config.unwrap_or_default(), ports))
        })
    }

    /// The usage of each of these running containers by its id, asked of all at the same time.
    pub fn usage(&self, ids: &[String]) -> BTreeMap<String, Usage> {
        self.each(ids, |client, id| async move {
            let first = sample(&client, &id).await?;
            tokio::time::sleep(SAMPLE).await;
            let second = sample(&client, &id).await?;
            Some(Usage { memory_bytes: memory(&second), cpus: cpus(&first, &second) })
        })
    }

    /// What was asked of each of these at the same time.
    pub(super) fn each<T, F>(&self, ids: &[String], ask: impl Fn(Client, String) -> F) -> BTreeMap<String, T>
    where
        T: Send + 'static,
        F: Future<Output = Option<T>> + Send + 'static,
    {
        self.runtime.block_on(async {
            let mut asked = JoinSet::new();
            for id in ids {
                let answer = ask(self.client.clone(), id.clone());
                let id = id.clone();
                asked.spawn(async move { Some((id, answer.await?)) });
            }
            asked.join_all().await.into_iter().flatten().collect()
        })
    }
}

async fn sample(client: &Client, id: &str) -> Option<ContainerStatsResponse> {
    let options = StatsOptionsBuilder::default().stream(false).one_shot(true).build();
    let mut samples = Box::pin(client.stats(id, Some(options)));
    samples.next().await?.ok()
}

fn declared(host: &HostConfig, ports: PortMap) -> Declared {
    let positive = |number: Option<i64>| number.filter(|number| *number > 0).map(|number| number.cast_unsigned());
    let by_quota = || Some(positive(host.cpu_quota)? as f64 / positive(host.cpu_period).unwrap_or(100_000) as f64);
    let by_nanos = positive(host.nano_cpus).map(|nanos| nanos as f64 / 1e9);
    let mut published = Vec::new();
    for (port, bindings) in ports {
        let (target, protocol) = port.split_once('/').unwrap_or((&port, "tcp"));
        for binding in bindings.unwrap_or_default() {
            let (Ok(target), Some(Ok(on_host))) = (target.parse(), binding.host_port.map(|port| port.parse())) else { continue };
            let address = binding.host_ip.unwrap_or_default();
            published.push(Port { target, protocol: protocol.to_string(), address, published: on_host });
        }
    }
    published.sort();
    Declared { memory_limit_bytes: positive(host.memory), cpu_limit: by_nanos.or_else(by_quota), ports: published }
}

/// Version 2 of control groups and version 1 name the cache differently.
fn memory(stats: &ContainerStatsResponse) -> Option<u64> {
    let memory = stats.memory_stats.as_ref()?;
    let of = |name: &str| memory.stats.as_ref().and_then(|stats| stats.get(name)).copied();
    let cache = of("total_inactive_file").or_else(|| of("inactive_file")).unwrap_or_default();
    memory.usage.map(|usage| usage.saturating_sub(cache))
}

/// The container's share of the time that all processors had between two samples, in processors.
fn cpus(first: &ContainerStatsResponse, second: &ContainerStatsResponse) -> Option<f64> {
    let (first, second) = (first.cpu_stats.as_ref()?, second.cpu_stats.as_ref()?);
    let used = |stats: &bollard::models::ContainerCpuStats| stats.cpu_usage.as_ref()?.total_usage;
    let used = used(second)?.checked_sub(used(first)?)?;
    let passed = second.system_cpu_usage?.checked_sub(first.system_cpu_usage?).filter(|passed| *passed > 0)?;
    Some(used as f64 / passed as f64 * f64::from(second.online_cpus.filter(|count| *count > 0)?))
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerCpuStats, ContainerCpuUsage, ContainerMemoryStats, PortBinding};

    use super::*;

    fn stats(total: u64, system: u64) -> ContainerStatsResponse {
        let usage = ContainerCpuUsage { total_usage: Some(total), ..Default::default() };
        let cpu = ContainerCpuStats { cpu_usage: Some(usage), system_cpu_usage: Some(system), online_cpus: Some(2), ..Default::default() };
        let cache = [("inactive_file".to_string(), 30)].into();
        let memory = ContainerMemoryStats { usage: Some(100), stats: Some(cache), ..Default::default() };
        ContainerStatsResponse { cpu_stats: Some(cpu), memory_stats: Some(memory), ..Default::default() }
    }

    #[test]
    fn figures_are_those_of_docker_stats() {
        assert_eq!(cpus(&stats(100, 1_000), &stats(350, 2_000)), Some(0.5));
        assert_eq!(cpus(&stats(100, 1_000), &stats(100, 1_000)), None);
        assert_eq!(memory(&stats(0, 0)), Some(70));
    }

    #[test]
    fn limits_may_be_written_in_two_ways() {
        let host = HostConfig { cpu_quota: Some(50_000), memory: Some(0), ..Default::default() };
        let binding = PortBinding { host_ip: Some("127.0.0.1".into()), host_port: Some("8080".into()) };
        let ports = [("80/tcp".to_string(), Some(vec![binding])), ("443/tcp".to_string(), None)].into();
        let port = Port { target: 80, protocol: "tcp".into(), address: "127.0.0.1".into(), published: 8080 };
        assert_eq!(declared(&host, ports), Declared { memory_limit_bytes: None, cpu_limit: Some(0.5), ports: vec![port] });
        let host = HostConfig { nano_cpus: Some(1_500_000_000), memory: Some(64), ..Default::default() };
        let limits = declared(&host, PortMap::new());
        assert_eq!((limits.cpu_limit, limits.memory_limit_bytes), (Some(1.5), Some(64)));
    }
}
