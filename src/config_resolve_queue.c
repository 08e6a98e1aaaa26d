/* SPDX-License-Identifier: Apache-2.0 */
/* Ports, queues, and the slots that each queue gets of its region. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config_resolve.h"
#include "config_stride.h"

enum {
	DEPTH_MIN = 64,
	DEPTH_AUTO_MAX = 8192,
	DEPTH_NO_REGION = 1024,
	STRIDES_AUTO_MAX = 1 << 20 /* completions for them: 64 MiB */
};

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

/* The queue's region: named, private (made here), or -1. */
static int resolve_queue_region(struct dq_resolver *r, const struct dq_section *sec, int *region)
{
	static const char *const keys[] = {"kind", "num_bufs", "buf_size"};
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
	*region = name ? dq_region_index(r->conf, name) : -1;
	if (name && *region < 0)
		return dq_blame_missing(r, sec, "regions", "region", name);
	if (name || (!given && dq_section_has_kind(sec, "txq")))
		return 0;
	if (!given)
		return dq_blame_key(r->cfg, sec, "regions",
				    "missing; allowed NAME of a region, or kind, num_bufs and "
				    "buf_size");
	if (given < 3)
		return dq_blame_key(r->cfg, sec, lacking,
				    "missing: a private region takes kind, num_bufs and buf_size");
	*region = (int)r->conf->n_regions;
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

static int add_rxq(struct dq_resolver *r, const struct dq_user *user, unsigned port, unsigned id)
{
	struct dq_conf_rxq *q = &r->conf->rxqs[user->index];

	*q = (struct dq_conf_rxq){.port = port, .id = id, .region = (unsigned)user->region};
	q->simd = r->conf->simd;
	q->cpu_core = (int)dq_section_number(user->sec, "cpu_core", UINT64_MAX);
	if (!dq_section_is(user->sec, "rx_mode", "auto"))
		q->rx_mode = user->striding ? DQ_RX_STRIDING : DQ_RX_CYCLIC;
	q->metadata = resolve_metadata(user->sec);
	q->where = dq_resolver_where(r, user->sec);
	r->rxq_sec[user->index] = user->sec;
	r->conf->n_rxqs++;
	return q->where ? resolve_forward(r, user->sec, &q->forward) : dq_no_memory();
}

static int add_txq(struct dq_resolver *r, const struct dq_user *user, unsigned port, unsigned id)
{
	struct dq_conf_txq *q = &r->conf->txqs[user->index];

	*q = (struct dq_conf_txq){.port = port, .id = id, .region = user->region};
	q->simd = r->conf->simd;
	q->cpu_core = (int)dq_section_number(user->sec, "cpu_core", UINT64_MAX);
	q->where = dq_resolver_where(r, user->sec);
	r->txq_sec[user->index] = user->sec;
	r->conf->n_txqs++;
	return q->where ? 0 : dq_no_memory();
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
	dq_section_word(sec, 2, word);
	dq_parse_number(DQ_T_INT, word, &id);
	err = dq_resolve_port_word(r, sec, &port);
	if (!err)
		err = resolve_queue_region(r, sec, &user->region);
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

/* ---- slots ---- */

/* The depth of the region's queues that leave it to us: share is DEPTH_MIN at least. */
static uint32_t auto_depth(uint64_t share)
{
	uint32_t depth = DEPTH_MIN;

	while (depth < DEPTH_AUTO_MAX && (uint64_t)depth * 2 <= share)
		depth *= 2;
	return depth;
}

/* The slots that the queue's depth takes; 0 where it is not known yet. */
static uint64_t slots_of(const struct dq_user *user, const struct dq_conf_region *region)
{
	return user->striding ? dq_strides_take(region, user->depth) : user->depth;
}

/* The depth of a queue that has this share of the region's slots. */
static uint32_t share_out(const struct dq_user *user, const struct dq_conf_region *region,
			  uint64_t share)
{
	uint64_t strides;

	if (!user->striding)
		return auto_depth(share);
	strides = dq_strides_in(region, share);
	return strides < STRIDES_AUTO_MAX ? (uint32_t)strides : STRIDES_AUTO_MAX;
}

/* The queue's share of its region, from first on; returns where the next one's begins. */
static uint64_t deal(struct dq_resolver *r, const struct dq_user *user, uint64_t first,
		     uint64_t spares)
{
	uint64_t n = user->region < 0 ? 0 : slots_of(user, &r->conf->regions[user->region]);

	if (user->rx) {
		r->conf->rxqs[user->index].depth = user->depth;
		r->conf->rxqs[user->index].first_slot = first;
		r->conf->rxqs[user->index].num_slots = n;
		r->conf->rxqs[user->index].spares = (uint32_t)spares;
	} else {
		r->conf->txqs[user->index].depth = user->depth;
		r->conf->txqs[user->index].first_slot = first;
		r->conf->txqs[user->index].num_slots = n;
	}
	return first + n + spares;
}

/*
 * The region's queues have their depths: each gets its slots, in file order, and receive queues
 * an equal part of what is left, as spares, the first ones one more where it does not divide.
 */
static void deal_slots(struct dq_resolver *r, int region)
{
	const struct dq_conf_region *conf = &r->conf->regions[region];
	uint64_t next = 0, left = conf->num_bufs, share;
	unsigned n = 0;

	for (unsigned i = 0; i < r->n_users; i++)
		if (r->users[i].region == region) {
			left -= slots_of(&r->users[i], conf);
			n += r->users[i].rx;
		}
	for (unsigned i = 0; i < r->n_users; i++) {
		const struct dq_user *user = &r->users[i];

		if (user->region != region)
			continue;
		share = user->rx ? (left + n - 1) / n : 0;
		next = deal(r, user, next, share);
		left -= share;
		n -= user->rx;
	}
}

/* Frames of a striding queue lie on strides, and those on whole cache lines. */
static int check_align(struct dq_resolver *r, const struct dq_user *user)
{
	const struct dq_conf_region *region = &r->conf->regions[user->region];

	if (region->align < 1u << DQ_STRIDE_LOG_MIN)
		return dq_blame_key(r->cfg, r->region_sec[user->region], "align",
				    "feeds a queue with rx_mode=striding, whose strides are whole "
				    "cache lines; must be at least %u",
				    1u << DQ_STRIDE_LOG_MIN);
	if (region->align > 1u << DQ_STRIDE_LOG_MAX)
		return dq_blame_key(r->cfg, r->region_sec[user->region], "align",
				    "feeds a queue with rx_mode=striding, whose strides are at "
				    "most %u bytes; must be at most that",
				    1u << DQ_STRIDE_LOG_MAX);
	return 0;
}

/* What the depths that are given take of the region, and how many are not given. */
static int sum_depths(struct dq_resolver *r, unsigned index, uint64_t *said, unsigned *n_auto)
{
	const struct dq_conf_region *region = &r->conf->regions[index];
	bool striding = false;
	int err = 0;

	for (unsigned i = 0; !err && i < r->n_users; i++) {
		const struct dq_user *user = &r->users[i];

		if (user->region != (int)index)
			continue;
		if (user->striding)
			err = check_align(r, user);
		striding |= user->striding;
		*said += slots_of(user, region);
		*n_auto += !user->depth;
	}
	if (err || *said <= region->num_bufs)
		return err;
	if (striding)
		return dq_blame_key(r->cfg, r->region_sec[index], "num_bufs",
				    "less than what its queues' depths take, %" PRIu64
				    " (with rx_mode=striding depth is in strides, of %u bytes "
				    "here); must be at least %" PRIu64,
				    *said, 1u << dq_stride_log(region), *said);
	return dq_blame_key(r->cfg, r->region_sec[index], "num_bufs",
			    "less than the sum of its queues' depths, %" PRIu64
			    "; must be at least %" PRIu64,
			    *said, *said);
}

static int deal_region(struct dq_resolver *r, unsigned index)
{
	const struct dq_conf_region *region = &r->conf->regions[index];
	uint64_t said = 0, share;
	unsigned n_auto = 0;
	int err = sum_depths(r, index, &said, &n_auto);

	if (err)
		return err;
	share = (region->num_bufs - said) / (n_auto ? n_auto : 1);
	if (n_auto && share < DEPTH_MIN)
		return dq_blame_key(r->cfg, r->region_sec[index], "num_bufs",
				    "leaves %s less than %d buffers; must be at least %" PRIu64,
				    n_auto > 1 ? "each queue" : "the queue", DEPTH_MIN,
				    said + (uint64_t)n_auto * DEPTH_MIN);
	for (unsigned i = 0; i < r->n_users; i++) {
		struct dq_user *user = &r->users[i];

		if (user->region == (int)index && !user->depth)
			user->depth = share_out(user, region, share);
	}
	deal_slots(r, (int)index);
	return 0;
}

int dq_resolve_slots(struct dq_resolver *r)
{
	int err = 0;

	for (unsigned i = 0; !err && i < r->conf->n_regions; i++)
		err = deal_region(r, i);
	for (unsigned i = 0; !err && i < r->n_users; i++)
		if (r->users[i].region < 0) {
			if (!r->users[i].depth)
				r->users[i].depth = DEPTH_NO_REGION;
			deal(r, &r->users[i], 0, 0);
		}
	return err;
}
