//! The parts of an image's name.

/// `registry.example:5000/library/postgres:15@sha256:...` is `library/postgres`.
pub fn image_name(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    let last_slash = image.rfind('/').map_or(0, |at| at + 1);
    let image = image[last_slash..].find(':').map_or(image, |colon| &image[..last_slash + colon]);
    match image.split_once('/') {
        Some((registry, rest)) if registry.contains(['.', ':']) || registry == "localhost" => rest,
        _ => image,
    }
}

/// The tag, empty where there is none.
pub fn image_tag(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    let file = image.rsplit('/').next().unwrap_or_default();
    file.split_once(':').map_or("", |(_, tag)| tag)
}

/// Whether a name of `image_name` is the known one: as it is, or in any folder.
pub fn is_named(name: &str, known: &str) -> bool {
    name == known || name.strip_suffix(known).is_some_and(|folder| folder.ends_with('/'))
}

/// Whether an image has that name, in whatever registry, tag or digest.
pub fn is_image(image: &str, known: &str) -> bool {
    is_named(image_name(image), known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_tags_are_told_apart_from_registries_and_digests() {
        for (image, name, tag) in [
            ("postgres", "postgres", ""),
            ("postgres:15-alpine", "postgres", "15-alpine"),
            ("localhost:5000/mirror/postgres", "mirror/postgres", ""),
            ("docker.io/library/postgres:15@sha256:abc", "library/postgres", "15"),
            ("postgres@sha256:abc", "postgres", ""),
            ("", "", ""),
        ] {
            assert_eq!((image_name(image), image_tag(image)), (name, tag), "{image}");
        }
        assert!(is_image("localhost:5000/mirror/postgres:15", "postgres") && !is_image("postgres-exporter", "postgres"));
        assert!(is_named("mirror/postgres", "postgres") && !is_named("my-postgres", "postgres"));
    }
}
