#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make bench-ends: frames from end to end over one emulated cable, by daqiri-perf, DPDK's testpmd and
# perftest in turn, a sending and a receiving process each: bench/README. Prints Markdown and, at the
# end, one JSON line for each row; judges nothing. Options:
#   -t SECONDS   of each row (5)             -q 1,2,4,8  numbers of queues (1)
#   -s 64,1500   frame sizes (64,256,1024,1500,8000)
#   -c 0-15      cores to pin to: the two devices, then the queues' threads (none where fewer than 4)
#   -p NAMES     of daqiri-perf,verified,one-process,testpmd,raw_ethernet_bw (all)
#   -l SECONDS   daqiri-perf at 80 % of what the largest number of queues took of 64 bytes, and at less
#                until nothing is lost; 0: not (60)
# DAQIRI_PERF and DAQIRI_EMU_CMD name the programs (default: the installed ones).
set -euo pipefail
perf=${DAQIRI_PERF:-daqiri-perf}
emu=${DAQIRI_EMU_CMD:-daqiri-emu}
seconds=5 queues=1 sizes=64,256,1024,1500,8000 cores="" loss_free=60
programs=daqiri-perf,verified,one-process,testpmd,raw_ethernet_bw
while getopts t:q:s:c:p:l: opt; do
	case $opt in
	t) seconds=$OPTARG ;;
	q) queues=$OPTARG ;;
	s) sizes=$OPTARG ;;
	c) cores=$OPTARG ;;
	p) programs=$OPTARG ;;
	l) loss_free=$OPTARG ;;
	*) exit 2 ;;
	esac
done

for program in "$perf" "$emu" taskset; do
	command -v "$program" >/dev/null || { echo "ends: $program is missing" >&2; exit 1; }
done

# DPDK needs network interfaces: all goes on in a network namespace of its own, where one can be made.
if [ -z "${ENDS_NETWORK:-}" ]; then
	space=(unshare --net)
	[ "$(id -u)" -eq 0 ] || space=(unshare --user --map-root-user --net)
	if "${space[@]}" true 2>/dev/null; then
		ENDS_NETWORK=1 exec "${space[@]}" "${BASH:-bash}" "$0" -t "$seconds" -q "$queues" -s "$sizes" \
			-c "$cores" -p "$programs" -l "$loss_free"
	fi
	ENDS_NETWORK=0
fi
netdev=()
[ "$ENDS_NETWORK" = 0 ] || netdev=(--netdev)

dir=$(mktemp -d)
wire=ends$$
mac=(02:da:01:00:00:01 02:da:01:00:00:02)
pids=()
finish() {
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
	exec 8>&- 9>&- 7>&-
	wait
	rm -rf "$dir"
}
trap finish EXIT

on_wire() { exec "$emu" --wire "$wire" "${netdev[@]}" -- "$@"; }
fail() {
	printf 'ends: %s\n' "$*" >&2
	tail -n 20 "$dir"/tx.out "$dir"/rx.out >&2 || true
	exit 1
}

# The cable lies until this script ends, with an MTU for all sizes.
mkfifo "$dir/hold"
(on_wire cat "$dir/hold") >/dev/null 2>&1 &
exec 8>"$dir/hold"
# shellcheck disable=SC2016
(on_wire sh -c 'for f in /sys/class/net/emu*/mtu; do echo 9000 >"$f"; done')

# ---- cores ---------------------------------------------------------------------------------------

allowed() { sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status; }
mapfile -t core < <(tr ',' '\n' <<<"${cores:-$(allowed)}" |
	awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
pinned=1
[ ${#core[@]} -ge 4 ] || pinned=0

# place N: rx_core and tx_core of N queues; where there are too few, senders share, then all
place() {
	local n=$1 i rest=$((${#core[@]} - 2)) free
	rx_core=() tx_core=()
	[ $pinned = 1 ] || return 0
	free=$((rest - n))
	[ $free -ge 1 ] || free=0
	for ((i = 0; i < n; i++)); do
		rx_core+=("${core[2 + i % rest]}")
		if [ $free -eq 0 ]; then
			tx_core+=("${core[2 + i % rest]}")
		else
			tx_core+=("${core[2 + n + i % free]}")
		fi
	done
}

# pin_device PID CORE: the thread that is the NIC
pin_device() {
	local i task
	for ((i = 0; i < 200; i++)); do
		for task in /proc/"$1"/task/*; do
			[ "$(cat "$task/comm" 2>/dev/null)" = emu-dev ] || continue
			[ $pinned = 0 ] || taskset -cp "$2" "${task##*/}" >/dev/null
			return 0
		done
		kill -0 "$1" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# on_core CORE COMMAND…
on_core() {
	local where=$1
	shift
	[ $pinned = 0 ] || set -- taskset -c "$where" "$@"
	on_wire "$@"
}

# said FILE TEXT PID: it is up
said() {
	local i
	for ((i = 0; i < 400; i++)); do
		! grep -q -- "$2" "$1" || return 0
		kill -0 "$3" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# ---- programs: start_NAME QUEUES SIZE, which sets tx and rx -----------------------------------------

# ini N END…: N queues of each end, N streams, and the flows that bring them to their queues
ini() {
	local n=$1 i end
	shift
	for end; do
		printf '[port %s]\naddress = %s\n' "$end" "${mac[$([ "$end" = tx ] && echo 0 || echo 1)]}"
		for ((i = 0; i < n; i++)); do
			printf '[%sq %s %d]\nkind = host\nnum_bufs = 4096\nbuf_size = 9216\n' "$end" "$end" $i
			[ $pinned = 0 ] || eval "echo cpu_core = \${${end}_core[$i]}"
			[ "$end" = tx ] || printf '[flow rx f%d]\nudp_dst = %d\nqueue = %d\n' $i $((5000 + i)) $i
		done
	done
	for ((i = 0; i < n; i++)); do
		printf '[stream s%d]\nudp = 4000-4063 > %d\ndst_mac = %s\n' $i $((5000 + i)) "${mac[1]}"
		for end; do printf '%s = %s %d\n' "$end" "$end" $i; done
	done
}

rx_more=() tx_more=() # options of one end only

# perf_pair QUEUES OPTION…: a receiver and a sender
perf_pair() {
	local n=$1
	shift
	ini "$n" rx >"$dir/rx.ini"
	ini "$n" tx >"$dir/tx.ini"
	(on_wire "$perf" "$@" "${rx_more[@]}" "$dir/rx.ini") >"$dir/rx.out" 2>&1 &
	rx=$!
	pids+=("$rx")
	said "$dir/rx.out" '^running' "$rx" || fail "daqiri-perf does not receive"
	(on_wire "$perf" "$@" "${tx_more[@]}" "$dir/tx.ini") >"$dir/tx.out" 2>&1 &
	tx=$!
	pids+=("$tx")
	said "$dir/tx.out" '^running' "$tx" || fail "daqiri-perf does not send"
}

# perf_one QUEUES OPTION…: both in one process, with one device
perf_one() {
	local n=$1
	shift
	ini "$n" tx rx >"$dir/rx.ini"
	(on_wire "$perf" "$@" "${rx_more[@]}" "${tx_more[@]}" "$dir/rx.ini") >"$dir/rx.out" 2>&1 &
	rx=$! tx=$!
	pids+=("$rx")
	said "$dir/rx.out" '^running' "$rx" || fail "daqiri-perf does not run"
}

# Where cores are too few for four threads that never rest
perf_best() {
	if [ $pinned = 1 ]; then perf_pair "$@"; else perf_one "$@"; fi
}

# All of them run until stop ends them.
start_daqiri-perf() { perf_pair "$1" -t 0 -s "$2" --verify off; }
start_verified() { perf_pair "$1" -t 0 -s "$2"; }
start_one-process() { perf_one "$1" -t 0 -s "$2"; }

# pmd END PORT OPTION…: testpmd on the port, forwarding as soon as it is up
pmd() {
	local end=$1 port=$2 n=$3 cores i lcores=0,1
	shift 3
	eval "cores=(\"\${${end}_core[@]}\")"
	if [ $pinned = 1 ]; then
		lcores=0@${core[$port]}
		for ((i = 0; i < n; i++)); do lcores+=",$((i + 1))@${cores[i]}"; done
	fi
	rm -f "$dir/$end.in"
	mkfifo "$dir/$end.in"
	(on_wire stdbuf -oL dpdk-testpmd --no-huge -m $((200 + 60 * n)) --lcores "$lcores" --no-telemetry --no-shconf \
		--file-prefix "ends$$$end" -a "0000:c1:00.$port" -- --auto-start --nb-cores="$n" --rxq="$n" \
		--txq="$n" --rxd=1024 --txd=1024 --total-num-mbufs=$((9000 + 4096 * n)) --mbuf-size=10240 \
		--max-pkt-len=9018 --rss-udp "$@") <"$dir/$end.in" >"$dir/$end.out" 2>&1 &
	pids+=("$!")
}

start_testpmd() {
	pmd rx 1 "$1" --forward-mode=rxonly
	rx=$!
	exec 9>"$dir/rx.in"
	said "$dir/rx.out" 'Press enter' "$rx" || fail "testpmd does not receive"
	pmd tx 0 "$1" --forward-mode=txonly --txpkts="$2" --eth-peer=0,"${mac[1]}" --txonly-multi-flow
	tx=$!
	exec 7>"$dir/tx.in"
	said "$dir/tx.out" 'Press enter' "$tx" || fail "testpmd does not send"
}

# perftest PROGRAM CORE PORT PEER OPTION…; its size has the FCS in it
perftest() {
	local program=$1 at=$2 port=$3 peer=$4
	shift 4
	on_core "$at" stdbuf -oL "$program" -d "mlx5_$port" -B "${mac[$port]}" -E "${mac[$peer]}" -F -m 9100 \
		-r 1024 "$@"
}

start_raw_ethernet_bw() {
	local opts=(-D $((seconds + 3600)) -s $(($2 + 4)))
	(perftest raw_ethernet_bw "${rx_core[0]:-0}" 1 0 --server "${opts[@]}") >"$dir/rx.out" 2>&1 &
	rx=$!
	pids+=("$rx")
	said "$dir/rx.out" 'MAC attached' "$rx" || fail "raw_ethernet_bw does not receive"
	sleep 0.2
	(perftest raw_ethernet_bw "${tx_core[0]:-0}" 0 1 --client "${opts[@]}") >"$dir/tx.out" 2>&1 &
	tx=$!
	pids+=("$tx")
}

# Ends what one of them has begun.
stop() {
	if ! kill -0 "$tx" || ! kill -0 "$rx"; then fail "one end has ended by itself"; fi
	exec 7>&- 9>&- # testpmd reads its end
	kill -TERM "$tx" 2>/dev/null || true
	wait "$tx" || true
	[ "$tx" = "$rx" ] || kill -TERM "$rx" 2>/dev/null || true # daqiri-perf has seen the sender's end
	[ "$tx" = "$rx" ] || wait "$rx" || true
	pids=()
}

# ---- measuring: the ports' counters, for all alike --------------------------------------------------

# Nanoseconds, frames sent, frames received, of them those without a buffer
sample() {
	local before after counts
	before=$(date +%s%N)
	counts=$( (on_wire sh -c 'cd /sys/class/infiniband && cat mlx5_0/ports/1/counters/port_xmit_packets \
		mlx5_1/ports/1/counters/port_rcv_packets mlx5_1/ports/1/hw_counters/out_of_buffer') | tr '\n' ' ')
	after=$(date +%s%N)
	echo "$(((before + after) / 2)) $counts"
}

# measure NAME QUEUES SIZE
measure() {
	local a b
	place "$2"
	"start_$1" "$2" "$3"
	if ! pin_device "$rx" "${core[0]}" || ! pin_device "$tx" "${core[1]:-0}"; then fail "$1: no device"; fi
	sleep 1
	a=$(sample)
	sleep "$seconds"
	b=$(sample)
	stop
	awk -v name="$1" -v n="$2" -v size="$3" '
		NR == 1 { for (i = 1; i <= 4; i++) was[i] = $i }
		NR == 2 {
			s = ($1 - was[1]) / 1e3; lost = $4 - was[4]; came = $3 - was[3]
			printf "%s\t%d\t%d\t%.3f\t%.3f\t%.3f\n", name, n, size, ($2 - was[2]) / s, \
				(came - lost) / s, (came - lost) * size * 8 / s / 1e3
		}' <<<"$a"$'\n'"$b" >>"$dir/rows"
}

# missing NAME QUEUES: why it cannot be measured; nothing where it can
missing() {
	case $1 in
	raw_ethernet_bw) [ "$2" -eq 1 ] || { echo 'not measured: each of its queues gets a copy'; return; } ;;&
	testpmd) command -v dpdk-testpmd >/dev/null || { echo 'not installed: dpdk-testpmd'; return; }
		[ "$ENDS_NETWORK" != 0 ] || echo 'not measured: no network namespace can be made' ;;
	raw_ethernet_*) command -v "$1" >/dev/null || echo "not installed: $1" ;;
	esac
}

# ---- latency: one frame at a time, or few ------------------------------------------------------------

latency_daqiri-perf() {
	tx_more=(-r 10k)
	perf_best 1 -t "$seconds" -s "$1" --latency
	tx_more=()
	pin_device "$rx" "${core[0]}" && pin_device "$tx" "${core[1]:-0}"
	wait "$tx" || true
	wait "$rx" || fail "latency"
	pids=()
	sed -nE 's/^ *latency p50 ([0-9.]+), p90 ([0-9.]+), p99 ([0-9.]+), p99.9 ([0-9.]+), max ([0-9.]+) us/\1 \2 \3 \4 \5/p' \
		"$dir/rx.out"
}

latency_raw_ethernet_lat() {
	local opts=(-n $((seconds * 1000)) -s $(($1 + 4)))
	(perftest raw_ethernet_lat "${rx_core[0]:-0}" 1 0 --server "${opts[@]}") >"$dir/rx.out" 2>&1 &
	rx=$!
	said "$dir/rx.out" 'MAC attached' "$rx" || fail "raw_ethernet_lat does not receive"
	sleep 0.2
	(perftest raw_ethernet_lat "${tx_core[0]:-0}" 0 1 --client "${opts[@]}") >"$dir/tx.out" 2>&1 &
	tx=$!
	pin_device "$rx" "${core[0]}" && pin_device "$tx" "${core[1]:-0}"
	wait "$tx" || fail "latency"
	wait "$rx" || fail "latency"
	awk -v size=$(($1 + 4)) '$1 == size { print $5, "-", $8, $9, $4 }' "$dir/tx.out"
}

latencies() {
	local name size why
	printf '\n### Latency, one way, us\n\n| program | bytes | p50 | p90 | p99 | p99.9 | max |\n|---|---:|---:|---:|---:|---:|---:|\n'
	place 1
	for name in daqiri-perf raw_ethernet_lat; do
		why=$(missing $name 1)
		if [ -n "$why" ]; then
			printf '| %s | | %s | | | | |\n' "$name" "$why"
			continue
		fi
		for size in ${sizes//,/ }; do
			[ "$size" -ge 64 ] || continue
			"latency_$name" "$size" >"$dir/latency" || exit 1
			printf '| %s | %s | %s |\n' $name "$size" "$(sed 's/ / | /g' "$dir/latency")"
			sed "s/ /,/g; s/-/null/; s/.*/{\"latency\":\"$name\",\"bytes\":$size,\"us\":[&]}/" \
				"$dir/latency" >>"$dir/json"
		done
	done
	printf '\nraw_ethernet_lat sends the next frame when the last one came back, and has half the time there\n'
	printf 'and back; daqiri-perf sends 10000 frames a second. testpmd measures none.\n'
}

# ---- the highest rate without loss ------------------------------------------------------------------

run_loss_free() {
	local n=${queues##*,} top rate share status
	top=$(awk -F'\t' -v n="$n" -v name="$([ $pinned = 1 ] && echo verified || echo one-process)" \
		'$1 == name && $2 == n && $3 == 64 { print $5 * 1e6 }' "$dir/rows")
	[ -n "$top" ] || return 0 # was not measured
	place "$n"
	printf '\n### daqiri-perf for %s s without loss, %s queues, 64 bytes, every byte verified\n\n' "$loss_free" "$n"
	for share in 80 64 51 41 33 26 21 17 13 10; do
		[ "$(awk "BEGIN { print ($top * $share / 100 / $n >= 1000) }")" = 1 ] || return 0 # too slow to tell
		rate=$(awk -v top="$top" -v n="$n" -v share=$share 'BEGIN { printf "%d", top * share / 100 / n }')
		tx_more=(-r "$rate") rx_more=(--max-loss 0)
		perf_best "$n" -t "$loss_free" -s 64
		tx_more=() rx_more=()
		pin_device "$rx" "${core[0]}" && pin_device "$tx" "${core[1]:-0}"
		status=0
		wait "$tx" || true # nothing is wrong with the sender: the receiver would miss it
		wait "$rx" || status=$?
		pids=()
		printf '%s %% of saturation, %.3f Mpps: %s\n\n' $share "$(awk "BEGIN { print $rate * $n / 1e6 }")" \
			"$(sed -nE 's/^ +([0-9]+ lost.*)/\1/p' "$dir/rx.out")"
		printf '{"loss_free":%s,"queues":%d,"seconds":%s,"share_percent":%d,"mpps":%.3f}\n' \
			"$([ $status = 0 ] && echo true || echo false)" "$n" "$loss_free" $share \
			"$(awk "BEGIN { print $rate * $n / 1e6 }")" >>"$dir/json"
		[ $status -ne 0 ] || return 0
		[ $status -eq 3 ] || fail "daqiri-perf: status $status"
	done
}

# ---- all of it ---------------------------------------------------------------------------------------

: >"$dir/rows"
: >"$dir/json"
model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed 1q)
printf 'Emulated ports, no NIC: numbers of the emulation more than of the programs. %s, %s cores, %s.\n' \
	"${model:-$(uname -m)}" "$(nproc)" "$(uname -s) $(uname -r | cut -d- -f1)"
if [ $pinned = 1 ]; then
	printf 'Cores: %s: receiving device, sending device, then one for each receiving and sending queue.\n' "${core[*]}"
else
	printf 'Too few cores to give each thread its own: nothing is pinned.\n'
fi
printf '\n| program | queues | bytes | sent Mpps | received Mpps | received Gb/s |\n|---|---:|---:|---:|---:|---:|\n'
for n in ${queues//,/ }; do
	for name in ${programs//,/ }; do
		why=$(missing "$name" "$n")
		if [ -n "$why" ]; then
			printf '| %s | %s | | %s | | |\n' "$name" "$n" "$why"
			continue
		fi
		for size in ${sizes//,/ }; do
			measure "$name" "$n" "$size"
			tail -n 1 "$dir/rows" | sed 's/\t/ | /g; s/.*/| & |/'
		done
	done
done
printf '\ndaqiri-perf: with --verify off, as the others look at no byte; verified: each byte is checked;\n'
printf 'one-process: so too, both ends in one process, whose sender waits for the receiver.\n'
awk -F'\t' '{ printf "{\"program\":\"%s\",\"queues\":%d,\"bytes\":%d,\"sent_mpps\":%s,\"received_mpps\":%s,\"received_gbps\":%s}\n",
	$1, $2, $3, $4, $5, $6 }' "$dir/rows" >>"$dir/json"
latencies
[ "$loss_free" = 0 ] || run_loss_free
# shellcheck disable=SC2016
printf '```json\n%s\n```\n' "$(cat "$dir/json")"
