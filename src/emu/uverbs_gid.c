/* SPDX-License-Identifier: Apache-2.0 */
/* The port's table of addresses, as RoCE has it: what a raw packet never needs and programs ask. */
#include "fault.h"
#include "sysfs.h"
#include "uverbs.h"

#include <errno.h>
#include <net/if.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <string.h>

/* The link-local address of the interface, once for RoCE v1 and once for v2; the rest is empty. */
#define GIDS_IN_USE 2u

uint32_t emu_gids(void)
{
	return emu_fault(EMU_FAULT_NO_ROCE) ? 0 : EMU_GIDS;
}

static void fill_entry(const struct emu_dev *dev, uint32_t index, struct ib_uverbs_gid_entry *entry)
{
	const uint8_t *m = dev->mac;
	const uint8_t gid[16] = {0xfe,	   0x80, 0,    0,    0,	   0,	 0,    0,
				 m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};

	*entry = (struct ib_uverbs_gid_entry){
		.gid_index = index,
		.port_num = 1,
		.gid_type = index ? IB_UVERBS_GID_TYPE_ROCE_V2 : IB_UVERBS_GID_TYPE_ROCE_V1,
		.netdev_ifindex = if_nametoindex(dev->netdev),
	};
	memcpy(entry->gid, gid, sizeof(gid));
}

/* uverbs_std_types_device.c, UVERBS_METHOD_QUERY_GID_ENTRY and rdma_get_gid_attr() */
static int query_entry(struct emu_call *call)
{
	uint64_t index = emu_attr_value(call, UVERBS_ATTR_QUERY_GID_ENTRY_GID_INDEX);
	struct ib_uverbs_gid_entry entry;

	if (emu_attr_value(call, UVERBS_ATTR_QUERY_GID_ENTRY_FLAGS))
		return -EINVAL;
	if (emu_attr_value(call, UVERBS_ATTR_QUERY_GID_ENTRY_PORT) != 1 || index >= emu_gids())
		return -EINVAL;
	if (index >= GIDS_IN_USE)
		return -ENODATA;
	fill_entry(call->ctx->dev, (uint32_t)index, &entry);
	emu_attr_put(call, UVERBS_ATTR_QUERY_GID_ENTRY_RESP_ENTRY, &entry, sizeof(entry));
	return 0;
}

/* UVERBS_METHOD_QUERY_GID_TABLE: entries may be longer or shorter than ours. */
static int query_table(struct emu_call *call)
{
	uint64_t size = emu_attr_value(call, UVERBS_ATTR_QUERY_GID_TABLE_ENTRY_SIZE);
	struct ib_uverbs_attr *attr = emu_attr(call, UVERBS_ATTR_QUERY_GID_TABLE_RESP_ENTRIES);
	const __u64 count = emu_gids() ? GIDS_IN_USE : 0;
	struct ib_uverbs_gid_entry entry;
	uint8_t *to;

	if (emu_attr_value(call, UVERBS_ATTR_QUERY_GID_TABLE_FLAGS) || !size)
		return -EINVAL;
	if (attr->len / size < count) /* rdma_query_gid_table(): all or nothing */
		return -EINVAL;
	to = (uint8_t *)(uintptr_t)attr->data;
	for (uint32_t i = 0; i < count; i++, to += size) {
		fill_entry(call->ctx->dev, i, &entry);
		memset(to, 0, size);
		memcpy(to, &entry, size < sizeof(entry) ? size : sizeof(entry));
	}
	attr->flags |= UVERBS_ATTR_F_VALID_OUTPUT;
	emu_attr_put(call, UVERBS_ATTR_QUERY_GID_TABLE_RESP_NUM_ENTRIES, &count, sizeof(count));
	return 0;
}

static const struct emu_attr_spec entry_specs[] = {
	{UVERBS_ATTR_QUERY_GID_ENTRY_PORT, EMU_ATTR_IN, EMU_MUST, 8, 8},
	{UVERBS_ATTR_QUERY_GID_ENTRY_GID_INDEX, EMU_ATTR_IN, EMU_MUST, 8, 8},
	{UVERBS_ATTR_QUERY_GID_ENTRY_FLAGS, EMU_ATTR_IN, EMU_MAY, 4, 8},
	{UVERBS_ATTR_QUERY_GID_ENTRY_RESP_ENTRY, EMU_ATTR_OUT, EMU_MUST,
	 sizeof(struct ib_uverbs_gid_entry), UINT16_MAX},
};

static const struct emu_attr_spec table_specs[] = {
	{UVERBS_ATTR_QUERY_GID_TABLE_ENTRY_SIZE, EMU_ATTR_IN, EMU_MUST, 8, 8},
	{UVERBS_ATTR_QUERY_GID_TABLE_FLAGS, EMU_ATTR_IN, EMU_MAY, 4, 8},
	{UVERBS_ATTR_QUERY_GID_TABLE_RESP_ENTRIES, EMU_ATTR_OUT, EMU_MUST, 0, UINT16_MAX},
	{UVERBS_ATTR_QUERY_GID_TABLE_RESP_NUM_ENTRIES, EMU_ATTR_OUT, EMU_MUST, 8, 8},
};

static const struct emu_method methods[] = {
	{UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_GID_TABLE, false, query_table,
	 EMU_SPECS(table_specs)},
	{UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_GID_ENTRY, false, query_entry,
	 EMU_SPECS(entry_specs)},
};

const struct emu_table emu_gid_table = {methods, EMU_COUNT(methods), NULL, 0};
