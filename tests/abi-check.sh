#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compares the built library's ABI with the baseline in tests/data/abi: that of the last release or,
# before the first one, of what was last agreed on. Added interfaces pass, changed and removed fail.
# Usage: tests/abi-check.sh LIBRARY [--write]; --write makes LIBRARY's ABI the baseline.
set -euo pipefail
library=${1:?usage: tests/abi-check.sh LIBRARY [--write]}
top=$(cd "$(dirname "$0")/.." && pwd)
arch=$(uname -m)
baseline=$top/tests/data/abi/libdaqiri-0-$arch.abi

for tool in abidw abidiff; do
	command -v $tool >/dev/null && continue
	echo "abi-check: skipped: $tool is missing: install abigail-tools"
	exit 0
done
readelf -S "$library" | grep -q '\.debug_info' ||
	{ echo "abi-check: $library has no debug information: build it with -g" >&2; exit 1; }
if [ "${2:-}" = --write ]; then
	mkdir -p "${baseline%/*}"
	abidw --no-show-locs --no-corpus-path --no-comp-dir-path --type-id-style hash \
		--no-write-default-sizes --drop-private-types --headers-dir "$top/include" \
		"$library" >"$baseline"
	echo "abi-check: wrote ${baseline#"$top"/}"
	exit 0
fi
if [ ! -f "$baseline" ]; then
	echo "abi-check: skipped: no baseline for $arch: ${baseline#"$top"/}"
	exit 0
fi
count=$(grep -c "<elf-symbol .*type='func-type'" "$baseline")
status=0
abidiff --no-added-syms --drop-private-types --headers-dir2 "$top/include" \
	"$baseline" "$library" || status=$?
# bit 3: changed incompatibly; 2: changed; 1 and 0: abidiff failed
if [ $((status & ~4)) -ne 0 ] || { [ $((status & 4)) -ne 0 ] && [ -z "${ABI_CHANGE_OK:-}" ]; }; then
	echo "abi-check: $library differs from ${baseline#"$top"/} (status $status)" >&2
	exit 1
fi
echo "abi-check: $library keeps the $count functions of ${baseline#"$top"/} (no release yet: last agreed state)"
