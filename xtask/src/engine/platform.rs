//! What an image is built for.

use std::fmt;

/// An operating system and a processor, in Go's words: `linux/amd64`, `linux/arm/v7`.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    /// Empty where there is none.
    pub variant: String,
}

impl Platform {
    /// Reads `os[/architecture[/variant]]`, as `platform:` of a service has it; without an architecture
    /// it is any.
    pub fn parse(text: &str) -> Platform {
        let mut parts = text.splitn(3, '/').map(str::to_ascii_lowercase);
        let mut next = || parts.next().unwrap_or_default();
        let (os, architecture, variant) = (next(), next(), next());
        let architecture = match architecture.as_str() {
            "x86_64" => "amd64".to_string(),
            "aarch64" => "arm64".to_string(),
            _ => architecture,
        };
        Platform { os, architecture, variant }
    }

    /// Whether an image for this platform runs where `host` is asked for. Variants are left to the engine,
    /// and so is what nobody has named. The pairs are those that containerd's matcher takes as well.
    pub fn fits(&self, host: &Platform) -> bool {
        let known = |text: &str| !text.is_empty() && text != "unknown";
        if !known(&self.os) || !known(&self.architecture) || host.architecture.is_empty() {
            return self.os == host.os || !known(&self.os);
        }
        let narrower = matches!((self.architecture.as_str(), host.architecture.as_str()), ("386", "amd64") | ("arm", "arm64"));
        self.os == host.os && (self.architecture == host.architecture || narrower)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.os, &self.architecture, &self.variant];
        let named: Vec<&str> = parts.iter().map(|part| part.as_str()).filter(|part| !part.is_empty()).collect();
        f.write_str(&named.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_fit_the_hosts_that_can_run_them() {
        for (image, host, fits) in [
            ("linux/amd64", "linux/amd64", true),
            ("linux/arm64/v8", "linux/arm64", true),
            ("linux/arm/v7", "linux/arm64", true),
            ("linux/386", "linux/amd64", true),
            ("linux/amd64", "linux/386", false),
            ("linux/arm64", "linux/amd64", false),
            ("windows/amd64", "linux/amd64", false),
            ("linux/aarch64", "linux/arm64", true),
            ("", "linux/amd64", true),
            ("linux/s390x", "linux", true),
        ] {
            assert_eq!(Platform::parse(image).fits(&Platform::parse(host)), fits, "{image} on {host}");
        }
        assert_eq!(Platform::parse("linux/arm/v7").to_string(), "linux/arm/v7");
    }
}
