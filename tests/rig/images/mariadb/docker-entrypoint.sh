#!/bin/bash
# The official image's contract: MARIADB_ROOT_PASSWORD, _USER, _PASSWORD, _DATABASE (each also as _FILE and as
# MYSQL_...), start as root or as any uid.
set -eu
DATA=/var/lib/mysql

# Prints what a variable, its older name, or a file that one of them names holds.
setting() { # setting NAME
	local name file
	for name in "MARIADB_$1" "MYSQL_$1"; do
		file=${name}_FILE
		if [ -n "${!name:-}" ]; then
			echo "${!name}"
			return
		elif [ -n "${!file:-}" ]; then
			cat "${!file}"
			return
		fi
	done
}

initialize() {
	local root_password user password database health
	root_password=$(setting ROOT_PASSWORD)
	user=$(setting USER)
	password=$(setting PASSWORD)
	database=$(setting DATABASE)
	if [ -z "$root_password" ] && [ -z "${MARIADB_ALLOW_EMPTY_ROOT_PASSWORD:-}${MYSQL_ALLOW_EMPTY_PASSWORD:-}" ]; then
		echo >&2 'error: Database is uninitialized and password option is not specified'
		exit 1
	fi
	mariadb-install-db --datadir=$DATA --auth-root-authentication-method=normal --skip-test-db >/dev/null
	# One statement a line: so --bootstrap reads them.
	health=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	{
		echo 'FLUSH PRIVILEGES;'
		echo "CREATE USER healthcheck@'127.0.0.1' IDENTIFIED BY '$health';"
		echo "CREATE USER healthcheck@localhost IDENTIFIED BY '$health';"
		[ -z "$database" ] || echo "CREATE DATABASE \`$database\`;"
		[ -z "$user" ] || echo "CREATE USER '$user'@'%' IDENTIFIED BY '$password';"
		[ -z "$user" ] || [ -z "$database" ] || echo "GRANT ALL ON \`$database\`.* TO '$user'@'%';"
		echo "CREATE USER root@'%' IDENTIFIED BY '$root_password';"
		echo "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
		echo "ALTER USER root@localhost IDENTIFIED BY '$root_password';"
	} | mariadbd --bootstrap --datadir=$DATA
	printf '[client]\nuser=healthcheck\npassword=%s\n' "$health" >$DATA/.my-healthcheck.cnf
}

if [ "${1#-}" != "$1" ]; then set -- mariadbd "$@"; fi
if [ "$1" = mariadbd ]; then
	if [ "$(id -u)" = 0 ]; then
		find $DATA /run/mysqld \! -user mysql -exec chown mysql: '{}' +
		exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
	fi
	[ -d $DATA/mysql ] || initialize
fi
exec "$@"
