/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet pacing: the card's table of rates, as mlx5_core's rl.c keeps it, and the objects that a
 * program makes entries of it by (MLX5_IB_OBJECT_PP, mlx5_ib's qos.c).
 */
#include "uverbs_rate.h"
#include "caps.h"
#include "fault.h"

#include <errno.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT_SIZE 48	    /* PRM: set_pp_rate_limit_context */
#define SHARED_UID   0xffff /* MLX5_SHARED_RESOURCE_UID */
/* enum mlx5_ib_uapi_pp_alloc_flags; and the names below: kernel headers 5.10 have them */
#define DEDICATED 1u

/* A rate as the firmware takes it: PRM, set_pp_rate_limit_context. */
struct context {
	__be32 rate_limit; /* kbps */
	__be32 burst_upper_bound;
	uint8_t rsvd8[2];
	__be16 typical_packet_size;
	uint8_t rsvd12[36];
};

_Static_assert(sizeof(struct context) == CONTEXT_SIZE, "PRM: set_pp_rate_limit_context");

struct entry {
	struct context ctx;
	unsigned users;
	bool dedicated;
	const struct emu_ctx *owner; /* whose DevX queues alone may use it; NULL: all */
};

static struct entry tables[EMU_MAX_PORTS][EMU_RATES];

/* find_rl_entry */
static struct entry *find(struct entry *table, const struct context *ctx, bool dedicated)
{
	struct entry *unused = NULL;

	for (unsigned i = 0; i < EMU_RATES; i++) {
		struct entry *e = &table[i];

		if (!e->users)
			unused = unused ? unused : e;
		else if (!dedicated && !e->dedicated && !memcmp(&e->ctx, ctx, sizeof(*ctx)))
			return e;
	}
	return unused;
}

/* mlx5_rl_add_rate_raw */
static int add(struct emu_dev *dev, const struct context *ctx, bool dedicated, uint16_t *index)
{
	uint32_t kbps = emu_from_be32(ctx->rate_limit);
	struct entry *table = tables[dev->index], *e;

	if (kbps < EMU_RATE_MIN || kbps > EMU_RATE_MAX || emu_fault(EMU_FAULT_NO_OFFLOADS))
		return -EINVAL;
	e = find(table, ctx, dedicated);
	if (!e)
		return -ENOSPC;
	e->ctx = *ctx;
	e->dedicated = dedicated;
	e->owner = NULL;
	e->users++;
	*index = (uint16_t)(e - table + 1); /* 0 is that of no limit */
	return 0;
}

int emu_rate_get(struct emu_dev *dev, const struct emu_rate *rate, uint16_t *index)
{
	const struct context ctx = {
		.rate_limit = emu_to_be32(rate->kbps),
		.burst_upper_bound = emu_to_be32(rate->max_burst),
		.typical_packet_size = emu_to_be16(rate->typical_size),
	};

	return add(dev, &ctx, false, index);
}

void emu_rate_put(struct emu_dev *dev, uint16_t index)
{
	if (index)
		tables[dev->index][index - 1].users--;
}

bool emu_rate_usable(const struct emu_ctx *ctx, uint16_t index)
{
	const struct entry *e;

	if (!index || index > EMU_RATES)
		return false;
	e = &tables[ctx->dev->index][index - 1];
	return e->users && (!e->owner || e->owner == ctx);
}

struct emu_rate emu_rate_at(const struct emu_dev *dev, uint16_t index)
{
	const struct entry *e;

	if (!index || index > EMU_RATES || !tables[dev->index][index - 1].users)
		return (struct emu_rate){0};
	e = &tables[dev->index][index - 1];
	return (struct emu_rate){emu_from_be32(e->ctx.rate_limit),
				 emu_from_be32(e->ctx.burst_upper_bound),
				 emu_from_be16(e->ctx.typical_packet_size)};
}

void emu_rate_apply(struct emu_sq *sq, const struct emu_rate *rate)
{
	uint64_t burst = rate->max_burst ? rate->max_burst : EMU_RATE_BURST;

	sq->rate_kbps = rate->kbps;
	sq->burst_ns = rate->kbps ? burst * 8 * 1000000 / rate->kbps : 0;
	sq->next_ns = 0;
}

/* ---- objects --------------------------------------------------------------------------------- */

struct pp {
	struct emu_dev *dev;
	uint16_t index;
};

static void pp_destroy(struct emu_object *obj)
{
	struct pp *pp = obj->impl;

	emu_rate_put(pp->dev, pp->index);
	free(pp);
}

static int pp_new(struct emu_call *call, bool dedicated, struct emu_object **obj)
{
	struct pp *pp = calloc(1, sizeof(*pp));
	struct context ctx;
	int ret;

	if (!pp)
		return -ENOMEM;
	pp->dev = call->ctx->dev;
	emu_attr_copy(call, MLX5_IB_ATTR_PP_OBJ_ALLOC_CTX, &ctx, sizeof(ctx));
	ret = add(pp->dev, &ctx, dedicated, &pp->index);
	if (ret)
		goto err_free;
	if (dedicated)
		tables[pp->dev->index][pp->index - 1].owner = call->ctx;
	*obj = emu_object_new(call->ctx, EMU_TYPE_PP, pp, pp_destroy);
	if (*obj)
		return 0;
	ret = -ENOMEM;
	emu_rate_put(pp->dev, pp->index);
err_free:
	free(pp);
	return ret;
}

static int alloc_pp(struct emu_call *call)
{
	uint64_t flags = emu_attr_value(call, MLX5_IB_ATTR_PP_OBJ_ALLOC_FLAGS);
	struct emu_object *obj;
	uint16_t index;
	int ret;

	if (!call->ctx->devx || (flags & ~(uint64_t)DEDICATED))
		return -EINVAL;
	ret = pp_new(call, flags & DEDICATED, &obj);
	if (ret)
		return ret;
	index = ((struct pp *)obj->impl)->index;
	emu_attr_put(call, MLX5_IB_ATTR_PP_OBJ_ALLOC_INDEX, &index, sizeof(index));
	emu_attr_put_new(call, MLX5_IB_ATTR_PP_OBJ_ALLOC_HANDLE, obj->handle);
	return 0;
}

static int destroy_pp(struct emu_call *call)
{
	struct emu_object *obj = NULL;
	int ret = emu_attr_object(call, MLX5_IB_ATTR_PP_OBJ_DESTROY_HANDLE, EMU_TYPE_PP, &obj);

	return ret ? ret : emu_object_destroy(obj);
}

static const struct emu_attr_spec alloc_specs[] = {
	{MLX5_IB_ATTR_PP_OBJ_ALLOC_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0},
	{MLX5_IB_ATTR_PP_OBJ_ALLOC_CTX, EMU_ATTR_IN, EMU_MUST, 1, CONTEXT_SIZE},
	{MLX5_IB_ATTR_PP_OBJ_ALLOC_FLAGS, EMU_ATTR_IN, EMU_MUST, 4, 8},
	{MLX5_IB_ATTR_PP_OBJ_ALLOC_INDEX, EMU_ATTR_OUT, EMU_MUST, 2, 2},
};

static const struct emu_attr_spec destroy_specs[] = {
	{MLX5_IB_ATTR_PP_OBJ_DESTROY_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
};

static const struct emu_method methods[] = {
	{MLX5_IB_OBJECT_PP, MLX5_IB_METHOD_PP_OBJ_ALLOC, false, alloc_pp, EMU_SPECS(alloc_specs)},
	{MLX5_IB_OBJECT_PP, MLX5_IB_METHOD_PP_OBJ_DESTROY, false, destroy_pp,
	 EMU_SPECS(destroy_specs)},
};

const struct emu_table emu_rate_table = {methods, EMU_COUNT(methods), NULL, 0};
