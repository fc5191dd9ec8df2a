//! Makes the images of a release from their build sections, and hands them over to their registries.

use std::time::Duration;

use serde::Serialize;

use super::{Tagged, Wanted, tagged, wanted};
use crate::engine::compose::ComposeCall;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::project::{Role, Stack};
use crate::registry::{Logins, Reference, Resolver};
use crate::tasks::{Context, security_fix};

/// Compilers take their time.
const BUILDING: Duration = Duration::from_secs(2 * 60 * 60);

/// One image that was made; in a dry run one that would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Built {
    pub stack: String,
    pub services: Vec<String>,
    pub image: String,
    pub id: Option<String>,
    /// What its registry calls it; `None` unless it was pushed.
    pub digest: Option<String>,
}

/// Builds what has a build section, stack by stack, then pushes all: nothing of a release that does not
/// build as a whole reaches a registry.
///
/// # Errors
/// `Refused`: no tag, or one that moves, or an image that does not carry it. `Failed`: a build or a push.
pub fn build(cx: &Context<'_>, stacks: &[String], tag: Option<&str>, push: bool) -> Result<Vec<Built>> {
    let mut plan = Vec::new();
    for stack in meant(cx, stacks)? {
        let tagged = tagged(cx, &stack.id, tag)?;
        let release = release(&tagged)?;
        let (_, images) = wanted(stack, &tagged.environment(&cx.environment))?;
        let images: Vec<Wanted> = images.into_iter().filter(|image| image.built).collect();
        for image in &images {
            carries(image, release, &tagged.variable)?;
        }
        if !images.is_empty() {
            plan.push((stack, tagged, images));
        }
    }
    if plan.is_empty() {
        return Err(Error::unusable("build images")
            .why("no service of these stacks has a build section")
            .help("a section `build: FOLDER` beside `image:` gives it one; images made elsewhere are fetched by `cargo xtask pull`"));
    }
    let (engine, compose) = match (&cx.doors.engine, &cx.doors.compose) {
        (Some(engine), Some(compose)) => (engine.as_ref(), compose),
        (None, _) => return Err(Error::unusable("build images").why(cx.doors.no_engine.clone())),
        (_, None) => {
            return Err(Error::unusable("build images")
                .why("Docker Compose is not installed")
                .help("`cargo xtask doctor` says what to install"));
        }
    };
    if !cx.dry_run {
        let masker = security_fix::all_secrets(cx).unwrap_or_default();
        for (stack, tagged, images) in &plan {
            cx.events.emit(Event::Note(format!("building {}", names(images))));
            compose.build(&call(stack, tagged), BUILDING, &masker, cx.cancel)?;
        }
    }
    let logins = Logins::of_this_process();
    let resolver = Resolver::new(engine, &logins, cx.cancel)?;
    let mut made = Vec::new();
    for (stack, image) in plan.into_iter().flat_map(|(stack, _, images)| images.into_iter().map(move |image| (stack, image))) {
        let reference = Reference::parse(&image.image)?;
        if push && !cx.dry_run {
            cx.events.emit(Event::Note(format!("pushing {}", image.image)));
            resolver.push(&reference)?;
        }
        let found = if cx.dry_run { None } else { engine.image(&image.image)? };
        let digest = found.as_ref().filter(|_| push).and_then(|found| {
            let named = |name: &&String| name.rsplit_once('@').is_some_and(|(path, _)| path == reference.repository());
            found.digests.iter().find(named).and_then(|name| name.rsplit_once('@')).map(|(_, digest)| digest.to_string())
        });
        made.push(Built { stack: stack.id.clone(), services: image.services, image: image.image, id: found.map(|found| found.id), digest });
    }
    Ok(made)
}

/// Those that are named; else all but those for development, whose images carry no tag, unless there are no others.
fn meant<'p>(cx: &'p Context<'_>, named: &[String]) -> Result<Vec<&'p Stack>> {
    let all = cx.project.select(named)?;
    let released: Vec<&Stack> = all.iter().copied().filter(|stack| stack.role != Some(Role::Dev)).collect();
    Ok(if named.is_empty() && !released.is_empty() { released } else { all })
}

fn release(tagged: &Tagged) -> Result<&str> {
    let variable = &tagged.variable;
    let refused =
        |why: String| Error::refused("build images").why(why).help(format!("name the release: --tag v1.4.2, or {variable}=v1.4.2"));
    match tagged.tag.as_deref() {
        None => Err(refused(format!("no tag was given, and {variable} is not set"))),
        Some("latest") => Err(refused("`latest` is no release: it means another image tomorrow, and nothing could go back to it".into())),
        Some(tag) => Ok(tag),
    }
}

/// An image whose name does not change with the tag would overwrite that of the release before.
fn carries(image: &Wanted, release: &str, variable: &str) -> Result<()> {
    let reference = Reference::parse(&image.image)?;
    if reference.tag.as_deref().is_some_and(|tag| tag.contains(release)) {
        return Ok(());
    }
    let why = format!("the image of {}, {}, does not carry the tag {release}", image.services.join(", "), image.image);
    Err(Error::refused("build images").why(why).help(format!("write `image: {}:${{{variable}}}` beside `build:`", reference.repository())))
}

fn call(stack: &Stack, tagged: &Tagged) -> ComposeCall {
    ComposeCall {
        files: stack.files.clone(),
        env_files: stack.env_files.clone(),
        profiles: stack.profiles.clone(),
        env: tagged.env(),
        ..ComposeCall::default()
    }
}

fn names(images: &[Wanted]) -> String {
    images.iter().map(|image| image.image.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(tag: Option<&str>) -> Tagged {
        Tagged { variable: "RELEASE".into(), tag: tag.map(String::from) }
    }

    #[test]
    fn a_release_has_a_tag_that_stays() {
        assert_eq!(release(&tagged(Some("v1.4.2"))).unwrap(), "v1.4.2");
        let none = release(&tagged(None)).unwrap_err();
        assert!(none.why.unwrap().contains("RELEASE is not set") && none.help.unwrap().contains("RELEASE=v1.4.2"));
        assert!(release(&tagged(Some("latest"))).unwrap_err().why.unwrap().contains("latest"));
        assert_eq!(tagged(Some("v1")).env(), [("RELEASE".to_string(), "v1".to_string())]);
        assert!(tagged(None).env().is_empty());
    }

    #[test]
    fn an_image_that_does_not_carry_the_tag_is_refused() {
        let image = |name: &str| Wanted { image: name.into(), platform: None, services: vec!["web".into()], built: true };
        for good in ["shop/web:v1.4.2", "localhost:5000/web:v1.4.2-slim"] {
            carries(&image(good), "v1.4.2", "TAG").unwrap();
        }
        for bad in ["shop-web", "shop/web:latest", "shop/web:v1.4.1"] {
            let error = carries(&image(bad), "v1.4.2", "TAG").unwrap_err();
            assert!(error.help.unwrap().contains(":${TAG}"), "{bad}");
        }
    }
}
