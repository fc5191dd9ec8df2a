//! The way back of what was removed. Right at any moment, and again: what a run has begun is known by its mark.

use serde::{Deserialize, Serialize};

use super::super::World;
use super::super::backup::{fill, take_away};
use super::Unused;
use super::mark::Word;
use super::remove::{spec, user_of_network, user_of_volume};
use crate::backup::{Content, Manifest, Place, Repository};
use crate::engine::Volume;
use crate::error::{Error, Result};

/// What was there before a thing was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Nothing needs to be made: it is there, it was never removed, or another of its name does as well.
    pub there: bool,
    /// The names that an image had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

impl Unused {
    /// Takes the removal back: only what this very run has begun to remove.
    pub fn undo(&self, world: &World) -> Result<()> {
        match self.mark(world).word() {
            None => Ok(()),
            Some(_) => self.bring_back(world),
        }
    }

    /// For a rollback.
    ///
    /// # Errors
    /// `Refused`: another volume of its name is there.
    pub fn look(&self, world: &World) -> Result<Standing> {
        let engine = world.live()?.engine.as_ref();
        let standing = |there: bool| Standing { there, names: Vec::new() };
        let never = || {
            world.warn(format!("{} is not in the archive: that run has left it alone, and it is not there now", self.label()));
            standing(true)
        };
        match self {
            Unused::Volume { name, made, place, archive } => {
                let now = engine.volume(name)?;
                if now.as_ref().is_some_and(|volume| volume.created == *made) {
                    return Ok(standing(true));
                }
                let archived = stored(place, archive)?.1.volumes.iter().any(|copied| copied.volume == *name);
                match now {
                    _ if !archived => Ok(never()),
                    Some(_) => Err(taken(&self.label())),
                    None => Ok(standing(false)),
                }
            }
            Unused::Network { id, name, .. } => {
                let now = engine.network(name)?;
                if now.as_ref().is_some_and(|network| network.id != *id) {
                    world.warn(format!("{} stays as it is: another one of that name is there by now", self.label()));
                }
                Ok(standing(now.is_some()))
            }
            Unused::Image { id, names, .. } | Unused::Served { id, names, .. } => {
                let mut had = Vec::new();
                for name in names {
                    had.extend(engine.image(name)?.filter(|image| image.id == *id).map(|_| name.clone()));
                }
                let there = engine.image(id)?.is_some();
                match self {
                    Unused::Image { place, archive, .. } if !there => {
                        let archived = stored(place, archive)?.1.images.iter().any(|stored| stored.id == *id);
                        Ok(if archived { standing(false) } else { never() })
                    }
                    _ => Ok(Standing { there, names: had }),
                }
            }
        }
    }

    /// Carries a rollback out. What only a registry has does not hold up the rest.
    pub fn take_back(&self, world: &World, standing: &Standing) -> Result<()> {
        match self {
            Unused::Volume { .. } | Unused::Network { .. } if standing.there => Ok(()),
            Unused::Image { id, .. } if standing.there && world.live()?.engine.image(id)?.is_none() => Ok(()),
            Unused::Served { names, reference, .. } => {
                if let Err(error) = self.bring_back(world) {
                    let by_hand = format!("`docker pull {reference}`, then `docker tag` it {}", names.join(" and "));
                    world.warn(format!("{} is not back: {error}. By hand: {by_hand}", self.label()));
                    world.not_proven(self.label(), "to be pulled: its registry does not give it".to_string());
                }
                Ok(())
            }
            _ => self.bring_back(world),
        }
    }

    /// Takes a rollback back: only what it has made itself, and nobody has come to use.
    pub fn remove_again(&self, world: &World, standing: &Standing) -> Result<()> {
        if self.mark(world).word().is_none() {
            return Ok(());
        }
        take_away(world)?;
        let engine = world.live()?.engine.as_ref();
        match self {
            Unused::Volume { name, .. } => match user_of_volume(engine, name)? {
                Some(user) => world.warn(format!("{} stays: {user} has come to use it", self.label())),
                None => engine.remove_volume(name)?,
            },
            Unused::Network { name, .. } => {
                let Some(network) = engine.network(name)? else { return Ok(()) };
                match user_of_network(engine, &network.id, name)? {
                    Some(user) => world.warn(format!("{} stays: {user} has come to use it", self.label())),
                    None => engine.remove_network(&network.id)?,
                }
            }
            Unused::Image { id, names, .. } | Unused::Served { id, names, .. } => {
                for name in names.iter().filter(|name| !standing.names.contains(name)) {
                    if engine.image(name)?.is_some_and(|image| image.id == *id) {
                        engine.untag(name)?;
                    }
                }
                // Who has made a container of it meanwhile keeps it.
                if !standing.there && engine.image(id)?.is_some_and(|image| image.tags.is_empty()) {
                    engine.remove_image(id)?;
                }
            }
        }
        Ok(())
    }

    fn bring_back(&self, world: &World) -> Result<()> {
        match self {
            Unused::Volume { name, made, place, archive } => self.bring_volume(world, name, made, (place, archive)),
            Unused::Network { id, name, spec } => self.bring_network(world, id, name, spec),
            Unused::Image { .. } | Unused::Served { .. } => self.bring_image(world),
        }
    }

    fn bring_volume(&self, world: &World, name: &str, made: &str, (place, archive): (&Place, &str)) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        let mark = self.mark(world);
        match (engine.volume(name)?, mark.word()) {
            (Some(_), Some(Word::Whole)) => return Ok(()),
            (Some(_), Some(Word::Begun)) => {
                take_away(world)?;
                engine.remove_volume(name)?;
            }
            // What was asked for by somebody who was killed may be in the making.
            (None, Some(Word::Begun)) => take_away(world)?,
            // It was never removed.
            (Some(volume), _) if volume.created == made => return Ok(()),
            (Some(_), _) => return Err(taken(&self.label())),
            (None, _) => {}
        }
        let (content, manifest) = stored(place, archive)?;
        let missing = || Error::failed(format!("bring {} back", self.label())).why("the archive does not have it");
        let copied = manifest.volumes.iter().find(|copied| copied.volume == name).ok_or_else(missing)?;
        mark.note(Word::Begun)?;
        engine.make_volume(&Volume {
            name: name.to_string(),
            driver: copied.driver.clone(),
            mountpoint: String::new(),
            created: String::new(),
            labels: copied.labels.clone(),
            options: copied.options.clone(),
        })?;
        let entries = fill(world, &content, copied, name)?;
        mark.note(Word::Whole)?;
        world.proven(self.label(), format!("{entries} entries, {} bytes, back and read equal", copied.bytes));
        Ok(())
    }

    fn bring_network(&self, world: &World, id: &str, name: &str, kept: &crate::saga::Sha) -> Result<()> {
        let engine = world.live()?.engine.as_ref();
        let mark = self.mark(world);
        match (engine.network(name)?, mark.word()) {
            (Some(network), _) if network.id == id => return Ok(()),
            (Some(_), Some(Word::Begun | Word::Whole)) => {}
            (Some(_), _) => {
                world.warn(format!("{} stays as it is: another one of that name is there by now", self.label()));
                return Ok(());
            }
            (None, before) => {
                if before == Some(Word::Begun) {
                    take_away(world)?;
                }
                mark.note(Word::Begun)?;
                if engine.network(name)?.is_none() {
                    engine.make_network(&spec(world, kept)?)?;
                }
            }
        }
        mark.note(Word::Whole)?;
        if engine.network_spec(name)? == Some(spec(world, kept)?) {
            world.proven(self.label(), "back, as it was defined".to_string());
        } else {
            world.warn(format!("{} is back with other addresses: somebody else has those that it had", self.label()));
        }
        Ok(())
    }
}

fn taken(what: &str) -> Error {
    Error::refused(format!("bring {what} back"))
        .why("there is another one of that name by now")
        .help("look at it, and remove or rename it when nobody needs it; what was removed stays in the repository")
}

/// What a cleanup has archived.
pub(super) fn stored(place: &Place, archive: &str) -> Result<(Content, Manifest)> {
    let content = Repository::open(place)?.content(archive, false)?;
    let manifest = content.manifest()?;
    Ok((content, manifest))
}
