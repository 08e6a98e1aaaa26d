/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "facts.h"

static json_t *entry(json_t *net, const char *name)
{
	json_t *o = json_object_get(net, name);

	if (o)
		return o;
	o = json_object();
	json_object_set_new(net, name, o);
	return json_object_get(net, name);
}

/* The bytes of an address or of a mask; NULL: of no IP. */
static const uint8_t *bytes_of(const struct sockaddr *sa)
{
	if (sa && sa->sa_family == AF_INET)
		return (const void *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	if (sa && sa->sa_family == AF_INET6)
		return (const void *)&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	return NULL;
}

static unsigned prefix_length(const struct sockaddr *mask, size_t size)
{
	const uint8_t *bytes = bytes_of(mask);
	unsigned n = 0;

	for (size_t i = 0; bytes && i < size; i++)
		n += (unsigned)__builtin_popcount(bytes[i]);
	return bytes ? n : 8 * (unsigned)size;
}

static void add_addresses(json_t *net)
{
	struct ifaddrs *all, *a;

	if (getifaddrs(&all))
		return;
	for (a = all; a; a = a->ifa_next) {
		json_t *o = json_object_get(net, a->ifa_name);
		const uint8_t *bytes = bytes_of(a->ifa_addr);
		bool v6 = bytes && a->ifa_addr->sa_family == AF_INET6;
		char text[INET6_ADDRSTRLEN], full[64];

		if (!o || !bytes || !inet_ntop(a->ifa_addr->sa_family, bytes, text, sizeof(text)))
			continue;
		snprintf(full, sizeof(full), "%s/%u", text,
			 prefix_length(a->ifa_netmask, v6 ? 16 : 4));
		json_array_append_new(json_object_get(o, v6 ? "addresses6" : "addresses"),
				      json_string(full));
	}
	freeifaddrs(all);
}

static int on_link(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[IFLA_MAX + 1];
	json_t *o;

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(struct ifinfomsg), attrs, IFLA_MAX, NULL) ||
	    !attrs[IFLA_IFNAME] || !attrs[IFLA_MAX_MTU])
		return NL_OK;
	o = json_object_get(arg, nla_get_string(attrs[IFLA_IFNAME]));
	if (o && nla_get_u32(attrs[IFLA_MAX_MTU]))
		json_object_set_new(o, "max_mtu", json_integer(nla_get_u32(attrs[IFLA_MAX_MTU])));
	return NL_OK;
}

/* What DHCP gave has a lifetime; getifaddrs() does not tell. */
static int on_address(struct nl_msg *msg, void *arg)
{
	const struct ifaddrmsg *head = nlmsg_data(nlmsg_hdr(msg));
	char name[IF_NAMESIZE], text[INET_ADDRSTRLEN], full[64];
	struct nlattr *attrs[IFA_MAX + 1];
	unsigned flags;

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*head), attrs, IFA_MAX, NULL) ||
	    head->ifa_family != AF_INET || !attrs[IFA_LOCAL] ||
	    !if_indextoname(head->ifa_index, name))
		return NL_OK;
	flags = attrs[IFA_FLAGS] ? nla_get_u32(attrs[IFA_FLAGS]) : head->ifa_flags;
	if (flags & IFA_F_PERMANENT ||
	    !inet_ntop(AF_INET, nla_data(attrs[IFA_LOCAL]), text, sizeof(text)))
		return NL_OK;
	snprintf(full, sizeof(full), "%s/%u", text, head->ifa_prefixlen);
	json_array_append_new(json_object_get(json_object_get(arg, name), "dynamic"),
			      json_string(full));
	return NL_OK;
}

/* All that the kernel has of a kind; both kinds' headers are zeros of this size or less. */
static void dump(json_t *net, int type, nl_recvmsg_msg_cb_t each)
{
	struct nl_sock *sk = nl_socket_alloc();

	if (!sk)
		return;
	if (!nl_connect(sk, NETLINK_ROUTE) &&
	    !nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, each, net) &&
	    nl_send_simple(sk, type, NLM_F_DUMP, &(struct ifinfomsg){0},
			   type == RTM_GETLINK ? sizeof(struct ifinfomsg)
					       : sizeof(struct ifaddrmsg)) >= 0)
		nl_recvmsgs_default(sk);
	nl_socket_free(sk);
}

static void add_pause(json_t *o, int sock, const char *name)
{
	struct ethtool_pauseparam pause = {.cmd = ETHTOOL_GPAUSEPARAM};
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_data = (void *)&pause;
	if (ioctl(sock, SIOCETHTOOL, &ifr))
		return;
	json_object_set_new(o, "pause_rx", json_boolean(pause.rx_pause));
	json_object_set_new(o, "pause_tx", json_boolean(pause.tx_pause));
}

/* The interfaces that are a device's: what is virtual is none of ours. */
json_t *tune_gather_net(const struct tune_root *root)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct tune_names names;
	json_t *net = json_object();

	tune_list(root, &names, "sys/class/net");
	for (unsigned i = 0; i < names.n; i++) {
		json_t *o;

		if (!tune_exists(root, "sys/class/net/%s/device", names.name[i]) ||
		    strlen(names.name[i]) >= IFNAMSIZ)
			continue;
		o = entry(net, names.name[i]);
		json_object_set_new(o, "addresses", json_array());
		json_object_set_new(o, "addresses6", json_array());
		json_object_set_new(o, "dynamic", json_array());
		if (sock >= 0)
			add_pause(o, sock, names.name[i]);
	}
	tune_names_free(&names);
	if (sock >= 0)
		close(sock);
	add_addresses(net);
	dump(net, RTM_GETLINK, on_link);
	dump(net, RTM_GETADDR, on_address);
	return net;
}
