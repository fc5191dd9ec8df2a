# shellcheck shell=bash
# rclone, optional: a server of repositories elsewhere. It is unpacked, not installed: the machine stays as it is.

rclone() {
	[ -x "$STATE/rclone/usr/bin/rclone" ] && return
	command -v apt-get >/dev/null || fail "rclone: this machine has no apt; install it, and it is used"
	mkdir -p "$STATE"
	local work=$STATE/rclone.unpack
	rm -rf "$work" "$STATE/rclone"
	mkdir -p "$work"
	(cd "$work" && { apt-get -q download rclone >>"$LOG" 2>&1 || {
		run "update the package lists" apt-get -q update
		run "download rclone" apt-get -q download rclone
	}; })
	run "unpack rclone" dpkg-deb -x "$work"/rclone_*.deb "$work/out"
	mv "$work/out" "$STATE/rclone"
	rm -rf "$work"
}

print_rclone_env() {
	printf "export PATH=%q:\"\$PATH\"\n" "$STATE/rclone/usr/bin"
}
