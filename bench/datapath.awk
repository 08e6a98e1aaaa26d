# SPDX-License-Identifier: Apache-2.0
# Lines of bench/datapath and of callgrind, "CASE TIER BURST ISA WHAT VALUE", as a table and as JSON.
# gate=1: fails where a gate is missed.
BEGIN {
	# instructions for each packet that a row may cost at most, with AVX2
	limit["rx_cqe64", 32] = 12; limit["rx_cqe64", 64] = 11
	limit["rx_cqe64_meta", 32] = 20; limit["rx_cqe64_meta", 64] = 18
	limit["rx_compressed", 32] = 7; limit["rx_compressed", 64] = 6
	limit["tx_empw", 32] = 6; limit["tx_empw", 64] = 5
	limit["closed_loop", 32] = 20; limit["closed_loop", 64] = 18
	n_bursts = split("1 4 8 16 32 64 256", bursts, " ")
}

{
	key = $1 SUBSEP $2 SUBSEP $4
	if (!(key in known)) {
		known[key] = 1
		keys[++n_keys] = key
	}
	value[key, $3, $5] = $6
}

function number(key, n, what, format) {
	return (key, n, what) in value ? sprintf(format, value[key, n, what]) : "null"
}

# Least squares of what a burst of n costs: a * n + b
function fit(key, what,    i, n, y, k, sx, sy, sxx, sxy, a) {
	for (i = 1; i <= n_bursts; i++) {
		n = bursts[i]
		if (!((key, n, what) in value))
			continue
		y = value[key, n, what] * n
		k++; sx += n; sy += y; sxx += n * n; sxy += n * y
	}
	if (k < 2)
		return ""
	a = (k * sxy - sx * sy) / (k * sxx - sx * sx)
	return sprintf("%.2f n + %.0f", a, (sy - a * sx) / k)
}

function table(what, title,    i, j, part) {
	printf "%-38s", title
	for (j = 1; j <= n_bursts; j++)
		printf "%8s", "n=" bursts[j]
	printf "   a burst of n\n"
	for (i = 1; i <= n_keys; i++) {
		if (!((keys[i], 32, what) in value))
			continue
		split(keys[i], part, SUBSEP)
		printf "  %-16s %-5s %-13s", part[1], part[2], part[3]
		for (j = 1; j <= n_bursts; j++)
			printf "%8s", number(keys[i], bursts[j], what, "%.2f")
		printf "   %s\n", fit(keys[i], what)
	}
	printf "\n"
}

# What is executed for each burst, the most of all bursts
function most(key, what,    j, v, max) {
	for (j = 1; j <= n_bursts; j++) {
		v = value[key, bursts[j], what] + 0
		max = v > max ? v : max
	}
	return max + 0
}

function complain(text) {
	printf "MISSED: %s\n", text
	missed = 1
}

function special(    i, j, k, part, n_names, names) {
	n_names = split("mmio sfence lfence mfence lock div syscall elsewhere", names, " ")
	printf "%-38s", "executed for a burst, at most"
	for (k = 1; k <= n_names; k++)
		printf "%10s", names[k]
	printf "\n"
	for (i = 1; i <= n_keys; i++) {
		if (!((keys[i], 32, "library") in value))
			continue
		split(keys[i], part, SUBSEP)
		printf "  %-16s %-5s %-13s", part[1], part[2], part[3]
		for (k = 1; k <= n_names; k++) {
			printf "%10.2f", most(keys[i], names[k])
			if (most(keys[i], names[k]) > (k == 1 ? 1 : k == 2 ? 2 : 0))
				bad[++n_bad] = part[1] ", " part[3] ": " names[k]
		}
		printf "\n"
	}
	printf "\n"
	for (k = 1; k <= n_bad; k++)
		complain(bad[k])
}

# Two ways to count the same instructions.
function compare(    i, part, step, ir) {
	for (i = 1; i <= n_keys; i++) {
		step = value[keys[i], 32, "library"] / 32
		ir = value[keys[i], 32, "ir"] + 0
		split(keys[i], part, SUBSEP)
		if (step && (ir < 0.97 * step || ir > 1.03 * step))
			complain(sprintf("%s: callgrind counts %.2f instructions, ptrace %.2f", part[1],
					 ir, step))
	}
}

function is_gated(part, n) {
	return part[2] == "warm" && part[3] == "avx2" && (part[1], n) in limit
}

function json(    i, j, n, part, gated, ir) {
	for (i = 1; i <= n_keys; i++) {
		split(keys[i], part, SUBSEP)
		for (j = 1; j <= n_bursts; j++) {
			n = bursts[j]
			gated = is_gated(part, n)
			n_gated += gated
			printf "{\"case\":\"%s\",\"burst\":%d,\"ir_per_packet\":%s,\"tsc_per_packet\":%s,", part[1], n, \
				number(keys[i], n, "ir", "%.3f"), number(keys[i], n, "tsc", "%.3f")
			printf "\"pcie_bytes_per_packet\":%s,\"tier\":\"%s\",\"isa\":\"%s\",\"keep\":%s,\"gated\":%s}\n", \
				number(keys[i], n, "pcie", "%.2f"), part[2], part[3], \
				part[1] == "rx_keep" ? "true" : "false", gated ? "true" : "false"
			ir = number(keys[i], n, "ir", "%.3f")
			if (gated && (ir == "null" || value[keys[i], n, "ir"] > limit[part[1], n]))
				late[++n_late] = sprintf("%s, burst of %d: %s instructions for each packet, at most %d",
							 part[1], n, ir, limit[part[1], n])
		}
	}
	for (i = 1; gate && i <= n_late; i++)
		complain(late[i])
}

END {
	table("ir", "instructions for each packet")
	table("tsc", "ticks for each packet")
	table("pcie", "PCIe bytes for each frame of 64 bytes")
	special()
	compare()
	json()
	if (gate && !n_gated)
		print "nothing gated: no AVX2 here"
	exit missed
}
