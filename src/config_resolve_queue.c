/* SPDX-License-Identifier: Apache-2.0 */
/* Ports and queues. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config_resolve.h"

unsigned dq_count_kind(const struct daqiri_config *cfg, const char *word)
{
	unsigned n = 0;

	for (unsigned i = 0; i < cfg->n_sections; i++)
		n += dq_section_has_kind(&cfg->sections[i], word);
	return n;
}

/* ---- ports ---- */

static int resolve_port(struct dq_resolver *r, const struct dq_section *sec)
{
	struct dq_conf_port *port = &r->conf->ports[r->conf->n_ports];
	const char *address = dq_section_value(sec, "address");
	char name[DQ_NAME_MAX + 1];

	for (unsigned i = 0; address && i < r->conf->n_ports; i++)
		if (r->conf->ports[i].address && !strcmp(r->conf->ports[i].address, address))
			return dq_blame_key(r->cfg, sec, "address",
					    "the address of [port %s] too; every port has its own",
					    r->conf->ports[i].name);
	dq_section_word(sec, 1, name);
	port->where = dq_resolver_where(r, sec);
	port->name = dq_pool_strdup(r->conf->pool, name);
	port->address = address ? dq_pool_strdup(r->conf->pool, address) : NULL;
	port->mtu = (uint32_t)dq_section_number(sec, "mtu", 0);
	port->promiscuous = dq_section_is(sec, "promiscuous", "on");
	port->allmulticast = dq_section_is(sec, "allmulticast", "on");
	port->loopback = dq_section_is(sec, "loopback", "hw");
	if (!port->where || !port->name || (address && !port->address))
		return dq_no_memory();
	r->port_sec[r->conf->n_ports++] = sec;
	return 0;
}

int dq_resolve_ports(struct dq_resolver *r)
{
	unsigned n = dq_count_kind(r->cfg, "port");
	int err = 0;

	r->conf->ports = dq_resolver_alloc(r, n, sizeof(*r->conf->ports));
	r->port_sec = dq_resolver_alloc(r, n, sizeof(*r->port_sec));
	if (!r->conf->ports || !r->port_sec)
		return dq_no_memory();
	for (unsigned i = 0; !err && i < r->cfg->n_sections; i++)
		if (dq_section_has_kind(&r->cfg->sections[i], "port"))
			err = resolve_port(r, &r->cfg->sections[i]);
	return err;
}

/* ---- queues ---- */

/* The region that each word of key regions names, the second one's index too where there is one. */
static int resolve_named(struct dq_resolver *r, struct dq_user *user)
{
	const char *list = dq_section_value(user->sec, "regions");
	int *const found[] = {&user->region, &user->payload};
	char name[DQ_NAME_MAX + 1];

	for (int i = 0; i < 2 && dq_list_next(&list, name, sizeof(name)); i++) {
		*found[i] = dq_region_index(r->conf, name);
		if (*found[i] < 0)
			*found[i] = dq_borrow_region(r, user->sec, name);
		if (*found[i] < 0)
			return dq_blame_missing(r, user->sec, "regions", "region", name);
	}
	return 0;
}

/* The queue's regions: named, private (made here), or none. */
static int resolve_queue_regions(struct dq_resolver *r, struct dq_user *user)
{
	static const char *const keys[] = {"kind", "num_bufs", "buf_size"};
	const struct dq_section *sec = user->sec;
	const char *name = dq_section_value(sec, "regions");
	unsigned given = 0;
	const char *lacking = NULL, *present = NULL;

	for (int i = 0; i < 3; i++) {
		given += dq_section_find(sec, keys[i]) != NULL;
		*(dq_section_find(sec, keys[i]) ? &present : &lacking) = keys[i];
	}
	if (name && given)
		return dq_blame_key(r->cfg, sec, present,
				    "the queue has regions=%s already: one or the other", name);
	if (name)
		return resolve_named(r, user);
	if (!given && !user->rx)
		return 0;
	if (!given)
		return dq_blame_key(r->cfg, sec, "regions",
				    "missing; allowed NAME of a region, or kind, num_bufs and "
				    "buf_size");
	if (given < 3)
		return dq_blame_key(r->cfg, sec, lacking,
				    "missing: a private region takes kind, num_bufs and buf_size");
	user->region = (int)r->conf->n_regions;
	return dq_resolve_add_region(r, sec, "");
}

/* key = forward PORT */
static int resolve_forward(struct dq_resolver *r, const struct dq_section *sec, int *port)
{
	const char *value = dq_section_value(sec, "key");
	const char *name = value ? strchr(value, ' ') : NULL;

	*port = -1;
	if (!name)
		return 0;
	name += strspn(name, " ");
	*port = dq_port_index(r->conf, name);
	return *port < 0 ? dq_blame_missing(r, sec, "key", "port", name) : 0;
}

/* enum daqiri_metadata, or-ed. */
static unsigned resolve_metadata(const struct dq_section *sec)
{
	static const struct {
		const char *word;
		unsigned bit;
	} words[] = {{"timestamp", DAQIRI_META_TIMESTAMP},
		     {"hash", DAQIRI_META_HASH},
		     {"checksum", DAQIRI_META_CHECKSUM},
		     {"vlan", DAQIRI_META_VLAN},
		     {"type", DAQIRI_META_TYPE}};
	const char *list = dq_section_value(sec, "metadata");
	char word[DQ_NAME_MAX + 1];
	unsigned bits = 0;

	while (dq_list_next(&list, word, sizeof(word)))
		for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (!strcmp(word, words[i].word))
				bits |= words[i].bit;
	return bits;
}

static int resolve_clock(struct dq_resolver *r, const struct dq_section *sec, struct dq_conf_rxq *q)
{
	if (dq_section_is(sec, "clock", "auto"))
		return 0;
	q->clock = dq_section_is(sec, "clock", "real") ? DQ_CLOCK_REAL : DQ_CLOCK_FREE;
	if (q->metadata & DAQIRI_META_TIMESTAMP)
		return 0;
	return dq_blame_key(r->cfg, sec, "clock",
			    "there are no time stamps: add timestamp to metadata; allowed auto");
}

/* After metadata. */
static int resolve_compression(struct dq_resolver *r, const struct dq_section *sec,
			       struct dq_conf_rxq *q)
{
	if (dq_section_is(sec, "cqe_compression", "off"))
		q->compression = DQ_COMPRESSION_OFF;
	if (!dq_section_is(sec, "cqe_compression", "on"))
		return 0;
	q->compression = DQ_COMPRESSION_ON;
	if (q->metadata & DAQIRI_META_TIMESTAMP)
		return dq_blame_key(r->cfg, sec, "cqe_compression",
				    "no compressed completion tells a packet's time, which "
				    "metadata=timestamp asks for: one or the other");
	if (q->metadata & DAQIRI_META_HASH && q->rx_mode == DQ_RX_STRIDING)
		return dq_blame_key(r->cfg, sec, "cqe_compression",
				    "with rx_mode=striding no compressed completion tells a hash, "
				    "which metadata=hash asks for: one or the other");
	return 0;
}

static int add_rxq(struct dq_resolver *r, const struct dq_user *user, unsigned port, unsigned id)
{
	struct dq_conf_rxq *q = &r->conf->rxqs[user->index];
	int ret;

	*q = (struct dq_conf_rxq){.port = port, .id = id, .region = (unsigned)user->region};
	q->payload = user->payload;
	q->split = dq_split_of(r, user);
	q->simd = r->conf->simd;
	q->cpu_core = (int)dq_section_number(user->sec, "cpu_core", UINT64_MAX);
	if (!dq_section_is(user->sec, "rx_mode", "auto"))
		q->rx_mode = user->striding ? DQ_RX_STRIDING : DQ_RX_CYCLIC;
	q->metadata = resolve_metadata(user->sec);
	q->vlan_strip = dq_section_is(user->sec, "vlan_strip", "on");
	q->where = dq_resolver_where(r, user->sec);
	r->rxq_sec[user->index] = user->sec;
	r->conf->n_rxqs++;
	if (!q->where)
		return dq_no_memory();
	ret = resolve_clock(r, user->sec, q);
	if (!ret)
		ret = resolve_compression(r, user->sec, q);
	return ret ? ret : resolve_forward(r, user->sec, &q->forward);
}

/* DQ_CHECKSUM_*, or-ed. */
static unsigned resolve_checksum(const struct dq_section *sec)
{
	if (dq_section_is(sec, "checksum", "l3l4"))
		return DQ_CHECKSUM_L3 | DQ_CHECKSUM_L4;
	if (dq_section_is(sec, "checksum", "l3"))
		return DQ_CHECKSUM_L3;
	return dq_section_is(sec, "checksum", "l4") ? DQ_CHECKSUM_L4 : 0;
}

/* The TCI of vlan_push, and its EtherType; -1: there is none. */
static int resolve_tag(const struct dq_section *sec, uint16_t *tpid)
{
	uint64_t id = dq_section_number(sec, "vlan_push", UINT64_MAX);

	*tpid = (uint16_t)dq_section_number(sec, "vlan_push_tpid", 0x8100);
	if (id == UINT64_MAX)
		return -1;
	return (int)(dq_section_number(sec, "vlan_push_pcp", 0) << 13 |
		     dq_section_number(sec, "vlan_push_dei", 0) << 12 | id);
}

static int resolve_tx_clock(struct dq_resolver *r, const struct dq_section *sec,
			    struct dq_conf_txq *q)
{
	if (dq_section_is(sec, "clock", "auto"))
		return 0;
	q->clock = dq_section_is(sec, "clock", "real") ? DQ_CLOCK_REAL : DQ_CLOCK_FREE;
	return q->timed ? 0
			: dq_blame_key(r->cfg, sec, "clock",
				       "there are no launch times: set timed; allowed auto");
}

static int add_txq(struct dq_resolver *r, const struct dq_user *user, unsigned port, unsigned id)
{
	struct dq_conf_txq *q = &r->conf->txqs[user->index];

	*q = (struct dq_conf_txq){.port = port, .id = id, .region = user->region};
	q->payload = user->payload;
	q->tx_latency = dq_section_is(user->sec, "tx_latency", "on");
	q->tx_inline = (uint32_t)dq_section_number(user->sec, "tx_inline", 0);
	q->checksum = resolve_checksum(user->sec);
	q->tso = (uint32_t)dq_section_number(user->sec, "tso", 0);
	q->pacing = (struct dq_pacing){
		.mbps = (uint32_t)dq_section_number(user->sec, "pacing_mbps", 0),
		.burst = (uint32_t)dq_section_number(user->sec, "pacing_burst", 0),
		.size = (uint32_t)dq_section_number(user->sec, "pacing_size", 0)};
	q->vlan_tci = resolve_tag(user->sec, &q->vlan_tpid);
	q->timed = dq_section_is(user->sec, "timed", "on");
	q->src_mac = dq_section_is(user->sec, "src_mac", "port");
	q->simd = r->conf->simd;
	q->cpu_core = (int)dq_section_number(user->sec, "cpu_core", UINT64_MAX);
	q->where = dq_resolver_where(r, user->sec);
	r->txq_sec[user->index] = user->sec;
	r->conf->n_txqs++;
	return q->where ? resolve_tx_clock(r, user->sec, q) : dq_no_memory();
}

static int resolve_queue(struct dq_resolver *r, const struct dq_section *sec)
{
	struct dq_user *user = &r->users[r->n_users++];
	char word[DQ_NAME_MAX + 1];
	uint64_t id = 0;
	unsigned port;
	int err;

	user->sec = sec;
	user->rx = dq_section_has_kind(sec, "rxq");
	user->index = user->rx ? r->conf->n_rxqs : r->conf->n_txqs;
	user->striding = user->rx && dq_section_is(sec, "rx_mode", "striding");
	user->depth = (uint32_t)dq_section_number(sec, "depth", 0);
	user->region = user->payload = -1;
	user->share = UINT64_MAX;
	user->spares = user->rx ? UINT32_MAX : 0;
	dq_section_word(sec, 2, word);
	dq_parse_number(DQ_T_INT, word, &id);
	err = dq_resolve_port_word(r, sec, &port);
	if (!err)
		err = resolve_queue_regions(r, user);
	if (!err)
		err = dq_check_split(r, user);
	if (err)
		return err;
	if (user->rx)
		return add_rxq(r, user, port, (unsigned)id);
	return add_txq(r, user, port, (unsigned)id);
}

int dq_resolve_queues(struct dq_resolver *r)
{
	unsigned n_rx = dq_count_kind(r->cfg, "rxq"), n_tx = dq_count_kind(r->cfg, "txq");
	int err = 0;

	r->users = dq_resolver_alloc(r, n_rx + n_tx, sizeof(*r->users));
	r->conf->rxqs = dq_resolver_alloc(r, n_rx, sizeof(*r->conf->rxqs));
	r->conf->txqs = dq_resolver_alloc(r, n_tx, sizeof(*r->conf->txqs));
	r->rxq_sec = dq_resolver_alloc(r, n_rx, sizeof(*r->rxq_sec));
	r->txq_sec = dq_resolver_alloc(r, n_tx, sizeof(*r->txq_sec));
	if (!r->users || !r->conf->rxqs || !r->conf->txqs || !r->rxq_sec || !r->txq_sec)
		return dq_no_memory();
	for (unsigned i = 0; !err && i < r->cfg->n_sections; i++)
		if (dq_section_has_kind(&r->cfg->sections[i], "rxq") ||
		    dq_section_has_kind(&r->cfg->sections[i], "txq"))
			err = resolve_queue(r, &r->cfg->sections[i]);
	return err;
}
