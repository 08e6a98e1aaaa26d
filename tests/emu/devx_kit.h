/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the firmware, written field by field, for plain verbs programs. */
#ifndef TEST_DEVX_KIT_H
#define TEST_DEVX_KIT_H

#include "kit.h"

/* A command and its answer; bits are counted from the start, as the PRM does. */
struct cmd {
	uint8_t in[768], out[768];
	size_t in_len, out_len;
};

void cmd_init(struct cmd *c, unsigned opcode, size_t in_len, size_t out_len);
void cmd_set(uint8_t *base, unsigned bit, unsigned bits, uint64_t value);
uint64_t cmd_get(const uint8_t *base, unsigned bit, unsigned bits);

/* The new object, destroyed by kit_close(); NULL and errno where it is refused. */
struct mlx5dv_devx_obj *cmd_create(struct kit *k, struct kit_port *p, struct cmd *c);
/* A create command whose answer is a number: that. */
uint32_t cmd_number(const struct cmd *c);
unsigned cmd_status(const struct cmd *c);
/* Bits of what the card can do now: QUERY_HCA_CAP. */
uint64_t cmd_cap(const struct kit_port *p, unsigned which, unsigned bit, unsigned bits);

/* Memory that both sides use, one umem of it. */
struct cmd_mem {
	uint8_t *buf;
	struct mlx5dv_devx_umem *umem;
};

struct cmd_mem cmd_mem(struct kit *k, struct kit_port *p, size_t size);
struct mlx5dv_devx_uar *cmd_uar(struct kit *k, struct kit_port *p);

#define RING	 4096u /* bytes of every ring here */
#define RECORD	 RING  /* where the doorbell record lies, behind it */
#define MEM_SIZE (RING + 4096u)

struct cmd_cq {
	struct cmd_mem mem;
	struct mlx5dv_devx_obj *obj;
	uint32_t cqn, ci;
};

/* 64 entries; NULL obj where it is refused. */
struct cmd_cq cmd_cq(struct kit *k, struct kit_port *p, struct mlx5dv_devx_uar *uar);
void cmd_cq_fill(struct cmd *c, struct kit_port *p, const struct cmd_cq *cq,
		 struct mlx5dv_devx_uar *uar);
/* The next entry's opcode within 2 s; -1: none. */
int cmd_poll(struct cmd_cq *cq, struct mlx5_cqe64 *cqe);

uint32_t cmd_pdn(struct ibv_pd *pd);

/* The new object, which has a number and no more to say. */
uint32_t cmd_new_number(struct kit *k, struct kit_port *p, unsigned opcode,
			struct mlx5dv_devx_obj **obj);
/* A work queue's part of its context: 32 entries of 1 << stride bytes in mem. */
void cmd_wq_fill(uint8_t *wq, struct kit_port *p, const struct cmd_mem *mem, unsigned stride);
/* MODIFY_SQ and its like: 0 or the errno. */
int cmd_to_state(struct mlx5dv_devx_obj *obj, unsigned opcode, uint32_t number, unsigned from,
		 unsigned to);

/* ---- a send queue and what it stands on ----------------------------------------------------- */

struct cmd_tx {
	struct mlx5dv_devx_uar *uar;
	struct cmd_cq cq;
	struct cmd_mem mem;
	struct mlx5dv_devx_obj *td, *tis, *sq;
	uint32_t tdn, tisn, sqn;
};

/* All but the queue; the command that makes it; both, and the queue is ready. */
void cmd_tx_domain(struct kit *k, struct kit_port *p, struct cmd_tx *tx);
void cmd_sq_fill(struct cmd *c, struct kit_port *p, const struct cmd_tx *tx);
void cmd_tx_open(struct kit *k, struct kit_port *p, struct cmd_tx *tx);
/* One WQE of one segment, signalled. */
void cmd_tx_send(struct kit_port *p, struct cmd_tx *tx, unsigned index, unsigned slot,
		 unsigned len);

#endif
