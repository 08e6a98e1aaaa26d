/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous events of the devices that we opened. They come doubled, for ports that are not ours
 * and for objects that are gone: each is acknowledged at once, and only then looked at.
 */
#include <errno.h>
#include <string.h>

#include "context.h"
#include "error.h"
#include "event.h"
#include "scan.h"

static struct daqiri_port *port_by_num(const struct daqiri *dq, const struct dq_device *dev,
				       int num)
{
	for (unsigned i = 0; i < dq->conf->n_ports; i++)
		if (dq->ports[i] && dq->ports[i]->dev == dev &&
		    dq->ports[i]->info.port_num == (unsigned)num)
			return dq->ports[i];
	return NULL;
}

static bool rxq_has(const struct daqiri_rxq *q, const void *object)
{
	return q->wq == object || q->cq.cq == object;
}

static bool txq_has(const struct daqiri_txq *q, const void *object)
{
	return q->qp == object || q->cq.cq == object;
}

/* The port of the queue whose work queue, QP or completion queue the object is. */
static struct daqiri_port *port_by_object(const struct daqiri *dq, const void *object)
{
	for (unsigned p = 0; p < dq->conf->n_ports; p++) {
		struct daqiri_port *port = dq->ports[p];

		for (unsigned i = 0; port && i < port->n_rxqs; i++)
			if (rxq_has(port->rxqs[i], object))
				return port;
		for (unsigned i = 0; port && i < port->n_txqs; i++)
			if (txq_has(port->txqs[i], object))
				return port;
	}
	return NULL;
}

/* What an event means. async: its pointers are compared only, never followed. */
static void translate(const struct daqiri *dq, struct dq_device *dev,
		      const struct ibv_async_event *async, struct daqiri_event *ev)
{
	*ev = (struct daqiri_event){.code = (int)async->event_type, .type = DAQIRI_EVENT_OTHER};
	switch (async->event_type) {
	case IBV_EVENT_PORT_ACTIVE:
	case IBV_EVENT_PORT_ERR:
		ev->type = async->event_type == IBV_EVENT_PORT_ACTIVE ? DAQIRI_EVENT_LINK_UP
								      : DAQIRI_EVENT_LINK_DOWN;
		ev->port = port_by_num(dq, dev, async->element.port_num);
		break;
	case IBV_EVENT_DEVICE_FATAL:
		ev->type = DAQIRI_EVENT_DEVICE_FATAL;
		dq_device_set_dead(dev);
		break;
	case IBV_EVENT_QP_FATAL:
	case IBV_EVENT_QP_REQ_ERR:
	case IBV_EVENT_QP_ACCESS_ERR:
		ev->type = DAQIRI_EVENT_QUEUE_ERROR;
		ev->port = port_by_object(dq, async->element.qp);
		break;
	case IBV_EVENT_WQ_FATAL:
		ev->type = DAQIRI_EVENT_QUEUE_ERROR;
		ev->port = port_by_object(dq, async->element.wq);
		break;
	case IBV_EVENT_CQ_ERR:
		ev->type = DAQIRI_EVENT_QUEUE_ERROR;
		ev->port = port_by_object(dq, async->element.cq);
		break;
	default:
		/* Of a port: SM, GID, P_Key, client reregistration. Others are not ours. */
		if (async->event_type == IBV_EVENT_GID_CHANGE)
			ev->port = port_by_num(dq, dev, async->element.port_num);
		break;
	}
}

/* Takes one event of one device: 1, 0 for none, negative errno. */
static int take(struct daqiri *dq, struct dq_device *dev, struct daqiri_event *ev)
{
	struct ibv_async_event async;

	errno = 0;
	if (ibv_get_async_event(dev->ctx, &async)) {
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || !errno)
			return 0;
		return dq_device_is_dead(dev) ? 0
					      : dq_error(errno, "%s: events cannot be read: %s",
							 dev->info.rdma, strerror(errno));
	}
	translate(dq, dev, &async, ev);
	ibv_ack_async_event(&async);
	return 1;
}

int daqiri_event_get(struct daqiri *dq, struct daqiri_event *ev)
{
	struct dq_device *dev, *start;
	struct daqiri_event found;
	int ret = 0;

	if (!dq || !ev || ev->size < sizeof(ev->size))
		return dq_error(EINVAL, "daqiri_event_get: NULL argument, or size is not set");
	pthread_mutex_lock(&dq->lock);
	start = dq->next_event ? dq->next_event : dq->devices;
	dev = start;
	/* In turn, so that one noisy device does not hide another. */
	do {
		if (dev && dev->owned)
			ret = take(dq, dev, &found);
		if (dev)
			dev = dev->next ? dev->next : dq->devices;
	} while (!ret && dev != start);
	dq->next_event = dev;
	pthread_mutex_unlock(&dq->lock);
	if (ret <= 0)
		return ret;
	dq_info_copy(ev, &found, sizeof(found));
	return 1;
}

void dq_events_drain(struct daqiri *dq)
{
	struct daqiri_event ev;

	for (struct dq_device *dev = dq->devices; dev; dev = dev->next)
		while (dev->owned && take(dq, dev, &ev) > 0)
			;
}
