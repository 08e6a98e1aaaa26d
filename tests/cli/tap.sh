# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by *.test: each test is a function whose name is its sentence. It runs in a shell of its
# own under set -eu, so that the first command that fails is its end; what it printed is shown then.
#     . "$top_srcdir/tests/cli/tap.sh"
#     help_goes_to_standard_output() { ... }
#     run_tests help_goes_to_standard_output ...
: "${top_srcdir:?}" "${top_builddir:?}"
tap_dir=$(mktemp -d "${TMPDIR:-/tmp}/daqiri-test.XXXXXX")
chmod 755 "$tap_dir"
trap 'rm -rf "$tap_dir"' EXIT

# Ends this test as skipped.
skip() {
	printf '%s\n' "$*" >"$tap_dir/skip"
	exit 77
}

# Ends this test as failed.
fail() {
	printf '%s\n' "$*"
	exit 1
}

need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || skip "no $tool here"
	done
}

# status_is N COMMAND…: its output is left in $tap_dir/output.
status_is() {
	local want=$1 got=0
	shift
	"$@" >"$tap_dir/output" 2>&1 || got=$?
	[ $got -eq "$want" ] && return 0
	printf '%s: status %s, not %s\n' "$*" $got "$want"
	cat "$tap_dir/output"
	exit 1
}

# said REGEX: in the output of the last status_is.
said() {
	grep -qE -- "$1" "$tap_dir/output" && return 0
	printf 'nothing like "%s" in:\n' "$1"
	cat "$tap_dir/output"
	exit 1
}

# The opposite. (Under set -e, "! command" never ends a test.)
not_said() {
	grep -qE -- "$1" "$tap_dir/output" || return 0
	printf 'unexpected "%s" in:\n' "$1"
	cat "$tap_dir/output"
	exit 1
}

run_tests() {
	local name status n=0 failed=0 title
	for name in "$@"; do
		n=$((n + 1))
		title=${name//_/ }
		rm -f "$tap_dir/skip"
		mkdir -p "$tap_dir/$name"
		(
			set -eu
			cd "$tap_dir/$name"
			"$name"
		) >"$tap_dir/log" 2>&1 </dev/null
		status=$?
		if [ $status -eq 0 ]; then
			printf 'ok %d - %s\n' $n "$title"
		elif [ $status -eq 77 ] && [ -f "$tap_dir/skip" ]; then
			printf 'ok %d - %s # SKIP %s\n' $n "$title" "$(cat "$tap_dir/skip")"
		else
			printf 'not ok %d - %s\n' $n "$title"
			sed 's/^/# /' "$tap_dir/log"
			failed=$((failed + 1))
		fi
	done
	printf '1..%d\n' $n
	[ $failed -eq 0 ]
}
