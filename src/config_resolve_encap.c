/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of frames that are sent: which tunnel they get, and which queues they are of. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "config_resolve.h"

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd };

static int check_keys(struct dq_resolver *r, const struct dq_section *sec)
{
	static const char *const receive[] = {"decap",	    "drop",    "vlan_pop", "tag",
					      "rss_fields", "rss_key", "rss_level"};

	for (unsigned i = 0; i < sizeof(receive) / sizeof(receive[0]); i++)
		if (dq_section_find(sec, receive[i]))
			return dq_blame_key(r->cfg, sec, receive[i],
					    "is of flows that receive; with encap, this one is of "
					    "frames that are sent");
	return 0;
}

static int check_tunnel(struct dq_resolver *r, const struct dq_section *sec,
			const struct dq_conf_tunnel *t)
{
	if (!t->has_macs || !t->has_ips)
		return dq_blame_key(r->cfg, sec, "encap",
				    "the header has addresses of Ethernet and IPv4: give mac_src, "
				    "mac_dst, ipv4_src and ipv4_dst in [tunnel %s]",
				    t->name);
	if (t->type == DQ_TUNNEL_GRE && t->protocol != ETHERTYPE_IPV4 &&
	    t->protocol != ETHERTYPE_IPV6)
		return dq_blame_key(r->cfg, sec, "encap",
				    "the NIC puts GRE on IP only: protocol of [tunnel %s]; allowed "
				    "0x0800, 0x86dd",
				    t->name);
	return 0;
}

/* GRE carries packets of its protocol alone: other frames go out as they are. */
static int match_protocol(struct dq_resolver *r, const struct dq_section *sec,
			  struct dq_conf_flow *flow)
{
	struct dq_headers *h = &flow->match.outer;

	if (flow->encap->type != DQ_TUNNEL_GRE)
		return 0;
	if (dq_section_number(sec, "ethertype", flow->encap->protocol) != flow->encap->protocol)
		return dq_blame_key(
			r->cfg, sec, "ethertype",
			"the tunnel carries packets of 0x%04x alone, and the key may be "
			"left out",
			flow->encap->protocol);
	h->fields |= DQ_MATCH_ETHERTYPE;
	h->ethertype = flow->encap->protocol;
	return 0;
}

static int add_sender(struct dq_resolver *r, const struct dq_section *sec,
		      struct dq_conf_flow *flow, unsigned id)
{
	int q = dq_txq_index(r->conf, flow->port, id);

	if (q < 0)
		return dq_blame_key(r->cfg, sec, "queue", "there is no [txq %s %u]",
				    r->conf->ports[flow->port].name, id);
	flow->senders[flow->n_senders++] = (unsigned)q;
	return 0;
}

static int read_senders(struct dq_resolver *r, const struct dq_section *sec,
			struct dq_conf_flow *flow)
{
	const char *list = dq_section_value(sec, "queue");
	uint64_t id = 0, last = 0;
	char item[32];
	int err = 0;

	for (unsigned i = 0; !list && i < r->conf->n_txqs; i++)
		if (r->conf->txqs[i].port == flow->port)
			flow->senders[flow->n_senders++] = i;
	while (list && dq_list_next(&list, item, sizeof(item))) {
		dq_parse_range(item, DQ_QUEUE_ID_MAX, &id, &last);
		for (; !err && id <= last; id++)
			err = add_sender(r, sec, flow, (unsigned)id);
	}
	if (!err && !flow->n_senders)
		return dq_blame_key(r->cfg, sec, "encap", "[port %s] has no send queue",
				    r->conf->ports[flow->port].name);
	return err;
}

int dq_resolve_encap(struct dq_resolver *r, const struct dq_section *sec, struct dq_conf_flow *flow)
{
	int err;

	if (!dq_section_value(sec, "encap"))
		return 0;
	flow->encap = dq_find_tunnel(r, sec, "encap");
	if (!flow->encap)
		return -EINVAL;
	flow->senders = dq_resolver_alloc(r, r->conf->n_txqs, sizeof(*flow->senders));
	if (!flow->senders)
		return dq_no_memory();
	err = check_keys(r, sec);
	if (!err)
		err = check_tunnel(r, sec, flow->encap);
	if (!err)
		err = match_protocol(r, sec, flow);
	return err ? err : read_senders(r, sec, flow);
}
