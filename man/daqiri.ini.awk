# SPDX-License-Identifier: Apache-2.0
# Makes daqiri.ini.5 of
#     config_keys.def EXAMPLE.ini daqiri.ini.5.in
# in this order: @KEYS@ becomes the table of sections and keys, @EXAMPLE@ the example.

function escape(text) {
	gsub(/\\/, "\\e", text)
	sub(/^[.']/, "\\\\\\&&", text)
	return text
}

# The strings of a record of the table, from the n-th on as one: C joins neighbours.
function strings(record, n,    part, count, i, text) {
	count = split(record, part, "\"")
	text = ""
	for (i = 2 * n; i <= count; i += 2)
		text = text part[i]
	return text
}

# mdoc wants every sentence on a line of its own.
function prose(text) {
	text = escape(text)
	gsub(/\. /, ".\n", text)
	return text
}

function nth(record, n,    part) {
	split(record, part, "\"")
	return part[2 * n]
}

function section(record,    args) {
	args = nth(record, 2)
	if (n_keys)
		keys = keys ".El\n"
	n_keys = 0
	keys = keys ".Ss [" nth(record, 1) (args == "" ? "" : " " args) "]\n"
	keys = keys prose(strings(record, 3)) "\n"
	if (record ~ /, 0, "/)
		keys = keys "Not supported yet.\n"
}

function key(record,    type, allowed, later, def) {
	type = record
	sub(/^K\("[a-z]*", "[a-z0-9_]*", /, "", type)
	sub(/,.*/, "", type)
	allowed = nth(record, 3)
	later = nth(record, 4)
	def = nth(record, 5)
	if (!n_keys++)
		keys = keys ".Bl -tag -width Ds\n"
	keys = keys ".It Cm " nth(record, 2) " No = " (type in kind ? kind[type] : "word") "\n"
	keys = keys prose(strings(record, 6)) "\n"
	if (allowed != "")
		keys = keys ".br\nAllowed: " allowed ".\n"
	if (def == "*")
		keys = keys "Required.\n"
	else if (def != "")
		keys = keys "Default: " def ".\n"
	if (allowed == "")
		keys = keys ".br\nNot supported yet: " later ".\n"
	else if (later != "")
		keys = keys "Not supported yet: " later ".\n"
}

BEGIN {
	kind["WORDS"] = "list of words"
	kind["ONOFF"] = "switch"
	kind["INT"] = "number"
	kind["INT2"] = "number, a power of two"
	kind["RANGE"] = "number or range"
	kind["SIZE"] = "size"
	kind["SIZE2"] = "size, a power of two"
	kind["SIZES"] = "list of sizes"
	kind["TIME"] = "time"
	kind["RATE"] = "rate"
	kind["AFFINITY"] = "number"
	kind["NAME"] = "name"
	kind["NAMES"] = "list of names"
	kind["ADDRESS"] = "address"
	kind["MAC"] = "MAC address"
	kind["PREFIX"] = "IPv4 address or prefix"
	kind["PREFIX6"] = "IPv6 address or prefix"
	kind["IPV4_PAIR"] = "two IPv4 addresses"
	kind["IPV6_PAIR"] = "two IPv6 addresses"
	kind["UDP_PAIR"] = "two ports or ranges of ports"
	kind["QUEUE"] = "port and queue"
	kind["QUEUES"] = "list of queues"
	kind["UNMATCHED"] = "word, or queues"
	kind["OTHER"] = "value"
}

FNR == 1 { file++ }

file == 1 && /^[SK]\(/ { record = "" }
file == 1 && (/^[SK]\(/ || record != "") {
	record = record $0
	if ($0 !~ /\)$/)
		next
	if (record ~ /^S/)
		section(record)
	else
		key(record)
	record = ""
}

file == 2 && !/SPDX/ { example = example escape($0) "\n" }

file == 3 && /^@KEYS@$/ { printf "%s%s", keys, n_keys ? ".El\n" : ""; next }
file == 3 && /^@EXAMPLE@$/ { printf "%s", example; next }
file == 3 { print }
