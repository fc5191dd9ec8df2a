# shellcheck shell=bash
# Two image registries beside the engine, optional: an open one and one that asks for a login. They listen on
# the engine's own loopback, where engines speak to registries without TLS.

REGISTRY_OPEN=127.0.0.1:57$NET
REGISTRY_LOGIN=127.0.0.1:58$NET
REGISTRY_USER=rig
REGISTRY_PASSWORD=rig-registry-canary
# bcrypt of that password: the only form that the registry reads.
# shellcheck disable=SC2016
REGISTRY_HASH='$2b$04$Rmfr28piPJC4QsHiGTDP7.JHfOV1TC1cFySC7wTi9sAitknj/pwca'

registry() {
	point_where_an_engine_answers
	take_lock
	mkdir -p "$STATE/registry"
	unpack_registry
	printf '%s:%s\n' "$REGISTRY_USER" "$REGISTRY_HASH" >"$STATE/registry/htpasswd"
	start_registry open "$REGISTRY_OPEN"
	start_registry login "$REGISTRY_LOGIN" "auth: {htpasswd: {realm: rig, path: $STATE/registry/htpasswd}}"
}

point_where_an_engine_answers() {
	present_engine && return
	engine_answers || fail "no engine answers; run: rig.sh up"
	point_here
}

# Unpacked, not installed: the package would start a registry of its own.
unpack_registry() {
	[ -x "$STATE/registry/opt/usr/bin/docker-registry" ] && return
	local work=$STATE/registry/unpack
	rm -rf "$work" "$STATE/registry/opt"
	mkdir -p "$work"
	(cd "$work" && { apt-get -q download docker-registry >>"$LOG" 2>&1 || {
		run "update the package lists" apt-get -q update
		run "download the registry" apt-get -q download docker-registry
	}; })
	run "unpack the registry" dpkg-deb -x "$work"/docker-registry_*.deb "$STATE/registry/opt"
	rm -rf "$work"
}

start_registry() { # start_registry NAME ADDRESS [YAML]
	local name=$1 address=$2 folder=$STATE/registry pid
	if registry_answers "$address"; then return; fi
	mkdir -p "$RUN"
	cat >"$folder/$name.yml" <<-CONF
		version: 0.1
		log: {level: warn, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $folder/$name}, delete: {enabled: true}}
		http: {addr: "$address"}
		${3:-}
	CONF
	# The lock's descriptor is closed, for the registry would hold it as long as it lives.
	beside_the_engine setsid "$folder/opt/usr/bin/docker-registry" serve "$folder/$name.yml" \
		</dev/null >"$RUN/registry-$name.log" 2>&1 {LOCK_FD}<&- &
	pid=$!
	echo "$pid" >"$RUN/registry-$name.pid"
	local deadline=$((SECONDS + 20))
	until registry_answers "$address"; do
		alive "$pid" || fail_with_log "the registry ended" "$RUN/registry-$name.log"
		[ "$SECONDS" -lt "$deadline" ] || fail_with_log "the registry did not answer for 20 s" "$RUN/registry-$name.log"
		sleep 0.1
	done
	disown "$pid"
	say "registry $name answers at $address"
}

# In the engine's network: that of the rig, or the machine's own where the engine is the caller's.
beside_the_engine() {
	if [ "${DOCKER_HOST:-}" = "unix://$SOCKET" ]; then exec nsenter --net="/run/netns/$NAMESPACE" "$@"; fi
	exec "$@"
}

# Any answer will do; the one with a login says 401.
registry_answers() { # registry_answers ADDRESS
	(beside_the_engine bash -c 'exec 3<>"/dev/tcp/${1%:*}/${1#*:}"' _ "$1") 2>/dev/null
}

stop_registries() {
	local name pid
	for name in open login; do
		if pid=$(own_pid "$RUN/registry-$name.pid" "$STATE/registry/$name.yml"); then end_process "$pid" 5; fi
		rm -f "$RUN/registry-$name.pid"
	done
}

# For tests; set whether or not they are up, like the engine's socket.
print_registry_env() {
	printf 'export XTASK_RIG_REGISTRY=%q\n' "$REGISTRY_OPEN"
	printf 'export XTASK_RIG_REGISTRY_LOGIN=%q\n' "$REGISTRY_LOGIN"
	printf 'export XTASK_RIG_REGISTRY_USER=%q\n' "$REGISTRY_USER"
	printf 'export XTASK_RIG_REGISTRY_PASSWORD=%q\n' "$REGISTRY_PASSWORD"
}
