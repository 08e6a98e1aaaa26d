/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the verbs libraries and of libnuma, as the library calls them. */
#include <errno.h>
#include <numa.h>
#include <numaif.h>

#include <infiniband/mlx5dv.h>

#include "faults.h"

/* ---- functions of the libraries: by the linker ----------------------------------------------- */

#define WRAP_NEW(type, name, params, args) FAULT_WRAP(FAULT_VERBS, type *, name, params, args, NULL)
#define WRAP_ERRNO(name, params, args)	   FAULT_WRAP(FAULT_VERBS, int, name, params, args, errno)

WRAP_NEW(struct ibv_device *, ibv_get_device_list, (int *n), (n))
WRAP_NEW(struct ibv_pd, ibv_alloc_pd, (struct ibv_context * ctx), (ctx))
WRAP_NEW(struct ibv_mr, ibv_reg_mr_iova2,
	 (struct ibv_pd * pd, void *addr, size_t len, uint64_t iova, unsigned access),
	 (pd, addr, len, iova, access))
WRAP_NEW(struct ibv_cq_ex, mlx5dv_create_cq,
	 (struct ibv_context * ctx, struct ibv_cq_init_attr_ex *attr,
	  struct mlx5dv_cq_init_attr *dv),
	 (ctx, attr, dv))
WRAP_NEW(struct mlx5dv_flow_matcher, mlx5dv_create_flow_matcher,
	 (struct ibv_context * ctx, struct mlx5dv_flow_matcher_attr *attr), (ctx, attr))
WRAP_NEW(struct ibv_flow, mlx5dv_create_flow,
	 (struct mlx5dv_flow_matcher * matcher, struct mlx5dv_flow_match_parameters *value,
	  size_t n, struct mlx5dv_flow_action_attr *actions),
	 (matcher, value, n, actions))
WRAP_NEW(struct mlx5dv_devx_obj, mlx5dv_devx_obj_create,
	 (struct ibv_context * ctx, const void *in, size_t in_len, void *out, size_t out_len),
	 (ctx, in, in_len, out, out_len))
WRAP_ERRNO(ibv_query_device, (struct ibv_context * ctx, struct ibv_device_attr *attr), (ctx, attr))
WRAP_ERRNO(ibv_query_port,
	   (struct ibv_context * ctx, uint8_t port, struct _compat_ibv_port_attr *attr),
	   (ctx, port, attr))
WRAP_ERRNO(ibv_modify_qp, (struct ibv_qp * qp, struct ibv_qp_attr *attr, int mask),
	   (qp, attr, mask))
WRAP_ERRNO(mlx5dv_query_device, (struct ibv_context * ctx, struct mlx5dv_context *attr),
	   (ctx, attr))
WRAP_ERRNO(mlx5dv_init_obj, (struct mlx5dv_obj * obj, uint64_t type), (obj, type))
WRAP_ERRNO(mlx5dv_devx_general_cmd,
	   (struct ibv_context * ctx, const void *in, size_t inlen, void *out, size_t outlen),
	   (ctx, in, inlen, out, outlen))
FAULT_WRAP(FAULT_VERBS, int, ibv_get_async_event,
	   (struct ibv_context * ctx, struct ibv_async_event *ev), (ctx, ev), -1)
FAULT_WRAP(FAULT_VERBS, int, numa_available, (void), (), -1)
FAULT_WRAP(FAULT_VERBS, long, mbind,
	   (void *addr, unsigned long len, int mode, const unsigned long *mask, unsigned long max,
	    unsigned flags),
	   (addr, len, mode, mask, max, flags), -1)
FAULT_WRAP(FAULT_VERBS, long, set_mempolicy,
	   (int mode, const unsigned long *mask, unsigned long max), (mode, mask, max), -1)
FAULT_WRAP(FAULT_VERBS, long, get_mempolicy,
	   (int *mode, unsigned long *mask, unsigned long max, void *addr, unsigned flags),
	   (mode, mask, max, addr, flags), -1)
FAULT_WRAP(FAULT_VERBS, int, mincore, (void *addr, size_t len, unsigned char *vec),
	   (addr, len, vec), -1)

/* ---- functions of the device: in each context ------------------------------------------------ */

/* As libmlx5 has them, for all contexts. */
static struct verbs_context device;

#define OP_NEW(type, name, params, args)                                                           \
	static type *fail_##name params                                                            \
	{                                                                                          \
		return fault_fails(FAULT_VERBS, "ibv_" #name) ? NULL : device.name args;           \
	}
#define OP_ERRNO(name, params, args)                                                               \
	static int fail_##name params                                                              \
	{                                                                                          \
		return fault_fails(FAULT_VERBS, "ibv_" #name) ? errno : device.name args;          \
	}

OP_NEW(struct ibv_td, alloc_td, (struct ibv_context * ctx, struct ibv_td_init_attr *attr),
       (ctx, attr))
OP_NEW(struct ibv_pd, alloc_parent_domain,
       (struct ibv_context * ctx, struct ibv_parent_domain_init_attr *attr), (ctx, attr))
OP_NEW(struct ibv_wq, create_wq, (struct ibv_context * ctx, struct ibv_wq_init_attr *attr),
       (ctx, attr))
OP_NEW(struct ibv_rwq_ind_table, create_rwq_ind_table,
       (struct ibv_context * ctx, struct ibv_rwq_ind_table_init_attr *attr), (ctx, attr))
OP_NEW(struct ibv_qp, create_qp_ex, (struct ibv_context * ctx, struct ibv_qp_init_attr_ex *attr),
       (ctx, attr))
OP_ERRNO(modify_wq, (struct ibv_wq * wq, struct ibv_wq_attr *attr), (wq, attr))
OP_ERRNO(query_device_ex,
	 (struct ibv_context * ctx, const struct ibv_query_device_ex_input *in,
	  struct ibv_device_attr_ex *attr, size_t size),
	 (ctx, in, attr, size))

static struct ibv_context *hook(struct ibv_context *ctx)
{
	struct verbs_context *verbs = ctx ? verbs_get_ctx(ctx) : NULL;

	if (!verbs)
		return ctx;
	if (!device.create_wq)
		device = *verbs;
	verbs->alloc_td = fail_alloc_td;
	verbs->alloc_parent_domain = fail_alloc_parent_domain;
	verbs->create_wq = fail_create_wq;
	verbs->create_rwq_ind_table = fail_create_rwq_ind_table;
	verbs->create_qp_ex = fail_create_qp_ex;
	verbs->modify_wq = fail_modify_wq;
	verbs->query_device_ex = fail_query_device_ex;
	return ctx;
}

struct ibv_context *__real_ibv_open_device(struct ibv_device *dev);
struct ibv_context *__wrap_ibv_open_device(struct ibv_device *dev);
struct ibv_context *__wrap_ibv_open_device(struct ibv_device *dev)
{
	if (fault_fails(FAULT_VERBS, "ibv_open_device"))
		return NULL;
	return hook(__real_ibv_open_device(dev));
}

struct ibv_context *__real_mlx5dv_open_device(struct ibv_device *dev,
					      struct mlx5dv_context_attr *attr);
struct ibv_context *__wrap_mlx5dv_open_device(struct ibv_device *dev,
					      struct mlx5dv_context_attr *attr);
struct ibv_context *__wrap_mlx5dv_open_device(struct ibv_device *dev,
					      struct mlx5dv_context_attr *attr)
{
	if (fault_fails(FAULT_VERBS, "mlx5dv_open_device"))
		return NULL;
	return hook(__real_mlx5dv_open_device(dev, attr));
}
