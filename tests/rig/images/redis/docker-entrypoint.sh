#!/bin/sh
set -e
case ${1:-} in
-* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
	if [ "$(id -u)" = 0 ]; then
		find . \! -user redis -exec chown redis '{}' +
		exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
	fi
	# The official image is compiled without protected mode, Debian's package with it.
	case "$*" in
	*protected-mode* | *--version* | *--help*) ;;
	*) set -- "$@" --protected-mode no ;;
	esac
fi
exec "$@"
