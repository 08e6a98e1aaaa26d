/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous events of the devices that we opened, and queues that stopped. The devices' come
 * doubled, for ports that are not ours and for objects that are gone: all are acknowledged, ours
 * are told, once.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "context.h"
#include "counter.h"
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

/* ---- queues -----------------------------------------------------------------------------------
 */

static bool rxq_has(const struct daqiri_rxq *q, const void *object)
{
	return q->wq == object || q->cq.cq == object;
}

static bool txq_has(const struct daqiri_txq *q, const void *object)
{
	return q->qp == object || q->cq.cq == object;
}

static void name_rxq(struct daqiri_event *ev, struct daqiri_rxq *q)
{
	ev->type = DAQIRI_EVENT_QUEUE_ERROR;
	ev->port = q->port;
	ev->rxq = dq_rxq_face(q);
}

static void name_txq(struct daqiri_event *ev, struct daqiri_txq *q)
{
	ev->type = DAQIRI_EVENT_QUEUE_ERROR;
	ev->port = q->port;
	ev->txq = dq_txq_face(q);
}

/* The kernel tells that a queue is done for. False: it is not ours, or that was told. */
static bool queue_failed(const struct daqiri_port *port, const void *object,
			 struct daqiri_event *ev)
{
	for (unsigned i = 0; i < port->n_rxqs; i++) {
		struct daqiri_rxq *q = port->rxqs[i];

		if (!rxq_has(q, object))
			continue;
		name_rxq(ev, q);
		return dq_stops_take_fatal(&q->stops, dq_counter_get(&q->count.resets));
	}
	for (unsigned i = 0; i < port->n_txqs; i++) {
		struct daqiri_txq *q = port->txqs[i];

		if (!txq_has(q, object))
			continue;
		name_txq(ev, q);
		return dq_stops_take_fatal(&q->stops, dq_counter_get(&q->count.resets));
	}
	return false;
}

static bool object_failed(const struct daqiri *dq, const void *object, struct daqiri_event *ev)
{
	for (unsigned i = 0; i < dq->conf->n_ports; i++)
		if (dq->ports[i] && queue_failed(dq->ports[i], object, ev))
			return true;
	return false;
}

/* A queue of the port whose thread met an error that stopped it, and that is not told yet. */
static bool queue_stopped(const struct daqiri_port *port, struct daqiri_event *ev)
{
	for (unsigned i = 0; i < port->n_rxqs; i++)
		if (dq_stops_take(&port->rxqs[i]->stops)) {
			name_rxq(ev, port->rxqs[i]);
			return true;
		}
	for (unsigned i = 0; i < port->n_txqs; i++)
		if (dq_stops_take(&port->txqs[i]->stops)) {
			name_txq(ev, port->txqs[i]);
			return true;
		}
	return false;
}

static bool take_stop(struct daqiri *dq, struct daqiri_event *ev)
{
	*ev = (struct daqiri_event){.code = -1};
	/* First the bell, then the queues: one that stops now rings again. */
	dq_bell_hush(&dq->bell);
	for (unsigned i = 0; i < dq->conf->n_ports; i++) {
		if (!queue_stopped(dq->ports[i], ev))
			continue;
		/* There may be more of them. */
		dq_bell_ring(&dq->bell);
		return true;
	}
	return false;
}

/* ---- what the kernel tells --------------------------------------------------------------------
 */

/* They come twice from some kernels. */
static bool link_changed(struct daqiri_port *port, bool up)
{
	bool news = port && port->link_told != up;

	if (news)
		port->link_told = up;
	return news;
}

/* The ports of a device go with it: the first one stands for them. */
static struct daqiri_port *first_of(const struct daqiri *dq, const struct dq_device *dev)
{
	for (unsigned i = 0; i < dq->conf->n_ports; i++)
		if (dq->ports[i] && dq->ports[i]->dev == dev)
			return dq->ports[i];
	return NULL;
}

/*
 * What an event means. False: it is not about anything of ours, or it was told. async: its pointers
 * are compared only, never followed.
 */
static bool translate(const struct daqiri *dq, struct dq_device *dev,
		      const struct ibv_async_event *async, struct daqiri_event *ev)
{
	*ev = (struct daqiri_event){.code = (int)async->event_type, .type = DAQIRI_EVENT_OTHER};
	switch (async->event_type) {
	case IBV_EVENT_PORT_ACTIVE:
		ev->type = DAQIRI_EVENT_LINK_UP;
		ev->port = port_by_num(dq, dev, async->element.port_num);
		return link_changed(ev->port, true);
	case IBV_EVENT_PORT_ERR:
		ev->type = DAQIRI_EVENT_LINK_DOWN;
		ev->port = port_by_num(dq, dev, async->element.port_num);
		return link_changed(ev->port, false);
	case IBV_EVENT_DEVICE_FATAL:
		ev->type = DAQIRI_EVENT_DEVICE_FATAL;
		ev->port = first_of(dq, dev);
		return dq_device_set_dead(dev);
	case IBV_EVENT_QP_FATAL:
	case IBV_EVENT_QP_REQ_ERR:
	case IBV_EVENT_QP_ACCESS_ERR:
		return object_failed(dq, async->element.qp, ev);
	case IBV_EVENT_WQ_FATAL:
		return object_failed(dq, async->element.wq, ev);
	case IBV_EVENT_CQ_ERR:
		return object_failed(dq, async->element.cq, ev);
	case IBV_EVENT_GID_CHANGE:
		ev->port = port_by_num(dq, dev, async->element.port_num);
		return true;
	default: /* SM, P_Key, client reregistration; nothing that we have */
		return true;
	}
}

/* The descriptor of a device that is gone stays in error, and would wake its waiters for ever. */
static void unwatch(const struct daqiri *dq, const struct dq_device *dev)
{
	if (dq->event_fd >= 0)
		epoll_ctl(dq->event_fd, EPOLL_CTL_DEL, dev->ctx->async_fd, NULL);
}

/* Takes one event of one device that is to be told: 1, 0 for none, negative errno. */
static int take(struct daqiri *dq, struct dq_device *dev, struct daqiri_event *ev)
{
	struct ibv_async_event async;
	bool news = false;

	while (!news) {
		errno = 0;
		if (ibv_get_async_event(dev->ctx, &async)) {
			if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || !errno)
				return 0;
			if (!dq_device_is_dead(dev))
				return dq_error(errno, "%s: events cannot be read: %s",
						dev->info.rdma, strerror(errno));
			unwatch(dq, dev);
			return 0;
		}
		news = translate(dq, dev, &async, ev);
		ibv_ack_async_event(&async);
	}
	return 1;
}

/* In turn, so that one noisy device does not hide another. */
static int take_any(struct daqiri *dq, struct daqiri_event *ev)
{
	struct dq_device *start = dq->next_event ? dq->next_event : dq->devices, *dev = start;
	int ret = 0;

	do {
		if (dev && dev->owned)
			ret = take(dq, dev, ev);
		if (dev)
			dev = dev->next ? dev->next : dq->devices;
	} while (!ret && dev != start);
	dq->next_event = dev;
	return ret;
}

int daqiri_event_get(struct daqiri *dq, struct daqiri_event *ev)
{
	struct daqiri_event found;
	int ret;

	if (!dq || !ev || ev->size < sizeof(ev->size))
		return dq_error(EINVAL, "daqiri_event_get: NULL argument, or size is not set");
	pthread_mutex_lock(&dq->lock);
	ret = take_any(dq, &found);
	if (!ret)
		ret = take_stop(dq, &found);
	pthread_mutex_unlock(&dq->lock);
	if (ret <= 0)
		return ret;
	dq_info_copy(ev, &found, sizeof(found));
	return 1;
}

/* ---- to wait for one ---------------------------------------------------------------------------
 */

static int watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int watch_all(struct daqiri *dq)
{
	int ret = dq_bell_open(&dq->bell);

	if (!ret)
		ret = watch(dq->event_fd, dq->bell.fd);
	for (struct dq_device *dev = dq->devices; !ret && dev; dev = dev->next)
		if (dev->owned)
			ret = watch(dq->event_fd, dev->ctx->async_fd);
	return ret;
}

static int open_fd(struct daqiri *dq)
{
	int ret;

	if (dq->event_fd >= 0)
		return dq->event_fd;
	dq->event_fd = epoll_create1(EPOLL_CLOEXEC);
	if (dq->event_fd < 0)
		return dq_error(errno, "daqiri_event_fd: no descriptor: %s", strerror(errno));
	ret = watch_all(dq);
	if (!ret)
		return dq->event_fd;
	dq_events_close(dq);
	return dq_error(-ret, "daqiri_event_fd: events cannot be waited for: %s", strerror(-ret));
}

int daqiri_event_fd(struct daqiri *dq)
{
	int fd;

	if (!dq)
		return dq_error(EINVAL, "daqiri_event_fd: NULL argument");
	pthread_mutex_lock(&dq->lock);
	fd = open_fd(dq);
	pthread_mutex_unlock(&dq->lock);
	return fd;
}

void dq_events_close(struct daqiri *dq)
{
	if (dq->event_fd >= 0)
		close(dq->event_fd);
	dq->event_fd = -1;
	dq_bell_close(&dq->bell);
}

void dq_events_drain(struct daqiri *dq)
{
	struct daqiri_event ev;

	for (struct dq_device *dev = dq->devices; dev; dev = dev->next)
		while (dev->owned && take(dq, dev, &ev) > 0)
			;
}
