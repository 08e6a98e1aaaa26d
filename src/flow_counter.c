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
		return dq_error(EOPNOTSUPP,
				"%s count=on: the counters of %s need DevX, which its context was "
				"not granted: leave count out, or run with the right to it",
				where, dev->info.rdma);
	return dq_error(err, "%s count=on: %s gives no counter: %s (firmware status 0x%02x)", where,
			dev->info.rdma, strerror(err), answer[0]);
}

void dq_flow_counter_destroy(struct dq_flow_counter *counter, struct dq_device *dev)
{
	if (counter->obj)
		dq_device_destroyed(dev, "a flow counter", mlx5dv_devx_obj_destroy(counter->obj));
	counter->obj = NULL;
}

int dq_flow_counter_read(const struct dq_flow_counter *counter, struct dq_flow_count *out)
{
	uint8_t in[QUERY_IN] = {0}, answer[QUERY_OUT] = {0};
	__be64 packets, bytes;
	int ret;

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
