/* SPDX-License-Identifier: Apache-2.0 */
#include "uverbs_mem.h"

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

static void mr_destroy(struct emu_object *obj)
{
	struct emu_mr *mr = obj->impl;

	emu_engine_pause();
	mr->mkey->live = false;
	emu_engine_resume();
	emu_unpin(&mr->pin);
	emu_object_put(mr->pd);
	free(mr);
}

static void mkey_fill(struct emu_mr *mr, const struct ib_uverbs_reg_mr *req)
{
	struct emu_mkey *mkey = mr->mkey;

	emu_engine_pause();
	mkey->iova = req->hca_va;
	mkey->length = req->length;
	mkey->host = (uint8_t *)(uintptr_t)req->start;
	mkey->access = 0;
	if (req->access_flags & IB_UVERBS_ACCESS_LOCAL_WRITE)
		mkey->access = EMU_ACCESS_LOCAL_WRITE;
	mkey->pdn = emu_pdn(mr->pd);
	mkey->live = true;
	emu_engine_resume();
}

static int mr_new(struct emu_call *call, const struct ib_uverbs_reg_mr *req,
		  struct emu_object **obj)
{
	struct emu_mr *mr = calloc(1, sizeof(*mr));
	int ret = -ENOMEM;

	if (!mr)
		return ret;
	mr->dev = call->ctx->dev;
	mr->pd = emu_object_find(call->ctx, EMU_TYPE_PD, req->pd_handle);
	ret = -EINVAL;
	if (!mr->pd)
		goto err_free;
	ret = emu_pin(&mr->pin, req->start, req->length,
		      req->access_flags & IB_UVERBS_ACCESS_LOCAL_WRITE);
	if (ret)
		goto err_free;
	ret = -ENOMEM;
	mr->mkey = emu_mkey_take(mr->dev);
	if (!mr->mkey)
		goto err_unpin;
	*obj = emu_object_new(call->ctx, EMU_TYPE_MR, mr, mr_destroy);
	if (!*obj)
		goto err_unpin;
	emu_object_get(mr->pd);
	mkey_fill(mr, req);
	return 0;

err_unpin:
	emu_unpin(&mr->pin);
err_free:
	free(mr);
	return ret;
}

static int reg_mr(struct emu_call *call)
{
	uint64_t offset = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
	struct ib_uverbs_reg_mr_resp resp = {0};
	struct ib_uverbs_reg_mr req;
	struct emu_object *obj;
	int ret;

	emu_write_in(call, &req, sizeof(req));
	if ((req.start & offset) != (req.hca_va & offset))
		return -EINVAL;
	ret = check_access(req.access_flags);
	if (!ret)
		ret = mr_new(call, &req, &obj);
	if (ret)
		return ret;
	resp.mr_handle = obj->handle;
	resp.lkey = resp.rkey = ((struct emu_mr *)obj->impl)->mkey->key;
	emu_write_out(call, &resp, sizeof(resp));
	return 0;
}

static int dereg_mr(struct emu_call *call)
{
	struct emu_object *obj = NULL;
	int ret = emu_attr_object(call, UVERBS_ATTR_DESTROY_MR_HANDLE, EMU_TYPE_MR, &obj);

	return ret ? ret : emu_object_destroy(obj);
}

/* What a kernel answers whose device memory cannot be reached that way. */
static int refuse(struct emu_call *call)
{
	(void)call;
	return -EOPNOTSUPP;
}

/* ---- tables --------------------------------------------------------------------------------- */

/* Linux 5.12; older headers lack it. */
#define METHOD_REG_DMABUF_MR 4

static const struct emu_attr_spec pd_specs[] = {
	{UVERBS_ATTR_DESTROY_PD_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
};

static const struct emu_attr_spec mr_specs[] = {
	{UVERBS_ATTR_DESTROY_MR_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0},
};

static const struct emu_attr_spec dmabuf_specs[] = {
	{0, EMU_ATTR_NEW, EMU_MUST, 0, 0},    /* HANDLE */
	{1, EMU_ATTR_OBJECT, EMU_MUST, 0, 0}, /* PD_HANDLE */
	{2, EMU_ATTR_IN, EMU_MUST, 8, 8},     /* OFFSET */
	{3, EMU_ATTR_IN, EMU_MUST, 8, 8},     /* LENGTH */
	{4, EMU_ATTR_IN, EMU_MUST, 8, 8},     /* IOVA */
	{5, EMU_ATTR_IN, EMU_MUST, 4, 4},     /* FD */
	{6, EMU_ATTR_IN, EMU_MUST, 4, 4},     /* ACCESS_FLAGS */
	{7, EMU_ATTR_OUT, EMU_MUST, 4, 4},    /* RESP_LKEY */
	{8, EMU_ATTR_OUT, EMU_MUST, 4, 4},    /* RESP_RKEY */
};

static const struct emu_method methods[] = {
	{UVERBS_OBJECT_PD, UVERBS_METHOD_PD_DESTROY, false, dealloc_pd, EMU_SPECS(pd_specs)},
	{UVERBS_OBJECT_MR, UVERBS_METHOD_MR_DESTROY, false, dereg_mr, EMU_SPECS(mr_specs)},
	{UVERBS_OBJECT_MR, METHOD_REG_DMABUF_MR, false, refuse, EMU_SPECS(dmabuf_specs)},
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
