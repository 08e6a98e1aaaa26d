# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by perf-*.test after tap.sh: $base is a configuration of one stream between two ports.
# Only the frames of [stream one] are taken.
base=${tap_dir:?}/base.ini
cat >"$base" <<'END'
[region tx]
kind = host
num_bufs = 4096
buf_size = 2K
[region rx]
kind = host
num_bufs = 8192
buf_size = 2K
[port tx]
address = 02:da:01:00:00:01
[port rx]
address = 02:da:01:00:00:02
[txq tx 0]
regions = tx
[rxq rx 0]
regions = rx
[flow rx test]
udp_dst = 5000
queue = 0
[stream one]
tx = tx 0
rx = rx 0
udp = 4000-4063 > 5000
END
