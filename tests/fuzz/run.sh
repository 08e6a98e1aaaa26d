#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets with clang and runs each for some seconds, on the inputs of tests/data/fuzz
# and on what earlier runs found: run.sh [SECONDS [TARGET…]], or run.sh --list for their names
#   BUILD      a configured build tree, for its config.h (default build)
#   FUZZ_WORK  where programs, inputs found and crashes go (default BUILD/fuzz)
#   CC         clang
set -euo pipefail
cd "$(dirname "$0")/../.."
all=(config rx emu_wqe emu_packet emu_ioctl tune)
if [ "${1:-}" = --list ]; then printf '%s\n' "${all[@]}"; exit 0; fi
seconds=${1:-10}
[ $# -eq 0 ] || shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
build=${BUILD:-build}
work=${FUZZ_WORK:-$build/fuzz}
[ -f "$build/config.h" ] || { echo "$build is not configured: BUILD=DIRECTORY"; exit 2; }

emu=(src/emu/packet.c src/emu/steer.c src/emu/steer_group.c)
# The emulated kernel and device whole, without the wrapper and what stands before the C library
mapfile -t ioctl < <(printf '%s\n' src/emu/*.c | grep -vE \
	'/(daqiri-emu|launch[a-z_]*|sysfs[a-z_]*|tree|preload[a-z_]*|vfs|live)\.c$')
# daqiri-tune whole, and as much of the library as reads its configurations
tune="$(printf '%s\n' src/tune/*.c | grep -v /main.c | tr '\n' ' ') tests/tune/tree.c -DTREE_PART -Isrc/tune
	-DTUNE_UNITDIR=\"/usr/lib/systemd/system\" -DTUNE_UDEVDIR=\"/usr/lib/udev/rules.d\"
	$(pkg-config --cflags --libs libpci jansson libnl-3.0 libnl-route-3.0 libibverbs libmlx5 | tr '\n' ' ') -ldl"
declare -A sources=(
	[tune]="$tune $(echo src/config*.c) src/error.c src/log.c src/simd.c -linih"
	[emu_ioctl]="${ioctl[*]} -lpthread -ldl"
	[config]="$(echo src/config*.c) src/error.c src/log.c src/simd.c -linih"
	[rx]="src/bell.c src/device_clock.c src/rxq_meta.c src/rxq_meta_x86.c src/rxq_poll.c src/rxq_compress.c src/rxq_compress_x86.c src/rxq_keep.c src/rxq_take.c src/rxq_take_x86.c src/simd.c src/owner.c src/error.c"
	[emu_packet]="${emu[*]} src/emu/flex.c src/emu/packet_deep.c src/emu/rewrite.c src/emu/rewrite_modify.c"
	[emu_wqe]="${emu[*]} src/emu/sq.c src/emu/sq_wait.c src/emu/sq_wqe.c src/emu/cq.c src/emu/cq_compress.c src/emu/fault.c
		src/emu/flex.c src/emu/gpu.c src/emu/klm.c src/emu/rq.c src/emu/rq_broken.c src/emu/rq_late.c src/emu/rq_striding.c src/emu/rss.c src/emu/tx_frame.c src/emu/tx_headers.c src/emu/tx_lso.c
		src/emu/wire_tx.c src/emu/card.c src/emu/settings.c src/emu/flow_run.c src/emu/packet_deep.c
		src/emu/rewrite.c src/emu/rewrite_modify.c src/emu/wire_pool.c -ldl"
)
declare -A extra=([config]="conf tests/data/config" [rx]="" [emu_packet]="" [emu_wqe]="" [emu_ioctl]="" [tune]="")

compile() {
	# shellcheck disable=SC2086 # lists of words
	"${CC:-clang}" -std=gnu11 -g -O1 -D_GNU_SOURCE -DHAVE_CONFIG_H -I"$build" -Iinclude -Isrc \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		"tests/fuzz/fuzz_$1.c" ${sources[$1]} -o "$work/fuzz_$1"
}

# Crashes are left in the work directory; one that is mended goes to tests/data/fuzz/TARGET.
fuzz() {
	local found=$work/found-$1
	mkdir -p "$found"
	# shellcheck disable=SC2086
	"$work/fuzz_$1" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$work/$1-" "$found" "tests/data/fuzz/$1" \
		${extra[$1]} >"$work/$1.log" 2>&1 || { tail -n 40 "$work/$1.log"; return 1; }
	printf 'fuzz_%s: %s runs, %s inputs found, no crash\n' "$1" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$1.log")" \
		"$(find "$found" -type f | wc -l)"
}

mkdir -p "$work"
for target in "${targets[@]}"; do
	compile "$target"
	fuzz "$target"
done
