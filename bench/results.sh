#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make bench-results: bench/RESULTS.md of what bench-peers, bench-ends and bench-loops print, files in
# this order; one that is empty or not there is left out.
set -euo pipefail

section() {
	[ ! -s "$2" ] || { printf '\n## %s\n\n' "$1" && cat "$2"; }
}

cat <<'END'
<!-- SPDX-License-Identifier: Apache-2.0 -->
# Results

Made by `make bench-results`; bench/README says how each number comes about. **All ports are emulated:
no NIC was used.** Instructions are repeatable; what is told by the clock depends on the machine and
on what else it did.
END
section 'Instructions for each packet' "${1:-}"
section 'From end to end' "${2:-}"
section 'The hottest loops' "${3:-}"
