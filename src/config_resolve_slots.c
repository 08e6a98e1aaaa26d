/* SPDX-License-Identifier: Apache-2.0 */
/* The slots that each queue gets of its regions, and its depth where that is left to us. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "config_resolve.h"
#include "config_stride.h"

enum {
	DEPTH_MIN = 64,
	DEPTH_AUTO_MAX = 8192,
	DEPTH_NO_REGION = 1024,
	STRIDES_AUTO_MAX = 1 << 20 /* completions for them: 64 MiB */
};

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

static bool uses(const struct dq_user *user, unsigned region)
{
	return user->region == (int)region || user->payload == (int)region;
}

/*
 * The depths are known: what they leave of the region goes in equal parts to its receive queues, as
 * spares, the first ones get one more where it does not divide. A queue with two regions has as
 * many in both.
 */
static void share_spares(struct dq_resolver *r, unsigned region)
{
	const struct dq_conf_region *conf = &r->conf->regions[region];
	uint64_t left = conf->num_bufs, share;
	unsigned n = 0;

	for (unsigned i = 0; i < r->n_users; i++)
		if (uses(&r->users[i], region)) {
			left -= slots_of(&r->users[i], conf);
			n += r->users[i].rx;
		}
	for (unsigned i = 0; i < r->n_users; i++) {
		struct dq_user *user = &r->users[i];

		if (!uses(user, region) || !user->rx)
			continue;
		share = (left + n - 1) / n;
		left -= share;
		n--;
		if (share < user->spares)
			user->spares = (uint32_t)share;
	}
}

/* Where the slots of a queue begin in one of its regions. */
static uint64_t *first_slot(struct dq_resolver *r, const struct dq_user *user, unsigned region)
{
	bool payload = user->payload == (int)region;

	if (user->rx)
		return payload ? &r->conf->rxqs[user->index].payload_slot
			       : &r->conf->rxqs[user->index].first_slot;
	return payload ? &r->conf->txqs[user->index].payload_slot
		       : &r->conf->txqs[user->index].first_slot;
}

/* Each queue of the region gets its slots, in file order, and its spares behind them. */
static void deal_slots(struct dq_resolver *r, unsigned region)
{
	uint64_t next = 0;

	for (unsigned i = 0; i < r->n_users; i++) {
		const struct dq_user *user = &r->users[i];

		if (!uses(user, region))
			continue;
		*first_slot(r, user, region) = next;
		next += slots_of(user, &r->conf->regions[region]) + (user->rx ? user->spares : 0);
	}
}

static void note_depth(struct dq_resolver *r, const struct dq_user *user)
{
	uint64_t n = user->region < 0 ? 0 : slots_of(user, &r->conf->regions[user->region]);

	if (user->rx) {
		r->conf->rxqs[user->index].depth = user->depth;
		r->conf->rxqs[user->index].num_slots = n;
		r->conf->rxqs[user->index].spares = user->spares;
	} else {
		r->conf->txqs[user->index].depth = user->depth;
		r->conf->txqs[user->index].num_slots = n;
	}
}

/* Frames of a striding queue lie on strides, and those on whole cache lines. */
static int check_align(struct dq_resolver *r, const struct dq_user *user)
{
	const struct dq_conf_region *region = &r->conf->regions[user->region];
	const struct dq_section *sec = r->region_sec[user->region];
	bool fits = region->align >= 1u << DQ_STRIDE_LOG_MIN &&
		    region->align <= 1u << DQ_STRIDE_LOG_MAX;

	if (fits)
		return 0;
	if (region->borrowed)
		return dq_blame_key(r->cfg, sec, "regions",
				    "[region %s] of the running context has align=%u, and strides "
				    "are of %u to %u bytes: use rx_mode=cyclic, or add a region",
				    region->name, region->align, 1u << DQ_STRIDE_LOG_MIN,
				    1u << DQ_STRIDE_LOG_MAX);
	return dq_blame_key(r->cfg, sec, "align",
			    "feeds a queue with rx_mode=striding, whose strides are whole cache "
			    "lines; must be %u to %u",
			    1u << DQ_STRIDE_LOG_MIN, 1u << DQ_STRIDE_LOG_MAX);
}

/* The region has fewer buffers than its queues need: which key would cure that, and how. */
static int blame_few(struct dq_resolver *r, unsigned index, uint64_t need, const char *why)
{
	const struct dq_conf_region *region = &r->conf->regions[index];

	if (region->borrowed)
		return dq_blame_key(r->cfg, r->region_sec[index], "regions",
				    "[region %s] of the running context has %" PRIu64
				    " buffers, %s; it would take %" PRIu64
				    ": make depth smaller, or add a region for them",
				    region->name, region->num_bufs, why, need);
	return dq_blame_key(r->cfg, r->region_sec[index], "num_bufs",
			    "%s; must be at least %" PRIu64, why, need);
}

/* What the depths that are given take of the region, and how many are not given. */
static int sum_depths(struct dq_resolver *r, unsigned index, uint64_t *said, unsigned *n_auto)
{
	const struct dq_conf_region *region = &r->conf->regions[index];
	bool striding = false;
	char why[160];
	int err = 0;

	for (unsigned i = 0; !err && i < r->n_users; i++) {
		const struct dq_user *user = &r->users[i];

		if (!uses(user, index))
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
		snprintf(why, sizeof(why),
			 "less than what its queues' depths take, %" PRIu64
			 " (with rx_mode=striding depth is in strides, of %u bytes here)",
			 *said, 1u << dq_stride_log(region));
	else
		snprintf(why, sizeof(why), "less than the sum of its queues' depths, %" PRIu64,
			 *said);
	return blame_few(r, index, *said, why);
}

/* What each queue that leaves its depth to us may have of the region at most. */
static int share_region(struct dq_resolver *r, unsigned index)
{
	const struct dq_conf_region *region = &r->conf->regions[index];
	uint64_t said = 0, share;
	unsigned n_auto = 0;
	char why[64];
	int err = sum_depths(r, index, &said, &n_auto);

	if (err)
		return err;
	share = (region->num_bufs - said) / (n_auto ? n_auto : 1);
	if (n_auto && share < DEPTH_MIN) {
		snprintf(why, sizeof(why), "leaves %s less than %d buffers",
			 n_auto > 1 ? "each queue" : "the queue", DEPTH_MIN);
		return blame_few(r, index, said + (uint64_t)n_auto * DEPTH_MIN, why);
	}
	for (unsigned i = 0; i < r->n_users; i++)
		if (uses(&r->users[i], index) && share < r->users[i].share)
			r->users[i].share = share;
	return 0;
}

static void choose_depth(struct dq_resolver *r, struct dq_user *user)
{
	if (user->depth)
		return;
	user->depth = user->region < 0
			      ? DEPTH_NO_REGION
			      : share_out(user, &r->conf->regions[user->region], user->share);
}

int dq_resolve_slots(struct dq_resolver *r)
{
	unsigned n = r->conf->n_regions;
	int err = 0;

	for (unsigned i = 0; !err && i < n; i++)
		err = share_region(r, i);
	if (err)
		return err;
	for (unsigned i = 0; i < r->n_users; i++)
		choose_depth(r, &r->users[i]);
	for (unsigned i = 0; i < n; i++)
		share_spares(r, i);
	for (unsigned i = 0; i < n; i++)
		deal_slots(r, i);
	for (unsigned i = 0; i < r->n_users; i++)
		note_depth(r, &r->users[i]);
	return 0;
}
