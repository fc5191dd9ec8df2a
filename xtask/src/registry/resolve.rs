//! Which image a service would run: the one that is here, or the one that its registry has.

use crate::cancel::Cancel;
use crate::engine::{Engine, Login, Manifest, Platform, Told};
use crate::error::{Error, Result};

use super::{Logins, Reference};

/// Asks one engine, and registries through it.
pub struct Resolver<'a> {
    engine: &'a dyn Engine,
    logins: &'a Logins,
    host: Platform,
    cancel: &'a Cancel,
}

/// Where the image is that would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    Local,
    /// It has to be pulled first, by `there`'s digest.
    Registry,
}

/// An image on the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    pub id: String,
    /// What its registry called it when it was pulled or pushed; none of one that was only built here.
    pub digests: Vec<String>,
    pub platform: Platform,
}

/// What a name means. At least one of `here` and `there` is known, and fits the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// As the compose file has it.
    pub image: String,
    pub from: From,
    pub here: Option<Here>,
    pub there: Option<Manifest>,
    /// The registry has another image under this name than the one here, which came from it. A plain
    /// start would go on with the one here.
    pub moved: bool,
    /// The registry's image is made for this platform, as far as it says.
    pub there_fits: bool,
    /// Why the registry could not say; the image here is all that is known then.
    pub unconfirmed: Option<Unresolved>,
}

/// Why a name means nothing that could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// Neither the engine nor the registry has it.
    Missing,
    /// The registry wants a login, or another one.
    NotAllowed,
    Unreachable,
    /// It is there, but not for this machine.
    Platform,
    /// The name is none.
    Name,
}

/// An image that cannot be had, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    pub trouble: Trouble,
    pub error: Error,
}

impl<'a> Resolver<'a> {
    /// # Errors
    /// The engine does not answer.
    pub fn new(engine: &'a dyn Engine, logins: &'a Logins, cancel: &'a Cancel) -> Result<Self> {
        Ok(Resolver { engine, logins, host: engine.info()?.platform, cancel })
    }

    /// What `image` means on a service that may say `platform:`. The registry is always asked, unless a
    /// digest or an id leaves nothing to ask.
    ///
    /// # Errors
    /// The engine or the user's logins cannot be read; `Interrupted`. That the image cannot be had is the
    /// inner error.
    pub fn resolve(&self, image: &str, platform: Option<&str>) -> Result<Result<Resolved, Unresolved>> {
        let wanted = platform.map_or_else(|| self.host.clone(), Platform::parse);
        if image.starts_with("sha256:") {
            let Some(here) = self.here(image, "")? else {
                return Ok(Err(Unresolved::missing(image, "an id means nothing elsewhere")));
            };
            let found = here.platform.to_string();
            let resolved = decide(image, &wanted, Some(here), None, None);
            return Ok(resolved.ok_or_else(|| Unresolved::platform(image, &found, &wanted)));
        }
        let reference = match Reference::parse(image) {
            Ok(reference) => reference,
            Err(error) => return Ok(Err(Unresolved { trouble: Trouble::Name, error })),
        };
        let here = self.here(image, &reference.repository())?;
        let only_here = |here: Option<Here>, unconfirmed| decide(image, &wanted, here, None, unconfirmed);
        // One that is here under its digest is that very image.
        if reference.digest.is_some()
            && let Some(resolved) = only_here(here.clone(), None)
        {
            return Ok(Ok(resolved));
        }
        let asked = self.ask(&reference)?;
        Ok(match asked {
            Ok(there) => {
                let found = [here.as_ref().map(|here| here.platform.to_string()), Some(shown(&there.platforms))];
                decide(image, &wanted, here, Some(there), None)
                    .ok_or_else(|| Unresolved::platform(image, &found.into_iter().flatten().collect::<Vec<_>>().join(", "), &wanted))
            }
            Err(why) => match here {
                None => Err(why),
                Some(here) => {
                    let found = here.platform.to_string();
                    only_here(Some(here), Some(why)).ok_or_else(|| Unresolved::platform(image, &found, &wanted))
                }
            },
        })
    }

    /// Fetches the image of this digest; no name moves.
    ///
    /// # Errors
    /// It cannot be had; `Interrupted`.
    pub fn pull(&self, reference: &Reference, digest: &str) -> Result<()> {
        let login = self.logins.find(reference.server(), self.cancel)?.login;
        let named = format!("{}/{}@{digest}", reference.host, reference.path);
        match self.engine.pull(&named, login.as_ref(), self.cancel) {
            Err(error) if !self.cancel.requested() => {
                // The registry says in its own way what the transfer's end does not tell apart.
                let again = Reference { digest: Some(digest.to_string()), ..reference.clone() };
                Err(self.ask(&again)?.err().map_or(error, |unresolved| unresolved.error))
            }
            other => other,
        }
    }

    /// Hands an image over to its registry.
    ///
    /// # Errors
    /// The registry does not take it; `Interrupted`.
    pub fn push(&self, reference: &Reference) -> Result<()> {
        let name = reference.movable().ok_or_else(|| Error::unusable(format!("push {reference}")).why("it is named by its digest"))?;
        let sought = self.logins.find(reference.server(), self.cancel)?;
        self.engine.push(&name, sought.login.as_ref(), self.cancel).map_err(|error| {
            let host = &reference.host;
            error.help(match &sought.login {
                Some(login) => {
                    format!("see that {host} answers and that {} may write there; `docker login {host}` renews the login", login.user)
                }
                None => format!("see that {host} answers; if it wants a login: `docker login {host}`"),
            })
        })
    }

    /// The image on the engine, with the digests that this repository knows it by.
    fn here(&self, image: &str, repository: &str) -> Result<Option<Here>> {
        let Some(found) = self.engine.image(image)? else { return Ok(None) };
        let of_it = |name: &String| name.rsplit_once('@').filter(|(path, _)| *path == repository).map(|(_, digest)| digest.to_string());
        Ok(Some(Here { digests: found.digests.iter().filter_map(of_it).collect(), id: found.id, platform: found.platform }))
    }

    /// What the registry itself says to a name.
    ///
    /// # Errors
    /// The engine or the user's logins cannot be read; `Interrupted`. The registry's own no is the inner error.
    pub fn ask(&self, reference: &Reference) -> Result<Result<Manifest, Unresolved>> {
        let sought = self.logins.find(reference.server(), self.cancel)?;
        let told = self.engine.distribution(&reference.to_string(), sought.login.as_ref(), self.cancel)?;
        Ok(match told {
            Told::Found(manifest) => Ok(manifest),
            Told::Missing(said) => Err(Unresolved::missing(&reference.to_string(), &format!("{} says: {said}", reference.host))),
            Told::NotAllowed(said) => Err(Unresolved::not_allowed(reference, sought.login.as_ref(), sought.why, &said)),
            Told::Unreachable(said) => Err(Unresolved::unreachable(reference, &said)),
        })
    }
}

/// `None`: what there is does not fit.
fn decide(
    image: &str,
    wanted: &Platform,
    here: Option<Here>,
    there: Option<Manifest>,
    unconfirmed: Option<Unresolved>,
) -> Option<Resolved> {
    let here_fits = here.as_ref().is_some_and(|here| here.platform.fits(wanted));
    let there_fits = there.as_ref().is_some_and(|there| there.platforms.is_empty() || there.platforms.iter().any(|one| one.fits(wanted)));
    let same = here.as_ref().zip(there.as_ref()).is_some_and(|(here, there)| here.digests.contains(&there.digest));
    let came_from_there = here.as_ref().is_some_and(|here| !here.digests.is_empty());
    let from = match (here_fits, there_fits) {
        (true, true) if came_from_there && !same => From::Registry,
        (true, _) => From::Local,
        (false, true) => From::Registry,
        (false, false) => return None,
    };
    let moved = there.is_some() && came_from_there && !same;
    Some(Resolved { image: image.to_string(), from, here, there, moved, there_fits, unconfirmed })
}

impl Resolved {
    /// The digest of what would run; `None` of an image that was only built here.
    pub fn digest(&self) -> Option<&str> {
        match self.from {
            From::Registry => self.there.as_ref().map(|there| there.digest.as_str()),
            From::Local => {
                let confirmed = self.there.as_ref().filter(|_| !self.moved).map(|there| &there.digest);
                let digests = self.here.as_ref().map_or(&[][..], |here| &here.digests);
                confirmed.filter(|digest| digests.contains(digest)).or(digests.first()).map(String::as_str)
            }
        }
    }
}

impl Unresolved {
    fn missing(image: &str, why: &str) -> Self {
        let error = Error::refused(format!("find the image {image}"))
            .why(format!("it is not on the engine, and {why}"))
            .help("correct the tag, or make the image: `cargo xtask build --tag TAG --push`");
        Unresolved { trouble: Trouble::Missing, error }
    }

    fn not_allowed(reference: &Reference, login: Option<&Login>, why: Option<String>, said: &str) -> Self {
        let host = &reference.host;
        let (why, help) = match (login, why) {
            (Some(login), _) => {
                let who = if login.token { "the token".to_string() } else { format!("the login of {}", login.user) };
                (
                    format!("{host} does not accept {who}: {said}"),
                    format!("renew it: `docker login {host}`; or ask for read access to {}", reference.path),
                )
            }
            (None, Some(why)) => {
                (format!("{host} wants a login, and {why}"), format!("`docker login {host}`, or mend the credential helper"))
            }
            (None, None) => {
                (format!("{host} wants a login: {said}"), format!("`docker login {host}`; a name with a wrong path looks like this too"))
            }
        };
        Unresolved { trouble: Trouble::NotAllowed, error: Error::refused(format!("look up the image {reference}")).why(why).help(help) }
    }

    fn unreachable(reference: &Reference, said: &str) -> Self {
        let error =
            Error::refused(format!("look up the image {reference}")).why(format!("{} cannot be asked: {said}", reference.host)).help(
                "the engine itself must reach it: try `docker pull` there; without it, bring the image by `docker save` and `docker load`",
            );
        Unresolved { trouble: Trouble::Unreachable, error }
    }

    fn platform(image: &str, found: &str, wanted: &Platform) -> Self {
        let error = Error::refused(format!("run the image {image} on {wanted}")).why(format!("it is made for {found} only")).help(format!(
            "build it for {wanted} too (`build.platforms`), or set `platform:` of the service where the machine can emulate it"
        ));
        Unresolved { trouble: Trouble::Platform, error }
    }
}

fn shown(platforms: &[Platform]) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(digests: &[&str], platform: &str) -> Option<Here> {
        Some(Here {
            id: "sha256:1".into(),
            digests: digests.iter().map(ToString::to_string).collect(),
            platform: Platform::parse(platform),
        })
    }

    fn there(digest: &str, platforms: &[&str]) -> Option<Manifest> {
        Some(Manifest { digest: digest.into(), platforms: platforms.iter().map(|text| Platform::parse(text)).collect() })
    }

    fn decided(here: Option<Here>, there: Option<Manifest>) -> Option<(From, bool, Option<String>)> {
        let resolved = decide("app:v1", &Platform::parse("linux/amd64"), here, there, None)?;
        Some((resolved.from, resolved.moved, resolved.digest().map(String::from)))
    }

    #[test]
    fn the_registry_s_image_is_taken_where_the_one_here_came_from_it_and_it_has_another() {
        let amd = &["linux/arm64", "linux/amd64"];
        let told = |from, moved, digest: Option<&str>| Some((from, moved, digest.map(String::from)));
        assert_eq!(decided(here(&["a"], "linux/amd64"), there("a", amd)), told(From::Local, false, Some("a")));
        assert_eq!(decided(here(&["a"], "linux/amd64"), there("b", amd)), told(From::Registry, true, Some("b")));
        assert_eq!(decided(here(&[], "linux/amd64"), there("b", amd)), told(From::Local, false, None));
        assert_eq!(decided(here(&["a"], "linux/amd64"), None), told(From::Local, false, Some("a")));
        assert_eq!(decided(None, there("b", amd)), told(From::Registry, false, Some("b")));
    }

    #[test]
    fn what_is_made_for_another_machine_does_not_count() {
        assert_eq!(decided(None, there("b", &["linux/arm64"])), None);
        assert_eq!(decided(here(&["a"], "linux/arm64"), None), None);
        assert_eq!(decided(here(&["a"], "linux/arm64"), there("b", &["linux/amd64"])).map(|(from, ..)| from), Some(From::Registry));
        // A moved tag that this machine cannot run: what is here goes on.
        assert_eq!(decided(here(&["a"], "linux/amd64"), there("b", &["linux/arm64"])), Some((From::Local, true, Some("a".into()))));
    }
}
