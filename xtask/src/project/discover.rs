//! Stacks by convention: what people call their compose files.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Role, SETTINGS_FILE, Stack};
use crate::error::Result;
use crate::source::Files;
use crate::yaml::{Limits, Node, Written, read};

/// The part of a compose file's name that tells it from its neighbours: `database` for
/// `docker-compose.database.yml`, empty for `compose.yaml`; `None` for other files. Of a name that is no UTF-8 it is
/// what can be read before that.
pub fn stem(path: &Path) -> Option<&str> {
    let name = path.file_name()?.as_bytes();
    let name = name.strip_suffix(b".yaml").or_else(|| name.strip_suffix(b".yml"))?;
    let rest = name.strip_prefix(b"docker-compose").or_else(|| name.strip_prefix(b"compose"))?;
    match rest {
        [] => Some(""),
        [b'.' | b'-' | b'_', stem @ ..] => {
            // An empty stem is that of the plain file.
            let readable = stem.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            Some(if readable.is_empty() && !stem.is_empty() { "\u{fffd}" } else { readable })
        }
        _ => None,
    }
}

pub fn is_compose_file(path: &Path) -> bool {
    stem(path).is_some()
}

/// The role that a file's name tells.
pub fn role_of(path: &Path) -> Option<Role> {
    let mut words = stem(path)?.split(['.', '-', '_']);
    words.find_map(|word| match word.to_ascii_lowercase().as_str() {
        "dev" | "development" | "local" => Some(Role::Dev),
        "prod" | "production" => Some(Role::Prod),
        _ => None,
    })
}

pub fn inner_projects(root: &Path, listed: &[PathBuf]) -> Vec<PathBuf> {
    let settings = listed.iter().filter(|path| path.file_name().is_some_and(|name| name == SETTINGS_FILE));
    settings.filter_map(|path| path.parent()).filter(|folder| *folder != root).map(Path::to_path_buf).collect()
}

pub fn stacks(root: &Path, files: &dyn Files, listed: &[PathBuf], inner: &[PathBuf]) -> Result<Vec<Stack>> {
    let mine = |path: &&PathBuf| is_compose_file(path) && !inner.iter().any(|folder| path.starts_with(folder));
    let mut found: Vec<&PathBuf> = listed.iter().filter(mine).collect();
    found.sort();
    let neighbours = Neighbours::of(&found);
    let mut stacks = Vec::new();
    for file in &found {
        let base = neighbours.base_of(file);
        if is_override(file) && base.is_some() {
            continue;
        }
        let mut parts = vec![(*file).clone()];
        match base {
            Some(base) if is_overlay(file, files)? => parts.insert(0, base.to_path_buf()),
            Some(_) => {}
            // Compose itself adds the override file to the base when it is called without -f.
            None => parts.extend(neighbours.override_of(file).map(Path::to_path_buf)),
        }
        stacks.push(Stack {
            id: id(root, file),
            files: parts,
            env_files: None,
            role: role_of(file),
            profiles: Vec::new(),
            after: Vec::new(),
        });
    }
    by_dotenv(root, files, &found, &mut stacks)?;
    stacks.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(stacks)
}

/// Where the `.env` of a folder names the files, they are its stack, and none of them stands alone.
fn by_dotenv(root: &Path, files: &dyn Files, found: &[&PathBuf], stacks: &mut Vec<Stack>) -> Result<()> {
    let mut folders: BTreeSet<&Path> = found.iter().filter_map(|file| file.parent()).collect();
    folders.insert(root);
    for folder in folders {
        let Some(named) = super::compose_file::stack_of_dotenv(folder, &id(root, &folder.join("compose.yaml")), files)? else { continue };
        let own = |stack: &Stack| stack.files.last().filter(|file| file.parent() == Some(folder)).cloned();
        let overridden = |file: &Path| stem(file) == Some("") || is_override(file);
        stacks.retain(|stack| own(stack).is_none_or(|file| !named.files.contains(&file) && !overridden(&file)));
        stacks.push(named);
    }
    Ok(())
}

fn is_override(path: &Path) -> bool {
    stem(path) == Some("override")
}

/// The plain `compose.yaml` and the override file of each folder, the first of each in the order of names.
struct Neighbours<'a> {
    bases: HashMap<&'a Path, &'a Path>,
    overrides: HashMap<&'a Path, &'a Path>,
}

impl<'a> Neighbours<'a> {
    fn of(found: &[&'a PathBuf]) -> Self {
        let mut neighbours = Neighbours { bases: HashMap::new(), overrides: HashMap::new() };
        for &file in found {
            let of_stem = match stem(file) {
                Some("") => &mut neighbours.bases,
                Some("override") => &mut neighbours.overrides,
                _ => continue,
            };
            of_stem.entry(folder(file)).or_insert(file);
        }
        neighbours
    }

    /// The plain file beside a file, which it may be an overlay of.
    fn base_of(&self, file: &Path) -> Option<&'a Path> {
        if stem(file) == Some("") { None } else { self.bases.get(folder(file)).copied() }
    }

    /// What Compose lays over a plain file unasked.
    fn override_of(&self, file: &Path) -> Option<&'a Path> {
        let is_base = self.bases.get(folder(file)).is_some_and(|base| *base == file);
        if is_base { self.overrides.get(folder(file)).copied() } else { None }
    }
}

fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("/"))
}

/// Whether a service in it could not start from this file alone. A file that cannot be read is no
/// overlay; whoever renders it will say what is wrong with it.
fn is_overlay(file: &Path, files: &dyn Files) -> Result<bool> {
    let Some(bytes) = files.read(file)? else { return Ok(false) };
    let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(false) };
    let Ok(documents) = read(text, Limits::default()) else { return Ok(false) };
    let services = documents.first().and_then(|document| document.root.get("services")).map_or(&[][..], Node::entries);
    Ok(services.iter().any(|service| lacks_image(&service.value)))
}

fn lacks_image(service: &Node) -> bool {
    // What an alias or a merge key brings is not looked at here: such a service counts as complete.
    let written = matches!(service.data, Written::Map { .. });
    written && !["image", "build", "extends", "<<", "provider"].iter().any(|key| service.get(key).is_some())
}

fn id(root: &Path, file: &Path) -> String {
    let folder = file.parent().and_then(|folder| folder.strip_prefix(root).ok()).unwrap_or(Path::new(""));
    let stem = stem(file).unwrap_or_default();
    let folder = folder.display().to_string();
    match (folder.is_empty(), stem.is_empty()) {
        (false, false) => format!("{folder}/{stem}"),
        (false, true) => folder,
        (true, false) => stem.to_string(),
        (true, true) => root.file_name().map_or_else(|| "root".into(), |name| name.to_string_lossy().into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;
    use crate::source::{Disk, Overlay};

    const IMAGE: &str = "services: {a: {image: x}}\n";
    const NO_IMAGE: &str = "services: {a: {restart: always}}\n";

    fn project(named: &[(&str, &str)]) -> Project {
        let mut files = Overlay::new(&Disk);
        let mut listed = Vec::new();
        for (path, text) in named {
            let path = Path::new("/p").join(path);
            files.set(&path, Some(text.as_bytes().to_vec()));
            listed.push(path);
        }
        Project::load(Path::new("/p"), &files, &listed).unwrap()
    }

    fn shown(project: &Project) -> Vec<String> {
        let files = |stack: &Stack| stack.files.iter().map(|f| project.relative(f).display().to_string()).collect::<Vec<_>>().join("+");
        project.stacks.iter().map(|stack| format!("{} = {} {:?}", stack.id, files(stack), stack.role)).collect()
    }

    #[test]
    fn names_folders_and_roles_come_from_the_files() {
        let project = project(&[
            ("tools/compose/docker-compose.database.yml", IMAGE),
            ("compose.yaml", IMAGE),
            ("docker-compose.prod.yaml", IMAGE),
            ("web/compose.dev.yml", IMAGE),
            ("composer.yaml", IMAGE),
            ("notes.yaml", IMAGE),
        ]);
        assert_eq!(
            shown(&project),
            [
                "p = compose.yaml None",
                "prod = docker-compose.prod.yaml Some(Prod)",
                "tools/compose/database = tools/compose/docker-compose.database.yml None",
                "web/dev = web/compose.dev.yml Some(Dev)",
            ]
        );
    }

    #[test]
    fn overlays_and_overrides_join_their_base() {
        let project = project(&[("compose.yaml", IMAGE), ("compose.override.yaml", NO_IMAGE), ("compose.prod.yaml", NO_IMAGE)]);
        assert_eq!(shown(&project), ["p = compose.yaml+compose.override.yaml None", "prod = compose.yaml+compose.prod.yaml Some(Prod)"]);
    }

    #[test]
    fn an_env_file_that_names_the_files_makes_the_stack_of_its_folder() {
        let project = project(&[
            (".env", "COMPOSE_PATH_SEPARATOR=,\nCOMPOSE_FILE=compose.yaml,compose.prod.yaml\n"),
            ("compose.yaml", IMAGE),
            ("compose.override.yaml", NO_IMAGE),
            ("compose.prod.yaml", NO_IMAGE),
            ("compose.tools.yaml", IMAGE),
            ("sub/.env", "COMPOSE_FILE=../compose.tools.yaml:compose.yaml\n"),
            ("sub/compose.yaml", IMAGE),
            ("other/.env", "COMPOSE_FILE=\n"),
            ("other/compose.yaml", IMAGE),
        ]);
        assert_eq!(
            shown(&project),
            [
                "other = other/compose.yaml None",
                "p = compose.yaml+compose.prod.yaml Some(Prod)",
                "sub = compose.tools.yaml+sub/compose.yaml None",
                "tools = compose.tools.yaml None",
            ]
        );
        let env_files = |id: &str| project.select(&[id.to_string()]).unwrap()[0].env_files.clone();
        assert_eq!(env_files("p"), None);
        assert_eq!(env_files("sub"), Some(vec![PathBuf::from("/p/.env"), PathBuf::from("/p/sub/.env")]), "the later one wins");
    }

    #[test]
    fn exported_names_start_where_compose_is_called() {
        let exported = |name: &str| (name == "COMPOSE_FILE").then(|| "a.yaml:../b/c.yaml:/d.yaml".to_string());
        let files = super::super::named_files(Path::new("/p/x"), &exported).unwrap();
        assert_eq!(files, ["/p/x/a.yaml", "/p/b/c.yaml", "/d.yaml"].map(PathBuf::from));
        assert_eq!(super::super::named_files(Path::new("/p"), &|_| None), None);
        assert_eq!(super::super::named_files(Path::new("/p"), &|_| Some(String::new())), None);
    }

    #[test]
    fn a_folder_with_settings_is_a_project_of_its_own() {
        let project = project(&[("compose.yaml", IMAGE), ("inner/xtask.yaml", ""), ("inner/compose.yaml", IMAGE)]);
        assert_eq!(project.stacks.len(), 1);
        assert_eq!(project.inner, [Path::new("/p/inner")]);
    }

    #[test]
    fn a_part_of_an_id_will_do_when_it_fits_one() {
        let project = project(&[("a/compose.db.yaml", IMAGE), ("b/compose.db.yaml", IMAGE), ("b/compose.web.yaml", IMAGE)]);
        let select = |name: &str| project.select(&[name.to_string()]);
        assert_eq!(select("web").unwrap()[0].id, "b/web");
        assert_eq!(select("a/db").unwrap()[0].id, "a/db");
        assert!(select("db").unwrap_err().what.contains("a/db, b/db"));
        assert!(select("none").unwrap_err().help.unwrap().contains("b/web"));
    }

    #[test]
    fn settings_can_say_it_all() {
        let project = project(&[
            ("xtask.yaml", "stacks:\n  main:\n    files: [x/a.yml, x/b.yml]\n    env_files: [.env]\n    role: prod\n"),
            ("compose.yaml", IMAGE),
        ]);
        assert_eq!(shown(&project), ["main = x/a.yml+x/b.yml Some(Prod)"]);
        assert_eq!(project.stacks[0].env_files.as_deref(), Some(&[PathBuf::from("/p/.env")][..]));
    }
}
