/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses by netlink, pause frames by ethtool's ioctl. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apply.h"

static int parse(const char *text, struct in_addr *in, unsigned char *bits)
{
	char base[64], *slash;

	tune_put(base, sizeof(base), text);
	slash = strchr(base, '/');
	if (!slash)
		return -EINVAL;
	*slash = 0;
	*bits = (unsigned char)atoi(slash + 1);
	return inet_pton(AF_INET, base, in) == 1 && *bits <= 32 ? 0 : -EINVAL;
}

static struct nl_msg *request(const char *interface, const char *address, bool add)
{
	struct ifaddrmsg head = {.ifa_family = AF_INET, .ifa_index = if_nametoindex(interface)};
	struct in_addr in, all;
	struct nl_msg *msg;

	if (!head.ifa_index || parse(address, &in, &head.ifa_prefixlen))
		return NULL;
	msg = nlmsg_alloc_simple(add ? RTM_NEWADDR : RTM_DELADDR,
				 add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	if (!msg)
		return NULL;
	all.s_addr = in.s_addr | htonl((uint32_t)(0xffffffffULL >> head.ifa_prefixlen));
	if (!nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO) &&
	    !nla_put(msg, IFA_LOCAL, sizeof(in), &in) &&
	    !nla_put(msg, IFA_ADDRESS, sizeof(in), &in) &&
	    (!add || head.ifa_prefixlen > 30 || !nla_put(msg, IFA_BROADCAST, sizeof(all), &all)))
		return msg;
	nlmsg_free(msg);
	return NULL;
}

int tune_net_address(const char *interface, const char *address, bool add)
{
	struct nl_msg *msg = request(interface, address, add);
	struct nl_sock *sk = nl_socket_alloc();
	int ret = -EINVAL;

	if (msg && sk && !nl_connect(sk, NETLINK_ROUTE)) {
		ret = nl_send_auto(sk, msg);
		if (ret >= 0)
			ret = nl_wait_for_ack(sk);
		/* there, or gone, already: as it should be */
		if (ret == -NLE_EXIST || ret == -NLE_NOADDR)
			ret = 0;
		ret = ret == -NLE_PERM ? -EPERM : ret < 0 ? -EIO : 0;
	}
	nlmsg_free(msg);
	nl_socket_free(sk);
	return ret;
}

static int ask(const char *interface, struct ethtool_pauseparam *pause)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;
	struct ifreq ifr = {0};

	if (sock < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", interface);
	ifr.ifr_data = (void *)pause;
	ret = ioctl(sock, SIOCETHTOOL, &ifr) ? -errno : 0;
	close(sock);
	return ret;
}

int tune_net_pause_get(const char *interface, bool *rx, bool *tx)
{
	struct ethtool_pauseparam pause = {.cmd = ETHTOOL_GPAUSEPARAM};
	int ret = ask(interface, &pause);

	*rx = pause.rx_pause;
	*tx = pause.tx_pause;
	return ret;
}

int tune_net_pause_set(const char *interface, bool rx, bool tx)
{
	struct ethtool_pauseparam pause = {.cmd = ETHTOOL_GPAUSEPARAM};
	int ret = ask(interface, &pause);

	if (ret)
		return ret;
	pause.cmd = ETHTOOL_SPAUSEPARAM;
	pause.rx_pause = rx;
	pause.tx_pause = tx;
	return ask(interface, &pause);
}
