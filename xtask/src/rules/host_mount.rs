//! Where a container sees a path of its host.

use std::path::Path;

use super::{Service, Spot};
use crate::source::clean;
use crate::yaml::{Origin, Value};

/// A path of the host inside a container.
pub struct HostMount {
    /// Absolute, without `.`, `..` and a slash at its end; `/var/run` is `/run`, which it links to.
    pub source: String,
    pub read_only: bool,
    /// Whether file systems that are mounted below it come along.
    pub recursive: bool,
    /// Where the path is written: in the service, or in the volume, secret or config that it uses.
    pub spot: Spot,
}

impl Service<'_> {
    /// Bind mounts, volumes that are bind mounts by their driver's options, secrets and configs from files,
    /// and what `volumes_from` takes over from other services.
    pub fn host_mounts(&self) -> Vec<HostMount> {
        let mut mounts = self.own_mounts();
        let mut seen = vec![self.name];
        let mut waiting = vec![(self.value, None::<(Origin, usize)>)];
        while let Some((value, by)) = waiting.pop() {
            for (index, item) in value.get("volumes_from").and_then(Value::as_seq).into_iter().flatten().enumerate() {
                let by = by.unwrap_or((item.at, index));
                let name = item.as_str().and_then(|text| text.split(':').next()).unwrap_or_default();
                let Some(other) = self.subject.service(name).filter(|service| !seen.contains(&service.name)) else {
                    continue;
                };
                for mut mount in other.bound() {
                    mount.spot = self.subject.spot(by.0, format!("services.{}.volumes_from[{}]", self.name, by.1), Some(self.name));
                    mounts.push(mount);
                }
                seen.push(other.name);
                waiting.push((other.value, Some(by)));
            }
        }
        mounts
    }

    fn own_mounts(&self) -> Vec<HostMount> {
        let mut mounts = self.bound();
        for section in ["secrets", "configs"] {
            for item in self.items(section) {
                let name = item.get("source").and_then(Value::as_str).unwrap_or_default();
                let file = self.subject.model.value.get(section).and_then(|entries| entries.get(name)?.get("file"));
                let spot = |at| self.subject.spot(at, format!("{section}.{name}.file"), Some(self.name));
                mounts.extend(file.and_then(|file| Some(mount(file.as_str()?, true, true, spot(file.at)))));
            }
        }
        mounts
    }

    fn bound(&self) -> Vec<HostMount> {
        let volumes = self.items("volumes").iter().enumerate();
        volumes.filter_map(|(index, volume)| self.volume_mount(index, volume)).collect()
    }

    fn volume_mount(&self, index: usize, volume: &Value) -> Option<HostMount> {
        let source = volume.get("source")?;
        let text = source.as_str()?;
        let read_only = volume.get("read_only").and_then(super::subject::truth) == Some(true);
        match volume.get("type")?.as_str()? {
            "bind" | "npipe" => {
                let recursive = volume.get("bind").and_then(|bind| bind.get("recursive")?.as_str()) != Some("disabled");
                let spot = self.subject.spot(source.at, format!("services.{}.volumes[{index}]", self.name), Some(self.name));
                Some(mount(text, read_only, recursive, spot))
            }
            "volume" => {
                let options = self.subject.model.value.get("volumes")?.get(text)?.get("driver_opts")?;
                let words = options.get("o").and_then(Value::as_str).unwrap_or_default();
                let has = |wanted: &str| words.split(',').any(|word| word.trim() == wanted);
                let device = options.get("device").filter(|_| has("bind") || has("rbind"))?;
                let spot = self.subject.spot(device.at, format!("volumes.{text}.driver_opts.device"), Some(self.name));
                Some(mount(device.as_str()?, read_only || has("ro"), has("rbind"), spot))
            }
            _ => None,
        }
    }
}

fn mount(source: &str, read_only: bool, recursive: bool, spot: Spot) -> HostMount {
    let cleaned = clean(Path::new(source)).to_string_lossy().into_owned();
    let source = match cleaned.strip_prefix("/var/run") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("/run{rest}"),
        _ => cleaned,
    };
    HostMount { source, read_only, recursive, spot }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::Fixture;

    fn mounts(text: &str, service: &str) -> Vec<(String, bool, String)> {
        Fixture::new(text).told(|subject| {
            let service = subject.services().find(|found| found.name == service).unwrap();
            service.host_mounts().into_iter().map(|mount| (mount.source, mount.read_only, mount.spot.place)).collect()
        })
    }

    #[test]
    fn every_way_into_the_host_is_seen() {
        let text = "
services:
  web:
    image: x
    volumes: [/var/run/../run/:/a, ./b:/b:ro, data:/data, bound:/bound, /anonymous]
    secrets: [key]
  other: {image: x, volumes_from: [web:ro, container:far]}
  third: {image: x, volumes_from: [other]}
volumes:
  data:
  bound: {driver_opts: {type: none, o: 'bind,ro', device: /srv}}
secrets:
  key: {file: ./key}
";
        let own = |place: &str| format!("services.web.volumes[{place}]");
        let mut wanted = vec![
            ("/run".to_string(), false, own("0")),
            ("/project/b".to_string(), true, own("1")),
            ("/srv".to_string(), true, "volumes.bound.driver_opts.device".to_string()),
            ("/project/key".to_string(), true, "secrets.key.file".to_string()),
        ];
        assert_eq!(mounts(text, "web"), wanted);
        wanted.pop();
        for (service, place) in [("other", "services.other.volumes_from[0]"), ("third", "services.third.volumes_from[0]")] {
            let taken: Vec<_> = wanted.iter().map(|(source, ro, _)| (source.clone(), *ro, place.to_string())).collect();
            assert_eq!(mounts(text, service), taken);
        }
    }
}
