#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make bench-datapath, make check-perf: what the library's data path costs for each packet, on rings
# in memory, without a NIC and without the emulated device: bench/README says how. Prints a table for
# people, then one JSON line for each row. -g: fails where a row costs more instructions than its
# gate allows; -q: as fast as it can be, without the cold rows. DATAPATH and DAQIRI_EMU_CMD name the
# programs.
set -euo pipefail
datapath=${DATAPATH:-bench/datapath}
emu=${DAQIRI_EMU_CMD:-daqiri-emu}
gate=0 quick=0 step=1
while getopts gq opt; do
	case $opt in
	g) gate=1 ;;
	q) quick=1 ;;
	*) exit 2 ;;
	esac
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

if ! command -v valgrind >/dev/null; then
	echo 'datapath: valgrind is missing' >&2
	exit 1
fi
collect=(--collect-atstart=no)
for call in rx_poll rx_poll_meta rx_poll_split rx_release rx_keep rx_give_back tx_reserve \
	tx_reserve_split tx_post tx_post_split tx_completed; do
	collect+=("--toggle-collect=daqiri_$call")
done

# measure EMU-ARGS… -- DATAPATH-ARGS…: everything of the cases that a device with EMU-ARGS can have
measure() {
	local emu_args=()
	while [ "$1" != -- ]; do
		emu_args+=("$1")
		shift
	done
	shift
	"$emu" "${emu_args[@]}" -- "$datapath" -m ticks "$@" >>"$dir/lines"
	"$emu" "${emu_args[@]}" -- valgrind -q --tool=callgrind "${collect[@]}" \
		--callgrind-out-file="$dir/callgrind.%p" "$datapath" -m count "$@" >"$dir/log" 2>&1 ||
		{ cat "$dir/log" >&2; return 1; }
	[ "$(uname -m)" != x86_64 ] || [ $step = 0 ] ||
		"$emu" "${emu_args[@]}" -- "$datapath" -m step "$@" >>"$dir/lines"
	[ $quick = 1 ] || [ "$(nproc)" -lt 2 ] ||
		"$emu" "${emu_args[@]}" -- "$datapath" -m ticks -t "$@" >>"$dir/lines"
}

measure -- -i auto
measure --empw off -- -i auto -c tx_send
for case in tx_gather tx_empw_inline tx_latency forward; do
	measure -- -i auto -c $case
done
[ $quick = 0 ] || step=0
best=$(awk -F'\t' 'NR == 1 { print $4 }' "$dir/lines")
for simd in sse42 portable; do
	# each is measured where a better one was: the others are not here
	[ "$best" = portable ] || [ "$best" = "$simd" ] || measure -- -i "$simd"
done

# Dumps: "desc: Trigger: Client Request: CASE N ISA PACKETS", "summary: INSTRUCTIONS"
find "$dir" -name 'callgrind.*' -exec awk '
	/^desc: Trigger: Client Request: / { key = $5 "\twarm\t" $6 "\t" $7; packets = $8 }
	/^summary: / && key { ir[key] += $2; all[key] += packets; key = "" }
	END { for (key in ir) printf "%s\tir\t%.4f\n", key, ir[key] / all[key] }
' {} + >>"$dir/lines"

model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
printf 'rings in memory, no NIC; %s, %s\n\n' "${model:-$(uname -m)}" "$(uname -s) $(uname -r | cut -d- -f1)"
awk -F'\t' -v gate=$gate -f "${0%.sh}.awk" "$dir/lines"
