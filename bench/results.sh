#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make bench-results: bench/RESULTS.md of what check-perf, bench-peers, bench-ends and bench-loops
# print, files in this order; one that is empty or not there is left out.
set -euo pipefail

# section TITLE FILE [FILTER]
section() {
	[ ! -s "$2" ] || { printf '\n## %s\n\n' "$1" && "${3:-cat}" "$2"; }
}

# fenced FILE: tables for people, then the JSON lines, as Markdown
fenced() {
	# shellcheck disable=SC2016
	printf '```\n%s\n```\n\n```json\n%s\n```\n' "$(sed '/^{/d' "$1")" "$(grep '^{' "$1")"
}

cat <<'END'
<!-- SPDX-License-Identifier: Apache-2.0 -->
# Results

Made by `make bench-results`; bench/README says how each number comes about. **All ports are emulated:
no NIC was used.** Instructions are repeatable; what is told by the clock depends on the machine and
on what else it did. What ran on a GPU is in RESULTS-gpu.md.
END
section 'The data path alone' "${1:-}" fenced
section 'Instructions for each packet, beside other libraries' "${2:-}"
section 'From end to end' "${3:-}"
section 'The hottest loops' "${4:-}"
