//! How a dump comes to life again, in a server of its own that was just made and that nobody else reaches.

use super::{command, mariadb, rabbitmq, redis, sqlite};

/// One kind of server. Its scripts run as those of the adapter do, and after its login.
pub struct Revive {
    pub kind: &'static str,
    /// What a new server is told, besides a password that nobody knows: names of variables, and values.
    pub env: &'static [(&'static str, &'static str)],
    /// The variable of that password.
    pub password: &'static str,
    /// What runs in place of the image's own program, as a shell's script.
    pub program: Option<&'static str>,
    /// Succeeds once the server takes requests, and will not end by itself any more.
    pub ready: &'static str,
    /// Reads the dump of `XTASK_WHAT` from its standard input into the server.
    pub restore: &'static str,
    /// Says `MARK count NAME N`, and what else the dump's script says of counts, for what is there of `XTASK_WHAT`, and
    /// `MARK exit 0`, on standard error; or dumps it once more, where the adapter counts in the dump.
    pub count: &'static str,
    /// What must be there before the rest; the lowest first.
    pub order: fn(what: &str) -> u8,
}

static ALL: [&Revive; 7] =
    [&command::REVIVE, &mariadb::REVIVE, &mariadb::MYSQL_REVIVE, &POSTGRES, &rabbitmq::REVIVE, &redis::REVIVE, &sqlite::REVIVE];

/// Who can restore dumps of servers of this kind.
pub fn revive(kind: &str) -> Option<&'static Revive> {
    ALL.iter().copied().find(|revive| revive.kind == kind)
}

/// The server's own user may be one of the roles, which is there then. What was set counts once the server starts
/// anew.
static POSTGRES: Revive = Revive {
    kind: "postgres",
    env: &[("POSTGRES_USER", "xtask_scratch"), ("POSTGRES_DB", "xtask_scratch")],
    password: "POSTGRES_PASSWORD",
    program: None,
    // While it is set up, the server listens on its socket only.
    ready: "pg_isready -q -h 127.0.0.1 -d template1",
    restore: r#"if [ "$XTASK_WHAT" = roles ]; then
    own=$(ask -d template1 -c "SELECT format('CREATE ROLE %I;', current_user)")
    LC_ALL=C grep -vxF -e "$own" | psql -Xqw -v ON_ERROR_STOP=1 -d template1 -f - >/dev/null
    exit
fi
if [ "$XTASK_WHAT" = settings ]; then
    cd "$(ask -d template1 -c 'SHOW data_directory')"
    exec tar -xpf -
fi
name=${XTASK_WHAT#databases/}
if [ "$name" = postgres ]; then
    exec pg_restore -w --exit-on-error -d postgres
fi
exec pg_restore -w --exit-on-error --create -d template1
"#,
    count: r#"if [ "${XTASK_WHAT#databases/}" != "$XTASK_WHAT" ]; then
    export PGDATABASE="${XTASK_WHAT#databases/}"
    tables | ask >&2
fi
echo "$XTASK_MARK exit 0" >&2
"#,
    order: |what| match what {
        "roles" => 0,
        "settings" => 2,
        _ => 1,
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_come_before_what_they_own() {
        let revive = revive("postgres").unwrap();
        assert!((revive.order)("roles") < (revive.order)("databases/shop"));
        assert!((revive.order)("databases/shop") < (revive.order)("settings"));
        assert!(super::revive("unknown").is_none());
    }
}
