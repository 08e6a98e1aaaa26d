/* SPDX-License-Identifier: Apache-2.0 */
/* Queues with two regions, HEADER,PAYLOAD: frames are split on receive, and gathered on send. */
#include <inttypes.h>
#include <string.h>

#include "config_resolve.h"

enum { SPLIT_MAX = 65536 };

static const struct dq_conf_region *header_of(const struct dq_resolver *r,
					      const struct dq_user *user)
{
	return &r->conf->regions[user->region];
}

uint32_t dq_split_of(const struct dq_resolver *r, const struct dq_user *user)
{
	uint64_t whole = user->payload < 0 ? 0 : header_of(r, user)->buf_size;

	if (user->payload < 0)
		return 0;
	return (uint32_t)dq_section_number(user->sec, "split",
					   whole < SPLIT_MAX ? whole : SPLIT_MAX);
}

/* Where the second entry of a WQE would go: a striding one has none. */
static int check_rx_mode(struct dq_resolver *r, const struct dq_user *user)
{
	if (!user->striding)
		return 0;
	return dq_blame_key(
		r->cfg, user->sec, "rx_mode",
		"a WQE of many packets has no place for the headers' region: frames are "
		"split with one WQE each; allowed auto, cyclic");
}

static int check_rx(struct dq_resolver *r, const struct dq_user *user)
{
	const struct dq_conf_region *header = header_of(r, user);

	if (header->kind == DQ_REGION_DEVICE)
		return dq_blame_key(
			r->cfg, user->sec, "regions",
			"headers are for the CPU, and the first region, %s, is memory of "
			"a GPU; allowed HEADER,PAYLOAD with a HEADER of kind host, huge, "
			"host_pinned or app",
			header->name);
	if (dq_split_of(r, user) > header->buf_size)
		return dq_blame_key(r->cfg, user->sec, "split",
				    "more than a buffer of the headers' region %s holds; allowed "
				    "auto, 1..%" PRIu64,
				    header->name, header->buf_size);
	return check_rx_mode(r, user);
}

static int check_tx(struct dq_resolver *r, const struct dq_user *user)
{
	if (!dq_section_is(user->sec, "mode", "worker"))
		return 0;
	return dq_blame_key(
		r->cfg, user->sec, "mode",
		"with mode = worker packets are handed over as one piece, and the queue "
		"has two regions; allowed direct");
}

int dq_check_split(struct dq_resolver *r, const struct dq_user *user)
{
	const struct dq_section *sec = user->sec;

	if (user->payload >= 0)
		return user->rx ? check_rx(r, user) : check_tx(r, user);
	if (!user->rx || !dq_section_find(sec, "split") || dq_section_is(sec, "split", "auto"))
		return 0;
	return dq_blame_key(
		r->cfg, sec, "split",
		"the queue has no region for payloads: give it regions = HEADER,PAYLOAD; "
		"allowed auto");
}
