#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every kind of memory on this machine's GPU and the emulated device: TAP, one line for each kind.
# From a build tree (make check-gpu: top_builddir is set), or from the folder that
# make check-gpu-bundle makes. GPU_SECONDS: how long each kind runs (default 5).
# GPU_TOOL: what the programs with kernels run under, as memcheck or racecheck of compute-sanitizer:
#     GPU_TOOL='compute-sanitizer --target-processes all --error-exitcode 9 --tool memcheck' real.sh
set -u
seconds=${GPU_SECONDS:-5}
tool=${GPU_TOOL:-}
here=$(cd "$(dirname "$0")" && pwd)
if [ -n "${top_builddir:-}" ]; then
	emu=$top_builddir/src/emu/daqiri-emu cycle=$top_builddir/tests/gpu_cycle
	split=$top_builddir/tests/gpu_split
	perf=$top_builddir/bench/daqiri-perf bench=$top_builddir/bench/gpu-bench
	conf=$here/../../conf/loopback.ini
else
	emu=$here/daqiri-emu cycle=$here/gpu_cycle split=$here/gpu_split
	perf=$here/daqiri-perf bench=$here/gpu-bench conf=$here/loopback.ini
	LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
	if ! ldconfig -p | grep -q libibverbs.so.1 || ! ldconfig -p | grep -q libmlx5.so.1; then
		LD_LIBRARY_PATH=$here/rdma:$LD_LIBRARY_PATH
		IBV_DRIVERS=$here/rdma/libmlx5
		ln -sf libmlx5.so.1 "$here/rdma/libmlx5-rdmav34.so"
		export IBV_DRIVERS
	fi
	export LD_LIBRARY_PATH
fi
# shellcheck source=tests/gpu/matrix.sh
. "$here/matrix.sh"
out=$(mktemp)
matrix=$(mktemp)
trap 'rm -f "$out" "$matrix"' EXIT
matrix_head "$matrix"
n=0 failed=0

# run NAME STATUS PATTERN EMU-OPTIONS ARGUMENTS…
run() {
	name=$1 want=$2 pattern=$3 options=$4
	shift 4
	n=$((n + 1))
	# shellcheck disable=SC2086 # a list of words
	timeout $((seconds + 120)) "$emu" $options -- "$cycle" "$@" >"$out" 2>&1
	status=$?
	if [ $status -eq "$want" ] && grep -qE "$pattern" "$out"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		echo "# status $status for $want; wanted: $pattern"
		failed=$((failed + 1))
	fi
	[ "$want" -ne 0 ] || matrix_row "$matrix" "$name" "$out"
	sed 's/^/# /' "$out"
}

# frames NAME EMU-OPTIONS ARGUMENTS…: daqiri-perf, whose frames the GPU writes and checks
frames() {
	name=$1 options=$2
	shift 2
	n=$((n + 1))
	# shellcheck disable=SC2086 # a list of words
	timeout $((seconds + 120)) $tool "$emu" $options -- "$perf" -t "$seconds" "$@" "$conf" >"$out" 2>&1
	status=$?
	if [ $status -eq 0 ] && grep -q 'frames checked on the GPU' "$out" &&
		grep -q ' 0 lost .* 0 corrupt, 0 duplicate, 0 reordered' "$out"; then
		echo "ok $n - $name:$(sed -n 's/^rx *\([0-9]* packets, [0-9.]* Mpps, [0-9.]* Gb\).*/ \1\/s,/p; s/^  *\([0-9]* lost\).*\(, [0-9]* corrupt\).*/ \1\2/p' "$out" | tr -d '\n')"
	else
		echo "not ok $n - $name"
		echo "# status $status"
		failed=$((failed + 1))
	fi
	sed 's/^/# /' "$out"
}

gpus=$("$cycle" --gpus 2>&1)
case $gpus in
gpu\ 0:*) echo "# $gpus" ;;
*)
	echo "1..0 # skipped, no GPU: $gpus"
	exit 0
	;;
esac
"$cycle" --probe 2>&1 | sed 's/^/# /'
echo "# $(uname -r)"

good='^teardown ok'
run 'host' 0 "$good" '' --seconds "$seconds" host
# The pool is held as tests/emu/dq_kit.h holds it.
pool=/sys/kernel/mm/hugepages
if [ -d $pool ]; then # else the redirection would end the script
	exec 7<$pool
	flock 7
fi
if [ "$(cat $pool/hugepages-2048kB/free_hugepages 2>/dev/null || echo 0)" -ge 2 ]; then
	run 'huge' 0 "$good" '' --seconds "$seconds" huge page_size=2M
else
	n=$((n + 1))
	echo "ok $n - huge # SKIP no 2 huge pages are free"
	matrix_row "$matrix" huge
fi
exec 7<&-
run 'host_pinned' 0 "$good" '' --seconds "$seconds" --context 0 host_pinned
run 'app, memory of the host' 0 "$good" '' --memory host app
case $gpus in
*dmabuf=1*)
	run 'device by dma-buf' 0 "$good" '' --seconds "$seconds" --context 0 --flush device gpu_export=dmabuf
	run 'device, auto' 0 'register ok: access=dmabuf' '' device
	run 'app, memory of the GPU by its address' 0 "$good" '' --context 0 --memory gpu app
	run 'app, memory of the GPU by a dma-buf' 0 "$good" '' --memory gpu-fd app
	run 'an integrated GPU gives no dma-buf' 2 'open: ' --integrated-gpu device gpu_export=dmabuf
	;;
*) echo "# this GPU exports no dma-bufs" ;;
esac
run 'device by peermem' 0 "$good" '--peermem on' --seconds "$seconds" device gpu_export=peermem
run 'peermem that is not loaded' 2 'peermem: nvidia_peermem (is not loaded|cannot be loaded)' '' \
	device gpu_export=peermem
run 'more than the GPU has' 2 'open: Cannot allocate memory: ' '' device num_bufs=4000000 buf_size=1M
run 'a GPU that is not there' 2 'affinity=63: no such GPU; there are: 0 = ' '' device affinity=63
# Headers of the host, payloads of the GPU
cycle=$split
run 'split, host_pinned' 0 "$good" '' --seconds "$seconds" host_pinned
case $gpus in
*dmabuf=1*) run 'split, device by dma-buf' 0 "$good" '' --seconds "$seconds" device gpu_export=dmabuf ;;
esac
run 'split, device by peermem' 0 "$good" '--peermem on' --seconds "$seconds" device gpu_export=peermem
# by daqiri-perf: kernels write and check each byte where the NIC reads and writes it
pinned() {
	name=$1
	shift
	frames "$name" '' -s 1500 -o 'region rx.kind=host_pinned' -o 'region tx.kind=host_pinned' "$@"
}
device() {
	name=$1 options=$2
	shift 2
	frames "$name" "$options" -s 1500 -o 'region rx.kind=device' -o 'region tx.kind=device' \
		-o 'stream one.batch=256' "$@"
}
pieces() {
	options=$1 name=$2 whole=$conf
	shift 2
	conf=$(dirname "$conf")/split.ini
	frames "$name" "$options" -s 90,1500 -o 'region headers.buf_size=128' -o 'region tx_headers.buf_size=128' \
		-o 'rxq rx 0.split=128' -o 'region payloads.kind=device' -o 'region tx_payloads.kind=device' \
		-o 'stream one.batch=256' "$@"
	conf=$whole
}
# cuFFT of the toolkit
for dir in /usr/local/cuda/lib64 /usr/local/cuda/targets/*/lib; do
	[ -e "$dir/libcufft.so" ] && LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$dir
done
export LD_LIBRARY_PATH
pinned 'frames in host_pinned'
pieces '' 'frames in two pieces, the second one in host_pinned' \
	-o 'region payloads.kind=host_pinned' -o 'region tx_payloads.kind=host_pinned'
pinned 'frames in host_pinned, small batches' -o 'stream one.batch=16' -s 64,129,777,1500
case $gpus in
*dmabuf=1*)
	device 'frames in device by dma-buf' '' -o 'region rx.gpu_export=dmabuf' -o 'region tx.gpu_export=dmabuf'
	device 'frames in device, IPv6' '' -s 86,129,777,1500 -o 'stream one.ipv6=fc00::1 > fc00::2'
	device 'frames in device, copied' '' --workload copy
	device 'frames in device, by FFT' '' --workload fft
	pieces '' 'frames in two pieces, the second one in device by dma-buf'
	frames 'written by the CPU, checked on the GPU' '' -s 64,1500 -o 'region rx.kind=device'
	;;
esac
device 'frames in device by peermem' '--peermem on' -o 'region rx.gpu_export=peermem' -o 'region tx.gpu_export=peermem'
pieces '--peermem on' 'frames in two pieces, the second one in device by peermem' \
	-o 'region payloads.gpu_export=peermem' -o 'region tx_payloads.gpu_export=peermem'
n=$((n + 1))
# shellcheck disable=SC2086 # a list of words
if $tool "$bench" >"$out" 2>&1; then echo "ok $n - what the kernels cost"; else echo "not ok $n - kernels" && failed=$((failed + 1)); fi
sed 's/^/# /' "$out"
sed 's/^/# /' "$matrix"
echo "1..$n"
[ $failed -eq 0 ]
