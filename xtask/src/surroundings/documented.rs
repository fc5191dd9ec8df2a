//! Templates of env files: `.env.example` and its like say which variables there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::source::Files;

const NAMES: [&str; 5] = [".env.example", ".env.sample", ".env.template", ".env.dist", "env.example"];

/// What a project's templates name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documented {
    /// Absolute, at least one.
    pub files: Vec<PathBuf>,
    /// The variables, those in commented lines too.
    pub names: BTreeSet<String>,
}

impl Documented {
    /// Reads the templates in the project's root and in the stack's folder.
    pub(super) fn read(files: &dyn Files, root: &Path, folder: &Path) -> Option<Documented> {
        let mut folders = vec![root, folder];
        folders.dedup();
        let mut documented = Documented::default();
        for path in folders.into_iter().flat_map(|folder| NAMES.map(|name| folder.join(name))) {
            let Ok(Some(bytes)) = files.read(&path) else { continue };
            documented.names.extend(String::from_utf8_lossy(&bytes).lines().filter_map(name));
            documented.files.push(path);
        }
        (!documented.files.is_empty()).then_some(documented)
    }
}

/// The variable that a line names: `A=1`, `export A=`, `# A=1`, `A`.
fn name(line: &str) -> Option<String> {
    let line = line.trim_start_matches(['#', ' ', '\t', '\u{feff}']);
    let line = line.strip_prefix("export ").unwrap_or(line);
    let name = line.split('=').next().unwrap_or_default().trim();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        // A lone word in a comment is prose.
        && (line.contains('=') || name.chars().all(|c| !c.is_ascii_lowercase()));
    is_name.then(|| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Disk, Overlay};

    #[test]
    fn templates_name_variables_in_any_form() {
        let mut files = Overlay::new(&Disk);
        let text = "\u{feff}# Settings of the shop\nA=1\nexport B=\n# C=x\n#D=\nE\n  f = 2\n# Note\nbad name=1\n";
        files.set("/nowhere/p/.env.example", Some(text.into()));
        files.set("/nowhere/p/shop/.env.sample", Some("G=1".into()));
        let documented = Documented::read(&files, Path::new("/nowhere/p"), Path::new("/nowhere/p/shop")).unwrap();
        assert_eq!(documented.names.into_iter().collect::<Vec<_>>(), ["A", "B", "C", "D", "E", "G", "f"]);
        assert_eq!(documented.files.len(), 2);
        assert_eq!(Documented::read(&files, Path::new("/nowhere/q"), Path::new("/nowhere/q")), None);
    }
}
