//! Which client is taken, how it is called, and as whom; with clients that only note that.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{DUMP, LOGIN, SURVEY};
use crate::backup::adapters::{adapter, lodging, revive};
use crate::catalogue::server_kind;

/// A folder of programs: the shell's usual ones, and these clients. Each notes its arguments and the password that it
/// has; `mysqldump` knows the option that only MySQL's has.
struct Clients(tempfile::TempDir);

const CLIENT: &str = "#!/bin/sh
echo \"${0##*/} $* [${MYSQL_PWD:-}]\" >> \"$SAID\"
case \"$*\" in
*--version*) echo \"${0##*/} 1\" ;;
*--help*) case $0 in *mysqldump) echo '  --set-gtid-purged=name' ;; esac ;;
*) [ \"$MYSQL_PWD\" = \"${RIGHT:-root-pw}\" ] || { echo 'Access denied' >&2; exit 1; } ;;
esac
";

impl Clients {
    fn of(names: &[&str]) -> Clients {
        let folder = tempfile::tempdir().unwrap();
        for tool in ["sh", "cat", "sed", "tr"] {
            std::os::unix::fs::symlink(which::which(tool).unwrap(), folder.path().join(tool)).unwrap();
        }
        for name in names {
            let path = folder.path().join(name);
            std::fs::write(&path, CLIENT).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Clients(folder)
    }

    /// Its exit code, what it printed, and what the clients have noted.
    fn run(&self, script: &str, what: &str, env: &[(&str, &str)]) -> (i32, String, String) {
        let noted = self.0.path().join("said");
        let mut command = Command::new(self.0.path().join("sh"));
        command.args(["-c", &format!("{LOGIN}{script}")]).env_clear().env("PATH", self.0.path()).env("SAID", &noted);
        let said = command.env("XTASK_WHAT", what).env("XTASK_MARK", "m").envs(env.iter().copied()).output().unwrap();
        let text = [said.stdout, said.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (said.status.code().unwrap(), text, std::fs::read_to_string(noted).unwrap_or_default())
    }
}

#[test]
fn mysql_is_dumped_by_its_own_client_and_mariadb_by_its() {
    let (mysql, mariadb) = (["mysql", "mysqldump", "mysqladmin"], ["mariadb", "mariadb-dump", "mariadb-admin"]);
    let root = [("MYSQL_ROOT_PASSWORD", "root-pw")];
    let (code, text, noted) = Clients::of(&mysql).run(DUMP, "databases/shop", &root);
    assert_eq!(code, 0, "{text}");
    let dump = noted.lines().last().unwrap();
    assert!(dump.starts_with("mysqldump -u root --single-transaction") && dump.ends_with("--databases -- shop [root-pw]"), "{dump}");
    assert!(dump.contains("--set-gtid-purged=OFF") && text.contains("m exit 0"), "{dump} {text}");

    let both = Clients::of(&[mysql, mariadb].concat());
    let (_, _, noted) = both.run(DUMP, "databases/shop", &[("MARIADB_ROOT_PASSWORD", "root-pw")]);
    let dump = noted.lines().last().unwrap();
    assert!(dump.starts_with("mariadb-dump ") && !dump.contains("gtid"), "{dump}");
    assert!(noted.lines().all(|line| !line.split('[').next().unwrap().contains("root-pw")), "no argument has it: {noted}");
    let (_, text, _) = Clients::of(&mysql).run(SURVEY, "", &root);
    assert!(text.contains("client mysqldump 1") && text.contains("what users"), "{text}");
}

#[test]
fn the_password_is_where_the_image_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pw");
    std::fs::write(&file, "root-pw").unwrap();
    let clients = Clients::of(&["mysql", "mysqldump", "mysqladmin"]);
    assert_eq!(clients.run(DUMP, "users", &[("MYSQL_ROOT_PASSWORD_FILE", file.to_str().unwrap())]).0, 0);
    // One that is made by chance is known to nobody: then by the account that the image has made.
    let account = [("MYSQL_RANDOM_ROOT_PASSWORD", "yes"), ("MYSQL_USER", "clerk"), ("MYSQL_PASSWORD", "c-pw"), ("RIGHT", "c-pw")];
    let (code, text, noted) = clients.run(SURVEY, "", &account);
    assert!(code == 0 && text.contains("left its users") && noted.contains("-u clerk"), "{text}{noted}");
    let (code, text, _) = clients.run(SURVEY, "", &[("MYSQL_ROOT_PASSWORD", "another")]);
    assert!(code == 1 && text.contains("Access denied"), "{text}");
    let (code, text, _) = Clients::of(&[]).run(SURVEY, "", &[]);
    assert!(code == 127 && text.contains("the container has none of mariadb mysql"), "{text}");
}

#[test]
fn images_of_mysql_are_served() {
    for image in ["mysql:8.4", "percona:8.0"] {
        let kind = server_kind(image).unwrap().kind.as_str();
        assert_eq!((adapter(kind).unwrap().kind, revive(kind).unwrap().password), ("mysql", "MYSQL_ROOT_PASSWORD"), "{image}");
    }
    assert_eq!(lodging("mysql").version, Some("MYSQL_VERSION"));
    assert!(server_kind("mysql:8.4").unwrap().container("mysql:8.4").unwrap().data.iter().any(|data| data == "/var/lib/mysql"));
}
