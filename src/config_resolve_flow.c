/* SPDX-License-Identifier: Apache-2.0 */
/* Flows, what becomes of unmatched frames, and daqiri-perf's streams. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config_resolve.h"

/* "0,2-3" of a port as indices into rxqs. */
static int resolve_queue_list(struct dq_resolver *r, const struct dq_section *sec,
			      const char *key, unsigned port)
{
	const char *list = dq_section_value(sec, key);
	bool flow = !strcmp(key, "queue");
	unsigned *queues = dq_resolver_alloc(r, r->conf->n_rxqs, sizeof(*queues));
	char item[32], name[64];
	uint64_t id, last;
	unsigned n = 0;

	if (!queues)
		return dq_no_memory();
	if (!flow)
		list += strcspn(list, " \t");
	while (dq_list_next(&list, item, sizeof(item))) {
		dq_parse_range(item, DQ_QUEUE_ID_MAX, &id, &last);
		for (; id <= last; id++) {
			int q = dq_rxq_index(r->conf, port, (unsigned)id);

			snprintf(name, sizeof(name), "%s %" PRIu64, r->conf->ports[port].name, id);
			if (q < 0)
				return dq_blame_key(r->cfg, sec, key, "there is no [rxq %s]", name);
			queues[n++] = (unsigned)q;
		}
	}
	if (flow) {
		r->conf->flows[r->conf->n_flows].queues = queues;
		r->conf->flows[r->conf->n_flows].n_queues = n;
	} else {
		r->conf->ports[port].queues = queues;
		r->conf->ports[port].n_queues = n;
	}
	return 0;
}

/* ---- flows ---- */

/* Where its frames go: one of queue and drop. */
static int resolve_action(struct dq_resolver *r, const struct dq_section *sec,
			  struct dq_conf_flow *flow)
{
	bool queue = dq_section_value(sec, "queue") != NULL;

	flow->count = dq_section_is(sec, "count", "on");
	if (flow->encap)
		return 0;
	flow->drop = dq_section_is(sec, "drop", "on");
	if (flow->drop && queue)
		return dq_blame_key(r->cfg, sec, "drop",
				    "the flow has a queue too: one of them is enough");
	if (!flow->drop && !queue)
		return dq_blame_key(r->cfg, sec, "queue", "missing; allowed N[,N], or drop = on");
	return flow->drop ? 0 : resolve_queue_list(r, sec, "queue", flow->port);
}

/* Whether both take frames that one queue sends, or both such as the port receives. */
static bool meet(const struct dq_conf_flow *a, const struct dq_conf_flow *b)
{
	bool shared = !a->encap && !b->encap;

	for (unsigned i = 0; i < a->n_senders; i++)
		for (unsigned k = 0; k < b->n_senders; k++)
			shared |= a->senders[i] == b->senders[k];
	return a->port == b->port && shared;
}

/* Two rules of one match would each get a copy of the frame, or one of them none. */
static int check_unique(struct dq_resolver *r, const struct dq_section *sec,
			const struct dq_conf_flow *flow)
{
	char place[600];

	for (unsigned i = 0; i < r->conf->n_flows; i++) {
		const struct dq_conf_flow *old = &r->conf->flows[i];

		if (old->port != flow->port)
			continue;
		dq_place(r->cfg, r->flow_sec[i]->line, place, sizeof(place));
		/* Both lie in zeroed memory and were filled field by field: so is their padding. */
		if (meet(old, flow) &&
		    !memcmp(&old->match, &flow->match, sizeof(old->match))) /* NOLINT */
			return dq_blame_key(
				r->cfg, sec, NULL, "matches the same frames as [%s] (%s)%s",
				r->flow_sec[i]->name, place,
				flow->encap ? "" : "; one flow with queue = A,B spreads them");
		if (flow->tag && old->tag == flow->tag)
			return dq_blame_key(r->cfg, sec, "tag", "the tag of [%s] (%s) too",
					    r->flow_sec[i]->name, place);
	}
	return 0;
}

/* A rule cannot take a tag out where it stands: the kernel's tables for it have no such action. */
static int check_vlan_pop(struct dq_resolver *r, const struct dq_section *sec,
			  const struct dq_conf_flow *flow)
{
	if (!dq_section_is(sec, "vlan_pop", "on"))
		return 0;
	for (unsigned i = 0; i < flow->n_queues; i++) {
		const struct dq_conf_rxq *q = &r->conf->rxqs[flow->queues[i]];

		if (!q->vlan_strip)
			return dq_blame_key(r->cfg, sec, "vlan_pop",
					    "no rule takes tags out, receive queues do: set "
					    "vlan_strip = on in [rxq %s %u]",
					    r->conf->ports[q->port].name, q->id);
	}
	return 0;
}

static int resolve_flow(struct dq_resolver *r, const struct dq_section *sec)
{
	struct dq_conf_flow *flow = &r->conf->flows[r->conf->n_flows];
	char name[DQ_NAME_MAX + 1];
	int err;

	dq_section_word(sec, 2, name);
	flow->name = dq_pool_strdup(r->conf->pool, name);
	flow->where = dq_resolver_where(r, sec);
	if (!flow->name || !flow->where)
		return dq_no_memory();
	flow->tag = (uint32_t)dq_section_number(sec, "tag", 0);
	flow->priority = (int)dq_section_number(sec, "priority", UINT64_MAX);
	err = dq_resolve_port_word(r, sec, &flow->port);
	if (!err)
		err = dq_resolve_decap(r, sec, flow);
	if (!err)
		err = dq_resolve_encap(r, sec, flow);
	if (!err)
		err = dq_resolve_match(r, sec, &flow->match);
	if (!err)
		err = resolve_action(r, sec, flow);
	if (!err)
		err = dq_resolve_rss(r, sec, flow);
	if (!err)
		err = check_vlan_pop(r, sec, flow);
	if (!err)
		err = check_unique(r, sec, flow);
	if (!err)
		r->flow_sec[r->conf->n_flows++] = sec;
	return err;
}

static bool tag_taken(const struct dq_conf *conf, unsigned port, uint32_t tag)
{
	for (unsigned i = 0; i < conf->n_flows; i++)
		if (conf->flows[i].port == port && conf->flows[i].tag == tag)
			return true;
	return false;
}

/* The lowest tags that are free; there are many more of them than sections. */
static int assign_tags(struct dq_resolver *r)
{
	struct dq_conf *conf = r->conf;
	uint32_t *last = dq_resolver_alloc(r, conf->n_ports, sizeof(*last));

	if (!last)
		return dq_no_memory();
	for (unsigned i = 0; i < conf->n_flows; i++) {
		struct dq_conf_flow *flow = &conf->flows[i];

		if (flow->tag)
			continue;
		do
			last[flow->port]++;
		while (tag_taken(conf, flow->port, last[flow->port]));
		flow->tag = last[flow->port];
	}
	return 0;
}

int dq_resolve_flows(struct dq_resolver *r)
{
	unsigned n = 0;
	int err = 0;

	for (unsigned i = 0; i < r->cfg->n_sections; i++)
		n += dq_section_has_kind(&r->cfg->sections[i], "flow");
	r->conf->flows = dq_resolver_alloc(r, n, sizeof(*r->conf->flows));
	r->flow_sec = dq_resolver_alloc(r, n, sizeof(*r->flow_sec));
	if (!r->conf->flows || !r->flow_sec)
		return dq_no_memory();
	for (unsigned i = 0; !err && i < r->cfg->n_sections; i++)
		if (dq_section_has_kind(&r->cfg->sections[i], "flow"))
			err = resolve_flow(r, &r->cfg->sections[i]);
	return err ? err : assign_tags(r);
}

int dq_resolve_unmatched(struct dq_resolver *r)
{
	int err = 0;

	for (unsigned i = 0; !err && i < r->conf->n_ports; i++) {
		const struct dq_section *sec = r->port_sec[i];

		if (dq_section_is(sec, "unmatched", "kernel"))
			continue;
		r->conf->ports[i].unmatched = DQ_UNMATCHED_DROP;
		if (dq_section_is(sec, "unmatched", "drop"))
			continue;
		r->conf->ports[i].unmatched = DQ_UNMATCHED_QUEUE;
		err = resolve_queue_list(r, sec, "unmatched", i);
	}
	return err;
}

/* ---- streams ---- */

static uint64_t largest_size(const struct dq_section *sec)
{
	const char *list = dq_section_value(sec, "size");
	uint64_t v, largest = 0;
	char item[32];

	if (!strcmp(list, "imix"))
		return 1514;
	while (dq_list_next(&list, item, sizeof(item)))
		if (!dq_parse_number(DQ_T_SIZE, item, &v) && v > largest)
			largest = v;
	return largest;
}

/* regions: the queue's. first: bytes of a frame that go to the first one, where it has two. */
static int check_stream_size(struct dq_resolver *r, const struct dq_section *sec,
			     const int regions[2], uint64_t first)
{
	const struct dq_conf_region *region = &r->conf->regions[regions[0]];
	uint64_t size = largest_size(sec), room = region->buf_size;

	if (regions[1] >= 0)
		room = first + r->conf->regions[regions[1]].buf_size;
	if (size <= room)
		return 0;
	if (regions[1] >= 0)
		return dq_blame_key(r->cfg, sec, "size",
				    "longer than what goes to %s and the buf_size of %s; allowed "
				    "up to %" PRIu64,
				    region->where, r->conf->regions[regions[1]].where, room);
	return dq_blame_key(r->cfg, sec, "size",
			    "longer than the buf_size of %s; allowed up to %" PRIu64, region->where,
			    room);
}

static int check_tx_size(struct dq_resolver *r, const struct dq_section *sec, int q)
{
	const struct dq_conf_txq *txq = &r->conf->txqs[q];

	return check_stream_size(r, sec, (const int[]){txq->region, txq->payload},
				 r->conf->regions[txq->region].buf_size);
}

static int check_rx_size(struct dq_resolver *r, const struct dq_section *sec, int q)
{
	const struct dq_conf_rxq *rxq = &r->conf->rxqs[q];

	return check_stream_size(r, sec, (const int[]){(int)rxq->region, rxq->payload}, rxq->split);
}

/* tx or rx: its port, its queue, and whether its frames fit the queue's buffers. */
static int check_stream_end(struct dq_resolver *r, const struct dq_section *sec, const char *key)
{
	const char *value = dq_section_value(sec, key);
	bool tx = !strcmp(key, "tx");
	char port[DQ_NAME_MAX + 1];
	unsigned id = 0;
	int p, q;

	if (!value)
		return 0;
	dq_parse_queue(value, port, &id);
	p = dq_port_index(r->conf, port);
	if (p < 0)
		return dq_blame_missing(r, sec, key, "port", port);
	q = tx ? dq_txq_index(r->conf, (unsigned)p, id) : dq_rxq_index(r->conf, (unsigned)p, id);
	if (q < 0)
		return dq_blame_key(r->cfg, sec, key, "there is no [%sq %s %u]", key, port, id);
	/* Others than these build frames, of sizes that must fit. */
	if (dq_section_is(sec, "role", "forward") || dq_section_is(sec, "role", "drop"))
		return 0;
	if (tx && r->conf->txqs[q].region < 0)
		return dq_blame_key(r->cfg, sec, key,
				    "[txq %s %u] has no region to build frames in: give it regions",
				    port, id);
	return tx ? check_tx_size(r, sec, q) : check_rx_size(r, sec, q);
}

static int resolve_stream(struct dq_resolver *r, const struct dq_section *sec)
{
	int err;

	if (!dq_section_value(sec, "tx") && !dq_section_value(sec, "rx"))
		return dq_blame_key(r->cfg, sec, NULL,
				    "has neither tx nor rx; allowed tx = PORT QUEUE, rx = PORT "
				    "QUEUE, or both");
	if (dq_section_value(sec, "ipv4") && dq_section_value(sec, "ipv6"))
		return dq_blame_key(r->cfg, sec, "ipv6",
				    "the stream has ipv4 already: one of them");
	err = check_stream_end(r, sec, "tx");
	return err ? err : check_stream_end(r, sec, "rx");
}

int dq_resolve_streams(struct dq_resolver *r)
{
	int err = 0;

	for (unsigned i = 0; !err && i < r->cfg->n_sections; i++)
		if (dq_section_has_kind(&r->cfg->sections[i], "stream"))
			err = resolve_stream(r, &r->cfg->sections[i]);
	return err;
}
