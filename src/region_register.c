/* SPDX-License-Identifier: Apache-2.0 */
/* Making a region known to a device, and why that fails. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "error.h"
#include "region.h"
#include "relaxed.h"

/* ---- why not --------------------------------------------------------------------------------- */

/* ENOMEM and EAGAIN mean, nearly always, the limit on locked memory. */
static int explain_pages(const struct daqiri_region *region, const struct dq_device *dev, int err)
{
	struct rlimit limit = {0};

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (err == EPERM && !limit.rlim_cur)
		err = ENOMEM; /* the kernel's answer where nothing at all may be locked */
	if ((err == ENOMEM || err == EAGAIN) && limit.rlim_cur != RLIM_INFINITY)
		return dq_error(err,
				"%s: %llu bytes cannot be registered with %s: %s; RLIMIT_MEMLOCK "
				"allows %llu bytes in all: ulimit -l unlimited, or "
				"LimitMEMLOCK=infinity in its systemd unit",
				region->conf->where, (unsigned long long)region->mem.length,
				dev->info.rdma, strerror(err), (unsigned long long)limit.rlim_cur);
	if (err == EFAULT)
		return dq_error(err,
				"%s: %llu bytes at %p cannot be registered with %s: there is no "
				"memory, or none that may be written, in all of that range",
				region->conf->where, (unsigned long long)region->mem.length,
				region->mem.addr, dev->info.rdma);
	return dq_error(err, "%s: %llu bytes cannot be registered with %s: %s", region->conf->where,
			(unsigned long long)region->mem.length, dev->info.rdma, strerror(err));
}

static int explain_peermem(const struct daqiri_region *region, const struct dq_device *dev, int err)
{
	const char *lack = dq_peermem_lack();

	return dq_error(err,
			"%s: %llu bytes of GPU %d, %s, cannot be registered with %s by peermem: "
			"%s%s; its BAR1 has %llu bytes",
			region->conf->where, (unsigned long long)region->mem.length,
			region->gpu->ordinal, region->gpu->name, dev->info.rdma, strerror(err),
			err == EFAULT ? lack ? "; nvidia_peermem is not loaded any more"
					     : "; nvidia_peermem does not know the address"
				      : "",
			(unsigned long long)region->gpu->bar1);
}

static const char *dmabuf_cure(int err)
{
	switch (err) {
	case EOPNOTSUPP:
	case ENOTTY:
	case EPROTONOSUPPORT:
		return ": the kernel cannot: it takes Linux 5.12 and on-demand paging "
		       "(CONFIG_INFINIBAND_ON_DEMAND_PAGING)";
	case EINVAL:
		return ": the range does not lie in the dma-buf, or not alike below the page size";
	case EBADF:
		return ": the descriptor is closed, or no dma-buf";
	default:
		return "";
	}
}

static int explain_dmabuf(const struct daqiri_region *region, const struct dq_device *dev, int err)
{
	char bar1[64] = "";

	if (region->gpu && region->gpu->bar1 && (err == ENOMEM || err == ENOSPC))
		snprintf(bar1, sizeof(bar1), "; the GPU's BAR1 has %llu bytes",
			 (unsigned long long)region->gpu->bar1);
	return dq_error(err,
			"%s: %llu bytes, from offset 0x%llx of a dma-buf, at address %p, cannot be "
			"registered with %s: %s%s%s",
			region->conf->where, (unsigned long long)region->mem.length,
			(unsigned long long)region->dmabuf_offset, region->mem.addr, dev->info.rdma,
			strerror(err), dmabuf_cure(err), bar1);
}

/* ---- how ------------------------------------------------------------------------------------- */

static struct ibv_mr *register_dmabuf(struct daqiri_region *region, struct dq_device *dev,
				      unsigned access)
{
#if HAVE_DECL_IBV_REG_DMABUF_MR
	/* the NIC's addresses are the packets', as with every other kind */
	return ibv_reg_dmabuf_mr(dev->pd, region->dmabuf_offset, region->mem.length,
				 (uint64_t)(uintptr_t)region->mem.addr, region->dmabuf_fd,
				 (int)access);
#else
	errno = EOPNOTSUPP;
	return NULL;
#endif
}

/* A kernel that knows no dma-bufs may have peermem all the same. */
static bool falls_back(struct daqiri_region *region, int err)
{
	if (err != EOPNOTSUPP || !region->own_fd || region->n_keys ||
	    region->conf->gpu_export != DQ_EXPORT_AUTO || dq_peermem_lack())
		return false;
	close(region->dmabuf_fd);
	region->own_fd = false;
	region->dmabuf_fd = -1;
	region->access = DQ_ACCESS_PEERMEM;
	snprintf(region->why, sizeof(region->why), "the kernel registers no dma-bufs");
	return true;
}

static struct ibv_mr *try_register(struct daqiri_region *region, struct dq_device *dev,
				   unsigned access)
{
	struct ibv_mr *mr;
	int err;

	errno = 0;
	if (region->access == DQ_ACCESS_DMABUF) {
		mr = register_dmabuf(region, dev, access);
		err = errno;
		if (mr)
			return mr;
		if (!falls_back(region, err)) {
			errno = err;
			return NULL;
		}
	}
	return ibv_reg_mr(dev->pd, region->mem.addr, region->mem.length, access);
}

static int explain(const struct daqiri_region *region, const struct dq_device *dev, int err)
{
	switch (region->access) {
	case DQ_ACCESS_DMABUF:
		return explain_dmabuf(region, dev, err);
	case DQ_ACCESS_PEERMEM:
		return explain_peermem(region, dev, err);
	default:
		return explain_pages(region, dev, err);
	}
}

static int check_limit(const struct daqiri_region *region, const struct dq_device *dev)
{
	if (!dev->caps.max_mr_size || region->mem.length <= dev->caps.max_mr_size)
		return 0;
	return dq_error(EINVAL,
			"%s: %llu bytes cannot be registered with %s, which takes at most %llu in "
			"one piece (max_mr_size): make num_bufs at most %llu, or several regions",
			region->conf->where, (unsigned long long)region->mem.length, dev->info.rdma,
			(unsigned long long)dev->caps.max_mr_size,
			(unsigned long long)(dev->caps.max_mr_size / region->stride));
}

int dq_region_register(struct daqiri_region *region, struct dq_device *dev)
{
	unsigned access = IBV_ACCESS_LOCAL_WRITE;
	int relaxed = region->conf->relaxed_ordering, ret;
	struct dq_region_key *keys;
	struct ibv_mr *mr;

	if (dq_region_mr(region, dev))
		return 0;
	ret = check_limit(region, dev);
	if (ret)
		return ret;
	keys = realloc(region->keys, (region->n_keys + 1) * sizeof(*keys));
	if (!keys)
		return dq_error(ENOMEM, "%s: out of memory", region->conf->where);
	region->keys = keys;
	region->relaxed = relaxed == DQ_AUTO ? dq_relaxed_here() : relaxed != 0;
	if (region->relaxed)
		access |= IBV_ACCESS_RELAXED_ORDERING; /* optional: old kernels ignore it */
	mr = try_register(region, dev, access);
	if (!mr)
		return explain(region, dev, errno ? errno : EIO);
	keys[region->n_keys++] = (struct dq_region_key){.dev = dev, .mr = mr};
	return 0;
}
