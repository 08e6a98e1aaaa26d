#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Static analysis of the library, the emulated device and the tools: sparse on the types of
# big-endian fields, cppcheck, clang-tidy. Any finding fails.
# Usage: tests/static.sh BUILD-DIR [sparse|cppcheck|tidy…]; BUILD-DIR is a configured one.
# TIDY: a regular expression of the files that clang-tidy reads, which takes seconds each (all).
set -uo pipefail
build=$(cd "${1:?usage: tests/static.sh BUILD-DIR}" && pwd) || exit 2
shift
cd "$(dirname "$0")/.." || exit 2
[ -f "$build/config.h" ] || { echo "static.sh: $build is not configured" >&2; exit 2; }
read -r -a ext < <(pkg-config --cflags libibverbs libmlx5 libnl-3.0 jansson libpci 2>/dev/null; echo)
flags=(-std=gnu11 -D_GNU_SOURCE -DHAVE_CONFIG_H "-I$build" -Iinclude -Isrc "${ext[@]}"
	'-DEMU_VERSION="0"' '-DEMU_BINDIR="/usr/bin"' '-DEMU_PKGLIBDIR="/usr/lib/daqiri"'
	'-DTUNE_UNITDIR="/usr/lib/systemd/system"' '-DTUNE_UDEVDIR="/usr/lib/udev/rules.d"')
# bench/peers_dpdk.c is more of DPDK's headers than its own
mapfile -t sources < <(printf '%s\n' src/*.c src/emu/*.c src/tune/*.c bench/*.c | grep -v peers_dpdk)

# A file at a time: each is a program of its own. What system headers do is not ours.
sparse_one() {
	sparse -Wbitwise -D__CHECK_ENDIAN__ -Wno-decl -Wno-non-pointer-null "${flags[@]}" "$1" 2>&1 |
		grep -E '^(src|bench|include)/[^ ]+:[0-9]+:[0-9]+: '
}

run_sparse() {
	local file found=0
	for file in "${sources[@]}"; do
		sparse_one "$file" && found=1
	done
	return $found
}

# readdirCalled: readdir() on a stream of the thread's own is safe; readdir_r() is deprecated.
# constStatement: EMU_REAL(close)(fd) is a call.
run_cppcheck() {
	cppcheck -q --enable=warning,performance,portability --std=c11 --language=c \
		--library=posix --library=gnu --library=tests/data/cppcheck.cfg --inline-suppr \
		--suppress=readdirCalled --suppress=constStatement:src/emu/uverbs_event.c --suppress=constStatement:src/emu/uverbs_devx_fd.c \
		--suppress=constStatement:src/emu/netlink.c \
		--error-exitcode=1 -j"$(nproc)" \
		-Iinclude -Isrc "-I$build" "${sources[@]}"
}

# A process for each file: clang-tidy 14 forgets what va_start() does after the first.
run_tidy() {
	local log
	log=$(mktemp)
	mapfile -t sources < <(printf '%s\n' "${sources[@]}" | grep -E "${TIDY:-.}")
	printf '%s\n' "${sources[@]}" |
		xargs -P"$(nproc)" -I{} clang-tidy --quiet {} -- "${flags[@]}" >"$log" 2>&1
	local status=$?
	grep -vE '^[0-9]+ warnings? generated\.$' "$log"
	rm -f "$log"
	return $status
}

failed=()
[ $# -gt 0 ] || set -- sparse cppcheck tidy
for tool in "$@"; do
	"run_$tool" && echo "$tool: ${#sources[@]} files, nothing found" || failed+=("$tool")
done
[ ${#failed[@]} -eq 0 ] || { echo "static.sh: ${failed[*]}" >&2; exit 1; }
