/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "record.h"
#include "redact.h"

static unsigned number_of(struct tune_hidden *h, const char *word, size_t len)
{
	char key[64], (*more)[64];

	snprintf(key, sizeof(key), "%.*s", (int)len, word);
	for (char *p = key; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (unsigned i = 0; i < h->n_words; i++)
		if (!strcmp(h->word[i], key))
			return i + 1;
	more = TUNE_GROW(h, word, n_words);
	if (!more) {
		h->no_memory = true;
		return 0;
	}
	memcpy(*more, key, sizeof(key));
	return h->n_words;
}

/* As many characters as the pattern has: x a hex digit, others themselves. */
static bool matches(const char *p, const char *pattern)
{
	for (; *pattern; p++, pattern++)
		if (*pattern == 'x' ? !isxdigit((unsigned char)*p) : *p != *pattern)
			return false;
	return true;
}

static bool word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static const char uuid[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

/* Hex pairs with colons between them: 6 are a MAC address, 20 one of IP over InfiniBand. */
static unsigned pairs(const char *p)
{
	unsigned n = 0;

	while (n < 20 && matches(p, "xx")) {
		n++;
		if (p[2] != ':')
			return isxdigit((unsigned char)p[2]) ? 0 : n;
		p += 3;
	}
	return n;
}

static size_t put_pairs(struct tune_hidden *h, char *out, const char *p, unsigned n)
{
	unsigned number = number_of(h, p, 3 * n - 1);

	out += sprintf(out, "02");
	for (unsigned i = 3; i < n; i++)
		out += sprintf(out, ":00");
	sprintf(out, ":%02x:%02x", number >> 8 & 255, number & 255);
	return 3 * n - 1;
}

/* "enx0250b6000001" as MAC address: the same number for both. */
static unsigned plain_mac(struct tune_hidden *h, const char *p)
{
	char text[18];

	snprintf(text, sizeof(text), "%.2s:%.2s:%.2s:%.2s:%.2s:%.2s", p, p + 2, p + 4, p + 6, p + 8,
		 p + 10);
	return number_of(h, text, 17);
}

/* The length of a dotted quad that no digit or dot goes on from; 0: none. 127.… is everyone's. */
static size_t quad(const char *p)
{
	unsigned b[4];
	int len = 0;

	if (sscanf(p, "%3u.%3u.%3u.%3u%n", &b[0], &b[1], &b[2], &b[3], &len) != 4 || !len)
		return 0;
	if (b[0] > 255 || b[1] > 255 || b[2] > 255 || b[3] > 255 || b[0] == 127 || !b[0])
		return 0;
	return word_char(p[len]) || p[len] == '.' ? 0 : (size_t)len;
}

/* One subnet stays one. */
static int put_quad(struct tune_hidden *h, char *out, const char *p, size_t len)
{
	size_t net = len;
	unsigned subnet;

	while (p[net - 1] != '.')
		net--;
	subnet = number_of(h, p, net) & 255;
	return sprintf(out, "198.18.%u.%u", subnet, (number_of(h, p, len) & 127) + 1);
}

/* The length of an IPv6 address that no word goes on from; 0: none. :: and ::1 are everyone's. */
static size_t colons(const char *p, struct in6_addr *in)
{
	size_t len = strspn(p, "0123456789abcdefABCDEF:.");
	char text[INET6_ADDRSTRLEN];

	if (len < 3 || len > sizeof(text) || word_char(p[len]))
		return 0;
	for (unsigned tries = 0; tries < 2;
	     tries++, len--) { /* a dot or colon may end the sentence */
		snprintf(text, sizeof(text), "%.*s", (int)len, p);
		if (len < sizeof(text) && inet_pton(AF_INET6, text, in) == 1)
			return IN6_IS_ADDR_LOOPBACK(in) ? 0 : len;
		if (!strchr(":.", p[len - 1]))
			return 0;
	}
	return 0;
}

/* One subnet of 64 bits stays one: 2001:db8::/32 is for documents. */
static void put_colons(struct tune_hidden *h, char out[64], const struct in6_addr *in)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr net = *in;
	unsigned subnet;

	memset(net.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &net, text, sizeof(text));
	subnet = number_of(h, text, strlen(text)) & 0xffff;
	inet_ntop(AF_INET6, in, text, sizeof(text));
	sprintf(out, "2001:db8:0:%x::%x", subnet, number_of(h, text, strlen(text)) & 0xffff);
}

struct place {
	const char *p;
	bool starts; /* no word goes on into it */
	const char *host;
	bool contents;
};

/* What is to be hidden here: its length, and out what stands for it; 0: nothing. */
static size_t hide(struct tune_hidden *h, const struct place *at, char out[64])
{
	const char *p = at->p;
	size_t len = at->host ? strlen(at->host) : 0;
	struct in6_addr in6;

	if (!at->starts)
		return 0;
	if (pairs(p) >= 6)
		return put_pairs(h, out, p, pairs(p));
	if (!strncmp(p, "enx", 3) && matches(p + 3, "xxxxxxxxxxxx")) {
		sprintf(out, "enx02000000%04x", plain_mac(h, p + 3) & 0xffff);
		return 15;
	}
	if (!at->contents)
		return 0;
	if (matches(p, uuid) && !word_char(p[36])) {
		sprintf(out, "00000000-0000-4000-8000-%012x", number_of(h, p, 36));
		return 36;
	}
	if (isdigit((unsigned char)*p) && quad(p)) {
		len = quad(p);
		put_quad(h, out, p, len);
		return len;
	}
	if (colons(p, &in6)) {
		put_colons(h, out, &in6);
		return colons(p, &in6);
	}
	/* "host-vg" has it too */
	if (!len || strncmp(p, at->host, len) || (word_char(p[len]) && p[len] != '-'))
		return 0;
	memcpy(out, "host", sizeof("host"));
	return len;
}

char *tune_redact(struct tune_hidden *h, const char *text, const char *host, bool contents)
{
	struct place at = {text, true, host && *host ? host : NULL, contents};
	char *out = malloc(8 * strlen(text) + 64); /* "a::" grows most, "ab" becomes "host" */
	size_t len = 0;

	while (out && *at.p) {
		size_t n = hide(h, &at, out + len);

		if (n)
			len += strlen(out + len);
		else
			out[len++] = *at.p;
		at.p += n ? n : 1;
		/* "GPU-<uuid>" and "UUID=…" begin anew */
		at.starts = !isalnum((unsigned char)at.p[-1]) && at.p[-1] != '.' && at.p[-1] != '_';
	}
	if (out)
		out[len] = 0;
	return out;
}

/* Extended capabilities (PCIe base specification 7.6.3); 3: Device Serial Number, at 4 to 11. */
void tune_redact_config(unsigned char *c, size_t len)
{
	size_t at = 0x100;

	for (unsigned i = 0; i < 64 && at >= 0x100 && at + 12 <= len; i++) {
		unsigned id = c[at] | (unsigned)c[at + 1] << 8;

		if (id == 3)
			memset(c + at + 4, 0, 8);
		at = (c[at + 2] >> 4 | (size_t)c[at + 3] << 4) & 0xffc;
	}
}

static bool ends_with(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n >= m && !strcmp(path + n - m, end);
}

static void replace(struct tune_hidden *h, char **text, char *by)
{
	h->no_memory |= !by;
	if (!by)
		return;
	free(*text);
	*text = by;
}

static void redact_entry(struct tune_hidden *h, struct tune_entry *e, const char *host)
{
	char *copy;

	replace(h, &e->path, tune_redact(h, e->path, NULL, false));
	if (!e->data)
		return;
	if (ends_with(e->path, "/config")) {
		tune_redact_config((unsigned char *)e->data, e->len);
		return;
	}
	copy = malloc(e->len + 1);
	h->no_memory |= !copy;
	if (!copy || (e->kind == '0' && memchr(e->data, 0, e->len))) {
		free(copy);
		return;
	}
	memcpy(copy, e->data, e->len);
	copy[e->len] = 0;
	replace(h, &e->data, tune_redact(h, copy, host, e->kind == '0'));
	e->len = strlen(e->data);
	free(copy);
}

int tune_record_redact(struct tune_record *rec, const char *host)
{
	struct tune_hidden h = {0};

	for (unsigned i = 0; i < rec->n_entries && !h.no_memory; i++)
		redact_entry(&h, &rec->entry[i], host);
	free(h.word);
	return h.no_memory ? -ENOMEM : 0;
}
