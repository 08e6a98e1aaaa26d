/* SPDX-License-Identifier: Apache-2.0 */
/* What stands between the brackets, and values that are spread over [rxq rx 0-3]. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config_priv.h"

/* Splits text at blanks into name->text with one blank between; returns the number of words. */
static unsigned split_words(struct dq_secname *name, const char *text, char words[4][32])
{
	unsigned n = 0;

	name->text[0] = '\0';
	for (text += strspn(text, " \t"); *text; n++) {
		size_t len = strcspn(text, " \t");
		size_t used = strlen(name->text);

		if (n == 4 || len > DQ_NAME_MAX)
			return 5;
		snprintf(words[n], sizeof(words[n]), "%.*s", (int)len, text);
		snprintf(name->text + used, sizeof(name->text) - used, "%s%s", n ? " " : "",
			 words[n]);
		text += len;
		text += strspn(text, " \t");
	}
	return n;
}

static int parse_ids(struct dq_secname *name, const char *id, const struct dq_at *at)
{
	uint64_t first, last;

	if (!dq_parse_range(id, DQ_QUEUE_ID_MAX, &first, &last))
		return dq_blame(at, "\"%s\" is no queue id; allowed 0..%d, or a range 0-3", id,
				DQ_QUEUE_ID_MAX);
	name->numbered = true;
	name->first = (unsigned)first;
	name->last = (unsigned)last;
	snprintf(name->base, sizeof(name->base), "%.*s",
		 (int)(strrchr(name->text, ' ') - name->text), name->text);
	return 0;
}

/* The words after the first against the section's pattern. */
static int parse_args(struct dq_secname *name, char words[4][32], unsigned n,
		      const struct dq_at *at)
{
	const struct dq_kind *kind = name->kind;
	unsigned want = !*kind->args ? 1 : strchr(kind->args, ' ') ? 3 : 2;
	unsigned names = !strcmp(kind->args, "PORT ID") ? want - 1 : want;

	if (n != want)
		return dq_blame(at, "must be [%s%s%s]", kind->word, *kind->args ? " " : "",
				kind->args);
	for (unsigned i = 1; i < names; i++)
		if (!dq_parse_name(words[i]))
			return dq_blame(at,
					"\"%s\" is no name; allowed 1 to %d letters, digits "
					"and _.-",
					words[i], DQ_NAME_MAX);
	return names < want ? parse_ids(name, words[n - 1], at) : 0;
}

int dq_secname_parse(struct dq_secname *out, const char *text, const struct dq_at *at)
{
	struct dq_secname name = {0};
	char words[4][32] = {""};
	unsigned n;
	int err;

	if (strlen(text) > DQ_SECTION_MAX)
		return dq_blame(at, "longer than %d bytes between the brackets", DQ_SECTION_MAX);
	n = split_words(&name, text, words);
	if (n < 1)
		return dq_blame(at, "no section's name between the brackets");
	if (!strncmp(words[0], "app.", 4)) {
		for (unsigned i = 0; i < n; i++)
			if (n > 4 || !dq_parse_name(words[i]))
				return dq_blame(at,
						"must be 1 to 4 words of 1 to %d letters, digits "
						"and _.-",
						DQ_NAME_MAX);
		*out = name;
		return 0;
	}
	name.kind = dq_kind_find(words[0]);
	if (!name.kind)
		return dq_blame_unknown_section(at, words[0]);
	if (!name.kind->supported)
		return dq_blame(at, "not supported yet");
	err = parse_args(&name, words, n, at);
	if (!err)
		*out = name;
	return err;
}

unsigned dq_secname_count(const struct dq_secname *name)
{
	return name->numbered ? name->last - name->first + 1 : 1;
}

void dq_secname_format(const struct dq_secname *name, unsigned i, char buf[DQ_SECTION_BUF])
{
	if (name->numbered)
		snprintf(buf, DQ_SECTION_BUF, "%s %u", name->base, name->first + i);
	else
		snprintf(buf, DQ_SECTION_BUF, "%s", name->text);
}

/* The i-th of the values that "8-9,12" lists; the number of them where i is beyond. */
static uint64_t walk(const char *value, uint64_t i, char *buf, size_t size)
{
	char item[DQ_LINE_MAX + 1];
	uint64_t n = 0, first, last;

	while (dq_list_next(&value, item, sizeof(item))) {
		bool range = dq_parse_range(item, UINT32_MAX, &first, &last) && first < last;
		uint64_t here = range ? last - first + 1 : 1;

		if (i < n + here) {
			if (range)
				snprintf(buf, size, "%llu", (unsigned long long)(first + i - n));
			else
				snprintf(buf, size, "%s", item);
			return i;
		}
		n += here;
	}
	return n;
}

static bool spreads(const struct dq_key *key, const char *value)
{
	uint64_t first, last;

	if (dq_type_is_list(key->type))
		return false;
	return strchr(value, ',') ||
	       (dq_type_is_number(key->type) && dq_parse_range(value, UINT32_MAX, &first, &last) &&
		first < last);
}

int dq_spread(const struct dq_key *key, const char *value, unsigned n, const struct dq_at *at)
{
	char unused[1];
	uint64_t count;

	if (!spreads(key, value))
		return 0;
	if (n < 2)
		return dq_blame(at, "one value is wanted: a list is for [%s PORT 0-3]",
				key->section);
	count = walk(value, UINT64_MAX, unused, sizeof(unused));
	if (count != n)
		return dq_blame(at, "%llu values for %u queues; allowed one, or %u",
				(unsigned long long)count, n, n);
	return 1;
}

void dq_spread_pick(const char *value, unsigned i, char *buf, size_t size)
{
	walk(value, i, buf, size);
}
