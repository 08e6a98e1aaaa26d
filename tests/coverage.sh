#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The library's coverage by what has run since the last clean build: a table of src/*.c.
# Usage: tests/coverage.sh BUILD-DIR [PERCENT]; fails below PERCENT lines (90). BUILD-DIR was
# configured with --enable-coverage. The annotated sources lie in BUILD-DIR/coverage afterwards.
set -euo pipefail
build=$(cd "${1:?usage: tests/coverage.sh BUILD-DIR [PERCENT]}" && pwd)
least=${2:-90}
cd "$build/src"
shopt -s nullglob
notes=(.libs/*.gcno)
[ ${#notes[@]} -gt 0 ] || { echo "coverage: $build was not configured with --enable-coverage" >&2; exit 1; }
mkdir -p ../coverage
# gcov prints "File 'PATH'" and "Lines executed:N% of M" in turn; each file once, headers several times
gcov -o .libs "${notes[@]}" 2>/dev/null | awk -v least="$least" '
	/^File / { file = $2; gsub(/\047/, "", file); mine = file ~ /src\/[a-z0-9_]+\.c$/; sub(/.*\//, "", file) }
	/^Lines executed:/ && mine {
		split($0, part, /[:% ]+/)
		lines = part[5]; hit = int(part[3] * lines / 100 + 0.5)
		all += lines; allhit += hit
		printf "%-26s %5d of %5d  %6.1f %%\n", file, hit, lines, part[3] | "sort"
	}
	{ if (!/^File /) mine = mine && !/^Lines/ }
	END {
		close("sort")
		if (!all) { print "coverage: nothing was measured"; exit 1 }
		percent = 100 * allhit / all
		printf "%-26s %5d of %5d  %6.1f %%\n", "src/*.c", allhit, all, percent
		if (percent < least) { printf "coverage: below %s %%\n", least; exit 1 }
	}'
mv -f ./*.gcov ../coverage/
