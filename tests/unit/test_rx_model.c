/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sequences of poll, release, keep, give back and reset, with each way to take packets and
 * from positions near every index limit. DAQIRI_MODEL_PACKETS: how many each gets (10^5).
 */
#include <criterion/criterion.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "rx_model.h"
#include "rxq_compress.h"

#define CYCLIC(isa)                                                                                \
	static void choose_##isa(struct daqiri_rxq *q)                                             \
	{                                                                                          \
		q->poll = dq_rx_poll_cyclic;                                                       \
		q->release = dq_rx_release_cyclic;                                                 \
		q->keep = dq_rx_keep_cyclic;                                                       \
		q->give_back = dq_rx_give_back_cyclic;                                             \
		q->restart = dq_rx_restart_cyclic;                                                 \
		q->take = dq_rx_take_##isa;                                                        \
		q->take_slots = dq_rx_take_slots_##isa;                                            \
	}                                                                                          \
	static const struct rx_kind isa = {.name = #isa,                                           \
					   .choose = choose_##isa,                                 \
					   .keeps = true,                                          \
					   .receive = rx_cyclic_receive,                           \
					   .fail = rx_cyclic_fail,                                 \
					   .room = rx_cyclic_room}

static void run_at_every_limit(const struct rx_kind *kind)
{
	static const uint32_t starts[] = {0, 0x10000 - 1000, 0x1000000 - 1000, 0u - 1000};
	const char *packets = getenv("DAQIRI_MODEL_PACKETS");

	for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		rx_model_run(
			&(struct rx_run){.kind = kind,
					 .start = starts[i],
					 .packets = packets ? strtoull(packets, NULL, 0) : 100000,
					 .seed = 0x2545f4914f6cdd1d + i});
}

#define COMPRESSED(isa, by)                                                                        \
	static void choose_compressed_##isa(struct daqiri_rxq *q)                                  \
	{                                                                                          \
		static struct dq_rx_session session;                                               \
                                                                                                   \
		choose_##isa(q);                                                                   \
		memset(&session, 0, sizeof(session));                                              \
		q->session = &session;                                                             \
		dq_rx_session_init(q, by);                                                         \
		q->poll = (by)->poll[0];                                                           \
	}                                                                                          \
	static void run_compressed_##isa(void)                                                     \
	{                                                                                          \
		struct rx_kind kind = {.name = "compressed " #isa,                                 \
				       .choose = choose_compressed_##isa,                          \
				       .receive = rx_compressed_receive,                           \
				       .fail = rx_compressed_fail,                                 \
				       .settle = rx_compressed_settle,                             \
				       .same_tag = 29,                                             \
				       .room = rx_cyclic_room};                                    \
		run_at_every_limit(&kind);                                                         \
		kind.keeps = true;                                                                 \
		run_at_every_limit(&kind);                                                         \
	}

CYCLIC(portable);
COMPRESSED(portable, &dq_rx_minis_portable)

Test(rx_model, compressed_portable)
{
	run_compressed_portable();
}

Test(rx_model, cyclic_portable)
{
	run_at_every_limit(&portable);
}

/* Its packets on both sides of the ring's end have their own hashes. */
static void try_metadata_of_a_session_round_the_rings_end(const struct dq_rx_minis *by)
{
	static const struct rx_kind kind = {.choose = choose_compressed_portable};
	const struct rx_run run = {.kind = &kind, .start = RX_DEPTH - 5};
	struct daqiri_rx_meta meta[20];
	struct daqiri_pkt pkts[20];
	static struct rx_device d;
	uint8_t frame[64] = {0};

	rx_device_init(&d, &run);
	dq_rx_session_init(&d.q, by);
	d.q.tell = dq_rx_tell_portable;
	d.q.ask = (struct dq_rx_ask){.no_hash = 0};
	d.q.poll = by->poll[DQ_MINIS_TELL];
	for (uint32_t i = 0; i < 20; i++)
		rx_compressed_receive(&d, frame, 20 + i, 3);
	rx_compressed_settle(&d);
	cr_assert_eq(daqiri_rx_poll_meta(&d.q, pkts, meta, 20), 20);
	for (uint32_t i = 0; i < 20; i++) {
		cr_assert_eq(pkts[i].len, 20 + i);
		cr_assert_eq(meta[i].hash, be32toh(3 * 7 + 20 + i), "%u", i);
		cr_assert_eq(meta[i].flow, 3u);
	}
	dq_rx_bufs_free(&d.q);
}

Test(rx_model, metadata_of_a_session_round_the_rings_end)
{
	try_metadata_of_a_session_round_the_rings_end(&dq_rx_minis_portable);
#ifdef __x86_64__
	if (dq_simd_has(DQ_SIMD_AVX2))
		try_metadata_of_a_session_round_the_rings_end(&dq_rx_minis_avx2);
#endif
}

#ifdef __x86_64__
CYCLIC(sse42);
CYCLIC(avx2);
COMPRESSED(avx2, &dq_rx_minis_avx2)

Test(rx_model, compressed_avx2)
{
	if (dq_simd_has(DQ_SIMD_AVX2))
		run_compressed_avx2();
}

Test(rx_model, cyclic_sse42)
{
	if (dq_simd_has(DQ_SIMD_SSE42))
		run_at_every_limit(&sse42);
}

Test(rx_model, cyclic_avx2)
{
	if (dq_simd_has(DQ_SIMD_AVX2))
		run_at_every_limit(&avx2);
}
#endif
