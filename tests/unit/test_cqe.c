/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's decoders: against what libmlx5 made of recorded completions, and on completions
 * built here with mlx5dv.h's structures.
 */
#include <criterion/criterion.h>

#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

#include "mlx5_cqe.h"

#include "../golden/cqe_bytes.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct mlx5_cqe64 cqe_of(const struct golden_cqe *c)
{
	struct mlx5_cqe64 cqe;

	memcpy(&cqe, c->bytes, sizeof(cqe));
	return cqe;
}

/* libmlx5's own translation of syndromes, backwards. */
static uint8_t syndrome_of(uint32_t status)
{
	switch (status) {
	case IBV_WC_LOC_LEN_ERR:
		return MLX5_CQE_SYNDROME_LOCAL_LENGTH_ERR;
	case IBV_WC_LOC_PROT_ERR:
		return MLX5_CQE_SYNDROME_LOCAL_PROT_ERR;
	case IBV_WC_WR_FLUSH_ERR:
		return MLX5_CQE_SYNDROME_WR_FLUSH_ERR;
	default:
		return 0xff;
	}
}

Test(cqe, recorded_entries_are_ours_in_their_round_only)
{
	unsigned i;

	for (i = 0; i < COUNT(golden_cqes); i++) {
		const struct golden_cqe *c = &golden_cqes[i];
		struct mlx5_cqe64 cqe = cqe_of(c);
		uint8_t op_own = dq_cqe_op_own(&cqe);
		unsigned owner = c->index / c->entries & 1;

		cr_expect(dq_cqe_is_ours(op_own, owner), "%s", c->what);
		cr_expect_not(dq_cqe_is_ours(op_own, !owner), "%s", c->what);
	}
}

Test(cqe, recorded_entries_are_good_receives_where_libmlx5_says_so)
{
	unsigned i;

	for (i = 0; i < COUNT(golden_cqes); i++) {
		const struct golden_cqe *c = &golden_cqes[i];
		struct mlx5_cqe64 cqe = cqe_of(c);
		unsigned owner = c->index / c->entries & 1;
		uint8_t seen = dq_cqe_op_own(&cqe) & DQ_CQE_OPCODE_OWNER;

		cr_expect_eq(seen == dq_cqe_good_recv(owner), c->recv, "%s", c->what);
		cr_expect_neq(seen, dq_cqe_good_recv(!owner), "%s", c->what);
	}
}

Test(cqe, recorded_entries_have_the_index_that_libmlx5_reads)
{
	unsigned i;

	for (i = 0; i < COUNT(golden_cqes); i++) {
		struct mlx5_cqe64 cqe = cqe_of(&golden_cqes[i]);

		cr_expect_eq(dq_cqe_wqe_counter(&cqe), golden_cqes[i].wr_id, "%s",
			     golden_cqes[i].what);
	}
}

Test(cqe, recorded_frames_have_the_length_and_tag_that_libmlx5_reads)
{
	unsigned i, n = 0;

	for (i = 0; i < COUNT(golden_cqes); i++) {
		const struct golden_cqe *c = &golden_cqes[i];
		struct mlx5_cqe64 cqe = cqe_of(c);

		if (!c->recv)
			continue;
		cr_expect_eq(dq_cqe_len(&cqe), c->byte_len, "%s", c->what);
		cr_expect_eq(dq_key_to_flow(dq_cqe_flow_key(&cqe)), c->tag, "%s", c->what);
		n++;
	}
	cr_expect_geq(n, 5);
}

Test(cqe, recorded_errors_have_the_syndromes_that_libmlx5_reads)
{
	unsigned i, n = 0;

	for (i = 0; i < COUNT(golden_cqes); i++) {
		const struct golden_cqe *c = &golden_cqes[i];
		struct mlx5_cqe64 cqe = cqe_of(c);
		struct dq_cqe_error err = dq_cqe_read_error(&cqe);

		if (!c->status)
			continue;
		cr_expect_eq(err.syndrome, syndrome_of(c->status), "%s", c->what);
		cr_expect_eq(err.vendor_syndrome, c->vendor_err, "%s", c->what);
		cr_expect_eq(err.wqe_counter, c->wr_id, "%s", c->what);
		n++;
	}
	cr_expect_geq(n, 4);
}

/* ---- built here ---------------------------------------------------------------------------- */

Test(cqe, an_entry_never_written_is_not_ours_in_any_round)
{
	uint8_t invalid = MLX5_CQE_INVALID << 4;

	cr_expect_not(dq_cqe_is_ours(invalid, 0));
	cr_expect_not(dq_cqe_is_ours(invalid, 1));
	cr_expect_not(dq_cqe_is_ours(invalid | 1, 1));
}

Test(cqe, every_opcode_but_the_invalid_one_is_ours)
{
	unsigned op;

	for (op = 0; op < MLX5_CQE_INVALID; op++) {
		cr_expect(dq_cqe_is_ours((uint8_t)(op << 4), 0), "opcode %u", op);
		cr_expect(dq_cqe_is_ours((uint8_t)(op << 4 | 1), 1), "opcode %u", op);
		cr_expect_eq(dq_cqe_opcode((uint8_t)(op << 4 | 0xf)), op);
	}
}

/* op_own bits 3:1 (format, solicited event) say nothing about who owns it or what it is. */
Test(cqe, the_solicited_bit_does_not_hide_a_good_receive)
{
	uint8_t op_own = MLX5_CQE_RESP_SEND << 4 | 2;

	cr_expect_eq(op_own & DQ_CQE_OPCODE_OWNER, dq_cqe_good_recv(0));
	cr_expect_eq((op_own | 1) & DQ_CQE_OPCODE_OWNER, dq_cqe_good_recv(1));
}

Test(cqe, numbers_keep_all_their_bits)
{
	struct mlx5_cqe64 cqe = {0};

	cqe.byte_cnt = htobe32(0x12345678);
	cqe.wqe_counter = htobe16(0xfedc);
	cqe.sop_drop_qpn = htobe32(0xffabcdefu);
	cr_expect_eq(dq_cqe_len(&cqe), 0x12345678);
	cr_expect_eq(dq_cqe_wqe_counter(&cqe), 0xfedc);
	cr_expect_eq(dq_key_to_flow(dq_cqe_flow_key(&cqe)), 0xabcdef);
}

Test(cqe, tag_0_and_the_default_tag_are_no_flow)
{
	cr_expect_eq(dq_key_to_flow(htobe32(0)), 0);
	cr_expect_eq(dq_key_to_flow(htobe32(0xffffff)), 0);
	cr_expect_eq(dq_key_to_flow(htobe32(0xfffffe)), 0xfffffe);
	cr_expect_eq(dq_key_to_flow(htobe32(1)), 1);
}

Test(cqe, only_three_syndromes_stop_a_receive_queue)
{
	unsigned s;

	for (s = 0; s < 256; s++)
		cr_expect_eq(dq_cqe_stops_rq((uint8_t)s), s == 2 || s == 4 || s == 5, "%#x", s);
}

Test(cqe, every_syndrome_has_words_of_its_own)
{
	static const uint8_t known[] = {0x01, 0x02, 0x04, 0x05, 0x06, 0x10, 0x11, 0xff};
	unsigned i, j;

	for (i = 0; i < COUNT(known); i++) {
		cr_assert_not_null(dq_cqe_syndrome_text(known[i]));
		for (j = 0; j < i; j++)
			cr_expect_str_neq(dq_cqe_syndrome_text(known[i]),
					  dq_cqe_syndrome_text(known[j]));
	}
}
