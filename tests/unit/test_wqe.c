/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's encoders against the bytes that libmlx5 wrote for the same requests. libmlx5 never
 * posts an enhanced multi-packet send: its segments are those of a SEND, and its control segment is
 * compared field by field.
 */
#include <criterion/criterion.h>

#include <infiniband/mlx5dv.h>

#include "mlx5_wqe.h"

#include "../golden/wqe_bytes.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CTRL	 16u /* bytes of a control segment */
#define ETH	 16u

/* libmlx5 says "completion on error" (0) where ours says "on the first error". */
static enum dq_ce ce_of(const struct golden_wqe *w)
{
	return w->signalled ? DQ_CE_ALWAYS : DQ_CE_FIRST_ERROR;
}

static bool plain(const struct golden_wqe *w)
{
	return w->n_sge != 0;
}

/* The SEND for the same request by the library's encoders. */
static void encode(const struct golden_wqe *w, uint8_t *bytes)
{
	const struct dq_wqe_eth ask = {
		.cs_flags = w->csum ? MLX5_ETH_WQE_L3_CSUM | MLX5_ETH_WQE_L4_CSUM : 0};
	uint32_t segs = 2 + w->n_sge, i;
	struct dq_wqe_model model;
	__be64 head;

	memset(bytes, 0xee, sizeof(w->bytes));
	head = dq_wqe_ctrl((struct mlx5_wqe_ctrl_seg *)bytes,
			   dq_wqe_opcode_index(MLX5_OPCODE_SEND, w->index),
			   dq_wqe_qpn_ds(w->qpn, segs), DQ_CE_ALWAYS);
	model = dq_wqe_model_of(&ask, ce_of(w));
	dq_wqe_head(bytes, head, &model);
	for (i = 0; i < w->n_sge; i++)
		dq_wqe_data(bytes + CTRL + ETH + i * 16, w->sge[i].addr, w->sge[i].len,
			    htobe32(w->sge[i].lkey));
}

Test(wqe, a_send_has_the_bytes_that_libmlx5_writes)
{
	_Alignas(64) uint8_t bytes[128];
	unsigned i, n = 0;

	for (i = 0; i < COUNT(golden_wqes); i++) {
		const struct golden_wqe *w = &golden_wqes[i];

		if (!plain(w))
			continue;
		encode(w, bytes);
		if (!w->signalled)
			bytes[offsetof(struct mlx5_wqe_ctrl_seg, fm_ce_se)] &= (uint8_t)~0xcu;
		cr_expect_arr_eq(bytes, w->bytes, w->n_bytes, "%s", w->what);
		n++;
	}
	cr_expect_geq(n, 8, "only %u records to compare with", n);
}

Test(wqe, the_completion_modes_are_the_two_that_are_meant)
{
	struct mlx5_wqe_ctrl_seg ctrl;

	dq_wqe_ctrl(&ctrl, 0, 0, DQ_CE_ALWAYS);
	cr_expect_eq(ctrl.fm_ce_se, MLX5_WQE_CTRL_CQ_UPDATE);
	dq_wqe_ctrl(&ctrl, 0, 0, DQ_CE_FIRST_ERROR);
	cr_expect_eq(ctrl.fm_ce_se, 1 << 2); /* PRM: CE, 01 on first error */
}

/* A header in the Ethernet segment: libmlx5 writes one for TSO, whose mss is not ours. */
Test(wqe, an_inline_header_lies_where_libmlx5_puts_it)
{
	_Alignas(16) uint8_t seg[32];
	uint8_t frame[GOLDEN_HEADER], want[32];
	const struct golden_wqe *tso = NULL;
	unsigned i;

	for (i = 0; i < COUNT(golden_wqes); i++)
		if (strstr(golden_wqes[i].what, "TSO"))
			tso = &golden_wqes[i];
	cr_assert_not_null(tso);
	memcpy(want, tso->bytes + CTRL, sizeof(want));
	memset(want + offsetof(struct mlx5_wqe_eth_seg, mss), 0, 2);
	for (i = 0; i < sizeof(frame); i++)
		frame[i] = golden_byte(i);
	memset(seg, 0xee, sizeof(seg));
	dq_wqe_eth_inline(seg, &(struct dq_wqe_eth){0}, frame, GOLDEN_HEADER);
	cr_expect_arr_eq(seg, want, sizeof(want));
	dq_wqe_eth_inline(seg, &(struct dq_wqe_eth){.cs_flags = 0xc0}, frame, GOLDEN_HEADER);
	want[4] = 0xc0;
	cr_expect_arr_eq(seg, want, sizeof(want));
}

/* The whole segment, as libmlx5 writes it with both checksums and this mss. */
Test(wqe, a_large_send_has_headers_and_mss_where_libmlx5_puts_them)
{
	_Alignas(16) uint8_t seg[32];
	uint8_t frame[GOLDEN_HEADER], want[32];
	const struct golden_wqe *tso = NULL;
	uint16_t mss;

	for (unsigned i = 0; i < COUNT(golden_wqes); i++)
		if (strstr(golden_wqes[i].what, "TSO"))
			tso = &golden_wqes[i];
	cr_assert_not_null(tso);
	cr_expect_eq(tso->bytes[3], MLX5_OPCODE_TSO);
	memcpy(want, tso->bytes + CTRL, sizeof(want));
	memcpy(&mss, want + offsetof(struct mlx5_wqe_eth_seg, mss), sizeof(mss));
	want[offsetof(struct mlx5_wqe_eth_seg, cs_flags)] =
		MLX5_ETH_WQE_L3_CSUM | MLX5_ETH_WQE_L4_CSUM;
	for (unsigned i = 0; i < sizeof(frame); i++)
		frame[i] = golden_byte(i);
	memset(seg, 0xee, sizeof(seg));
	dq_wqe_eth_lso(seg, be16toh(mss), frame, GOLDEN_HEADER);
	cr_expect_arr_eq(seg, want, sizeof(want));
}

Test(wqe, a_multi_packet_send_is_made_of_the_segments_of_sends)
{
	const struct golden_wqe *w = &golden_wqes[0];
	struct dq_wqe_model model = dq_wqe_model_of(&(struct dq_wqe_eth){0}, DQ_CE_ALWAYS);
	_Alignas(16) uint8_t data[16];

	cr_assert(plain(w));
	cr_expect_arr_eq(model.bytes + CTRL, w->bytes + CTRL, ETH);
	dq_wqe_data(data, w->sge[0].addr, w->sge[0].len, htobe32(w->sge[0].lkey));
	cr_expect_arr_eq(data, w->bytes + CTRL + ETH, sizeof(data));
}

/* kernel, mlx5/qp.h: insert.type and insert.vlan_tci, big endian, bytes 12 to 15 */
Test(wqe, a_tag_stands_where_an_inline_header_would)
{
	const struct dq_wqe_eth ask = {.insert = DQ_INSERT_VLAN, .tci = 0x6123};
	const struct dq_wqe_eth service = {.insert = DQ_INSERT_VLAN | DQ_INSERT_SVLAN, .tci = 1};
	struct dq_wqe_model model = dq_wqe_model_of(&ask, DQ_CE_ALWAYS);
	const uint8_t want[4] = {0x80, 0, 0x61, 0x23}, want_service[4] = {0x80, 1, 0, 1};

	cr_expect_arr_eq(model.bytes + CTRL + 12, want, 4);
	model = dq_wqe_model_of(&service, DQ_CE_FIRST_ERROR);
	cr_expect_arr_eq(model.bytes + CTRL + 12, want_service, 4);
}

/* mlx5dv.h's own builder for the control segment; 0x29 is the PRM's ENHANCED_MPSW. */
Test(wqe, the_control_segment_of_a_multi_packet_send_is_as_the_manual_has_it)
{
	struct mlx5_wqe_ctrl_seg ours, theirs = {0};

	memset(&ours, 0xee, sizeof(ours));
	dq_wqe_ctrl(&ours, dq_wqe_opcode_index(DQ_OPCODE_EMPW, 0x12345),
		    dq_wqe_qpn_ds(0xabcdef, 60), DQ_CE_ALWAYS);
	mlx5dv_set_ctrl_seg(&theirs, 0x2345, 0x29, 0, 0xabcdef, MLX5_WQE_CTRL_CQ_UPDATE, 60, 0, 0);
	cr_expect_arr_eq((uint8_t *)&ours, (uint8_t *)&theirs, sizeof(ours));
}

Test(wqe, the_index_has_16_bits_at_every_limit)
{
	static const uint32_t limits[] = {1u << 16, 1u << 24, 0};
	unsigned i;
	int k;

	for (i = 0; i < COUNT(limits); i++) {
		for (k = -3; k <= 3; k++) {
			uint32_t index = limits[i] + (uint32_t)k;
			uint32_t word = dq_wqe_opcode_index(MLX5_OPCODE_SEND, index);

			cr_expect_eq(word >> 8, index % 65536, "index %u", index);
			cr_expect_eq(word & 0xff, 0x0a, "index %u", index);
		}
	}
}

Test(wqe, blocks_are_counted_in_fours_of_segments)
{
	cr_expect_eq(dq_wqe_wqebbs(dq_wqe_segs(1)), 1);
	cr_expect_eq(dq_wqe_wqebbs(dq_wqe_segs(2)), 1);
	cr_expect_eq(dq_wqe_wqebbs(dq_wqe_segs(3)), 2);
	cr_expect_eq(dq_wqe_wqebbs(dq_wqe_segs(6)), 2);
	cr_expect_eq(dq_wqe_wqebbs(dq_wqe_segs(7)), 3);
	cr_expect_eq(dq_wqe_wqebbs(dq_wqe_segs(DQ_EMPW_MAX_PTRS)), 15);
}

Test(wqe, a_receive_entry_has_the_bytes_that_libmlx5_writes)
{
	_Alignas(16) uint8_t bytes[16];
	unsigned i, j;

	for (i = 0; i < COUNT(golden_rwqes); i++) {
		const struct golden_rwqe *w = &golden_rwqes[i];

		for (j = 0; j < w->n_sge; j++) {
			dq_wqe_data(bytes, w->sge[j].addr, w->sge[j].len, htobe32(w->sge[j].lkey));
			cr_expect_arr_eq(bytes, w->bytes + j * 16, 16, "%s", w->what);
		}
	}
}

Test(wqe, addresses_and_keys_keep_all_their_bits)
{
	_Alignas(16) uint8_t bytes[16];
	struct mlx5_wqe_data_seg theirs;

	dq_wqe_data(bytes, 0xfedcba9876543210, 0x7fffffff, htobe32(0x89abcdef));
	mlx5dv_set_data_seg(&theirs, 0x7fffffff, 0x89abcdef, 0xfedcba9876543210);
	cr_expect_arr_eq(bytes, (uint8_t *)&theirs, sizeof(bytes));
}
