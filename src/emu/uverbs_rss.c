/* SPDX-License-Identifier: Apache-2.0 */
/* Hash queue pairs: an indirection table and what is hashed. Live at once, never modified. */
#include "uverbs_qp.h"
#include "uverbs_wq.h"

#include <errno.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/mlx5-abi.h>
#include <stdlib.h>
#include <string.h>

#define EMU_RX_HASH_INNER (1u << 31) /* MLX5_RX_HASH_INNER, whose type depends on the compiler */
#define ANY_IPV4 (MLX5_RX_HASH_SRC_IPV4 | MLX5_RX_HASH_DST_IPV4)
#define ANY_IPV6 (MLX5_RX_HASH_SRC_IPV6 | MLX5_RX_HASH_DST_IPV6)
#define ANY_TCP  (MLX5_RX_HASH_SRC_PORT_TCP | MLX5_RX_HASH_DST_PORT_TCP)
#define ANY_UDP  (MLX5_RX_HASH_SRC_PORT_UDP | MLX5_RX_HASH_DST_PORT_UDP)

/* mlx5_ib: one class of addresses and one of ports; no field at all needs a table of one. */
static int check_fields(uint64_t fields, uint32_t table_size)
{
	/* IPsec: this card has none */
	if (fields & ~(uint64_t)(ANY_IPV4 | ANY_IPV6 | ANY_TCP | ANY_UDP | EMU_RX_HASH_INNER))
		return -EOPNOTSUPP;
	fields &= ~(uint64_t)EMU_RX_HASH_INNER;
	if (!fields)
		return table_size == 1 ? 0 : -EINVAL;
	if ((fields & ANY_IPV4) && (fields & ANY_IPV6))
		return -EINVAL;
	return (fields & ANY_TCP) && (fields & ANY_UDP) ? -EINVAL : 0;
}

static int check_provider(const struct emu_call *call, const struct mlx5_ib_create_qp_rss *req,
			  uint32_t table_size)
{
	const uint32_t known =
		MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_UC | MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_MC |
		MLX5_QP_FLAG_TUNNEL_OFFLOADS;

	if (call->uhw_in_len < sizeof(*req) || call->uhw_out_len < sizeof(uint32_t))
		return -EINVAL;
	if (req->comp_mask || (req->flags & ~known))
		return -EOPNOTSUPP;
	/* create_rss_raw_qp_tir: inner headers only with tunnel offloads */
	if ((req->rx_hash_fields_mask & EMU_RX_HASH_INNER) &&
	    !(req->flags & MLX5_QP_FLAG_TUNNEL_OFFLOADS))
		return -EOPNOTSUPP;
	if (req->rx_hash_function != MLX5_RX_HASH_FUNC_TOEPLITZ)
		return -EOPNOTSUPP;
	if (req->rx_key_len != EMU_RSS_KEY)
		return -EINVAL;
	return check_fields(req->rx_hash_fields_mask, table_size);
}

static int check_attrs(const struct emu_call *call)
{
	struct ib_uverbs_qp_cap cap;

	emu_attr_copy(call, UVERBS_ATTR_CREATE_QP_CAP, &cap, sizeof(cap));
	if (cap.max_recv_wr || cap.max_recv_sge || cap.max_send_wr)
		return -EINVAL;
	if (emu_attr(call, UVERBS_ATTR_CREATE_QP_RECV_CQ_HANDLE) ||
	    emu_attr(call, UVERBS_ATTR_CREATE_QP_SEND_CQ_HANDLE))
		return -EINVAL;
	return emu_attr_value(call, UVERBS_ATTR_CREATE_QP_FLAGS) ? -EINVAL : 0;
}

static int fill_tir(struct emu_call *call, const struct mlx5_ib_create_qp_rss *req,
		    struct emu_qp_object *o)
{
	const struct emu_ind_table *table = o->qp.ind_table->impl;
	struct emu_tir *tir = &o->tir;

	tir->rqs = calloc(table->n, sizeof(struct emu_rq *));
	if (!tir->rqs)
		return -ENOMEM;
	for (uint32_t i = 0; i < table->n; i++)
		tir->rqs[i] = emu_wq_rq(table->wqs[i]);
	tir->n_rqs = table->n;
	tir->dev = o->qp.dev;
	tir->ctx = call->ctx;
	tir->qpn = emu_number(o->qp.dev);
	tir->hash_fields = req->rx_hash_fields_mask & ~(uint64_t)EMU_RX_HASH_INNER;
	tir->tunnel = req->flags & MLX5_QP_FLAG_TUNNEL_OFFLOADS;
	tir->inner = req->rx_hash_fields_mask & EMU_RX_HASH_INNER;
	memcpy(tir->key, req->rx_hash_key, EMU_RSS_KEY);
	tir->self_loopback_uc = req->flags & MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_UC;
	tir->self_loopback_mc = req->flags & MLX5_QP_FLAG_TIR_ALLOW_SELF_LB_MC;
	o->qp.tir = tir;
	return 0;
}

static int rss_new(struct emu_call *call, const struct mlx5_ib_create_qp_rss *req,
		   struct emu_object *table, struct emu_object **obj)
{
	struct emu_qp_object *o = calloc(1, sizeof(*o));
	int ret = -ENOMEM;

	if (!o)
		return ret;
	ret = emu_attr_object(call, UVERBS_ATTR_CREATE_QP_PD_HANDLE, EMU_TYPE_PD, &o->qp.pd);
	o->qp.dev = call->ctx->dev;
	o->qp.rss = true;
	o->qp.ind_table = table;
	o->qp.qpn = 0; /* mlx5_ib gives hash QPs no number */
	if (!ret)
		ret = fill_tir(call, req, o);
	if (ret) {
		free(o);
		return ret;
	}
	return emu_qp_finish(call, o, obj);
}

int emu_rss_create(struct emu_call *call, struct emu_object **obj)
{
	struct mlx5_ib_create_qp_resp provider = { 0 };
	struct mlx5_ib_create_qp_rss req;
	struct emu_object *table = NULL;
	int ret = emu_attr_object(call, UVERBS_ATTR_CREATE_QP_IND_TABLE_HANDLE, EMU_TYPE_IND_TABLE,
				  &table);

	if (!ret)
		ret = emu_uhw_in(call, &req, sizeof(req));
	if (!ret)
		ret = check_attrs(call);
	if (!ret)
		ret = check_provider(call, &req, ((struct emu_ind_table *)table->impl)->n);
	if (!ret)
		ret = rss_new(call, &req, table, obj);
	if (ret)
		return ret;
	if (call->ctx->devx) {
		provider.comp_mask = MLX5_IB_CREATE_QP_RESP_MASK_TIRN;
		provider.tirn = ((struct emu_qp *)(*obj)->impl)->tir->qpn;
	}
	emu_uhw_out(call, &provider, sizeof(provider));
	return 0;
}
