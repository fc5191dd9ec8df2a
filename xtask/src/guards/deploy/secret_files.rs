//! Every secret that the stack mounts is there, holds something, and is nobody else's to change.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::guards::Checked;

/// A file of `secrets:`, by its name in the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    pub secret: String,
    pub path: PathBuf,
}

/// The secrets of a rendered model that come from files.
pub fn secret_files(model: &Value) -> Vec<SecretFile> {
    let secrets = model.get("secrets").and_then(Value::as_object).into_iter().flatten();
    secrets
        .filter_map(|(name, secret)| {
            let path = secret.get("file").and_then(Value::as_str)?;
            // Rendered text doubles its dollars.
            Some(SecretFile { secret: name.clone(), path: PathBuf::from(path.replace("$$", "$")) })
        })
        .collect()
}

pub fn secret_files_are_ready(files: &[SecretFile]) -> Checked {
    let why = files.iter().filter_map(|file| obstacle(file).map(|what| format!("secret {}: {} {what}", file.secret, file.path.display())));
    Checked::new(
        "secret-files",
        why.collect(),
        "write the secret into the file, then `chmod 600` it (644 where a service that is not root reads it)",
    )
}

fn obstacle(file: &SecretFile) -> Option<String> {
    match std::fs::metadata(&file.path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some("is not there".into()),
        Err(error) => Some(format!("cannot be looked at: {error}")),
        Ok(meta) if !meta.is_file() => Some("is not a file".into()),
        Ok(meta) if meta.len() == 0 => Some("is empty".into()),
        Ok(meta) if meta.mode() & 0o002 != 0 => Some(format!("may be written by everybody (mode {:03o})", meta.mode() & 0o777)),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    #[test]
    fn absent_empty_and_open_files_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str, mode: u32| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let (good, empty, open) = (file("good", "x", 0o600), file("empty", "", 0o600), file("open", "x", 0o666));
        let model = json!({"secrets": {
            "a": {"file": good}, "b": {"file": empty}, "c": {"file": open}, "d": {"file": folder.path().join("gone")},
            "e": {"file": folder.path()}, "f": {"environment": "X"}, "g": {"external": true},
        }});
        let files = secret_files(&model);
        assert_eq!(files.len(), 5);
        let why = secret_files_are_ready(&files).refusal.unwrap().why;
        let ends = ["is empty", "may be written by everybody (mode 666)", "is not there", "is not a file"];
        assert!(why.len() == 4 && why.iter().zip(ends).all(|(why, end)| why.ends_with(end)), "{why:?}");
    }
}
