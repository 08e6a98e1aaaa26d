# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by the scripts of `make check-interop`: other people's programs on one cable.
# shellcheck source=tests/cli/tap.sh
. "${top_srcdir:?}/tests/cli/tap.sh"

wire=i$$
mac0=02:da:01:00:00:01
mac1=02:da:01:00:00:02

# on_wire SECONDS PROGRAM…: emu_options are more options of daqiri-emu.
emu_options=()
on_wire() {
	local limit=$1
	shift
	timeout -k 2 "$limit" "$DAQIRI_EMU_CMD" --wire "$wire" "${emu_options[@]}" -- "$@"
}

# A line that is shown by make check-interop, whether the test passes or not.
note() { printf '%s\n' "$*" | tee -a "${TEST_NOTES:-/dev/null}"; }

# hold_wire MTU: the cable lies until this script ends, so that its counters can be read when nobody
# else is left.
hold_wire() {
	mkfifo "$tap_dir/hold"
	on_wire 600 cat "$tap_dir/hold" </dev/null >/dev/null 2>&1 &
	exec 8>"$tap_dir/hold"
	on_wire 60 sh -c 'for f in /sys/class/net/emu*/mtu; do echo "$1" >"$f"; done' sh "$1"
}

# count PORT NAME: frames or bytes of the whole port since the cable was laid, as ibdev counters are.
count() { on_wire 60 cat "/sys/class/infiniband/mlx5_$1/ports/1/counters/$2"; }

# counts: the four counters that both ends must agree on.
counts() {
	on_wire 60 sh -c 'cd /sys/class/infiniband && for p in mlx5_0 mlx5_1; do
		for c in xmit_packets xmit_data rcv_packets rcv_data; do
			echo "$p.$c $(cat $p/ports/1/counters/port_$c)"; done; done'
}

# difference BEFORE AFTER: of two files that counts wrote.
difference() { paste "$1" "$2" | awk '{ print $1, $4 - $2 }'; }

# delta FILE NAME
delta() { awk -v name="$2" '$1 == name { print $2 }' "$1"; }

# listening PORT: a server has come up.
listening() {
	local i
	for ((i = 0; i < 200; i++)); do
		grep -q "$(printf ':%04X 0\{8\}:0000 0A' "$1")" /proc/net/tcp && return 0
		sleep 0.05
	done
	fail "nobody listens at $1"
}

# The script goes on in a network namespace of its own, where daqiri-emu --netdev may make interfaces
# and meets nobody else's.
needs_network_of_our_own() {
	local user=()
	[ -z "${INTEROP_NETWORK:-}" ] || return 0
	rm -rf "$tap_dir"
	[ "$(id -u)" -eq 0 ] || user=(--user --map-root-user)
	unshare "${user[@]}" --net true 2>/dev/null ||
		{ echo "1..0 # SKIP a network namespace needs root"; exit 0; }
	exec env INTEROP_NETWORK=1 unshare "${user[@]}" --net "${BASH:-bash}" "$0"
}
