/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of verbs flows, as mlx5_ib's counters.c has them. Control path. */
#include <errno.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/mlx5-abi.h>
#include <stdlib.h>

#include "flow.h"
#include "uverbs_copy.h"

/* ib_verbs.h: enum ib_counters_description */
enum { COUNT_PACKETS, COUNT_BYTES, COUNT_KINDS };

#define MAX_COUNTERS (UINT16_MAX / (sizeof(uint32_t) * 2)) /* mlx5_ib: MAX_COUNTERS_NUM */

struct counters {
	uint32_t number; /* of the wire's flow counter; 0: no flow has asked for it yet */
	uint32_t n;
	uint32_t max_index;
	struct mlx5_ib_flow_counters_desc *desc;
};

static void forget(struct counters *c)
{
	free(c->desc);
	c->desc = NULL;
	c->n = 0;
	c->max_index = 0;
}

/* counters_set_description(): the largest index, from 1 on; 0: there is a wrong one */
static uint32_t check_desc(const struct mlx5_ib_flow_counters_desc *desc, uint32_t n)
{
	uint32_t max = 0, i;

	for (i = 0; i < n; i++) {
		if (desc[i].description >= COUNT_KINDS || desc[i].index == UINT32_MAX)
			return 0;
		if (desc[i].index >= max)
			max = desc[i].index + 1;
	}
	return max;
}

static int describe(struct counters *c, uint64_t user, uint32_t n)
{
	struct mlx5_ib_flow_counters_desc *desc = calloc(n ? n : 1, sizeof(*desc));
	int rc = desc ? emu_user_read(desc, user, n * sizeof(*desc)) : -ENOMEM;
	uint32_t max = rc ? 0 : check_desc(desc, n);

	if (!rc && n && !max)
		rc = -EINVAL;
	if (rc) {
		free(desc);
		return rc;
	}
	c->desc = desc;
	c->n = n;
	c->max_index = max;
	return 0;
}

/* mlx5_ib_flow_counters_set_data() */
int emu_counters_bind(struct emu_object *counters, uint64_t desc, uint32_t n, uint32_t *number)
{
	struct counters *c = counters->impl;
	int rc = 0;

	if (n > MAX_COUNTERS)
		return -EINVAL;
	if (desc ? c->max_index : !c->max_index) /* bound twice, or not at all */
		return -EINVAL;
	if (!c->number)
		rc = emu_wire_counter_new(1, 1, &c->number);
	if (!rc && desc)
		rc = describe(c, desc, n);
	*number = c->number;
	return rc;
}

/* mlx5_ib_counters_clear_description() */
void emu_counters_unbind(struct emu_object *counters)
{
	if (counters->users <= 1)
		forget(counters->impl);
}

static void destroy_counters(struct emu_object *obj)
{
	struct counters *c = obj->impl;

	forget(c);
	emu_wire_counter_free(c->number, 1);
	free(c);
}

static int create(struct emu_call *call)
{
	struct counters *c = calloc(1, sizeof(*c));
	struct emu_object *obj;

	if (!c)
		return -ENOMEM;
	obj = emu_object_new(call->ctx, EMU_TYPE_COUNTERS, c, destroy_counters);
	if (!obj) {
		free(c);
		return -ENOMEM;
	}
	emu_attr_put_new(call, UVERBS_ATTR_CREATE_COUNTERS_HANDLE, obj->handle);
	return 0;
}

static int destroy(struct emu_call *call)
{
	struct emu_object *obj;
	int rc =
		emu_attr_object(call, UVERBS_ATTR_DESTROY_COUNTERS_HANDLE, EMU_TYPE_COUNTERS, &obj);

	return rc ? rc : emu_object_destroy(obj);
}

/* mlx5_ib_read_counters(): what several points count at one index is added. */
static int fill(const struct counters *c, uint64_t *values, size_t n)
{
	uint64_t counted[COUNT_KINDS];
	uint32_t i;

	if (c->max_index > n)
		return -EINVAL;
	emu_wire_counter_read(c->number, &counted[COUNT_PACKETS], &counted[COUNT_BYTES]);
	for (i = 0; i < c->n; i++)
		values[c->desc[i].index] += counted[c->desc[i].description];
	return 0;
}

static int read_counters(struct emu_call *call)
{
	size_t n = emu_attr_len(emu_attr(call, UVERBS_ATTR_READ_COUNTERS_BUFF)) / sizeof(uint64_t);
	struct emu_object *obj;
	uint64_t *values;
	int rc = emu_attr_object(call, UVERBS_ATTR_READ_COUNTERS_HANDLE, EMU_TYPE_COUNTERS, &obj);

	if (rc)
		return rc;
	if (!obj->users) /* no flow has them */
		return -EINVAL;
	if (emu_attr_value(call, UVERBS_ATTR_READ_COUNTERS_FLAGS) &
	    ~(uint64_t)IB_UVERBS_READ_COUNTERS_PREFER_CACHED)
		return -EINVAL;
	values = calloc(n ? n : 1, sizeof(*values));
	if (!values)
		return -ENOMEM;
	rc = fill(obj->impl, values, n);
	if (!rc)
		emu_attr_put(call, UVERBS_ATTR_READ_COUNTERS_BUFF, values, n * sizeof(*values));
	free(values);
	return rc;
}

static const struct emu_attr_spec create_attrs[] = {
	{UVERBS_ATTR_CREATE_COUNTERS_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0},
};

static const struct emu_attr_spec destroy_attrs[] = {
	{UVERBS_ATTR_DESTROY_COUNTERS_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
};

static const struct emu_attr_spec read_attrs[] = {
	{UVERBS_ATTR_READ_COUNTERS_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
	{UVERBS_ATTR_READ_COUNTERS_BUFF, EMU_ATTR_OUT, EMU_MUST, 0, UINT16_MAX},
	{UVERBS_ATTR_READ_COUNTERS_FLAGS, EMU_ATTR_IN, EMU_MAY, 4, 8},
};

static const struct emu_method methods[] = {
	{UVERBS_OBJECT_COUNTERS, UVERBS_METHOD_COUNTERS_CREATE, false, create,
	 EMU_SPECS(create_attrs)},
	{UVERBS_OBJECT_COUNTERS, UVERBS_METHOD_COUNTERS_DESTROY, false, destroy,
	 EMU_SPECS(destroy_attrs)},
	{UVERBS_OBJECT_COUNTERS, UVERBS_METHOD_COUNTERS_READ, false, read_counters,
	 EMU_SPECS(read_attrs)},
};

const struct emu_table emu_counters_table = {methods, EMU_COUNT(methods), NULL, 0};
