//! The logins of the user, where `docker login` has put them: its `config.json`, or the credential helper
//! that this file names.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::cancel::Cancel;
use crate::engine::Login;
use crate::engine::endpoint::Surroundings;
use crate::error::{Error, Kind, Result};
use crate::process::Program;
use crate::secret::{Masker, Secret};

/// A helper may ask a person, or unlock a keyring.
const HELPER: Duration = Duration::from_secs(30);
/// By this user name helpers say that the secret is an identity token.
const TOKEN_USER: &str = "<token>";

/// Where logins are looked up.
#[derive(Debug, Clone)]
pub struct Logins {
    config: PathBuf,
}

/// What was found for one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    pub login: Option<Login>,
    /// Why there is none, when one was to be expected; never a piece of a secret.
    pub why: Option<String>,
}

/// The part of `config.json` that is about logins. No `Debug`: it holds them.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    auths: BTreeMap<String, Filed>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filed {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

impl Logins {
    /// Those that the docker CLI of this process would use.
    pub fn of_this_process() -> Self {
        Logins { config: Surroundings::of_this_process().config_dir.join("config.json") }
    }

    pub fn in_file(config: impl Into<PathBuf>) -> Self {
        Logins { config: config.into() }
    }

    /// The login for a server, as [`Reference::server`](super::Reference::server) names it. A helper of
    /// its own wins over the store for all, and that over what stands in the file.
    ///
    /// # Errors
    /// `Unusable`: the file cannot be read. `Interrupted`. A helper that fails is no error: without a
    /// login the registry decides.
    pub fn find(&self, server: &str, cancel: &Cancel) -> Result<Sought> {
        let config = self.read()?;
        let helper = config.cred_helpers.get(server).filter(|name| !name.is_empty()).or(Some(&config.creds_store));
        if let Some(helper) = helper.filter(|name| !name.is_empty()) {
            return from_helper(format!("docker-credential-{helper}").as_ref(), server, cancel);
        }
        let filed = config.auths.into_iter().find(|(key, _)| key == server || host_of(key) == host_of(server));
        match filed {
            None => Ok(Sought { login: None, why: None }),
            Some((_, filed)) => {
                let login = login(filed, server);
                let why = login.is_none().then(|| format!("what {} holds for {server} is no login", self.config.display()));
                Ok(Sought { login, why })
            }
        }
    }

    fn read(&self) -> Result<Config> {
        let what = || format!("read {}", self.config.display());
        match std::fs::read(&self.config) {
            // Of what stands there only the place is told.
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let help = "`docker login` writes it anew; the file can be moved away";
                Error::unusable(what())
                    .why("it is not the JSON of a docker client")
                    .at(&self.config, error.line(), error.column())
                    .help(help)
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
            Err(error) => Err(Error::io("read", &self.config, error).kind(Kind::Unusable)),
        }
    }
}

/// The helper's protocol: the server on its standard input, the login as JSON on its standard output. What
/// it says when it fails is not repeated.
fn from_helper(program: &OsStr, server: &str, cancel: &Cancel) -> Result<Sought> {
    let none = |why: &str| Ok(Sought { login: None, why: Some(format!("{} {why}", program.display())) });
    let output = match Program::new(program).args(["get"]).stdin(server).deadline(HELPER).run(&Masker::default(), cancel) {
        Ok(output) => output,
        Err(error) if error.kind == Kind::Interrupted => return Err(error),
        Err(_) => return none("cannot be run, or did not answer"),
    };
    if !output.success() {
        return none(&format!("has no login for {server}"));
    }
    match serde_json::from_slice::<Helped>(&output.stdout) {
        Ok(helped) if helped.secret.is_empty() => none(&format!("has no login for {server}")),
        Ok(helped) => {
            let token = helped.username == TOKEN_USER;
            let user = if token { String::new() } else { helped.username };
            Ok(Sought { login: Some(Login { server: server.into(), user, secret: Secret::new(helped.secret), token }), why: None })
        }
        Err(_) => none("gave an answer that is no login"),
    }
}

fn login(filed: Filed, server: &str) -> Option<Login> {
    let of = |user: String, secret: String, token: bool| {
        (!secret.is_empty()).then(|| Login { server: server.to_string(), user, secret: Secret::new(secret), token })
    };
    if !filed.identitytoken.is_empty() {
        return of(String::new(), filed.identitytoken, true);
    }
    if filed.auth.is_empty() {
        return of(filed.username, filed.password, false);
    }
    let text = String::from_utf8(STANDARD.decode(filed.auth.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    // Old clients padded with zero bytes.
    of(user.to_string(), password.trim_end_matches('\0').to_string(), false)
}

/// Older clients filed logins under whole URLs.
fn host_of(key: &str) -> &str {
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logins(json: &str) -> (tempfile::TempDir, Logins) {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.json");
        std::fs::write(&config, json).unwrap();
        (folder, Logins::in_file(config))
    }

    fn found(json: &str, server: &str) -> Option<(String, String, bool)> {
        let (_folder, logins) = logins(json);
        let login = logins.find(server, &Cancel::default()).unwrap().login?;
        Some((login.user, login.secret.expose().to_string(), login.token))
    }

    #[test]
    fn the_file_s_logins_are_found_by_host() {
        // user:pass:word
        let auths = r#"{"auths":{"r.example:5000":{"auth":"dXNlcjpwYXNzOndvcmQ="},"https://old.example/v1/":{"username":"u","password":"p"},
            "https://index.docker.io/v1/":{"identitytoken":"tok"}}}"#;
        let password = |user: &str, secret: &str| Some((user.to_string(), secret.to_string(), false));
        assert_eq!(found(auths, "r.example:5000"), password("user", "pass:word"));
        assert_eq!(found(auths, "old.example"), password("u", "p"));
        assert_eq!(found(auths, "https://index.docker.io/v1/"), Some((String::new(), "tok".into(), true)));
        assert_eq!(found(auths, "r.example"), None);
        let missing = Logins::in_file("/nowhere/config.json").find("r", &Cancel::default()).unwrap();
        assert_eq!(missing, Sought { login: None, why: None });
    }

    #[test]
    fn a_helper_wins_and_gets_the_server_on_its_input_alone() {
        let folder = tempfile::tempdir().unwrap();
        let helper = folder.path().join("docker-credential-x");
        let script = "#!/bin/sh\nread -r server\necho \"$# $1 $server\" >\"$0.seen\"\necho '{\"ServerURL\":\"s\",\"Username\":\"<token>\",\"Secret\":\"canary-canary\"}'\n";
        write_helper(&helper, script);
        let sought = from_helper_at(&helper, "r.example");
        assert_eq!(sought.login.as_ref().map(|login| (login.secret.expose(), login.token)), Some(("canary-canary", true)));
        assert!(!format!("{sought:?}").contains("canary"));
        assert_eq!(std::fs::read_to_string(folder.path().join("docker-credential-x.seen")).unwrap(), "1 get r.example\n");
        let json = r#"{"auths":{"r.example":{"auth":"dTpw"}},"credHelpers":{"r.example":"no-such-helper"}}"#;
        let (_folder, logins) = logins(json);
        let sought = logins.find("r.example", &Cancel::default()).unwrap();
        assert_eq!(sought, Sought { login: None, why: Some("docker-credential-no-such-helper cannot be run, or did not answer".into()) });
        assert_eq!(logins.find("other", &Cancel::default()).unwrap(), Sought { login: None, why: None });
    }

    #[test]
    fn what_a_failing_helper_or_a_broken_file_says_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let helper = folder.path().join("docker-credential-x");
        for (script, why) in
            [("echo canary-canary; exit 1", "has no login for r"), ("echo canary-canary", "gave an answer that is no login")]
        {
            write_helper(&helper, &format!("#!/bin/sh\n{script}\n"));
            let sought = from_helper_at(&helper, "r");
            assert!(sought.why.as_ref().unwrap().ends_with(why) && !format!("{sought:?}").contains("canary"), "{sought:?}");
        }
        let (_folder, logins) = logins("{\"auths\": {\"r\": {\"auth\": 5}}, \"canary-canary\"");
        let error = logins.find("r", &Cancel::default()).unwrap_err();
        assert!(error.at.is_some() && !format!("{error:?}").contains("canary"));
        assert_eq!(found(r#"{"auths":{"r":{"auth":"%%%"}}}"#, "r"), None);
    }

    /// Another process writes it: a file that some thread's child still has open for writing cannot be run.
    fn write_helper(path: &std::path::Path, script: &str) {
        let write = ["-c", "printf %s \"$2\" >\"$1\" && chmod 755 \"$1\"", "sh"];
        let written = std::process::Command::new("sh").args(write).arg(path).arg(script).status().unwrap();
        assert!(written.success());
    }

    fn from_helper_at(helper: &std::path::Path, server: &str) -> Sought {
        from_helper(helper.as_os_str(), server, &Cancel::default()).unwrap()
    }
}
