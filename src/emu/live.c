/* SPDX-License-Identifier: Apache-2.0 */
/* Files of sysfs whose contents are the port's state now: read from the wire, or counted. */
#include "preload.h"
#include "uverbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the kernel allows on a ConnectX-7: ETH_MIN_MTU and the port's largest frame. */
#define MTU_MIN 68
#define MTU_MAX 9978

enum live_kind { LIVE_STATE, LIVE_PHYS_STATE, LIVE_CARRIER, LIVE_OPERSTATE, LIVE_MTU,
		 LIVE_FLAGS, LIVE_OBJECTS, LIVE_LINK, LIVE_COUNTER, LIVE_UNICAST };

struct emu_live {
	const char *name; /* below infiniband/<rdma>/ or net/<netdev>/ */
	enum live_kind kind;
	uint16_t count, less1, less2; /* offsets in struct emu_counters; unicast: less the others */
	uint8_t words;                /* counted in units of 2^words bytes */
};

#define COUNT(member) offsetof(struct emu_counters, member)

static const struct emu_live ib_files[] = {
	{ .name = "ports/1/state", .kind = LIVE_STATE },
	{ .name = "ports/1/phys_state", .kind = LIVE_PHYS_STATE },
	{ .name = "emu_objects", .kind = LIVE_OBJECTS },
	{ .name = "emu_link", .kind = LIVE_LINK },
	{ "ports/1/counters/port_xmit_packets", LIVE_COUNTER, COUNT(tx_packets), 0, 0, 0 },
	{ "ports/1/counters/port_rcv_packets", LIVE_COUNTER, COUNT(rx_packets), 0, 0, 0 },
	/* PRM: "port_xmit_data", in units of 4 bytes */
	{ "ports/1/counters/port_xmit_data", LIVE_COUNTER, COUNT(tx_bytes), 0, 0, 2 },
	{ "ports/1/counters/port_rcv_data", LIVE_COUNTER, COUNT(rx_bytes), 0, 0, 2 },
	{ "ports/1/counters/multicast_xmit_packets", LIVE_COUNTER, COUNT(tx_multicast), 0, 0, 0 },
	{ "ports/1/counters/multicast_rcv_packets", LIVE_COUNTER, COUNT(rx_multicast), 0, 0, 0 },
	{ "ports/1/counters/unicast_xmit_packets", LIVE_UNICAST, COUNT(tx_packets),
	  COUNT(tx_multicast), COUNT(tx_broadcast), 0 },
	{ "ports/1/counters/unicast_rcv_packets", LIVE_UNICAST, COUNT(rx_packets),
	  COUNT(rx_multicast), COUNT(rx_broadcast), 0 },
	{ "ports/1/counters/port_rcv_errors", LIVE_COUNTER, COUNT(rx_over_mtu), 0, 0, 0 },
	{ "ports/1/hw_counters/out_of_buffer", LIVE_COUNTER, COUNT(out_of_buffer), 0, 0, 0 },
	{ "ports/1/hw_counters/req_cqe_error", LIVE_COUNTER, COUNT(tx_errors), 0, 0, 0 },
	{ "ports/1/hw_counters/resp_cqe_error", LIVE_COUNTER, COUNT(rx_wqe_errors), 0, 0, 0 },
	/* not on a real card: what happened to frames that no queue got */
	{ "ports/1/hw_counters/emu_rx_kernel", LIVE_COUNTER, COUNT(rx_kernel), 0, 0, 0 },
	{ "ports/1/hw_counters/emu_rx_steer_drop", LIVE_COUNTER, COUNT(rx_steer_drop), 0, 0, 0 },
	{ "ports/1/hw_counters/emu_tx_over_mtu", LIVE_COUNTER, COUNT(tx_over_mtu), 0, 0, 0 },
	{ "ports/1/hw_counters/emu_cq_overruns", LIVE_COUNTER, COUNT(cq_overruns), 0, 0, 0 },
};

/* The interface sees what no rule of ours took, as behind a real card. */
static const struct emu_live net_files[] = {
	{ .name = "carrier", .kind = LIVE_CARRIER },
	{ .name = "operstate", .kind = LIVE_OPERSTATE },
	{ .name = "mtu", .kind = LIVE_MTU },
	{ .name = "flags", .kind = LIVE_FLAGS },
	{ "statistics/rx_packets", LIVE_COUNTER, COUNT(rx_kernel), 0, 0, 0 },
	{ "statistics/rx_length_errors", LIVE_COUNTER, COUNT(rx_over_mtu), 0, 0, 0 },
	{ "statistics/rx_errors", LIVE_COUNTER, COUNT(rx_over_mtu), 0, 0, 0 },
};

static const struct emu_live *find(const char *path, const char *device,
				   const struct emu_live *list, unsigned n)
{
	size_t len = strlen(device);

	if (strncmp(path, device, len) || path[len] != '/')
		return NULL;
	for (unsigned i = 0; i < n; i++) {
		if (!strcmp(path + len + 1, list[i].name))
			return &list[i];
	}
	return NULL;
}

/* path: below the PCI function's directory */
static const struct emu_live *find_in(const struct emu_dev *dev, const char *path)
{
	if (!strncmp(path, "infiniband/", 11))
		return find(path + 11, dev->rdma, ib_files, EMU_COUNT(ib_files));
	if (!strncmp(path, "net/", 4))
		return find(path + 4, dev->netdev, net_files, EMU_COUNT(net_files));
	return NULL;
}

const struct emu_live *emu_live_find(const char *mapped, struct emu_dev **dev)
{
	char real[PATH_MAX], function[160];
	const char *at;

	if (!EMU_REAL(realpath)(mapped, real))
		return NULL;
	for (unsigned i = 0; i < emu_settings.n_ports; i++) {
		snprintf(function, sizeof(function), "/devices/%s/", emu_devs[i].path);
		at = strstr(real, function);
		if (!at)
			continue;
		*dev = &emu_devs[i];
		return find_in(&emu_devs[i], at + strlen(function));
	}
	return NULL;
}

static uint64_t counter(const struct emu_dev *dev, uint16_t offset)
{
	const uint8_t *base = (const uint8_t *)&dev->wire->count;

	return __atomic_load_n((const uint64_t *)(const void *)(base + offset), __ATOMIC_RELAXED);
}

static uint64_t counted(const struct emu_live *live, const struct emu_dev *dev)
{
	uint64_t value = counter(dev, live->count);

	if (live->kind == LIVE_UNICAST)
		value -= counter(dev, live->less1) + counter(dev, live->less2);
	return value >> live->words;
}

static int put(char *text, size_t size, const char *value)
{
	return snprintf(text, size, "%s\n", value);
}

int emu_live_read(const struct emu_live *live, struct emu_dev *dev, char *text, size_t size)
{
	int ret;
	bool up;

	pthread_mutex_lock(&emu_lock);
	ret = emu_wire_need();
	if (!ret && live->kind == LIVE_OBJECTS)
		ret = emu_object_report(dev, text, size);
	pthread_mutex_unlock(&emu_lock);
	if (ret || live->kind == LIVE_OBJECTS)
		return ret;
	up = __atomic_load_n(&dev->wire->link_up, __ATOMIC_RELAXED);
	switch (live->kind) {
	case LIVE_STATE:
		return put(text, size, up ? "4: ACTIVE" : "1: DOWN");
	case LIVE_PHYS_STATE:
		return put(text, size, up ? "5: LinkUp" : "3: Disabled");
	case LIVE_LINK:
		return put(text, size, up ? "up" : "down");
	case LIVE_CARRIER:
		return put(text, size, up ? "1" : "0");
	case LIVE_OPERSTATE:
		return put(text, size, up ? "up" : "down");
	case LIVE_MTU:
		emu_netdev_look(dev);
		return snprintf(text, size, "%u\n",
				__atomic_load_n(&dev->wire->mtu, __ATOMIC_RELAXED));
	case LIVE_FLAGS:
		emu_netdev_look(dev);
		return snprintf(text, size, "0x%x\n", emu_netdev_flags(dev));
	default:
		return snprintf(text, size, "%" PRIu64 "\n", counted(live, dev));
	}
}

void emu_live_name(const struct emu_live *live, const struct emu_dev *dev,
		   char name[EMU_LIVE_NAME])
{
	snprintf(name, EMU_LIVE_NAME, "daqiri-emu/%s/%s", dev->netdev, live->name);
}

/* The writable file of this name among those of dev. */
static const struct emu_live *find_writable(const char *name, const struct emu_dev *dev,
					    const struct emu_live *list, unsigned n)
{
	char here[EMU_LIVE_NAME];

	for (unsigned i = 0; i < n; i++) {
		emu_live_name(&list[i], dev, here);
		if (emu_live_writable(&list[i]) && !strcmp(name, here))
			return &list[i];
	}
	return NULL;
}

const struct emu_live *emu_live_by_name(const char *name, struct emu_dev **dev)
{
	const struct emu_live *live;

	for (unsigned i = 0; i < emu_settings.n_ports; i++) {
		*dev = &emu_devs[i];
		live = find_writable(name, *dev, net_files, EMU_COUNT(net_files));
		if (!live)
			live = find_writable(name, *dev, ib_files, EMU_COUNT(ib_files));
		if (live)
			return live;
	}
	return NULL;
}

bool emu_live_writable(const struct emu_live *live)
{
	return live->kind == LIVE_MTU || live->kind == LIVE_FLAGS || live->kind == LIVE_LINK;
}

/* A number, as echo writes it. */
static int read_number(const char *text, unsigned long *value)
{
	char *end;

	*value = strtoul(text, &end, 0);
	return end == text || (*end && *end != '\n') ? -EINVAL : 0;
}

static int write_mtu(struct emu_dev *dev, const char *text)
{
	unsigned long mtu;

	if (read_number(text, &mtu) || mtu < MTU_MIN || mtu > MTU_MAX)
		return -EINVAL;
	return emu_netdev_set_mtu(dev, (uint32_t)mtu);
}

static int write_flags(struct emu_dev *dev, const char *text)
{
	unsigned long flags;

	if (read_number(text, &flags))
		return -EINVAL;
	return emu_netdev_set_flags(dev, (uint32_t)flags);
}

static int write_link(const struct emu_dev *dev, const char *text)
{
	size_t n = strcspn(text, "\n");
	bool up = n == 2 && !memcmp(text, "up", 2);

	if (!up && (n != 4 || memcmp(text, "down", 4)))
		return -EINVAL;
	emu_wire_set_link(dev->index, up);
	return 0;
}

int emu_live_write(const struct emu_live *live, struct emu_dev *dev, const char *text, size_t n)
{
	char buf[32];
	int ret;

	if (!emu_live_writable(live))
		return -EACCES;
	if (n >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, n);
	buf[n] = 0;
	pthread_mutex_lock(&emu_lock);
	ret = emu_wire_need();
	pthread_mutex_unlock(&emu_lock);
	if (ret)
		return ret;
	if (live->kind == LIVE_MTU)
		return write_mtu(dev, buf);
	return live->kind == LIVE_FLAGS ? write_flags(dev, buf) : write_link(dev, buf);
}
