//! MariaDB and MySQL: each database as SQL, and the accounts with their rights as rows of the server's own tables.
//!
//! MySQL's own server and clients were not at hand: what is known of them is from their documents, and its backups count
//! as all others do, once they were restored.
//!
//! One transaction reads a database. No other can see the same snapshot, so rows are counted in the dump itself as it
//! goes by.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::{Adapter, Revive};

pub static ADAPTER: Adapter = KNOWN;
pub static MYSQL: Adapter = Adapter { kind: "mysql", ..KNOWN };

const KNOWN: Adapter = Adapter {
    kind: "mariadb",
    programs: &["mariadbd", "mysqld", "mariadbd-safe", "mysqld_safe"],
    login: LOGIN,
    survey: SURVEY,
    dump: DUMP,
    prove: |_| None,
    whole,
    least: 500,
    scan: Some(rows),
    password_option: None,
};

/// Users are loaded without `FLUSH PRIVILEGES`: the server goes on with those that it was made with, and has the
/// others from its next start on. The account of the image's health check keeps the password that is in a file beside
/// the data.
pub static REVIVE: Revive = REVIVED;
pub static MYSQL_REVIVE: Revive = Revive { kind: "mysql", password: "MYSQL_ROOT_PASSWORD", ..REVIVED };

const REVIVED: Revive = Revive {
    kind: "mariadb",
    env: &[],
    password: "MARIADB_ROOT_PASSWORD",
    program: None,
    // While it is set up, the server listens on its socket only. A refused login is an answer.
    ready: r#"exec "$admin" -h 127.0.0.1 --protocol=tcp --silent ping >/dev/null"#,
    restore: r#"if [ "$XTASK_WHAT" != users ]; then
    exec "$client" -u "$user" --default-character-set=utf8mb4
fi
{
    case " $(rights | tr '\n' ' ') " in
    *' global_priv '*) kept="SET @kept := (SELECT Priv FROM global_priv WHERE User = 'healthcheck' LIMIT 1);"
        again="UPDATE global_priv SET Priv = @kept WHERE User = 'healthcheck' AND @kept IS NOT NULL;" ;;
    *) kept= again= ;;
    esac
    echo "$kept"
    rights | sed 's/.*/DELETE FROM `&`;/'
    cat
    echo "$again"
} | "$client" -u "$user" --default-character-set=utf8mb4 mysql
"#,
    count: r#"if [ "$XTASK_WHAT" = users ]; then
    name=mysql only="AND table_name IN ($RIGHTS)"
else
    name=${XTASK_WHAT#databases/} only=
fi
asked=$(sql "$name" <<END
SELECT CONCAT('SELECT CONCAT(''$XTASK_MARK count '', ', QUOTE(table_name), ', '' '', COUNT(*)) FROM \`', REPLACE(table_name, '\`', '\`\`'), '\`;')
    FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') $only;
END
)
printf '%s\n' "$asked" | sql "$name" >&2
echo "$XTASK_MARK exit 0" >&2
"#,
    order: |what| u8::from(what == "users"),
};

/// The administrator, as the image knows the password; else the account that the image has made.
const LOGIN: &str = r#"set -eu
kept() { eval "f=\${$1:-}"; if [ -n "$f" ] && [ -r "$f" ]; then cat "$f"; fi; }
first() { for one; do if command -v "$one"; then return; fi; done; echo "the container has none of $*" >&2; exit 127; }
client=$(first mariadb mysql)
dumper=$(first mariadb-dump mysqldump)
admin=$(first mariadb-admin mysqladmin)
user=root
MYSQL_PWD=${MARIADB_ROOT_PASSWORD:-${MYSQL_ROOT_PASSWORD:-$(kept MARIADB_ROOT_PASSWORD_FILE)$(kept MYSQL_ROOT_PASSWORD_FILE)}}
export MYSQL_PWD
sql() { "$client" -u "$user" --batch --raw --skip-column-names --default-character-set=utf8mb4 "$@"; }
if ! said=$(sql -e 'SELECT 1' 2>&1); then
    user=${MARIADB_USER:-${MYSQL_USER:-$(kept MARIADB_USER_FILE)$(kept MYSQL_USER_FILE)}}
    MYSQL_PWD=${MARIADB_PASSWORD:-${MYSQL_PASSWORD:-$(kept MARIADB_PASSWORD_FILE)$(kept MYSQL_PASSWORD_FILE)}}
    if [ -z "$user" ] || ! sql -e 'SELECT 1' >/dev/null 2>&1; then
        echo "$said" >&2
        exit 1
    fi
fi
RIGHTS="'columns_priv','db','global_priv','procs_priv','proxies_priv','roles_mapping','tables_priv','user'"
RIGHTS="$RIGHTS,'default_roles','global_grants','password_history','role_edges'"
rights() {
    sql -e "SELECT table_name FROM information_schema.tables WHERE table_schema = 'mysql' AND table_type = 'BASE TABLE' AND table_name IN ($RIGHTS)"
}
"#;

const SURVEY: &str = r#"echo "client $("$dumper" --version)"
sql <<'END'
SELECT CONCAT('server ', VERSION());
SELECT CONCAT('what databases/', schema_name) FROM information_schema.schemata
    WHERE schema_name NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys');
SELECT CONCAT('left what is written meanwhile to ', COUNT(*), ' of its tables, which are not InnoDB: some of it may be there')
    FROM information_schema.tables WHERE table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
    AND table_type = 'BASE TABLE' AND engine <> 'InnoDB' HAVING COUNT(*) > 0;
END
if [ "$user" = root ]; then
    echo "what users"
else
    echo "left its users, and databases that $user may not read: its container does not know the password of root"
fi
"#;

/// MySQL's client also says which transactions it holds, which only a server that numbers them takes; and asks for
/// tablespaces, which only an administrator may.
const DUMP: &str = r#"set -- -u "$user" --single-transaction --quick --hex-blob --skip-dump-date --default-character-set=utf8mb4 --no-tablespaces
case $("$dumper" --help 2>/dev/null) in *--set-gtid-purged*) set -- "$@" --set-gtid-purged=OFF ;; esac
code=0
if [ "$XTASK_WHAT" = users ]; then
    tables=$(rights)
    # Their names are single words.
    "$dumper" "$@" --no-create-info --complete-insert mysql $tables || code=$?
else
    "$dumper" "$@" --routines --events --databases -- "${XTASK_WHAT#databases/}" || code=$?
fi
echo "$XTASK_MARK exit $code" >&2
exit $code
"#;

fn whole(_: &str, head: &[u8], tail: &[u8]) -> Result<(), &'static str> {
    let has = |text: &[u8], words: &str| String::from_utf8_lossy(text).contains(words);
    match (has(head, "-- MariaDB dump") || has(head, "-- MySQL dump"), has(tail, "-- Dump completed")) {
        (true, true) => Ok(()),
        (false, _) => Err("it does not begin as a dump of MariaDB does"),
        (_, false) => Err("the line that ends a dump is missing"),
    }
}

/// Rows by table, as the dump's own statements insert them. Strings hold no line breaks, only `\n`.
fn rows(_: &str, from: &mut dyn BufRead) -> Result<Option<BTreeMap<String, u64>>, String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let (mut line, mut into, mut is_code) = (Vec::new(), None::<String>, false);
    loop {
        line.clear();
        if from.read_until(b'\n', &mut line).map_err(|error| error.to_string())? == 0 {
            return Ok(Some(counts));
        }
        if line.starts_with(b"DELIMITER ") {
            // Of triggers and routines: what they would insert is no row.
            is_code = !line.starts_with(b"DELIMITER ;\n");
        } else if is_code {
        } else if let Some(table) = between(&line, b"-- Dumping data for table `") {
            counts.insert(table, 0);
        } else if let Some(table) = between(&line, b"INSERT INTO `") {
            *counts.entry(table.clone()).or_default() += tuples(&line);
            into = (!ends(&line)).then_some(table);
        } else if let Some(table) = &into {
            *counts.entry(table.clone()).or_default() += tuples(&line);
            if ends(&line) {
                into = None;
            }
        }
    }
}

/// The name between this beginning of a line and the backtick that ends it; one that is doubled is part of it.
fn between(line: &[u8], start: &[u8]) -> Option<String> {
    let mut rest = line.strip_prefix(start)?.iter().copied().peekable();
    let mut name = Vec::new();
    while let Some(byte) = rest.next() {
        if byte == b'`' && rest.next_if_eq(&b'`').is_none() {
            return Some(String::from_utf8_lossy(&name).into_owned());
        }
        name.push(byte);
    }
    None
}

fn ends(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(b";")
}

/// Older clients write all rows of a statement into one line, newer ones a line for each.
fn tuples(line: &[u8]) -> u64 {
    let from = line.windows(7).position(|word| word == b" VALUES").map_or(0, |at| if line.starts_with(b"INSERT") { at + 7 } else { 0 });
    let (mut count, mut depth, mut quoted, mut bytes) = (0, 0_u32, false, line[from..].iter());
    while let Some(byte) = bytes.next() {
        match (quoted, byte) {
            (true, b'\\') => _ = bytes.next(),
            (_, b'\'') => quoted = !quoted,
            (true, _) => {}
            (false, b'(') => {
                count += u64::from(depth == 0);
                depth += 1;
            }
            (false, b')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    count
}

#[cfg(test)]
#[path = "mariadb_clients.rs"]
mod clients;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_whatever_they_hold() {
        let dump = "-- Dumping data for table `empty`\n\
            -- Dumping data for table `t`\nINSERT INTO `t` VALUES\n(1,'x(),\\'y\\n;\\nINSERT INTO `q` VALUES (1),',0x00FF),\n(2,'b\\'q\\\\',NULL),\n(3,'it''s (;',1);\n\
            DELIMITER ;;\nCREATE PROCEDURE `p`()\nbegin\nINSERT INTO `t` VALUES (1);\nend\n;;\nDELIMITER ;\n\
            -- Dumping data for table `odd ``name`\nINSERT INTO `odd ``name` (`a`, `b (c)`) VALUES (1,'(2)'),(2,';'),(3,'x');\n";
        let counts = rows("", &mut dump.as_bytes()).unwrap().unwrap();
        let wanted = [("empty", 0), ("odd `name", 3), ("t", 3)].map(|(name, count)| (name.to_string(), count));
        assert_eq!(counts, BTreeMap::from(wanted));
    }

    #[test]
    fn cut_and_foreign_dumps_are_told() {
        let head = b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19";
        assert!(whole("", head, b"\n-- Dump completed\n").is_ok());
        assert!(whole("", head, b"INSERT INTO").is_err());
        assert!(whole("", b"", b"").is_err());
    }
}
