//! Which images a deploy would run, and which of them have to be fetched.

use std::collections::BTreeMap;

use super::look::Looked;
use crate::actions::{Action, PullImage};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::guards::deploy::{Room, Unavailable};
use crate::registry::{From, Logins, Resolved, Resolver, Trouble, Unresolved};
use crate::release::{ServicePlan, Target};

/// The images of a stack, by the name in the model.
#[derive(Default)]
pub struct Images {
    pub resolved: BTreeMap<String, Resolved>,
    pub unavailable: Vec<Unavailable>,
    /// Registries that could not be asked about an image that is here.
    pub unconfirmed: Vec<String>,
}

impl Images {
    /// Asks for every image once.
    ///
    /// # Errors
    /// The engine or the logins cannot be read (`Failed`), or somebody wants to stop.
    pub fn resolve(looked: &Looked<'_>, cancel: &Cancel) -> Result<Images> {
        let logins = Logins::of_this_process();
        let resolver = Resolver::new(looked.standing.live.engine.as_ref(), &logins, cancel)?;
        let mut users: BTreeMap<(String, Option<String>), Vec<String>> = BTreeMap::new();
        for (service, image) in looked.images() {
            let platform = looked.model.service(&service).and_then(|body| body.get("platform")?.as_str().map(String::from));
            users.entry((image, platform)).or_default().push(service);
        }
        let mut images = Images::default();
        for ((image, platform), services) in users {
            match resolver.resolve(&image, platform.as_deref())? {
                Ok(resolved) => {
                    if let Some(why) =
                        resolved.unconfirmed.as_ref().filter(|_| resolved.here.as_ref().is_some_and(|here| !here.digests.is_empty()))
                    {
                        images.unconfirmed.push(format!("{image} is taken as it is here: {}", why.error));
                    }
                    images.resolved.insert(image, resolved);
                }
                Err(unresolved) => {
                    let built = |service: &String| looked.model.service(service).is_some_and(|body| body.get("build").is_some());
                    let built = services.iter().any(built);
                    let why = if built { to_build(unresolved, &looked.standing.stack.id) } else { unresolved.error };
                    images.unavailable.push(Unavailable { services, why });
                }
            }
        }
        Ok(images)
    }

    /// What fetches those that are not here; the images of unchanged services among them where a tag moved.
    pub fn pulls(&self, plans: &[ServicePlan]) -> Vec<Action> {
        let wanted = |image: &String| plans.iter().any(|plan| plan.image == *image);
        let fetched = self.resolved.values().filter(|resolved| resolved.from == From::Registry && wanted(&resolved.image));
        fetched
            .filter_map(|resolved| {
                let digest = resolved.there.as_ref()?.digest.clone();
                Some(Action::PullImage(PullImage { image: resolved.image.clone(), digest }))
            })
            .collect()
    }

    /// Images that a pull would replace are not the ones that shall run, so their ids are not known yet.
    pub fn settle(&self, targets: &mut BTreeMap<String, Target>) {
        for target in targets.values_mut() {
            if self.resolved.get(&target.image).is_some_and(|resolved| resolved.from == From::Registry) {
                target.image_id = None;
            }
        }
    }

    /// The room where the engine keeps images, as far as it can be seen from here. What an image will take
    /// no registry says beforehand: as much as the one that it replaces.
    pub fn room(&self, looked: &Looked<'_>) -> Option<Room> {
        let info = looked.standing.live.engine.info().ok()?;
        let stat = nix::sys::statvfs::statvfs(info.root_dir.as_str()).ok()?;
        let mut needed = 0;
        for resolved in self.resolved.values().filter(|resolved| resolved.from == From::Registry) {
            let size = looked.standing.live.engine.image(&resolved.image).ok().flatten().map_or(0, |image| image.size_bytes);
            needed += size;
        }
        Some(Room { free: stat.blocks_available().saturating_mul(stat.fragment_size()), needed })
    }
}

/// What is made here is most likely not made yet.
fn to_build(unresolved: Unresolved, stack: &str) -> Error {
    match unresolved.trouble {
        Trouble::Missing | Trouble::NotAllowed | Trouble::Unreachable => {
            let otherwise = unresolved.error.help.as_ref().map(|help| format!("; or, made elsewhere: {help}")).unwrap_or_default();
            let help = format!("make it here: `cargo xtask build {stack} --tag TAG`{otherwise}");
            unresolved.error.help(help)
        }
        Trouble::Platform | Trouble::Name => unresolved.error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_with_a_build_section_is_built_before_a_registry_is_mended() {
        let unresolved = |trouble| Unresolved { trouble, error: Error::refused("look up the image app:1").help("reach it") };
        let help = |trouble| to_build(unresolved(trouble), "shop").help.unwrap();
        assert_eq!(help(Trouble::Unreachable), "make it here: `cargo xtask build shop --tag TAG`; or, made elsewhere: reach it");
        assert_eq!(help(Trouble::Platform), "reach it");
    }
}
