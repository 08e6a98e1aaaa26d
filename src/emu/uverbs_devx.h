/* SPDX-License-Identifier: Apache-2.0 */
/* DevX ioctls: what their files share. */
#ifndef EMU_UVERBS_DEVX_H
#define EMU_UVERBS_DEVX_H

#include "devx.h"

#include <rdma/mlx5_user_ioctl_cmds.h>

/* Of Linux 5.17 and 6.0: older headers lack them. */
#define EMU_ATTR_UMEM_REG_PGSZ_BITMAP (MLX5_IB_ATTR_DEVX_UMEM_REG_OUT_ID + 1)
#define EMU_ATTR_UMEM_REG_DMABUF_FD   (MLX5_IB_ATTR_DEVX_UMEM_REG_OUT_ID + 2)

/* Reads opcode and op_mod. */
void emu_devx_head(struct emu_devx_cmd *cmd);
/* A command on an object: 0, -EREMOTEIO (the firmware refuses; out says so), or the kernel's errno.
 */
int emu_devx_run_on(struct emu_call *call, struct emu_devx_cmd *cmd, enum emu_devx_class class);

/* uverbs_devx_admit.c: 0, or what the kernel answers in the firmware's place. */
int emu_devx_admit(const struct emu_devx_cmd *cmd, enum emu_devx_class class);

/* uverbs_devx_umem.c */
int emu_devx_umem_reg(struct emu_call *call);
int emu_devx_query_eqn(struct emu_call *call);
bool emu_devx_eqn_ok(uint64_t eqn);

/* uverbs_devx_fd.c */
int emu_devx_cmd_fd_alloc(struct emu_call *call);
int emu_devx_event_fd_alloc(struct emu_call *call);
int emu_devx_query_async(struct emu_call *call);
int emu_devx_subscribe(struct emu_call *call);
/* The object dies, and with it what is subscribed to it. */
void emu_devx_unsubscribe(struct emu_devx_obj *o);

#endif
