//! The project's name.

use crate::error::{Error, Result};
use crate::text::template::substitute;
use crate::yaml::Document;

use super::Call;
use super::variables::Variables;

/// `-p`, then `COMPOSE_PROJECT_NAME`, then the last `name:` of the files, then the folder's name.
pub fn project_name(call: &Call, variables: &Variables, documents: &[&Document]) -> Result<String> {
    let given = call.project_name.as_deref().filter(|name| !name.is_empty());
    if let Some(name) = given.or_else(|| variables.get("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty())) {
        if normalize(name) != name {
            return Err(Error::unusable(format!("take {name} as project name"))
                .why("a project's name consists of lower-case letters, digits, `-` and `_`, and begins with a letter or digit"));
        }
        return Ok(name.to_string());
    }
    let written = documents.iter().filter_map(|document| document.root.get("name")?.text()).rfind(|name| !name.is_empty());
    let lookup = |name: &str| variables.get(name).map(String::from);
    // A `name:` that cannot be evaluated is refused with its place when its file is interpolated.
    let written = written.and_then(|name| substitute(name, &lookup).ok()).map(|name| normalize(&name)).filter(|name| !name.is_empty());
    let folder =
        || call.files.first()?.parent()?.file_name().map(|name| normalize(&name.to_string_lossy())).filter(|name| !name.is_empty());
    written.or_else(folder).ok_or_else(|| {
        Error::unusable("name the project").why("the folder's name holds no letter or digit").help("add a `name:` to the compose file")
    })
}

/// Lower-case letters, digits, `-` and `_`, beginning with a letter or digit.
fn normalize(name: &str) -> String {
    let lower = name.to_lowercase();
    let kept: String = lower.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-' || *c == '_').collect();
    kept.trim_start_matches(['-', '_']).to_string()
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn names_are_reduced_like_compose_does() {
        assert_eq!(normalize("My App"), "myapp");
        assert_eq!(normalize("_-a.B_c-1"), "ab_c-1");
        assert_eq!(normalize("日本"), "");
    }
}
