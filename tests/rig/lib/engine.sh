# shellcheck shell=bash
# The engine: one that answers already, or our own from Debian packages.

COMPOSE_AT_LEAST=2.20

# Succeeds when the caller's environment reaches an engine that will do. A client alone is not an engine.
present_engine() {
	local server compose
	! own_engine_used || return 1
	command -v docker >/dev/null || return 1
	server=$(timeout 10 docker version -f '{{.Server.Version}}' 2>/dev/null) || return 1
	if [ -n "$ENGINE_CHOSEN" ] && [[ $server != "$ENGINE_CHOSEN".* ]]; then
		say "the engine that answers is $server, not $ENGINE_CHOSEN: not used"
		return 1
	fi
	compose=$(timeout 10 docker compose version --short 2>/dev/null) || compose=0
	compose=${compose#v}
	if [ "$(printf '%s\n' "$COMPOSE_AT_LEAST" "$compose" | sort -V | head -n 1)" != "$COMPOSE_AT_LEAST" ]; then
		say "the engine that answers ($server) has no Compose >= $COMPOSE_AT_LEAST: not used"
		return 1
	fi
}

# Ours is no engine of the caller's, even when the caller's environment points at it after `env`.
own_engine_used() { [ "${DOCKER_HOST:-}" = "unix://$SOCKET" ]; }

point_here() {
	export DOCKER_HOST=unix://$SOCKET DOCKER_CONFIG=$STATE/config PATH=$STATE/bin:$PATH
	unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_TLS DOCKER_CERT_PATH DOCKER_API_VERSION
}

own_docker() { (point_here && exec docker "$@"); }
engine_answers() { [ -x "$STATE/bin/docker" ] && own_docker version >/dev/null 2>&1; }

raise_engine() {
	# The path of a socket has at most 107 bytes, and the engine makes longer ones than its own.
	[ ${#STATE} -le 60 ] || fail "the folder's path is too long for sockets: $STATE; choose another with RIG="
	# strace is not the rig's need but that of the crash tests, which run on the same machines.
	install_missing ip:iproute2 iptables:iptables nsenter:util-linux setsid:util-linux strace:strace
	if engine_answers && network_whole; then return; fi
	network_up
	unpack_engine
	start_engine
}

# Compose and buildx are sid's for every engine: they run on bookworm, and older ones lack what the tests
# need (Compose 2.26 refuses newer keys; `compose build` of 2.40 wants buildx 0.17). runc is bookworm's for
# every engine: the newer ones need glibc 2.38.
unpack_engine() {
	[ -x "$STATE/bin/dockerd" ] && return
	local packages=("docker.io/$ENGINE_SUITE" "containerd/$ENGINE_SUITE" runc/bookworm tini/bookworm docker-compose/sid docker-buildx/sid)
	[ "$ENGINE_SUITE" = bookworm ] || packages+=("docker-cli/$ENGINE_SUITE") # bookworm has the client in docker.io
	local work=$STATE/unpack suites
	rm -rf "$work"
	mkdir -p "$work"/{debs,opt}
	mapfile -t suites < <(printf '%s\n' bookworm sid "$ENGINE_SUITE" | sort -u)
	private_apt "$work/apt" "${suites[@]}"
	(cd "$work/debs" && APT_CONFIG=$work/apt/apt.conf run "download the engine" apt-get -q download "${packages[@]}")
	say "downloaded the engine"
	printf '%s\0' "$work"/debs/*.deb | run "unpack the engine" xargs -0 -P "$(nproc)" -I DEB dpkg-deb -x DEB "$work/opt"
	check_engine "$work/opt/usr/sbin/dockerd"

	rm -rf "$STATE/opt" "$STATE/config"
	mv "$work/opt" "$STATE/opt"
	rm -rf "$work"
	mkdir -p "$STATE"/{bin,config/cli-plugins}
	ln -sf "$STATE"/opt/usr/libexec/docker/cli-plugins/* "$STATE/config/cli-plugins/"
	ln -sf "$STATE"/opt/usr/bin/{docker,containerd,containerd-shim-runc-v2,ctr} "$STATE/opt/usr/sbin/docker-proxy" "$STATE/opt/usr/sbin/runc" "$STATE/bin/"
	ln -sf "$STATE/opt/usr/bin/tini-static" "$STATE/bin/docker-init"
	ln -sf "$STATE/opt/usr/sbin/dockerd" "$STATE/bin/" # last: its presence says that all is there
	say "unpacked the engine"
}

# The suites move on; another version under this name would make every measured fact wrong.
check_engine() { # check_engine DOCKERD
	local version
	version=$("$1" --version 2>&1) || fail "Debian $ENGINE_SUITE's dockerd does not run on this machine: $version; choose another ENGINE"
	[[ $version == "Docker version $ENGINE."* ]] ||
		fail "Debian $ENGINE_SUITE now has '$version', so ENGINE=$ENGINE cannot be had; choose another ENGINE"
}

start_engine() {
	local pid
	mkdir -p "$RUN"
	[ -e "$STATE/daemon.json" ] || echo '{}' >"$STATE/daemon.json" # else the machine's own would be read
	if pid=$(own_pid "$RUN/docker.pid" "$SOCKET"); then
		fail_with_log "an engine of ours runs (pid $pid) but does not answer; take it down first" "$RUN/dockerd.log"
	fi
	# A number in a pid file can be some other program's after a restart of the machine.
	rm -f "$RUN/docker.pid" "$SOCKET"
	own_pid "$RUN/exec/containerd/containerd.pid" "$RUN/exec/" >/dev/null || rm -f "$RUN/exec/containerd/containerd.pid"
	# nsenter, not `ip netns exec`: that one mounts a fresh /sys, which hides the cgroups.
	# The lock's descriptor is closed, for the engine would hold it as long as it lives.
	(
		point_here
		exec setsid nsenter --net="/run/netns/$NAMESPACE" dockerd --config-file "$STATE/daemon.json" \
			--data-root "$STATE/data" --exec-root "$RUN/exec" --pidfile "$RUN/docker.pid" -H "unix://$SOCKET"
	) </dev/null >"$RUN/dockerd.log" 2>&1 {LOCK_FD}<&- &
	pid=$!
	local deadline=$((SECONDS + 60))
	until engine_answers; do
		alive "$pid" || fail_with_log "dockerd ended" "$RUN/dockerd.log"
		[ "$SECONDS" -lt "$deadline" ] || fail_with_log "dockerd did not answer for 60 s" "$RUN/dockerd.log"
		sleep 0.1
	done
	disown "$pid"
	say "engine $(own_docker version -f '{{.Server.Version}}') answers"
}

# Prints the pid in a file if that process is alive and has OURS in its command line.
own_pid() { # own_pid FILE OURS
	local pid
	pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] || return 1
	{ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF -- "$2" || return 1
	echo "$pid"
}

stop_engine() {
	local pid containers
	if engine_answers; then
		mapfile -t containers < <(own_docker ps -q)
		if [ ${#containers[@]} -gt 0 ]; then
			run "stop the containers" own_docker stop "${containers[@]}"
			say "stopped ${#containers[@]} containers"
		fi
	fi
	if pid=$(own_pid "$RUN/docker.pid" "$SOCKET"); then end_process "$pid" 30; fi
	# What a killed engine left: the containers' processes, their shims, containerd.
	local shims shim children
	mapfile -t shims < <(own_shims)
	for shim in "${shims[@]}"; do
		# Each thread has its own list; the container's process hangs on any of them.
		mapfile -t children < <(cat "/proc/$shim"/task/*/children 2>/dev/null | xargs -r printf '%s\n')
		for pid in "${children[@]}"; do end_process "$pid" 10; done
		end_process "$shim" 2
	done
	if pid=$(own_pid "$RUN/exec/containerd/containerd.pid" "$RUN/exec/"); then end_process "$pid" 10; fi
	rm -rf "$RUN/docker.pid" "$SOCKET"
}

# The socket in its command line tells our shim from another engine's.
own_shims() {
	local folder
	for folder in /proc/[0-9]*; do
		[[ $(cat "$folder/comm" 2>/dev/null) == containerd-shim* ]] || continue
		if tr '\0' ' ' <"$folder/cmdline" 2>/dev/null | grep -qF -- "$RUN/exec/containerd/containerd.sock"; then
			echo "${folder#/proc/}"
		fi
	done
}

end_process() { # end_process PID SECONDS: asks, waits, insists
	local tenths=$(($2 * 10))
	kill "$1" 2>/dev/null || return 0
	while alive "$1"; do
		if [ "$tenths" -le 0 ]; then
			kill -KILL "$1" 2>/dev/null || :
			return 0
		fi
		tenths=$((tenths - 1))
		sleep 0.1
	done
}

# A zombie is over, although whoever has to reap it may be slow.
alive() { [ -d "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
