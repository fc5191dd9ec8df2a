#!/bin/bash
# Raises the rig, uses it as the tests do, takes it down again. ENGINE and the RIG variables apply; without RIG
# it works in a folder of its own, so that a rig in use is not disturbed. Not meant for a machine's own engine.
# shellcheck disable=SC2154 # `timed` sets the variables that end in _ms
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export ENGINE=${ENGINE:-26}
export RIG=${RIG:-/tmp/xtask-rig-selftest-$ENGINE}
export RIG_NS=${RIG_NS:-xtask-selftest-$ENGINE}
case $ENGINE in 20.10) net=93 ;; 26) net=94 ;; *) net=95 ;; esac
export RIG_NET=${RIG_NET:-$net}
unset DOCKER_HOST DOCKER_CONTEXT
rig=$HERE/rig.sh
project="rig-selftest"
work=$(mktemp -d)

passed=0
ok() {
	passed=$((passed + 1))
	echo "ok $passed - $*"
}
die() {
	echo "not ok - $*" >&2
	exit 1
}
timed() { # timed VARIABLE COMMAND...: milliseconds
	local -n result=$1
	local start
	shift
	start=$(date +%s%N)
	"$@"
	# shellcheck disable=SC2034 # it is the caller's
	result=$((($(date +%s%N) - start) / 1000000))
}
wait_for() { # wait_for SECONDS COMMAND...
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.2
	done
}
clean_up() {
	rm -rf "$work"
	"$rig" down --purge || echo "the rig is left at $RIG" >&2
}

"$rig" down --purge
trap clean_up EXIT

timed cold_ms "$rig" up
ok "cold up: $cold_ms ms"
timed warm_ms "$rig" up
[ "$warm_ms" -lt 1000 ] || die "up when up took $warm_ms ms"
ok "up when up: $warm_ms ms"
eval "$("$rig" env)"

# The engine and its clients.
version=$(docker version -f '{{.Server.Version}}')
[[ $version == "$ENGINE".* ]] || die "engine is $version"
ok "engine $version, $(docker compose version), cgroup v$(docker info -f '{{.CgroupVersion}}')"
[ "$(curl -s --unix-socket "${DOCKER_HOST#unix://}" http://engine/_ping)" = OK ] || die "no answer over the socket"
ok "the API answers over DOCKER_HOST"

# A database with a health check; limits that must be enforced; a wrong password that must be refused.
docker run -d --name "$project-db" --network bridge -e POSTGRES_PASSWORD=right --memory 256m --cap-drop ALL --user 999:999 --read-only \
	--tmpfs /tmp --tmpfs /run/postgresql:mode=1777 --health-cmd 'pg_isready -U postgres' --health-interval 300ms postgres:15 >/dev/null
healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = healthy ]; }
timed db_ms wait_for 30 healthy "$project-db" || die "postgres did not become healthy: $(docker logs --tail 20 "$project-db" 2>&1)"
ok "postgres, hardened, healthy after $db_ms ms"
address=$(docker inspect -f '{{.NetworkSettings.IPAddress}}' "$project-db")
answer=$(docker exec -e PGPASSWORD=right "$project-db" psql -h "$address" -U postgres -Atc 'select 6*7')
[ "$answer" = 42 ] || die "postgres answered '$answer'"
if docker exec -e PGPASSWORD=wrong "$project-db" psql -h "$address" -U postgres -c 'select 1' >/dev/null 2>&1; then die "a wrong password was taken"; fi
ok "postgres takes the right password and refuses a wrong one"
code=0
docker run --rm --memory 32m --memory-swap 32m python:3.11-slim-bookworm python -c 'bytearray(200 << 20)' >/dev/null 2>&1 || code=$?
[ "$code" = 137 ] || die "the memory limit gave exit code $code"
ok "the memory limit is enforced"

# Two services, one of them built here with a package from the registry where one can be reached.
mkdir "$work/app"
cat >"$work/app/package.json" <<'JSON'
{ "name": "app", "version": "1.0.0", "private": true, "dependencies": { "redis-parser": "3.0.0" } }
JSON
cat >"$work/app/server.js" <<'JS'
const net = require('net'), http = require('http');
http.createServer((request, response) => {
  const socket = net.connect(6379, 'cache', () => socket.write('PING\r\n'));
  socket.on('data', data => { response.end(String(data)); socket.end(); });
  socket.on('error', error => { response.statusCode = 503; response.end(String(error)); });
}).listen(3000);
JS
cat >"$work/app/Dockerfile" <<'DOCKERFILE'
FROM node:18-bookworm-slim
WORKDIR /app
COPY . .
RUN npm install --no-audit --no-fund && npm ls redis-parser
USER node
CMD ["node", "server.js"]
DOCKERFILE
cat >"$work/compose.yaml" <<'YAML'
name: rig-selftest
services:
  cache:
    image: redis:7
    healthcheck: { test: [CMD, redis-cli, ping], interval: 1s }
  app:
    build: app
    depends_on: { cache: { condition: service_healthy } }
    ports: ["18080:3000"]
    healthcheck: { test: [CMD, curl, -fsS, "http://127.0.0.1:3000/"], interval: 1s }
YAML
compose() { docker compose -f "$work/compose.yaml" "$@" </dev/null; }
timed compose_ms compose up --wait --build --quiet-pull >"$work/compose.log" 2>&1 || { cat "$work/compose.log"; die "compose up failed"; }
ok "compose built and started two services: $compose_ms ms"
[ "$(curl -s "http://$XTASK_RIG_HOST:18080/")" = +PONG$'\r' ] || die "the published port did not answer at $XTASK_RIG_HOST"
[ "$("$rig" exec curl -s "http://127.0.0.1:18080/")" = +PONG$'\r' ] || die "the published port did not answer inside"
ok "the published port answers at \$XTASK_RIG_HOST, and at 127.0.0.1 inside"
docker run -d --name "$project-web" --user 65532 --read-only --tmpfs /tmp --tmpfs /var/lib/nginx --tmpfs /var/log/nginx nginx:1.22 >/dev/null
wait_for 10 docker exec "$project-web" curl -fsS -o "/dev/null" http://127.0.0.1:8080/healthz 2>/dev/null || die "nginx did not answer"
ok "nginx answers as uid 65532 on a read-only root"

# Registries: the open one takes an image, the other one only with a login.
eval "$("$rig" registry)"
mkdir "$work/small"
printf 'FROM scratch\nCOPY Dockerfile /\n' >"$work/small/Dockerfile"
for registry in "$XTASK_RIG_REGISTRY" "$XTASK_RIG_REGISTRY_LOGIN"; do docker build -q -t "$registry/small:1" "$work/small" >/dev/null; done
docker push -q "$XTASK_RIG_REGISTRY/small:1" >/dev/null || die "the open registry took no image"
if docker push -q "$XTASK_RIG_REGISTRY_LOGIN/small:1" >/dev/null 2>&1; then die "a push without a login was taken"; fi
docker login -u "$XTASK_RIG_REGISTRY_USER" --password-stdin "$XTASK_RIG_REGISTRY_LOGIN" <<<"$XTASK_RIG_REGISTRY_PASSWORD" >/dev/null 2>&1
docker push -q "$XTASK_RIG_REGISTRY_LOGIN/small:1" >/dev/null || die "a push with the login was refused"
docker logout "$XTASK_RIG_REGISTRY_LOGIN" >/dev/null
ok "the registries take images, one of them with the login only"

# A killed engine: its containers live on, and their data is found again.
kill_engine() {
	kill -KILL "$(cat "$RIG/run/docker.pid")"
	wait_for 10 eval '! docker version >/dev/null 2>&1'
}
container_pid() { docker inspect -f '{{.State.Pid}}' "$1"; }
pid=$(container_pid "$project-db")
kill_engine
[ -e "/proc/$pid" ] || die "the container died with its engine"
timed again_ms "$rig" up
docker start "$project-db" >/dev/null
wait_for 30 healthy "$project-db" || die "postgres did not become healthy again"
ok "up after SIGKILL of dockerd: $again_ms ms"

pid=$(container_pid "$project-db")
kill_engine
"$rig" down
[ ! -e "/proc/$pid" ] || die "down left a container of a killed engine running"
ok "down also ends what a killed engine left"
# What a restart of the machine leaves: no processes, a name without a namespace, pid files of others.
touch "/run/netns/$RIG_NS"
mkdir -p "$RIG/run/exec/containerd"
echo $$ | tee "$RIG/run/docker.pid" >"$RIG/run/exec/containerd/containerd.pid"
ip link add "rig$RIG_NET" type veth peer name "old$RIG_NET"
ip link set "rig$RIG_NET" alias "$RIG"
timed stale_ms "$rig" up
ok "up over stale leftovers: $stale_ms ms"

# Two at once, over nothing.
"$rig" down
"$rig" up &
first=$!
"$rig" up
wait "$first"
[ "$(pgrep -fc "dockerd .*--data-root $RIG/data")" = 1 ] || die "not exactly one engine"
ok "two calls of up at once raise one engine"

compose up --wait >/dev/null 2>&1
"$rig" registry >/dev/null
timed down_ms "$rig" down
left=$(pgrep -f "$RIG/(run|registry)/" || :)
[ -z "$left" ] || die "processes left: $left"
[ ! -e "/run/netns/$RIG_NS" ] || die "the namespace is left"
if ip link show "rig$RIG_NET" >/dev/null 2>&1; then die "the uplink is left"; fi
if { iptables -S; iptables -t nat -S; } | grep -F -e "rig$RIG_NET" -e "10.77.$RIG_NET."; then die "iptables rules are left"; fi
ok "down left no process, namespace, link or rule: $down_ms ms"
"$rig" down --purge
[ ! -e "$RIG" ] || die "the folder is left"
ok "purged"
trap - EXIT
rm -rf "$work"
echo "engine $version: cold $cold_ms ms, warm $warm_ms ms, compose $compose_ms ms, after SIGKILL $again_ms ms, after a restart $stale_ms ms, down $down_ms ms"
