/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse.h"

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

int perf_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *p = skip_blanks(text);
	bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	errno = 0;
	v = strtoull(p, &end, hex ? 16 : 10);
	if (errno || *skip_blanks(end) || v < min || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

/* The number at the beginning of text: digits with at most one dot; *end is behind it. */
static int leading_number(const char *text, double *out, const char **end)
{
	const char *p = skip_blanks(text);
	size_t len = strspn(p, "0123456789.");
	char digits[32];
	char *stop;

	if (!len || len >= sizeof(digits) || !isdigit((unsigned char)*p))
		return -EINVAL;
	memcpy(digits, p, len);
	digits[len] = '\0';
	*out = strtod(digits, &stop);
	if (*stop)
		return -EINVAL;
	*end = skip_blanks(p + len);
	return 0;
}

int perf_parse_number(const char *text, double *out)
{
	const char *end;
	double v;

	if (leading_number(text, &v, &end) || *end)
		return -EINVAL;
	*out = v;
	return 0;
}

/* The same with k, M or G behind it. */
static int scaled_number(const char *text, double *out, const char **end)
{
	double v, scale = 1;

	if (leading_number(text, &v, end))
		return -EINVAL;
	if (**end == 'k' || **end == 'K')
		scale = 1e3;
	else if (**end == 'M')
		scale = 1e6;
	else if (**end == 'G')
		scale = 1e9;
	if (scale > 1)
		*end = skip_blanks(*end + 1);
	*out = v * scale;
	return 0;
}

int perf_parse_count(const char *text, uint64_t *out)
{
	const char *end;
	double v;

	if (!perf_parse_u64(text, 1, PERF_MAX_COUNT, out))
		return 0;
	if (scaled_number(text, &v, &end) || *end)
		return -EINVAL;
	if (v != floor(v) || v < 1 || v > (double)PERF_MAX_COUNT)
		return -EINVAL;
	*out = (uint64_t)v;
	return 0;
}

int perf_parse_time(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "", 1e9 },   { "s", 1e9 }, { "ms", 1e6 },
		      { "us", 1e3 }, { "ns", 1 },  { "m", 60e9 } };
	const char *end;
	double v;

	if (leading_number(text, &v, &end))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name))
			continue;
		if (v * units[i].ns > 1e18)
			return -EINVAL;
		*ns = (uint64_t)llround(v * units[i].ns);
		/* 0 means without end: no small number may become it. */
		return v > 0 && !*ns ? -EINVAL : 0;
	}
	return -EINVAL;
}

int perf_parse_rate(const char *text, struct perf_rate *out)
{
	struct perf_rate r = { 0 };
	const char *end;

	if (!strcmp(skip_blanks(text), "max")) {
		*out = r;
		return 0;
	}
	if (scaled_number(text, &r.value, &end))
		return -EINVAL;
	r.bits = !strcmp(end, "bps");
	if (!r.bits && *end && strcmp(end, "pps"))
		return -EINVAL;
	if (r.value <= 0 || r.value > 1e13)
		return -EINVAL;
	*out = r;
	return 0;
}

/* Seven of 64, four of 590, one of 1514 bytes, the rare ones spread out: daqiri.ini(5). */
static const struct perf_sizes imix = {
	.n = 12,
	.v = { 64, 590, 64, 64, 590, 64, 1514, 64, 590, 64, 590, 64 },
};

/* As the configuration writes sizes: 10 or 0x10, with B, K, M or G (1024). */
static int one_size(const char *text, uint32_t *out, char **end)
{
	static const char units[] = "BKMG";
	bool hex = text[0] == '0' && text[1] == 'x';
	unsigned long long v;
	const char *unit;

	if (!isdigit((unsigned char)*text) || (hex && !isxdigit((unsigned char)text[2])))
		return -EINVAL;
	v = strtoull(text, end, hex ? 16 : 10);
	unit = **end ? strchr(units, **end) : NULL;
	if (unit && v <= PERF_MAX_FRAME) {
		v <<= 10 * (unit - units);
		(*end)++;
	}
	if (v < PERF_MIN_FRAME || v > PERF_MAX_FRAME)
		return -EINVAL;
	*out = (uint32_t)v;
	return 0;
}

int perf_parse_sizes(const char *text, struct perf_sizes *out)
{
	const char *p = skip_blanks(text);
	struct perf_sizes s = { 0 };

	if (!strcmp(p, "imix")) {
		*out = imix;
		return 0;
	}
	for (;;) {
		char *end;

		if (s.n == PERF_MAX_SIZES || one_size(p, &s.v[s.n], &end))
			return -EINVAL;
		s.n++;
		p = skip_blanks(end);
		if (!*p)
			break;
		if (*p++ != ',')
			return -EINVAL;
		p = skip_blanks(p);
	}
	*out = s;
	return 0;
}

int perf_parse_loss(const char *text, struct perf_loss *out)
{
	struct perf_loss l = { 0 };
	const char *end;

	if (leading_number(text, &l.value, &end))
		return -EINVAL;
	l.percent = !strcmp(end, "%");
	if (!l.percent && *end)
		return -EINVAL;
	if (l.percent ? l.value > 100 : l.value != floor(l.value))
		return -EINVAL;
	*out = l;
	return 0;
}

int perf_parse_mac(const char *text, uint8_t mac[6])
{
	const char *p = skip_blanks(text);
	uint8_t v[6];

	for (int i = 0; i < 6; i++) {
		char byte[3] = { 0 };

		if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]))
			return -EINVAL;
		memcpy(byte, p, 2);
		v[i] = (uint8_t)strtoul(byte, NULL, 16);
		p += 2;
		if (i < 5 && *p++ != ':')
			return -EINVAL;
	}
	if (*skip_blanks(p))
		return -EINVAL;
	memcpy(mac, v, 6);
	return 0;
}

int perf_parse_queue(const char *text, char *name, size_t size, unsigned *queue)
{
	const char *p = skip_blanks(text);
	size_t len = strcspn(p, " \t");
	uint64_t id;

	if (!len || len >= size || perf_parse_u64(p + len, 0, 65535, &id))
		return -EINVAL;
	memcpy(name, p, len);
	name[len] = '\0';
	*queue = (unsigned)id;
	return 0;
}

/* Cuts "A > B" in two, without the blanks around them. */
static int split_arrow(const char *text, char a[64], char b[64])
{
	const char *arrow = strchr(text, '>');
	const char *p = skip_blanks(text);
	size_t len;

	if (!arrow)
		return -EINVAL;
	for (int i = 0; i < 2; i++) {
		char *to = i ? b : a;

		len = i ? strlen(p) : (size_t)(arrow - p);
		while (len && (p[len - 1] == ' ' || p[len - 1] == '\t'))
			len--;
		if (!len || len >= 64)
			return -EINVAL;
		memcpy(to, p, len);
		to[len] = '\0';
		p = skip_blanks(arrow + 1);
	}
	return 0;
}

int perf_parse_addrs(const char *text, int family, uint8_t src[16], uint8_t dst[16])
{
	char a[64], b[64];
	uint8_t va[16] = { 0 }, vb[16] = { 0 };

	if (split_arrow(text, a, b))
		return -EINVAL;
	if (inet_pton(family, a, va) != 1 || inet_pton(family, b, vb) != 1)
		return -EINVAL;
	memcpy(src, va, 16);
	memcpy(dst, vb, 16);
	return 0;
}

static int port_range(char *text, uint16_t *lo, uint16_t *hi)
{
	char *dash = strchr(text, '-');
	uint64_t a, b;

	if (dash)
		*dash = '\0';
	if (perf_parse_u64(text, 0, 65535, &a))
		return -EINVAL;
	b = a;
	if (dash && perf_parse_u64(dash + 1, a, 65535, &b))
		return -EINVAL;
	*lo = (uint16_t)a;
	*hi = (uint16_t)b;
	return 0;
}

int perf_parse_udp(const char *text, struct perf_udp *out)
{
	char a[64], b[64];
	struct perf_udp u;

	if (split_arrow(text, a, b))
		return -EINVAL;
	if (port_range(a, &u.src_lo, &u.src_hi) || port_range(b, &u.dst_lo, &u.dst_hi))
		return -EINVAL;
	*out = u;
	return 0;
}
