#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs one test as automake's TAP driver wants it: run-test.sh PROGRAM|SCRIPT.test
# emu_* and verbs_* run on the emulated device. What a sanitizer reports is a failure of its own, because a
# leak in a Criterion worker fails no test.
set -u
: "${top_builddir:?}" "${top_srcdir:?}"
test=$1
name=$(basename "$test")
limit=${TEST_TIMEOUT:-900}
errors=$name.stderr
reports=$PWD/$name.sanitizer # .PID: Criterion's workers have no stderr in TAP mode
TEST_NOTES=$PWD/$name.notes  # lines that a program wants to be seen

DAQIRI_EMU_CMD=$top_builddir/src/emu/daqiri-emu
DAQIRI_PERF=$top_builddir/bench/daqiri-perf
CONF_DIR=$top_srcdir/conf
TEST_DATA=$top_srcdir/tests/data
ASAN_OPTIONS=${ASAN_OPTIONS-verify_asan_link_order=0}
export DAQIRI_EMU_CMD DAQIRI_PERF CONF_DIR TEST_DATA ASAN_OPTIONS TEST_NOTES
TSAN_OPTIONS=${TSAN_OPTIONS-suppressions=$top_srcdir/tests/threads/tsan.supp}
export TSAN_OPTIONS
rm -f "$reports".* "$TEST_NOTES"
begin=$(date +%s)
case $name in
*.test) ;;
*) ASAN_OPTIONS=$ASAN_OPTIONS:log_path=$reports UBSAN_OPTIONS=log_path=$reports; export UBSAN_OPTIONS ;;
esac

case $name in
*.test) timeout "$limit" "${BASH:-bash}" "$test" 2>"$errors" ;;
thr_*) timeout "$limit" "$DAQIRI_EMU_CMD" -- "$test" 2>"$errors" ;;
verbs_dmabuf) timeout "$limit" "$DAQIRI_EMU_CMD" --dmabuf memfd -- "$test" --tap=- -j1 2>"$errors" ;;
verbs_flex | emu_words) timeout "$limit" "$DAQIRI_EMU_CMD" --flex-parser on -- "$test" --tap=- -j1 2>"$errors" ;;
emu_* | verbs_*) timeout "$limit" "$DAQIRI_EMU_CMD" -- "$test" --tap=- -j1 2>"$errors" ;;
*) timeout "$limit" "$test" --tap=- -j1 2>"$errors" ;;
esac
status=$?
cat "$reports".* >>"$errors" 2>/dev/null
[ ! -f "$TEST_NOTES" ] || sed 's/^/# /' "$TEST_NOTES"
sed 's/^/# /' "$errors"
echo "# $name took $(($(date +%s) - begin)) s"
if grep -qE 'ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$errors"; then
	echo "Bail out! a sanitizer reported an error in $name"
	status=1
elif [ $status -eq 124 ]; then
	echo "Bail out! $name took longer than $limit s"
elif [ $status -ge 128 ]; then
	echo "Bail out! $name died of signal $((status - 128))"
fi
rm -f "$errors" "$reports".* "$TEST_NOTES"
exit $status
