/* SPDX-License-Identifier: Apache-2.0 */
/* How a NIC comes to a GPU's memory: by a dma-buf, or by a kernel module that knows its addresses.
 */
#include <config.h>

#include "gpu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <infiniband/verbs.h>

#include "error.h"

/* ---- peermem --------------------------------------------------------------------------------- */

bool dq_peermem_possible(const char *kallsyms)
{
	FILE *f = fopen(kallsyms, "re");
	char line[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, " ib_register_peer_memory_client") != NULL;
	if (f)
		fclose(f);
	return found;
}

const char *dq_peermem_lack(void)
{
	if (!access("/sys/module/nvidia_peermem", F_OK) || !access("/sys/module/nv_peer_mem", F_OK))
		return NULL;
	if (dq_peermem_possible("/proc/kallsyms"))
		return "nvidia_peermem is not loaded (modprobe nvidia_peermem)";
	return "nvidia_peermem cannot be loaded: this kernel's ib_core has no peer-memory "
	       "interface (mainline kernels have none, those with DOCA or MLNX_OFED have)";
}

/* ---- dma-buf --------------------------------------------------------------------------------- */

#if HAVE_DECL_IBV_REG_DMABUF_MR
enum { BUILT = 1 };
#else
enum { BUILT = 0 };
#endif

static const char *dmabuf_lack(const struct dq_gpu *gpu)
{
	if (!BUILT)
		return "this libdaqiri was built with an rdma-core that has no ibv_reg_dmabuf_mr";
	if (!dq_cuda()->cuMemGetHandleForAddressRange)
		return "this CUDA driver has no cuMemGetHandleForAddressRange (CUDA 11.7)";
	if (!gpu->dmabuf)
		return "the GPU does not report CU_DEVICE_ATTRIBUTE_DMA_BUF_SUPPORTED (it takes "
		       "the open GPU kernel modules)";
	return NULL;
}

/* CUDA exports whole pages of the host: the range is widened to them. */
static unsigned export_pages(struct dq_export *e)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), base = e->ptr & ~(page - 1);
	uint64_t end = (e->ptr + e->length + page - 1) & ~(page - 1);
	unsigned error = dq_cuda()->cuMemGetHandleForAddressRange(&e->fd, base, end - base,
								  DQ_CU_RANGE_DMA_BUF_FD, 0);

	e->offset = e->ptr - base;
	if (error)
		e->fd = -1;
	return error;
}

/* False: why says what failed. */
static bool try_dmabuf(struct dq_export *e)
{
	unsigned error;

	if (dq_gpu_enter(e->gpu, e->where)) {
		snprintf(e->why, sizeof(e->why), "its context cannot be had");
		return false;
	}
	error = export_pages(e);
	dq_gpu_leave(e->gpu);
	if (error)
		dq_cuda_text(e->why, sizeof(e->why), "cuMemGetHandleForAddressRange", error);
	else
		snprintf(e->why, sizeof(e->why), "the GPU exports its memory");
	return !error;
}

/* ---- which of them --------------------------------------------------------------------------- */

static int refuse(const struct dq_export *e, const char *dmabuf, const char *peermem)
{
	return dq_error(EOPNOTSUPP, "%s: a NIC cannot be given memory of GPU %d, %s%s%s%s%s%s",
			e->where, e->gpu->ordinal, e->gpu->name, dmabuf ? "; dma-buf: " : "",
			dmabuf ? dmabuf : "", peermem ? "; peermem: " : "", peermem ? peermem : "",
			e->gpu->integrated ? "; it is an integrated GPU: use kind = host_pinned"
					   : "");
}

/* dmabuf: why not that way; NULL: it is not wanted. */
static int by_peermem(struct dq_export *e, const char *dmabuf)
{
	const char *lack = e->gpu->integrated ? "not for integrated GPUs" : dq_peermem_lack();

	if (e->want == DQ_EXPORT_DMABUF)
		return refuse(e, dmabuf, NULL);
	if (lack)
		return refuse(e, dmabuf, lack);
	if (dmabuf)
		snprintf(e->why, sizeof(e->why), "no dma-buf: %.200s", dmabuf);
	else
		snprintf(e->why, sizeof(e->why), "gpu_export = peermem");
	return 0;
}

int dq_gpu_export_check(struct dq_export *e)
{
	const char *lack;

	e->fd = -1;
	e->offset = 0;
	if (e->want == DQ_EXPORT_PEERMEM)
		return by_peermem(e, NULL);
	lack = dmabuf_lack(e->gpu);
	e->why[0] = '\0';
	return lack ? by_peermem(e, lack) : 0;
}

int dq_gpu_export(struct dq_export *e)
{
	char failed[sizeof(e->why)];
	int ret = dq_gpu_export_check(e);

	/* why tells that it goes by peermem */
	if (ret || e->why[0] || try_dmabuf(e))
		return ret;
	memcpy(failed, e->why, sizeof(failed));
	return by_peermem(e, failed);
}
