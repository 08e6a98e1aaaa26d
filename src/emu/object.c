/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of a context: handles, users, and what is alive. All with emu_lock. */
#include "uverbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_HANDLES 64

/* Alive in this process, by device and type. */
static unsigned alive[EMU_MAX_PORTS][EMU_TYPE_COUNT];

static const char *const type_names[EMU_TYPE_COUNT] = {
	[EMU_TYPE_PD] = "pd",
	[EMU_TYPE_MR] = "mr",
	[EMU_TYPE_CHANNEL] = "channel",
	[EMU_TYPE_CQ] = "cq",
	[EMU_TYPE_QP] = "qp",
	[EMU_TYPE_WQ] = "wq",
	[EMU_TYPE_IND_TABLE] = "ind_table",
	[EMU_TYPE_FLOW] = "flow",
	[EMU_TYPE_MATCHER] = "matcher",
	[EMU_TYPE_UAR] = "uar",
	[EMU_TYPE_PP] = "pp",
	[EMU_TYPE_DEVX_OBJ] = "devx_obj",
	[EMU_TYPE_DEVX_UMEM] = "devx_umem",
	[EMU_TYPE_DEVX_FD] = "devx_fd",
	[EMU_TYPE_COUNTERS] = "counters",
	[EMU_TYPE_FLOW_ACTION] = "flow_action",
};

static void count(const struct emu_ctx *ctx, enum emu_type type, bool more)
{
	unsigned port = ctx->dev->index;
	enum emu_resource what;

	alive[port][type] += more ? 1 : -1u;
	switch (type) {
	case EMU_TYPE_PD:
		what = EMU_RES_PD;
		break;
	case EMU_TYPE_MR:
		what = EMU_RES_MR;
		break;
	case EMU_TYPE_CQ:
		what = EMU_RES_CQ;
		break;
	case EMU_TYPE_QP:
		what = EMU_RES_QP;
		break;
	default:
		return;
	}
	emu_wire_resource(port, what, more);
}

static int grow(struct emu_ctx *ctx)
{
	uint32_t n = ctx->n_handles ? 2 * ctx->n_handles : FIRST_HANDLES;
	struct emu_object **handles = realloc(ctx->handles, n * sizeof(struct emu_object *));

	if (!handles)
		return -ENOMEM;
	memset(handles + ctx->n_handles, 0, (n - ctx->n_handles) * sizeof(struct emu_object *));
	ctx->handles = handles;
	ctx->n_handles = n;
	return 0;
}

/* The lowest free one, as the kernel hands them out. */
static int take_handle(struct emu_ctx *ctx, uint32_t *handle)
{
	for (uint32_t i = 0; i < ctx->n_handles; i++) {
		if (!ctx->handles[i]) {
			*handle = i;
			return 0;
		}
	}
	*handle = ctx->n_handles;
	return grow(ctx);
}

struct emu_object *emu_object_new(struct emu_ctx *ctx, enum emu_type type, void *impl,
				  void (*destroy)(struct emu_object *obj))
{
	struct emu_object *obj = calloc(1, sizeof(*obj));

	if (!obj || take_handle(ctx, &obj->handle)) {
		free(obj);
		return NULL;
	}
	obj->ctx = ctx;
	obj->type = type;
	obj->impl = impl;
	obj->destroy = destroy;
	ctx->handles[obj->handle] = obj;
	TAILQ_INSERT_HEAD(&ctx->objects, obj, link);
	count(ctx, type, true);
	return obj;
}

struct emu_object *emu_object_find(struct emu_ctx *ctx, enum emu_type type, uint32_t handle)
{
	struct emu_object *obj = handle < ctx->n_handles ? ctx->handles[handle] : NULL;

	return obj && obj->type == type ? obj : NULL;
}

struct emu_object *emu_object_any(struct emu_ctx *ctx, uint64_t handle)
{
	return handle < ctx->n_handles ? ctx->handles[handle] : NULL;
}

int emu_object_destroy(struct emu_object *obj)
{
	struct emu_ctx *ctx = obj->ctx;

	if (obj->users)
		return -EBUSY;
	ctx->handles[obj->handle] = NULL;
	TAILQ_REMOVE(&ctx->objects, obj, link);
	count(ctx, obj->type, false);
	obj->destroy(obj);
	free(obj);
	return 0;
}

void emu_object_get(struct emu_object *obj)
{
	if (obj)
		obj->users++;
}

void emu_object_put(struct emu_object *obj)
{
	if (obj)
		obj->users--;
}

int emu_object_report(const struct emu_dev *dev, char *text, size_t size)
{
	int n = 0;

	for (int i = 0; i < EMU_TYPE_COUNT; i++)
		n += snprintf(text + n, size - (size_t)n, "%s %u\n", type_names[i],
			      alive[dev->index][i]);
	return n;
}

void emu_object_forget_all(void)
{
	memset(alive, 0, sizeof(alive));
}
