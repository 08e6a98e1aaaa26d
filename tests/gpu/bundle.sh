#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bundle.sh FOLDER: what real.sh needs, for a machine with a GPU and nothing else of ours. Run there:
# FOLDER/real.sh.
set -eu
to=${1:?usage: bundle.sh FOLDER}
top_builddir=${top_builddir:?} top_srcdir=${top_srcdir:?}
rm -rf "$to"
mkdir -p "$to/lib" "$to/rdma" "$to/.libs"
strip_to() { cp -L "$1" "$2" && strip --strip-unneeded "$2"; }
real() { if [ -x "$(dirname "$1")/.libs/$(basename "$1")" ]; then echo "$(dirname "$1")/.libs/$(basename "$1")"; else echo "$1"; fi; }

strip_to "$(real "$top_builddir/tests/gpu_cycle")" "$to/gpu_cycle"
strip_to "$(real "$top_builddir/tests/gpu_split")" "$to/gpu_split"
strip_to "$(real "$top_builddir/bench/daqiri-perf")" "$to/daqiri-perf"
strip_to "$(real "$top_builddir/bench/gpu-bench")" "$to/gpu-bench"
strip_to "$(real "$top_builddir/src/emu/daqiri-emu")" "$to/daqiri-emu"
strip_to "$top_builddir/src/emu/.libs/libdaqiri-emu.so" "$to/.libs/libdaqiri-emu.so"
strip_to "$top_builddir/src/.libs/libdaqiri.so.0" "$to/lib/libdaqiri.so.0"
ldd "$top_builddir/src/.libs/libdaqiri.so.0" "$to/daqiri-perf" >"$to/ldd"
awk '/libinih|libnuma|libjansson/ { print $3 }' "$to/ldd" | while read -r lib; do cp -L "$lib" "$to/lib/"; done
# taken only where the machine has no rdma-core
awk '/libibverbs|libmlx5|libnl/ { print $3 }' "$to/ldd" | while read -r lib; do cp -L "$lib" "$to/rdma/"; done
rm "$to/ldd"
cp "$top_srcdir/tests/gpu/real.sh" "$top_srcdir/tests/gpu/matrix.sh" "$to/"
cp "$top_srcdir/conf/loopback.ini" "$top_srcdir/conf/split.ini" "$to/"
chmod +x "$to/real.sh"
echo "$to: $(du -sk "$to" | cut -f1) KiB; run: GPU_SECONDS=30 $to/real.sh"
