/* SPDX-License-Identifier: Apache-2.0 */
/* Receive queues of their own, and tables of them. */
#ifndef EMU_UVERBS_WQ_H
#define EMU_UVERBS_WQ_H

#include "uverbs.h"

/* Receive queues in the order of the table; a power of two of them. */
struct emu_ind_table {
	uint32_t number, n;
	struct emu_object **wqs;
};

struct emu_rq *emu_wq_rq(struct emu_object *wq);

/* Least log2 of the strides of a WQE, as the card has ext_stride_num_range or not. */
uint32_t emu_min_log_strides(void);

#endif
