//! The named volumes of a service.

use super::{Service, Spot};
use crate::yaml::Value;

/// A named volume in a container.
pub struct VolumeMount<'a> {
    /// Its key under `volumes`.
    pub volume: &'a str,
    /// Where the container sees it.
    pub target: &'a str,
    pub read_only: bool,
    pub spot: Spot,
}

impl<'a> Service<'a> {
    pub fn volume_mounts(&self) -> Vec<VolumeMount<'a>> {
        let mounts = self.items("volumes").iter().enumerate();
        mounts
            .filter(|(_, item)| item.get("type").and_then(Value::as_str) == Some("volume"))
            .filter_map(|(index, item)| {
                Some(VolumeMount {
                    volume: item.get("source")?.as_str()?,
                    target: item.get("target")?.as_str()?,
                    read_only: item.get("read_only").and_then(super::subject::truth) == Some(true),
                    spot: self.item_spot("volumes", index),
                })
            })
            .collect()
    }

    /// Whether what a server keeps is at this place of its container, above it or below. Where the image's
    /// insides are not known every volume counts.
    pub fn keeps_data_at(&self, target: &str) -> bool {
        let container = self.kind().zip(self.image()).and_then(|(kind, image)| kind.container(image));
        let data = container.map(|container| container.data.as_slice()).unwrap_or_default();
        data.is_empty() || data.iter().any(|path| is_below(path, target) || is_below(target, path))
    }

    /// Whether something writable stands at a place of the container: a tmpfs or a mount, there or above.
    pub fn has_writable(&self, path: &str) -> bool {
        let tmpfs = self.items("tmpfs").iter().filter_map(Value::as_str).map(|entry| entry.split(':').next().unwrap_or_default());
        let mounts = self.items("volumes").iter().filter(|item| item.get("read_only").and_then(super::subject::truth) != Some(true));
        let targets = mounts.filter_map(|item| item.get("target")?.as_str());
        tmpfs.chain(targets).any(|target| is_below(linked(path), linked(target)))
    }
}

/// Whether a path is another one or below it; slashes at the end do not count.
pub fn is_below(path: &str, above: &str) -> bool {
    let above = above.trim_end_matches('/');
    path.trim_end_matches('/').strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `/var/run` is a link to `/run` in nearly every image.
fn linked(path: &str) -> &str {
    match path.strip_prefix("/var/run") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => &path["/var".len()..],
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_below, linked};

    #[test]
    fn places_in_a_container() {
        for (path, above, is) in
            [("/tmp", "/tmp/", true), ("/run/x", "/run", true), ("/runner", "/run", false), ("/a", "/", true), ("/a", "/a/b", false)]
        {
            assert_eq!(is_below(path, above), is, "{path} {above}");
        }
        assert_eq!((linked("/var/run/x"), linked("/var/runner"), linked("/var/run")), ("/run/x", "/var/runner", "/run"));
    }
}
