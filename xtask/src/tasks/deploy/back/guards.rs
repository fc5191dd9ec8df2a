//! Whether what a release needs is there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Back, Recalled};
use crate::engine::Spec;
use crate::error::Result;
use crate::guards::Checked;
use crate::release::KeptFile;
use crate::saga::Sha;
use crate::source::{Disk, Files};

impl Back<'_> {
    pub(super) fn images_are_kept(&self, services: &BTreeMap<String, Recalled>) -> Result<Checked> {
        let mut why = Vec::new();
        for (name, service) in services.iter().filter(|(_, service)| !service.rests) {
            if self.standing.live.engine.image(&service.record.image_id)?.is_none() {
                why.push(format!("{name}: the image {} of {} is not on the engine any more", service.record.image, self.target.id));
            }
        }
        Ok(Checked::new("kept-images", why, "pull it by its digest (`cargo xtask history --releases` shows it), or go to another release"))
    }

    /// A release of another folder reads what it binds there: nothing here can put that back.
    pub(super) fn bound_files(&self, services: &BTreeMap<String, Recalled>) -> Checked {
        let mut why = BTreeSet::new();
        for (name, service) in services.iter().filter(|(_, service)| !service.rests) {
            for bound in service.specs.iter().flat_map(Spec::binds).filter(|path| path.starts_with(&self.target.root)) {
                if !bound.exists() {
                    why.insert(format!("{name} reads {}, which is not there any more", bound.display()));
                }
                let kept = self.target.kept.files.iter().filter(|file| file.path.starts_with(&bound));
                for file in kept.filter(|file| bound.exists() && !is_as_kept(file)) {
                    why.insert(format!("{name} reads {}, which is another one than in {}", file.path.display(), self.target.id));
                }
            }
        }
        let help = format!("roll back there (`-C {}`), or deploy that release's commit from here", self.target.root.display());
        Checked::new("bound-files", why.into_iter().collect(), help)
    }

    /// Data that is gone is no reason to start without it.
    pub(super) fn volumes_are_there(&self, services: &BTreeMap<String, Recalled>) -> Result<Checked> {
        let mut why = BTreeSet::new();
        for (name, service) in services.iter().filter(|(_, service)| !service.rests) {
            for volume in service.specs.iter().flat_map(Spec::volumes) {
                if self.standing.live.engine.volume(&volume)?.is_none() {
                    why.insert(format!("{name}: the volume {volume} is gone"));
                }
            }
        }
        Ok(Checked::new("volumes", why.into_iter().collect(), "bring the volume back first; a new one would be empty"))
    }
}

fn is_as_kept(file: &KeptFile) -> bool {
    matches!(Disk.read(&file.path), Ok(Some(content)) if Sha::of(&content) == file.content)
}

pub fn kept_copies(lost: Vec<String>) -> Checked {
    Checked::new("kept-copies", lost, "the record of this release is damaged; go to another release")
}
