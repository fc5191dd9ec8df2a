# shellcheck shell=bash
# Messages, failures, the lock. Nothing here knows Docker.

STARTED_NS=$(date +%s%N)

say() { printf 'rig: [%5d ms] %s\n' $((($(date +%s%N) - STARTED_NS) / 1000000)) "$*" >&2; }

fail() {
	printf 'rig: error: %s\n' "$*" >&2
	exit 1
}

# Runs a command quietly. Its output goes to the log; a failure names the step, the log and its last lines.
run() { # run STEP COMMAND...
	local step=$1
	shift
	printf '\n## %s: %s\n' "$step" "$*" >>"$LOG"
	"$@" >>"$LOG" 2>&1 || fail_with_log "$step failed" "$LOG"
}

fail_with_log() { # fail_with_log WHAT LOGFILE
	tail -n 15 "$2" | sed 's/^/rig:   | /' >&2
	fail "$1; the log is $2"
}

# What no `run` caught still says where it happened.
trap '[ "$BASH_SUBSHELL" != 0 ] || printf "rig: stopped at line %s of %s: %s\n" "$LINENO" "${BASH_SOURCE[0]##*/}" "$BASH_COMMAND" >&2' ERR

# The lock is the state folder itself: no extra file, and `--purge` leaves nothing behind.
# Whoever waited while it was purged holds a deleted folder, hence the second look.
take_lock() {
	[ -z "${LOCK_FD:-}" ] || return 0
	while :; do
		mkdir -p "$STATE"
		exec {LOCK_FD}<"$STATE"
		if ! flock --nonblock "$LOCK_FD"; then
			say "waiting for another rig.sh on $STATE"
			flock --timeout 600 "$LOCK_FD" || fail "another rig.sh has held $STATE for ten minutes"
		fi
		[ "$STATE" -ef "/proc/self/fd/$LOCK_FD" ] && break
		exec {LOCK_FD}<&-
	done
	mark_state
}

# Only a folder with the mark is ever stopped or deleted; only an empty one is taken over.
mark_state() {
	[ -e "$STATE/.xtask-rig" ] && return
	[ -z "$(ls -A "$STATE")" ] || fail "$STATE is not empty and no rig; choose another folder with RIG="
	: >"$STATE/.xtask-rig"
}

purge() {
	local mountpoint
	# Deepest first: a storage driver's leftovers sit on top of each other.
	awk -v prefix="$STATE/" 'index($5, prefix) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
		while read -r mountpoint; do umount -l "$mountpoint"; done
	rm -rf --one-file-system "$STATE"
}
