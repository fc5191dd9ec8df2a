#!/bin/bash
# The official image's contract: POSTGRES_USER, _PASSWORD, _DB (each also as _FILE), _INITDB_ARGS,
# _HOST_AUTH_METHOD, scripts in /docker-entrypoint-initdb.d, start as root or as any uid.
set -eu

# Sets a variable from itself, from the file that NAME_FILE names, or from a default.
from_file_or_default() { # from_file_or_default NAME [DEFAULT]
	local name=$1 file_name=$1_FILE
	if [ -n "${!name:-}" ] && [ -n "${!file_name:-}" ]; then
		echo >&2 "error: both $name and $file_name are set (but are exclusive)"
		exit 1
	fi
	if [ -n "${!file_name:-}" ]; then
		export "$name=$(<"${!file_name}")"
	elif [ -z "${!name:-}" ]; then
		export "$name=${2:-}"
	fi
	unset "$file_name"
}

initialize() {
	from_file_or_default POSTGRES_USER postgres
	from_file_or_default POSTGRES_PASSWORD
	from_file_or_default POSTGRES_DB "$POSTGRES_USER"
	from_file_or_default POSTGRES_INITDB_ARGS
	if [ -z "$POSTGRES_PASSWORD" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
		echo >&2 'Error: Database is uninitialized and superuser password is not specified.'
		exit 1
	fi
	# shellcheck disable=SC2086 # the arguments are meant to be split
	initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --encoding=UTF8 --locale=C.UTF-8 \
		$POSTGRES_INITDB_ARGS >/dev/null
	printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"

	# A private socket: on the public one a health check would already call the half-made database ready.
	pg_ctl -o "-c listen_addresses='' -c unix_socket_directories=/tmp" --wait start >/dev/null
	export PGHOST=/tmp PGPASSWORD="$POSTGRES_PASSWORD"
	local psql=(psql -v ON_ERROR_STOP=1 --username="$POSTGRES_USER" --no-password --no-psqlrc --quiet)
	if [ "$POSTGRES_DB" != postgres ]; then
		echo 'CREATE DATABASE :"db";' | "${psql[@]}" --dbname=postgres -v db="$POSTGRES_DB"
	fi
	local file
	for file in /docker-entrypoint-initdb.d/*; do
		case $file in
		*.sh)
			# shellcheck disable=SC1090 # whichever scripts are there
			if [ -x "$file" ]; then "$file"; else . "$file"; fi
			;;
		*.sql) "${psql[@]}" --dbname="$POSTGRES_DB" --file="$file" ;;
		*.sql.gz) gunzip --stdout "$file" | "${psql[@]}" --dbname="$POSTGRES_DB" ;;
		esac
	done
	unset PGHOST PGPASSWORD
	pg_ctl --mode=fast --wait stop >/dev/null
	echo 'PostgreSQL init process complete; ready for start up.'
}

if [ "${1#-}" != "$1" ]; then set -- postgres "$@"; fi
if [ "$1" = postgres ]; then
	mkdir -p "$PGDATA"
	chmod 700 "$PGDATA" || : # not ours when another uid was asked for
	if [ "$(id -u)" = 0 ]; then
		chown -R postgres:postgres "$PGDATA" /run/postgresql
		exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
	fi
	[ -s "$PGDATA/PG_VERSION" ] || initialize
fi
exec "$@"
