/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces that values are made of. Pure functions; nothing here makes messages. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config_priv.h"

struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit sizes[] = {{"", 1}, {"B", 1}, {"K", 1 << 10}, {"M", 1 << 20},
				    {"G", 1 << 30}, {NULL, 0}};
static const struct unit times[] = {{"", 1000000000}, {"ns", 1}, {"us", 1000}, {"ms", 1000000},
				    {"s", 1000000000}, {NULL, 0}};
static const struct unit rates[] = {{"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000},
				    {"bps", 1}, {"kbps", 1000}, {"Mbps", 1000000},
				    {"Gbps", 1000000000}, {NULL, 0}};
static const struct unit none[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(enum dq_type type)
{
	switch (type) {
	case DQ_T_SIZE:
	case DQ_T_SIZE2:
	case DQ_T_SIZES:
		return sizes;
	case DQ_T_TIME:
		return times;
	case DQ_T_RATE:
		return rates;
	default:
		return none;
	}
}

bool dq_type_is_number(enum dq_type type)
{
	switch (type) {
	case DQ_T_INT:
	case DQ_T_INT2:
	case DQ_T_RANGE:
	case DQ_T_SIZE:
	case DQ_T_SIZE2:
	case DQ_T_TIME:
	case DQ_T_AFFINITY:
		return true;
	default:
		return false;
	}
}

bool dq_type_is_list(enum dq_type type)
{
	return type == DQ_T_WORDS || type == DQ_T_NAMES || type == DQ_T_SIZES ||
	       type == DQ_T_QUEUES || type == DQ_T_UNMATCHED;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* 10 or 0x10, no sign; a leading zero, octal elsewhere, is refused. */
static int parse_digits(const char **s, uint64_t *out)
{
	const char *p = *s;
	unsigned base = 10;
	uint64_t v = 0;

	if (p[0] == '0' && p[1] == 'x') {
		base = 16;
		p += 2;
	} else if (p[0] == '0' && isdigit((unsigned char)p[1])) {
		return -EINVAL;
	}
	if (digit_of(*p) >= (int)base)
		return -EINVAL;
	/* It loses p at the builtins: NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
	for (; digit_of(*p) < (int)base; p++)
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (unsigned)digit_of(*p), &v))
			return -ERANGE;
	*s = p;
	*out = v;
	return 0;
}

int dq_parse_number(enum dq_type type, const char *s, uint64_t *out)
{
	uint64_t v;
	int err = parse_digits(&s, &v);

	if (err)
		return err;
	for (const struct unit *u = units_of(type); u->suffix; u++) {
		if (strcmp(u->suffix, s))
			continue;
		if (__builtin_mul_overflow(v, u->factor, &v))
			return -ERANGE;
		*out = v;
		return 0;
	}
	return -EINVAL;
}

bool dq_parse_name(const char *s)
{
	static const char ok[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "abcdefghijklmnopqrstuvwxyz0123456789_.-";
	size_t len = strlen(s);

	return len >= 1 && len <= DQ_NAME_MAX && strspn(s, ok) == len;
}

bool dq_parse_mac(const char *s, uint8_t mac[6])
{
	for (int i = 0; i < 6; i++) {
		int hi = digit_of(s[0]);
		int lo = hi < 16 ? digit_of(s[1]) : 99;

		if (lo >= 16 || s[2] != (i < 5 ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)(hi * 16 + lo);
		s += 3;
	}
	return true;
}

static bool parse_prefix(int family, const char *s, uint8_t *addr, unsigned *len)
{
	char text[INET6_ADDRSTRLEN];
	const char *slash = strchr(s, '/');
	size_t n = slash ? (size_t)(slash - s) : strlen(s);
	uint64_t max = family == AF_INET ? 32 : 128, bits = max;

	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	if (inet_pton(family, text, addr) != 1)
		return false;
	if (slash && (dq_parse_number(DQ_T_INT, slash + 1, &bits) || bits > max))
		return false;
	*len = (unsigned)bits;
	return true;
}

bool dq_parse_prefix(const char *s, uint8_t addr[4], unsigned *len)
{
	return parse_prefix(AF_INET, s, addr, len);
}

bool dq_parse_prefix6(const char *s, uint8_t addr[16], unsigned *len)
{
	return parse_prefix(AF_INET6, s, addr, len);
}

bool dq_parse_range(const char *s, uint64_t max, uint64_t *first, uint64_t *last)
{
	if (parse_digits(&s, first) || *first > max)
		return false;
	*last = *first;
	if (*s == '-') {
		s++;
		if (parse_digits(&s, last) || *last > max)
			return false;
	}
	return *s == '\0' && *first <= *last;
}

bool dq_parse_queue(const char *s, char port[DQ_NAME_MAX + 1], unsigned *id)
{
	size_t len = strcspn(s, " \t");
	uint64_t v;

	if (len > DQ_NAME_MAX)
		return false;
	memcpy(port, s, len);
	port[len] = '\0';
	s += len;
	s += strspn(s, " \t");
	if (!dq_parse_name(port) || dq_parse_number(DQ_T_INT, s, &v) || v > DQ_QUEUE_ID_MAX)
		return false;
	*id = (unsigned)v;
	return true;
}

/* Copies s[0..len) without the blanks around it; what does not fit becomes "". */
static void copy_trimmed(char *buf, size_t size, const char *s, size_t len)
{
	while (len && isblank((unsigned char)*s)) {
		s++;
		len--;
	}
	while (len && isblank((unsigned char)s[len - 1]))
		len--;
	if (len >= size)
		len = 0;
	memcpy(buf, s, len);
	buf[len] = '\0';
}

bool dq_list_next(const char **list, char *buf, size_t size)
{
	const char *s = *list;
	size_t len;

	if (!s)
		return false;
	len = strcspn(s, ",");
	copy_trimmed(buf, size, s, len);
	*list = s[len] == ',' ? s + len + 1 : NULL;
	return true;
}

bool dq_parse_pair(const char *s, char *a, char *b, size_t size)
{
	const char *gt = strchr(s, '>');

	if (!gt)
		return false;
	copy_trimmed(a, size, s, (size_t)(gt - s));
	copy_trimmed(b, size, gt + 1, strlen(gt + 1));
	return *a && *b;
}

static bool parse_address_pair(int family, const char *s)
{
	char a[64], b[64];
	struct in6_addr addr;

	return dq_parse_pair(s, a, b, sizeof(a)) && inet_pton(family, a, &addr) == 1 &&
	       inet_pton(family, b, &addr) == 1;
}

static bool parse_udp_pair(const char *s)
{
	char a[64], b[64];
	uint64_t lo, hi;

	return dq_parse_pair(s, a, b, sizeof(a)) && dq_parse_range(a, 65535, &lo, &hi) &&
	       dq_parse_range(b, 65535, &lo, &hi);
}

/* "N" or "N-M" elements, no queue twice. */
static bool parse_queue_list(const char *s)
{
	char item[32];
	uint64_t first, last;
	bool seen[DQ_QUEUE_ID_MAX + 1] = {false};

	while (dq_list_next(&s, item, sizeof(item))) {
		if (!dq_parse_range(item, DQ_QUEUE_ID_MAX, &first, &last))
			return false;
		for (; first <= last; first++) {
			if (seen[first])
				return false;
			seen[first] = true;
		}
	}
	return true;
}

/* The rest of s after a first word and the blanks that follow it; NULL: another word. */
static const char *after_word(const char *s, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(s, word, len) || !isblank((unsigned char)s[len]))
		return NULL;
	s += len;
	return s + strspn(s, " \t");
}

static bool parse_words(const char *s, const char *word, bool (*rest)(const char *))
{
	const char *tail = after_word(s, word);

	return tail && rest(tail);
}

/* A GPU's PCI address or UUID. */
static bool parse_gpu(const char *s)
{
	return strspn(s, "0123456789abcdefABCDEFGPU-:.") == strlen(s) && strpbrk(s, ":-");
}

static bool parse_hex(const char *s)
{
	return strlen(s) == 80 && strspn(s, "0123456789abcdefABCDEF") == 80;
}

static bool parse_address(const char *s)
{
	size_t len = strlen(s);

	if (len < 1 || len > 63)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || *s == '/')
			return false;
	return true;
}

/* Rates have two base units, so no number comes of them; 0 is none. */
static bool parse_rate(const char *s)
{
	uint64_t v;

	return !dq_parse_number(DQ_T_RATE, s, &v) && v > 0;
}

bool dq_parse_special(enum dq_type type, const char *s)
{
	char port[DQ_NAME_MAX + 1];
	uint64_t first, last;
	uint8_t bytes[16];
	unsigned n;

	switch (type) {
	case DQ_T_RANGE:
		return dq_parse_range(s, 65535, &first, &last);
	case DQ_T_AFFINITY:
		return parse_gpu(s);
	case DQ_T_NAME:
	case DQ_T_NAMES:
		return dq_parse_name(s);
	case DQ_T_ADDRESS:
		return parse_address(s);
	case DQ_T_MAC:
		return dq_parse_mac(s, bytes);
	case DQ_T_PREFIX:
		return dq_parse_prefix(s, bytes, &n);
	case DQ_T_PREFIX6:
		return dq_parse_prefix6(s, bytes, &n);
	case DQ_T_IPV4_PAIR:
		return parse_address_pair(AF_INET, s);
	case DQ_T_IPV6_PAIR:
		return parse_address_pair(AF_INET6, s);
	case DQ_T_UDP_PAIR:
		return parse_udp_pair(s);
	case DQ_T_QUEUE:
		return dq_parse_queue(s, port, &n);
	case DQ_T_QUEUES:
		return parse_queue_list(s);
	case DQ_T_UNMATCHED:
		return parse_words(s, "queue", parse_queue_list);
	case DQ_T_KEYMODE:
		return parse_words(s, "forward", dq_parse_name);
	case DQ_T_HEX:
		return parse_hex(s);
	case DQ_T_RATE:
		return parse_rate(s);
	default:
		return false;
	}
}
