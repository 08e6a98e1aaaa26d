#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make bench-emu: frames a second through the emulated device. It measures and prints, and judges
# nothing. DAQIRI_PERF and DAQIRI_EMU_CMD name the programs (default: the installed ones).
set -eu
perf=${DAQIRI_PERF:-daqiri-perf}
emu=${DAQIRI_EMU_CMD:-daqiri-emu}
seconds=${1:-3}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# stream PORT PEER: a sender on PORT and a receiver on PEER.
stream() {
	cat <<END
[txq $1 0]
kind = host
num_bufs = 4096
buf_size = 2K
[rxq $2 0]
kind = host
num_bufs = 8192
buf_size = 2K
[flow $2 test]
udp_dst = 5000
queue = 0
[stream $1-$2]
tx = $1 0
rx = $2 0
udp = 4000-4063 > 5000
END
}

{
	printf '[port a]\naddress = 02:da:01:00:00:01\n[port b]\naddress = 02:da:01:00:00:02\n'
	stream a b
} >"$dir/one-way.ini"
{
	cat "$dir/one-way.ini"
	stream b a
} >"$dir/both-ways.ini"

model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
printf 'emulated device, %s, %s cores, %s, load %s\n' "${model:-$(uname -m)}" "$(nproc)" \
	"$(uname -sr)" "$(cut -d' ' -f1 /proc/loadavg)"
printf '%-10s %6s %14s %10s\n' way bytes frames/s Gb/s
for way in one-way both-ways; do
	for size in 64 1500; do
		"$emu" -- "$perf" -t "$seconds" -s $size --verify off --json="$dir/json" "$dir/$way.ini" \
			>"$dir/text" 2>&1 || {
			cat "$dir/text"
			exit 1
		}
		awk -v way=$way -v size=$size '
			/"rx": *{/ { in_rx = 1 }
			in_rx && /"packets_per_second"/ { gsub(/[^0-9.e+]/, "", $2); pps = $2; in_rx = 0 }
			END { printf "%-10s %6d %14.0f %10.2f\n", way, size, pps, pps * size * 8 / 1e9 }
		' "$dir/json"
	done
done
