#!/bin/bash
# A real Docker engine with real images for the tests, also where no image registry can be reached.
# `rig.sh help` lists the commands; README.md beside this file has the facts and the limits.
set -Eeuo pipefail

PATH=$PATH:/usr/sbin:/sbin # `su` without a dash leaves them out
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ENGINE_CHOSEN=${ENGINE:-}
ENGINE=${ENGINE:-26}

# Every version has a folder, a namespace and an uplink network of its own, so that they can run side by side.
case $ENGINE in
20.10) suite=bookworm default_net=96 ;;
26) suite=trixie default_net=97 ;;
28) suite=sid default_net=98 ;;
*)
	echo "rig: ENGINE=$ENGINE is unknown; choose 20.10, 26 or 28" >&2
	exit 2
	;;
esac
ENGINE_SUITE=$suite
STATE=${RIG:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/xtask-rig-$ENGINE}
NAMESPACE=${RIG_NS:-xtask-rig-$ENGINE}
NET=${RIG_NET:-$default_net}
RUN=$STATE/run
SOCKET=$RUN/docker.sock
LOG=$STATE/rig.log

# shellcheck source=lib/common.sh
. "$HERE/lib/common.sh"
# shellcheck source=lib/debian.sh
. "$HERE/lib/debian.sh"
# shellcheck source=lib/network.sh
. "$HERE/lib/network.sh"
# shellcheck source=lib/engine.sh
. "$HERE/lib/engine.sh"
# shellcheck source=lib/root.sh
. "$HERE/lib/root.sh"
# shellcheck source=lib/images.sh
. "$HERE/lib/images.sh"
# shellcheck source=lib/registry.sh
. "$HERE/lib/registry.sh"
# shellcheck source=lib/rclone.sh
. "$HERE/lib/rclone.sh"

usage() {
	cat <<-'TEXT'
		usage: rig.sh COMMAND
		  up               use the engine that answers, else raise one; then make sure of the images
		  env              print the exports that point docker, docker compose and other clients at it
		  images           make sure of the images only
		  registry         make sure of two image registries beside the engine; prints where they answer
		  rclone           make sure of rclone; prints where it is
		  exec CMD...      run CMD with those exports, inside the engine's network namespace
		  down [--purge]   stop the raised engine and its containers; --purge deletes its folder too
		environment:
		  ENGINE=20.10|26|28     engine version (26); when set, an engine of another version is not used
		  RIG_IMAGES='NAME ...'  further images: rabbitmq, mariadb, prometheus
		  RIG, RIG_NS, RIG_NET   folder, namespace, and N of the uplink 10.77.N.0/30 of the raised engine
	TEXT
}

up() {
	if present_engine; then
		say "using the engine that answers: $(docker version -f '{{.Server.Version}}')"
	else
		require_bookworm_root "raise an engine"
		take_lock
		raise_engine
		point_here
	fi
	ensure_images
}

images() {
	present_engine || { engine_answers || fail "no engine answers; run: rig.sh up"; point_here; }
	ensure_images
}

# Prints nothing to run when the caller's own engine is used: the environment is right already.
print_env() {
	if present_engine; then
		echo "# the engine that answers already is used"
		return
	fi
	engine_answers || say "the rig is not up yet; run: rig.sh up"
	printf 'export DOCKER_HOST=%q\n' "unix://$SOCKET"
	printf 'export DOCKER_CONFIG=%q\n' "$STATE/config"
	# Published ports answer at this address; 127.0.0.1 is that of the namespace, see README.
	printf 'export XTASK_RIG_HOST=%q\n' "10.77.$NET.2"
	printf "export PATH=%q:\"\$PATH\"\n" "$STATE/bin"
	if [ -n "${DOCKER_CONTEXT:-}${DOCKER_TLS_VERIFY:-}${DOCKER_TLS:-}${DOCKER_CERT_PATH:-}${DOCKER_API_VERSION:-}" ]; then
		echo 'unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_TLS DOCKER_CERT_PATH DOCKER_API_VERSION'
	fi
}

exec_inside() {
	[ $# -gt 0 ] || fail "exec: which command?"
	present_engine && exec "$@"
	engine_answers || fail "no engine answers; run: rig.sh up"
	point_here
	export XTASK_RIG_HOST=127.0.0.1
	exec nsenter --net="/run/netns/$NAMESPACE" "$@"
}

down() {
	if [ ! -e "$STATE/.xtask-rig" ]; then
		say "nothing to take down: $STATE is not a rig"
		return
	fi
	take_lock
	stop_registries
	stop_engine
	network_down
	say "down"
	if [ "${1:-}" = --purge ]; then
		purge
		say "deleted $STATE"
	fi
}

case ${1:-help} in
up) up ;;
env) print_env ;;
images) images ;;
registry) registry && print_registry_env ;;
rclone) rclone && print_rclone_env ;;
exec) shift && exec_inside "$@" ;;
down)
	case ${2:-} in
	'' | --purge) down "${2:-}" ;;
	*) usage >&2 && exit 2 ;;
	esac
	;;
help | -h | --help) usage ;;
*) usage >&2 && exit 2 ;;
esac
