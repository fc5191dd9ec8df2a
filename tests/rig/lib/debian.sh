# shellcheck shell=bash
# Debian packages: the machine's own, and private apt folders that leave the machine's sources alone.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

require_bookworm_root() { # require_bookworm_root WHAT
	local codename
	codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}") || codename=
	if [ "$codename" != bookworm ] || [ "$(id -u)" != 0 ]; then
		fail "cannot $1: that needs Debian 12 and root; elsewhere start a Docker engine with Compose 2.20 or later first"
	fi
}

# Installs only what is missing, so that a prepared machine needs no network here.
install_missing() { # install_missing COMMAND:PACKAGE...
	local pair packages=()
	for pair; do
		command -v "${pair%%:*}" >/dev/null || packages+=("${pair#*:}")
	done
	[ ${#packages[@]} -gt 0 ] || return 0
	run "update the package lists" apt-get -q update
	DEBIAN_FRONTEND=noninteractive run "install ${packages[*]}" \
		apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${packages[@]}"
	say "installed ${packages[*]}"
}

# The mirror that this machine was given, in either format of its sources.
debian_mirror() {
	local mirror
	mirror=$(known_mirror)
	if [ -z "$mirror" ]; then # no lists yet: what they are is only known after an update
		run "update the package lists" apt-get -q update
		mirror=$(known_mirror)
	fi
	[ -n "$mirror" ] || fail "no Debian bookworm mirror in this machine's apt sources"
	echo "$mirror"
}

known_mirror() {
	# shellcheck disable=SC2016 # apt fills that in
	apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' 'Codename: bookworm' | head -n 1
}

# An apt that believes nothing is installed: `install --download-only` then fetches every dependency.
private_apt() { # private_apt FOLDER SUITE...
	local folder=$1 mirror suite
	shift
	mirror=$(debian_mirror)
	mkdir -p "$folder"/{state/lists/partial,cache/archives/partial,none}
	: >"$folder/status"
	for suite; do echo "deb [signed-by=$KEYRING] $mirror $suite main"; done >"$folder/sources.list"
	cat >"$folder/apt.conf" <<-CONF
		Dir::State "$folder/state";
		Dir::State::Lists "$folder/state/lists";
		Dir::State::Status "$folder/status";
		Dir::Cache "$folder/cache";
		Dir::Cache::Archives "$folder/cache/archives";
		Dir::Etc::SourceList "$folder/sources.list";
		Dir::Etc::SourceParts "$folder/none";
		Dir::Etc::Preferences "$folder/none/preferences";
		Dir::Etc::PreferencesParts "$folder/none";
		APT::Sandbox::User "root";
		APT::Install-Recommends "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
	CONF
	APT_CONFIG=$folder/apt.conf run "read the package lists of $*" apt-get -q update
}
