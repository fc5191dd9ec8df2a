# shellcheck shell=bash
# The images the tests name: pulled where a registry answers, else built under the same names.

# [FOLDER/]NAME:TAG; the folder images/NAME has the Dockerfile.
WANTED_IMAGES=(postgres:15 redis:7 nginx:1.22 node:18-bookworm-slim python:3.11-slim-bookworm)
OPTIONAL_IMAGES=(rabbitmq:3.10 mariadb:10.11 prom/prometheus:v2.42.0)

NPM_VERSION=10.9.2
NPM_SHA256=5cd1e5ab971ea6333f910bc2d50700167c5ef4e66da279b2a3efc874c6b116e4

ensure_images() {
	local image wanted images absent=()
	wanted=$(wanted_images)
	mapfile -t images <<<"$wanted"
	for image in "${images[@]}"; do image_current "$image" || absent+=("$image"); done
	[ ${#absent[@]} -gt 0 ] || return 0
	# Our own engine never pulls: without a registry that is slow, and its images should be the same everywhere.
	if ! own_engine_used; then
		images=("${absent[@]}")
		absent=()
		for image in "${images[@]}"; do pull_image "$image" || absent+=("$image"); done
		[ ${#absent[@]} -gt 0 ] || return 0
		require_bookworm_root "build ${absent[*]}, which could not be pulled"
		take_lock
	fi
	build_images "${absent[@]}"
}

wanted_images() {
	local optional
	printf '%s\n' "${WANTED_IMAGES[@]}"
	for optional in ${RIG_IMAGES:-}; do
		printf '%s\n' "${OPTIONAL_IMAGES[@]}" | grep -E "(^|/)$optional:" || fail "RIG_IMAGES: no image is called $optional"
	done
}

# A built image is current while its recipe is the one that stands here. A pulled one has no recipe.
image_current() { # image_current IMAGE
	local recipe
	recipe=$(docker image inspect -f '{{index .Config.Labels "rig.recipe"}}' "$1" 2>/dev/null) || return 1
	[ -z "$recipe" ] || [ "$recipe" = "$(recipe_of "$1")" ]
}

recipe_of() { cat "$HERE/lib/root.sh" "$HERE/images/$(name_of "$1")"/* | sha256sum | cut -c 1-12; }

# prom/prometheus:v2 is prometheus.
name_of() { local name=${1%%:*} && echo "${name##*/}"; }

pull_image() {
	docker pull -q "$1" >/dev/null 2>&1 || { say "could not pull $1"; return 1; }
	say "pulled $1"
}

# The roots one after another, for most images share one; then the thin images at once.
build_images() { # build_images IMAGE...
	local image base pid builds=()
	# 20.10 has BuildKit but asks for it; another engine's client may lack its plugin, so there its default holds.
	if own_engine_used; then export DOCKER_BUILDKIT=1; fi
	for image; do
		base=$(root_of "$(name_of "$image")")
		build_image "$image" "$base" &
		builds+=($!)
	done
	for pid in "${builds[@]}"; do wait "$pid" || fail "not every image could be built"; done
}

build_image() { # build_image IMAGE ROOT
	local image=$1 base=$2 name
	name=$(name_of "$image")
	local context=$STATE/context-$name
	rm -rf "$context"
	cp -r "$HERE/images/$name" "$context"
	[ "$name" != node ] || fetch_npm "$context/npm.tgz"
	# The default builder: one in a container of its own would look for the root image in a registry.
	BUILDX_BUILDER=default run "build $image" \
		docker build --build-arg "ROOT=$base" --label "rig.recipe=$(recipe_of "$image")" -t "$image" "$context"
	rm -rf "$context"
	say "built $image"
}

# Builds the root image that NAME stands on, if need be, and prints its name.
root_of() { # root_of NAME
	local packages=("${COMMON_PACKAGES[@]}") image
	case $1 in
	rabbitmq) image=rig/rabbitmq-root packages+=("${RABBITMQ_PACKAGES[@]}") ;;
	mariadb) image=rig/mariadb-root packages+=("${MARIADB_PACKAGES[@]}") ;;
	prometheus) image=rig/prometheus-root packages+=("${PROMETHEUS_PACKAGES[@]}") ;;
	*) image=rig/root packages+=("${SERVER_PACKAGES[@]}") ;;
	esac
	image=$image:$(sha256sum "$HERE/lib/root.sh" | cut -c 1-12)
	docker image inspect "$image" >/dev/null 2>&1 || build_root "$image" "${packages[@]}"
	echo "$image"
}

# The images get the registry's npm, one package; Debian's, some 400, only fetches it where the host has none.
fetch_npm() { # fetch_npm FILE
	local cached=$STATE/npm-$NPM_VERSION.tgz
	if [ ! -s "$cached" ]; then
		install_missing npm:npm
		(cd "$STATE" && run "fetch npm" npm pack --silent "npm@$NPM_VERSION")
	fi
	echo "$NPM_SHA256  $cached" | sha256sum --check --status || { rm -f "$cached"; fail "npm $NPM_VERSION has another checksum than expected"; }
	cp "$cached" "$1"
}
