//! An image's name as registries see it.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

use crate::error::{Error, Result};

const HUB: &str = "docker.io";

/// The grammar of the distribution project: a path of lower-case parts, a tag, a digest.
static PATH: LazyLock<Regex> = LazyLock::new(|| {
    let part = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*";
    Regex::new(&format!("^{part}(?:/{part})*$")).expect("a constant")
});
static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$").expect("a constant"));
static DIGEST: LazyLock<Regex> = LazyLock::new(|| Regex::new("^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$").expect("a constant"));
static HOST: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$").expect("a constant"));

/// `HOST/PATH[:TAG][@DIGEST]`, with what Docker adds to a short name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// With its port; `docker.io` where none is named.
    pub host: String,
    /// `library/redis` of `redis`.
    pub path: String,
    /// `latest` where neither tag nor digest is named.
    pub tag: Option<String>,
    pub digest: Option<String>,
}

impl Reference {
    /// Reads what stands in a compose file under `image:`.
    ///
    /// # Errors
    /// `Unusable`: no such name can be.
    pub fn parse(text: &str) -> Result<Reference> {
        let wrong = |why: &str| {
            Error::unusable(format!("read the image name `{text}`"))
                .why(why)
                .help("write HOST/PATH:TAG, `docker.io/library/redis:7`; the path in lower case, host and tag as they need be")
        };
        let (named, digest) = text.split_once('@').map_or((text, None), |(named, digest)| (named, Some(digest)));
        let (host, rest) = match named.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" || first.contains(char::is_uppercase) => {
                (first, rest)
            }
            _ => (HUB, named),
        };
        let (path, tag) = rest.split_once(':').map_or((rest, None), |(path, tag)| (path, Some(tag)));
        if !HOST.is_match(host) {
            return Err(wrong("its host is none"));
        }
        if !PATH.is_match(path) {
            return Err(wrong("its path has other signs than lower-case letters, digits and single separators"));
        }
        if tag.is_some_and(|tag| !TAG.is_match(tag)) {
            return Err(wrong("its tag is empty, too long, or has other signs than letters, digits and . _ -"));
        }
        if digest.is_some_and(|digest| !DIGEST.is_match(digest)) {
            return Err(wrong("its digest is none"));
        }
        let host = if host == "index.docker.io" { HUB } else { host };
        let path = if host == HUB && !path.contains('/') { format!("library/{path}") } else { path.to_string() };
        let tag = tag.map(String::from).or_else(|| digest.is_none().then(|| "latest".to_string()));
        Ok(Reference { host: host.to_string(), path, tag, digest: digest.map(String::from) })
    }

    /// Host and path, as Docker shows them: without what it adds.
    pub fn repository(&self) -> String {
        if self.host != HUB {
            return format!("{}/{}", self.host, self.path);
        }
        self.path.strip_prefix("library/").filter(|rest| !rest.contains('/')).unwrap_or(&self.path).to_string()
    }

    /// The name that can be moved from one image to another; `None` where a digest is named as well.
    pub fn movable(&self) -> Option<String> {
        let tag = self.tag.as_ref().filter(|_| self.digest.is_none())?;
        Some(format!("{}:{tag}", self.repository()))
    }

    /// The name that only one image can have.
    pub fn by_digest(&self, digest: &str) -> String {
        format!("{}@{digest}", self.repository())
    }

    /// Under what logins for its registry are filed.
    pub fn server(&self) -> &str {
        if self.host == HUB { "https://index.docker.io/v1/" } else { &self.host }
    }

    /// Whether a tag could be one.
    pub fn is_tag(tag: &str) -> bool {
        TAG.is_match(tag)
    }
}

/// In full, the digest before the tag: what a registry is asked for.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)?;
        match (&self.digest, &self.tag) {
            (Some(digest), _) => write!(f, "@{digest}"),
            (None, Some(tag)) => write!(f, ":{tag}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:356241a811b91595b28fd2b834ce809a1f6ff792e76ff138ee70d6c7000fd52e";

    #[test]
    fn short_names_get_what_docker_adds() {
        let digested = format!("redis:7@{DIGEST}");
        for (text, full, repository, movable) in [
            ("redis:7", "docker.io/library/redis:7", "redis", Some("redis:7")),
            ("redis", "docker.io/library/redis:latest", "redis", Some("redis:latest")),
            ("index.docker.io/team/app:v1", "docker.io/team/app:v1", "team/app", Some("team/app:v1")),
            ("docker.io/library/redis:7", "docker.io/library/redis:7", "redis", Some("redis:7")),
            ("localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app", Some("localhost:5000/app:latest")),
            ("localhost/app:x", "localhost/app:x", "localhost/app", Some("localhost/app:x")),
            (
                "127.0.0.1:5000/a/b/c:V1.0_rc-2",
                "127.0.0.1:5000/a/b/c:V1.0_rc-2",
                "127.0.0.1:5000/a/b/c",
                Some("127.0.0.1:5000/a/b/c:V1.0_rc-2"),
            ),
            (&digested, &format!("docker.io/library/redis@{DIGEST}"), "redis", None),
        ] {
            let read = Reference::parse(text).unwrap();
            assert_eq!((read.to_string().as_str(), read.repository().as_str()), (full, repository), "{text}");
            assert_eq!(read.movable().as_deref(), movable, "{text}");
        }
        let read = Reference::parse(&format!("registry.example:5000/app@{DIGEST}")).unwrap();
        assert_eq!((read.server(), read.tag.clone(), read.digest.as_deref()), ("registry.example:5000", None, Some(DIGEST)));
        assert_eq!(Reference::parse("redis").unwrap().server(), "https://index.docker.io/v1/");
    }

    #[test]
    fn what_no_registry_can_have_is_refused() {
        let long = format!("app:{}", "x".repeat(129));
        for text in ["", "App", "team//app", "app:", "app:a b", "app@sha256:12", "a.b:x/app", "-app", "app:-x", "host:5000/", &long] {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
    }
}
