# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Sourced by gpu.sh and real.sh: what each kind of memory went through, as a table.
matrix_steps='alloc register tx rx verify teardown'

# matrix_head FILE: begins it.
matrix_head() {
	# shellcheck disable=SC2086 # words
	printf '%-56s %-9s%-9s%-9s%-9s%-9s%-9s\n' kind $matrix_steps >"$1"
}

# matrix_row FILE NAME OUTPUT: a row, by what gpu_cycle or gpu_split told; of no OUTPUT: skipped.
matrix_row() {
	printf '%-56s ' "$2" >>"$1"
	for step in $matrix_steps; do
		if [ -z "${3:-}" ]; then
			result=skip
		elif grep -q "^$step ok" "$3"; then
			result=pass
		else
			result=FAIL
		fi
		printf '%-9s' "$result" >>"$1"
	done
	echo >>"$1"
}
