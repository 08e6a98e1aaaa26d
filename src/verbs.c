/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs objects behind ours: daqiri_verbs.h. */
#include <daqiri_verbs.h>

#include "port.h"
#include "region.h"
#include "rxq.h"
#include "txq.h"

struct ibv_context *daqiri_port_ibv_context(const struct daqiri_port *port)
{
	return port ? port->dev->ctx : NULL;
}

struct ibv_pd *daqiri_port_ibv_pd(const struct daqiri_port *port)
{
	return port ? port->dev->pd : NULL;
}

struct ibv_mr *daqiri_region_ibv_mr(const struct daqiri_region *region,
				    const struct daqiri_port *port)
{
	return region && port ? dq_region_mr_of(region, port) : NULL;
}

struct ibv_wq *daqiri_rxq_ibv_wq(const struct daqiri_rxq *q)
{
	return q ? q->wq : NULL;
}

struct ibv_cq *daqiri_rxq_ibv_cq(const struct daqiri_rxq *q)
{
	return q ? q->cq.cq : NULL;
}

struct ibv_qp *daqiri_txq_ibv_qp(const struct daqiri_txq *q)
{
	return q ? q->qp : NULL;
}

struct ibv_cq *daqiri_txq_ibv_cq(const struct daqiri_txq *q)
{
	return q ? q->cq.cq : NULL;
}
