/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "byteorder.h"
#include "error.h"
#include "flow_counter.h"

enum {
	CMD_ALLOC_FLOW_COUNTER = 0x939, /* MLX5_CMD_OP_ALLOC_FLOW_COUNTER */
	CMD_QUERY_FLOW_COUNTER = 0x93b, /* MLX5_CMD_OP_QUERY_FLOW_COUNTER */
	ALLOC_SIZE = 16,		/* bytes of both its input and its output */
	ALLOC_ID = 8,			/* alloc_flow_counter_out.flow_counter_id */
	QUERY_IN = 32,
	QUERY_ID = 28,	/* query_flow_counter_in.flow_counter_id */
	QUERY_OUT = 32, /* a head of 16 bytes, then one traffic_counter: packets, octets */
	QUERY_PACKETS = 16,
	QUERY_OCTETS = 24,
};

/* Where both stand in what is read. */
enum { AT_PACKETS, AT_BYTES, N_VALUES };

static int attach(struct ibv_counters *counters)
{
	struct ibv_counter_attach_attr packets = {.counter_desc = IBV_COUNTER_PACKETS,
						  .index = AT_PACKETS};
	struct ibv_counter_attach_attr bytes = {.counter_desc = IBV_COUNTER_BYTES,
						.index = AT_BYTES};
	int err = ibv_attach_counters_point_flow(counters, &packets, NULL);

	return err ? err : ibv_attach_counters_point_flow(counters, &bytes, NULL);
}

static int create_by_verbs(struct dq_flow_counter *out, struct dq_device *dev, const char *where)
{
	struct ibv_counters_init_attr attr = {0};
	int err;

	errno = 0;
	out->verbs = ibv_create_counters(dev->ctx, &attr);
	err = out->verbs ? attach(out->verbs) : errno ? errno : EIO;
	if (!err)
		return 0;
	dq_flow_counter_destroy(out, dev);
	return dq_error(err,
			"%s count=on: %s has no counters, neither of DevX, which its context was "
			"not granted, nor of verbs: %s: leave count out, or run with the right to "
			"DevX",
			where, dev->info.rdma, strerror(err));
}

int dq_flow_counter_create(struct dq_flow_counter *out, struct dq_device *dev, const char *where)
{
	uint8_t in[ALLOC_SIZE] = {0}, answer[ALLOC_SIZE] = {0};
	__be32 id;
	int err;

	dq_put_be32(in, (uint32_t)CMD_ALLOC_FLOW_COUNTER << 16);
	errno = 0;
	out->obj = mlx5dv_devx_obj_create(dev->ctx, in, sizeof(in), answer, sizeof(answer));
	if (out->obj) {
		memcpy(&id, answer + ALLOC_ID, sizeof(id));
		out->id = dq_from_be32(id);
		return 0;
	}
	err = errno ? errno : EIO;
	/* The first byte of the answer is the firmware's status, where it was asked at all. */
	if (!answer[0] && (err == EOPNOTSUPP || err == EPERM || err == EACCES || err == EINVAL))
		return create_by_verbs(out, dev, where);
	return dq_error(err, "%s count=on: %s gives no counter: %s (firmware status 0x%02x)", where,
			dev->info.rdma, strerror(err), answer[0]);
}

void dq_flow_counter_destroy(struct dq_flow_counter *counter, struct dq_device *dev)
{
	if (counter->obj)
		dq_device_destroyed(dev, "a flow counter", mlx5dv_devx_obj_destroy(counter->obj));
	if (counter->verbs)
		dq_device_destroyed(dev, "counters of a flow",
				    ibv_destroy_counters(counter->verbs));
	*counter = (struct dq_flow_counter){0};
}

static int read_by_verbs(struct ibv_counters *counters, struct dq_flow_count *out)
{
	uint64_t values[N_VALUES] = {0};
	int ret;

	errno = 0;
	ret = ibv_read_counters(counters, values, N_VALUES, 0);
	if (ret)
		return ret > 0 ? -ret : errno ? -errno : -EIO;
	*out = (struct dq_flow_count){values[AT_PACKETS], values[AT_BYTES]};
	return 0;
}

int dq_flow_counter_read(const struct dq_flow_counter *counter, struct dq_flow_count *out)
{
	uint8_t in[QUERY_IN] = {0}, answer[QUERY_OUT] = {0};
	__be64 packets, bytes;
	int ret;

	if (counter->verbs)
		return read_by_verbs(counter->verbs, out);
	dq_put_be32(in, (uint32_t)CMD_QUERY_FLOW_COUNTER << 16);
	dq_put_be32(in + QUERY_ID, counter->id);
	ret = mlx5dv_devx_obj_query(counter->obj, in, sizeof(in), answer, sizeof(answer));
	if (ret)
		return ret < 0 ? ret : -ret;
	memcpy(&packets, answer + QUERY_PACKETS, sizeof(packets));
	memcpy(&bytes, answer + QUERY_OCTETS, sizeof(bytes));
	*out = (struct dq_flow_count){dq_from_be64(packets), dq_from_be64(bytes)};
	return 0;
}
