//! Lists of paths in a policy.

use crate::rules::{HostMount, Service, is_below};

/// Whether a path is in a list: as it is there; with a slash at its end also what is below; `*` is any one name.
pub(super) fn is_listed(path: &str, list: &[String]) -> bool {
    list.iter().any(|listed| match listed.strip_suffix('/').filter(|above| !above.is_empty()) {
        Some(above) => is_below(path, above),
        None => {
            listed.split('/').count() == path.split('/').count() && listed.split('/').zip(path.split('/')).all(|(l, p)| l == "*" || l == p)
        }
    })
}

/// What a service mounts from its host, each path once; not the files that it gets as secrets and configs.
pub(super) fn mounts(service: &Service<'_>) -> Vec<HostMount> {
    let mut mounts = service.host_mounts();
    mounts.retain(|mount| !mount.spot.place.starts_with("secrets.") && !mount.spot.place.starts_with("configs."));
    mounts
}

/// Whether a mount gives the host away: it is writable, and what is written there runs as root.
pub(super) fn is_root_equivalent(service: &Service<'_>, mount: &HostMount) -> bool {
    !mount.read_only && is_listed(&mount.source, service.subject.policy.list(super::root_equivalent_mount::RULE.name, "paths"))
}

#[cfg(test)]
mod tests {
    use super::is_listed;

    #[test]
    fn paths_are_found_in_lists() {
        let list = ["/", "/etc", "/boot/", "/home/*"].map(String::from);
        for (path, is) in [
            ("/", true),
            ("/etc", true),
            ("/etc/x", false),
            ("/boot", true),
            ("/boot/grub", true),
            ("/bootstrap", false),
            ("/home", false),
            ("/home/me", true),
            ("/home/me/data", false),
            ("/srv", false),
        ] {
            assert_eq!(is_listed(path, &list), is, "{path}");
        }
    }
}
