#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The hottest pieces of the library as they were compiled, with the number of instructions: a loop
# from the target of the jump that closes it to that jump; what has no loop, from one jump to the next. LIBDAQIRI names the library, not stripped.
set -euo pipefail
lib=${LIBDAQIRI:-src/.libs/libdaqiri.so}

if ! command -v objdump >/dev/null; then
	echo 'not installed: objdump'
	exit 0
fi

# loop SYMBOL STEP PACKETS TITLE: the loop of SYMBOL that goes on by STEP bytes, as PACKETS packets have
loop() {
	objdump -d --no-show-raw-insn --disassemble="$1" "$lib" |
		awk -v symbol="$1" -v step="$2" -v packets="$3" -v title="$4" '
			/^ +[0-9a-f]+:\t/ {
				at = $1
				sub(":", "", at)
				address[++n] = at
				text[n] = $0
				index_of[at] = n
				operation[n] = $2
				if ($2 ~ /^j/ && $3 in index_of) { # backwards
					from[++loops] = index_of[$3]
					to[loops] = n
				}
			}
			function is_it(k,    i) {
				for (i = from[k]; i <= to[k]; i++)
					if (index(text[i], "$" step ","))
						return 1
				return 0
			}
			END {
				for (k = 1; k <= loops; k++)
					if (is_it(k) && (!best || to[k] - from[k] < to[best] - from[best]))
						best = k
				if (!best) {
					printf "loops: %s has no loop with a step of %s\n", symbol, step >"/dev/stderr"
					exit 1
				}
				count = to[best] - from[best] + 1
				printf "\n### %s\n\n%s: %d instructions for %d packets, %.2f each.\n\n```\n", title, symbol, count,
					packets, count / packets
				for (i = from[best]; i <= to[best]; i++) {
					line = text[i]
					gsub(/\t/, " ", line)
					sub(/ *#.*/, "", line)
					sub(/^ +/, "", line)
					printf "%3d  %s\n", i - from[best] + 1, line
				}
				printf "```\n"
			}'
}

# straight SYMBOL TITLE: the run without a jump that stores most packets, two in 32 bytes
straight() {
	objdump -d --no-show-raw-insn --disassemble="$1" "$lib" |
		awk -v symbol="$1" -v title="$2" '
			function run_ends() {
				if (stores > most) {
					most = stores; count = n; best = run
				}
				n = stores = 0; run = ""
			}
			/^ +[0-9a-f]+:\t/ {
				line = $0
				gsub(/\t/, " ", line)
				sub(/ *#.*/, "", line)
				sub(/^ +/, "", line)
				run = run sprintf("%3d  %s\n", ++n, line)
				if ($2 ~ /^vmovdq/ && $3 ~ /^%ymm[0-9]+,-?(0x)?[0-9a-f]*\(/)
					stores++
				if ($2 ~ /^(j|ret|call)/)
					run_ends()
			}
			END {
				if (!most) {
					printf "loops: %s stores nothing\n", symbol >"/dev/stderr"
					exit 1
				}
				printf "\n### %s\n\n%s: %d instructions for %d packets, %.2f each.\n\n```\n%s```\n", title, symbol,
					count, 2 * most, count / (2 * most), best
			}'
}

loop dq_rx_take_avx2 0x200 8 'Receive, AVX2: 8 completions of 64 bytes'
# pkts += 8, which GCC subtracts as -0x80
loop poll_0 0xffffffffffffff80 8 'Receive, AVX2: an array of 8 small completions, where they are compressed'
straight dq_tx_write_empw_avx2 'Send, AVX2: descriptors into an eMPW, without a loop'
