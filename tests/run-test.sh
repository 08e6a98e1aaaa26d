#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs one test as automake's TAP driver wants it: run-test.sh PROGRAM|SCRIPT.test
# emu_* and verbs_* run on the emulated device. What a sanitizer reports is a failure of its own, because a
# leak in a Criterion worker fails no test.
set -u
: "${top_builddir:?}" "${top_srcdir:?}"
test=$1
name=$(basename "$test")
limit=${TEST_TIMEOUT:-300}
errors=$name.stderr

DAQIRI_EMU_CMD=$top_builddir/src/emu/daqiri-emu
DAQIRI_PERF=$top_builddir/bench/daqiri-perf
CONF_DIR=$top_srcdir/conf
TEST_DATA=$top_srcdir/tests/data
ASAN_OPTIONS=${ASAN_OPTIONS-verify_asan_link_order=0}
export DAQIRI_EMU_CMD DAQIRI_PERF CONF_DIR TEST_DATA ASAN_OPTIONS

case $name in
*.test) timeout "$limit" "${BASH:-bash}" "$test" 2>"$errors" ;;
emu_* | verbs_*) timeout "$limit" "$DAQIRI_EMU_CMD" -- "$test" --tap=- -j1 2>"$errors" ;;
*) timeout "$limit" "$test" --tap=- -j1 2>"$errors" ;;
esac
status=$?
sed 's/^/# /' "$errors"
if grep -qE 'ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$errors"; then
	echo "Bail out! a sanitizer reported an error in $name"
	status=1
elif [ $status -eq 124 ]; then
	echo "Bail out! $name took longer than $limit s"
elif [ $status -ge 128 ]; then
	echo "Bail out! $name died of signal $((status - 128))"
fi
rm -f "$errors"
exit $status
