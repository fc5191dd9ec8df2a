//! Redis and what speaks its protocol: a snapshot as a replica gets it, in one piece.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::{Adapter, Revive, rdb};

pub static ADAPTER: Adapter = Adapter {
    kind: "redis",
    programs: &["redis-server", "valkey-server", "keydb-server", "redis-sentinel"],
    login: LOGIN,
    survey: SURVEY,
    dump: DUMP,
    prove: |_| Some(PROVE),
    whole: |_, head, _| if rdb::begins(head) { Ok(()) } else { Err("it does not begin as a snapshot does") },
    least: 18,
    scan: Some(keys),
    password_option: Some("--requirepass"),
};

/// A second server reads the snapshot, and the first becomes its replica for a moment: so its own settings say how it
/// keeps what it gets, and nothing is started again.
pub static REVIVE: Revive = Revive {
    kind: "redis",
    env: &[],
    password: "REDIS_PASSWORD",
    program: None,
    ready: r#"[ "$(cli ping)" = PONG ]"#,
    restore: r#"server=$(first redis-server valkey-server keydb-server)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat > "$dir/dump.rdb"
other() ( unset REDISCLI_AUTH; "$client" -p 6390 "$@" )
(
    code=0
    "$server" --port 6390 --bind 127.0.0.1 --save '' --appendonly no --dir "$dir" --dbfilename dump.rdb \
        --repl-diskless-sync-delay 0 --logfile "$dir/log" || code=$?
    echo $code > "$dir/ended"
) </dev/null >/dev/null 2>&1 &
going() { if [ -e "$dir/ended" ]; then tail -n 5 "$dir/log" >&2; exit 1; fi; sleep 0.1; }
until [ "$(other ping 2>/dev/null)" = PONG ]; do going; done
[ "$(cli config set masterauth '')" = OK ]
[ "$(cli replicaof 127.0.0.1 6390)" = OK ]
until cli info replication | grep -q '^master_link_status:up'; do going; done
[ "$(cli replicaof no one)" = OK ]
other shutdown nosave || true
while cli info persistence | grep -Eq '^(aof_rewrite_in_progress|aof_rewrite_scheduled|rdb_bgsave_in_progress):1'; do sleep 0.1; done
[ "$(cli save)" = OK ]
"#,
    count: r#"if [ -z "${XTASK_UNCOUNTED:-}" ]; then
    cli info keyspace | tr -d '\r' | sed -n 's/^\(db[0-9]*\):keys=\([0-9]*\),expires=\([0-9]*\).*/\1 \2 \3/p' |
        while read -r name keys expires; do
            if [ "$keys" -gt "$expires" ]; then echo "$XTASK_MARK count $name $((keys - expires))" >&2; fi
        done
fi
echo "$XTASK_MARK exit 0" >&2
"#,
    order: |_| 0,
};

/// The password is in the environment, in a file that it names, in the server's settings, or an option of the server,
/// which is handed over as `XTASK_ARGUMENT`.
const LOGIN: &str = r#"set -eu
kept() { eval "f=\${$1:-}"; if [ -n "$f" ] && [ -r "$f" ]; then cat "$f"; fi; }
first() { for one; do if command -v "$one"; then return; fi; done; echo "the container has no $1" >&2; exit 127; }
client=$(first redis-cli valkey-cli keydb-cli)
cli() { "$client" --no-auth-warning "$@"; }
found=${REDISCLI_AUTH:-${XTASK_ARGUMENT:-${REDIS_PASSWORD:-${VALKEY_PASSWORD:-$(kept REDIS_PASSWORD_FILE)$(kept VALKEY_PASSWORD_FILE)}}}}
for file in /usr/local/etc/redis/redis.conf /etc/redis/redis.conf /etc/redis.conf /usr/local/etc/valkey/valkey.conf /etc/valkey/valkey.conf; do
    if [ -z "$found" ] && [ -r "$file" ]; then
        found=$(sed -n 's/^ *requirepass  *"\{0,1\}\([^"]*[^" ]\)"\{0,1\} *$/\1/p' "$file" | tail -n 1)
    fi
done
unset REDISCLI_AUTH
said=$("$client" ping 2>&1) || true
case $said in
*NOAUTH* | *NOPERM* | *WRONGPASS*)
    export REDISCLI_AUTH="$found"
    said=$(cli ping 2>&1) || true
    ;;
esac
if [ "$said" != PONG ]; then
    echo "the server does not let its own client in: $said" >&2
    exit 1
fi
"#;

const SURVEY: &str = r#"echo "client $("$client" --version)"
cli info server | tr -d '\r' | sed -n 's/^redis_version:/server /p'
echo "what rdb"
"#;

/// Clients before 6.2 write into files only.
const DUMP: &str = r#"code=0
case $("$client" --help 2>&1) in
*'filename of "-"'*) cli --rdb - || code=$? ;;
*)
    file=$(mktemp)
    trap 'rm -f "$file"' EXIT
    cli --rdb "$file" >&2 || code=$?
    cat "$file"
    ;;
esac
echo "$XTASK_MARK exit $code" >&2
exit $code
"#;

/// Checks every value and the checksum, one value at a time; where the image has nothing that does, what was read when
/// it was dumped must do.
const PROVE: &str = r#"check=$(first redis-check-rdb valkey-check-rdb keydb-check-rdb 2>/dev/null) || exec cat >/dev/null
"$check" /dev/stdin >&2
"#;

/// Keys by database, those left out that end at a time: they may be gone when somebody counts again.
fn keys(_: &str, from: &mut dyn BufRead) -> Result<Option<BTreeMap<String, u64>>, String> {
    let Some(found) = rdb::keys(from)? else { return Ok(None) };
    let lasting = found.into_iter().filter(|(_, keys)| keys.lasting > 0);
    Ok(Some(lasting.map(|(number, keys)| (format!("db{number}"), keys.lasting)).collect()))
}
