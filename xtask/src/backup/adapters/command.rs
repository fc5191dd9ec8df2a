//! A command that a label or the settings name: what it says on its standard output is the dump.

use super::{Adapter, COMMAND, Revive};

pub static ADAPTER: Adapter = Adapter {
    kind: COMMAND,
    programs: &[],
    login: LOGIN,
    survey: "echo 'client command'\necho 'what output'\n",
    dump: DUMP,
    prove: |_| None,
    whole: |_, _, _| Ok(()),
    least: 1,
    scan: None,
    password_option: None,
};

/// Only where a second command is named that reads the dump; the container starts as its image says.
pub static REVIVE: Revive = Revive {
    kind: COMMAND,
    env: &[],
    password: "XTASK_UNUSED",
    program: None,
    ready: "exit 0",
    restore: "run \"$XTASK_RESTORE\" >/dev/null\n",
    count: "echo \"$XTASK_MARK exit 0\" >&2\n",
    order: |_| 0,
};

/// Shells that cannot tell whether a part of a pipe has failed are not trusted with one.
const LOGIN: &str = r#"set -eu
if (set -o pipefail) 2>/dev/null; then
    run() ( set +u; set -eo pipefail; eval "$1" )
elif command -v bash >/dev/null; then
    run() { XTASK_RUN=$1 bash -c 'set -eo pipefail; eval "$XTASK_RUN"'; }
else
    run() ( set +u; set -e; eval "$1" )
    case $(printf '%s' "${XTASK_COMMAND:-}${XTASK_RESTORE:-}" | sed 's/||//g') in
    *'|'*) echo "the shell of the container does not tell when a part of a pipe fails: it needs bash, or a command without one" >&2; exit 1 ;;
    esac
fi
"#;

const DUMP: &str = r#"set +e
run "$XTASK_COMMAND"
code=$?
echo "$XTASK_MARK exit $code" >&2
exit $code
"#;
