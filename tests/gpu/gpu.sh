# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by gpu/*.test: gpu_cycle on the emulated device, with a fake CUDA driver and without.
# shellcheck source=tests/cli/tap.sh
. "${top_srcdir:?}/tests/cli/tap.sh"
# shellcheck source=tests/gpu/matrix.sh
. "$top_srcdir/tests/gpu/matrix.sh"

cycle=$top_builddir/tests/gpu_cycle
fake=$top_builddir/tests/gpu/.libs

# with_gpu "FAKE_CUDA=… …" "EMU OPTIONS" STATUS ARGUMENTS…: gpu_cycle ends with STATUS.
with_gpu() {
	local environment=$1 options=$2 want=$3
	shift 3
	: >"$tap_dir/calls"
	# shellcheck disable=SC2086 # lists of words
	status_is "$want" env LD_LIBRARY_PATH="$fake" FAKE_CUDA_LOG="$tap_dir/calls" $environment \
		"$DAQIRI_EMU_CMD" $options -- "$cycle" "$@"
}

without_gpu() {
	local options=$1 want=$2
	shift 2
	# shellcheck disable=SC2086
	status_is "$want" "$DAQIRI_EMU_CMD" $options -- "$cycle" "$@"
}

# Whether daqiri-perf can write and check frames on a GPU.
built() { grep -q 'define HAVE_GPU_KERNELS 1' "$top_builddir/config.h"; }
kernels() { built || skip 'built without CUDA kernels'; }

matrix=$tap_dir/matrix
matrix_head "$matrix"

# One step after the other, none left out.
all_steps() {
	matrix_row "$matrix" "${FUNCNAME[1]//_/ }" "$tap_dir/output"
	[ "$(grep -oE '^(alloc|register|tx|rx|verify|teardown) ok' "$tap_dir/output" | tr '\n' ' ')" = \
		'alloc ok register ok tx ok rx ok verify ok teardown ok ' ] && return 0
	cat "$tap_dir/output"
	exit 1
}

# called REGEX: the fake driver was.
called() {
	grep -qE -- "$1" "$tap_dir/calls" && return 0
	printf 'no call like "%s" in:\n' "$1"
	cat "$tap_dir/calls"
	exit 1
}

# All that was made is freed, and no context is kept.
nothing_is_left() {
	[ "$(grep -cE '^(alloc|pin) ' "$tap_dir/calls")" = "$(grep -cE '^(free|unpin) ' "$tap_dir/calls")" ] ||
		{ cat "$tap_dir/calls"; exit 1; }
}
