/* SPDX-License-Identifier: Apache-2.0 */
#include "uverbs_mem.h"
#include "dmabuf.h"
#include "fault.h"
#include "gpu.h"

#include <errno.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <stdlib.h>
#include <unistd.h>

uint32_t emu_number(struct emu_dev *dev)
{
	dev->next_num = (dev->next_num + 1) & 0xffffff;
	if (!dev->next_num)
		dev->next_num = 0x40; /* the first are the firmware's */
	return dev->next_num;
}

uint32_t emu_pdn(const struct emu_object *pd)
{
	return ((const struct emu_pd *)pd->impl)->pdn;
}

/* ---- protection domains --------------------------------------------------------------------- */

static void pd_destroy(struct emu_object *obj)
{
	free(obj->impl);
}

static int alloc_pd(struct emu_call *call)
{
	struct ib_uverbs_alloc_pd_resp resp = {0};
	struct mlx5_ib_alloc_pd_resp provider = {0};
	struct emu_object *obj;
	struct emu_pd *pd;

	if (!call->ctx->allocated)
		return -EINVAL;
	pd = calloc(1, sizeof(*pd));
	if (!pd)
		return -ENOMEM;
	pd->pdn = emu_number(call->ctx->dev);
	obj = emu_object_new(call->ctx, EMU_TYPE_PD, pd, pd_destroy);
	if (!obj) {
		free(pd);
		return -ENOMEM;
	}
	resp.pd_handle = obj->handle;
	provider.pdn = pd->pdn;
	emu_write_out(call, &resp, sizeof(resp));
	emu_uhw_out(call, &provider, sizeof(provider));
	return 0;
}

static int dealloc_pd(struct emu_call *call)
{
	struct emu_object *obj = NULL;
	int ret = emu_attr_object(call, UVERBS_ATTR_DESTROY_PD_HANDLE, EMU_TYPE_PD, &obj);

	return ret ? ret : emu_object_destroy(obj);
}

/* ---- regions -------------------------------------------------------------------------------- */

struct emu_mr {
	struct emu_dev *dev;
	struct emu_object *pd;
	struct emu_mkey *mkey;
	struct emu_pin pin;
	struct emu_dmabuf buf;
	uint64_t gpu_addr, gpu_length; /* memory of a GPU that no CPU can map; length 0: none */
};

/* What is asked for. */
struct region {
	uint32_t pd;
	uint32_t access;
	uint64_t iova, length;
	uint64_t start; /* address, or, in a dma-buf, offset */
	bool dmabuf;
	int fd;
};

/* ib_check_mr_access, and what of it this card has */
static int check_access(uint32_t access)
{
	const uint32_t remote_write =
		IB_UVERBS_ACCESS_REMOTE_WRITE | IB_UVERBS_ACCESS_REMOTE_ATOMIC;
	const uint32_t known = IB_UVERBS_ACCESS_LOCAL_WRITE | remote_write |
			       IB_UVERBS_ACCESS_REMOTE_READ | IB_UVERBS_ACCESS_MW_BIND |
			       IB_UVERBS_ACCESS_OPTIONAL_RANGE;

	if ((access & remote_write) && !(access & IB_UVERBS_ACCESS_LOCAL_WRITE))
		return -EINVAL;
	if (access & (IB_UVERBS_ACCESS_ON_DEMAND | IB_UVERBS_ACCESS_ZERO_BASED))
		return -EOPNOTSUPP;
	return access & ~known ? -EINVAL : 0;
}

static int gpu_back(struct emu_mr *mr, const struct region *r, int ordinal)
{
	int ret;

	emu_engine_pause();
	ret = emu_gpu_add(r->iova, r->length, ordinal);
	emu_engine_resume();
	if (ret)
		return ret;
	mr->gpu_addr = r->iova;
	mr->gpu_length = r->length;
	return 0;
}

/*
 * A dma-buf whose bytes nobody can map: those of the GPU memory at iova, if it is that. The driver
 * exports whole pages; what of them is outside the allocation is no one's.
 */
static int gpu_dmabuf(struct emu_mr *mr, const struct region *r)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), base = r->iova - r->start;
	struct emu_gpu_range range;

	if (emu_settings.integrated_gpu || !emu_gpu_find(r->iova, &range))
		return -EOPNOTSUPP;
	if (base < (range.start & ~(page - 1)) ||
	    base + mr->buf.size > ((range.start + range.length + page - 1) & ~(page - 1)))
		return -EINVAL;
	return gpu_back(mr, r, range.ordinal);
}

/* ib_umem_get_peer() of the kernels that have it: without the module the address means nothing. */
static int gpu_peer(struct emu_mr *mr, const struct region *r, const struct emu_gpu_range *range)
{
	if (!emu_settings.peermem || emu_settings.integrated_gpu || r->iova != r->start ||
	    r->length > range->length || r->start - range->start > range->length - r->length)
		return -EFAULT;
	return gpu_back(mr, r, range->ordinal);
}

/* The kernel's part of it: what nobody else may take away from under the device. */
static int mr_back(struct emu_mr *mr, const struct region *r, uint8_t **host)
{
	bool writable = r->access & IB_UVERBS_ACCESS_LOCAL_WRITE;
	struct emu_dmabuf_part part = {r->fd, r->start, r->length, writable};
	struct emu_gpu_range range;
	int ret;

	if (r->dmabuf) {
		ret = emu_dmabuf_attach(&mr->buf, &part, host);
		if (ret != -EOPNOTSUPP)
			return ret;
		*host = (uint8_t *)(uintptr_t)r->iova;
		return gpu_dmabuf(mr, r);
	}
	*host = (uint8_t *)(uintptr_t)r->start;
	if (emu_gpu_find(r->start, &range))
		return gpu_peer(mr, r, &range);
	return emu_pin(&mr->pin, r->start, r->length, writable);
}

static void mr_unback(struct emu_mr *mr)
{
	if (mr->gpu_length) {
		emu_engine_pause();
		emu_gpu_remove(mr->gpu_addr, mr->gpu_length);
		emu_engine_resume();
	}
	emu_unpin(&mr->pin);
	emu_dmabuf_detach(&mr->buf);
}

static void mr_destroy(struct emu_object *obj)
{
	struct emu_mr *mr = obj->impl;

	emu_engine_pause();
	mr->mkey->live = false;
	emu_engine_resume();
	mr_unback(mr);
	emu_object_put(mr->pd);
	free(mr);
}

static void mkey_fill(struct emu_mr *mr, const struct region *r, uint8_t *host)
{
	struct emu_mkey *mkey = mr->mkey;

	emu_engine_pause();
	mkey->iova = r->iova;
	mkey->length = r->length;
	mkey->host = host;
	mkey->access = 0;
	if (r->access & IB_UVERBS_ACCESS_LOCAL_WRITE)
		mkey->access = EMU_ACCESS_LOCAL_WRITE;
	mkey->pdn = emu_pdn(mr->pd);
	mkey->live = true;
	emu_engine_resume();
}

static int mr_new(struct emu_call *call, const struct region *r, struct emu_object **obj)
{
	struct emu_mr *mr = calloc(1, sizeof(*mr));
	int ret = -ENOMEM;
	uint8_t *host;

	if (!mr)
		return ret;
	mr->dev = call->ctx->dev;
	mr->pd = emu_object_find(call->ctx, EMU_TYPE_PD, r->pd);
	ret = -EINVAL;
	if (!mr->pd)
		goto err_free;
	ret = mr_back(mr, r, &host);
	if (ret)
		goto err_free;
	ret = -ENOMEM;
	mr->mkey = emu_mkey_take(mr->dev);
	if (!mr->mkey)
		goto err_unback;
	*obj = emu_object_new(call->ctx, EMU_TYPE_MR, mr, mr_destroy);
	if (!*obj)
		goto err_unback;
	emu_object_get(mr->pd);
	mkey_fill(mr, r, host);
	return 0;

err_unback:
	mr_unback(mr);
err_free:
	free(mr);
	return ret;
}

/* A page of the one is a page of the other. */
static bool same_in_page(uint64_t start, uint64_t iova)
{
	return !((start ^ iova) & ((uint64_t)sysconf(_SC_PAGESIZE) - 1));
}

static uint32_t mr_key(const struct emu_object *obj)
{
	return ((const struct emu_mr *)obj->impl)->mkey->key;
}

static int reg_mr(struct emu_call *call)
{
	struct ib_uverbs_reg_mr_resp resp = {0};
	struct ib_uverbs_reg_mr req;
	struct emu_object *obj;
	struct region r;
	int ret;

	emu_write_in(call, &req, sizeof(req));
	r = (struct region){
		.pd = req.pd_handle,
		.access = req.access_flags,
		.iova = req.hca_va,
		.length = req.length,
		.start = req.start,
	};
	if (!same_in_page(r.start, r.iova))
		return -EINVAL;
	ret = check_access(r.access);
	/* mlx5_ib: create_mkey beyond the card's log_max_mr_size */
	if (!ret && emu_fault(EMU_FAULT_SMALL_MR) && r.length > EMU_SMALL_MR)
		ret = -EINVAL;
	if (!ret)
		ret = mr_new(call, &r, &obj);
	if (ret)
		return ret;
	resp.mr_handle = obj->handle;
	resp.lkey = resp.rkey = mr_key(obj);
	emu_write_out(call, &resp, sizeof(resp));
	return 0;
}

/* enum uverbs_attrs_reg_dmabuf_mr_cmd_attr_ids */
enum {
	DMABUF_HANDLE,
	DMABUF_PD,
	DMABUF_OFFSET,
	DMABUF_LENGTH,
	DMABUF_IOVA,
	DMABUF_FD,
	DMABUF_ACCESS,
	DMABUF_LKEY,
	DMABUF_RKEY
};

static int check_dmabuf(const struct region *r, uint64_t access)
{
	const uint64_t known = IB_UVERBS_ACCESS_LOCAL_WRITE | IB_UVERBS_ACCESS_REMOTE_WRITE |
			       IB_UVERBS_ACCESS_REMOTE_READ | IB_UVERBS_ACCESS_REMOTE_ATOMIC |
			       IB_UVERBS_ACCESS_RELAXED_ORDERING;

	if (!same_in_page(r->start, r->iova) || (access & ~known))
		return -EINVAL;
	return check_access(r->access);
}

/* UVERBS_METHOD_REG_DMABUF_MR, mlx5_ib_reg_user_mr_dmabuf(). Nothing of RLIMIT_MEMLOCK. */
static int reg_dmabuf_mr(struct emu_call *call)
{
	uint64_t access = emu_attr_value(call, DMABUF_ACCESS);
	struct region r = {
		.access = (uint32_t)access,
		.iova = emu_attr_value(call, DMABUF_IOVA),
		.length = emu_attr_value(call, DMABUF_LENGTH),
		.start = emu_attr_value(call, DMABUF_OFFSET),
		.dmabuf = true,
		.fd = (int)emu_attr_value(call, DMABUF_FD),
	};
	struct emu_object *obj = NULL;
	uint32_t key;
	int ret = emu_attr_object(call, DMABUF_PD, EMU_TYPE_PD, &obj);

	/* mlx5_ib_reg_user_mr_dmabuf(): IS_ENABLED(CONFIG_INFINIBAND_ON_DEMAND_PAGING) */
	if (!ret && emu_fault(EMU_FAULT_NO_DMABUF))
		ret = -EOPNOTSUPP;
	if (!ret)
		ret = check_dmabuf(&r, access);
	if (ret)
		return ret;
	r.pd = obj->handle;
	ret = mr_new(call, &r, &obj);
	if (ret)
		return ret;
	key = mr_key(obj);
	emu_attr_put_new(call, DMABUF_HANDLE, obj->handle);
	emu_attr_put(call, DMABUF_LKEY, &key, sizeof(key));
	emu_attr_put(call, DMABUF_RKEY, &key, sizeof(key));
	return 0;
}

static int dereg_mr(struct emu_call *call)
{
	struct emu_object *obj = NULL;
	int ret = emu_attr_object(call, UVERBS_ATTR_DESTROY_MR_HANDLE, EMU_TYPE_MR, &obj);

	return ret ? ret : emu_object_destroy(obj);
}

/* ---- tables --------------------------------------------------------------------------------- */

static const struct emu_attr_spec pd_specs[] = {
	{UVERBS_ATTR_DESTROY_PD_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
};

static const struct emu_attr_spec mr_specs[] = {
	{UVERBS_ATTR_DESTROY_MR_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
};

static const struct emu_attr_spec dmabuf_specs[] = {
	{DMABUF_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0}, {DMABUF_PD, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
	{DMABUF_OFFSET, EMU_ATTR_IN, EMU_MUST, 8, 8},  {DMABUF_LENGTH, EMU_ATTR_IN, EMU_MUST, 8, 8},
	{DMABUF_IOVA, EMU_ATTR_IN, EMU_MUST, 8, 8},    {DMABUF_FD, EMU_ATTR_IN, EMU_MUST, 4, 4},
	{DMABUF_ACCESS, EMU_ATTR_IN, EMU_MAY, 4, 8},   {DMABUF_LKEY, EMU_ATTR_OUT, EMU_MUST, 4, 4},
	{DMABUF_RKEY, EMU_ATTR_OUT, EMU_MUST, 4, 4},
};

static const struct emu_method methods[] = {
	{UVERBS_OBJECT_PD, UVERBS_METHOD_PD_DESTROY, false, dealloc_pd, EMU_SPECS(pd_specs)},
	{UVERBS_OBJECT_MR, UVERBS_METHOD_MR_DESTROY, false, dereg_mr, EMU_SPECS(mr_specs)},
	{UVERBS_OBJECT_MR, EMU_METHOD_REG_DMABUF_MR, false, reg_dmabuf_mr, EMU_SPECS(dmabuf_specs)},
};

static int dealloc_pd_write(struct emu_call *call)
{
	struct ib_uverbs_dealloc_pd req;
	struct emu_object *obj;

	emu_write_in(call, &req, sizeof(req));
	obj = emu_object_find(call->ctx, EMU_TYPE_PD, req.pd_handle);
	return obj ? emu_object_destroy(obj) : -ENOENT;
}

static int dereg_mr_write(struct emu_call *call)
{
	struct ib_uverbs_dereg_mr req;
	struct emu_object *obj;

	emu_write_in(call, &req, sizeof(req));
	obj = emu_object_find(call->ctx, EMU_TYPE_MR, req.mr_handle);
	return obj ? emu_object_destroy(obj) : -ENOENT;
}

static const struct emu_write writes[] = {
	EMU_CMD_UHW(IB_USER_VERBS_CMD_ALLOC_PD, struct ib_uverbs_alloc_pd,
		    sizeof(struct ib_uverbs_alloc_pd_resp), alloc_pd),
	EMU_CMD(IB_USER_VERBS_CMD_DEALLOC_PD, struct ib_uverbs_dealloc_pd, 0, dealloc_pd_write),
	EMU_CMD_UHW(IB_USER_VERBS_CMD_REG_MR, struct ib_uverbs_reg_mr,
		    sizeof(struct ib_uverbs_reg_mr_resp), reg_mr),
	EMU_CMD(IB_USER_VERBS_CMD_DEREG_MR, struct ib_uverbs_dereg_mr, 0, dereg_mr_write),
};

const struct emu_table emu_mem_table = {methods, EMU_COUNT(methods), writes, EMU_COUNT(writes)};
