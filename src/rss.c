/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "error.h"
#include "log.h"
#include "rss.h"

/*
 * The Toeplitz key that Microsoft's "RSS hashing verification" examples use, and nearly every
 * driver as its default: hashes can be compared with theirs.
 */
static const uint8_t default_key[DQ_RSS_KEY_BYTES] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

/* Entries that spread n queues evenly enough when n is no power of two: within 1/16 or so. */
enum { UNEVEN_FACTOR = 16 };

/* The table's size is a power of two: n, or for other n several times that, the list repeated. */
static unsigned choose_log_size(const struct dq_rss_want *want)
{
	unsigned n = want->n_wqs, log_size = 0;
	unsigned target = n & (n - 1) ? n * UNEVEN_FACTOR : n;

	while (1u << log_size < target)
		log_size++;
	while (log_size && 1u << log_size > want->dev->caps.max_ind_table)
		log_size--;
	return log_size;
}

static void report_imbalance(const struct dq_rss_want *want, unsigned size)
{
	unsigned extra = size % want->n_wqs;

	if (extra)
		dq_log(want->dev->log, DAQIRI_LOG_INFO,
		       "%s: %u queues share a table of %u entries: the first %u get %u of them, "
		       "the "
		       "others %u",
		       want->where, want->n_wqs, size, extra, size / want->n_wqs + 1,
		       size / want->n_wqs);
}

int dq_rss_table_create(struct dq_rss_table *out, const struct dq_rss_want *want)
{
	struct ibv_rwq_ind_table_init_attr attr = {.log_ind_tbl_size = choose_log_size(want)};
	unsigned size = 1u << attr.log_ind_tbl_size;
	int ret = 0;

	if (size < want->n_wqs)
		return dq_error(EINVAL, "%s: %u queues; the indirection table of %s has %u entries",
				want->where, want->n_wqs, want->dev->info.rdma,
				want->dev->caps.max_ind_table);
	attr.ind_tbl = calloc(size, sizeof(*attr.ind_tbl));
	if (!attr.ind_tbl)
		return dq_error(ENOMEM, "%s: out of memory", want->where);
	for (unsigned i = 0; i < size; i++)
		/* n_wqs > 0: NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
		attr.ind_tbl[i] = want->wqs[i % want->n_wqs];
	report_imbalance(want, size);
	errno = 0;
	out->table = ibv_create_rwq_ind_table(want->dev->ctx, &attr);
	out->n_wqs = want->n_wqs;
	if (!out->table)
		ret = dq_error(errno ? errno : EIO, "%s: no indirection table of %u entries: %s",
			       want->where, size, strerror(errno ? errno : EIO));
	free(attr.ind_tbl);
	return ret;
}

void dq_rss_table_destroy(struct dq_rss_table *table, struct dq_device *dev)
{
	if (table->table)
		dq_device_destroyed(dev, "an indirection table",
				    ibv_destroy_rwq_ind_table(table->table));
	table->table = NULL;
}

/* enum mlx5dv_qp_create_flags */
static uint32_t create_flags(const struct dq_rss_want *want, uint64_t fields)
{
	uint32_t flags = 0;

	if (want->loopback)
		flags |= MLX5DV_QP_CREATE_TIR_ALLOW_SELF_LOOPBACK_UC |
			 MLX5DV_QP_CREATE_TIR_ALLOW_SELF_LOOPBACK_MC;
	if (fields & IBV_RX_HASH_INNER)
		flags |= MLX5DV_QP_CREATE_TUNNEL_OFFLOADS;
	return flags;
}

int dq_rss_qp_create(struct ibv_qp **out, const struct dq_rss_table *table, uint64_t fields,
		     const struct dq_rss_want *want)
{
	uint8_t key[DQ_RSS_KEY_BYTES];
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_RAW_PACKET,
		.comp_mask =
			IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_RX_HASH | IBV_QP_INIT_ATTR_IND_TABLE,
		.pd = want->dev->pd,
		.rwq_ind_tbl = table->table,
		.rx_hash_conf = {.rx_hash_function = IBV_RX_HASH_FUNC_TOEPLITZ,
				 .rx_hash_key_len = sizeof(key),
				 .rx_hash_key = key,
				 .rx_hash_fields_mask = fields},
	};
	struct mlx5dv_qp_init_attr dv = {
		.comp_mask = MLX5DV_QP_INIT_ATTR_MASK_QP_CREATE_FLAGS,
		.create_flags = create_flags(want, fields),
	};
	int err;

	memcpy(key, want->key ? want->key : default_key, sizeof(key));
	errno = 0;
	*out = mlx5dv_create_qp(want->dev->ctx, &attr, &dv);
	if (*out)
		return 0;
	err = errno ? errno : EIO;
	if (err == EPERM)
		return dq_error(err,
				"%s: receiving raw packets needs CAP_NET_RAW: run as root, with "
				"setpriv --ambient-caps +net_raw, or with AmbientCapabilities="
				"CAP_NET_RAW in its systemd unit",
				want->where);
	if (err == EOPNOTSUPP && fields & IBV_RX_HASH_INNER)
		return dq_error(err,
				"%s: rss_level = inner: %s hashes no headers within tunnels: use "
				"outer",
				want->where, want->dev->info.rdma);
	return dq_error(err, "%s: no receive hash QP over %u queues: %s", want->where, table->n_wqs,
			strerror(err));
}
