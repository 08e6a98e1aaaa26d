/* SPDX-License-Identifier: Apache-2.0 */
/* One value against its line of the key table. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config_priv.h"

enum { ALT_MAX = 64, ITEM_MAX = DQ_LINE_MAX + 1 };

/* Takes the next of "host, huge, 1..5" off *spec. */
static bool next_alternative(const char **spec, char alt[ALT_MAX])
{
	const char *s = *spec;
	const char *end = strstr(s, ", ");
	size_t len = end ? (size_t)(end - s) : strlen(s);

	if (!len || len >= ALT_MAX)
		return false;
	memcpy(alt, s, len);
	alt[len] = '\0';
	*spec = end ? end + 2 : s + len;
	return true;
}

static bool is_power_of_two(uint64_t v)
{
	return v && !(v & (v - 1));
}

/* "64" or "64..32768" */
static bool in_range(enum dq_type type, const char *alt, uint64_t v)
{
	char lo_text[ALT_MAX];
	const char *dots = strstr(alt, "..");
	uint64_t lo = 0, hi = 0;

	snprintf(lo_text, sizeof(lo_text), "%.*s", dots ? (int)(dots - alt) : ALT_MAX, alt);
	if (dq_parse_number(type, lo_text, &lo) ||
	    dq_parse_number(type, dots ? dots + 2 : lo_text, &hi))
		return false;
	return v >= lo && v <= hi;
}

static bool matches_number(enum dq_type type, const char *alt, const char *value)
{
	uint64_t v;

	return !dq_parse_number(type, value, &v) && in_range(type, alt, v) &&
	       ((type != DQ_T_INT2 && type != DQ_T_SIZE2) || is_power_of_two(v));
}

/* A list of names, none twice: as many as alt shows, any number where it ends in "[,NAME]". */
static bool matches_names(const char *alt, const char *value)
{
	char item[ITEM_MAX], other[ITEM_MAX];
	unsigned n = 0, want = 1;

	for (const char *c = strchr(alt, ','); c; c = strchr(c + 1, ','))
		want++;
	for (const char *rest = value; dq_list_next(&rest, item, sizeof(item)); n++) {
		if (!dq_parse_name(item))
			return false;
		for (const char *more = rest; dq_list_next(&more, other, sizeof(other));)
			if (!strcmp(item, other))
				return false;
	}
	return n == want || strchr(alt, '[');
}

static bool matches_one(const struct dq_key *key, const char *alt, const char *value)
{
	if (isdigit((unsigned char)*alt))
		return matches_number(key->type, alt, value);
	if (islower((unsigned char)*alt) && !strchr(alt, ' '))
		return !strcmp(alt, value);
	if (key->type == DQ_T_NAMES)
		return matches_names(alt, value);
	return dq_parse_special(key->type, value);
}

static bool matches_any(const struct dq_key *key, const char *spec, const char *value)
{
	char alt[ALT_MAX];

	while (next_alternative(&spec, alt))
		if (matches_one(key, alt, value))
			return true;
	return false;
}

/* Lists of words and of sizes are judged by element; a default that is a word stands alone. */
static bool matches(const struct dq_key *key, bool later, const char *value)
{
	char item[ITEM_MAX], other[ITEM_MAX];
	bool alone = !strchr(value, ',');

	if (key->type != DQ_T_WORDS && key->type != DQ_T_SIZES)
		return matches_any(key, key->allowed, value) ||
		       (later && matches_any(key, key->later, value));
	for (const char *rest = value; dq_list_next(&rest, item, sizeof(item));) {
		if (!matches_any(key, key->allowed, item) &&
		    !(later && matches_any(key, key->later, item)))
			return false;
		if (!alone && !isdigit((unsigned char)*item) &&
		    (!strcmp(item, key->def) || key->type == DQ_T_SIZES))
			return false;
		for (const char *more = rest; key->type == DQ_T_WORDS &&
					      dq_list_next(&more, other, sizeof(other));)
			if (!strcmp(item, other))
				return false;
	}
	return true;
}

static const char *number_reason(enum dq_type type, int err)
{
	if (err == -ERANGE)
		return "does not fit 64 bits";
	switch (type) {
	case DQ_T_SIZE:
	case DQ_T_SIZE2:
		return "not a size (a number, with B, K, M or G for 1024s)";
	case DQ_T_TIME:
		return "not a time (a number with ns, us, ms or s)";
	case DQ_T_RANGE:
		return "not a number (10 or 0x10), nor a range that goes up";
	default:
		return "not a number (10 or 0x10)";
	}
}

static const char *reason(const struct dq_key *key)
{
	switch (key->type) {
	case DQ_T_WORDS:
		return "not a list of these words, each once";
	case DQ_T_SIZES:
		return "not a list of sizes";
	case DQ_T_RATE:
		return "not a rate (a number above 0, with k, M or G for 1000s, then bps for bits)";
	case DQ_T_NAME:
	case DQ_T_NAMES:
		return "not a name, or a list of names, each once";
	case DQ_T_ADDRESS:
		return "not an address (1 to 63 characters without blank or slash)";
	case DQ_T_MAC:
		return "not a MAC address";
	case DQ_T_PREFIX:
		return "not an IPv4 address or prefix";
	case DQ_T_PREFIX6:
		return "not an IPv6 address or prefix";
	case DQ_T_HEX:
		return "not 40 bytes in 80 hexadecimal digits";
	case DQ_T_IPV4_PAIR:
	case DQ_T_IPV6_PAIR:
		return "not a pair of addresses, source > destination";
	case DQ_T_UDP_PAIR:
		return "not a pair of ports or ranges of ports, source > destination";
	case DQ_T_QUEUE:
		return "not a port's name and a queue's id";
	case DQ_T_QUEUES:
	case DQ_T_UNMATCHED:
		return "not a list of queue ids, each once";
	default:
		return "unknown word";
	}
}

/* Names the powers of two next to v; beyond the range there are none that would work. */
static int refuse_odd(const struct dq_key *key, uint64_t v, const struct dq_at *at)
{
	char low[24], high[24];
	uint64_t below = 1;

	while (below < v / 2)
		below *= 2;
	if (below * 2 < v)
		below *= 2;
	snprintf(low, sizeof(low), "%" PRIu64, below);
	snprintf(high, sizeof(high), "%" PRIu64, below * 2);
	if (!matches(key, false, low) || !matches(key, false, high))
		return dq_blame(at, "out of range; allowed %s", key->allowed);
	return dq_blame(at, "must be a power of two: %s or %s; allowed %s", low, high,
			key->allowed);
}

static int refuse_number(const struct dq_key *key, const char *value, const struct dq_at *at)
{
	bool odd = key->type == DQ_T_INT2 || key->type == DQ_T_SIZE2;
	uint64_t v;
	int err = dq_parse_number(key->type, value, &v);

	if (err)
		return dq_blame(at, "%s; allowed %s", number_reason(key->type, err), key->allowed);
	if (odd && v && v < UINT64_MAX / 4 && !is_power_of_two(v))
		return refuse_odd(key, v, at);
	return dq_blame(at, "out of range; allowed %s", key->allowed);
}

/* The NIC refuses value bits outside the mask: name the prefix that was meant. */
static int check_prefix(enum dq_type type, const char *value, const struct dq_at *at)
{
	bool v6 = type == DQ_T_PREFIX6;
	char text[INET6_ADDRSTRLEN];
	uint8_t addr[16];
	bool odd = false;
	unsigned len;

	if (!(v6 ? dq_parse_prefix6(value, addr, &len) : dq_parse_prefix(value, addr, &len)))
		return 0;
	for (unsigned i = len; i < (v6 ? 128 : 32); i++) {
		odd |= addr[i / 8] & (0x80 >> i % 8);
		addr[i / 8] &= (uint8_t)~(0x80 >> i % 8);
	}
	if (!odd)
		return 0;
	inet_ntop(v6 ? AF_INET6 : AF_INET, addr, text, sizeof(text));
	return dq_blame(at, "bits beyond the prefix are set; allowed %s/%u", text, len);
}

static bool is_prefix(enum dq_type type)
{
	return type == DQ_T_PREFIX || type == DQ_T_PREFIX6;
}

int dq_check_value(const struct dq_key *key, const char *value, const struct dq_at *at)
{
	if (!*key->allowed)
		return dq_blame(at, "not supported yet");
	if (!*value)
		return dq_blame(at, "no value; allowed %s", key->allowed);
	if (matches(key, false, value))
		return is_prefix(key->type) ? check_prefix(key->type, value, at) : 0;
	if (matches(key, true, value))
		return dq_blame(at, "not supported yet; allowed %s", key->allowed);
	if (dq_type_is_number(key->type))
		return refuse_number(key, value, at);
	if (dq_is_foreign_value(key, value))
		return dq_blame(at, "a value of NVIDIA DAQIRI that has no meaning here; allowed %s",
				key->allowed);
	return dq_blame(at, "%s; allowed %s", reason(key), key->allowed);
}
