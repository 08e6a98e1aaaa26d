/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uverbs file as the emulated kernel sees it: contexts, their objects and the decoded ioctl.
 *
 * Everything here is control path: one lock, emu_lock, is held from the dispatcher's entry to its
 * exit, so that no handler needs another. What the device reads is changed only between
 * emu_engine_pause() and emu_engine_resume(), which a handler calls itself (emu_lock first).
 * A handler returns 0 or -errno, the errno that the kernel would give.
 */
#ifndef EMU_UVERBS_H
#define EMU_UVERBS_H

#include "emu.h"

#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/rdma_user_ioctl_cmds.h>

/* ---- objects -------------------------------------------------------------------------------- */

enum emu_type {
	EMU_TYPE_PD,
	EMU_TYPE_MR,
	EMU_TYPE_CHANNEL, /* completion channel: a file, looked up by descriptor */
	EMU_TYPE_CQ,
	EMU_TYPE_QP,
	EMU_TYPE_WQ,
	EMU_TYPE_IND_TABLE,
	EMU_TYPE_FLOW,
	EMU_TYPE_MATCHER,
	EMU_TYPE_UAR,
	EMU_TYPE_PP,
	EMU_TYPE_DEVX_OBJ,
	EMU_TYPE_DEVX_UMEM,
	EMU_TYPE_DEVX_FD, /* answers of asynchronous commands, or events: looked up by descriptor */
	EMU_TYPE_COUNTERS,    /* of verbs flows */
	EMU_TYPE_FLOW_ACTION, /* packet reformat, modify header */
	EMU_TYPE_COUNT
};

struct emu_object {
	TAILQ_ENTRY(emu_object) link; /* emu_ctx.objects, newest first */
	struct emu_ctx *ctx;
	enum emu_type type;
	uint32_t handle;
	unsigned users; /* objects made on top of this one: while any is left destroying is EBUSY */
	void *impl;     /* struct emu_cq, emu_qp, ...: by type */
	/*
	 * Takes the object out of the device and frees impl; called with emu_lock, only with
	 * users == 0. It drops the users it holds on others with emu_object_put().
	 */
	void (*destroy)(struct emu_object *obj);
};

/* Makes a handle for impl. On failure (NULL: no memory) impl stays the caller's. */
struct emu_object *emu_object_new(struct emu_ctx *ctx, enum emu_type type, void *impl,
				  void (*destroy)(struct emu_object *obj));
/* NULL where the handle does not exist in this context or is of another type. */
struct emu_object *emu_object_find(struct emu_ctx *ctx, enum emu_type type, uint32_t handle);
/* Of whatever type; NULL where the handle does not exist. */
struct emu_object *emu_object_any(struct emu_ctx *ctx, uint64_t handle);
/* -EBUSY while it has users; otherwise calls destroy and frees the handle. */
int emu_object_destroy(struct emu_object *obj);
/* With emu_lock: what is alive on dev in this process, as text; its length. */
int emu_object_report(const struct emu_dev *dev, char *text, size_t size);
/* In a child: it has none. */
void emu_object_forget_all(void);
void emu_object_get(struct emu_object *obj);
void emu_object_put(struct emu_object *obj); /* NULL is allowed */

struct emu_devx_sub; /* uverbs_devx_fd.c */
LIST_HEAD(emu_devx_subs, emu_devx_sub);

/* One open uverbs file. Lives until the last of its descriptors is closed. */
struct emu_ctx {
	TAILQ_ENTRY(emu_ctx) link; /* all contexts of this process */
	struct emu_dev *dev;
	bool allocated;      /* GET_CONTEXT was done: before it only that and QUERY_DEVICE work */
	bool devx;           /* DevX granted */
	uint32_t tdn;        /* transport domain of its queue pairs */
	struct emu_devx_subs port_subs; /* who is told of the port's events through DevX */
	unsigned fds;        /* descriptors of this process that refer to it */
	int memfd;           /* our own descriptor of the file that the program maps UARs from */
	struct emu_ctx_clock *clock; /* uverbs_clock.c; NULL: none yet */
	int async_fd;        /* write end of the asynchronous event channel; -1: none yet */
	int async_read_fd;   /* our copy of its read end, to take back events of a dead object */
	TAILQ_HEAD(emu_object_list, emu_object) objects;
	struct emu_object **handles;
	uint32_t n_handles;
};

/* What a queue pair handle stands for. Parts that it does not have are NULL. */
enum emu_qp_state { EMU_QPS_RESET, EMU_QPS_INIT, EMU_QPS_RTR, EMU_QPS_RTS, EMU_QPS_ERR = 6 };

struct emu_qp {
	struct emu_dev *dev;
	struct emu_object *obj;
	uint32_t qpn;
	uint32_t tisn; /* of the send side */
	enum emu_qp_state state; /* IB_QPS_*; a hash QP has none and is always live */
	bool rss;
	struct emu_sq *sq;
	struct emu_rq *rq;
	struct emu_tir *tir; /* where flow rules point; NULL for a QP that cannot receive */
	struct emu_object *pd, *send_cq, *recv_cq, *ind_table, *uar;
	struct emu_rq *single[1]; /* tir.rqs of a plain raw packet QP */
	uint32_t max_send_wr, max_recv_wr, max_send_sge, max_recv_sge, max_inline;
	uint32_t create_flags;
	uint16_t rate_index; /* of the send queue; 0: no limit. uverbs_rate.h */
};

/* ---- one ioctl ------------------------------------------------------------------------------ */

struct emu_copy; /* uverbs_copy.c */
SLIST_HEAD(emu_copies, emu_copy);

struct emu_call {
	struct emu_ctx *ctx;
	struct ib_uverbs_ioctl_hdr *hdr;   /* our copy, and what its attributes point at are copies */
	struct ib_uverbs_ioctl_hdr *given; /* as the program had it at user */
	uint64_t user;
	struct emu_copies copies;
	/* DEVICE/INVOKE_WRITE only: the command's own structures */
	uint32_t write_cmd; /* IB_USER_VERBS_*CMD_*, without the EXTENDED flag */
	const void *in;
	size_t in_len;
	void *out;
	size_t out_len;
	/* provider part (UHW) of methods that have one, also of INVOKE_WRITE; NULL: none given */
	const void *uhw_in;
	size_t uhw_in_len;
	void *uhw_out;
	size_t uhw_out_len;
};

enum emu_attr_kind {
	EMU_ATTR_IN,     /* data; up to 8 bytes travel inside the attribute */
	EMU_ATTR_OUT,    /* buffer that we fill */
	EMU_ATTR_OBJECT, /* handle of an existing object; len is 0 */
	EMU_ATTR_NEW,    /* handle, or descriptor, that we return; len is 0 */
	EMU_ATTR_FD,     /* descriptor of an existing file of ours; len is 0 */
	EMU_ATTR_RAW_FD, /* number of any descriptor, for the handler to look at; len is 0 */
	EMU_ATTR_OBJECTS /* array of 32-bit handles */
};

#define EMU_ATTR_INLINE 8 /* data of so many bytes travels in the attribute */

#define EMU_MUST true
#define EMU_MAY  false

struct emu_attr_spec {
	uint16_t id;
	enum emu_attr_kind kind;
	bool must;         /* missing: -EINVAL */
	uint16_t min, max; /* bytes, for IN, OUT and OBJECTS; max 0: as min, and longer IN is
			      accepted when the rest is zero (the kernel's "zero trailing") */
};

/* A method: the dispatcher has checked the attributes against attrs before it calls run. */
struct emu_method {
	uint16_t object, method;
	bool uhw; /* UHW_IN and UHW_OUT are allowed and decoded into the call */
	int (*run)(struct emu_call *call);
	const struct emu_attr_spec *attrs;
	unsigned n_attrs;
};

/* A write command; shorter buffers are refused (-ENOSPC) before run is called. */
struct emu_write {
	uint32_t cmd;
	bool extended;
	bool uhw; /* plain: what is behind the core's structures is the provider's */
	uint16_t min_in, min_out;
	uint16_t in; /* what is longer must be zero behind this; 0: the handler sees to that */
	int (*run)(struct emu_call *call);
};

#define EMU_END(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
/* The request is a structure, and out the least room for the answer; 0: there is none. */
#define EMU_CMD(cmd, request, out, run)                                                            \
	{                                                                                          \
		cmd, false, false, sizeof(request), out, sizeof(request), run                      \
	}
#define EMU_CMD_UHW(cmd, request, out, run)                                                        \
	{                                                                                          \
		cmd, false, true, sizeof(request), out, sizeof(request), run                       \
	}
/* Extended: last is the member with which the request may end. */
#define EMU_CMD_EX(cmd, request, last, out, run)                                                   \
	{                                                                                          \
		cmd, true, true, EMU_END(request, last), out, sizeof(request), run                 \
	}

/* What a file of handlers gives to the dispatcher. */
struct emu_table {
	const struct emu_method *methods;
	unsigned n_methods;
	const struct emu_write *writes;
	unsigned n_writes;
};

/* All of them, up to a NULL: uverbs.c. */
extern const struct emu_table *const emu_tables[];

/*
 * What a command's number with its flags stands for; *w NULL: something that this driver has not.
 * 0, or the kernel's answer to a number that nothing has.
 */
int emu_write_find(uint32_t command, const struct emu_write **w);
/* With in, out and the provider's part in place. */
int emu_write_run(struct emu_call *call, const struct emu_write *w);
/* With the attributes in place. */
int emu_method_run(struct emu_call *call, uint16_t object, uint16_t method);

#define EMU_COUNT(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))
/* The last two members of a struct emu_method. */
#define EMU_SPECS(array) (array), EMU_COUNT(array)

extern const struct emu_table emu_device_table, emu_uar_table, emu_mem_table, emu_cq_table,
	emu_qp_table, emu_wq_table, emu_devx_table, emu_gid_table, emu_rate_table;

/* uverbs_gid.c: entries of a port's table; 0 where RoCE is off. */
uint32_t emu_gids(void);
/*
 * uverbs_flow.c: write commands CREATE_FLOW and DESTROY_FLOW (extended), FLOW/DESTROY,
 * FLOW/MLX5 CREATE_FLOW and DESTROY_FLOW, FLOW_MATCHER/CREATE and DESTROY.
 */
extern const struct emu_table emu_flow_table;
extern const struct emu_table emu_flow_action_table, emu_counters_table;
/* uverbs_legacy.c: what libibverbs asks for by methods of objects, as write commands */
extern const struct emu_table emu_legacy_table;

/* uverbs_device.c: what netlink tells, too. */
uint64_t emu_device_cap_flags(void);
__be64 emu_device_guid(const struct emu_dev *dev, bool system);

/* ---- for handlers --------------------------------------------------------------------------- */

/* The attribute, or NULL where it was not given. */
struct ib_uverbs_attr *emu_attr(const struct emu_call *call, uint16_t id);
size_t emu_attr_len(const struct ib_uverbs_attr *attr);
/* Where its bytes lie: in the attribute itself (<= 8) or where it points. */
const void *emu_attr_bytes(const struct ib_uverbs_attr *attr);
/* Copies an IN attribute; dst is zero-filled where it is shorter or absent. True: it was there. */
bool emu_attr_copy(const struct emu_call *call, uint16_t id, void *dst, size_t size);
/* A value of up to 8 bytes, as constants travel; 0 where absent. */
uint64_t emu_attr_value(const struct emu_call *call, uint16_t id);
/* 0, -ENOENT (no such object), -EINVAL (attribute absent) */
int emu_attr_object(const struct emu_call *call, uint16_t id, enum emu_type type,
		    struct emu_object **obj);
/* Fills an OUT attribute where the caller gave it, as far as its length goes; rest zeroed. */
void emu_attr_put(const struct emu_call *call, uint16_t id, const void *src, size_t size);
/* Returns a handle or a descriptor through a NEW attribute. */
void emu_attr_put_new(const struct emu_call *call, uint16_t id, uint32_t handle);

/* Write commands: copy the core structure in (zero-filled) and out (cut to what was asked for). */
void emu_write_in(const struct emu_call *call, void *dst, size_t size);
void emu_write_out(const struct emu_call *call, const void *src, size_t size);
/* Provider structures; a request longer than size must be zero behind it: else -EOPNOTSUPP. */
int emu_uhw_in(const struct emu_call *call, void *dst, size_t size);
void emu_uhw_out(const struct emu_call *call, const void *src, size_t size);

#endif
