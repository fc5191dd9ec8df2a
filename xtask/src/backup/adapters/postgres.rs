//! PostgreSQL and what is built on it: each database in the custom format, and the roles.
//!
//! One transaction exports a snapshot; the dump and the counts of rows are both taken in it. The dump is not
//! compressed: the repository does that, and finds the same pieces again the next time.

use super::Adapter;

pub static ADAPTER: Adapter = Adapter {
    kind: "postgres",
    programs: &["postgres"],
    login: LOGIN,
    survey: SURVEY,
    dump: DUMP,
    prove: |what| (what != ROLES).then_some(PROVE),
    whole,
    least: 200,
    scan: None,
    password_option: None,
};

const ROLES: &str = "roles";

/// Who may read everything, as the image knows it. Another vendor's image names its variables otherwise.
const LOGIN: &str = r#"set -eu
kept() { eval "f=\${$1:-}"; if [ -n "$f" ] && [ -r "$f" ]; then cat "$f"; fi; }
PGUSER=${POSTGRES_USER:-${POSTGRESQL_USERNAME:-$(kept POSTGRES_USER_FILE)}}
PGPASSWORD=${PGPASSWORD:-${POSTGRES_PASSWORD:-${POSTGRESQL_PASSWORD:-$(kept POSTGRES_PASSWORD_FILE)$(kept POSTGRESQL_PASSWORD_FILE)}}}
export PGUSER="${PGUSER:-postgres}" PGPASSWORD PGCONNECT_TIMEOUT=30
"#;

const SURVEY: &str = r#"export PGDATABASE=template1
echo "client $(pg_dump --version)"
psql -XAtqw -v ON_ERROR_STOP=1 -c "SELECT 'server ' || current_setting('server_version')" \
    -c "SELECT 'what databases/' || datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
echo "what roles"
"#;

const DUMP: &str = r#"if [ "$XTASK_WHAT" = roles ]; then
    code=0
    pg_dumpall -w --globals-only || code=$?
    echo "$XTASK_MARK exit $code" >&2
    exit $code
fi
export PGDATABASE="${XTASK_WHAT#databases/}"
exec 3>&1
psql -XAtqw -v ON_ERROR_STOP=1 -v mark="$XTASK_MARK" >&2 <<'END'
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv XTASK_SNAPSHOT :snapshot
\! code=0; pg_dump -w -Fc -Z0 --snapshot="$XTASK_SNAPSHOT" >&3 </dev/null || code=$?; echo "$XTASK_MARK exit $code" >&2
SELECT format('SELECT %L || count(*) FROM ONLY %I.%I', :'mark' || ' count ' || n.nspname || '.' || c.relname || ' ', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \gexec
COMMIT;
END
"#;

const PROVE: &str = "exec pg_restore -f /dev/null";

/// A dump in the custom format has no end mark: what reads it says whether it is whole.
fn whole(what: &str, head: &[u8], tail: &[u8]) -> Result<(), &'static str> {
    if what != ROLES {
        return if head.starts_with(b"PGDMP") { Ok(()) } else { Err("it does not begin as a dump in the custom format does") };
    }
    let has = |text: &[u8], words: &str| String::from_utf8_lossy(text).contains(words);
    match (has(head, "PostgreSQL database cluster dump"), has(tail, "PostgreSQL database cluster dump complete")) {
        (true, true) => Ok(()),
        (false, _) => Err("it does not begin as a dump of roles does"),
        (_, false) => Err("the line that ends a dump of roles is missing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_and_foreign_dumps_are_told() {
        let roles: &[u8] =
            b"--\n-- PostgreSQL database cluster dump\n--\nCREATE ROLE a;\n--\n-- PostgreSQL database cluster dump complete\n--\n";
        assert!(whole(ROLES, roles, roles).is_ok());
        assert!(whole(ROLES, roles, &roles[..80]).is_err());
        assert!(whole(ROLES, b"", b"").is_err());
        assert!(whole("databases/a", b"PGDMP\x01\x0e", b"").is_ok());
        assert!(whole("databases/a", b"-- PostgreSQL database dump", b"").is_err());
    }
}
