#!/bin/sh
# RABBITMQ_DEFAULT_USER and RABBITMQ_DEFAULT_PASS as in the official image; the management plugin is on.
set -e
if [ "$(id -u)" = 0 ]; then
	mkdir -p /var/lib/rabbitmq /var/log/rabbitmq
	chown -R rabbitmq:rabbitmq /var/lib/rabbitmq /var/log/rabbitmq
	exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups "$0" "$@"
fi
export RABBITMQ_LOGS=- RABBITMQ_CONFIG_FILE=/tmp/rabbitmq RABBITMQ_ENABLED_PLUGINS_FILE=/tmp/enabled_plugins
{
	echo 'loopback_users.guest = false'
	echo 'log.console = true'
	echo 'listeners.tcp.default = 5672'
	if [ -n "${RABBITMQ_DEFAULT_USER:-}" ]; then
		echo "default_user = $RABBITMQ_DEFAULT_USER"
		echo "default_pass = ${RABBITMQ_DEFAULT_PASS:?}"
	fi
} >/tmp/rabbitmq.conf
echo '[rabbitmq_management].' >/tmp/enabled_plugins
exec "$@"
