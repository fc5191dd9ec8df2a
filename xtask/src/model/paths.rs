//! Relative paths become absolute, from the project's folder; those of an extended or included file
//! first become relative to that folder.

use crate::yaml::{Data, Value};

use super::{Fault, gopath};

/// What relative paths start from.
pub struct Base<'a> {
    /// Absolute, or relative to the folder of the file that reaches for this one.
    pub folder: &'a str,
    /// What `~` stands for.
    pub home: Option<&'a str>,
}

impl Base<'_> {
    /// Every path of a canonical document.
    pub fn resolve(&self, root: &mut Value) -> Result<(), Fault> {
        for (_, field) in root.get_mut("services").and_then(Value::as_map_mut).into_iter().flatten() {
            self.service(&mut field.value)?;
        }
        for name in ["configs", "secrets"] {
            for (_, field) in root.get_mut(name).and_then(Value::as_map_mut).into_iter().flatten() {
                change(field.value.get_mut("file"), |path| self.absolute(path));
            }
        }
        for (_, field) in root.get_mut("volumes").and_then(Value::as_map_mut).into_iter().flatten() {
            let local = field.value.get("driver").and_then(Value::as_str) == Some("local");
            if let Some(options) = field.value.get_mut("driver_opts").filter(|_| local)
                && options.get("o").and_then(Value::as_str) == Some("bind")
            {
                change(options.get_mut("device"), |path| self.absolute(path));
            }
        }
        Ok(())
    }

    fn service(&self, service: &mut Value) -> Result<(), Fault> {
        if let Some(build) = service.get_mut("build") {
            change(build.get_mut("context"), |path| self.context(path));
            for (_, field) in build.get_mut("additional_contexts").and_then(Value::as_map_mut).into_iter().flatten() {
                change(Some(&mut field.value), |path| self.context(path));
            }
        }
        if let Some(extends) = service.get_mut("extends").and_then(|extends| extends.get_mut("file")) {
            change(Some(extends), |path| if is_fetched(path) { path.to_string() } else { self.unless_empty(path) });
        }
        let watched = service.get_mut("develop").and_then(|develop| develop.get_mut("watch")).and_then(Value::as_seq_mut);
        for watch in watched.into_iter().flatten() {
            change(watch.get_mut("path"), |path| self.unless_empty(path));
        }
        for file in service.get_mut("env_file").and_then(Value::as_seq_mut).into_iter().flatten() {
            change(file.get_mut("path"), |path| self.unless_empty(path));
        }
        for file in service.get_mut("label_file").and_then(Value::as_seq_mut).into_iter().flatten() {
            change(Some(file), |path| self.unless_empty(path));
        }
        for volume in service.get_mut("volumes").and_then(Value::as_seq_mut).into_iter().flatten() {
            if volume.get("type").and_then(Value::as_str) == Some("bind") {
                let at = volume.at;
                let Some(source) = volume.get_mut("source") else { return Err(Fault::new(at, "a bind mount needs a `source`")) };
                change(Some(source), |path| self.absolute(path));
            }
        }
        Ok(())
    }

    /// A path on this host, or an absolute one of Windows.
    pub fn absolute(&self, path: &str) -> String {
        let path = self.expand_home(path);
        if gopath::is_absolute(&path) || is_windows(&path) { path } else { gopath::join(self.folder, &path) }
    }

    /// A path on this host where a drive of Windows is a folder's name like others.
    fn unless_empty(&self, path: &str) -> String {
        if path.is_empty() { String::new() } else { gopath::absolute(self.folder, &self.expand_home(path)) }
    }

    /// A build context may also be a URL, a repository or another service.
    fn context(&self, path: &str) -> String {
        let remote = ["github.com/", "git@", "service:"];
        if path.contains("://") || remote.iter().any(|prefix| path.starts_with(prefix)) {
            path.to_string()
        } else {
            self.unless_empty(path)
        }
    }

    fn expand_home(&self, path: &str) -> String {
        match (path.strip_prefix('~'), self.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => gopath::clean(&format!("{home}{rest}")),
            _ => path.to_string(),
        }
    }
}

/// An address that Compose fetches: an artefact of a registry, or a repository of git.
pub fn is_fetched(path: &str) -> bool {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    let name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let as_user = path.split_once('@').is_some_and(|(user, rest)| name(user) && rest.split_once(':').is_some_and(|(host, _)| name(host)));
    let repository = path.split(['#', '?']).next().is_some_and(|address| address.ends_with(".git"));
    begins(&["oci://", "git://", "ssh://", "github.com/"]) || as_user || (repository && begins(&["https://", "http://"]))
}

fn change(value: Option<&mut Value>, new: impl Fn(&str) -> String) {
    if let Some(Value { data: Data::Str(text), .. }) = value {
        *text = new(text);
    }
}

/// `C:\x`, `C:/x` or `\\server\share`.
fn is_windows(path: &str) -> bool {
    let bytes = path.as_bytes();
    let drive = bytes.len() >= 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && matches!(bytes[2], b'/' | b'\\');
    drive || path.starts_with(r"\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_resolve_like_compose() {
        let base = Base { folder: "/w/b", home: Some("/root") };
        for (path, absolute) in [
            ("./x", "/w/b/x"),
            ("../y/", "/w/y"),
            ("/a/../b/", "/a/../b/"),
            ("~/q", "/root/q"),
            ("~", "/root"),
            ("", "/w/b"),
            ("a:", "/w/b/a:"),
            ("C:/x", "C:/x"),
        ] {
            assert_eq!(base.absolute(path), absolute, "{path}");
        }
        assert_eq!(base.context("git@github.com:a/b.git"), "git@github.com:a/b.git");
        assert_eq!(base.context("docker-image://a"), "docker-image://a");
    }
}
