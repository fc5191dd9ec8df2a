use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Role;
use super::backups::{BeforeDeploy, KeepSettings};
use super::cleanups::CleanupSettings;
use super::production::ProductionSettings;
use super::rehearsing::Rehearsing;
use crate::error::{Error, Result};
use crate::release::Replacing;
use crate::source::Files;
use crate::text::LineIndex;
use crate::yaml::{Limits, read};

/// What `xtask.yaml` may say; everything is optional.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The stacks by id. When given, nothing else is discovered.
    pub stacks: Option<IndexMap<String, StackSettings>>,
    /// External networks that belong to this project and may be created for it.
    #[serde(default)]
    pub networks: Vec<String>,
    /// How stacks go into production, where they say nothing of their own.
    #[serde(default)]
    pub deploy: DeploySettings,
    #[serde(default)]
    pub backup: BackupSettings,
    #[serde(default, rename = "env-standardize")]
    pub env_standardize: EnvStandardizeSettings,
    /// Production images, where they cannot be detected.
    #[serde(default, rename = "dockerfile-prod")]
    pub dockerfile_prod: ProductionSettings,
    #[serde(default)]
    pub cleanup: CleanupSettings,
    #[serde(default)]
    pub validate: ValidateSettings,
    /// Env files that are laid over the root's `.env` in an environment of this name; relative to the project's root.
    #[serde(default)]
    pub environments: IndexMap<String, PathBuf>,
}

/// What else must hold before a phase of the migration counts: programs and their arguments, run in the project's root.
/// One that does not end with 0 puts the phase back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ValidateSettings {
    pub security_fix: Vec<Vec<String>>,
    pub env_standardize: Vec<Vec<String>>,
    pub cleanup: Vec<Vec<String>>,
    pub dockerfile_prod: Vec<Vec<String>>,
    /// Seconds that each of them gets.
    pub timeout: u64,
}

impl Default for ValidateSettings {
    fn default() -> Self {
        let none = Vec::new;
        ValidateSettings { security_fix: none(), env_standardize: none(), cleanup: none(), dockerfile_prod: none(), timeout: 600 }
    }
}

/// How phase 2 brings variables to services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnvStandardizeSettings {
    pub mode: EnvMode,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EnvMode {
    /// Every service loads the root's `.env`, all of it.
    #[default]
    Root,
    /// A service names the variables that it had under `environment`, and loads nothing.
    Explicit,
}

/// Where backups go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BackupSettings {
    /// A folder, relative to the project's root, rest:URL or rclone:NAME:PATH; below the state folder when it is not said.
    pub to: Option<PathBuf>,
    /// The file with the repository's key, never in the repository; below the state folder when it is not said.
    pub key: Option<PathBuf>,
    /// How services are backed up, by their names; labels of a service win.
    pub services: IndexMap<String, ServiceBackup>,
    /// What `prod-up` asks of backups before it touches anything.
    #[serde(rename = "before-deploy")]
    #[schemars(with = "String", regex(pattern = r"^(off|required|fresh [1-9][0-9]{0,3}[hd])$"))]
    pub before_deploy: BeforeDeploy,
    /// Which backups `backup forget` keeps of each stack, where it is not told otherwise.
    pub keep: KeepSettings,
}

/// How a service is backed up; each is the label of the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceBackup {
    /// `dump`, `archive`, `stop`, `archive-hot` or `off`: the label `xtask.backup`.
    pub how: Option<String>,
    /// A shell's command in the service's container; its standard output is the dump.
    pub command: Option<String>,
    /// A shell's command that reads such a dump from its standard input, in a container of the same image.
    pub restore: Option<String>,
    /// Files of SQLite in the service's container.
    pub sqlite: Vec<String>,
}

/// One stack of `xtask.yaml`; paths are relative to the project's root.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StackSettings {
    /// The compose files, later ones laid over earlier ones.
    pub files: Vec<PathBuf>,
    /// What the users pass as `--env-file`, in order.
    pub env_files: Option<Vec<PathBuf>>,
    /// What its file names say, unless it is given.
    pub role: Option<Role>,
    /// What the users pass as `--profile`.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// Stacks that start before this one.
    #[serde(default)]
    pub after: Vec<String>,
    /// How it goes into production; in place of what stands for all stacks.
    pub deploy: Option<DeploySettings>,
}

/// How a stack is deployed.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeploySettings {
    /// The variable that holds the release's tag.
    pub tag: String,
    /// Seconds for which everything must run undisturbed before a deploy counts.
    pub settle: u64,
    /// So many releases are kept, with their images.
    pub keep: usize,
    /// Try changed services beside the live ones first: on empty volumes, or on a copy of the data (`with-data`).
    pub rehearse: Rehearsing,
    /// How services are replaced; by what each allows when nothing is said.
    pub strategy: IndexMap<String, Replacing>,
    /// The nginx in front of a service, by the service's name: it looks names up again when others serve.
    pub proxy: IndexMap<String, String>,
    pub hooks: Hooks,
    /// What must answer once the services are healthy.
    pub probes: Vec<Probe>,
}

impl Default for DeploySettings {
    fn default() -> Self {
        DeploySettings {
            tag: "TAG".into(),
            settle: 10,
            keep: 5,
            rehearse: Rehearsing::Said(true),
            strategy: IndexMap::new(),
            proxy: IndexMap::new(),
            hooks: Hooks::default(),
            probes: Vec::new(),
        }
    }
}

/// Commands around a deploy, a program and its arguments each, run in the project's root.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Hooks {
    /// Before the first container is touched.
    pub pre_deploy: Vec<Vec<String>>,
    /// After the release was proven.
    pub post_deploy: Vec<Vec<String>>,
    /// When a deploy is rolled back, once the old release serves again.
    pub on_rollback: Vec<Vec<String>>,
    /// Seconds that each of them gets; one that is not done then has failed.
    pub timeout: u64,
}

impl Default for Hooks {
    fn default() -> Self {
        Hooks { pre_deploy: Vec::new(), post_deploy: Vec::new(), on_rollback: Vec::new(), timeout: 600 }
    }
}

/// One question whose answer proves that a release serves; exactly one of `http`, `tcp` and `command`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Probe {
    /// A URL that must answer with `status`, asked from this machine.
    pub http: Option<String>,
    /// 200 when it is not said.
    pub status: Option<u16>,
    /// A `host:port` that must accept a connection, asked from this machine.
    pub tcp: Option<String>,
    /// A program and its arguments that must exit with 0, in a container of `service`.
    pub command: Option<Vec<String>>,
    pub service: Option<String>,
    /// Seconds until the answer must have come; 5 when it is not said.
    pub timeout: Option<u64>,
}

impl Settings {
    /// Reads the settings; a missing file is the default.
    pub fn read(path: &Path, files: &dyn Files) -> Result<Settings> {
        let Some(bytes) = files.read(path)? else { return Ok(Settings::default()) };
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            Error::unusable(format!("read {}", path.display())).why(format!("not UTF-8 at byte {}", error.valid_up_to()))
        })?;
        // The serde reader is only let near what the strict reader has accepted.
        if let Err(error) = read(text, Limits::default()) {
            let (line, column) = LineIndex::new(text).line_column(text, error.offset);
            return Err(Error::unusable("read the settings").at(path, line, column).why(error.why));
        }
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Settings::default());
        }
        serde_yaml::from_str(text).map_err(|error| {
            let what = Error::unusable("read the settings")
                .why(without_values(&error.to_string()))
                .help("the README lists every setting of xtask.yaml");
            match error.location() {
                Some(place) => what.at(path, place.line(), place.column()),
                None => what.at(path, 1, 1),
            }
        })
    }
}

/// What the reader says, without the text between double quotes: that is a value of the file.
fn without_values(said: &str) -> String {
    let parts = said.split('"').enumerate();
    parts.map(|(number, part)| if number % 2 == 0 { part } else { "..." }).collect::<Vec<_>>().join("\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::On;
    use crate::source::{Disk, Overlay};

    fn settings(text: &str) -> Result<Settings> {
        let mut files = Overlay::new(&Disk);
        files.set("/p/xtask.yaml", Some(text.as_bytes().to_vec()));
        Settings::read(Path::new("/p/xtask.yaml"), &files)
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(settings("# nothing yet\n").unwrap(), Settings::default());
    }

    #[test]
    fn a_misspelt_key_is_an_error_with_its_place() {
        let error = settings("stacks:\n  db:\n    files: [a.yml]\n    rolle: prod\n").unwrap_err();
        assert_eq!(error.at.as_ref().unwrap().line, 4);
        assert!(error.why.unwrap().contains("rolle"));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_not_repeated() {
        let why = settings("stacks: something-secret\n").unwrap_err().why.unwrap();
        assert!(why.contains("string \"...\"") && !why.contains("secret"), "{why}");
    }

    #[test]
    fn a_rehearsal_has_one_of_three_words() {
        let on = |word: &str| settings(&format!("deploy: {{rehearse: {word}}}\n")).map(|settings| settings.deploy.rehearse.on());
        assert_eq!(on("true").unwrap(), Some(On::Empty));
        assert_eq!(on("false").unwrap(), None);
        assert_eq!(on("with-data").unwrap(), Some(On::WithData));
        let why = on("data").unwrap_err().why.unwrap();
        assert!(why.contains("true, false or with-data"), "{why}");
        assert_eq!(Settings::default().deploy.rehearse.on(), Some(On::Empty));
    }

    #[test]
    fn broken_yaml_says_where() {
        let error = settings("stacks: [\n").unwrap_err();
        assert!(error.at.is_some());
    }
}
