//! Paths the way Go's `filepath` handles them, by their text alone: Compose keeps the paths of
//! extended and included files relative until all files are merged.

/// Without `.`, `..` and doubled slashes, as far as the text tells; never empty.
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".into(),
        (false, false) => parts.join("/"),
    }
}

pub fn is_absolute(path: &str) -> bool {
    path.starts_with('/')
}

/// One below the other, also if the second one is absolute; nothing if both are empty.
pub fn join(base: &str, path: &str) -> String {
    match (base.is_empty(), path.is_empty()) {
        (true, true) => String::new(),
        (true, false) => clean(path),
        (false, true) => clean(base),
        (false, false) => clean(&format!("{base}/{path}")),
    }
}

/// A path that starts at `base`, unless it is absolute.
pub fn absolute(base: &str, path: &str) -> String {
    if is_absolute(path) { path.to_string() } else { join(base, path) }
}

/// The folder of a path.
pub fn folder(path: &str) -> String {
    clean(path.rfind('/').map_or("", |slash| &path[..=slash]))
}

/// The way from one folder to another; nothing if the text does not tell it.
pub fn relative(base: &str, target: &str) -> Option<String> {
    let (base, target) = (clean(base), clean(target));
    if is_absolute(&base) != is_absolute(&target) {
        return None;
    }
    let parts = |path: &str| path.split('/').filter(|part| !matches!(*part, "" | ".")).map(String::from).collect::<Vec<_>>();
    let (base, target) = (parts(&base), parts(&target));
    let shared = base.iter().zip(&target).take_while(|(a, b)| a == b).count();
    if base[shared..].iter().any(|part| part == "..") {
        return None;
    }
    let up = base[shared..].iter().map(|_| "..".to_string());
    let way: Vec<String> = up.chain(target[shared..].iter().cloned()).collect();
    Some(if way.is_empty() { ".".into() } else { way.join("/") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Go prints.
    #[test]
    fn paths_are_those_of_go() {
        for (path, cleaned) in [("/x/../y/", "/y"), ("./t/", "t"), ("", "."), ("/", "/"), ("b/../../c", "../c"), ("/..", "/")] {
            assert_eq!(clean(path), cleaned, "{path}");
        }
        for (base, path, joined) in [("", "", ""), ("", "a", "a"), (".", "", "."), ("a", "/b", "a/b"), ("a", "../../b", "../b")] {
            assert_eq!(join(base, path), joined, "{base} {path}");
        }
        for (path, of) in [("a", "."), ("/a", "/"), ("/a/b", "/a"), ("../x", ".."), ("a/b/", "a/b")] {
            assert_eq!(folder(path), of, "{path}");
        }
        for (base, target, way) in [
            ("/p", "/p/a/b", Some("a/b")),
            ("/p", "/p", Some(".")),
            ("/p/q", "/p/r", Some("../r")),
            ("a", "b", Some("../b")),
            ("../a", "b", None),
            ("/p", "b", None),
        ] {
            assert_eq!(relative(base, target).as_deref(), way, "{base} {target}");
        }
    }
}
