/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "error.h"
#include "scan.h"
#include "sysfs.h"

#ifndef CUDA_VERSION
struct CUuuid_st {
	char bytes[16];
};
#endif

enum { MAX_GPUS = 64 };

/* Filled once, under once. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct dq_gpu gpus[MAX_GPUS];
static int n_gpus;

/* ---- what there is --------------------------------------------------------------------------- */

static int attribute(const struct dq_cuda *cu, const struct dq_gpu *gpu, unsigned which)
{
	int value = 0;

	/* an older driver does not know it: then the GPU has it not */
	return cu->cuDeviceGetAttribute(&value, which, gpu->device) ? 0 : value;
}

/* As nvidia-smi -L writes it. */
static void read_uuid(const struct dq_cuda *cu, struct dq_gpu *gpu)
{
	struct CUuuid_st uuid;
	size_t n = 0;

	if (!cu->cuDeviceGetUuid_v2 || cu->cuDeviceGetUuid_v2(&uuid, gpu->device))
		return;
	n = (size_t)snprintf(gpu->uuid, sizeof(gpu->uuid), "GPU");
	for (int i = 0; i < 16; i++)
		n += (size_t)snprintf(gpu->uuid + n, sizeof(gpu->uuid) - n, "%s%02x",
				      i == 0 || (i >= 4 && i <= 10 && i % 2 == 0) ? "-" : "",
				      (unsigned)(unsigned char)uuid.bytes[i]);
}

static void read_place(const struct dq_cuda *cu, struct dq_gpu *gpu)
{
	char text[16];

	gpu->numa = -1;
	if (cu->cuDeviceGetPCIBusId(gpu->pci, sizeof(gpu->pci), gpu->device)) {
		gpu->pci[0] = '\0';
		return;
	}
	for (char *c = gpu->pci; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (dq_sysfs_read(text, sizeof(text), "/sys/bus/pci/devices/%s/numa_node", gpu->pci) > 0)
		gpu->numa = atoi(text);
	gpu->bar1 = dq_gpu_bar1(gpu->pci);
}

static void read_gpu(const struct dq_cuda *cu, struct dq_gpu *gpu, int ordinal)
{
	size_t bytes = 0;

	gpu->ordinal = ordinal;
	cu->cuDeviceGetName(gpu->name, sizeof(gpu->name), gpu->device);
	gpu->name[sizeof(gpu->name) - 1] = '\0';
	cu->cuDeviceTotalMem_v2(&bytes, gpu->device);
	gpu->bytes = bytes;
	gpu->integrated = attribute(cu, gpu, DQ_CU_INTEGRATED);
	gpu->dmabuf =
		attribute(cu, gpu, DQ_CU_DMA_BUF_SUPPORTED) && cu->cuMemGetHandleForAddressRange;
	gpu->ordering = attribute(cu, gpu, DQ_CU_WRITES_ORDERING);
	gpu->flush = attribute(cu, gpu, DQ_CU_FLUSH_WRITES_OPTIONS);
	read_uuid(cu, gpu);
	read_place(cu, gpu);
}

static void read_all(void)
{
	const struct dq_cuda *cu = dq_cuda();
	int n = 0;

	if (!cu || cu->cuDeviceGetCount(&n))
		return;
	for (int i = 0; i < n && n_gpus < MAX_GPUS; i++)
		if (!cu->cuDeviceGet(&gpus[n_gpus].device, i))
			read_gpu(cu, &gpus[n_gpus++], i);
}

const struct dq_gpu *dq_gpu_at(int ordinal)
{
	pthread_once(&once, read_all);
	for (int i = 0; i < n_gpus; i++)
		if (gpus[i].ordinal == ordinal)
			return &gpus[i];
	return NULL;
}

/* ---- the one that is meant ------------------------------------------------------------------- */

/* "17:00.0" stands for "0000:17:00.0"; a UUID may stand without "GPU-". */
static bool is_named(const struct dq_gpu *gpu, const char *name)
{
	char index[16];

	snprintf(index, sizeof(index), "%d", gpu->ordinal);
	if (!strcmp(name, index))
		return true;
	if (gpu->pci[0] && (!strcasecmp(name, gpu->pci) ||
			    (!strncmp(gpu->pci, "0000:", 5) && !strcasecmp(name, gpu->pci + 5))))
		return true;
	return gpu->uuid[0] && (!strcasecmp(name, gpu->uuid) || !strcasecmp(name, gpu->uuid + 4));
}

/* Higher is better. */
static int score(const struct dq_gpu *gpu, const struct dq_gpu_want *want)
{
	return 2 * !(want->discrete && gpu->integrated) +
	       (want->node >= 0 && gpu->numa == want->node);
}

static const struct dq_gpu *choose(const struct dq_gpu_want *want)
{
	const struct dq_gpu *best = NULL;

	for (int i = 0; i < n_gpus; i++) {
		if (want->affinity ? is_named(&gpus[i], want->affinity)
				   : !best || score(&gpus[i], want) > score(best, want))
			best = &gpus[i];
	}
	return best;
}

static int refuse(const struct dq_gpu_want *want)
{
	char list[1024] = "";
	size_t n = 0;

	for (int i = 0; i < n_gpus && n < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%d = %s (%s, %s)",
				      i ? ", " : "", gpus[i].ordinal, gpus[i].name, gpus[i].pci,
				      gpus[i].uuid);
	if (!n_gpus)
		return dq_error(ENODEV,
				"%s: the CUDA driver has no GPU: see nvidia-smi, and "
				"CUDA_VISIBLE_DEVICES",
				want->where);
	return dq_error(ENODEV, "%s affinity=%s: no such GPU; there are: %s", want->where,
			want->affinity, list);
}

int dq_gpu_find(const struct dq_gpu **out, const struct dq_gpu_want *want)
{
	const struct dq_gpu *gpu;

	pthread_once(&once, read_all);
	if (!dq_cuda())
		return dq_error(ENODEV, "%s: needs a GPU: %s; without one use kind = host or huge",
				want->where, dq_cuda_lack());
	gpu = choose(want);
	if (!gpu)
		return refuse(want);
	*out = gpu;
	return 0;
}

/* ---- public ---------------------------------------------------------------------------------- */

int daqiri_gpu_info(const char *affinity, struct daqiri_gpu_info *info)
{
	struct dq_gpu_want want = {.where = "daqiri_gpu_info", .affinity = affinity, .node = -1};
	const struct dq_gpu *gpu = NULL;
	struct daqiri_gpu_info now;
	int ret;

	if (!affinity || !info)
		return dq_error(EINVAL, "daqiri_gpu_info: NULL argument");
	if (!strcmp(affinity, "auto"))
		want.affinity = NULL;
	ret = dq_gpu_find(&gpu, &want);
	if (ret || !gpu)
		return ret;
	now = (struct daqiri_gpu_info){.index = gpu->ordinal,
				       .numa_node = gpu->numa,
				       .integrated = gpu->integrated,
				       .dmabuf = gpu->dmabuf,
				       .peermem = !gpu->integrated && !dq_peermem_lack(),
				       .memory = gpu->bytes,
				       .bar1 = gpu->bar1};
	memcpy(now.name, gpu->name, sizeof(now.name));
	memcpy(now.pci, gpu->pci, sizeof(now.pci));
	memcpy(now.uuid, gpu->uuid, sizeof(now.uuid));
	return dq_info_copy(info, &now, sizeof(now));
}
