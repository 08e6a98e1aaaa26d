/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "log.h"
#include "port.h"
#include "rxq.h"
#include "scan.h"
#include "sysfs.h"
#include "txq.h"

/* ---- the network interface: its MTU and flags, set at open and put back at close ------------- */

static int write_mtu(const char *netdev, uint64_t mtu)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)mtu);
	return dq_sysfs_write(text, "/sys/class/net/%s/mtu", netdev);
}

static int set_mtu(struct daqiri_port *port)
{
	const char *netdev = port->info.netdev;
	uint32_t mtu = port->conf->mtu;
	int ret;

	if (!mtu || mtu == port->info.mtu)
		return 0;
	if (!netdev[0])
		return dq_error(ENODEV, "%s mtu=%u: the port has no network interface here",
				port->conf->where, mtu);
	ret = write_mtu(netdev, mtu);
	if (ret == -EPERM || ret == -EACCES)
		return dq_error(-ret,
				"%s mtu=%u: interface %s has %u, and changing it needs "
				"CAP_NET_ADMIN: run \"ip link set %s mtu %u\" as root, or write "
				"mtu = keep",
				port->conf->where, mtu, netdev, port->info.mtu, netdev, mtu);
	if (ret)
		return dq_error(-ret, "%s mtu=%u: interface %s does not take it: %s",
				port->conf->where, mtu, netdev, strerror(-ret));
	port->mtu = (struct dq_restore){.done = true, .before = port->info.mtu, .set = mtu};
	port->info.mtu = mtu;
	return 0;
}

static void restore_mtu(struct daqiri_port *port)
{
	const char *netdev = port->info.netdev;
	uint64_t now;
	int ret;

	/* Somebody else's later change is left alone. */
	if (!port->mtu.done || dq_sysfs_read_u64(&now, "/sys/class/net/%s/mtu", netdev) ||
	    now != port->mtu.set)
		return;
	ret = write_mtu(netdev, port->mtu.before);
	if (ret)
		dq_log(DQ_PORT_LOG(port), DAQIRI_LOG_WARN, "%s: MTU cannot be put back to %llu: %s",
		       netdev, (unsigned long long)port->mtu.before, strerror(-ret));
}

static int write_flags(const char *netdev, uint64_t flags)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)flags);
	return dq_sysfs_write(text, "/sys/class/net/%s/flags", netdev);
}

/* Whether the port is a virtual or sub-function, which gets only its own frames unless it asks. */
static bool is_virtual(const struct daqiri_port *port)
{
	char name[PATH_MAX];

	dq_sysfs_link_name(name, sizeof(name), "%s/device/physfn",
			   port->dev->ctx->device->ibdev_path);
	return name[0] || !port->info.pci[0];
}

/*
 * A physical function hands every frame to its flow rules whatever the destination, so there both
 * keys need nothing done. A virtual one gets what its interface lets in.
 */
static int set_flags(struct daqiri_port *port)
{
	const char *netdev = port->info.netdev;
	const char *key = port->conf->promiscuous ? "promiscuous" : "allmulticast";
	uint64_t flags, want = (port->conf->promiscuous ? (uint64_t)IFF_PROMISC : 0) |
			       (port->conf->allmulticast ? (uint64_t)IFF_ALLMULTI : 0);
	int ret;

	if (!want || !is_virtual(port))
		return 0;
	if (!netdev[0])
		return dq_error(ENODEV, "%s %s: the port has no network interface here",
				port->conf->where, key);
	ret = dq_sysfs_read_u64(&flags, "/sys/class/net/%s/flags", netdev);
	if (!ret && (flags & want) == want)
		return 0;
	if (!ret)
		ret = write_flags(netdev, flags | want);
	if (ret)
		return dq_error(
			-ret,
			"%s %s: interface %s of a virtual function cannot be set: %s; it needs "
			"CAP_NET_ADMIN, and trust: ip link set PF vf N trust on",
			port->conf->where, key, netdev, strerror(-ret));
	port->flags = (struct dq_restore){.done = true, .before = flags, .set = want};
	return 0;
}

static void restore_flags(struct daqiri_port *port)
{
	uint64_t now;

	if (!port->flags.done ||
	    dq_sysfs_read_u64(&now, "/sys/class/net/%s/flags", port->info.netdev))
		return;
	now &= ~(port->flags.set & ~port->flags.before);
	if (write_flags(port->info.netdev, now))
		dq_log(DQ_PORT_LOG(port), DAQIRI_LOG_WARN, "%s: flags cannot be put back",
		       port->info.netdev);
}

/* ---- make and destroy ----------------------------------------------------------------------- */

static int check_port(struct daqiri_port *port)
{
	int ret = dq_seat_describe_live(port->dev->ctx, &port->info);

	if (ret)
		return ret;
	if (!port->info.ethernet)
		return dq_error(EPROTONOSUPPORT,
				"%s: %s port %u has an InfiniBand link layer: raw Ethernet needs "
				"mlxconfig -d %s set LINK_TYPE_P%u=2 and a restart",
				port->conf->where, port->info.rdma, port->info.port_num,
				port->info.pci[0] ? port->info.pci : "DEVICE", port->info.port_num);
	if (!port->info.link_up)
		dq_log(DQ_PORT_LOG(port), DAQIRI_LOG_WARN, "%s: the link of %s port %u is down",
		       port->conf->where, port->info.rdma, port->info.port_num);
	return 0;
}

static int open_counters(struct daqiri_port *port)
{
	char folder[PATH_MAX];
	int ret;

	snprintf(folder, sizeof(folder), "%s/ports/%u/hw_counters",
		 port->dev->ctx->device->ibdev_path, port->info.port_num);
	ret = dq_stat_files_open(&port->hw, "hw_", folder);
	if (ret || !port->info.netdev[0])
		return ret;
	snprintf(folder, sizeof(folder), "/sys/class/net/%s/statistics", port->info.netdev);
	ret = dq_stat_files_open(&port->net, "net_", folder);
	return ret ? ret : dq_ethtool_open(&port->ethtool, "eth_", port->info.netdev);
}

int dq_port_create(struct daqiri_port **out, const struct dq_conf_port *conf, struct dq_device *dev,
		   unsigned port_num)
{
	struct daqiri_port *port = calloc(1, sizeof(*port));
	int ret;

	if (!port)
		return dq_error(ENOMEM, "%s: out of memory", conf->where);
	port->conf = conf;
	port->dev = dev;
	dq_seat_describe(dev->ctx->device, port_num, &port->info);
	ret = check_port(port);
	port->link_told = port->info.link_up;
	if (!ret)
		ret = open_counters(port);
	if (!ret)
		ret = set_mtu(port);
	if (!ret)
		ret = set_flags(port);
	if (ret)
		dq_port_destroy(port);
	else
		*out = port;
	return ret;
}

void dq_port_destroy(struct daqiri_port *port)
{
	if (!port)
		return;
	restore_flags(port);
	restore_mtu(port);
	dq_ethtool_close(port->ethtool);
	dq_stat_files_free(&port->net);
	dq_stat_files_free(&port->hw);
	free(port->rxqs);
	free(port->txqs);
	free(port);
}

/* ---- queues ---------------------------------------------------------------------------------- */

int dq_port_add_rxq(struct daqiri_port *port, struct daqiri_rxq *q)
{
	struct daqiri_rxq **more =
		realloc(port->rxqs, (port->n_rxqs + 1) * sizeof(struct daqiri_rxq *));

	if (!more)
		return dq_error(ENOMEM, "%s: out of memory", q->conf->where);
	q->stops.bell = port->bell;
	port->rxqs = more;
	port->rxqs[port->n_rxqs++] = q;
	return 0;
}

int dq_port_add_txq(struct daqiri_port *port, struct daqiri_txq *q)
{
	struct daqiri_txq **more =
		realloc(port->txqs, (port->n_txqs + 1) * sizeof(struct daqiri_txq *));

	if (!more)
		return dq_error(ENOMEM, "%s: out of memory", q->conf->where);
	q->stops.bell = port->bell;
	port->txqs = more;
	port->txqs[port->n_txqs++] = q;
	return 0;
}

void dq_port_remove_rxq(struct daqiri_port *port, struct daqiri_rxq *q)
{
	unsigned i = 0;

	while (i < port->n_rxqs && port->rxqs[i] != q)
		i++;
	if (i == port->n_rxqs)
		return;
	dq_rxq_add_counts(q, port->rx_gone);
	port->n_rxqs--;
	memmove(&port->rxqs[i], &port->rxqs[i + 1], (port->n_rxqs - i) * sizeof(q));
}

void dq_port_remove_txq(struct daqiri_port *port, struct daqiri_txq *q)
{
	unsigned i = 0;

	while (i < port->n_txqs && port->txqs[i] != q)
		i++;
	if (i == port->n_txqs)
		return;
	dq_txq_add_counts(q, port->tx_gone);
	port->n_txqs--;
	memmove(&port->txqs[i], &port->txqs[i + 1], (port->n_txqs - i) * sizeof(q));
}

struct daqiri_rxq *dq_port_rxq(const struct daqiri_port *port, unsigned id)
{
	for (unsigned i = 0; i < port->n_rxqs; i++)
		if (port->rxqs[i]->conf->id == id)
			return port->rxqs[i];
	return NULL;
}

struct daqiri_txq *dq_port_txq(const struct daqiri_port *port, unsigned id)
{
	for (unsigned i = 0; i < port->n_txqs; i++)
		if (port->txqs[i]->conf->id == id)
			return port->txqs[i];
	return NULL;
}

/* ---- public --------------------------------------------------------------------------------- */

const char *daqiri_port_name(const struct daqiri_port *port)
{
	return port ? port->conf->name : NULL;
}

int daqiri_port_info(const struct daqiri_port *port, struct daqiri_port_info *info)
{
	struct daqiri_port_info now;
	int ret;

	if (!port || !info)
		return dq_error(EINVAL, "daqiri_port_info: NULL argument");
	dq_seat_describe(port->dev->ctx->device, port->info.port_num, &now);
	ret = dq_seat_describe_live(port->dev->ctx, &now);
	return ret ? ret : dq_info_copy(info, &now, sizeof(now));
}

struct daqiri_rxq *daqiri_rxq_get(struct daqiri_port *port, unsigned id)
{
	struct daqiri_rxq *q;

	if (!port)
		return NULL;
	pthread_mutex_lock(port->lock);
	q = dq_port_rxq(port, id);
	q = q ? dq_rxq_face(q) : NULL;
	pthread_mutex_unlock(port->lock);
	return q;
}

struct daqiri_txq *daqiri_txq_get(struct daqiri_port *port, unsigned id)
{
	struct daqiri_txq *q;

	if (!port)
		return NULL;
	pthread_mutex_lock(port->lock);
	q = dq_port_txq(port, id);
	q = q ? dq_txq_face(q) : NULL;
	pthread_mutex_unlock(port->lock);
	return q;
}

int daqiri_port_stats(struct daqiri_port *port, struct daqiri_stat *stats, int max)
{
	struct dq_stat_list list = {.stats = stats, .max = stats ? max : 0};

	if (!port || max < 0 || (max && !stats))
		return dq_error(EINVAL, "daqiri_port_stats: NULL or negative argument");
	pthread_mutex_lock(port->lock);
	dq_rxq_put_sums(port, &list);
	dq_txq_put_sums(port, &list);
	pthread_mutex_unlock(port->lock);
	dq_stat_files_put(&list, &port->hw);
	dq_stat_files_put(&list, &port->net);
	dq_ethtool_put(&list, port->ethtool);
	return list.n;
}

static int call_each(const struct dq_seat *seat,
		     int (*fn)(void *arg, const struct daqiri_port_info *info), void *arg)
{
	struct daqiri_port_info info = seat->info;
	struct ibv_context *ctx = ibv_open_device(seat->ibdev);

	/* A device that cannot be opened is shown as sysfs describes it. */
	if (ctx) {
		dq_seat_describe_live(ctx, &info);
		ibv_close_device(ctx);
	}
	info.size = sizeof(info);
	return fn(arg, &info);
}

int daqiri_port_each(int (*fn)(void *arg, const struct daqiri_port_info *info), void *arg)
{
	struct dq_scan scan;
	int ret;

	if (!fn)
		return dq_error(EINVAL, "daqiri_port_each: NULL argument");
	ret = dq_scan_begin(&scan);
	if (ret)
		return ret;
	for (unsigned i = 0; !ret && i < scan.n_seats; i++)
		ret = call_each(&scan.seats[i], fn, arg);
	dq_scan_end(&scan);
	return ret;
}
