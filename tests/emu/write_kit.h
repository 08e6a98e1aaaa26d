/* SPDX-License-Identifier: Apache-2.0 */
/* A program that speaks to the uverbs file by write(), without libibverbs. */
#ifndef TEST_WRITE_KIT_H
#define TEST_WRITE_KIT_H

#include <criterion/criterion.h>
#include <errno.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define EX IB_USER_VERBS_CMD_FLAG_EXTENDED

extern int wk_fd; /* /dev/infiniband/uverbs0 of the test that runs; -1: closed */

void wk_open(void);
void wk_close(void);

/* Bytes of a command as they are written; nothing is set that the test does not set. */
struct wk_raw {
	struct ib_uverbs_cmd_hdr hdr;
	union {
		uint64_t body[128]; /* of a plain command; its first word is the answer's address */
		struct {
			struct ib_uverbs_ex_cmd_hdr ex;
			uint64_t ex_body[125];
		};
	};
};

/* 0 or errno; write() says n where it says anything. */
int wk_write(const void *bytes, size_t n);

/* What goes out and comes back: the core's part, and the provider's behind it. */
struct wk_part {
	const void *in;
	size_t in_len;
	void *out;
	size_t out_len;
};

/* A right command, plain or, with EX, extended. A plain one's in begins with the place of
 * "response". */
int wk_command(uint32_t command, struct wk_part core, struct wk_part provider);
#define WK_NONE	       ((struct wk_part){0})
#define WK_IO(in, out) ((struct wk_part){&(in), sizeof(in), &(out), sizeof(out)})
#define WK_IN(in)      ((struct wk_part){&(in), sizeof(in), NULL, 0})

/* ---- objects; what fails ends the test ------------------------------------------------------ */

/* GET_CONTEXT: the event file, and how many vectors there are. */
int wk_context_of(uint32_t *vectors);
void wk_context(void);
uint32_t wk_pd(void);
/* A doorbell page: the one thing that has no write command. */
struct wk_uar {
	uint32_t handle, number; /* the card's number */
	uint64_t offset;	 /* where it is mapped from */
};
struct wk_uar wk_uar_new(void);
void wk_uar_free(const struct wk_uar *uar);
/* Its number alone. */
uint32_t wk_uar(void);
/* With its channel, or -1. Where the ring lies is the kit's. */
int wk_cq(int channel, uint32_t uar, struct ib_uverbs_create_cq_resp *resp);
/* A raw packet QP with 4 entries each way. */
int wk_qp(struct ib_uverbs_create_qp *req, uint32_t uar, struct ib_uverbs_create_qp_resp *resp);
int wk_destroy_qp(uint32_t handle);
int wk_destroy_cq(uint32_t handle);
int wk_dealloc_pd(uint32_t handle);
struct mlx5_ib_create_qp wk_qp_provider(uint32_t uar);
struct mlx5_ib_create_cq wk_cq_provider(uint32_t uar);

#endif
