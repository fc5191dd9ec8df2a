//! Which values are credentials, and which are only said to be.

use std::path::Path;

use super::words::WORDS;

/// Truth values, words like `none`, and nothing at all.
pub fn never_a_credential(value: &str) -> bool {
    value.is_empty() || WORDS.values.never.contains(&value.to_ascii_lowercase())
}

/// The value says where the credential is: a secret's file, a path, a vault's entry, a template.
pub fn is_reference(value: &str) -> bool {
    let starts = |known: &String| value.starts_with(known.as_str());
    let is_path = WORDS.values.paths.iter().any(starts) || names_a_key_file(value);
    WORDS.values.references.iter().any(starts) || (is_path && !value.contains(char::is_whitespace))
}

/// `%kernel.project_dir%/config/jwt/private.pem` is where the key is.
fn names_a_key_file(value: &str) -> bool {
    value.contains('/') && [".pem", ".key", ".crt", ".p12", ".pfx"].iter().any(|ending| value.ends_with(ending))
}

/// A password that comes with a product or its documentation, or one that asks to be replaced.
pub fn is_known_default(value: &str) -> bool {
    WORDS.values.defaults.contains(&value.to_ascii_lowercase()) || is_placeholder(value)
}

/// One of the words for a credential that is still to come: `changeme`, `replace-me`.
pub fn is_placeholder_word(value: &str) -> bool {
    WORDS.values.placeholders.contains(&value.to_ascii_lowercase())
}

/// A value that asks to be replaced: `changeme`, `<password>`, `your-api-key-here`.
fn is_placeholder(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let values = &WORDS.values;
    values.placeholders.contains(&value) || values.placeholder_starts.iter().any(|start| value.starts_with(start.as_str()))
}

/// Whether a value is the work of a generator: long, of letters and digits, and hardly repeating.
pub fn looks_random(value: &str) -> bool {
    let letters = value.contains(|c: char| c.is_ascii_alphabetic());
    let digits = value.contains(|c: char| c.is_ascii_digit());
    let odd = value.contains(|c: char| !(c.is_ascii_alphanumeric() || "+/=_-.~!$@#%^&*".contains(c)));
    value.len() >= 16 && letters && digits && !odd && entropy(value) >= 3.3
}

/// Shannon's entropy of the bytes, in bits a byte.
pub(super) fn entropy(value: &str) -> f64 {
    let mut counts = [0u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let len = value.len() as f64;
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / len).map(|p| -p * p.log2()).sum()
}

/// Whether a file only shows what could stand in another: `.env.example`, `compose.sample.yaml`.
pub fn is_example_file(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    name.split(['.', '-', '_']).any(|part| WORDS.example_files.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_no_values() {
        for value in [
            "/run/secrets/db",
            "/etc/ssl/private/key.pem",
            "./keys/jwt.pem",
            "op://vault/db/password",
            "{{ vault.pw }}",
            "$$(cat /x)",
            "%dir%/jwt/private.pem",
        ] {
            assert!(is_reference(value), "{value}");
        }
        for value in ["/9j4AAQSkZJRg+x==", "hunter22", "pa/ss", "/opt is not a path here"] {
            assert!(!is_reference(value), "{value}");
        }
    }

    #[test]
    fn defaults_are_known_in_any_case() {
        for value in ["guest", "Admin", "changeme", "CHANGE-ME-please", "<your password>", "your-api-key-here", "replace-me"] {
            assert!(is_known_default(value), "{value}");
        }
        assert!(!is_known_default("qC2PGZabxfjgoLse2MiLs8X2"));
    }

    #[test]
    fn random_is_told_from_written() {
        for value in ["qC2PGZabxfjgoLse2MiLs8X2wKKoVDeF", "3d0f0c527a514a539d276f3a0b8b4f11", "ghp_RZCqsuFnygdi6pWR59fwMuA2hs4KsgH6GqkT"] {
            assert!(looks_random(value), "{value}");
        }
        for value in ["replace-me", "aaaaaaaaaaaaaaaa1", "just some words 1234", "production", "12345678901234567890"] {
            assert!(!looks_random(value), "{value}");
        }
    }

    #[test]
    fn example_files_are_known_by_their_name() {
        for path in [".env.example", "a/compose.sample.yaml", "docker.env.dist", "example.env", "env.template", "config.defaults"] {
            assert!(is_example_file(Path::new(path)), "{path}");
        }
        for path in [".env", "examples/compose.yaml", "docker-compose.yml", "sampled.env"] {
            assert!(!is_example_file(Path::new(path)), "{path}");
        }
    }
}
