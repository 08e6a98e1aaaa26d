/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed completions through unmodified libibverbs and libmlx5, read as PRM and drivers do:
 * each frame's own length, hash, checksum or stride must come out, and a session must end where
 * what its small completions do not say is another.
 */
#include "compress_kit.h"

#include <errno.h>

TestSuite(compress, .init = compress_setup, .fini = compress_teardown, .timeout = 60);

#define L4_PORTS                                                                                   \
	(IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4 | IBV_RX_HASH_SRC_PORT_UDP |                  \
	 IBV_RX_HASH_DST_PORT_UDP)

static const struct ask by_hash = {.format = MLX5DV_CQE_RES_FORMAT_HASH};
static const struct ask by_csum = {.format = MLX5DV_CQE_RES_FORMAT_CSUM};

/* ---- what the card says ---------------------------------------------------------------------- */

Test(compress, the_device_tells_its_formats)
{
	struct mlx5dv_context dv = {.comp_mask = MLX5DV_CONTEXT_MASK_CQE_COMPRESION};

	cr_assert_eq(mlx5dv_query_device(k.b.ctx, &dv), 0);
	cr_assert(dv.comp_mask & MLX5DV_CONTEXT_MASK_CQE_COMPRESION);
	cr_expect_eq(dv.cqe_comp_caps.max_num, 64);
	cr_expect_eq(dv.cqe_comp_caps.supported_format, 7);
	cr_expect(dv.flags & MLX5DV_CONTEXT_FLAGS_CQE_128B_COMP);
	cr_expect(dv.flags & MLX5DV_CONTEXT_FLAGS_CQE_128B_PAD);
}

Test(compress, two_formats_at_once_are_refused)
{
	struct ask ask = {.format = MLX5DV_CQE_RES_FORMAT_HASH | MLX5DV_CQE_RES_FORMAT_CSUM};

	cr_expect_null(new_cq(&ask));
	cr_expect_eq(errno, EINVAL);
}

/* ---- formats --------------------------------------------------------------------------------- */

static void expect_hashes(const struct ask *ask)
{
	struct rxq q = simple(ask, L4_PORTS);
	struct comp comp[MAX_BURST];
	char text[256];
	uint32_t hash;

	for (unsigned i = 0; i < 20; i++)
		flow_frame(i, UDP, i * 3, 20 + i);
	send_burst(burst, 20);
	take_all(&q.cqes, comp, 20, text);
	cr_expect_str_eq(text, "20");
	for (unsigned i = 0; i < 20; i++) {
		memcpy(&hash, comp[i].word, 4);
		cr_expect_eq(be32toh(hash), toeplitz(burst[i].b + burst[i].l3 + 12, 12),
			     "hash of %u", i);
	}
	check_frames(&q, comp, 20);
}

Test(compress, hashes_are_each_frames_own)
{
	expect_hashes(&by_hash);
}

Test(compress, entries_of_128_bytes_have_the_arrays_in_their_second_half)
{
	struct ask ask = {.format = MLX5DV_CQE_RES_FORMAT_HASH, .cqe_size = 128};

	expect_hashes(&ask);
}

/* The sum of the IP packet, RFC 1071, not inverted. */
static unsigned ip_sum(const struct frame *f)
{
	return fr_sum(f->b + f->l3, f->len - f->l3, 0);
}

Test(compress, checksums_are_each_frames_own)
{
	struct rxq q = simple(&by_csum, 0);
	struct comp comp[MAX_BURST];
	char text[256];

	for (unsigned i = 0; i < 20; i++)
		flow_frame(i, i < 10 ? UDP : TCP, i * 3, 40 + i);
	send_burst(burst, 20);
	take_all(&q.cqes, comp, 20, text);
	cr_expect_str_eq(text, "10 10");
	for (unsigned i = 0; i < 20; i++)
		cr_expect_eq(fr_get16(comp[i].word), ip_sum(&burst[i]), "frame %u", i);
	check_frames(&q, comp, 20);
}

Test(compress, a_completion_that_is_alone_is_a_plain_one)
{
	struct rxq q = simple(&by_hash, L4_PORTS);
	struct comp comp[MAX_BURST];

	for (unsigned i = 0; i < 3; i++) {
		flow_frame(0, UDP, i, 50);
		send_burst(burst, 1);
		cr_assert_eq(take(&q.cqes, comp, 2000), 1, "a frame is held back");
		cr_expect_eq(mlx5dv_get_cqe_format(&comp[0].cqe), 0);
		check_frames(&q, comp, 1);
	}
}

/* ---- where sessions end ---------------------------------------------------------------------- */

static void expect_sessions(struct rxq *q, unsigned n, const char *want)
{
	struct comp comp[MAX_BURST];
	char text[256];

	send_burst(burst, n);
	take_all(&q->cqes, comp, n, text);
	cr_expect_str_eq(text, want, "sessions of %s, not %s", text, want);
	check_frames(q, comp, n);
}

Test(compress, a_wrong_checksum_ends_a_session)
{
	struct rxq q = simple(&by_hash, L4_PORTS);

	for (unsigned i = 0; i < 12; i++)
		if (flow_frame(i, UDP, 0, 50) && i / 4 == 1)
			burst[i].b[60] ^= 1;
	expect_sessions(&q, 12, "4 4 4");
}

Test(compress, another_protocol_ends_a_session)
{
	struct rxq q = simple(&by_hash, 0);

	for (unsigned i = 0; i < 9; i++)
		flow_frame(i, i < 4 ? UDP : TCP, 0, 50);
	for (unsigned i = 9; i < 11; i++)
		kit_frame(&k, &burst[i], 100);
	expect_sessions(&q, 11, "4 5 2");
}

Test(compress, another_flow_tag_ends_a_session)
{
	struct rxq q = simple(&by_hash, L4_PORTS);
	struct kit_rule r;

	for (unsigned i = 0; i < 2; i++) {
		kit_rule(&r, 0);
		kit_rule_eth(&r, k.b.mac, NULL, 0x0800);
		kit_rule_ipv4(&r, NULL, NULL);
		kit_rule_udp(&r, 1000 + i, 0);
		kit_rule_tag(&r, 77 + i);
		cr_assert_not_null(kit_flow(&k, q.qp, &r), "%s", strerror(errno));
	}
	for (unsigned i = 0; i < 9; i++)
		flow_frame(i, UDP, i < 6 ? i / 3 : 2, 50);
	expect_sessions(&q, 9, "3 3 3");
}

Test(compress, another_stripped_tag_ends_a_session)
{
	struct ask ask = {.format = MLX5DV_CQE_RES_FORMAT_HASH,
			  .wq_flags = IBV_WQ_FLAGS_CVLAN_STRIPPING};
	struct rxq q = simple(&ask, 0);
	struct comp comp[MAX_BURST];
	char text[256];

	for (unsigned i = 0; i < 6; i++) {
		fr_ether(&burst[i], k.b.mac, k.a.mac, 0x88b5);
		fr_vlan(&burst[i], 0x8100, 100 + i / 3);
		fr_payload(&burst[i], 60);
	}
	send_burst(burst, 6);
	take_all(&q.cqes, comp, 6, text);
	cr_expect_str_eq(text, "3 3");
	cr_expect_eq(be16toh(comp[0].cqe.vlan_info), 100);
	cr_expect_eq(be16toh(comp[5].cqe.vlan_info), 101);
	cr_expect_eq(comp[5].byte_cnt, burst[5].len - 4);
}

Test(compress, a_hash_that_small_completions_do_not_carry_ends_a_session)
{
	struct rxq q = simple(&by_csum, L4_PORTS);

	for (unsigned i = 0; i < 8; i++)
		flow_frame(i, UDP, i / 4, 50);
	expect_sessions(&q, 8, "4 4");
}

Test(compress, an_error_ends_a_session)
{
	struct rxq q = simple(&by_hash, 0);
	struct comp comp[MAX_BURST];
	struct mlx5_err_cqe *err;
	char text[256];

	for (unsigned i = 0; i < 9; i++)
		kit_frame(&k, &burst[i], 100 + i);
	segment(&q, 4)->byte_count = htobe32(64);
	send_burst(burst, 9);
	take_all(&q.cqes, comp, 9, text);
	cr_expect_str_eq(text, "4 1 4");
	err = (struct mlx5_err_cqe *)(void *)&comp[4].cqe;
	cr_expect_eq(mlx5dv_get_cqe_opcode(&comp[4].cqe), MLX5_CQE_RESP_ERR);
	cr_expect_eq(err->syndrome, MLX5_CQE_SYNDROME_LOCAL_LENGTH_ERR);
	cr_expect_eq(be16toh(comp[5].cqe.wqe_counter), 5);
}

Test(compress, another_queue_of_the_same_cq_ends_a_session)
{
	struct rxq a = simple(&by_hash, 0), b = {.cq = a.cq};
	struct comp comp[MAX_BURST];
	struct kit_rule r;
	char text[256];

	new_rxq(&b, &by_hash, 0);
	post(&b, 8);
	kit_rule(&r, 0);
	kit_rule_eth(&r, k.b.mac, NULL, 0x88b6);
	cr_assert_not_null(kit_flow(&k, b.qp, &r), "%s", strerror(errno));
	for (unsigned i = 0; i < 8; i++) {
		kit_frame(&k, &burst[i], 100);
		burst[i].b[13] = i / 4 ? 0xb6 : 0xb5;
	}
	send_burst(burst, 8);
	take_all(&a.cqes, comp, 8, text);
	cr_expect_str_eq(text, "4 4");
	cr_expect_neq(comp[0].cqe.srqn_uidx, comp[4].cqe.srqn_uidx);
}

Test(compress, a_session_is_not_longer_than_the_device_says)
{
	struct rxq q = simple(&by_hash, L4_PORTS);

	for (unsigned i = 0; i < MAX_BURST; i++)
		flow_frame(i, UDP, i, 50);
	expect_sessions(&q, MAX_BURST, "64");
}

Test(compress, a_queue_for_timestamps_has_no_sessions)
{
	struct ask ask = {.format = MLX5DV_CQE_RES_FORMAT_HASH,
			  .wc_flags = IBV_WC_EX_WITH_COMPLETION_TIMESTAMP};
	struct rxq q = simple(&ask, 0);

	for (unsigned i = 0; i < 4; i++)
		flow_frame(i, UDP, i, 50);
	expect_sessions(&q, 4, "1 1 1 1");
}

/* ---- under way ------------------------------------------------------------------------------- */

Test(compress, sessions_go_round_the_end_of_the_ring)
{
	struct ask ask = {.format = MLX5DV_CQE_RES_FORMAT_HASH, .entries = 63};
	struct rxq q = simple(&ask, L4_PORTS);
	struct comp comp[MAX_BURST];
	unsigned alone = 0, all = 0, over = 0;
	char text[256];

	for (unsigned i = 0; i < 60; i++) {
		unsigned n = 5 + i * 7 % 40, before = q.cqes.ci;

		for (unsigned j = 0; j < n; j++)
			flow_frame(j, j < 3 && i % 5 == 0 ? TCP : UDP, j * i, 30 + i);
		send_burst(burst, n);
		take_all(&q.cqes, comp, n, text);
		for (unsigned j = 0; j < n; j++)
			alone += comp[j].session < 4;
		all += n;
		over += before / 64 != (q.cqes.ci - 1) / 64;
		cr_assert_eq(q.next, (uint16_t)(all - n));
		for (unsigned j = 0; j < n; j++, q.next++)
			cr_assert_arr_eq(buffer(q.next), burst[j].b, burst[j].len);
		post(&q, n);
	}
	cr_expect_gt(q.cqes.ci / 64, 3, "the ring went round %u times", q.cqes.ci / 64);
	cr_expect_gt(over, 3, "%u bursts over the end", over);
	cr_expect_lt(alone * 2, all, "%u of %u in sessions below 4", alone, all);
}

KIT_UNDO(ibv_destroy_comp_channel, struct ibv_comp_channel)

Test(compress, a_session_rings_once)
{
	struct ask ask = {.format = MLX5DV_CQE_RES_FORMAT_HASH,
			  .channel = ibv_create_comp_channel(k.b.ctx)};
	struct ibv_cq *cq;
	struct rxq q;
	void *context;

	cr_assert_not_null(ask.channel);
	kit_defer(&k, undo_ibv_destroy_comp_channel, ask.channel);
	q = simple(&ask, 0);
	cr_assert_eq(ibv_req_notify_cq(q.cq, 0), 0);
	for (unsigned i = 0; i < 8; i++)
		kit_frame(&k, &burst[i], 100);
	expect_sessions(&q, 8, "8");
	cr_assert(kit_readable(ask.channel->fd, 2000));
	cr_assert_eq(ibv_get_cq_event(ask.channel, &cq, &context), 0);
	cr_expect_not(kit_readable(ask.channel->fd, 50), "a second event");
	ibv_ack_cq_events(cq, 1);
}

Test(compress, a_ring_that_is_not_read_overruns_at_its_size)
{
	struct ask ask = {.format = MLX5DV_CQE_RES_FORMAT_HASH, .entries = 15};
	struct rxq q = simple(&ask, 0);
	struct comp comp[MAX_BURST];
	struct ibv_async_event event;
	char text[256];

	for (unsigned i = 0; i < 20; i++)
		kit_frame(&k, &burst[i], 100);
	send_burst(burst, 20);
	do {
		cr_assert(kit_readable(k.b.ctx->async_fd, 2000));
		cr_assert_eq(ibv_get_async_event(k.b.ctx, &event), 0);
		ibv_ack_async_event(&event);
	} while (event.event_type != IBV_EVENT_CQ_ERR);
	take_all(&q.cqes, comp, 16, text);
	cr_expect_str_eq(text, "16");
	cr_expect_eq(take(&q.cqes, comp, 50), 0);
}

/* ---- strides --------------------------------------------------------------------------------- */

Test(compress, strides_are_each_frames_own_and_a_session_is_of_one_wqe)
{
	struct ask ask = {.format = MLX5DV_CQE_RES_FORMAT_CSUM_STRIDX};
	struct kit_mpw m = {.cq = new_cq(&ask), .depth = 8, .log_stride = 7, .log_strides = 4};
	unsigned stride = 0, wqe = 0, small = 0, all = 0;
	struct comp comp[MAX_BURST];
	char text[256];

	kit_mpw(&k, &k.b, &m);
	kit_mpw_post(&m, 8);
	for (unsigned round = 0; round < 30; round++) {
		for (unsigned i = 0; i < 32; i++)
			kit_frame(&k, &burst[i], 60 + (round * i) % 68);
		send_burst(burst, 32);
		take_all(&m.cqes, comp, 32, text);
		cr_assert_str_eq(text, "16 16");
		for (unsigned i = 0; i < 32; i++) {
			const uint8_t *at = m.mem + ((size_t)(wqe % 8 * 16 + stride) << 7);

			cr_assert_eq(be16toh(comp[i].cqe.wqe_id), wqe);
			cr_assert_eq(fr_get16(comp[i].word + 2), stride);
			cr_assert_eq(comp[i].byte_cnt, 1u << 16 | burst[i].len);
			cr_assert_arr_eq(at, burst[i].b, burst[i].len);
			small += comp[i].session >= 4;
			stride = (stride + 1) % 16;
			wqe += stride == 0;
		}
		all += 32;
		kit_mpw_post(&m, 2);
	}
	cr_expect_gt(small * 2, all);
	cr_expect_gt(wqe / 8, 3);
}

Test(compress, a_filler_is_no_part_of_a_session)
{
	struct ask ask = {.format = MLX5DV_CQE_RES_FORMAT_CSUM_STRIDX};
	struct kit_mpw m = {.cq = new_cq(&ask), .depth = 4, .log_stride = 6, .log_strides = 4};
	struct comp comp[MAX_BURST];
	char text[256];

	kit_mpw(&k, &k.b, &m);
	kit_mpw_post(&m, 4);
	for (unsigned i = 0; i < 6; i++)
		kit_frame(&k, &burst[i], 300); /* five strides of sixteen */
	send_burst(burst, 6);
	take_all(&m.cqes, comp, 7, text);
	cr_expect_str_eq(text, "3 1 3");
	cr_expect_eq(comp[3].byte_cnt, 0x80000000u | 1u << 16);
	cr_expect_eq(fr_get16(comp[6].word + 2), 10);
}

Test(compress, strides_can_be_counted_on_from_the_title)
{
	struct ask ask = {.format = MLX5DV_CQE_RES_FORMAT_HASH};
	struct kit_mpw m = {.cq = new_cq(&ask), .depth = 4, .log_stride = 6, .log_strides = 6};
	struct comp comp[MAX_BURST];
	unsigned stride = 0;
	char text[256];

	kit_mpw(&k, &k.b, &m);
	kit_mpw_post(&m, 4);
	for (unsigned i = 0; i < 10; i++)
		kit_frame(&k, &burst[i], 60 + i * 30);
	send_burst(burst, 10);
	take_all(&m.cqes, comp, 10, text);
	cr_expect_str_eq(text, "10");
	cr_expect_eq(be16toh(comp[0].cqe.wqe_counter), 0);
	for (unsigned i = 0; i < 10; stride += comp[i].byte_cnt >> 16, i++)
		cr_expect_arr_eq(m.mem + ((size_t)stride << 6), burst[i].b, burst[i].len);
}
