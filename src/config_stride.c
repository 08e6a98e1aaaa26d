/* SPDX-License-Identifier: Apache-2.0 */
#include "config_stride.h"

enum { FRAME_MAX = 65535, WASTE = 8 };

unsigned dq_stride_log(const struct dq_conf_region *region)
{
	uint64_t frame = region->buf_size < FRAME_MAX ? region->buf_size : FRAME_MAX, taken;
	unsigned least = DQ_STRIDE_LOG_MIN, log;

	while (1u << least < region->align)
		least++;
	for (log = DQ_STRIDE_LOG_MAX; log > least; log--) {
		taken = ((frame - 1) >> log) + 1;
		taken <<= log;
		if ((taken - frame) * WASTE <= taken)
			break;
	}
	return log;
}

uint64_t dq_stride_slot(const struct dq_conf_region *region)
{
	return (region->buf_size + region->align - 1) & ~((uint64_t)region->align - 1);
}

uint64_t dq_strides_in(const struct dq_conf_region *region, uint64_t slots)
{
	return slots * dq_stride_slot(region) >> dq_stride_log(region);
}

uint64_t dq_strides_take(const struct dq_conf_region *region, uint64_t strides)
{
	uint64_t slot = dq_stride_slot(region);

	return ((strides << dq_stride_log(region)) + slot - 1) / slot;
}
