//! What a cleanup has made room for, as it stands in its journal: the sizes of what is gone by then, less what its
//! archive takes. Other people's doings on the same engine are not in it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::backup::{Place, Repository};
use crate::engine::Engine;
use crate::error::Result;

/// Taken last, once nothing more goes. Sizes are in bytes, as the engine said them before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteReclaimed {
    pub place: Place,
    /// By name.
    pub volumes: BTreeMap<String, u64>,
    /// By id, without what other images have too: what two that go share is in neither.
    pub images: BTreeMap<String, u64>,
    /// By id.
    pub cache: BTreeMap<String, u64>,
}

/// In bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reclaimed {
    pub removed_bytes: u64,
    /// What the archive has added to the repository.
    pub archived_bytes: u64,
    /// The difference: below zero where the archive is larger.
    pub reclaimed_bytes: i64,
}

impl NoteReclaimed {
    /// # Errors
    /// The engine or the repository cannot be asked.
    pub fn measure(&self, engine: &dyn Engine, run: &str) -> Result<Reclaimed> {
        let volumes = engine.volumes(&[])?.into_iter().map(|volume| volume.name).collect();
        let images = engine.images("")?.into_iter().map(|image| image.id).collect();
        let cache =
            if self.cache.is_empty() { BTreeSet::new() } else { engine.disk_usage()?.cache.into_iter().map(|record| record.id).collect() };
        let removed_bytes = gone(&self.volumes, &volumes) + gone(&self.images, &images) + gone(&self.cache, &cache);
        let stored = if Repository::exists(&self.place)? { Repository::open(&self.place)?.removed()? } else { Vec::new() };
        let archived_bytes = stored.iter().filter(|stored| stored.summary.run == run).map(|stored| stored.added_bytes).sum();
        Ok(Reclaimed { removed_bytes, archived_bytes, reclaimed_bytes: signed(removed_bytes).saturating_sub(signed(archived_bytes)) })
    }
}

fn gone(before: &BTreeMap<String, u64>, now: &BTreeSet<String>) -> u64 {
    before.iter().filter(|(id, _)| !now.contains(*id)).map(|(_, bytes)| bytes).sum()
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_there_does_not_count() {
        let before = BTreeMap::from([("a".to_string(), 3), ("b".to_string(), 4)]);
        assert_eq!(gone(&before, &BTreeSet::from(["a".to_string()])), 4);
        assert_eq!(gone(&before, &BTreeSet::new()), 7);
    }
}
