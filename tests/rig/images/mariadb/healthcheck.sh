#!/bin/sh
# --connect and --innodb_initialized of the official image's script: over TCP, where the server listens once it is ready.
set -e
for test; do
	case $test in
	--connect) query='SELECT 1' ;;
	--innodb_initialized) query="SELECT 1 FROM information_schema.ENGINES WHERE engine = 'innodb' AND support IN ('YES', 'DEFAULT')" ;;
	*) exit 2 ;;
	esac
	answer=$(mariadb --defaults-file=/var/lib/mysql/.my-healthcheck.cnf -h 127.0.0.1 --skip-column-names -e "$query")
	[ "$answer" = 1 ]
done
