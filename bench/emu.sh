#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make bench-emu: frames a second through the emulated device. It measures and prints, and judges
# nothing. Each frame of ours is verified.
# Striding queues and compressed completions are DPDK's, where it is installed: testpmd sends 256 frames
# round two ports, in a network namespace of its own. DAQIRI_PERF and DAQIRI_EMU_CMD name the programs
# (default: the installed ones).
set -eu
perf=${DAQIRI_PERF:-daqiri-perf}
emu=${DAQIRI_EMU_CMD:-daqiri-emu}
seconds=${1:-3}
dir=$(mktemp -d)
trap 'exec 7>&-; rm -rf "$dir"' EXIT

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
		"$emu" -- "$perf" -t "$seconds" -s $size --json="$dir/json" "$dir/$way.ini" \
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

# pmd COMMAND…: what testpmd says is in $dir/out; waits for its answer, or fails when it has ended.
pmd() {
	local i want
	want=$(($(grep -c 'packets per burst set' "$dir/out" || true) + 1))
	printf '%s\nset burst 32\n' "$*" >&7
	for ((i = 0; i < 1200; i++)); do
		[ "$(grep -c 'packets per burst set' "$dir/out")" -lt $want ] || return 0
		kill -0 "$pmd_pid" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# forwarded NAME SIZE ARGS: frames a second that came to port 1, by a PMD with ARGS.
forwarded() {
	local status=0
	: >"$dir/out"
	rm -f "$dir/in"
	mkfifo "$dir/in"
	"${space[@]}" "$emu" --netdev -- stdbuf -oL dpdk-testpmd --no-huge -m 200 -l 0,1 --no-telemetry \
		--no-shconf --file-prefix "bench$$" -a "0000:c1:00.0,$3" -a "0000:c1:00.1,$3" -- \
		-i --total-num-mbufs=9000 --rxd=512 --txd=512 <"$dir/in" >"$dir/out" 2>&1 &
	pmd_pid=$!
	exec 7>"$dir/in"
	{ pmd "set txpkts $2" && pmd start tx_first 4 && pmd show port stats 1 &&
		sleep "$seconds" && pmd show port stats 1; } || status=1
	printf 'stop\nquit\n' >&7 || status=1
	exec 7>&-
	wait "$pmd_pid" || status=1
	if [ $status -ne 0 ]; then
		tail -n 30 "$dir/out"
		return 1
	fi
	awk -v way="$1" -v size="$2" '
		/Rx-pps:/ { pps = $2 }
		END { printf "%-10s %6d %14.0f %10.2f\n", way, size, pps, pps * size * 8 / 1e9 }
	' "$dir/out"
}

if ! command -v dpdk-testpmd >/dev/null; then
	echo 'striding, compressed: skipped: no dpdk-testpmd'
	exit 0
fi
space=(unshare --net)
[ "$(id -u)" -eq 0 ] || space=(unshare --user --map-root-user --net)
if ! "${space[@]}" true 2>/dev/null; then
	echo 'striding, compressed: skipped: no network namespace can be made'
	exit 0
fi
for size in 64 1500; do
	forwarded testpmd $size rxq_cqe_comp_en=0
	forwarded striding $size rxq_cqe_comp_en=0,mprq_en=1,rxqs_min_mprq=1
	forwarded compressed $size rxq_cqe_comp_en=1
done
