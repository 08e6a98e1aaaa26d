/* SPDX-License-Identifier: Apache-2.0 */
/* Queues that a thread of the library serves. */
#include "config_resolve.h"

enum { BATCH_AUTO = 64 };

static int check(struct dq_resolver *r, const struct dq_section *sec, uint32_t batch,
		 uint32_t depth)
{
	if (!dq_section_value(sec, "cpu_core"))
		return dq_blame_key(r->cfg, sec, "cpu_core",
				    "missing: mode = worker pins the thread that serves the queue "
				    "to a core; allowed 0..4095");
	if (batch > depth)
		return dq_blame_key(r->cfg, sec, "batch",
				    "above the queue's depth: it would never be full; must be at "
				    "most %u",
				    depth);
	return 0;
}

static int resolve_rxq(struct dq_resolver *r, unsigned i)
{
	const struct dq_section *sec = r->rxq_sec[i];
	struct dq_conf_rxq *q = &r->conf->rxqs[i];

	q->worker = dq_section_is(sec, "mode", "worker");
	q->batch = (uint32_t)dq_section_number(sec, "batch", BATCH_AUTO);
	q->timeout_us = (uint32_t)dq_section_number(sec, "timeout_us", 0);
	if (q->worker && q->metadata)
		return dq_blame_key(r->cfg, sec, "metadata",
				    "with mode = worker packets are handed over without; allowed "
				    "none");
	return q->worker ? check(r, sec, q->batch, q->depth) : 0;
}

static int resolve_txq(struct dq_resolver *r, unsigned i)
{
	const struct dq_section *sec = r->txq_sec[i];
	struct dq_conf_txq *q = &r->conf->txqs[i];

	q->worker = dq_section_is(sec, "mode", "worker");
	q->batch = (uint32_t)dq_section_number(sec, "batch", BATCH_AUTO);
	if (q->worker && q->timed)
		return dq_blame_key(r->cfg, sec, "timed",
				    "with mode = worker packets are handed over without a time; "
				    "allowed off");
	return q->worker ? check(r, sec, q->batch, q->depth) : 0;
}

int dq_resolve_workers(struct dq_resolver *r)
{
	int err = 0;

	for (unsigned i = 0; !err && i < r->conf->n_rxqs; i++)
		err = resolve_rxq(r, i);
	for (unsigned i = 0; !err && i < r->conf->n_txqs; i++)
		err = resolve_txq(r, i);
	return err;
}
