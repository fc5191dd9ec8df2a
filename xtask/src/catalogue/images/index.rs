//! Finds a kind of server by an image's name, a URL's scheme or a port.
//!
//! The catalogue is parsed entry by entry, when one is asked for: most runs meet a handful of kinds, and
//! parsing all of them costs more than such a run. What is looked up by, `images`, `schemes` and `ports`,
//! is read from the text beforehand; a test holds that both readings agree.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use super::files::FILES;
use super::kind::ServerKind;
use super::name::{image_name, is_named};

static KINDS: [OnceLock<ServerKind>; FILES.len()] = [const { OnceLock::new() }; FILES.len()];
static INDEX: LazyLock<Index> = LazyLock::new(Index::of_files);

/// The places in `FILES`.
struct Index {
    /// By the last part of a name: the whole known names that end so, the longest first.
    names: HashMap<&'static str, Vec<(&'static str, usize)>>,
    schemes: HashMap<&'static str, usize>,
    ports: HashMap<u16, Vec<usize>>,
}

/// The kind of server that an image is, by its name: registries, mirrors, tags and digests do not count.
pub fn server_kind(image: &str) -> Option<&'static ServerKind> {
    let name = image_name(image);
    let known = INDEX.names.get(name.rsplit('/').next()?)?;
    known.iter().find(|(known, _)| is_named(name, known)).map(|(_, at)| kind(*at))
}

/// The kind of server that a URL's scheme speaks to.
pub fn server_kind_of_scheme(scheme: &str) -> Option<&'static ServerKind> {
    INDEX.schemes.get(scheme.to_ascii_lowercase().as_str()).map(|at| kind(*at))
}

/// What listens on a TCP port, where every kind of server that is known to listen there holds it for the
/// stack or its operator only. 8080 is thus none: a web server's is for everyone.
pub fn is_sensitive_port(port: u16) -> Option<&'static str> {
    let kinds = INDEX.ports.get(&port)?;
    let facts: Option<Vec<_>> = kinds.iter().map(|at| kind(*at).port(port).filter(|facts| facts.is_sensitive())).collect();
    facts?.first().map(|facts| facts.what.as_str())
}

fn kind(at: usize) -> &'static ServerKind {
    KINDS[at].get_or_init(|| serde_yaml::from_str(FILES[at]).expect("policies/images is built in and held by a test"))
}

#[cfg(test)]
pub(super) fn every_kind() -> impl Iterator<Item = &'static ServerKind> {
    (0..FILES.len()).map(kind)
}

impl Index {
    fn of_files() -> Index {
        let mut index = Index { names: HashMap::new(), schemes: HashMap::new(), ports: HashMap::new() };
        for (at, text) in FILES.iter().enumerate() {
            for name in list(text, "images: [") {
                index.names.entry(name.rsplit('/').next().unwrap_or(name)).or_default().push((name, at));
            }
            index.schemes.extend(list(text, "schemes: [").map(|scheme| (scheme, at)));
            for port in list(text, "ports: [").filter_map(|port| port.parse().ok()) {
                index.ports.entry(port).or_default().push(at);
            }
        }
        for known in index.names.values_mut() {
            known.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        }
        index
    }
}

/// The plain words of a list that stands on one line, at the top of an entry.
fn list(text: &'static str, start: &str) -> impl Iterator<Item = &'static str> {
    let line = text.lines().find_map(|line| line.strip_prefix(start)?.strip_suffix(']'));
    line.into_iter().flat_map(|line| line.split(',')).map(str::trim).filter(|word| !word.is_empty())
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
