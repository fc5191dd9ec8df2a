//! What of a release's data a backup has, and how it is loaded.

use std::collections::{BTreeMap, BTreeSet};

use super::data::Tenancy;
use crate::actions::{FillBeside, Like, Reload};
use crate::backup::{LABEL, Manifest, Place};
use crate::error::Result;
use crate::saga::RunId;
use crate::tasks::Context;
use crate::tasks::deploy::look::Standing;
use crate::tasks::restore::look::refill;
use crate::tasks::restore::servers::{Tenant, dumped, not_restorable};

/// What is found while it is looked for what to fill.
#[derive(Default)]
pub struct Found {
    /// Why it cannot be restored here.
    pub wrong: Vec<String>,
    /// Why dumps do not fit.
    pub versions: Vec<String>,
    /// For people.
    pub lines: Vec<String>,
}

impl Found {
    pub fn fill(
        &mut self,
        standing: &Standing<'_>,
        manifest: &Manifest,
        services: &BTreeMap<String, Tenancy<'_>>,
        place: &Place,
        run: &RunId,
    ) -> Result<FillBeside> {
        let engine = standing.live.engine.as_ref();
        let mut fill = FillBeside { place: place.clone(), name: manifest.name.clone(), volumes: Vec::new(), servers: Vec::new() };
        for dump in dumped(manifest, &[]) {
            let service = dump.service.as_str();
            let (image, (spec, sha)) = match services.get(service).map(|service| (service.image, service.specs.as_slice())) {
                Some((image, [one])) => (image, *one),
                Some((_, several)) => {
                    self.wrong.push(format!(
                        "{service} has {} containers in the release, so it is not known which data is its own",
                        several.len()
                    ));
                    continue;
                }
                None => {
                    self.lines.push(format!("{service}: the backup has its data, and the release has no such service"));
                    continue;
                }
            };
            let tenant = Tenant::was(service, image, spec);
            self.versions.extend(tenant.other_version(dump));
            let mount = not_restorable(dump).map_or_else(|| tenant.data(&dump.adapter), Err);
            match mount.map(|mount| refill(engine, &mount.name, run).map(|refill| (mount.destination.clone(), refill))) {
                Ok(Ok((at, Ok(refill)))) => {
                    fill.servers.push(Reload { service: service.to_string(), like: Like::Spec(sha.clone()), at, refill });
                }
                Ok(Ok((_, Err(why)))) | Err(why) => self.wrong.push(why),
                Ok(Err(error)) => return Err(error),
            }
        }
        let mounted: BTreeSet<String> = services.values().flat_map(|service| &service.specs).flat_map(|(spec, _)| spec.volumes()).collect();
        for copied in &manifest.volumes {
            if !mounted.contains(&copied.volume) {
                self.lines.push(format!("the volume {} is in the backup, and no service of the release has it", copied.volume));
            } else if !fill.servers.iter().any(|reload| reload.refill.volume == copied.volume) {
                match refill(engine, &copied.volume, run)? {
                    Ok(refill) => fill.volumes.push(refill),
                    Err(why) => self.wrong.push(why),
                }
            }
        }
        if fill.refills().next().is_none() && self.wrong.is_empty() {
            self.wrong.push(format!("{} has nothing that the release keeps data in", manifest.name));
        }
        Ok(fill)
    }
}

/// The volumes of the release that nothing is restored into, but for those of which nobody wants a backup, and those
/// without a name, which no backup can have.
pub fn missing(cx: &Context<'_>, services: &BTreeMap<String, Tenancy<'_>>, filled: &BTreeSet<&str>) -> Vec<String> {
    let mut missing = BTreeSet::new();
    for (name, service) in services {
        let settings = cx.project.settings.backup.services.get(name).and_then(|service| service.how.as_deref());
        for (spec, _) in &service.specs {
            let how = Some(spec.label(LABEL)).filter(|how| !how.is_empty()).or(settings);
            let named = |volume: &String| !(volume.len() == 64 && volume.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let left = spec.volumes().into_iter().filter(|volume| named(volume) && !filled.contains(volume.as_str()));
            missing.extend(left.filter(|_| how != Some("off")).map(|volume| format!("{name}: the volume {volume} is not in the backup")));
        }
    }
    missing.into_iter().collect()
}
