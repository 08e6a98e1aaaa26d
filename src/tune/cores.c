/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cores.h"

#define WORDS (TUNE_CORES / 64)

void tune_cores_add(struct tune_cores *c, unsigned core)
{
	if (core < TUNE_CORES)
		c->bits[core / 64] |= UINT64_C(1) << core % 64;
}

bool tune_cores_has(const struct tune_cores *c, unsigned core)
{
	return core < TUNE_CORES && c->bits[core / 64] >> core % 64 & 1;
}

unsigned tune_cores_count(const struct tune_cores *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WORDS; i++)
		n += (unsigned)__builtin_popcountll(c->bits[i]);
	return n;
}

bool tune_cores_empty(const struct tune_cores *c)
{
	return !tune_cores_count(c);
}

bool tune_cores_equal(const struct tune_cores *a, const struct tune_cores *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool tune_cores_meet(const struct tune_cores *a, const struct tune_cores *b)
{
	for (unsigned i = 0; i < WORDS; i++)
		if (a->bits[i] & b->bits[i])
			return true;
	return false;
}

bool tune_cores_within(const struct tune_cores *a, const struct tune_cores *b)
{
	for (unsigned i = 0; i < WORDS; i++)
		if (a->bits[i] & ~b->bits[i])
			return false;
	return true;
}

static int number(const char **p, unsigned long *out)
{
	char *end;

	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	*out = strtoul(*p, &end, 10);
	if (*out >= TUNE_CORES)
		return -EINVAL;
	*p = end;
	return 0;
}

/* "8", "8-11" or "0-15:2/4", up to the comma or the end. */
static int range(struct tune_cores *c, const char **p)
{
	unsigned long first, last, used = 1, group = 1;

	if (number(p, &first))
		return -EINVAL;
	last = first;
	if (**p == '-') {
		++*p;
		if (number(p, &last) || last < first)
			return -EINVAL;
	}
	if (**p == ':') {
		++*p;
		if (number(p, &used) || *(*p)++ != '/' || number(p, &group) || !group ||
		    used > group)
			return -EINVAL;
	}
	for (unsigned long i = first; i <= last; i++)
		if ((i - first) % group < used)
			tune_cores_add(c, (unsigned)i);
	return 0;
}

/* The flags of isolcpus=. */
static size_t word(const char *p)
{
	static const char *const words[] = {"domain", "managed_irq", "nohz"};
	size_t len = strcspn(p, ",");

	for (unsigned i = 0; i < 3; i++)
		if (len == strlen(words[i]) && !strncmp(p, words[i], len))
			return len;
	return 0;
}

static int ranges(struct tune_cores *c, const char *p)
{
	while (*p) {
		if (!strncmp(p, "all", 3) && (!p[3] || p[3] == ',')) {
			memset(c, 0xff, sizeof(*c));
			p += 3;
		} else if (range(c, &p)) {
			return -EINVAL;
		}
		if (*p && *p++ != ',')
			return -EINVAL;
	}
	return 0;
}

int tune_cores_parse(struct tune_cores *c, const char *text)
{
	struct tune_cores got = {0};
	int ret;

	while (word(text)) {
		text += word(text);
		text += *text == ',';
	}
	ret = ranges(&got, text);
	if (!ret)
		*c = got;
	return ret;
}

bool tune_cores_print(const struct tune_cores *c, char *buf, size_t size)
{
	size_t len = 0;

	snprintf(buf, size, "none");
	for (unsigned i = 0; i < TUNE_CORES && len < size; i++) {
		unsigned last = i;
		int n;

		if (!tune_cores_has(c, i))
			continue;
		while (tune_cores_has(c, last + 1))
			last++;
		if (last > i)
			n = snprintf(buf + len, size - len, "%s%u-%u", len ? "," : "", i, last);
		else
			n = snprintf(buf + len, size - len, "%s%u", len ? "," : "", i);
		len += (size_t)(n > 0 ? n : 0);
		i = last;
	}
	return len < size;
}
