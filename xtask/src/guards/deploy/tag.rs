//! A release has a name of its own: the tag variable is set, and no image can be another one tomorrow.

use crate::catalogue::image_tag;
use crate::guards::Checked;
use crate::model::Model;

/// The variable that names the release, as the stack uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagUse {
    pub variable: String,
    /// What Compose would put in its place.
    pub value: Option<String>,
    /// The services whose images are chosen by it.
    pub services: Vec<String>,
}

/// How the stack's images use the variable.
pub fn tag_use(model: &Model, variable: &str) -> TagUse {
    let of_image = |place: &str| place.strip_prefix("services.").and_then(|rest| rest.strip_suffix(".image")).is_some();
    let mut services: Vec<String> = model
        .references
        .iter()
        .filter(|reference| reference.name == variable && of_image(&reference.place))
        .filter_map(|reference| reference.service.clone())
        .collect();
    services.sort();
    services.dedup();
    TagUse { variable: variable.to_string(), value: model.lookup(variable).filter(|value| !value.is_empty()).map(String::from), services }
}

/// `images`: each service with its image as it renders. `moving`: the tags that are no version.
pub fn tag_is_set(usage: &TagUse, images: &[(String, String)], moving: &[String]) -> Checked {
    let TagUse { variable, value, services } = usage;
    let mut why = Vec::new();
    match value {
        None if !services.is_empty() => {
            why.push(format!("{variable} is not set; it chooses the image of {}", services.join(", ")));
        }
        Some(value) if !services.is_empty() && !is_tag(value) => {
            why.push(format!("{variable} is no tag: 1 to 128 letters, digits, `_`, `.` and `-`, the first no `.` or `-`"));
        }
        Some(value) if !services.is_empty() && moving.contains(value) => {
            why.push(format!("{variable}={value} names no release: it can be another image tomorrow"));
        }
        _ => {}
    }
    // What the variable chooses is told once, above.
    for (service, image) in images.iter().filter(|(service, image)| !services.contains(service) && !image.contains('@')) {
        let tag = image_tag(image);
        if tag.is_empty() || moving.iter().any(|word| word == tag) {
            why.push(format!("{service} runs {image}, which can be another image tomorrow"));
        }
    }
    Checked::new(
        "tag",
        why,
        format!("name the release: `{variable}=v1.4.2 cargo xtask prod-up`, or --tag v1.4.2; give every other image a version"),
    )
}

/// The grammar of tags: <https://github.com/distribution/reference/blob/main/regexp.go>.
fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128 && text.starts_with(word) && text.chars().all(|c| word(c) || c == '.' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(value: Option<&str>, services: &[&str], images: &[(&str, &str)]) -> Vec<String> {
        let services = services.iter().map(ToString::to_string).collect();
        let usage = TagUse { variable: "TAG".into(), value: value.map(String::from), services };
        let images: Vec<_> = images.iter().map(|(service, image)| (service.to_string(), image.to_string())).collect();
        tag_is_set(&usage, &images, &["latest".into(), "main".into()]).refusal.map(|refusal| refusal.why).unwrap_or_default()
    }

    #[test]
    fn a_release_needs_a_name_of_its_own() {
        assert!(refused(Some("v1.4.2"), &["web"], &[("web", "app:v1.4.2"), ("db", "postgres:15")]).is_empty());
        assert_eq!(refused(None, &["web", "job"], &[("web", "app:")]), ["TAG is not set; it chooses the image of web, job"]);
        assert_eq!(refused(Some("latest"), &["web"], &[]), ["TAG=latest names no release: it can be another image tomorrow"]);
        for wrong in ["-v1", ".v", "v 1", "v1/2", "é", &"x".repeat(129)] {
            assert!(refused(Some(wrong), &["web"], &[])[0].starts_with("TAG is no tag"), "{wrong}");
        }
    }

    #[test]
    fn the_variable_is_not_asked_for_where_nobody_uses_it() {
        assert!(refused(None, &[], &[("db", "postgres:15"), ("x", "app@sha256:ab")]).is_empty());
        assert_eq!(refused(None, &[], &[("db", "postgres")]), ["db runs postgres, which can be another image tomorrow"]);
        assert_eq!(refused(Some("v1"), &["web"], &[("web", "app:v1"), ("x", "r.example:5000/app:main")]).len(), 1);
    }
}
