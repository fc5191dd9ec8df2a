//! Hardening as a list to be ticked. A tick means that no service of production has a finding of the rules
//! behind it; what no file can tell a person has to know.

use std::collections::BTreeSet;

use serde::Serialize;

use super::seen::{Seen, listed, listed_of};

#[derive(Debug, Clone, Serialize)]
pub struct List {
    pub title: &'static str,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Item {
    pub text: &'static str,
    pub ticked: bool,
    /// Who lacks it, or why nobody here can know.
    pub note: String,
}

/// How an item is decided.
pub(super) enum By {
    Rules(&'static [&'static str]),
    /// Services with a read-only root have a place to write to.
    WritablePaths,
    /// Production uses no network that somebody has to make first.
    OwnNetworks,
    Person(&'static str),
    /// Rules first; what they let through a person has to try all the same.
    Tried(&'static [&'static str], &'static str),
}

type Items = &'static [(&'static str, By)];

pub(super) const LISTS: [(&str, Items); 5] = [
    (
        "Container security",
        &[
            ("No-new-privileges on all services", By::Rules(&["no-new-privileges"])),
            ("Read-only root filesystem", By::Rules(&["read-only-rootfs"])),
            ("An explicit user that is not root", By::Rules(&["no-user-declared", "runs-as-root", "root-group-added"])),
            ("All capabilities dropped", By::Rules(&["capabilities-not-dropped", "dangerous-capability-added"])),
            ("AppArmor or SELinux profile", By::Rules(&["no-confinement-profile", "apparmor-disabled", "selinux-disabled"])),
            ("Seccomp profile", By::Rules(&["seccomp-disabled", "no-confinement-profile"])),
            ("A tmpfs where a read-only service writes", By::WritablePaths),
        ],
    ),
    (
        "Network security",
        &[
            ("Networks of its own", By::Rules(&["no-network-segmentation", "host-network"])),
            ("Networks split by purpose", By::Rules(&["no-network-segmentation"])),
            ("Databases on internal networks", By::Rules(&["database-network-not-internal", "no-network-segmentation"])),
            ("No port open without need", By::Rules(&["sensitive-port-published", "management-port-published", "port-on-all-interfaces"])),
            ("TLS between services, where it applies", By::Person("whether it applies is not in the files")),
        ],
    ),
    (
        "Secrets management",
        &[
            (
                "A secret for every credential",
                By::Rules(&[
                    "hardcoded-credential",
                    "credential-in-url",
                    "default-credential",
                    "secret-visible-in-inspect",
                    "secrets-not-used",
                ]),
            ),
            ("No default passwords", By::Rules(&["default-credential"])),
            ("Secrets as files, not in the environment", By::Rules(&["secret-visible-in-inspect", "secrets-not-used"])),
            ("A written way to rotate secrets", By::Person("how credentials are rotated is not in the files")),
        ],
    ),
    (
        "Resource management",
        &[
            ("CPU limit on all services", By::Rules(&["cpu-limit"])),
            ("Memory limit on all services", By::Rules(&["memory-limit"])),
            ("Limit of processes", By::Rules(&["pids-limit"])),
            ("Ulimits", By::Rules(&["ulimits"])),
        ],
    ),
    (
        "Observability",
        &[
            ("Health check on all services", By::Rules(&["healthcheck-missing", "healthcheck-disabled"])),
            ("Logging driver that keeps logs in bounds", By::Rules(&["logging-disabled", "no-log-rotation"])),
            ("Log rotation", By::Rules(&["no-log-rotation"])),
            ("Labels that say what a container is", By::Rules(&["labels-missing"])),
        ],
    ),
];

/// What is to be done before production starts for the first time.
pub(super) const STEPS: Items = &[
    (
        "Make every secret, strong and new",
        By::Tried(&["hardcoded-credential", "credential-in-url", "default-credential"], "how strong they are is not in the files"),
    ),
    (
        "Set every variable that is needed; none falls back to a default",
        By::Rules(&["default-credential", "tag-not-required", "undefined-variable"]),
    ),
    ("Create the external networks", By::OwnNetworks),
    ("Give volumes the owner that writes to them", By::Person("who owns a volume shows on the engine")),
    (
        "Try the health checks",
        By::Tried(&["healthcheck-missing", "healthcheck-disabled"], "all are there; that they tell the truth shows on the engine"),
    ),
    (
        "Hold the limits against the host",
        By::Tried(&["memory-limit", "cpu-limit", "limits-exceed-host"], "all are there; what the host has it knows itself"),
    ),
    (
        "Try a restart of each service and of the host",
        By::Tried(&["restart-policy", "restart-unbounded"], "the policies are there; what comes back shows on the host"),
    ),
    ("Write down the way back", By::Person("`cargo xtask rollback` takes back what this tool changed; the rest is the operator's")),
];

pub fn checklist(seen: &Seen<'_>) -> Vec<List> {
    LISTS.iter().map(|(title, items)| List { title, items: ticked(items, seen) }).collect()
}

pub fn steps(seen: &Seen<'_>) -> Vec<Item> {
    ticked(STEPS, seen)
}

fn ticked(items: Items, seen: &Seen<'_>) -> Vec<Item> {
    items
        .iter()
        .map(|(text, by)| {
            let open = open(by, seen);
            Item { text, ticked: open.is_none(), note: open.unwrap_or_default() }
        })
        .collect()
}

/// Why an item is not ticked.
fn open(by: &By, seen: &Seen<'_>) -> Option<String> {
    let role = seen.decisive();
    match by {
        By::Tried(rules, why) => open(&By::Rules(rules), seen).or(Some((*why).to_string())),
        By::Rules(rules) => {
            let places = seen.lacking(role, rules);
            let named: Vec<&str> = places.iter().filter_map(|place| place.1).collect();
            match (places.is_empty(), named.is_empty()) {
                (true, _) => None,
                (false, true) => Some("the stack as a whole".into()),
                (false, false) => Some(listed_of(named.into_iter().collect::<BTreeSet<_>>(), seen.services(role).len())),
            }
        }
        By::WritablePaths => {
            let without = seen.services(role).into_iter().filter(|facts| facts.read_only && !facts.tmpfs);
            let named: Vec<&str> = without.map(|facts| facts.name.as_str()).collect();
            (!named.is_empty()).then(|| listed_of(named, seen.services(role).len()))
        }
        By::OwnNetworks => {
            let named: Vec<&str> = seen.of(role).flat_map(|side| &side.external_networks).map(String::as_str).collect();
            (!named.is_empty()).then(|| listed(named))
        }
        By::Person(why) => Some((*why).to_string()),
    }
}
