//! A build context, as far as it has to be looked at.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::{Refused, Subject};

/// Beyond these, sources are left unread.
const MOST_FILES: usize = 500;
const LARGEST: usize = 256 << 10;
const SOURCES: [&str; 8] = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".py", ".json"];

/// A user, or a token, before the host of an address.
static LOGIN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"https?://[^/\s"'@]+@"#).expect("a constant"));

/// The texts of a subject's context.
pub struct Context<'a> {
    subject: &'a Subject<'a>,
    /// Path and text of the sources, without tests.
    pub sources: Vec<(String, String)>,
}

impl<'a> Context<'a> {
    pub fn read(subject: &'a Subject<'a>) -> Self {
        let source = |path: &&String| SOURCES.iter().any(|ending| path.ends_with(ending)) && !is_for_development(path);
        let text = |path: &String| {
            let bytes = subject.files.read(&subject.context.join(path)).ok()??;
            (bytes.len() <= LARGEST).then(|| (path.clone(), String::from_utf8_lossy(&bytes).into_owned()))
        };
        let sources = subject.listed.iter().filter(source).take(MOST_FILES).filter_map(text).collect();
        Context { subject, sources }
    }

    pub fn has(&self, name: &str) -> bool {
        self.subject.files.read(&self.subject.context.join(name)).is_ok_and(|found| found.is_some())
    }

    /// A file's text; `None`: there is no such file.
    pub fn text(&self, name: &str) -> Result<Option<String>, Refused> {
        let path = self.subject.context.join(name);
        let unreadable =
            |why: String| Refused::new(format!("{name} of {} cannot be read: {why}", self.subject.service), "make it readable");
        let Some(bytes) = self.subject.files.read(&path).map_err(|error| unreadable(error.to_string()))? else { return Ok(None) };
        String::from_utf8(bytes.to_vec()).map(Some).map_err(|_| unreadable("it is no text".into()))
    }

    /// Refuses files with a login, by an address or by one of these words: they are copied into a layer.
    pub fn without_login(&self, files: &[&str], words: &[&str]) -> Result<(), Refused> {
        for name in files {
            let text = self.text(name)?.unwrap_or_default();
            if LOGIN.is_match(&text) || words.iter().any(|word| text.contains(word)) {
                let service = self.subject.service;
                return Err(Refused::new(
                    format!("{name} of {service} logs in to a registry, and a token must not get into an image"),
                    format!(
                        "take the login out of the file, or leave the service out: `dockerfile-prod: {{services: {{{service}: {{skip: true}}}}}}`"
                    ),
                ));
            }
        }
        Ok(())
    }

    pub fn is_listed(&self, path: &str) -> bool {
        self.subject.listed.iter().any(|listed| listed == path || listed.starts_with(&format!("{path}/")))
    }

    /// The first group of every match in the sources, without repetitions.
    pub fn captures(&self, form: &Regex) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for (_, text) in self.sources.iter().filter(|(path, _)| !path.ends_with(".json")) {
            for capture in form.captures_iter(text).filter_map(|captures| captures.get(1)) {
                if !found.iter().any(|known| known == capture.as_str()) {
                    found.push(capture.as_str().to_string());
                }
            }
        }
        found
    }
}

/// Whether a path is of no use to a service that runs.
pub fn is_for_development(path: &str) -> bool {
    const FOLDERS: [&str; 15] = [
        "test",
        "tests",
        "__tests__",
        "spec",
        "e2e",
        "cypress",
        "coverage",
        "docs",
        "doc",
        "examples",
        "fixtures",
        "benchmarks",
        "htmlcov",
        "node_modules",
        "__pycache__",
    ];
    let mut parts: Vec<&str> = path.split('/').collect();
    let name = parts.pop().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let named = [".test.", ".spec.", ".stories."].iter().any(|part| lower.contains(part));
    let tested = lower.ends_with("_test.py") || lower.starts_with("test_") || lower == "conftest.py";
    let tools = ["jest.config", "vitest.config", "eslint.config", "prettier.config", "nodemon.json", "tsconfig", "babel.config", "tox.ini"];
    let tool = tools.iter().any(|tool| lower.starts_with(tool));
    let of_docker = lower.starts_with("dockerfile") || lower.ends_with(".dockerfile") || crate::project::is_compose_file(Path::new(name));
    let prose = [".md", ".rst", ".log", ".map", ".patch"].iter().any(|ending| lower.ends_with(ending));
    let hidden = name.starts_with('.') || parts.iter().any(|part| part.starts_with('.') && *part != ".next");
    let words = ["license", "licence", "makefile", "procfile", "justfile", "changelog", "authors", "contributing"];
    let word = words.iter().any(|word| lower == *word);
    hidden || named || tested || tool || of_docker || prose || word || parts.iter().any(|part| FOLDERS.contains(part))
}

#[cfg(test)]
mod tests {
    use super::is_for_development;

    #[test]
    fn what_is_for_development_is_told_by_its_name() {
        for path in [".env", ".env.local", ".git/config", "src/a.test.js", "tests/x.py", "README.md", "Dockerfile.dev", "compose.yaml"] {
            assert!(is_for_development(path), "{path}");
        }
        for path in ["src/server.js", "app/testing.py", "public/index.html", "specs.json", "docker.js"] {
            assert!(!is_for_development(path), "{path}");
        }
    }
}
