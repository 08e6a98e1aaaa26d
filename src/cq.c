/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cq.h"
#include "error.h"
#include "mlx5_cqe.h"

int dq_ring_differs(const char *where, const char *what, const uint32_t is_wanted[2],
		    const char *culprit)
{
	return dq_error(EPROTO,
			"%s: %s is %u where %u was asked for: unset the environment variable %s",
			where, what, is_wanted[0], is_wanted[1], culprit);
}

int dq_ring_refuse_signature(const char *where, const char *variable)
{
	if (!getenv(variable))
		return 0;
	return dq_error(EPROTO,
			"%s: its ring would want signed WQEs: unset the environment variable %s",
			where, variable);
}

static int check(const struct dq_cq *cq, uint32_t entries, const char *where)
{
	if (cq->dv.cqe_size != DQ_CQE)
		return dq_ring_differs(where, "the size of a completion",
				       (uint32_t[]){cq->dv.cqe_size, DQ_CQE}, "MLX5_CQE_SIZE");
	if (cq->dv.cqe_cnt != entries)
		return dq_error(EPROTO, "%s: the completion ring has %u entries, not %u", where,
				cq->dv.cqe_cnt, entries);
	return 0;
}

int dq_cq_open_channel(struct dq_cq *cq, struct dq_device *dev, const char *where)
{
	int flags, err;

	errno = 0;
	cq->channel = ibv_create_comp_channel(dev->ctx);
	flags = cq->channel ? fcntl(cq->channel->fd, F_GETFL) : -1;
	if (flags >= 0 && !fcntl(cq->channel->fd, F_SETFL, flags | O_NONBLOCK))
		return 0;
	err = errno ? errno : EIO;
	return dq_error(err, "%s: no event channel: %s%s", where, strerror(err),
			err == EMFILE ? ": each receive queue takes a descriptor: raise the limit "
					"of open files (ulimit -n)"
				      : "");
}

int dq_cq_create(struct dq_cq *out, struct dq_device *dev, uint32_t entries, const char *where)
{
	/* libmlx5 makes room for one more than asked and rounds up to a power of two. */
	struct ibv_cq_init_attr_ex attr = {
		.cqe = entries - 1, .channel = out->channel, .wc_flags = out->wc_flags};
	struct mlx5dv_cq_init_attr dv_attr = {.comp_mask = MLX5DV_CQ_INIT_ATTR_MASK_CQE_SIZE,
					      .cqe_size = DQ_CQE};
	struct ibv_cq_ex *cq_ex;
	struct mlx5dv_obj obj;
	int ret;

	if (out->mini) {
		dv_attr.comp_mask |= MLX5DV_CQ_INIT_ATTR_MASK_COMPRESSED_CQE;
		dv_attr.cqe_comp_res_format = out->mini;
	}
	errno = 0;
	cq_ex = mlx5dv_create_cq(dev->ctx, &attr, &dv_attr);
	if (!cq_ex)
		return dq_error(errno ? errno : EIO, "%s: no completion queue of %u entries: %s",
				where, entries, strerror(errno ? errno : EIO));
	out->cq = ibv_cq_ex_to_cq(cq_ex);
	obj.cq.in = out->cq;
	obj.cq.out = &out->dv;
	out->dv.comp_mask = 0;
	ret = mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ);
	ret = ret ? dq_error(EIO, "%s: completion ring not accessible", where)
		  : check(out, entries, where);
	if (ret)
		dq_cq_destroy(out, dev);
	return ret;
}

/* A channel whose queue could not be destroyed stays; its descriptor need not. */
static void close_channel(struct ibv_comp_channel *channel, struct dq_device *dev)
{
	int fd = channel->fd, ret = ibv_destroy_comp_channel(channel);

	dq_device_destroyed(dev, "an event channel", ret);
	if (ret)
		close(fd);
}

void dq_cq_destroy(struct dq_cq *cq, struct dq_device *dev)
{
	if (cq->cq)
		dq_device_destroyed(dev, "a completion queue", ibv_destroy_cq(cq->cq));
	cq->cq = NULL;
	if (cq->channel)
		close_channel(cq->channel, dev);
	cq->channel = NULL;
}
