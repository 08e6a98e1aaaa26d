/* SPDX-License-Identifier: Apache-2.0 */
/* Regions and queues that come to a context, and go from it, while others of its queues are in use.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "error.h"
#include "flow.h"
#include "worker.h"

/* Whose part and index in there an object is. */
struct seat {
	struct dq_part *part;
	unsigned index;
};

/* q is what the program was given, which is not looked into: it may be gone. */
static bool find_rxq(const struct daqiri *dq, const struct daqiri_rxq *q, struct seat *seat)
{
	DQ_FOREACH_PART (part, dq)
		for (unsigned i = 0; i < part->conf->n_rxqs; i++)
			if (part->rxqs[i] && dq_rxq_face(part->rxqs[i]) == q) {
				*seat = (struct seat){part, i};
				return true;
			}
	return false;
}

static bool find_txq(const struct daqiri *dq, const struct daqiri_txq *q, struct seat *seat)
{
	DQ_FOREACH_PART (part, dq)
		for (unsigned i = 0; i < part->conf->n_txqs; i++)
			if (part->txqs[i] && dq_txq_face(part->txqs[i]) == q) {
				*seat = (struct seat){part, i};
				return true;
			}
	return false;
}

/* Of a name of its own, in the part that made it. */
static bool find_region(const struct daqiri *dq, const struct daqiri_region *region,
			struct seat *seat)
{
	DQ_FOREACH_PART (part, dq)
		for (unsigned i = 0; i < part->conf->n_regions; i++)
			if (part->regions[i] && part->regions[i] == region &&
			    !part->conf->regions[i].borrowed) {
				*seat = (struct seat){part, i};
				return true;
			}
	return false;
}

/* ---- who uses what --------------------------------------------------------------------------- */

/* Names of users, "[rxq rx 0], [txq tx 1] and 3 more". */
struct users {
	unsigned n;
	char text[256];
};

enum { USERS_NAMED = 4 };

static void note_user(struct users *users, const char *where)
{
	size_t len = strlen(users->text);

	/* where is "PATH:LINE: [rxq rx 0]": the brackets name it, and make a shorter list. */
	if (users->n++ < USERS_NAMED)
		snprintf(users->text + len, sizeof(users->text) - len, "%s%s", len ? ", " : "",
			 strchr(where, '[') ? strchr(where, '[') : where);
}

static const char *name_users(struct users *users)
{
	size_t len = strlen(users->text);

	if (users->n > USERS_NAMED)
		snprintf(users->text + len, sizeof(users->text) - len, " and %u more",
			 users->n - USERS_NAMED);
	return users->text;
}

static void note_queues(const struct dq_part *part, const struct daqiri_region *region,
			struct users *users)
{
	const struct dq_conf *conf = part->conf;

	for (unsigned r = 0; r < conf->n_regions; r++) {
		if (part->regions[r] != region)
			continue;
		for (unsigned i = 0; i < conf->n_rxqs; i++)
			if (part->rxqs[i] && dq_rxq_uses(&conf->rxqs[i], r))
				note_user(users, conf->rxqs[i].where);
		for (unsigned i = 0; i < conf->n_txqs; i++)
			if (part->txqs[i] && dq_txq_uses(&conf->txqs[i], r))
				note_user(users, conf->txqs[i].where);
	}
}

/* The queues that have packets in the region. */
static void find_users(const struct daqiri *dq, const struct daqiri_region *region,
		       struct users *users)
{
	DQ_FOREACH_PART (part, dq)
		note_queues(part, region, users);
}

static void note_flow(void *arg, const char *where)
{
	note_user(arg, where);
}

/* ---- add ------------------------------------------------------------------------------------- */

static int check_new(const struct daqiri *dq, const struct dq_conf *conf)
{
	for (unsigned i = 0; i < conf->n_rxqs; i++)
		if (dq_port_rxq(dq->ports[conf->rxqs[i].port], conf->rxqs[i].id))
			return dq_error(EEXIST, "%s: the context has this queue already",
					conf->rxqs[i].where);
	for (unsigned i = 0; i < conf->n_txqs; i++)
		if (dq_port_txq(dq->ports[conf->txqs[i].port], conf->txqs[i].id))
			return dq_error(EEXIST, "%s: the context has this queue already",
					conf->txqs[i].where);
	return 0;
}

/* The buffers of a region are dealt to queues that are made together. */
static int check_borrowed(const struct daqiri *dq, const struct dq_conf *conf)
{
	for (unsigned i = 0; i < conf->n_regions; i++) {
		struct users users = {.text = ""};

		if (!conf->regions[i].borrowed)
			continue;
		find_users(dq, dq_context_region(dq, conf->regions[i].name), &users);
		if (users.n)
			return dq_error(
				EBUSY,
				"[region %s]: its buffers were dealt to %s already: give the "
				"new queue a region of its own, or destroy those first",
				conf->regions[i].name, name_users(&users));
	}
	return 0;
}

static int resolve(struct daqiri *dq, const struct daqiri_config *cfg, struct dq_conf **out)
{
	struct dq_running running = {.opened = dq->conf};
	const struct dq_conf_region **named;
	unsigned n = 0;
	int ret;

	DQ_FOREACH_PART (part, dq)
		n += part->conf->n_regions;
	named = calloc(n + 1, sizeof(*named));
	if (!named)
		return dq_error(ENOMEM, "out of memory for a context");
	DQ_FOREACH_PART (part, dq)
		for (unsigned i = 0; i < part->conf->n_regions; i++)
			if (part->regions[i] && part->conf->regions[i].name[0] &&
			    !part->conf->regions[i].borrowed)
				named[running.n_regions++] = &part->conf->regions[i];
	running.regions = named;
	ret = dq_conf_resolve_added(out, cfg, &running);
	free(named);
	return ret;
}

/* A part of which nothing is left goes, but the opened one, which has the ports. */
static void forget_if_empty(struct daqiri *dq, struct dq_part *part)
{
	const struct dq_conf *conf = part->conf;
	struct dq_part **link = &dq->parts;
	bool empty = part != dq->opened;

	for (unsigned i = 0; i < conf->n_regions; i++)
		empty &= !part->regions[i] || conf->regions[i].borrowed;
	for (unsigned i = 0; i < conf->n_rxqs; i++)
		empty &= !part->rxqs[i];
	for (unsigned i = 0; i < conf->n_txqs; i++)
		empty &= !part->txqs[i];
	if (!empty)
		return;
	while (*link && *link != part)
		link = &(*link)->next;
	if (*link)
		*link = part->next;
	dq_part_free(part);
}

static int add(struct daqiri *dq, const struct daqiri_config *cfg)
{
	struct dq_conf *conf = NULL;
	struct dq_part *part = NULL;
	int ret = resolve(dq, cfg, &conf);

	if (ret)
		return ret;
	ret = check_new(dq, conf);
	if (!ret)
		ret = check_borrowed(dq, conf);
	if (ret) {
		dq_conf_free(conf);
		return ret;
	}
	ret = dq_part_create(&part, conf);
	if (ret)
		return ret;
	dq_conf_warn(conf);
	ret = dq_part_make(dq, part);
	if (!ret)
		ret = dq_part_start(dq, part);
	if (ret) {
		dq_part_clear(dq, part);
		dq_part_free(part);
		return ret;
	}
	part->next = dq->parts;
	dq->parts = part;
	forget_if_empty(dq, part);
	return 0;
}

int daqiri_add(struct daqiri *dq, const struct daqiri_config *cfg)
{
	int ret;

	if (!dq || !cfg)
		return dq_error(EINVAL, "daqiri_add: NULL argument");
	pthread_mutex_lock(&dq->lock);
	ret = add(dq, cfg);
	pthread_mutex_unlock(&dq->lock);
	return ret;
}

/* ---- destroy --------------------------------------------------------------------------------- */

static int check_rxq_unused(const struct daqiri_rxq *q, const struct daqiri_rxq *face)
{
	unsigned long long kept = q->count.kept_out;
	struct users users = {.text = ""};

	if (dq_flow_unmatched_goes_to(q->port, q))
		return dq_error(EBUSY,
				"%s: cannot be destroyed while the context is open: unmatched of "
				"[port %s] names it",
				q->conf->where, q->port->conf->name);
	dq_flow_each_user(q->port, q, note_flow, &users);
	if (users.n)
		return dq_error(EBUSY,
				"%s: cannot be destroyed, %s %s packets to it: remove %s first",
				q->conf->where, name_users(&users), users.n > 1 ? "send" : "sends",
				users.n > 1 ? "them" : "it");
	if (face->held || kept)
		return dq_error(EBUSY,
				"%s: cannot be destroyed, %u packets are polled and not released, "
				"%llu are kept: release them and give them back first",
				q->conf->where, face->held, kept);
	return 0;
}

static int destroy_rxq(struct daqiri *dq, const struct daqiri_rxq *face)
{
	struct seat seat;
	int ret;

	if (!find_rxq(dq, face, &seat))
		return dq_error(ENOENT, "daqiri_rxq_destroy: the context has no such queue");
	ret = check_rxq_unused(seat.part->rxqs[seat.index], face);
	if (ret)
		return ret;
	dq_part_remove_rxq(dq, seat.part, seat.index);
	forget_if_empty(dq, seat.part);
	return 0;
}

int daqiri_rxq_destroy(struct daqiri *dq, struct daqiri_rxq *q)
{
	int ret;

	if (!dq)
		return dq_error(EINVAL, "daqiri_rxq_destroy: NULL context");
	if (!q)
		return 0;
	pthread_mutex_lock(&dq->lock);
	ret = destroy_rxq(dq, q);
	pthread_mutex_unlock(&dq->lock);
	return ret;
}

static int destroy_txq(struct daqiri *dq, struct daqiri_txq *face)
{
	struct users users = {.text = ""};
	const struct daqiri_txq *q;
	unsigned long long out;
	struct seat seat;

	if (!find_txq(dq, face, &seat))
		return dq_error(ENOENT, "daqiri_txq_destroy: the context has no such queue");
	q = seat.part->txqs[seat.index];
	dq_flow_each_taker(q->port, q, note_flow, &users);
	if (users.n)
		return dq_error(EBUSY, "%s: cannot be destroyed, %s %s its frames: remove %s first",
				q->conf->where, name_users(&users), users.n > 1 ? "take" : "takes",
				users.n > 1 ? "them" : "it");
	out = face->posted - dq_tx_reap(face); /* whoever owned it: nobody calls it now */
	/* Of a queue that has stopped, nothing more will be. */
	if (out && !__atomic_load_n(&q->stopped, __ATOMIC_RELAXED))
		return dq_error(
			EBUSY,
			"%s: cannot be destroyed, %llu packets are posted and not completed: "
			"wait for daqiri_tx_completed()",
			q->conf->where, out);
	dq_part_remove_txq(dq, seat.part, seat.index);
	forget_if_empty(dq, seat.part);
	return 0;
}

int daqiri_txq_destroy(struct daqiri *dq, struct daqiri_txq *q)
{
	int ret;

	if (!dq)
		return dq_error(EINVAL, "daqiri_txq_destroy: NULL context");
	if (!q)
		return 0;
	pthread_mutex_lock(&dq->lock);
	ret = destroy_txq(dq, q);
	pthread_mutex_unlock(&dq->lock);
	return ret;
}

static int destroy_region(struct daqiri *dq, struct daqiri_region *region)
{
	struct users users = {.text = ""};
	struct seat seat;

	if (!find_region(dq, region, &seat))
		return dq_error(ENOENT, "daqiri_region_destroy: the context has no such region");
	find_users(dq, region, &users);
	if (users.n)
		return dq_error(EBUSY, "%s: cannot be destroyed, %s %s it: destroy %s first",
				region->conf->where, name_users(&users),
				users.n > 1 ? "use" : "uses", users.n > 1 ? "them" : "it");
	DQ_FOREACH_PART (part, dq)
		for (unsigned i = 0; i < part->conf->n_regions; i++)
			if (part->regions[i] == region)
				part->regions[i] = NULL;
	dq_region_destroy(region);
	forget_if_empty(dq, seat.part);
	return 0;
}

int daqiri_region_destroy(struct daqiri *dq, struct daqiri_region *region)
{
	int ret;

	if (!dq)
		return dq_error(EINVAL, "daqiri_region_destroy: NULL context");
	if (!region)
		return 0;
	pthread_mutex_lock(&dq->lock);
	ret = destroy_region(dq, region);
	pthread_mutex_unlock(&dq->lock);
	return ret;
}
