/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real network interfaces beside the emulated ones, for programs that ask the kernel: a veth pair
 * for each port. All of a wire are in one group of interfaces, whose number comes of the wire's
 * directory, so that one request removes them, also those of a run that was killed.
 */
#include "launch.h"
#include "settings.h"
#include "sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MARK	     "netdevs" /* in the wire's directory: there may be interfaces */
#define FIRST_TRIES  64	       /* names emu0.., emu2.., as other wires may have the first */
#define REQUEST_SIZE 512

struct request {
	struct nlmsghdr head;
	struct ifinfomsg link;
	char attrs[REQUEST_SIZE];
};

static struct request new_request(uint16_t type, uint16_t flags)
{
	struct request req = {
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			 .nlmsg_type = type,
			 .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags)},
		.link = {.ifi_family = AF_UNSPEC},
	};

	return req;
}

static void *tail(struct request *req)
{
	return (char *)req + NLMSG_ALIGN(req->head.nlmsg_len);
}

static void put(struct request *req, uint16_t type, const void *data, size_t size)
{
	struct rtattr *attr = tail(req);

	attr->rta_type = type;
	attr->rta_len = (uint16_t)RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attr), data, size);
	req->head.nlmsg_len = NLMSG_ALIGN(req->head.nlmsg_len) + (uint32_t)RTA_SPACE(size);
}

static struct rtattr *nest(struct request *req, uint16_t type)
{
	struct rtattr *attr = tail(req);

	put(req, type, NULL, 0);
	return attr;
}

static void nest_end(struct request *req, struct rtattr *attr)
{
	attr->rta_len = (uint16_t)((char *)tail(req) - (char *)attr);
}

/* The kernel's answer: 0 or -errno. */
static int ask(const struct request *req)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
		char rest[REQUEST_SIZE * 2];
	} answer;
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), ret = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (sendto(fd, req, req->head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		ret = -errno;
	n = ret ? 0 : recv(fd, &answer, sizeof(answer), 0);
	if (n < 0)
		ret = -errno;
	else if (!ret)
		ret = n >= (ssize_t)NLMSG_LENGTH(sizeof(answer.err)) &&
				      answer.head.nlmsg_type == NLMSG_ERROR
			      ? answer.err.error
			      : -EPROTO;
	close(fd);
	return ret;
}

/* A number that no administrator gives: FNV-1a of the directory's name, beyond the small ones. */
static uint32_t group_of(const char *dir)
{
	uint32_t hash = 2166136261u;

	for (; *dir; dir++)
		hash = (hash ^ (uint8_t)*dir) * 16777619u;
	return (hash & 0x3fffffff) | 0x40000000;
}

/* The end that nobody uses: "x" behind the name. */
static void put_other_name(struct request *req, const struct emu_dev *dev)
{
	char other[EMU_NAME + 1];

	snprintf(other, sizeof(other), "%.*sx", IFNAMSIZ - 2, dev->netdev);
	put(req, IFLA_IFNAME, other, strlen(other) + 1);
}

static void put_peer(struct request *req, const struct emu_dev *dev, uint32_t group)
{
	struct rtattr *info = nest(req, IFLA_LINKINFO), *data, *peer;

	put(req, IFLA_INFO_KIND, "veth", strlen("veth"));
	data = nest(req, IFLA_INFO_DATA);
	peer = nest(req, VETH_INFO_PEER);
	memset(tail(req), 0, sizeof(struct ifinfomsg));
	req->head.nlmsg_len += (uint32_t)NLMSG_ALIGN(sizeof(struct ifinfomsg));
	put_other_name(req, dev);
	put(req, IFLA_GROUP, &group, sizeof(group));
	nest_end(req, peer);
	nest_end(req, data);
	nest_end(req, info);
}

static void set_up(struct request *req)
{
	req->link.ifi_flags = IFF_UP;
	req->link.ifi_change = IFF_UP;
}

/* One pair, both ends up: the other one only then, as veth_open() wants them joined. */
static int add(const struct emu_dev *dev, uint32_t group)
{
	struct request pair = new_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct request other = new_request(RTM_NEWLINK, 0);
	uint32_t mtu = EMU_PORT_MTU;
	int ret;

	set_up(&pair);
	put(&pair, IFLA_IFNAME, dev->netdev, strlen(dev->netdev) + 1);
	put(&pair, IFLA_MTU, &mtu, sizeof(mtu));
	put(&pair, IFLA_ADDRESS, dev->mac, sizeof(dev->mac));
	put(&pair, IFLA_GROUP, &group, sizeof(group));
	put_peer(&pair, dev, group);
	ret = ask(&pair);
	if (ret)
		return ret;
	set_up(&other);
	put_other_name(&other, dev);
	return ask(&other);
}

static int remove_group(uint32_t group)
{
	struct request req = new_request(RTM_DELLINK, 0);

	put(&req, IFLA_GROUP, &group, sizeof(group));
	return ask(&req);
}

void launch_netdev_remove(const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.4000s/" MARK, dir);
	if (!access(path, F_OK))
		remove_group(group_of(dir));
}

/* All pairs with names from first on; none is left after an error. */
static int add_all(struct emu_settings *set, unsigned first, uint32_t group)
{
	int ret = 0;

	set->first_netdev = first;
	emu_settings = *set;
	emu_settings_name_devices();
	for (unsigned i = 0; !ret && i < set->n_ports; i++)
		ret = add(&emu_devs[i], group);
	if (ret)
		remove_group(group);
	return ret;
}

static int complain(int err)
{
	if (err == -EPERM || err == -EACCES)
		launch_complain("--netdev: needs the right to make network interfaces "
				"(CAP_NET_ADMIN): run daqiri-emu as root");
	else if (err == -EOPNOTSUPP)
		launch_complain("--netdev: this kernel has no veth interfaces: modprobe veth");
	else
		launch_complain("--netdev: cannot make the interface %s: %s", emu_devs[0].netdev,
				strerror(-err));
	return LAUNCH_USAGE;
}

int launch_netdev_make(struct emu_settings *set)
{
	uint32_t group = group_of(set->wire_dir);
	char path[PATH_MAX];
	int fd, ret = -EEXIST;

	/* first the mark: whoever finds the wire dead after it looks for interfaces */
	snprintf(path, sizeof(path), "%s/" MARK, set->wire_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain(-errno);
	close(fd);
	for (unsigned i = 0; ret == -EEXIST && i < FIRST_TRIES; i++)
		ret = add_all(set, 2 * i, group);
	return ret ? complain(ret) : 0;
}
