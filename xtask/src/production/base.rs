//! What an image is built on, and what it runs on.

use super::{Language, Refused, Subject};

/// The image for the stages that build, and the one that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bases {
    pub build: String,
    pub runtime: String,
}

/// The one of the settings, else that of the service's Dockerfile: what the service was made for. Of the official images
/// the one that runs is the slim one of the same system.
pub fn bases(subject: &Subject<'_>, language: Language) -> Result<Bases, Refused> {
    let ask = |why: String| {
        let example = if language == Language::Node { "node:22-bookworm-slim" } else { "python:3.13-slim-bookworm" };
        let service = subject.service;
        Refused::new(why, format!("say it in xtask.yaml: `dockerfile-prod: {{services: {{{service}: {{base: \"{example}\"}}}}}}`"))
    };
    if let Some(base) = &subject.wish.base {
        return if has_tag(base) {
            Ok(Bases { build: base.clone(), runtime: base.clone() })
        } else {
            Err(ask(format!("the base of {}, {base}, has no tag, or one that means another image tomorrow", subject.service)))
        };
    }
    let found = subject.build.image.as_ref().and_then(|image| image.base.clone());
    let Some(base) = found else {
        return Err(ask(format!("nothing tells what {} is built on", subject.service)));
    };
    if !has_tag(&base) {
        return Err(ask(format!("{} is built on {base}, which means another image tomorrow", subject.service)));
    }
    if !of_language(&base, language) {
        return Err(ask(format!("{} is built on {base}, of which nobody knows whether it has what the service needs", subject.service)));
    }
    let runtime = slim(&base);
    Ok(Bases { build: base, runtime })
}

/// Whether a reference has a tag that can mean one image, or a digest.
pub fn has_tag(image: &str) -> bool {
    let Some((_, rest)) = image.rsplit_once('/').or(Some(("", image))) else { return false };
    image.contains('@') || rest.split_once(':').is_some_and(|(_, tag)| !tag.is_empty() && tag != "latest")
}

/// A reference without tag and digest.
pub fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => path,
        _ => image,
    }
}

/// Whether an image's own name says that it brings the language along.
pub fn of_language(image: &str, language: Language) -> bool {
    let name = repository(image).rsplit('/').next().unwrap_or_default();
    let word = match language {
        Language::Node => "node",
        Language::Python => "python",
    };
    name.split(['-', '_', '.']).any(|part| part == word || part == "nodejs" && language == Language::Node)
}

/// `node:18` and `node:18-bookworm` have a slim sibling; others are kept.
fn slim(base: &str) -> String {
    let official = ["node", "python"]
        .iter()
        .any(|name| [*name, &format!("library/{name}"), &format!("docker.io/library/{name}")].contains(&repository(base)));
    let Some((_, tag)) = base.rsplit_once(':').filter(|_| official && !base.contains('@')) else { return base.to_string() };
    const SYSTEMS: [&str; 5] = ["trixie", "bookworm", "bullseye", "buster", "stretch"];
    let parts: Vec<&str> = tag.split('-').collect();
    let version = |part: &&&str| part.starts_with(|c: char| c.is_ascii_digit()) || **part == "lts";
    match (parts.as_slice(), repository(base).ends_with("python")) {
        ([one], _) if version(&one) => format!("{base}-slim"),
        ([one, system], true) if version(&one) && SYSTEMS.contains(system) => format!("{}:{one}-slim-{system}", repository(base)),
        ([one, system], false) if version(&one) && SYSTEMS.contains(system) => format!("{base}-slim"),
        _ => base.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slim_sibling_of_an_official_image_runs() {
        for (base, runs) in [
            ("node:18", "node:18-slim"),
            ("node:18-bookworm", "node:18-bookworm-slim"),
            ("python:3.11-bookworm", "python:3.11-slim-bookworm"),
            ("python:3.11", "python:3.11-slim"),
            ("node:18-alpine", "node:18-alpine"),
            ("node:18-bookworm-slim", "node:18-bookworm-slim"),
            ("registry.example.com/node:18", "registry.example.com/node:18"),
            ("node:18@sha256:ab", "node:18@sha256:ab"),
        ] {
            assert_eq!(slim(base), runs);
        }
    }

    #[test]
    fn names_of_images_are_taken_apart() {
        assert!(has_tag("node:18") && has_tag("h:5000/a/node:18") && has_tag("node@sha256:ab"));
        assert!(!has_tag("node") && !has_tag("node:latest") && !has_tag("h:5000/node") && !has_tag("node:"));
        assert_eq!((repository("h:5000/node"), repository("node:18@sha256:ab")), ("h:5000/node", "node"));
        assert!(of_language("h/our-node-base:1", Language::Node) && !of_language("anode:1", Language::Node));
    }
}
