# SPDX-License-Identifier: Apache-2.0
# Lines of bench/peers, bench/peers-dpdk and callgrind as tables (Markdown) and as JSON:
#   row NAME TIER AGAINST LESS OUTSIDE      a row of the table
#   about NAME chose|moved|absent TEXT      what is to be said of it
#   ir NAME WORK BURST STEP PACKETS COUNT   instructions of all bursts
#   datapath CASE BURST COUNT               what bench/datapath says, for each packet
# Fails where a count cannot be right.
BEGIN {
	n_steps = split("reap receive alloc send recycle", steps, " ")
	n_works = split("rx tx loop", works, " ")
	n_bursts = split("32 64", bursts, " ")
	title["rx"] = "Receive"
	title["tx"] = "Send"
	title["loop"] = "Closed loop: as many packets sent as received"
}

$1 == "row" {
	rows[++n_rows] = $2
	tier[$2] = $3; against[$2] = $4; less[$2] = $5; outside[$2] = $6
}
$1 == "about" { about[$2, $3] = $4 }
$1 == "ir" { packets[$2, $3, $4, $5] = $6; count[$2, $3, $4, $5] = $7 }
$1 == "datapath" { datapath[$2, $3] = $4 }

function complain(text) {
	printf "WRONG: %s\n", text
	wrong = 1
}

# Instructions for each packet, less those of counting itself.
function per_packet(row, work, n, step) {
	return count[row, work, n, step] / packets[row, work, n, step] - \
		count[row, work, n, "nothing"] / packets[row, work, n, "nothing"]
}

function sum_up(    i, j, k, s, row, work, n, used) {
	for (i = 1; i <= n_rows; i++) for (j = 1; j <= n_works; j++) for (k = 1; k <= n_bursts; k++) {
		row = rows[i]; work = works[j]; n = bursts[k]; used = 0
		if (!((row, work, n, "all") in count))
			continue
		for (s = 1; s <= n_steps; s++) {
			if (!((row, work, n, steps[s]) in count))
				continue
			cost[row, work, n, steps[s]] = per_packet(row, work, n, steps[s])
			total[row, work, n] += cost[row, work, n, steps[s]]
			used++
		}
		check(row, work, n, count[row, work, n, "all"] / packets[row, work, n, "all"] - \
			used * count[row, work, n, "nothing"] / packets[row, work, n, "nothing"])
	}
}

# All steps at once must be what they are one by one. DPDK's pool of mbufs is emptier or fuller.
function check(row, work, n, all,    sum) {
	sum = total[row, work, n]
	if (sum <= 0 || all < 0.95 * sum || all > 1.05 * sum)
		complain(sprintf("%s, %s, n=%d: the steps are %.2f together, all at once %.2f", row,
				 work, n, sum, all))
}

# The total of ours that a row is compared with; "" none.
function ours(row, work, n,    base) {
	base = against[row]
	if (!((base, work, n) in total) && tier[row] == "T0")
		base = "daqiri"
	return (base, work, n) in total ? total[base, work, n] : ""
}

function ratio(row, work, n,    base) {
	if (row ~ /^daqiri/)
		return ""
	if (less[row] != "")
		return "less work"
	base = ours(row, work, n)
	return base == "" ? "" : sprintf("%.1f", total[row, work, n] / base)
}

function cell(row, work, n, step) {
	return (row, work, n, step) in cost ? sprintf("%.1f", cost[row, work, n, step]) : ""
}

function number(row, work, n, step) {
	return (row, work, n, step) in cost ? sprintf("%.3f", cost[row, work, n, step]) : "null"
}

# Whether anything was measured of it; else why not.
function absent(row) {
	return (row, "absent") in about ? about[row, "absent"] : ""
}

function table(work,    i, k, s, n) {
	printf "### %s\n\n| row | tier | n |", title[work]
	for (s = 1; s <= n_steps; s++)
		printf " %s |", steps[s]
	printf " total | ratio |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n"
	for (k = 1; k <= n_bursts; k++) for (i = 1; i <= n_rows; i++) {
		n = bursts[k]
		if (!((rows[i], work, n) in total))
			continue
		printf "| %s | %s | %d |", rows[i], tier[rows[i]], n
		for (s = 1; s <= n_steps; s++)
			printf " %s |", cell(rows[i], work, n, steps[s])
		printf " **%.1f** | %s |\n", total[rows[i], work, n], ratio(rows[i], work, n)
	}
	printf "\n"
}

function notes(    i, row, text) {
	printf "### What the rows are\n\n| row | chosen by the library | compared with | left out, and else |\n|---|---|---|---|\n"
	for (i = 1; i <= n_rows; i++) {
		row = rows[i]
		text = outside[row] (less[row] != "" ? "; less work: " less[row] : "")
		printf "| %s | %s | %s | %s |\n", row, \
			absent(row) != "" ? absent(row) : about[row, "chose"], against[row], text
	}
	printf "\n"
}

function json(    i, j, k, s, row, work, n, r) {
	printf "```json\n"
	for (i = 1; i <= n_rows; i++) {
		row = rows[i]
		if (absent(row) != "")
			printf "{\"row\":\"%s\",\"tier\":\"%s\",\"measured\":false}\n", row, tier[row]
		for (j = 1; j <= n_works; j++) for (k = 1; k <= n_bursts; k++) {
			work = works[j]; n = bursts[k]
			if (!((row, work, n) in total))
				continue
			printf "{\"row\":\"%s\",\"work\":\"%s\",\"tier\":\"%s\",\"burst\":%d,\"measured\":true", row, work, \
				tier[row], n
			for (s = 1; s <= n_steps; s++)
				printf ",\"%s\":%s", steps[s], number(row, work, n, steps[s])
			r = ratio(row, work, n)
			printf ",\"ir_per_packet\":%.3f,\"ratio\":%s,\"less_work\":%s}\n", total[row, work, n], \
				(r ~ /^[0-9]/ ? r : "null"), (less[row] != "" ? "true" : "false")
		}
	}
	printf "```\n"
}

# bench/datapath counts libdaqiri's functions only, on rings without a device.
function compare(    k, n, here) {
	for (k = 1; k <= n_bursts; k++) {
		n = bursts[k]
		if (!(("rx_cqe64", n) in datapath) || !(("daqiri", "rx", n) in total))
			continue
		here = total["daqiri", "rx", n]
		printf "Cross-check, n = %d: receive %.2f here, %.2f by bench/datapath (rx_cqe64)", n, here, \
			datapath["rx_cqe64", n]
		if (here < 0.95 * datapath["rx_cqe64", n] || here > 1.05 * datapath["rx_cqe64", n] + 16 / n)
			bad[++n_bad] = "bench/datapath counts otherwise, n=" n
		here = cost["daqiri", "tx", n, "reap"] + cost["daqiri", "tx", n, "send"]
		printf "; reap and send %.2f here, %.2f there (tx_empw).\n", here, datapath["tx_empw", n]
	}
	printf "\n"
	for (k = 1; k <= n_bad; k++)
		complain(bad[k])
}

END {
	sum_up()
	for (i = 1; i <= n_works; i++)
		table(works[i])
	compare()
	notes()
	json()
	exit wrong
}
