//! The forms in which languages read their environment.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::judge::{Verdict, judge};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    JavaScript,
    Python,
    Go,
    Rust,
    Java,
    Php,
    Ruby,
    Shell,
}

/// A variable's name and where it is read.
pub struct Place {
    pub name: String,
    pub range: Range<usize>,
    pub has_default: bool,
}

impl Language {
    /// By the ending of a file's name.
    pub fn of(name: &str) -> Option<Language> {
        let (_, ending) = name.rsplit_once('.')?;
        Some(match ending {
            "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" | "vue" | "svelte" => Language::JavaScript,
            "py" => Language::Python,
            "go" => Language::Go,
            "rs" => Language::Rust,
            "java" | "kt" | "scala" => Language::Java,
            "php" => Language::Php,
            "rb" => Language::Ruby,
            "sh" | "bash" => Language::Shell,
            _ => return None,
        })
    }

    /// Every read in a text.
    pub fn places(self, text: &str) -> Vec<Place> {
        // Cheaper than the expressions, and most files have none of these.
        if !self.hints().iter().any(|hint| text.contains(hint)) {
            return Vec::new();
        }
        let mut places = Vec::new();
        for captures in self.form().captures_iter(text) {
            let (Some(whole), Some(name)) = (captures.get(0), captures.iter().skip(1).flatten().next()) else { continue };
            let has_default = match judge(self, text, whole.range()) {
                Verdict::NoRead => continue,
                Verdict::Optional => true,
                Verdict::Needed => false,
            };
            places.push(Place { name: name.as_str().to_string(), range: whole.range(), has_default });
        }
        if self == Language::JavaScript {
            places.extend(destructured(text));
        }
        places
    }

    fn hints(self) -> &'static [&'static str] {
        match self {
            Language::JavaScript => &["process.env"],
            Language::Python => &["environ", "getenv"],
            Language::Go => &["os.Getenv", "os.LookupEnv"],
            Language::Rust => &["env::var"],
            Language::Java => &["System.getenv"],
            Language::Php => &["getenv", "$_ENV"],
            Language::Ruby => &["ENV"],
            Language::Shell => &["?"],
        }
    }

    fn form(self) -> &'static Regex {
        static FORMS: [LazyLock<Regex>; 8] = [
            LazyLock::new(|| form(r#"\bprocess\.env(?:[?!]?\.([A-Za-z_]\w*)|\[\s*["']([A-Za-z_]\w*)["']\s*\])"#)),
            LazyLock::new(|| form(r#"\b(?:environ(?:\.get\(|\[)|getenv\()\s*["']([A-Za-z_]\w*)["']"#)),
            LazyLock::new(|| form(r#"\bos\.(?:Getenv|LookupEnv)\(\s*["`]([A-Za-z_]\w*)["`]"#)),
            LazyLock::new(|| form(r#"\benv::var(?:_os)?\(\s*"([A-Za-z_]\w*)""#)),
            LazyLock::new(|| form(r#"\bSystem\.getenv\(\s*"([A-Za-z_]\w*)""#)),
            LazyLock::new(|| form(r#"(?:\bgetenv\(\s*["']([A-Za-z_]\w*)["']|\$_ENV\[\s*["']([A-Za-z_]\w*)["'])"#)),
            LazyLock::new(|| form(r#"\bENV(?:\.fetch\(|\[)\s*["']([A-Za-z_]\w*)["']"#)),
            LazyLock::new(|| form(r"\$\{([A-Za-z_]\w*):?\?")),
        ];
        &FORMS[self as usize]
    }
}

fn form(text: &str) -> Regex {
    Regex::new(text).expect("the expressions are written here and held by a test")
}

/// `const { A, B = 'x' } = process.env`.
fn destructured(text: &str) -> Vec<Place> {
    static FORM: LazyLock<Regex> = LazyLock::new(|| form(r"\{([^{}]*)\}\s*=\s*process\.env\s*(?:[;,)\n]|$)"));
    let mut places = Vec::new();
    for names in FORM.captures_iter(text).filter_map(|captures| captures.get(1)) {
        for part in names.as_str().split(',') {
            let name = part.split([':', '=']).next().unwrap_or_default().trim();
            if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                places.push(Place { name: name.to_string(), range: names.range(), has_default: part.contains('=') });
            }
        }
    }
    places
}
