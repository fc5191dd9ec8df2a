//! Which environment variables source code reads, by the usual forms of each language.

mod judge;
mod language;

use std::path::{Path, PathBuf};

use crate::text::LineIndex;

use language::Language;

/// One place where source reads a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub name: String,
    /// Absolute.
    pub file: PathBuf,
    /// Counted from 1.
    pub line: usize,
    /// The code there goes on without the variable: a default is given, or it asks whether it is set.
    pub has_default: bool,
}

/// Whether a path, relative to the build context, is source that runs in the service: not tests, not the
/// configuration of tools.
pub fn is_source(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let folders = path.strip_suffix(name).unwrap_or_default();
    Language::of(name).is_some() && !is_for_developers(name) && !folders.split('/').any(|folder| FOLDERS.contains(&folder))
}

/// Folders of what is not run in the service.
const FOLDERS: [&str; 14] = [
    "test",
    "tests",
    "__tests__",
    "__mocks__",
    "spec",
    "specs",
    "e2e",
    "fixtures",
    "testdata",
    "examples",
    "docs",
    "node_modules",
    "vendor",
    "migrations",
];

fn is_for_developers(name: &str) -> bool {
    let (stem, _) = name.rsplit_once('.').unwrap_or((name, ""));
    [".test", ".spec", ".config", ".stories", ".d", "_test", "_spec"].iter().any(|ending| stem.ends_with(ending))
        || stem.starts_with("test_")
        || stem == "conftest"
}

/// The variables that a file reads, in the order of its lines.
pub fn reads(path: &Path, text: &str) -> Vec<Read> {
    let Some(language) = path.file_name().and_then(|name| name.to_str()).and_then(Language::of) else { return Vec::new() };
    let found = language.places(text);
    if found.is_empty() {
        return Vec::new();
    }
    let lines = LineIndex::new(text);
    let mut reads: Vec<Read> = Vec::new();
    for place in found {
        let (line, _) = lines.line_column(text, place.range.start);
        reads.push(Read { name: place.name, file: path.to_path_buf(), line, has_default: place.has_default });
    }
    reads.sort_by_key(|read| read.line);
    reads
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line of the text must read the name before its `|`; `?` says that a default is given.
    fn check(file: &str, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            let told: Vec<String> = reads(Path::new(file), text)
                .into_iter()
                .map(|read| format!("{}{}", read.name, if read.has_default { "?" } else { "" }))
                .collect();
            assert_eq!(told.join(" "), *expected, "{file}: {text}");
        }
    }

    #[test]
    fn javascript() {
        check(
            "a.ts",
            &[
                ("const a = process.env.A;", "A"),
                ("f(process.env['A'], process.env[\"B\"])", "A B"),
                ("process.env.A!", "A"),
                ("process.env.A ?? 'x'", "A?"),
                ("process.env.A || 'x'", "A?"),
                ("Number(process.env.A) || 1; parseInt(process.env.B, 10) || 2", "A? B?"),
                ("process.env.A\n  ?? 'x'", "A?"),
                ("process.env.A ? 1 : 2", "A?"),
                ("process.env.A?.split(',')", "A?"),
                ("process.env.A === 'x'", "A?"),
                ("if (!process.env.A) x()", "A?"),
                ("process.env.A = 'x'", ""),
                ("delete process.env.A", ""),
                ("process.env[name]; process.env", ""),
                ("import.meta.env.A", ""),
                ("// process.env.A", ""),
                ("const { A, B = 'x', C: c } = process.env;", "A B? C"),
            ],
        );
    }

    #[test]
    fn python() {
        check(
            "a.py",
            &[
                ("os.environ['A']", "A"),
                ("int(os.environ[\"A\"])", "A"),
                ("os.environ.get('A')", "A"),
                ("os.environ.get('A', 'x')", "A?"),
                ("os.getenv('A') or 'x'", "A?"),
                ("os.getenv(\n    'A',\n    'x')", "A?"),
                ("getenv('A'), environ['B']", "A B"),
                ("os.environ['A'] = 'x'", ""),
                ("os.environ['A'] == 'x'", "A?"),
                ("if os.getenv('A'):", "A?"),
                ("x = os.getenv('A') if y else z", "A?"),
                ("# os.environ['A']", ""),
                ("os.environ.setdefault('A', 'x')", ""),
            ],
        );
    }

    #[test]
    fn go() {
        check(
            "a.go",
            &[
                ("a := os.Getenv(\"A\")", "A"),
                ("v, ok := os.LookupEnv(\"A\")", "A?"),
                ("if v := os.Getenv(\"A\"); v != \"\" {", "A?"),
                ("a := os.Getenv(\"A\")\nif a == \"\" {\n\ta = \"x\"\n}", "A?"),
                ("a := os.Getenv(\"A\")\nif a == \"\" {\n\tlog.Fatal(\"no A\")\n}", "A"),
                ("cmp.Or(os.Getenv(\"A\"), \"x\")", "A?"),
            ],
        );
    }

    #[test]
    fn others() {
        check(
            "a.rs",
            &[
                ("let a = env::var(\"A\")?;", "A"),
                ("std::env::var(\"A\").expect(\"A\")", "A"),
                ("env::var(\"A\")\n    .unwrap_or_else(|_| x)", "A?"),
                ("env::var(\"A\").ok()", "A?"),
                ("if let Ok(a) = env::var(\"A\") {", "A?"),
            ],
        );
        check("A.java", &[("System.getenv(\"A\");", "A"), ("System.getenv(\"A\") != null ? x : y", "A?"), (" * System.getenv(\"A\")", "")]);
        check("a.php", &[("getenv('A');", "A"), ("$_ENV['A'] ?? 'x'", "A?"), ("getenv('A') ?: 'x'", "A?"), ("$_ENV['A'] = 1", "")]);
        check(
            "a.rb",
            &[
                ("ENV['A']", "A"),
                ("ENV.fetch('A')", "A"),
                ("ENV.fetch('A', 1)", "A?"),
                ("ENV.fetch('A') { 1 }", "A?"),
                ("ENV['A'] ||= 1", "A?"),
            ],
        );
        check("a.sh", &[("echo ${A:?no A} ${B?} ${C} ${D:-x}", "A B")]);
        check("a.txt", &[("process.env.A", "")]);
    }

    #[test]
    fn tests_and_tools_are_not_the_service() {
        for path in ["src/a.test.ts", "a_test.go", "tests/a.py", "vite.config.ts", "conftest.py", "README.md", "types.d.ts"] {
            assert!(!is_source(path), "{path}");
        }
        for path in ["src/a.ts", "main.go", "entrypoint.sh", "app/testing.py"] {
            assert!(is_source(path), "{path}");
        }
    }

    #[test]
    fn lines_are_counted_and_multibyte_text_is_no_trouble() {
        let found = reads(Path::new("/x/a.js"), "// äöü\n\n/* ü */ const a = process.env.A // ü");
        assert_eq!((found[0].line, found[0].file.as_path()), (3, Path::new("/x/a.js")));
    }
}
