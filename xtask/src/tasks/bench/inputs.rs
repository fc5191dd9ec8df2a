//! What is measured on: compose files copied into a scratch folder.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::project::is_compose_file;
use crate::source::{real, walk};

/// The example stacks' compose files and the env files that they name.
const BUILT_IN: &[(&str, &str)] = &[
    ("trading/.env", include_str!("../../../../stacks/trading/.env.example")),
    ("trading/config/docker.env", include_str!("../../../../stacks/trading/config/docker.env")),
    ("trading/tools/compose/docker-compose.apps.yml", include_str!("../../../../stacks/trading/tools/compose/docker-compose.apps.yml")),
    (
        "trading/tools/compose/docker-compose.database.yml",
        include_str!("../../../../stacks/trading/tools/compose/docker-compose.database.yml"),
    ),
    ("trading/tools/compose/docker-compose.docs.yml", include_str!("../../../../stacks/trading/tools/compose/docker-compose.docs.yml")),
    (
        "trading/tools/compose/docker-compose.infrastructure.yml",
        include_str!("../../../../stacks/trading/tools/compose/docker-compose.infrastructure.yml"),
    ),
    (
        "trading/tools/compose/docker-compose.monitoring.yml",
        include_str!("../../../../stacks/trading/tools/compose/docker-compose.monitoring.yml"),
    ),
    ("agent/compose.dev.yaml", include_str!("../../../../stacks/agent/compose.dev.yaml")),
    ("agent/docker-compose.prod.yaml", include_str!("../../../../stacks/agent/docker-compose.prod.yaml")),
];

/// Of a folder of the caller larger files are not copied.
const LARGEST: usize = 1 << 20;

/// A folder for temporary files that is gone at the end.
pub struct Scratch {
    pub root: PathBuf,
}

impl Scratch {
    pub fn new() -> Result<Scratch> {
        let template = std::env::temp_dir().join("xtask-bench-XXXXXX");
        let root = nix::unistd::mkdtemp(&template).map_err(|error| Error::io("create", &template, error.into()))?;
        Ok(Scratch { root: real(&root) })
    }

    pub fn write(&self, below: &Path, text: &[u8]) -> Result<PathBuf> {
        let path = self.root.join(below);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
        fs::write(&path, text).map_err(|error| Error::io("write", &path, error))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is only a copy in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Files by path, to be copied as often as is wanted.
pub struct Inputs {
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// One set of copies.
pub struct Copies {
    pub folder: PathBuf,
    /// Its compose files.
    pub files: Vec<PathBuf>,
    /// Their bytes.
    pub bytes: usize,
}

impl Inputs {
    pub fn built_in() -> Inputs {
        Inputs { files: BUILT_IN.iter().map(|(path, text)| (path.into(), text.as_bytes().to_vec())).collect() }
    }

    /// A folder's files.
    pub fn of_folder(folder: &Path) -> Result<Inputs> {
        let mut files = Vec::new();
        for path in walk(folder)? {
            let Ok(below) = path.strip_prefix(folder) else { continue };
            let text = fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
            if text.len() <= LARGEST {
                files.push((below.to_path_buf(), text));
            }
        }
        if !files.iter().any(|(path, _)| is_compose_file(path)) {
            return Err(Error::unusable(format!("there is no compose file below {}", folder.display())));
        }
        Ok(Inputs { files })
    }

    pub fn copy(&self, scratch: &Scratch, name: &str, copies: usize) -> Result<Copies> {
        let mut copied = Copies { folder: scratch.root.join(name), files: Vec::new(), bytes: 0 };
        for number in 0..copies {
            let folder = Path::new(name).join(format!("{number:04}"));
            for (path, text) in &self.files {
                let path = scratch.write(&folder.join(path), text)?;
                if is_compose_file(&path) {
                    copied.files.push(path);
                    copied.bytes += text.len();
                }
            }
        }
        Ok(copied)
    }
}

/// One compose file of at least so many bytes.
pub fn large(bytes: usize) -> String {
    let mut text = "services:\n".to_string();
    for number in 0_usize.. {
        if text.len() >= bytes {
            break;
        }
        let port = 1024 + number % 60_000;
        let _ = write!(
            text,
            "  web-{number}:\n    image: nginx:1.27.{number}\n    restart: unless-stopped\n    environment:\n      LOG_LEVEL: info\n      \
             CACHE_URL: redis://cache:6379/{number}\n    ports:\n      - \"127.0.0.1:{port}:8080\"\n    volumes:\n      - ./data/{number}:/data:ro\n    \
             healthcheck:\n      test: [\"CMD\", \"wget\", \"-q\", \"http://localhost:8080/\"]\n      interval: 30s\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Date;
    use crate::tasks::audit::{Request, audit};

    fn gaps_and_stacks(scratch: &Scratch) -> (usize, usize) {
        let request = Request { targets: vec![scratch.root.display().to_string()], ..Request::default() };
        let audit = audit(&request, &scratch.root, &Default::default(), Date::of_unix_seconds(1_700_000_000)).unwrap();
        (audit.gaps.len(), audit.stacks.len())
    }

    #[test]
    fn all_built_in_files_are_judged() {
        let scratch = Scratch::new().unwrap();
        let copies = Inputs::built_in().copy(&scratch, "n", 2).unwrap();
        assert_eq!(copies.files.len(), 14);
        assert_eq!(
            copies.bytes,
            2 * BUILT_IN.iter().filter(|(path, _)| is_compose_file(Path::new(path))).map(|(_, text)| text.len()).sum::<usize>()
        );
        assert_eq!(gaps_and_stacks(&scratch), (0, 14));
    }

    #[test]
    fn a_large_file_is_as_large_as_wanted_and_can_be_judged() {
        let scratch = Scratch::new().unwrap();
        let text = large(10_000);
        assert!((10_000..10_500).contains(&text.len()), "{}", text.len());
        scratch.write(Path::new("compose.yaml"), text.as_bytes()).unwrap();
        assert_eq!(gaps_and_stacks(&scratch), (0, 1));
    }
}
