//! PostgreSQL and what is built on it: each database in the custom format, the roles, and what was set in the folder
//! of its data, which no dump holds.
//!
//! One transaction exports a snapshot; the dump, the counts of rows and the checksums are all taken in it. The dump is not
//! compressed: the repository does that, and finds the same pieces again the next time.

use super::Adapter;

pub static ADAPTER: Adapter = Adapter {
    kind: "postgres",
    programs: &["postgres"],
    login: LOGIN,
    survey: SURVEY,
    dump: DUMP,
    prove: |what| what.starts_with("databases/").then_some(PROVE),
    whole,
    least: 200,
    scan: None,
    password_option: None,
};

const ROLES: &str = "roles";
const SETTINGS: &str = "settings";

/// Who may read everything, as the image knows it. Another vendor's image names its variables otherwise.
const LOGIN: &str = r#"set -eu
kept() { eval "f=\${$1:-}"; if [ -n "$f" ] && [ -r "$f" ]; then cat "$f"; fi; }
PGUSER=${POSTGRES_USER:-${POSTGRESQL_USERNAME:-$(kept POSTGRES_USER_FILE)}}
PGPASSWORD=${PGPASSWORD:-${POSTGRES_PASSWORD:-${POSTGRESQL_PASSWORD:-$(kept POSTGRES_PASSWORD_FILE)$(kept POSTGRESQL_PASSWORD_FILE)}}}
export PGUSER="${PGUSER:-postgres}" PGPASSWORD PGCONNECT_TIMEOUT=30
ask() { psql -XAtqw -v ON_ERROR_STOP=1 -v mark="${XTASK_MARK:-}" -v deep="${XTASK_DEEP:-}" "$@"; }
tables() {
    cat <<'END'
SET search_path = pg_catalog; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres';
SET extra_float_digits = 3; SET bytea_output = 'hex';
SELECT format('SELECT %L || count(*)%s FROM ONLY %I.%I AS xtask_row', :'mark' || ' count ' || n.nspname || '.' || c.relname || ' ',
        CASE :'deep' WHEN '' THEN '' ELSE format(
            ' || chr(10) || %L || coalesce(sum((''x'' || substr(md5(xtask_row::text), 1, 16))::bit(64)::bigint), 0)',
            :'mark' || ' sum ' || n.nspname || '.' || c.relname || ' ') END,
        n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \gexec
END
}
"#;

const SURVEY: &str = r#"export PGDATABASE=template1
echo "client $(pg_dump --version)"
ask -c "SELECT 'server ' || current_setting('server_version')" \
    -c "SELECT 'what databases/' || datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
echo "what roles"
if command -v tar >/dev/null; then echo "what settings"; fi
"#;

const DUMP: &str = r#"code=0
if [ "$XTASK_WHAT" = roles ]; then
    pg_dumpall -w --globals-only || code=$?
    echo "$XTASK_MARK exit $code" >&2
    exit $code
fi
if [ "$XTASK_WHAT" = settings ]; then
    cd "$(ask -d template1 -c 'SHOW data_directory')"
    set --
    for file in postgresql.conf postgresql.auto.conf pg_hba.conf pg_ident.conf; do
        if [ -f "$file" ]; then set -- "$@" "$file"; fi
    done
    tar -chf - "$@" || code=$?
    echo "$XTASK_MARK exit $code" >&2
    exit $code
fi
export PGDATABASE="${XTASK_WHAT#databases/}"
exec 3>&1
{
    cat <<'END'
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv XTASK_SNAPSHOT :snapshot
\! code=0; pg_dump -w -Fc -Z0 --snapshot="$XTASK_SNAPSHOT" >&3 </dev/null || code=$?; echo "$XTASK_MARK exit $code" >&2
END
    tables
    echo 'COMMIT;'
} | ask >&2
"#;

const PROVE: &str = "exec pg_restore -f /dev/null";

/// A dump in the custom format has no end mark: what reads it says whether it is whole.
fn whole(what: &str, head: &[u8], tail: &[u8]) -> Result<(), &'static str> {
    if what == SETTINGS {
        // Archives end with two empty blocks.
        let ends = tail.len() >= 1024 && tail[tail.len() - 1024..].iter().all(|byte| *byte == 0);
        return if ends && head.get(257..262) == Some(b"ustar") { Ok(()) } else { Err("it is no whole archive") };
    }
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
        let mut archive = vec![0; 2048];
        archive[257..262].copy_from_slice(b"ustar");
        assert!(whole(SETTINGS, &archive, &archive).is_ok());
        assert!(whole(SETTINGS, &archive, &archive[..300]).is_err() && whole(SETTINGS, b"", b"").is_err());
        assert!(whole("databases/a", b"-- PostgreSQL database dump", b"").is_err());
    }
}
