/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DevX: the firmware's side of it. uverbs_devx*.c play the kernel, which looks at a command's
 * opcode and at the object that it names; devx_*.c play the firmware, one file for a family of
 * objects. All of it is control path, with emu_lock.
 */
#ifndef EMU_DEVX_H
#define EMU_DEVX_H

#include "uverbs.h"

/* ---- fields of commands and contexts --------------------------------------------------------- */

/*
 * A field, as the PRM counts: bits from the start of its structure, the most significant first.
 * In devx_prm.h each has a name: EMU_F(bit, bits).
 */
struct emu_field {
	uint16_t bit, bits;
};

#define EMU_F(at, n) ((struct emu_field){(at), (n)})

uint64_t emu_get(const uint8_t *base, struct emu_field f);
void emu_set(uint8_t *base, struct emu_field f, uint64_t value);

/* ---- commands -------------------------------------------------------------------------------- */

/* PRM "Command delivery status", and the errno of mlx5_core's cmd_status_to_err() */
enum emu_status {
	EMU_ST_OK = 0x00,
	EMU_ST_BAD_OP = 0x02,
	EMU_ST_BAD_PARAM = 0x03,
	EMU_ST_BAD_RES = 0x05,
	EMU_ST_LIM = 0x08,
	EMU_ST_BAD_RES_STATE = 0x09,
	EMU_ST_NO_RES = 0x0f,
	EMU_ST_BAD_INPUT_LEN = 0x50,
	EMU_ST_BAD_OUTPUT_LEN = 0x51
};

#define EMU_DEVX_PARTS 6u

/* What a DevX handle stands for; the first member of each object's own structure. */
struct emu_devx_obj {
	uint16_t opcode; /* that made it */
	uint16_t type;	 /* of a general object */
	uint32_t id;
	struct emu_object *obj;
	struct emu_object *parts[EMU_DEVX_PARTS]; /* objects that it stands on; NULL: none */
	struct emu_devx_subs subs;		  /* of its events */
	/* Takes it off the device; called once, before it is freed. */
	void (*release)(struct emu_devx_obj *o);
};

struct emu_devx_cmd {
	struct emu_ctx *ctx;
	const uint8_t *in;
	size_t in_len;
	uint8_t *out; /* zeroed */
	size_t out_len;
	uint16_t opcode, op_mod;
	uint64_t handle;	   /* modify and query: as the program gave it */
	struct emu_object *target; /* and what it names, of any type */
	struct emu_devx_obj *made; /* create: the new object, when run has succeeded */
	uint32_t syndrome;	   /* which check has failed */
};

/* Refuses; the syndrome tells the place of the check, for want of the firmware's own numbers. */
#define EMU_REFUSE(cmd, status) ((cmd)->syndrome = EMU_DEVX_FILE | __LINE__, (status))

enum emu_devx_class { EMU_DEVX_GENERAL, EMU_DEVX_CREATE, EMU_DEVX_MODIFY, EMU_DEVX_QUERY };

struct emu_devx_op {
	uint16_t opcode;
	enum emu_devx_class class;
	uint16_t min_in, min_out; /* bytes */
	/* modify and query: where in the command the object's number stands, and who makes such */
	struct emu_field id;
	uint16_t maker;
	enum emu_status (*run)(struct emu_devx_cmd *cmd);
};

/* What a file of commands gives to the dispatcher. */
struct emu_devx_table {
	const struct emu_devx_op *ops;
	unsigned n;
};

extern const struct emu_devx_table emu_devx_caps_ops, emu_devx_domain_ops, emu_devx_cq_ops,
	emu_devx_sq_ops, emu_devx_rq_ops, emu_devx_tir_ops, emu_devx_counter_ops, emu_devx_mkey_ops,
	emu_devx_flow_counter_ops, emu_devx_flex_ops;

/* ---- for commands ---------------------------------------------------------------------------- */

/* In create: memory for an object of size bytes, freed where run does not succeed. NULL: none. */
void *emu_devx_new(struct emu_devx_cmd *cmd, size_t size);
/* The object stands on obj, which lives as long; NULL is allowed. */
void emu_devx_use(struct emu_devx_obj *o, struct emu_object *obj);
/* No longer. */
void emu_devx_drop(struct emu_devx_obj *o, struct emu_object *obj);

/* Of this context: a DevX object by the opcode that makes such and its number. */
struct emu_devx_obj *emu_devx_find(struct emu_ctx *ctx, uint16_t opcode, uint32_t id);
/* By the firmware's numbers, whoever made them: this context's PDs, CQs, receive queues. */
struct emu_object *emu_devx_find_pd(struct emu_ctx *ctx, uint32_t pdn);
struct emu_object *emu_devx_find_cq(struct emu_ctx *ctx, uint32_t cqn, struct emu_cq **cq);
struct emu_object *emu_devx_find_rq(struct emu_ctx *ctx, uint32_t rqn, struct emu_rq **rq);
struct emu_object *emu_devx_find_td(struct emu_ctx *ctx, uint32_t td);

/* The device's part of DevX queues. */
struct emu_cq *emu_devx_cq(struct emu_object *obj);
struct emu_rq *emu_devx_rq(struct emu_object *obj);
struct emu_sq *emu_devx_sq(struct emu_object *obj);
/* Where the command's number names what its handle stands for: devx_is_valid_obj_id(). */
bool emu_devx_names(const struct emu_devx_cmd *cmd, const struct emu_devx_op *op);

/* ---- memory for rings ------------------------------------------------------------------------ */

/*
 * Where size bytes lie at offset of a registered umem; NULL: not such a umem, not inside, or not
 * aligned as asked. obj: the umem.
 */
struct emu_umem_ask {
	uint32_t id;
	bool writable; /* the device writes there */
	uint64_t offset, size, align;
};

uint8_t *emu_umem_at(struct emu_ctx *ctx, const struct emu_umem_ask *ask, struct emu_object **obj);

/* A work queue's ring and doorbell record: struct wq of the PRM. */
struct emu_devx_wq {
	uint8_t *buf;
	__be32 *dbrec;
	uint32_t type, log_stride, log_size;
	uint32_t pdn, uar_page;
	struct emu_object *pd, *buf_umem, *dbr_umem;
};

/* What queues of both kinds have in common: memory, PD. wq: PRM "WQ context". */
enum emu_status emu_devx_wq_read(struct emu_devx_cmd *cmd, const uint8_t *context,
				 struct emu_devx_wq *wq);

/* States of queues as the PRM numbers them; false: there is no such state. */
bool emu_devx_state(uint64_t prm, enum emu_queue_state *state);
uint32_t emu_devx_state_prm(enum emu_queue_state state);
/* {sq,rq}_ts_format of a queue whose completions go to cq; false: the card has no such clock. */
bool emu_devx_clock(uint64_t format, struct emu_cq *cq);
bool emu_devx_transition(enum emu_queue_state from, enum emu_queue_state to);

/* Counts what a receive queue's counter set says: devx_counter.c */
struct emu_q_counter {
	struct emu_devx_obj o;
	uint32_t out_of_buffer; /* the engine's: relaxed */
};

/* 0 is the port's own set; NULL for others that do not exist in this context. */
struct emu_q_counter *emu_devx_counter(struct emu_ctx *ctx, uint32_t id);

/* The wire's number of a flow counter: the object's at offset; 0: obj has none there. */
uint32_t emu_devx_flow_counter(const struct emu_object *obj, uint32_t offset);

/* The context's parse graph object that has the sample of this id; NULL: none has. */
struct emu_object *emu_devx_flex(struct emu_ctx *ctx, uint32_t id);

/* A hash or direct destination made by DevX; NULL: obj is not a TIR of the context. */
struct emu_tir *emu_devx_tir(struct emu_object *obj);

#endif
