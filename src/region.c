/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "byteorder.h"
#include "error.h"
#include "log.h"
#include "port.h"
#include "region.h"
#include "scan.h"

/*
 * Whether relaxed-ordering writes pay: on x86 servers but for Haswell and Broadwell, whose root
 * complex is slower with them. Elsewhere (some Tegra answer with protection errors) not by itself.
 */
static bool relaxed_ordering_pays(void)
{
#if defined(__x86_64__)
	static const uint8_t slow[] = {0x3c, 0x3f, 0x45, 0x46, 0x3d, 0x47, 0x4f, 0x56};
	unsigned eax, ebx, ecx, edx, model;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
		return false;
	model = (eax >> 4 & 0xf) | (eax >> 12 & 0xf0);
	return (eax >> 8 & 0xf) != 6 || !memchr(slow, (int)model, sizeof(slow));
#else
	return false;
#endif
}

int dq_region_create(struct daqiri_region **out, const struct dq_conf_region *conf, int node,
		     enum daqiri_log_level log)
{
	struct daqiri_region *region = calloc(1, sizeof(*region));
	struct dq_memory_want want = {.where = conf->where,
				      .page_size = conf->page_size,
				      .node = conf->numa == DQ_AUTO ? node : conf->numa,
				      .log = log};
	int ret;

	if (!region)
		return dq_error(ENOMEM, "%s: out of memory", conf->where);
	region->conf = conf;
	region->stride = (conf->buf_size + conf->align - 1) & ~((uint64_t)conf->align - 1);
	want.length = region->stride * conf->num_bufs;
	ret = conf->kind == DQ_REGION_HUGE ? dq_memory_alloc_huge(&region->mem, &want)
					   : dq_memory_alloc_host(&region->mem, &want);
	if (ret) {
		free(region);
		return ret;
	}
	dq_log(log, DAQIRI_LOG_INFO,
	       "%s: %llu bytes in pages of %llu, %llu slots of %llu every %llu, NUMA node %d",
	       conf->where, (unsigned long long)region->mem.length,
	       (unsigned long long)region->mem.page_size, (unsigned long long)conf->num_bufs,
	       (unsigned long long)conf->buf_size, (unsigned long long)region->stride,
	       region->mem.node);
	*out = region;
	return 0;
}

void dq_region_destroy(struct daqiri_region *region)
{
	if (!region)
		return;
	while (region->n_keys) {
		struct dq_region_key *key = &region->keys[--region->n_keys];

		dq_device_destroyed(key->dev, "a memory registration", ibv_dereg_mr(key->mr));
	}
	free(region->keys);
	dq_memory_free(&region->mem);
	free(region);
}

/* ENOMEM and EAGAIN mean, nearly always, the limit on locked memory. */
static int explain_register(const struct daqiri_region *region, const struct dq_device *dev,
			    int err)
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
	return dq_error(err, "%s: %llu bytes cannot be registered with %s: %s", region->conf->where,
			(unsigned long long)region->mem.length, dev->info.rdma, strerror(err));
}

int dq_region_register(struct daqiri_region *region, struct dq_device *dev)
{
	unsigned access = IBV_ACCESS_LOCAL_WRITE;
	int relaxed = region->conf->relaxed_ordering;
	struct dq_region_key *keys;
	struct ibv_mr *mr;

	if (dq_region_mr(region, dev))
		return 0;
	keys = realloc(region->keys, (region->n_keys + 1) * sizeof(*keys));
	if (!keys)
		return dq_error(ENOMEM, "%s: out of memory", region->conf->where);
	region->keys = keys;
	if (relaxed == DQ_AUTO ? relaxed_ordering_pays() : relaxed)
		access |= IBV_ACCESS_RELAXED_ORDERING; /* optional: old kernels ignore it */
	errno = 0;
	mr = ibv_reg_mr(dev->pd, region->mem.addr, region->mem.length, access);
	if (!mr)
		return explain_register(region, dev, errno ? errno : EIO);
	keys[region->n_keys++] = (struct dq_region_key){.dev = dev, .mr = mr};
	return 0;
}

struct ibv_mr *dq_region_mr(const struct daqiri_region *region, const struct dq_device *dev)
{
	for (unsigned i = 0; i < region->n_keys; i++)
		if (region->keys[i].dev == dev)
			return region->keys[i].mr;
	return NULL;
}

/* ---- public --------------------------------------------------------------------------------- */

int daqiri_region_info(const struct daqiri_region *region, struct daqiri_region_info *info)
{
	struct daqiri_region_info now;

	if (!region || !info)
		return dq_error(EINVAL, "daqiri_region_info: NULL argument");
	now = (struct daqiri_region_info){.addr = dq_region_slot(region, 0),
					  .length = region->conf->num_bufs * region->stride,
					  .num_bufs = region->conf->num_bufs,
					  .buf_size = region->conf->buf_size,
					  .stride = region->stride,
					  .page_size = region->mem.page_size,
					  .numa_node = region->mem.node};
	return dq_info_copy(info, &now, sizeof(now));
}

int daqiri_region_key(const struct daqiri_region *region, const struct daqiri_port *port,
		      daqiri_key *key)
{
	struct ibv_mr *mr;

	if (!region || !port || !key)
		return dq_error(EINVAL, "daqiri_region_key: NULL argument");
	mr = dq_region_mr(region, port->dev);
	if (!mr)
		return dq_error(ENOENT,
				"%s: not registered with the device of port %s: name the port in "
				"its key ports",
				region->conf->where, port->conf->name);
	*key = daqiri_key_from_lkey(mr->lkey);
	return 0;
}

/* Kept big endian: the NIC wants it so in every WQE. */
daqiri_key daqiri_key_from_lkey(uint32_t lkey)
{
	return dq_key_of_be32(dq_to_be32(lkey));
}
