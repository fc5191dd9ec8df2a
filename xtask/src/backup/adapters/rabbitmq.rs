//! RabbitMQ: its definitions. Messages are not among them.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde_json::Value;

use super::{Adapter, Revive};

pub static ADAPTER: Adapter = Adapter {
    kind: "rabbitmq",
    programs: &["rabbitmq-server"],
    login: LOGIN,
    survey: SURVEY,
    dump: DUMP,
    prove: |_| None,
    whole,
    least: 100,
    scan: Some(definitions),
    password_option: None,
};

/// The account that the server is made with goes once the others are there; a client on the server's own machine
/// needs none.
pub static REVIVE: Revive = Revive {
    kind: "rabbitmq",
    env: &[("RABBITMQ_DEFAULT_USER", "xtask_scratch"), ("RABBITMQ_USERNAME", "xtask_scratch")],
    password: "RABBITMQ_DEFAULT_PASS",
    program: None,
    ready: "exec rabbitmqctl -q await_startup --timeout 20 >/dev/null 2>&1",
    restore: r#"file=$(mktemp)
trap 'rm -f "$file"' EXIT
cat > "$file"
chmod 644 "$file"
rabbitmqctl -q import_definitions "$file"
case $(rabbitmqctl -q list_users) in
*xtask_scratch*) rabbitmqctl -q delete_user xtask_scratch ;;
esac
"#,
    count: DUMP,
    order: |_| 0,
};

const LOGIN: &str = r#"set -eu
command -v rabbitmqctl >/dev/null || { echo "the container has no rabbitmqctl" >&2; exit 127; }
"#;

const SURVEY: &str = r#"version=$(rabbitmqctl -q version)
echo "client rabbitmqctl $version"
echo "server $version"
echo "what definitions"
echo "left the messages in its queues: the definitions do not hold them (the label xtask.backup: stop copies its volume)"
"#;

const DUMP: &str = r#"code=0
rabbitmqctl -q export_definitions - || code=$?
echo "$XTASK_MARK exit $code" >&2
exit $code
"#;

const COUNTED: [&str; 9] =
    ["bindings", "exchanges", "parameters", "permissions", "policies", "queues", "topic_permissions", "users", "vhosts"];

fn whole(_: &str, head: &[u8], tail: &[u8]) -> Result<(), &'static str> {
    match (head.trim_ascii_start().first(), tail.trim_ascii_end().last()) {
        (Some(b'{'), Some(b'}')) => Ok(()),
        _ => Err("it is not the JSON of definitions"),
    }
}

/// How many there are of each. The virtual host `/` is made with a server, so it does not count.
fn definitions(_: &str, from: &mut dyn BufRead) -> Result<Option<BTreeMap<String, u64>>, String> {
    // What a reader says of text may quote it, and hashes of passwords are in it.
    let found: Value = serde_json::from_reader(from).map_err(|error| format!("it is no JSON from line {} on", error.line()))?;
    let lists = COUNTED.iter().filter_map(|name| Some((*name, found.get(name)?.as_array()?)));
    let counts: BTreeMap<String, u64> = lists
        .map(|(name, list)| {
            let made = |one: &&Value| name == "vhosts" && one.get("name").and_then(Value::as_str) == Some("/");
            (name.to_string(), list.iter().filter(|one| !made(one)).count() as u64)
        })
        .collect();
    if counts.contains_key("users") { Ok(Some(counts)) } else { Err("it names no users, so these are no definitions".to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_counted() {
        let text = r#"{"users":[{"name":"a"}],"vhosts":[{"name":"/"},{"name":"shop"}],"queues":[{},{}],"bindings":[]}"#;
        let counts = definitions("", &mut text.as_bytes()).unwrap().unwrap();
        let wanted = [("bindings", 0), ("queues", 2), ("users", 1), ("vhosts", 1)].map(|(name, count)| (name.to_string(), count));
        assert_eq!(counts, BTreeMap::from(wanted));
        assert!(definitions("", &mut &text.as_bytes()[..40]).is_err());
        assert!(definitions("", &mut b"{}".as_slice()).is_err());
        assert!(whole("", b"{\"a\"", b"}]\n}\n").is_ok() && whole("", b"{\"a\"", b"[{").is_err() && whole("", b"", b"").is_err());
    }
}
