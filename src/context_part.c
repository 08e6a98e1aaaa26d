/* SPDX-License-Identifier: Apache-2.0 */
/* The regions and queues that one configuration describes. */
#include <errno.h>
#include <stdlib.h>

#include "context.h"
#include "error.h"
#include "worker.h"

int dq_part_create(struct dq_part **out, struct dq_conf *conf)
{
	struct dq_part *part = calloc(1, sizeof(*part));

	if (!part) {
		dq_conf_free(conf);
		return dq_error(ENOMEM, "out of memory for a context");
	}
	part->conf = conf;
	part->regions = calloc(conf->n_regions + 1, sizeof(struct daqiri_region *));
	part->rxqs = calloc(conf->n_rxqs + 1, sizeof(struct daqiri_rxq *));
	part->txqs = calloc(conf->n_txqs + 1, sizeof(struct daqiri_txq *));
	if (!part->regions || !part->rxqs || !part->txqs) {
		dq_part_free(part);
		return dq_error(ENOMEM, "out of memory for a context");
	}
	*out = part;
	return 0;
}

void dq_part_free(struct dq_part *part)
{
	free(part->txqs);
	free(part->rxqs);
	free(part->regions);
	dq_conf_free(part->conf);
	free(part);
}

/* ---- make ------------------------------------------------------------------------------------ */

/* A queue's region by its index, -1: NULL. */
static struct daqiri_region *region_of(const struct dq_part *part, int index)
{
	return index < 0 ? NULL : part->regions[index];
}

static int make_rxq(struct daqiri *dq, struct dq_part *part, unsigned index)
{
	const struct dq_conf_rxq *conf = &part->conf->rxqs[index];
	struct daqiri_region *regions[] = {part->regions[conf->region],
					   region_of(part, conf->payload)};
	int ret = dq_rxq_create(&part->rxqs[index], conf, dq->ports[conf->port], regions);

	if (!ret && conf->forward >= 0)
		dq_rxq_forward(part->rxqs[index], dq->ports[conf->forward]);
	return ret;
}

static int make_txq(struct daqiri *dq, struct dq_part *part, unsigned index)
{
	const struct dq_conf_txq *conf = &part->conf->txqs[index];
	struct daqiri_region *regions[] = {region_of(part, conf->region),
					   region_of(part, conf->payload)};

	return dq_txq_create(&part->txqs[index], conf, dq->ports[conf->port], regions);
}

int dq_part_make(struct daqiri *dq, struct dq_part *part)
{
	const struct dq_conf *conf = part->conf;
	int ret = 0;

	for (unsigned i = 0; !ret && i < conf->n_regions; i++)
		ret = dq_part_make_region(dq, part, i);
	if (ret)
		return ret;
	dq_regions_log(part->regions, conf->n_regions, conf->log_level);
	for (unsigned i = 0; !ret && i < conf->n_rxqs; i++)
		ret = make_rxq(dq, part, i);
	for (unsigned i = 0; !ret && i < conf->n_txqs; i++)
		ret = make_txq(dq, part, i);
	return ret;
}

int dq_part_start(struct daqiri *dq, struct dq_part *part)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < part->conf->n_rxqs; i++)
		ret = dq_port_add_rxq(part->rxqs[i]->port, part->rxqs[i]);
	for (unsigned i = 0; !ret && i < part->conf->n_txqs; i++)
		ret = dq_port_add_txq(part->txqs[i]->port, part->txqs[i]);
	for (unsigned i = 0; !ret && i < part->conf->n_rxqs; i++)
		ret = dq_worker_add_rxq(dq, part->rxqs[i]);
	for (unsigned i = 0; !ret && i < part->conf->n_txqs; i++)
		ret = dq_worker_add_txq(dq, part->txqs[i]);
	return ret;
}

/* ---- clear ----------------------------------------------------------------------------------- */

/* A region that stands in a queue's section goes with it. */
static void remove_private(struct dq_part *part, int index)
{
	if (index < 0 || part->conf->regions[index].name[0])
		return;
	dq_region_destroy(part->regions[index]);
	part->regions[index] = NULL;
}

void dq_part_remove_rxq(struct daqiri *dq, struct dq_part *part, unsigned index)
{
	struct daqiri_rxq *q = part->rxqs[index];

	if (!q)
		return;
	dq_worker_remove_rxq(dq, q); /* before its counts are final */
	dq_port_remove_rxq(q->port, q);
	dq_rxq_destroy(q);
	part->rxqs[index] = NULL;
	remove_private(part, (int)part->conf->rxqs[index].region);
}

void dq_part_remove_txq(struct daqiri *dq, struct dq_part *part, unsigned index)
{
	struct daqiri_txq *q = part->txqs[index];

	if (!q)
		return;
	dq_worker_remove_txq(dq, q); /* before its counts are final */
	dq_txq_drop_outstanding(q);
	dq_port_remove_txq(q->port, q);
	dq_txq_destroy(q);
	part->txqs[index] = NULL;
	remove_private(part, part->conf->txqs[index].region);
}

void dq_part_clear(struct daqiri *dq, struct dq_part *part)
{
	const struct dq_conf *conf = part->conf;

	for (unsigned i = conf->n_txqs; i--;)
		dq_part_remove_txq(dq, part, i);
	for (unsigned i = conf->n_rxqs; i--;)
		dq_part_remove_rxq(dq, part, i);
	for (unsigned i = conf->n_regions; i--; part->regions[i] = NULL)
		if (!conf->regions[i].borrowed)
			dq_region_destroy(part->regions[i]);
}
