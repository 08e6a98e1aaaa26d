/* SPDX-License-Identifier: Apache-2.0 */
/* How a striding receive queue cuts its memory: pure functions of what is configured. */
#ifndef DQ_CONFIG_STRIDE_H
#define DQ_CONFIG_STRIDE_H

#include "config_model.h"

enum {
	/* What mlx5 devices have, PRM log_wqe_stride_size: 64 bytes to 8 KiB. */
	DQ_STRIDE_LOG_MIN = 6,
	DQ_STRIDE_LOG_MAX = 13
};

/*
 * The size of a stride, as a power of two: the largest with which a frame of the region's buf_size
 * leaves at most an eighth of its strides empty, and a multiple of the region's align (at most
 * 1 << DQ_STRIDE_LOG_MAX). Where no such stride is to be had: the smallest that is one.
 */
unsigned dq_stride_log(const struct dq_conf_region *region);

/* Bytes from one slot of the region to the next. */
uint64_t dq_stride_slot(const struct dq_conf_region *region);

/* The strides in so many of the region's slots, and the slots that so many strides take. */
uint64_t dq_strides_in(const struct dq_conf_region *region, uint64_t slots);
uint64_t dq_strides_take(const struct dq_conf_region *region, uint64_t strides);

#endif
