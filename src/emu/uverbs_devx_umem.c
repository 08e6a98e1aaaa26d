/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that commands of the firmware name by a number, and event queues' numbers. */
#include "uverbs_devx.h"
#include "dmabuf.h"
#include "uverbs_mem.h"

#include <errno.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <stdlib.h>
#include <unistd.h>

#define FIRST_EQN 1u /* the event queue of completion vector 0 */
/* mlx5_ifc.h: MLX5_ADAPTER_PAGE_SHIFT; the smallest page that a umem may consist of */
#define ADAPTER_PAGE 4096u

struct umem {
	uint32_t id;
	uint8_t *addr;
	uint64_t length;
	bool writable;
	struct emu_pin pin;
	struct emu_dmabuf buf;
};

static void umem_unback(struct umem *m)
{
	emu_unpin(&m->pin);
	emu_dmabuf_detach(&m->buf);
}

static void umem_destroy(struct emu_object *obj)
{
	struct umem *m = obj->impl;

	umem_unback(m);
	free(m);
}

/* ib_check_mr_access() for the flags that devx_umem_get() lets through */
static int check_access(uint64_t access)
{
	const uint64_t known = IB_UVERBS_ACCESS_LOCAL_WRITE | IB_UVERBS_ACCESS_REMOTE_WRITE |
			       IB_UVERBS_ACCESS_REMOTE_READ;

	if (access & ~known)
		return -EINVAL;
	if ((access & IB_UVERBS_ACCESS_REMOTE_WRITE) && !(access & IB_UVERBS_ACCESS_LOCAL_WRITE))
		return -EINVAL;
	return 0;
}

/* devx_umem_find_best_pgsize(): some page size of the bitmap must fit */
static int check_pages(const struct emu_call *call)
{
	uint64_t sizes = emu_attr_value(call, EMU_ATTR_UMEM_REG_PGSZ_BITMAP);

	if (!emu_attr(call, EMU_ATTR_UMEM_REG_PGSZ_BITMAP))
		return 0;
	return sizes & ~(uint64_t)(ADAPTER_PAGE - 1) ? 0 : -EINVAL;
}

/* devx_umem_get(): addr is an offset in a dma-buf. */
static int umem_back(const struct emu_call *call, struct umem *m)
{
	uint64_t addr = emu_attr_value(call, MLX5_IB_ATTR_DEVX_UMEM_REG_ADDR);
	int fd = (int)emu_attr_value(call, EMU_ATTR_UMEM_REG_DMABUF_FD);
	struct emu_dmabuf_part part = {fd, addr, m->length, m->writable};

	if (emu_attr(call, EMU_ATTR_UMEM_REG_DMABUF_FD))
		return emu_dmabuf_attach(&m->buf, &part, &m->addr);
	m->addr = (uint8_t *)(uintptr_t)addr;
	return m->length ? emu_pin(&m->pin, addr, m->length, m->writable) : -EINVAL;
}

static int umem_fill(const struct emu_call *call, struct umem *m)
{
	uint64_t access = emu_attr_value(call, MLX5_IB_ATTR_DEVX_UMEM_REG_ACCESS);
	int ret = check_access(access);

	if (!ret)
		ret = check_pages(call);
	if (ret)
		return ret;
	m->length = emu_attr_value(call, MLX5_IB_ATTR_DEVX_UMEM_REG_LEN);
	m->writable = access & IB_UVERBS_ACCESS_LOCAL_WRITE;
	ret = umem_back(call, m);
	m->id = emu_number(call->ctx->dev);
	return ret;
}

int emu_devx_umem_reg(struct emu_call *call)
{
	struct umem *m = calloc(1, sizeof(*m));
	struct emu_object *obj;
	int ret = -EINVAL;

	if (!m)
		return -ENOMEM;
	if (call->ctx->devx)
		ret = umem_fill(call, m);
	if (ret)
		goto err_free;
	obj = emu_object_new(call->ctx, EMU_TYPE_DEVX_UMEM, m, umem_destroy);
	ret = -ENOMEM;
	if (!obj)
		goto err_unback;
	emu_attr_put_new(call, MLX5_IB_ATTR_DEVX_UMEM_REG_HANDLE, obj->handle);
	emu_attr_put(call, MLX5_IB_ATTR_DEVX_UMEM_REG_OUT_ID, &m->id, sizeof(m->id));
	return 0;

err_unback:
	umem_unback(m);
err_free:
	free(m);
	return ret;
}

uint8_t *emu_umem_at(struct emu_ctx *ctx, const struct emu_umem_ask *ask, struct emu_object **obj)
{
	TAILQ_FOREACH (*obj, &ctx->objects, link) {
		const struct umem *m = (*obj)->impl;

		if ((*obj)->type != EMU_TYPE_DEVX_UMEM || m->id != ask->id)
			continue;
		if (ask->size > m->length || ask->offset > m->length - ask->size)
			return NULL;
		if ((uintptr_t)(m->addr + ask->offset) % ask->align)
			return NULL;
		return !ask->writable || m->writable ? m->addr + ask->offset : NULL;
	}
	return NULL;
}

/* ---- event queues --------------------------------------------------------------------------- */

bool emu_devx_eqn_ok(uint64_t eqn)
{
	return eqn >= FIRST_EQN && eqn - FIRST_EQN < (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
}

int emu_devx_query_eqn(struct emu_call *call)
{
	uint64_t vector = emu_attr_value(call, MLX5_IB_ATTR_DEVX_QUERY_EQN_USER_VEC);
	uint32_t eqn = (uint32_t)vector + FIRST_EQN;

	/* mlx5_vector2eqn() */
	if (vector >= (uint64_t)sysconf(_SC_NPROCESSORS_ONLN))
		return -ENOENT;
	emu_attr_put(call, MLX5_IB_ATTR_DEVX_QUERY_EQN_DEV_EQN, &eqn, sizeof(eqn));
	return 0;
}
