//! What a rule has to say about a place, as data. Values never stand in it.

mod fix;

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::text::Span;

pub use fix::{Change, Fix, FixKind};

/// How much a finding matters, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// What a finding is about: the chapters of a review, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    SecuritySettings,
    SecretsManagement,
    NetworkIsolation,
    VolumeMounts,
    PortExposure,
    ResourceLimits,
    EnvironmentVariables,
    HealthChecks,
    DependencyManagement,
    ServiceDefinitions,
}

impl Category {
    pub const ALL: [Category; 10] = [
        Category::SecuritySettings,
        Category::SecretsManagement,
        Category::NetworkIsolation,
        Category::VolumeMounts,
        Category::PortExposure,
        Category::ResourceLimits,
        Category::EnvironmentVariables,
        Category::HealthChecks,
        Category::DependencyManagement,
        Category::ServiceDefinitions,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Category::SecuritySettings => "Security settings",
            Category::SecretsManagement => "Secrets management",
            Category::NetworkIsolation => "Network isolation",
            Category::VolumeMounts => "Volume mounts",
            Category::PortExposure => "Port exposure",
            Category::ResourceLimits => "Resource limits",
            Category::EnvironmentVariables => "Environment variables",
            Category::HealthChecks => "Health checks",
            Category::DependencyManagement => "Dependency management",
            Category::ServiceDefinitions => "Service definitions",
        }
    }
}

/// When it should be dealt with: at once, before production, soon, some day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Priority {
    P0,
    P1,
    P2,
    P3,
}

/// One thing that a rule found. What it *is* are its rule, file and place: message and help are
/// words for people and may change.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule's name, which is also its file and its key in a policy.
    pub rule: &'static str,
    pub severity: Severity,
    /// The file, as its caller names it.
    pub file: PathBuf,
    /// The bytes to point at.
    pub span: Span,
    /// `services.db.environment.POSTGRES_PASSWORD`, or the key of a line of an env file.
    pub place: String,
    /// The first service that it concerns; none for a whole file.
    pub service: Option<String>,
    /// One sentence; names keys and services, never a value.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// What tells it from others of the same rule, file, service and place: the host port of an entry of
    /// `ports`, say. Empty where the place is enough. Never a value that could be secret.
    pub about: String,
    pub fix: Option<Box<Fix>>,
}

impl Finding {
    /// The same for the same finding, wherever its lines have moved to and whatever its words are: 32
    /// hexadecimal digits of rule, path, service, place and what else tells it apart.
    pub fn fingerprint(&self, path: &std::path::Path) -> String {
        let path = path.to_string_lossy();
        // Where something else tells items apart, their order does not count.
        let place = if self.about.is_empty() { self.place.as_str() } else { self.place.split('[').next().unwrap_or_default() };
        let mut hash = Sha256::new();
        for part in [self.rule, &path, self.service.as_deref().unwrap_or_default(), place, &self.about] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        let mut digits = String::with_capacity(32);
        for byte in &hash.finalize()[..16] {
            let digit = |four: u8| char::from(b"0123456789abcdef"[usize::from(four)]);
            digits.extend([digit(byte >> 4), digit(byte & 15)]);
        }
        digits
    }

    /// Whether both are the same finding: two stacks may share a file.
    pub fn is(&self, other: &Finding) -> bool {
        let what = |finding: &Finding| (finding.rule, finding.span);
        what(self) == what(other) && self.place == other.place && self.about == other.about && self.in_file_of(other)
    }

    /// Comparing paths part by part takes long, and most neighbours are of one file.
    fn in_file_of(&self, other: &Finding) -> bool {
        self.file.as_os_str() == other.file.as_os_str()
    }

    /// The one order of findings: by file, place in the file, rule.
    pub fn order(&self, other: &Finding) -> std::cmp::Ordering {
        let key = |finding: &'_ Finding| (finding.span, finding.rule);
        let files = if self.in_file_of(other) { std::cmp::Ordering::Equal } else { self.file.cmp(&other.file) };
        files.then_with(|| key(self).cmp(&key(other))).then_with(|| (&self.place, &self.about).cmp(&(&other.place, &other.about)))
    }
}

/// Puts findings into their one order.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(Finding::order);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(file: &str, start: usize, rule: &'static str) -> Finding {
        Finding {
            rule,
            severity: Severity::High,
            file: file.into(),
            span: Span::new(start, start + 1),
            place: String::new(),
            service: None,
            message: String::new(),
            help: String::new(),
            about: String::new(),
            fix: None,
        }
    }

    #[test]
    fn findings_stand_in_the_order_of_the_files() {
        let mut findings = vec![finding("b", 0, "a"), finding("a", 9, "a"), finding("a", 1, "z"), finding("a", 1, "b")];
        sort(&mut findings);
        let order: Vec<_> = findings.iter().map(|f| (f.file.to_str().unwrap(), f.span.start, f.rule)).collect();
        assert_eq!(order, [("a", 1, "b"), ("a", 1, "z"), ("a", 9, "a"), ("b", 0, "a")]);
    }

    #[test]
    fn a_fingerprint_is_not_prose_or_lines() {
        let path = std::path::Path::new("a");
        let one = finding("a", 0, "r");
        let same = Finding { message: "other words".into(), span: Span::new(9, 10), severity: Severity::Low, ..one.clone() };
        assert_eq!(one.fingerprint(path), same.fingerprint(path));
        let port = |place: &str, about: &str| Finding { place: place.into(), about: about.into(), ..one.clone() }.fingerprint(path);
        assert_eq!(port("ports[0]", "80"), port("ports[3]", "80"));
        assert!(port("ports[0]", "80") != port("ports[0]", "81") && port("ports[0]", "") != port("ports[1]", ""));
    }

    #[test]
    fn severities_compare_by_weight() {
        assert!(Severity::Info < Severity::Low && Severity::High < Severity::Critical);
    }
}
