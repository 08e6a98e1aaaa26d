# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Fresh Debian systems, for .ci/chroot and .ci/arm64, which source this. Needs root. The packages come
# from where this machine's own come from. A base system is made once and kept in CHROOT_DIR (default
# /var/tmp/daqiri-chroots); each run works on a copy of it.
# shellcheck disable=SC2034 # for those who source this
chroot_dir=${CHROOT_DIR:-/var/tmp/daqiri-chroots}

# Mounts in a namespace of our own: they end with the script and are seen by nobody else.
chroot_namespace() {
	[ "$(id -u)" -eq 0 ] || { echo "$0: needs root, for chroot and mount" >&2; exit 1; }
	[ -n "${DQ_CHROOT_NS:-}" ] || DQ_CHROOT_NS=1 exec unshare --mount --propagation private "$0" "$@"
}

# The first package source of this machine, as debootstrap wants it.
chroot_mirror() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
		awk '$1 == "URIs:" { print $2; exit } $1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }'
}

chroot_tools() {
	local missing=()
	for package in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] ||
			missing+=("$package")
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	apt-get update -qq >/dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# chroot_unpack SUITE ARCH DIR [PACKAGE,…]: debootstrap's first stage: downloads, unpacks the essential
chroot_unpack() {
	rm -rf "$3"
	mkdir -p "$3"
	debootstrap --foreign --variant=minbase --arch="$2" ${4:+--include="$4"} "$1" "$3" \
		"$(chroot_mirror)" >"$3.log" 2>&1 || { tail -n 20 "$3.log"; return 1; }
}

chroot_mount() {
	# in a container debootstrap makes it a link to itself, over which mount would hit our own /proc
	[ ! -L "$1/proc" ] || rm "$1/proc"
	mkdir -p "$1"/{proc,dev,sys}
	mount -t proc proc "$1/proc"
	mount --rbind /dev "$1/dev"
	mount -t tmpfs -o size=256M tmpfs "$1/dev/shm"
	mount -t sysfs -o ro sysfs "$1/sys"
}

chroot_remove() {
	for dir in dev/shm dev proc sys; do
		umount -l "$1/$dir" 2>/dev/null || true
	done
	rm -rf --one-file-system "$1"
}

# In DIR/src a clean copy of this checkout; or, of the release CHROOT_TARBALL, what it holds
chroot_sources() {
	mkdir -p "$1/src"
	if [ -n "${CHROOT_TARBALL:-}" ]; then
		tar -C "$1/src" --strip-components=1 -xf "$CHROOT_TARBALL"
		return
	fi
	git ls-files -z | tar --null -T - -cf - | tar -C "$1/src" -xf -
}

# chroot_enter DIR COMMAND…
chroot_enter() {
	chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CI=true \
		DEBIAN_FRONTEND=noninteractive "${@:2}"
}
