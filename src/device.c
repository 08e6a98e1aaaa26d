/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <infiniband/mlx5dv.h>

#include "caps.h"
#include "device.h"
#include "error.h"
#include "log.h"
#include "scan.h"

bool dq_device_is_dead(const struct dq_device *dev)
{
	return __atomic_load_n(&dev->dead, __ATOMIC_RELAXED);
}

bool dq_device_set_dead(struct dq_device *dev)
{
	return !__atomic_exchange_n(&dev->dead, true, __ATOMIC_RELAXED);
}

int dq_device_queue_error(const struct dq_device *dev, const struct daqiri_queue_error *first,
			  struct daqiri_queue_error *out)
{
	bool dead = dq_device_is_dead(dev);
	struct daqiri_queue_error now = {.text = "none: the device is gone"};
	int ret;

	if (!first && !dead)
		return 0;
	if (first)
		now = *first;
	if (dead)
		now.rebuild = DAQIRI_REBUILD_DEVICE;
	ret = dq_info_copy(out, &now, sizeof(now));
	return ret ? ret : 1;
}

void dq_device_destroyed(struct dq_device *dev, const char *what, int ret)
{
	int err = ret < 0 ? errno : ret;

	if (!ret || (err == EIO && dq_device_is_dead(dev)))
		return;
	dq_log(dev->log, DAQIRI_LOG_ERROR, "%s: %s cannot be destroyed: %s", dev->info.rdma, what,
	       strerror(err));
}

/* With DevX where the kernel grants it: only then can the firmware be asked for capabilities. */
static struct ibv_context *open_context(struct ibv_device *ibdev)
{
	struct mlx5dv_context_attr attr = {.flags = MLX5DV_CONTEXT_FLAGS_DEVX};
	struct ibv_context *ctx = mlx5dv_open_device(ibdev, &attr);

	return ctx ? ctx : ibv_open_device(ibdev);
}

/*
 * Why a device cannot be opened. libibverbs looks for the device file in more than one place and
 * tells of the last; so the file itself is asked.
 */
static int explain_file(const char *name, const char *path, int err)
{
	if (err == EACCES || err == EPERM)
		return dq_error(err,
				"%s: cannot be opened: this user may not read and write %s: run as "
				"root, or see to its group and mode (udev)",
				name, path);
	if (err == EMFILE || err == ENFILE)
		return dq_error(
			err,
			"%s: cannot be opened: %s: raise RLIMIT_NOFILE (ulimit -n), or close "
			"what is not needed",
			name, strerror(err));
	return dq_error(err,
			"%s: cannot be opened: %s: %s; is ib_uverbs loaded, and has the container "
			"/dev/infiniband?",
			name, path, strerror(err));
}

static int explain_open(struct ibv_device *ibdev, int err)
{
	const char *name = ibv_get_device_name(ibdev);
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/infiniband/%.40s", ibdev->dev_name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return explain_file(name, path, errno);
	close(fd);
	if (err == EPERM || err == ENOMEM)
		return dq_error(
			err,
			"%s: cannot be opened: %s: RLIMIT_MEMLOCK (ulimit -l) must be above "
			"0, better unlimited",
			name, strerror(err));
	return dq_error(err, "%s: cannot be opened: %s", name, strerror(err));
}

/* Reading events must never block: daqiri_event_get(). Only on a context of our own. */
static int set_nonblocking(struct dq_device *dev)
{
	int flags = fcntl(dev->ctx->async_fd, F_GETFL);

	if (flags < 0 || fcntl(dev->ctx->async_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return dq_error(errno, "%s: its event channel cannot be made non-blocking: %s",
				dev->info.rdma, strerror(errno));
	return 0;
}

int dq_device_open(struct dq_device **out, struct ibv_device *ibdev, enum daqiri_log_level log)
{
	struct dq_device *dev = calloc(1, sizeof(*dev));
	int ret;

	if (!dev)
		return dq_error(ENOMEM, "%s: out of memory", ibv_get_device_name(ibdev));
	dev->log = log;
	dev->owned = true;
	dq_seat_describe(ibdev, 1, &dev->info);
	errno = 0;
	dev->ctx = open_context(ibdev);
	if (!dev->ctx) {
		ret = explain_open(ibdev, errno ? errno : EIO);
		goto err_free;
	}
	ret = set_nonblocking(dev);
	if (ret)
		goto err_close;
	ret = dq_caps_query(dev);
	if (ret)
		goto err_close;
	dev->pd = ibv_alloc_pd(dev->ctx);
	if (!dev->pd) {
		int err = errno ? errno : EIO;

		ret = dq_error(err, "%s: no protection domain: %s", dev->info.rdma, strerror(err));
		goto err_close;
	}
	*out = dev;
	return 0;

err_close:
	ibv_close_device(dev->ctx);
err_free:
	free(dev);
	return ret;
}

int dq_device_attach(struct dq_device **out, struct ibv_context *ctx, struct ibv_pd *pd,
		     enum daqiri_log_level log)
{
	struct dq_device *dev = calloc(1, sizeof(*dev));
	int ret;

	if (!dev)
		return dq_error(ENOMEM, "%s: out of memory", ibv_get_device_name(ctx->device));
	dev->log = log;
	dev->ctx = ctx;
	dev->pd = pd;
	dq_seat_describe(ctx->device, 1, &dev->info);
	ret = dq_caps_query(dev);
	if (ret)
		free(dev);
	else
		*out = dev;
	return ret;
}

void dq_device_destroy(struct dq_device *dev)
{
	if (!dev)
		return;
	if (dev->owned) {
		dq_device_destroyed(dev, "its protection domain", ibv_dealloc_pd(dev->pd));
		dq_device_destroyed(dev, "its context", ibv_close_device(dev->ctx));
	}
	free(dev);
}
