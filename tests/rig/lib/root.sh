# shellcheck shell=bash
# A Debian root folder unpacked from packages without running their scripts, imported as one image layer.
# The images share it: one download and one layer instead of one for each.

# What a slim image has, and what tests look with. No apt or dpkg: the root has no package database.
# shellcheck disable=SC2034 # used in images.sh
COMMON_PACKAGES=(base-files base-passwd bash coreutils libc-bin dash debianutils diffutils findutils grep gzip
	sed tar hostname util-linux login mawk perl-base ca-certificates curl procps iproute2 netbase tzdata)
# shellcheck disable=SC2034
SERVER_PACKAGES=(postgresql-15 redis-server nginx-light nodejs python3 python3-pip python3-venv)
# Roots of their own. They stand here because an image is built anew when this file changes.
# shellcheck disable=SC2034
RABBITMQ_PACKAGES=(rabbitmq-server)
# shellcheck disable=SC2034 # mariadb-client for mariadb-admin and mariadb-dump
MARIADB_PACKAGES=(mariadb-server-core mariadb-client)
# shellcheck disable=SC2034
PROMETHEUS_PACKAGES=(prometheus wget)

# Large dependencies that no container here uses.
LEFT_OUT='/(libllvm14|libz3-4|systemd|libsystemd-shared|adduser|logsave)_'

build_root() { # build_root IMAGE PACKAGE...
	local image=$1 work=$STATE/root package_files
	shift
	rm -rf "$work"
	mkdir -p "$work/root"
	private_apt "$work/apt" bookworm
	APT_CONFIG=$work/apt/apt.conf run "download the packages of $image" apt-get -q -y install --download-only "$@"
	mapfile -t package_files < <(printf '%s\n' "$work"/apt/cache/archives/*.deb | grep -v -E "$LEFT_OUT")
	say "downloaded ${#package_files[@]} packages for $image"
	unpack_root "$work/root" "${package_files[@]}"
	finish_root "$work/root"
	tar -C "$work/root" -c . |
		docker import -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' -c 'CMD ["bash"]' - "$image" >>"$LOG" ||
		fail "importing $image failed; the log is $LOG"
	rm -rf "$work"
	say "imported $image"
}

unpack_root() { # unpack_root ROOT DEB...
	local root=$1
	shift
	# Debian's merged /usr stands first: packages then unpack through the links.
	mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
	ln -s usr/bin usr/sbin usr/lib usr/lib64 "$root/"
	export -f unpack_packages
	printf '%s\0' "$@" | xargs -0 -P "$(nproc)" -n 6 bash -c 'unpack_packages "$@"' _ "$root" >>"$LOG" 2>&1 ||
		fail "unpacking packages failed; the log is $LOG"
}

# Documentation, headers, bitcode and the large half of perl go: they are a third of the size.
unpack_packages() { # unpack_packages ROOT DEB...
	local root=$1 deb
	shift
	for deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -p -C "$root" --keep-directory-symlink \
			--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/info/*' \
			--exclude='./usr/share/locale/*' --exclude='./usr/share/postgresql/15/man/*' --exclude='./usr/include/*' \
			--exclude='./usr/lib/postgresql/15/lib/bitcode/*' --exclude='./usr/share/perl/5*' \
			--exclude='./usr/lib/*-linux-gnu/perl/5*' --exclude='./usr/lib/*-linux-gnu/libperl*' || return 255
	done
}

# What the packages' own scripts would have done, as far as a container notices.
finish_root() { # finish_root ROOT
	local root=$1 certificates=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
	cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
	cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
	chmod 1777 "$root/tmp"
	rm -rf "$root/var/run" "$root/var/lock"
	ln -s /run "$root/var/run"
	ln -s /run/lock "$root/var/lock"
	mkdir -p "$root/run/lock" "$root/usr/local/bin"
	ln -sf mawk "$root/usr/bin/awk"
	ln -sf /usr/share/zoneinfo/UTC "$root/etc/localtime"
	ln -sf python3 "$root/usr/bin/python"
	rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED # the official image lets pip install
	# The machine's bundle, for package registries behind a proxy with a certificate of its own.
	if [ -s "$certificates" ]; then
		cp "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"
	else
		cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
	fi
	ldconfig -r "$root"
}
