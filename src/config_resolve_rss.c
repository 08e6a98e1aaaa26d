/* SPDX-License-Identifier: Apache-2.0 */
/* How a flow is spread over several queues. */
#include <stdio.h>
#include <string.h>

#include "config_resolve.h"

/* In the order of enum dq_rss_field. */
static const char *const words[] = {"ipv4_src", "ipv4_dst", "ipv6_src", "ipv6_dst",
				    "tcp_src",	"tcp_dst",  "udp_src",	"udp_dst"};

enum { N_WORDS = sizeof(words) / sizeof(words[0]) };

static uint32_t read_fields(const struct dq_section *sec)
{
	const char *list = dq_section_value(sec, "rss_fields");
	uint32_t fields = 0;
	char item[32];

	if (dq_section_is(sec, "rss_fields", "auto"))
		return DQ_RSS_ALL;
	while (dq_list_next(&list, item, sizeof(item)))
		for (unsigned i = 0; i < N_WORDS; i++)
			if (!strcmp(words[i], item))
				fields |= 1U << i;
	return fields;
}

/*
 * A key of period 16 bits gives both directions of a connection one hash: S. Woo and K. Park,
 * "Scalable TCP Session Monitoring with Symmetric Receive-side Scaling", 2012.
 */
static void make_symmetric(uint8_t key[DQ_RSS_KEY_BYTES])
{
	for (unsigned i = 0; i < DQ_RSS_KEY_BYTES; i++)
		key[i] = i & 1 ? 0x5a : 0x6d;
}

static void read_key(const struct dq_section *sec, struct dq_conf_rss *rss)
{
	const char *text = dq_section_value(sec, "rss_key");

	if (dq_section_is(sec, "rss_key", "default"))
		return;
	rss->has_key = true;
	if (dq_section_is(sec, "rss_key", "symmetric")) {
		make_symmetric(rss->key);
		return;
	}
	for (unsigned i = 0; i < DQ_RSS_KEY_BYTES; i++) {
		unsigned byte = 0;

		sscanf(text + (size_t)2 * i, "%2x", &byte);
		rss->key[i] = (uint8_t)byte;
	}
}

/* The fields that frames with these headers may have. */
static uint32_t possible_fields(const struct dq_headers *h)
{
	const uint32_t v4 = DQ_RSS_IPV4_SRC | DQ_RSS_IPV4_DST,
		       v6 = DQ_RSS_IPV6_SRC | DQ_RSS_IPV6_DST,
		       tcp = DQ_RSS_TCP_SRC | DQ_RSS_TCP_DST, udp = DQ_RSS_UDP_SRC | DQ_RSS_UDP_DST;
	uint32_t fields = DQ_RSS_ALL;
	uint8_t proto = h->fields & DQ_MATCH_UDP ? 17 : h->fields & DQ_MATCH_TCP ? 6 : h->ip_proto;
	uint16_t type = h->fields & DQ_MATCH_IPV4   ? 0x0800
			: h->fields & DQ_MATCH_IPV6 ? 0x86dd
						    : h->ethertype;

	if (type)
		fields &= type == 0x0800 ? ~v6 : type == 0x86dd ? ~v4 : 0;
	if (h->fields & (DQ_MATCH_UDP | DQ_MATCH_TCP | DQ_MATCH_IP_PROTO))
		fields &= proto == 17 ? ~tcp : proto == 6 ? ~udp : v4 | v6;
	return fields;
}

static int check_one_queue(struct dq_resolver *r, const struct dq_section *sec, bool drop)
{
	static const char *const keys[] = {"rss_fields", "rss_key", "rss_level"};
	static const char *const defaults[] = {"auto", "default", "outer"};

	for (unsigned i = 0; i < 3; i++)
		if (!dq_section_is(sec, keys[i], defaults[i]))
			return dq_blame_key(r->cfg, sec, keys[i],
					    "the flow %s: there is nothing to spread",
					    drop ? "drops its frames" : "has one queue");
	return 0;
}

int dq_resolve_rss(struct dq_resolver *r, const struct dq_section *sec, struct dq_conf_flow *flow)
{
	bool inner = dq_section_is(sec, "rss_level", "inner");
	const struct dq_match *m = &flow->match;
	uint32_t possible = possible_fields(inner || flow->decap ? &m->inner : &m->outer);

	if (flow->n_queues <= 1)
		return check_one_queue(r, sec, flow->drop);
	if (!possible)
		return dq_blame_key(r->cfg, sec, "queue",
				    "RSS hashes fields of IP, UDP and TCP, which frames of this "
				    "ethertype lack; allowed one queue");
	if (inner && flow->decap)
		return dq_blame_key(
			r->cfg, sec, "rss_level",
			"decap leaves no tunnel, and what was in it is hashed: use outer");
	flow->rss.inner = inner;
	flow->rss.fields = read_fields(sec);
	if (!(flow->rss.fields & possible))
		return dq_blame_key(r->cfg, sec, "rss_fields",
				    "no frame that the flow matches has any of these fields");
	read_key(sec, &flow->rss);
	return 0;
}
