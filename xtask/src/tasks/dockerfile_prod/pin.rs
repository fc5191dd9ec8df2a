//! Base images by their digest, where somebody knows it.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::production::repository;
use crate::registry::{Logins, Resolver};
use crate::tasks::Context;

/// Each base as it is to be written. A digest that was written before stays, so that nothing changes by itself; else it is
/// asked for. Who knows none gets the tag alone.
pub fn pinned<'b>(
    bases: impl Iterator<Item = (&'b str, Option<&'b str>)>,
    ask: impl Fn(&str) -> Result<Option<String>>,
) -> Result<BTreeMap<String, String>> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for (base, before) in bases {
        if base.contains('@') || known.get(base).is_some_and(|pinned| pinned != base) {
            known.entry(base.to_string()).or_insert_with(|| base.to_string());
            continue;
        }
        let digest = match before.and_then(|text| written(text, base)) {
            Some(digest) => Some(digest),
            None if known.contains_key(base) => None,
            None => ask(base)?,
        };
        known.insert(base.to_string(), digest.map_or_else(|| base.to_string(), |digest| format!("{base}@{digest}")));
    }
    Ok(known)
}

/// The digest in a `FROM` of a file that this tool wrote.
fn written(text: &str, base: &str) -> Option<String> {
    let start = format!("FROM {base}@");
    let digest = text.lines().find_map(|line| line.strip_prefix(&start))?.split(' ').next()?;
    digest.starts_with("sha256:").then(|| digest.to_string())
}

/// The engine's word, else the registry's.
pub fn digest(cx: &Context<'_>, base: &str) -> Result<Option<String>> {
    let Some(engine) = cx.doors.engine.as_deref() else { return Ok(None) };
    let plain = |name: &str| name.trim_start_matches("docker.io/").trim_start_matches("library/").to_string();
    let own = plain(repository(base));
    let here = engine.image(base)?;
    let mut of_engine = here.iter().flat_map(|image| &image.digests).filter_map(|name| name.rsplit_once('@'));
    if let Some((_, digest)) = of_engine.rfind(|(name, _)| plain(name) == own) {
        return Ok(Some(digest.to_string()));
    }
    let logins = Logins::of_this_process();
    let resolved = Resolver::new(engine, &logins, cx.cancel)?.resolve(base, None)?;
    // One that is here and that the registry does not know as it is would be another one by the registry's digest.
    Ok(resolved
        .ok()
        .filter(|resolved| resolved.here.is_none() || resolved.moved)
        .and_then(|resolved| resolved.there)
        .map(|there| there.digest))
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn a_digest_that_was_written_is_found_again() {
        let text = "# x\nFROM node:18@sha256:ab AS dependencies\nFROM node:18-slim@sha256:cd AS production\n";
        assert_eq!(written(text, "node:18").as_deref(), Some("sha256:ab"));
        assert_eq!(written(text, "node:18-slim").as_deref(), Some("sha256:cd"));
        assert_eq!(written(text, "node:1"), None);
    }
}
