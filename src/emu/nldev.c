/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RDMA netlink's device client: what it is asked, and its answers with their attributes in the
 * order of the kernel's nldev.c. What it is not asked here is EINVAL, as from a kernel that has no
 * such command.
 */
#include "caps.h"
#include "card.h"
#include "emu_be.h"
#include "emu_hw.h"
#include "fault.h"
#include "netlink.h"
#include "preload.h"
#include "settings.h"
#include "uverbs.h"

#include <errno.h>
#include <linux/netlink.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/rdma_netlink.h>
#include <stdio.h>
#include <string.h>

/* Of Linux 5.13; older headers do not name it. */
#define ATTR_COPY_ON_FORK 93

#define FULL	     4096u /* bytes of a datagram: one device more has room behind three quarters */
#define NODE_CA	     1u	   /* RDMA_NODE_IB_CA */
#define SHARED_NETNS 1u
#define HEAD	     sizeof(struct nlattr)
#define ALIGN4(n)    (((n) + 3u) & ~3u)

/* A request, and the datagram that is being filled. */
struct ask {
	const struct emu_netlink *nl;
	const struct nlmsghdr *req;
	bool has_index, has_port;
	uint32_t index, port;
	char chardev[32];
	_Alignas(8) uint8_t out[FULL];
	size_t used;
	struct nlmsghdr *msg;
};

/* ---- putting ------------------------------------------------------------------------------- */

static void *put(struct ask *a, uint16_t type, const void *value, size_t len)
{
	struct nlattr *attr = (void *)(a->out + a->used);

	*attr = (struct nlattr){(uint16_t)(HEAD + len), type};
	memset(attr + 1, 0, ALIGN4(len));
	if (value)
		memcpy(attr + 1, value, len);
	a->used += HEAD + ALIGN4(len);
	return attr;
}

static void put_u8(struct ask *a, uint16_t type, uint8_t value)
{
	put(a, type, &value, sizeof(value));
}

static void put_u32(struct ask *a, uint16_t type, uint32_t value)
{
	put(a, type, &value, sizeof(value));
}

static void put_u64(struct ask *a, uint16_t type, uint64_t value)
{
	put(a, type, &value, sizeof(value));
}

static void put_text(struct ask *a, uint16_t type, const char *text)
{
	put(a, type, text, strlen(text) + 1);
}

/* What comes behind belongs to it, until its end. */
static struct nlattr *nest(struct ask *a, uint16_t type)
{
	return put(a, type, NULL, 0);
}

static void nest_end(struct ask *a, struct nlattr *attr)
{
	attr->nla_len = (uint16_t)(a->out + a->used - (uint8_t *)attr);
}

static void begin(struct ask *a, unsigned op, uint16_t flags)
{
	a->msg = (void *)(a->out + a->used);
	*a->msg = (struct nlmsghdr){.nlmsg_type = (uint16_t)RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, op),
				    .nlmsg_flags = flags,
				    .nlmsg_seq = a->req->nlmsg_seq,
				    .nlmsg_pid = a->nl->portid};
	a->used += NLMSG_HDRLEN;
}

static void end(struct ask *a)
{
	a->msg->nlmsg_len = (uint32_t)(a->out + a->used - (uint8_t *)a->msg);
}

static int flush(struct ask *a)
{
	int ret = a->used ? emu_netlink_send(a->nl, a->out, a->used) : 0;

	a->used = 0;
	return ret;
}

/* ---- what is told --------------------------------------------------------------------------- */

static void put_handle(struct ask *a, const struct emu_dev *dev)
{
	put_u32(a, RDMA_NLDEV_ATTR_DEV_INDEX, dev->index);
	put_text(a, RDMA_NLDEV_ATTR_DEV_NAME, dev->rdma);
}

/* fill_dev_info() */
static void fill_device(struct ask *a, const struct emu_dev *dev)
{
	const struct emu_card *card = emu_card();
	char fw[32];

	put_handle(a, dev);
	put_u32(a, RDMA_NLDEV_ATTR_PORT_INDEX, 1);
	put_u64(a, RDMA_NLDEV_ATTR_CAP_FLAGS, emu_device_cap_flags());
	snprintf(fw, sizeof(fw), "%u.%u.%04u", card->fw_major, card->fw_minor, card->fw_sub);
	put_text(a, RDMA_NLDEV_ATTR_FW_VERSION, fw);
	put_u64(a, RDMA_NLDEV_ATTR_NODE_GUID, emu_from_be64(emu_device_guid(dev, false)));
	put_u64(a, RDMA_NLDEV_ATTR_SYS_IMAGE_GUID, emu_from_be64(emu_device_guid(dev, true)));
	put_u8(a, RDMA_NLDEV_ATTR_DEV_NODE_TYPE, NODE_CA);
	put_u8(a, RDMA_NLDEV_ATTR_DEV_DIM, 0); /* the card does not moderate */
	if (emu_fault(EMU_FAULT_INFINIBAND))
		put_text(a, RDMA_NLDEV_ATTR_DEV_PROTOCOL, "ib");
	else if (!emu_fault(EMU_FAULT_NO_ROCE)) /* raw packets alone are no protocol */
		put_text(a, RDMA_NLDEV_ATTR_DEV_PROTOCOL, "roce");
}

/* fill_port_info() */
static void fill_port(struct ask *a, const struct emu_dev *dev)
{
	bool up = __atomic_load_n(&dev->wire->link_up, __ATOMIC_RELAXED);

	put_handle(a, dev);
	put_u32(a, RDMA_NLDEV_ATTR_PORT_INDEX, 1);
	if (emu_fault(EMU_FAULT_INFINIBAND)) {
		put_u64(a, RDMA_NLDEV_ATTR_CAP_FLAGS, EMU_PORT_CAP_FLAGS);
		put_u64(a, RDMA_NLDEV_ATTR_SUBNET_PREFIX, 0);
		put_u32(a, RDMA_NLDEV_ATTR_LID, 0);
		put_u32(a, RDMA_NLDEV_ATTR_SM_LID, 0);
		put_u8(a, RDMA_NLDEV_ATTR_LMC, 0);
	}
	put_u8(a, RDMA_NLDEV_ATTR_PORT_STATE, up ? EMU_PORT_ACTIVE : EMU_PORT_DOWN);
	put_u8(a, RDMA_NLDEV_ATTR_PORT_PHYS_STATE, up ? EMU_PORT_PHYS_UP : EMU_PORT_PHYS_DISABLED);
	put_u32(a, RDMA_NLDEV_ATTR_NDEV_INDEX, emu_netdev_index(dev));
	put_text(a, RDMA_NLDEV_ATTR_NDEV_NAME, dev->netdev);
}

/* fill_res_info(): of all processes of the wire; what this device has not is none */
static void fill_resources(struct ask *a, const struct emu_dev *dev)
{
	static const struct {
		const char *name;
		enum emu_resource resource;
	} kinds[] = {
		{"pd", EMU_RES_PD},	  {"cq", EMU_RES_CQ}, {"qp", EMU_RES_QP},
		{"cm_id", EMU_RES_COUNT}, {"mr", EMU_RES_MR}, {"ctx", EMU_RES_CTX},
		{"srq", EMU_RES_COUNT},
	};
	struct nlattr *table, *entry;

	put_handle(a, dev);
	table = nest(a, RDMA_NLDEV_ATTR_RES_SUMMARY);
	for (unsigned i = 0; i < EMU_COUNT(kinds); i++) {
		entry = nest(a, RDMA_NLDEV_ATTR_RES_SUMMARY_ENTRY);
		put_text(a, RDMA_NLDEV_ATTR_RES_SUMMARY_ENTRY_NAME, kinds[i].name);
		put_u64(a, RDMA_NLDEV_ATTR_RES_SUMMARY_ENTRY_CURR,
			emu_wire_resources(dev->index, kinds[i].resource));
		nest_end(a, entry);
	}
	nest_end(a, table);
}

/* nldev_get_chardev() */
static void fill_chardev(struct ask *a, const struct emu_dev *dev)
{
	uint64_t minor = EMU_FIRST_MINOR + dev->index;
	char name[16];

	put_u32(a, RDMA_NLDEV_ATTR_UVERBS_DRIVER_ID, RDMA_DRIVER_MLX5);
	/* huge_encode_dev() */
	put_u64(a, RDMA_NLDEV_ATTR_CHARDEV,
		(minor & 0xff) | EMU_MAJOR << 8 | (minor & ~0xffULL) << 12);
	put_u64(a, RDMA_NLDEV_ATTR_CHARDEV_ABI, 1); /* MLX5_IB_UVERBS_ABI_VERSION */
	snprintf(name, sizeof(name), "uverbs%u", dev->index);
	put_text(a, RDMA_NLDEV_ATTR_CHARDEV_NAME, name);
}

static void fill_system(struct ask *a, const struct emu_dev *dev)
{
	(void)dev;
	put_u8(a, RDMA_NLDEV_SYS_ATTR_NETNS_MODE, SHARED_NETNS);
	put_u8(a, ATTR_COPY_ON_FORK, 1);
}

/* ---- what is asked -------------------------------------------------------------------------- */

/* nlmsg_parse(): of what concerns us; what is too short for its type is wrong. */
static int take_attr(struct ask *a, const struct nlattr *attr)
{
	size_t len = attr->nla_len - HEAD;
	uint32_t word = 0;

	if (len >= sizeof(word))
		memcpy(&word, attr + 1, sizeof(word));
	switch (attr->nla_type & NLA_TYPE_MASK) {
	case RDMA_NLDEV_ATTR_DEV_INDEX:
		a->has_index = true;
		a->index = word;
		return len < sizeof(word) ? -EINVAL : 0;
	case RDMA_NLDEV_ATTR_PORT_INDEX:
		a->has_port = true;
		a->port = word;
		return len < sizeof(word) ? -EINVAL : 0;
	case RDMA_NLDEV_ATTR_CHARDEV_TYPE:
		if (!len || len > sizeof(a->chardev) || ((const char *)(attr + 1))[len - 1])
			return -EINVAL;
		memcpy(a->chardev, attr + 1, len);
		return 0;
	default:
		return 0;
	}
}

static int parse(struct ask *a)
{
	const uint8_t *at = (const uint8_t *)a->req + NLMSG_HDRLEN;
	size_t left = a->req->nlmsg_len - NLMSG_HDRLEN;
	struct nlattr attr;
	int ret = 0;

	while (!ret && left >= sizeof(attr)) {
		memcpy(&attr, at, sizeof(attr));
		if (attr.nla_len < sizeof(attr) || attr.nla_len > left)
			return 0; /* what is left over is not looked at */
		ret = take_attr(a, (const void *)at);
		if (ALIGN4(attr.nla_len) >= left)
			return ret;
		at += ALIGN4(attr.nla_len);
		left -= ALIGN4(attr.nla_len);
	}
	return ret;
}

enum { NEEDS_DEVICE = 1, NEEDS_PORT = 2, NEEDS_TYPE = 4, DUMPS = 8, DUMPS_ALL = 16 };

static const struct command {
	unsigned op, needs;
	unsigned answer; /* the op of a single answer: nldev_port_get_doit() says GET */
	void (*fill)(struct ask *a, const struct emu_dev *dev);
} commands[] = {
	{RDMA_NLDEV_CMD_GET, NEEDS_DEVICE | DUMPS_ALL, RDMA_NLDEV_CMD_GET, fill_device},
	{RDMA_NLDEV_CMD_PORT_GET, NEEDS_DEVICE | NEEDS_PORT | DUMPS, RDMA_NLDEV_CMD_GET, fill_port},
	{RDMA_NLDEV_CMD_RES_GET, NEEDS_DEVICE | DUMPS_ALL, RDMA_NLDEV_CMD_RES_GET, fill_resources},
	{RDMA_NLDEV_CMD_GET_CHARDEV, NEEDS_TYPE, RDMA_NLDEV_CMD_GET_CHARDEV, fill_chardev},
	{RDMA_NLDEV_CMD_SYS_GET, 0, RDMA_NLDEV_CMD_SYS_GET, fill_system},
};

static const struct command *find_command(const struct nlmsghdr *req)
{
	if (RDMA_NL_GET_CLIENT(req->nlmsg_type) != RDMA_NL_NLDEV)
		return NULL;
	for (unsigned i = 0; i < EMU_COUNT(commands); i++) {
		if (commands[i].op == (unsigned)RDMA_NL_GET_OP(req->nlmsg_type))
			return &commands[i];
	}
	return NULL;
}

/* Of "uverbs" only, which is a device's; ib_get_client_nl_info() */
static int check_chardev(const struct ask *a)
{
	if (!a->chardev[0] || (a->has_port && (!a->has_index || a->port != 1)))
		return -EINVAL;
	if (a->has_index && a->index >= emu_settings.n_ports)
		return -EINVAL;
	if (strcmp(a->chardev, "uverbs") != 0 || !a->has_index)
		return -EOPNOTSUPP;
	return a->has_port ? -EINVAL : 0;
}

static int check_single(const struct ask *a, const struct command *c)
{
	if (c->needs & NEEDS_TYPE)
		return check_chardev(a);
	if ((c->needs & NEEDS_DEVICE) && (!a->has_index || a->index >= emu_settings.n_ports))
		return -EINVAL;
	return (c->needs & NEEDS_PORT) && (!a->has_port || a->port != 1) ? -EINVAL : 0;
}

static int single(struct ask *a, const struct command *c)
{
	int ret = check_single(a, c);

	if (ret)
		return ret;
	begin(a, c->answer, 0);
	c->fill(a, &emu_devs[a->index]);
	end(a);
	return flush(a);
}

static int dump_done(struct ask *a)
{
	begin(a, 0, NLM_F_MULTI);
	a->msg->nlmsg_type = NLMSG_DONE;
	memset(a->out + a->used, 0, sizeof(uint32_t));
	a->used += sizeof(uint32_t);
	end(a);
	return flush(a);
}

/* Devices as many as go into a datagram; the end in one of its own. */
static int dump(struct ask *a, const struct command *c)
{
	unsigned from = 0, to = emu_settings.n_ports;
	int ret = 0;

	if (!(c->needs & (DUMPS | DUMPS_ALL)))
		return -EINVAL;
	if (c->needs & DUMPS) {
		if (!a->has_index || a->index >= emu_settings.n_ports)
			return -EINVAL;
		from = a->index;
		to = from + 1;
	}
	for (unsigned i = from; i < to && !ret; i++) {
		begin(a, c->op, NLM_F_MULTI);
		c->fill(a, &emu_devs[i]);
		end(a);
		if (a->used > sizeof(a->out) / 4 * 3)
			ret = flush(a);
	}
	if (!ret)
		ret = flush(a);
	return ret ? ret : dump_done(a);
}

/* rdma_nl_rcv_msg(); *dumped: nobody acknowledges that, its end is enough */
static int handle(struct ask *a, bool *dumped)
{
	const struct command *c = find_command(a->req);
	int ret = c ? parse(a) : -EINVAL;

	if (!ret)
		ret = emu_wire_need();
	if (ret)
		return ret;
	if ((a->req->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		return single(a, c);
	ret = dump(a, c);
	*dumped = !ret;
	return ret;
}

/* netlink_ack() */
static int acknowledge(struct ask *a, int err)
{
	bool whole = err && !a->nl->cap_ack;
	size_t n = whole ? a->req->nlmsg_len : sizeof(*a->req);

	if (n > FULL - NLMSG_HDRLEN - sizeof(err))
		n = sizeof(*a->req);
	a->used = 0;
	begin(a, 0, whole ? 0 : NLM_F_CAPPED);
	a->msg->nlmsg_type = NLMSG_ERROR;
	memcpy(a->out + a->used, &err, sizeof(err));
	memcpy(a->out + a->used + sizeof(err), a->req, n);
	a->used += sizeof(err) + n;
	end(a);
	return flush(a);
}

static int one(const struct emu_netlink *nl, const struct nlmsghdr *req)
{
	struct ask a = {.nl = nl, .req = req};
	bool dumped = false;
	int err = 0;

	/* not a request, or one to netlink itself: not for us, which is no error */
	if ((req->nlmsg_flags & NLM_F_REQUEST) && req->nlmsg_type >= NLMSG_MIN_TYPE)
		err = handle(&a, &dumped);
	if (err == -ENOBUFS)
		return err;
	return !dumped && (err || (req->nlmsg_flags & NLM_F_ACK)) ? acknowledge(&a, err) : 0;
}

/* rdma_nl_rcv_skb() */
int emu_nldev(const struct emu_netlink *nl, const uint8_t *bytes, size_t n)
{
	const struct nlmsghdr *req;
	size_t len;
	int ret = 0;

	while (!ret && n >= NLMSG_HDRLEN) {
		req = (const void *)bytes;
		if (req->nlmsg_len < NLMSG_HDRLEN || req->nlmsg_len > n)
			return 0;
		ret = one(nl, req);
		len = NLMSG_ALIGN(req->nlmsg_len);
		if (len >= n)
			break;
		bytes += len;
		n -= len;
	}
	return ret;
}
