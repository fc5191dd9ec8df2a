//! The parts of an image's reference.

/// `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`, with what Docker adds: the registry `docker.io`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image<'a> {
    pub registry: &'a str,
    /// As written: without `library/`.
    pub repository: &'a str,
    pub tag: Option<&'a str>,
    pub digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    /// The first part is a registry when it has a dot or a port, or is `localhost`: the rule of the
    /// distribution project's reference grammar.
    pub fn parse(text: &'a str) -> Self {
        let (named, digest) = text.split_once('@').map_or((text, None), |(named, digest)| (named, Some(digest)));
        let (registry, rest) = match named.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
            _ => ("docker.io", named),
        };
        let (repository, tag) = rest.split_once(':').map_or((rest, None), |(repository, tag)| (repository, Some(tag)));
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        Image { registry, repository, tag: tag.filter(|tag| !tag.is_empty()), digest }
    }

    /// Whether it can be another image tomorrow: no tag is `latest`.
    pub fn moves(&self, moving: &[String]) -> bool {
        self.digest.is_none() && self.tag.is_none_or(|tag| moving.iter().any(|word| word == tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        for (text, registry, repository, tag, digest) in [
            ("nginx", "docker.io", "nginx", None, None),
            ("library/nginx:1.27", "docker.io", "library/nginx", Some("1.27"), None),
            ("registry.example:5000/team/app", "registry.example:5000", "team/app", None, None),
            ("registry.example:5000/team/app:v1@sha256:ab", "registry.example:5000", "team/app", Some("v1"), Some("sha256:ab")),
            ("localhost/app:x", "localhost", "app", Some("x"), None),
            ("index.docker.io/a/b@sha256:ab", "docker.io", "a/b", None, Some("sha256:ab")),
            ("app:", "docker.io", "app", None, None),
        ] {
            assert_eq!(Image::parse(text), Image { registry, repository, tag, digest }, "{text}");
        }
    }
}
