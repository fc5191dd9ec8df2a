//! Files of SQLite: a copy by SQLite itself, in the service's container, and what is in that copy.
//!
//! Such a file is in a volume, which is copied as well, while its writers are paused: where there is no client, that
//! copy is what there is, and SQLite recovers from it as from a loss of power.

use super::{Adapter, Revive};

pub static ADAPTER: Adapter = Adapter {
    kind: "sqlite",
    programs: &[],
    login: LOGIN,
    survey: SURVEY,
    dump: DUMP,
    prove: |_| None,
    whole: |_, head, _| if head.starts_with(b"SQLite format 3\0") { Ok(()) } else { Err("it does not begin as a file of SQLite does") },
    least: 512,
    scan: None,
    password_option: None,
};

/// The container only has the program that reads the copy; the service itself does not start.
pub static REVIVE: Revive = Revive {
    kind: "sqlite",
    env: &[],
    password: "XTASK_UNUSED",
    program: Some("trap 'exit 0' TERM INT; while :; do sleep 1 & wait $!; done"),
    ready: "exit 0",
    restore: "umask 077\nrm -f /tmp/xtask-restored.db\nexec cat > /tmp/xtask-restored.db\n",
    count: r#"count /tmp/xtask-restored.db
echo "$XTASK_MARK exit 0" >&2
"#,
    order: |_| 0,
};

/// `copy FROM TO` and `count FILE`, by what the container has. Python's module is SQLite itself.
const LOGIN: &str = r#"set -eu
counted="SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
if command -v sqlite3 >/dev/null; then
    version() { echo "sqlite3 $(sqlite3 --version)"; }
    copy() { sqlite3 -cmd '.timeout 60000' "$1" ".backup '$2'"; }
    count() {
        said=$(sqlite3 "$1" 'PRAGMA integrity_check')
        if [ "$said" != ok ]; then echo "$said" >&2; exit 1; fi
        asked=$(sqlite3 "$1" "SELECT 'SELECT ''$XTASK_MARK count '' || ' || quote(name) || ' || '' '' || count(*) FROM \"' || replace(name, '\"', '\"\"') || '\";' FROM ($counted)")
        printf '%s\n' "$asked" | sqlite3 "$1" >&2
    }
else
    python=$(command -v python3 || command -v python) || { echo "the container has neither sqlite3 nor python3" >&2; exit 127; }
    version() { "$python" -c 'import sqlite3; print("python sqlite3", sqlite3.sqlite_version)'; }
    copy() {
        "$python" -c 'import sqlite3, sys
source, copy = sqlite3.connect(sys.argv[1], timeout=60), sqlite3.connect(sys.argv[2])
source.backup(copy)
copy.close()' "$1" "$2"
    }
    count() {
        "$python" -c 'import sqlite3, sys
file, mark, counted = sqlite3.connect(sys.argv[1]), sys.argv[2], sys.argv[3]
said = file.execute("PRAGMA integrity_check").fetchone()[0]
if said != "ok":
    sys.exit(said)
for (name,) in file.execute(counted).fetchall():
    quoted = name.replace("\"", "\"\"")
    rows = file.execute("SELECT count(*) FROM \"" + quoted + "\"").fetchone()[0]
    print(mark, "count", name, rows, file=sys.stderr)' "$1" "$XTASK_MARK" "$counted"
    }
fi
"#;

const SURVEY: &str = r#"said=$(version)
echo "client $said"
echo "server $said"
printf '%s\n' "$XTASK_FILES" | while read -r file; do
    if ! [ -f "$file" ]; then echo "there is no file $file" >&2; exit 1; fi
    echo "what sqlite/$file"
done
"#;

const DUMP: &str = r#"dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
code=0
copy "${XTASK_WHAT#sqlite/}" "$dir/copy" || code=$?
if [ $code = 0 ]; then
    count "$dir/copy"
    cat "$dir/copy" || code=$?
fi
echo "$XTASK_MARK exit $code" >&2
exit $code
"#;
