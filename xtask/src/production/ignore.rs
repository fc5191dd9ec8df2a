//! What a build does not even get to see.

use super::Recipe;
use crate::surroundings::Ignore;

/// What is left out, with the reason for each group.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Secrets and settings of one machine.", &["**/.env", "**/.env.*", "**/*.pem", "**/*.key", "**/id_rsa*"]),
    (
        "History, and what tools keep for themselves.",
        &["**/.git", "**/.gitignore", "**/.gitattributes", "**/.github", "**/.vscode", "**/.idea", ".xtask", "**/.DS_Store"],
    ),
    (
        "What is installed or made anew in the image.",
        &["**/node_modules", "**/.venv", "**/venv", "**/__pycache__", "**/*.pyc", "**/*.egg-info"],
    ),
    (
        "Tests and what they leave.",
        &["**/test", "**/tests", "**/__tests__", "**/e2e", "**/coverage", "**/htmlcov", "**/.pytest_cache", "**/*.test.*", "**/*.spec.*"],
    ),
    ("Docker's own files.", &["**/Dockerfile*", "**/*.dockerignore", "**/.dockerignore", "**/docker-compose*", "**/compose*.y*ml"]),
    ("Prose and logs.", &["**/*.md", "**/*.log"]),
];

/// The text without its mark. What the image needs is left in, whatever its name.
pub fn dockerignore(recipe: &Recipe) -> String {
    let mut text = String::from("# What builds of this folder do not get to see: a smaller context, and no secret in a layer.\n");
    for (why, patterns) in GROUPS {
        text.push_str(&format!("\n# {why}\n"));
        patterns.iter().for_each(|pattern| text.push_str(&format!("{pattern}\n")));
    }
    let ignore = Ignore::parse(&text);
    let needed = needed(recipe);
    let hidden: Vec<&&str> = needed.iter().filter(|name| ignore.leaves_out(name)).collect();
    if !hidden.is_empty() {
        text.push_str("\n# The image needs these all the same.\n");
        hidden.iter().for_each(|name| text.push_str(&format!("!{name}\n")));
    }
    text
}

fn needed(recipe: &Recipe) -> Vec<&str> {
    let manifests = recipe.dependencies.iter().flat_map(|install| &install.manifests);
    let copies = recipe.copies.iter().filter(|name| !recipe.made.contains(name));
    manifests.chain(copies).map(String::as_str).collect()
}

/// Whether a file with this text would keep something from the builds of these sources: of other Dockerfiles of the
/// context, as they copy them.
pub fn hides(text: &str, sources: impl IntoIterator<Item = String>) -> bool {
    let ignore = Ignore::parse(text);
    sources.into_iter().any(|source| ignore.leaves_out(source.trim_start_matches("./").trim_matches('/')))
}
