/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <netlink/netlink.h>
#include <netlink/route/neighbour.h>

#include "msg.h"
#include "run.h"

/* Looks a neighbour up in the kernel's table; the caller frees the objects that it made so far. */
static int look_up(struct nl_sock *sock, int ifindex, const struct perf_stream *s, uint8_t mac[6])
{
	const struct perf_flow *f = &s->flow;
	struct nl_cache *cache;
	struct nl_addr *ip =
		nl_addr_build(f->ipv6 ? AF_INET6 : AF_INET, f->dst_ip, f->ipv6 ? 16 : 4);
	struct rtnl_neigh *neigh = NULL;
	struct nl_addr *lladdr;
	int ret = -1;

	if (!ip)
		return -1;
	if (nl_connect(sock, NETLINK_ROUTE) || rtnl_neigh_alloc_cache(sock, &cache))
		goto put_ip;
	neigh = rtnl_neigh_get(cache, ifindex, ip);
	lladdr = neigh ? rtnl_neigh_get_lladdr(neigh) : NULL;
	if (lladdr && nl_addr_get_len(lladdr) == 6) {
		memcpy(mac, nl_addr_get_binary_addr(lladdr), 6);
		ret = 0;
	}
	if (neigh)
		rtnl_neigh_put(neigh);
	nl_cache_free(cache);
put_ip:
	nl_addr_put(ip);
	return ret;
}

static int from_neighbours(const struct perf_stream *s, const char *netdev, uint8_t mac[6])
{
	unsigned ifindex = *netdev ? if_nametoindex(netdev) : 0;
	struct nl_sock *sock;
	int ret;

	if (!ifindex)
		return -1;
	sock = nl_socket_alloc();
	if (!sock)
		return -1;
	ret = look_up(sock, (int)ifindex, s, mac);
	nl_socket_free(sock);
	return ret;
}

static int refuse_auto(const struct perf_plan *plan, const struct perf_stream *s,
		       const struct daqiri_port_info *tx)
{
	struct perf_place at = { plan->cfg, s->section, "dst_mac" };
	char ip[INET6_ADDRSTRLEN];

	inet_ntop(s->flow.ipv6 ? AF_INET6 : AF_INET, s->flow.dst_ip, ip, sizeof(ip));
	return perf_fail_at(
		at,
		"the stream's other end is not in this process, and the neighbour table "
		"has no %s on %s; set it to the MAC address that `daqiri-perf --ports` "
		"prints on the peer, or let the kernel learn it: ping %s",
		ip, *tx->netdev ? tx->netdev : "this port (it has no network interface)", ip);
}

static int resolve_stream(struct perf_plan *plan, struct perf_stream *s, struct daqiri *dq)
{
	struct daqiri_port_info tx = { .size = sizeof(tx) }, rx = { .size = sizeof(rx) };
	int ret = daqiri_port_info(daqiri_port_find(dq, s->tx.port), &tx);

	if (!ret && s->rx.used)
		ret = daqiri_port_info(daqiri_port_find(dq, s->rx.port), &rx);
	if (ret)
		return perf_fail_library(ret);
	if (s->src_mac_port)
		memcpy(s->flow.src_mac, tx.mac, 6);
	if (!s->dst_mac_auto)
		return 0;
	if (s->rx.used)
		memcpy(s->flow.dst_mac, rx.mac, 6);
	else if (from_neighbours(s, tx.netdev, s->flow.dst_mac))
		return refuse_auto(plan, s, &tx);
	return 0;
}

int perf_resolve(struct perf_plan *plan, struct daqiri *dq)
{
	for (unsigned i = 0; i < plan->n_streams; i++)
		if (plan->streams[i].tx.used && resolve_stream(plan, &plan->streams[i], dq))
			return -1;
	return 0;
}
