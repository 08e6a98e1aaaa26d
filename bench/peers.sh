#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make bench-peers: what a packet costs the CPU in instructions, with libdaqiri, libibverbs and DPDK's
# mlx5 driver, on the same emulated ports: bench/README says how. Prints Markdown, and at the end one
# JSON line for each row. -r ROW,…: only those rows; -q: counts nothing, only moves and checks packets.
# PEERS, PEERS_DPDK, DATAPATH and DAQIRI_EMU_CMD name the programs.
set -euo pipefail
peers=${PEERS:-bench/peers}
dpdk=${PEERS_DPDK:-bench/peers-dpdk}
datapath=${DATAPATH:-bench/datapath}
emu=${DAQIRI_EMU_CMD:-daqiri-emu}
quick=0 only=
while getopts qr: opt; do
	case $opt in
	q) quick=1 ;;
	r) only=,$OPTARG, ;;
	*) exit 2 ;;
	esac
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
lines=$dir/lines
: >"$lines"

for program in "$peers" "$emu"; do
	command -v "$program" >/dev/null || { echo "peers: $program is missing" >&2; exit 1; }
done
if [ $quick = 0 ] && ! command -v valgrind >/dev/null; then
	echo 'peers: valgrind is missing' >&2
	exit 1
fi

counter=()
[ $quick = 1 ] || counter=(valgrind -q --tool=callgrind --collect-atstart=no --separate-threads=yes
	--toggle-collect=peers_counted --callgrind-out-file="$dir/callgrind.%p")

wanted() { [ -z "$only" ] || [[ $only == *,"$1",* ]]; }

absent() { printf 'about\t%s\tabsent\t%s\n' "$1" "$2" >>"$lines"; }

# measure PROGRAM LAUNCHER…: all of its rows
measure() {
	local program=$1 row
	shift
	"$program" -l >"$dir/rows"
	while IFS= read -r line; do
		row=${line%%$'\t'*}
		wanted "$row" || continue
		printf 'row\t%s\n' "$line" >>"$lines"
		timeout -k 5 300 "$@" -- "${counter[@]}" "$program" "$row" >"$dir/out" 2>"$dir/err" ||
			{ cat "$dir/out" "$dir/err" >&2; return 1; }
		sed 's/^/about\t/' "$dir/out" >>"$lines"
	done <"$dir/rows"
}

# DPDK asks the kernel for the interfaces, which daqiri-emu makes in a network namespace of its own.
measure_dpdk() {
	local space=(unshare --net)
	if [ ! -x "$dpdk" ]; then
		printf 'row\tdpdk\t\tdaqiri\t\t\n' >>"$lines"
		absent dpdk 'not installed: libdpdk'
		return
	fi
	[ "$(id -u)" -eq 0 ] || space=(unshare --user --map-root-user --net)
	if ! "${space[@]}" true 2>/dev/null; then
		printf 'row\tdpdk\t\tdaqiri\t\t\n' >>"$lines"
		absent dpdk 'not measured: no network namespace can be made'
		return
	fi
	measure "$dpdk" "${space[@]}" "$emu" --netdev
}

# The same receive and send by bench/datapath
measure_datapath() {
	local collect=(--collect-atstart=no) call case
	for call in rx_poll rx_release tx_reserve tx_post tx_completed; do
		collect+=("--toggle-collect=daqiri_$call")
	done
	for case in rx_cqe64 tx_empw; do
		"$emu" -- valgrind -q --tool=callgrind "${collect[@]}" \
			--callgrind-out-file="$dir/datapath.%p" "$datapath" -m count -c $case >"$dir/out" 2>&1 ||
			{ cat "$dir/out" >&2; return 1; }
	done
	find "$dir" -name 'datapath.*' -exec awk '
		/^desc: Trigger: Client Request: / { key = $5 "\t" $6; packets = $8 }
		/^summary: / && key { ir[key] += $2; all[key] += packets; key = "" }
		END { for (key in ir) printf "datapath\t%s\t%.4f\n", key, ir[key] / all[key] }
	' {} + >>"$lines"
}

measure "$peers" "$emu"
measure_dpdk
if [ $quick = 1 ]; then
	cut -f2- < <(grep '^about' "$lines")
	exit 0
fi
[ -n "$only" ] || [ ! -x "$datapath" ] || measure_datapath

# Dumps: "thread: N", "desc: Trigger: Client Request: ROW WORK N STEP PACKETS", "summary: COUNT". All
# threads but the one that calls the library must have none.
find "$dir" -name 'callgrind.*' -exec awk '
	/^thread: / { thread = $2 }
	/^desc: Trigger: Client Request: / { key = $5 "\t" $6 "\t" $7 "\t" $8 "\t" $9 }
	/^desc: Trigger: Program termination/ { key = "" }
	/^summary: / && key { ir[key] += $2; if (thread != 1) others += $2 }
	END {
		for (key in ir) printf "ir\t%s\t%d\n", key, ir[key]
		if (others) { print "peers: other threads were counted" >"/dev/stderr"; exit 1 }
	}
' {} + >>"$lines"

# version COMMAND…: its first line, or a dash
version() { { "$@" 2>/dev/null || echo -; } | sed 1q; }
model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed 1q)
read -r -a cc <<<"${CC:-gcc}"
cat <<END
Instructions that the CPU executes for each packet of 64 bytes, warm, in bursts of n; emulated ports,
no NIC. $(version "${cc[@]}" --version); libibverbs $(version pkg-config --modversion libibverbs);
DPDK $(version pkg-config --modversion libdpdk); $(version valgrind --version);
$(uname -sm), ${model:-unknown processor}.

END
awk -F'\t' -f "${0%.sh}.awk" "$lines"
