/* SPDX-License-Identifier: Apache-2.0 */
/* Order between what a NIC wrote and what code on a GPU reads. */
#include <errno.h>

#include "error.h"
#include "rxq.h"
#include "rxq_split.h"

int daqiri_rx_gpu_flush(struct daqiri_rxq *q)
{
	const struct daqiri_region *region;
	const struct dq_gpu *gpu;
	const struct dq_cuda *cu;
	unsigned error;
	char text[160];
	int ret;

	if (!q)
		return dq_error(EINVAL, "daqiri_rx_gpu_flush: NULL argument");
	/* Headers are not on a GPU. */
	region = q->split ? q->split->region : q->region;
	gpu = region->gpu;
	if (!dq_region_on_gpu(region) || gpu->ordering >= DQ_CU_ORDERING_OWNER)
		return 0;
	cu = dq_cuda();
	if (!(gpu->flush & DQ_CU_FLUSH_OPTION_HOST) || !cu->cuFlushGPUDirectRDMAWrites)
		return dq_error(EOPNOTSUPP,
				"%s: GPU %d, %s, neither orders a NIC's writes nor can be told to",
				q->conf->where, gpu->ordinal, gpu->name);
	ret = dq_gpu_enter(gpu, q->conf->where);
	if (ret)
		return ret;
	error = cu->cuFlushGPUDirectRDMAWrites(DQ_CU_FLUSH_CURRENT_CTX, DQ_CU_FLUSH_TO_OWNER);
	dq_gpu_leave(gpu);
	if (!error)
		return 0;
	dq_cuda_text(text, sizeof(text), "cuFlushGPUDirectRDMAWrites", error);
	return dq_error(EIO, "%s: %s", q->conf->where, text);
}
