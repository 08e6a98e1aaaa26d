# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck source=tests/interop/kit.sh
# Drives dpdk-testpmd by its prompt. Sourced by testpmd-*.test, which say in mode_options and
# mode_args how the PMD is to talk to the device.
. "${top_srcdir:?}/tests/interop/kit.sh"

mode=      # its name
mode_args= # of each port, for the PMD
pci=0000:c1:00

# pmd_start PORTS ARGS OPTION…: testpmd on the ports (such as "0 1"), with more of ARGS for the PMD;
# ready at its prompt.
pmd_start() {
	local ports=$1 args=$2 allow=() port
	shift 2
	for port in $ports; do allow+=(-a "$pci.$port,$mode_args${args:+,$args}"); done
	rm -f in out
	mkfifo in
	: >out
	on_wire 240 stdbuf -oL dpdk-testpmd --no-huge -m 200 -l 0,1 --no-telemetry --no-shconf \
		--file-prefix "t$BASHPID" "${allow[@]}" -- -i --total-num-mbufs=9000 --rxd=256 --txd=256 --no-flush-rx \
		"$@" <in >out 2>&1 &
	pmd_pid=$!
	exec 7>in
	pmd show port summary all
	if grep -qE '(queue allocation failed|Fail to start port|cannot be enabled)' out; then
		cat out
		fail "testpmd: no port"
	fi
}

# pmd COMMAND…: what it says is in answer, up to what it says to a command that changes nothing.
pmd() {
	local i from want
	from=$(($(wc -l <out) + 1))
	want=$(($(grep -c 'packets per burst set' out || true) + 1))
	printf '%s\nset burst 32\n' "$*" >&7
	for ((i = 0; i < 1800; i++)); do
		[ "$(grep -c 'packets per burst set' out)" -ge $want ] && break
		kill -0 $pmd_pid 2>/dev/null || { tail -n 30 out; fail "testpmd ended at: $*" >&2; }
		sleep 0.05
	done
	[ $i -lt 1800 ] || { tail -n 30 out; fail "testpmd does not answer: $*" >&2; }
	tail -n +"$from" out >answer
}

pmd_quit() {
	printf 'stop\nquit\n' >&7
	exec 7>&-
	wait $pmd_pid || { tail -n 30 out; fail "testpmd: status $?"; }
	grep -q 'Bye' out
}

# xstat NAME: of show port xstats; testpmd numbers its ports itself, from 0
xstat() {
	pmd show port xstats 0
	awk -v name="$1:" '$1 == name { print $2 }' answer
}

# stat_of NAME: of show port stats
stat_of() {
	pmd show port stats 0
	sed -nE "s/.*$1: *([0-9]+).*/\1/p" answer | head -n 1
}

# send N OPTION…: raw_ethernet_bw sends N frames from port 0
send() {
	local n=$1
	shift
	on_wire 60 raw_ethernet_bw --client -d mlx5_0 -B "$mac0" -E "$mac1" -m 9200 -F -n "$n" \
		"$@" >sent 2>&1 || { cat sent; fail "raw_ethernet_bw failed"; }
}

# settled N: until N frames have been received
settled() {
	local i
	for ((i = 0; i < 20; i++)); do
		[ "$(stat_of RX-packets)" -ge "$1" ] && return 0
		sleep 0.05
	done
	cat answer
	fail "not $1 frames"
}

# ---- what each mode must do: on the cable, testpmd at port 1 and perftest at port 0 --------------

# exchange FORWARDING ARGS: testpmd at both ports. What one has sent the other has received, or says
# that it missed it, or it lay in a ring when forwarding stopped.
exchange() {
	local tx rx missed
	pmd_start "0 1" "$2"
	pmd set fwd "$1"
	pmd start tx_first 4
	sleep 0.4
	pmd stop
	tx=$(awk '/Accumulated/ { on = 1 } on && /TX-packets/ { print $2 }' answer)
	rx=$(awk '/Accumulated/ { on = 1 } on && /RX-packets/ { print $2 }' answer)
	pmd show port stats all
	missed=$(awk '/RX-missed/ { sum += $4 } END { print sum }' answer)
	pmd_quit
	note "$mode, ${2:-defaults}: $1: $tx sent, $rx received, $missed missed," \
		"$((tx - rx - missed)) in the rings at the end"
	# two ports sent four bursts of 32 first, which go round, and have 256 descriptors each way
	[ "$rx" -ge 1000 ] && [ $((tx - rx - missed)) -ge 0 ] && [ $((tx - rx - missed)) -le 1024 ]
	# forwarding adds nothing, so nobody is in want of a buffer
	[ "$1" = flowgen ] || [ $((tx - rx)) -le 256 ]
}

# receive ARGS: each frame of each size arrives, and with all its bytes
receive() {
	local size
	pmd_start 1 "$1" --rxq=4 --txq=4
	pmd set fwd rxonly
	pmd start
	for size in 64 128 512 1500; do
		pmd clear port stats 0
		send 200 -s $size
		settled 200
		[ "$(stat_of RX-bytes)" -eq $((200 * (size - 4))) ] # perftest counts the FCS
		[ "$(stat_of RX-missed)" -eq 0 ]
	done
	pmd_quit
	note "$mode, ${1:-defaults}: rxonly: 200 frames of 64, 128, 512 and 1500 bytes received"
}

# Only sending: what testpmd says is what both ports count.
transmit() {
	local sent
	pmd_start 1 "" --txd=512
	pmd set fwd txonly
	counts >before
	pmd start
	sleep 0.2
	pmd stop
	sent=$(stat_of TX-packets)
	sleep 0.2
	counts >after
	pmd_quit
	difference before after >moved
	cat moved
	note "$mode: txonly: testpmd says $sent, port 1 sent $(delta moved mlx5_1.xmit_packets)," \
		"port 0 received $(delta moved mlx5_0.rcv_packets)"
	[ "$sent" -ge 1000 ] && [ "$(delta moved mlx5_1.xmit_packets)" -eq "$sent" ] &&
		[ "$(delta moved mlx5_0.rcv_packets)" -eq "$sent" ]
}

udp=(-s 128 -j 10.0.0.1 -J 10.0.0.2 -k 4000 -K 5000)

# Flows are spread over four queues, and each flow stays in one.
spread() {
	local q n all=0 used=0
	pmd_start 1 "" --rxq=4 --txq=4 --rss-udp
	pmd set fwd rxonly
	pmd start
	send 960 "${udp[@]}" --flows 96
	settled 960
	for q in 0 1 2 3; do
		n=$(xstat rx_q${q}_packets)
		all=$((all + n))
		[ "$n" -eq 0 ] || used=$((used + 1))
		[ $((n % 10)) -eq 0 ] # ten frames a flow
	done
	note "$mode: RSS: 96 flows, $all frames, $used of 4 queues used"
	[ "$all" -eq 960 ] && [ $used -eq 4 ]
	pmd_quit
}

# into QUEUE N: that many more frames there since the last call of queues
queues() {
	local q
	for q in 0 1 2 3; do was[q]=$(xstat rx_q${q}_packets); done
}

into() {
	local i
	for ((i = 0; i < 20; i++)); do
		[ $(($(xstat "rx_q$1_packets") - was[$1])) -eq "$2" ] && return 0
		sleep 0.05
	done
	cat answer
	fail "not $2 frames in queue $1"
}

# rule PATTERN ACTIONS: the only one; its number is always 0
rule() {
	pmd flow flush 0
	pmd flow create 0 ingress pattern "$1" / end actions "$2" / end
	grep -q 'Flow rule #0 created' answer || { cat answer; fail "refused: $1 => $2"; }
}

rules_begin() {
	pmd_start 1 "" --rxq=4 --txq=4
	pmd set fwd rxonly
	pmd start
	# which queue these frames come to without a rule; the rules name another
	queues
	send 100 "${udp[@]}"
	settled 100
	for q in 0 1 2 3; do [ "$(xstat rx_q${q}_packets)" -eq 0 ] || usual=$q; done
	other=$((usual ^ 1))
	queues
}

# hit PATTERN OPTION…: frames that match come to the other queue, different ones do not
hit() {
	local pattern=$1 miss=$2
	shift 2
	rule "$pattern" "queue index $other"
	queues
	send 100 "$@"
	into $other 100
	rule "$miss" "queue index $other"
	queues
	send 100 "$@"
	settled_more 100
	into $other 0
	note "$mode: rule '$pattern': 100 of 100 to its queue; '$miss': 0 of 100"
}

settled_more() {
	local before=$((was[0] + was[1] + was[2] + was[3]))
	settled $((before + $1))
}

rules_match() {
	rules_begin
	hit "eth src is $mac0" "eth src is $mac1" "${udp[@]}"
	hit "eth / ipv4 src is 10.0.0.1 dst is 10.0.0.2" "eth / ipv4 src is 10.0.0.3" "${udp[@]}"
	hit "eth / ipv4 / udp dst is 5000" "eth / ipv4 / udp dst is 5001" "${udp[@]}"
	hit "eth / ipv4 / udp src is 4000 dst is 5000" "eth / ipv4 / tcp" "${udp[@]}"
	hit "eth / vlan vid is 1" "eth / vlan vid is 77" -s 128 --vlan_en
	pmd_quit
}

rules_drop() {
	rules_begin
	rule "eth / ipv4 / udp dst is 5000" drop
	send 100 "${udp[@]}"
	send 50 "${udp[@]::9}" 5001 # the last word is the port
	settled_more 50
	sleep 0.1
	[ "$(stat_of RX-packets)" -eq 150 ] # the first hundred of rules_begin
	note "$mode: drop: 0 of 100 received, 50 of 50 others"
	pmd_quit
}

rules_count() {
	local i
	rules_begin
	rule "eth / ipv4 / udp dst is 5000" "count / queue index $other"
	send 100 "${udp[@]}"
	into $other 100
	# the PMD reads counters by DevX once a second, all of them together
	for ((i = 0; i < 60; i++)); do
		pmd flow query 0 0 count
		grep -q 'hits: 100$' answer && break
		sleep 0.05
	done
	cat answer
	grep -q 'hits: 100$' answer
	note "$mode: count: $(grep -E 'hits:|bytes:' answer | tr -s '\n ' ' ')"
	pmd_quit
}

rules_rss() {
	local n=()
	rules_begin
	rule "eth / ipv4 / udp" "rss types ipv4-udp end queues 1 3 end"
	queues
	send 960 "${udp[@]}" --flows 96
	settled_more 960
	for q in 0 1 2 3; do n[q]=$(($(xstat rx_q${q}_packets) - was[q])); done
	note "$mode: rss to queues 1 and 3: ${n[*]}"
	[ "${n[0]}" -eq 0 ] && [ "${n[2]}" -eq 0 ] && [ "${n[1]}" -gt 0 ] && [ "${n[3]}" -gt 0 ] &&
		[ $((n[1] + n[3])) -eq 960 ]
	pmd_quit
}

# The tag is taken out of the frame and told beside it.
vlan_is_stripped() {
	pmd_start 1 ""
	pmd set fwd rxonly
	pmd start
	send 100 -s 128 --vlan_en
	settled 100
	[ "$(stat_of RX-bytes)" -eq 12400 ]
	pmd stop
	pmd vlan set strip on 0
	pmd clear port stats 0
	pmd set verbose 1
	pmd start
	send 100 -s 128 --vlan_en
	settled 100
	[ "$(stat_of RX-bytes)" -eq 12000 ]
	pmd stop
	grep -q 'RTE_MBUF_F_RX_VLAN_STRIPPED' out
	note "$mode: VLAN strip: 100 frames of 124 bytes received as 120," \
		"$(grep -c 'VLAN tci=' out) tags told: $(grep -oE 'VLAN tci=0x[0-9a-f]+' out | sort -u)"
	pmd_quit
}


# ---- with --pcap in emu_options: judged by tshark -----------------------------------------------

# judge FILTER FIELD…: those fields of the frames that testpmd sent and that the filter takes
judge() {
	local filter=$1 field fields=()
	shift
	for field in "$@"; do fields+=(-e "$field"); done
	tshark -r "$pcap" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-o tcp.check_checksum:TRUE -Y "$filter" -T fields "${fields[@]}" 2>/dev/null
}

# tally WANT FILTER FIELD…: the frames counted by those fields
tally() {
	local want=$1 got
	shift
	got=$(judge "$@" | sort | uniq -c | xargs)
	[ "$got" = "$want" ] || fail "$*: $got, not $want"
}

# offload_begin FORWARDING [SEGMENT]
offload_begin() {
	pmd_start 1 ""
	pmd port stop all
	pmd csum set ip hw 0
	pmd csum set tcp hw 0
	pmd csum set udp hw 0
	[ "$1" != mac ] || pmd tx_vlan set 0 5 # into every frame that is forwarded
	[ $# -eq 1 ] || pmd tso set "$2" 0
	pmd port start all
	pmd set fwd "$1"
	pmd start
}

tcp=(-j 10.0.0.1 -J 10.0.0.2 -k 4000 -K 5000 --tcp)

# perftest leaves the TCP checksum wrong; the device makes it right on the way back.
checksums_inserted() {
	offload_begin csum
	send 50 -s 200 "${tcp[@]}"
	settled 50
	sleep 0.2
	pmd_quit
	tally "50 0" "eth.src == $mac0 && tcp" tcp.checksum.status
	tally "50 1 1" "eth.src == $mac1 && tcp" ip.checksum.status tcp.checksum.status
	note "$mode: csum: 50 TCP frames came with a bad checksum and went with a good one (tshark)"
}

tags_inserted() {
	offload_begin mac
	send 50 -s 200 "${udp[@]:2}"
	settled 50
	sleep 0.2
	pmd_quit
	tally "50 5 1 200" "eth.src == $mac1 && vlan" vlan.id ip.checksum.status frame.len
	note "$mode: VLAN insert: 50 frames of 196 bytes went as 200 with tag 5 (tshark)"
}

# 1342 bytes of payload in segments of at most 500
large_sends_segmented() {
	offload_begin csum 500
	send 20 -s 1400 "${tcp[@]}"
	settled 20
	sleep 0.2
	pmd_quit
	tally "20 342 1 1 40 500 1 1" "eth.src == $mac1 && tcp.len >= 342" tcp.len \
		tcp.checksum.status ip.checksum.status
	note "$mode: TSO: 20 frames of 1396 bytes went as 40 segments of 500 and 20 of 342 bytes (tshark)"
}

nothing_malformed() {
	local all bad
	bad=$(judge _ws.malformed frame.number frame.len _ws.col.Info)
	[ -z "$bad" ] || fail "malformed: $bad"
	bad=$(judge "eth.src == $mac1 && (ip.checksum.status == 0 || tcp.checksum.status == 0 ||
		udp.checksum.status == 0)" frame.number frame.len ip.checksum.status tcp.checksum.status)
	[ -z "$bad" ] || fail "bad checksums: $bad"
	all=$(judge frame frame.number | wc -l)
	[ "$all" -ge 200 ] || fail "$all frames in all"
	note "$mode: tshark: $all frames, none malformed, no bad checksum in what testpmd sent"
}

offloads_are_judged() {
	need dpdk-testpmd raw_ethernet_bw tshark
	hold_wire 1500
	run_tests checksums_inserted tags_inserted large_sends_segmented nothing_malformed
}
