/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EMU_UVERBS_CQ_H
#define EMU_UVERBS_CQ_H

#include "uverbs.h"

/* ABI numbers that Linux 5.10's headers lack. */
#define EMU_CQ_FLAGS_REAL_TIME_TS   (1u << 2) /* MLX5_IB_CREATE_CQ_FLAGS_REAL_TIME_TS */
#define EMU_ATTR_CREATE_CQ_EVENT_FD 7         /* UVERBS_ATTR_CREATE_CQ_EVENT_FD */

struct emu_cq *emu_cq_of(struct emu_object *obj);
/* Whether a queue may have the clock that this CQ's flags ask for: 0 or -EOPNOTSUPP. */
int emu_cq_check_clock(struct emu_object *obj);

#endif
