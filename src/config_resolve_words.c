/* SPDX-License-Identifier: Apache-2.0 */
/* What flows match by words that the NIC's parser must be told of: ipv4_len, eCPRI, [flex]. */
#include <stdio.h>
#include <string.h>

#include "config_resolve.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ECPRI = 0xaefe,
	PROTO_UDP = 17,
	ECPRI_TYPE_SHIFT = 16, /* revision, C; message type; payload size */
	ECPRI_TYPE = 0xff << ECPRI_TYPE_SHIFT,
	ECPRI_ID_SHIFT = 16,	/* pc_id or rtc_id; seq_id */
	ECPRI_LAST_WITH_ID = 2, /* IQ data, bit sequence, real-time control data */
};

#define ECPRI_ID 0xffff0000u

/* All that packets of IP have. */
enum {
	IP_FIELDS = DQ_MATCH_IPV4 | DQ_MATCH_IPV6 | DQ_MATCH_UDP | DQ_MATCH_TCP | DQ_MATCH_IP_PROTO
};

/* ---- [flex] ---------------------------------------------------------------------------------- */

/* The word of this place: that of an earlier section, or the port's next one. */
static unsigned find_word(const struct dq_conf *conf, const struct dq_conf_flex *flex)
{
	unsigned next = DQ_WORD_FLEX;

	for (unsigned i = 0; i < conf->n_flexes; i++) {
		const struct dq_conf_flex *old = &conf->flexes[i];

		if (old->port != flex->port)
			continue;
		if (old->udp_dst == flex->udp_dst && old->offset == flex->offset)
			return old->word;
		if (next <= old->word)
			next = old->word + 1;
	}
	return next;
}

static int read_flex(struct dq_resolver *r, const struct dq_section *sec)
{
	struct dq_conf_flex *flex = &r->conf->flexes[r->conf->n_flexes];
	char name[DQ_NAME_MAX + 1];
	int err = dq_resolve_port_word(r, sec, &flex->port);

	if (err)
		return err;
	dq_section_word(sec, 2, name);
	flex->name = dq_pool_strdup(r->conf->pool, name);
	if (!flex->name)
		return dq_no_memory();
	flex->udp_dst = (uint16_t)dq_section_number(sec, "udp_dst", 0);
	flex->offset = (uint8_t)dq_section_number(sec, "offset", 0);
	flex->word = find_word(r->conf, flex);
	if (flex->word >= DQ_WORDS)
		return dq_blame_key(r->cfg, sec, NULL,
				    "the port has %d words already, as many as the NIC's parser "
				    "has room for besides eCPRI and ipv4_len",
				    DQ_FLEX_MAX);
	r->conf->n_flexes++;
	return 0;
}

int dq_resolve_flexes(struct dq_resolver *r)
{
	unsigned n = dq_count_kind(r->cfg, "flex");
	int err = 0;

	r->conf->flexes = dq_resolver_alloc(r, n, sizeof(*r->conf->flexes));
	if (!r->conf->flexes)
		return dq_no_memory();
	for (unsigned i = 0; !err && i < r->cfg->n_sections; i++)
		if (dq_section_has_kind(&r->cfg->sections[i], "flex"))
			err = read_flex(r, &r->cfg->sections[i]);
	return err;
}

/* ---- what flows say -------------------------------------------------------------------------- */

static void put_word(struct dq_match *m, unsigned word, uint32_t value, uint32_t mask)
{
	m->words[word] = value;
	m->word_masks[word] = mask;
}

/* Says of the frame that this is its EtherType. False: the match says other already. */
static bool put_ethertype(struct dq_headers *h, uint16_t type)
{
	bool fits = !(h->fields & DQ_MATCH_ETHERTYPE) || h->ethertype == type;

	h->fields |= DQ_MATCH_ETHERTYPE;
	h->ethertype = type;
	return fits;
}

static int resolve_ipv4_len(struct dq_resolver *r, const struct dq_section *sec, struct dq_match *m)
{
	const char *value = dq_section_value(sec, "ipv4_len");
	uint64_t first = 0, last = 0;

	if (!value)
		return 0;
	if (m->outer.fields & DQ_MATCH_IPV6 || !put_ethertype(&m->outer, ETHERTYPE_IPV4))
		return dq_blame_key(r->cfg, sec, "ipv4_len",
				    "packets of IPv4 have it alone, and the other matches are of "
				    "something else");
	dq_parse_range(value, UINT16_MAX, &first, &last);
	m->fields |= DQ_MATCH_IPV4_LEN;
	m->ipv4_len = (struct dq_range){(uint16_t)first, (uint16_t)last};
	return 0;
}

static int check_ecpri_id(struct dq_resolver *r, const struct dq_section *sec)
{
	if (!dq_section_value(sec, "ecpri_id") ||
	    dq_section_number(sec, "ecpri_type", ECPRI_LAST_WITH_ID + 1) <= ECPRI_LAST_WITH_ID)
		return 0;
	return dq_blame_key(r->cfg, sec, "ecpri_id",
			    "messages of ecpri_type 0, 1 and 2 have one: name their type");
}

static int resolve_ecpri(struct dq_resolver *r, const struct dq_section *sec, struct dq_match *m)
{
	const char *key = dq_section_value(sec, "ecpri_type") ? "ecpri_type"
			  : dq_section_value(sec, "ecpri_id") ? "ecpri_id"
							      : "ecpri";

	if (!strcmp(key, "ecpri") && !dq_section_is(sec, "ecpri", "on"))
		return 0;
	if (!put_ethertype(&m->outer, ETHERTYPE_ECPRI) || m->outer.fields & IP_FIELDS ||
	    m->inner.fields || m->fields)
		return dq_blame_key(r->cfg, sec, key,
				    "eCPRI is what frames of EtherType 0xaefe carry, and the other "
				    "matches are of something else");
	if (dq_section_value(sec, "ecpri_type"))
		put_word(m, DQ_WORD_ECPRI,
			 (uint32_t)dq_section_number(sec, "ecpri_type", 0) << ECPRI_TYPE_SHIFT,
			 ECPRI_TYPE);
	if (dq_section_value(sec, "ecpri_id"))
		put_word(m, DQ_WORD_ECPRI_ID,
			 (uint32_t)dq_section_number(sec, "ecpri_id", 0) << ECPRI_ID_SHIFT,
			 ECPRI_ID);
	return check_ecpri_id(r, sec);
}

static const struct dq_conf_flex *find_flex(const struct dq_resolver *r, const char *name,
					    unsigned port)
{
	for (unsigned i = 0; i < r->conf->n_flexes; i++)
		if (r->conf->flexes[i].port == port && !strcmp(r->conf->flexes[i].name, name))
			return &r->conf->flexes[i];
	return NULL;
}

static int check_no_flex(struct dq_resolver *r, const struct dq_section *sec)
{
	static const char *const keys[] = {"flex_value", "flex_mask"};

	for (unsigned i = 0; i < 2; i++)
		if (dq_section_find(sec, keys[i]))
			return dq_blame_key(r->cfg, sec, keys[i],
					    "of which word? Give flex = NAME");
	return 0;
}

static int check_flex_value(struct dq_resolver *r, const struct dq_section *sec)
{
	uint32_t mask = (uint32_t)dq_section_number(sec, "flex_mask", 0);
	uint32_t value = (uint32_t)dq_section_number(sec, "flex_value", 0);

	if (!dq_section_value(sec, "flex_value"))
		return dq_blame_key(r->cfg, sec, "flex_value", "missing; allowed 0..0xffffffff");
	if (value & ~mask)
		return dq_blame_key(r->cfg, sec, "flex_value",
				    "bits outside flex_mask are set; allowed 0x%x", value & mask);
	return 0;
}

/* Whether the other matches leave UDP packets to that port, or say nothing of it. */
static bool fits_udp(const struct dq_headers *h, uint16_t port)
{
	bool dst = h->fields & DQ_MATCH_UDP_DST;

	return !(h->fields & DQ_MATCH_TCP) &&
	       !(h->fields & DQ_MATCH_IP_PROTO && h->ip_proto != PROTO_UDP) &&
	       !(dst && (h->udp_dst.first != port || h->udp_dst.last != port));
}

static int resolve_flex(struct dq_resolver *r, const struct dq_section *sec, struct dq_match *m)
{
	const char *name = dq_section_value(sec, "flex");
	const struct dq_conf_flex *flex;
	char full[2 * DQ_NAME_MAX + 2];
	unsigned port = 0;
	int err = dq_resolve_port_word(r, sec, &port);

	if (err)
		return err;
	if (!name)
		return check_no_flex(r, sec);
	flex = find_flex(r, name, port);
	snprintf(full, sizeof(full), "%s %s", r->conf->ports[port].name, name);
	if (!flex)
		return dq_blame_missing(r, sec, "flex", "flex", full);
	if (!fits_udp(&m->outer, flex->udp_dst))
		return dq_blame_key(r->cfg, sec, "flex",
				    "is a word of packets to UDP port %u, and the other matches "
				    "are of something else",
				    flex->udp_dst);
	m->outer.fields |= DQ_MATCH_UDP_DST;
	m->outer.udp_dst = (struct dq_range){flex->udp_dst, flex->udp_dst};
	put_word(m, flex->word, (uint32_t)dq_section_number(sec, "flex_value", 0),
		 (uint32_t)dq_section_number(sec, "flex_mask", 0));
	return check_flex_value(r, sec);
}

int dq_resolve_words(struct dq_resolver *r, const struct dq_section *sec, struct dq_match *m)
{
	int err = resolve_flex(r, sec, m);

	if (!err)
		err = resolve_ipv4_len(r, sec, m);
	return err ? err : resolve_ecpri(r, sec, m);
}
