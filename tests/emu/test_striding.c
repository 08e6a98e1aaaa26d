/* SPDX-License-Identifier: Apache-2.0 */
/* Striding receive queues through the public API, from one emulated port to the other. */
#include <errno.h>
#include <stdio.h>

#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

#include <daqiri_verbs.h>

#include "dq_kit.h"

/* A sender on a, a striding receiver on b that gets everything. */
#define LINK(mtu, num_bufs, buf_size, more)                                                        \
	"[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 9100\n"                              \
	"[region rx]\nkind = host\nnum_bufs = " num_bufs "\nbuf_size = " buf_size "\n"             \
	"[port a]\naddress = " MAC_A "\nmtu = 9000\n"                                              \
	"[port b]\naddress = " MAC_B "\nmtu = " mtu "\n"                                           \
	"[txq a 0]\nregions = tx\n"                                                                \
	"[rxq b 0]\nregions = rx\nrx_mode = striding\n" more "[flow b all]\ndst_mac = " MAC_B      \
	"\nqueue = 0\ntag = 77\n"

/* Of a WQE of this device: 64 where it can. */
static uint32_t strides(const struct link *l)
{
	struct mlx5dv_context dv = {.comp_mask = MLX5DV_CONTEXT_MASK_STRIDING_RQ};

	cr_assert_eq(mlx5dv_query_device(daqiri_port_ibv_context(l->b), &dv), 0);
	return dv.striding_rq_caps.min_single_wqe_log_num_of_strides > 6
		       ? 1u << dv.striding_rq_caps.min_single_wqe_log_num_of_strides
		       : 64;
}

static uint32_t depth(const struct link *l)
{
	struct daqiri_rxq_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_rxq_info(l->rx, &info), 0);
	cr_assert_str_eq(info.rx_mode, "striding");
	cr_assert(!strncmp(info.why, "rx_mode=striding was asked for", 30), "%s", info.why);
	return info.depth;
}

static uint32_t wqes_in_ring(const struct link *l)
{
	struct mlx5dv_rwq rwq = {0};
	struct mlx5dv_obj obj = {.rwq = {.in = daqiri_rxq_ibv_wq(l->rx), .out = &rwq}};

	cr_assert_eq(mlx5dv_init_obj(&obj, MLX5DV_OBJ_RWQ), 0);
	return rwq.wqe_cnt;
}

/* ---- packets --------------------------------------------------------------------------------- */

Test(striding, frames_of_every_length_arrive_complete_and_in_order)
{
	struct link l = kit_open_link(LINK("1500", "1152", "2048", ""));
	struct kit_burst burst = {.n = 97, .min = 60, .max = 1514, .dst = MAC_B};

	for (; burst.first < 30000; burst.first += burst.n) {
		kit_send(l.tx, &burst);
		kit_expect(l.rx, &burst);
	}
	cr_assert_eq(kit_port_stat(l.b, "rx_packets"), burst.first);
	cr_assert_eq(kit_port_stat(l.b, "rx_errors"), 0u);
	cr_assert_eq(kit_port_stat(l.a, "tx_bytes"), kit_port_stat(l.b, "rx_bytes"));
	daqiri_close(l.dq);
}

/* Up to five strides each, and fillers where a frame does not fit into the rest of a WQE. */
Test(striding, frames_of_several_strides_arrive)
{
	struct link l = kit_open_link(LINK("9000", "700", "9018", ""));
	struct kit_burst burst = {.n = 23, .min = 60, .max = 9014, .dst = MAC_B};
	uint64_t bytes = 0;

	for (; burst.first < 9200; burst.first += burst.n) {
		kit_send(l.tx, &burst);
		kit_expect(l.rx, &burst);
	}
	for (uint32_t i = 0; i < burst.first; i++)
		bytes += 60 + i % (9014 - 60 + 1);
	cr_assert_eq(kit_port_stat(l.b, "rx_bytes"), bytes);
	cr_assert_eq(kit_port_stat(l.b, "rx_errors"), 0u);
	daqiri_close(l.dq);
}

/* Strides of 512 bytes: 1518 takes three of them, without waste. */
Test(striding, bursts_of_every_size_go_round_the_ring)
{
	struct link l = kit_open_link(LINK("1500", "1152", "1518", ""));
	struct kit_burst burst = {.min = 60, .max = 1514, .dst = MAC_B};

	for (int round = 0; round < 8; round++) {
		for (burst.n = 1; burst.n <= 64; burst.n++) {
			kit_send(l.tx, &burst);
			kit_expect(l.rx, &burst);
			burst.first += burst.n;
		}
	}
	daqiri_close(l.dq);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

/* 3 WQEs of 512 strides, or 24 of 64: what the memory gives, not the power of two below. */
Test(striding, the_ring_holds_all_that_its_memory_gives)
{
	struct link l = kit_open_link(LINK("1500", "1600", "2048", ""));
	uint32_t n = 1600 / strides(&l), before = (uint32_t)kit_port_stat(l.b, "hw_out_of_buffer");
	struct kit_burst burst = {.n = 1600, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkts[1600];

	cr_assert_eq(depth(&l), n * strides(&l));
	cr_assert_eq(wqes_in_ring(&l), n == 3 ? 4 : 32);
	kit_send(l.tx, &burst);
	cr_assert_eq((uint32_t)kit_receive(l.rx, pkts, (int)depth(&l)), depth(&l));
	kit_wait_stat(l.b, "hw_out_of_buffer", before + 1600 - depth(&l));
	for (uint32_t i = 1; i < depth(&l); i++)
		cr_assert_eq(pkts[i].addr, pkts[0].addr + (uint64_t)i * 2048);
	daqiri_close(l.dq);
}

Test(striding, depth_counts_strides)
{
	struct link l = kit_open_link(LINK("1500", "4096", "2048", "depth = 1024\n"));

	cr_assert_eq(depth(&l), 1024u);
	cr_assert_eq(wqes_in_ring(&l), 1024 / strides(&l));
	daqiri_close(l.dq);
}

Test(striding, a_depth_of_less_than_two_wqes_is_refused)
{
	struct link l = kit_open_link(LINK("1500", "4096", "2048", "depth = 1024\n"));
	uint32_t n = strides(&l);
	char want[128];

	daqiri_close(l.dq);
	cr_assert_eq(kit_try_text(LINK("1500", "4096", "2048", "depth = 64\n")), -EINVAL);
	snprintf(want, sizeof(want), "depth must be at least %u, for which its region must give %u",
		 2 * n, 2 * n);
	assert_detail("[rxq b 0] rx_mode=striding: a depth of 64 strides, of 2048 bytes each");
	assert_detail(want);
	if (n > 64) { /* 282 strides */
		cr_assert_eq(kit_try_text(LINK("9000", "64", "9018", "")), -EINVAL);
		assert_detail(
			"does not make two WQEs of the 512 strides that mlx5_1 wants in each");
	}
}

Test(striding, buffers_below_the_mtu_are_refused)
{
	cr_assert_eq(kit_try_text(LINK("1500", "4096", "1500", "")), -EINVAL);
	assert_detail("buf_size=1500 bytes are too small for frames of up to 1518");
}

/* ---- release --------------------------------------------------------------------------------- */

/* Held packets stay as they are while the rest of the ring goes round, and are freed in odd steps.
 */
Test(striding, packets_stay_untouched_until_they_are_released)
{
	struct link l = kit_open_link(LINK("1500", "2048", "2048", ""));
	struct kit_burst burst = {.n = 61, .min = 60, .max = 1514, .dst = MAC_B};
	static struct daqiri_pkt held[4096];
	uint32_t first = 0, last = 0, number;

	for (uint32_t round = 0; round < 400; round++) {
		kit_send(l.tx, &burst);
		burst.first += burst.n;
		cr_assert_eq(kit_receive(l.rx, held + last - first, (int)burst.n), (int)burst.n);
		last += burst.n;
		for (uint32_t i = 0; i < last - first; i++) {
			cr_assert(kit_check((void *)(uintptr_t)held[i].addr, held[i].len, &number));
			cr_assert_eq(number, first + i);
		}
		while (last - first > 300 + round % 7 * 31) {
			uint32_t n = 1 + (first * 7 + round) % 29;

			daqiri_rx_release(l.rx, (int)n);
			memmove(held, held + n, (last - first - n) * sizeof(held[0]));
			first += n;
		}
	}
	daqiri_close(l.dq);
}

Test(striding, a_full_ring_drops_and_goes_on)
{
	struct link l = kit_open_link(LINK("1500", "1024", "2048", ""));
	uint64_t before = kit_port_stat(l.b, "hw_out_of_buffer");
	struct kit_burst burst = {.n = 1024, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt held[1024], more[1];

	for (uint32_t round = 1; round < 5; round++) {
		kit_send(l.tx, &burst);
		cr_assert_eq(kit_receive(l.rx, held, 1024), 1024);
		burst.n = 50;
		kit_send(l.tx, &burst);
		kit_wait_stat(l.b, "hw_out_of_buffer", before + round * 50ull);
		cr_assert_eq(daqiri_rx_poll(l.rx, more, 1), 0);
		daqiri_rx_release(l.rx, 1023);
		daqiri_rx_release(l.rx, 1);
		burst.n = 1024;
	}
	daqiri_close(l.dq);
}

/* ---- keep ------------------------------------------------------------------------------------ */

static uint32_t spares(const struct link *l)
{
	struct daqiri_rxq_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_rxq_info(l->rx, &info), 0);
	return info.spares;
}

/* 2048 of 4096 buffers are spares: as many kept packets, each in a WQE of its own, are there. */
Test(striding, kept_packets_stay_while_the_ring_goes_round)
{
	struct link l = kit_open_link(LINK("1500", "4096", "2048", "depth = 2048\n"));
	struct kit_burst burst = {.n = strides(&l), .min = 60, .max = 1514, .dst = MAC_B};
	struct daqiri_pkt pkts[512], kept[64];
	uint32_t n_kept = 0, number, numbers[64];

	cr_assert_eq(spares(&l), 2048 / strides(&l));
	for (uint32_t round = 0; round < 200; round++, burst.first += burst.n) {
		kit_send(l.tx, &burst);
		cr_assert_eq(kit_receive(l.rx, pkts, (int)burst.n), (int)burst.n);
		if (round % 3 == 0 && n_kept < spares(&l)) {
			cr_assert_eq(daqiri_rx_keep(l.rx, pkts + round % 50, 1), 1);
			kept[n_kept] = pkts[round % 50];
			numbers[n_kept++] = burst.first + round % 50;
		}
		daqiri_rx_release(l.rx, (int)burst.n);
	}
	for (uint32_t i = 0; i < n_kept; i++) {
		cr_assert(kit_check((void *)(uintptr_t)kept[i].addr, kept[i].len, &number));
		cr_assert_eq(number, numbers[i]);
	}
	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(l.rx, pkts, 1), 1);
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts, 1), -ENOBUFS);
	assert_detail("[rxq b 0]: no packet can be kept, all ");
	cr_assert_eq(kit_port_stat(l.b, "rx_kept_out"), n_kept);
	cr_assert_eq(daqiri_rx_give_back(l.rx, kept, (int)n_kept), (int)n_kept);
	cr_assert_eq(daqiri_rx_keep(l.rx, pkts, 1), 1);
	daqiri_close(l.dq);
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* Strides of 64 bytes, so that WQEs of 64 are shorter than what port b takes once this is opened.
 */
#define RAISE_MTU "[port b]\naddress = " MAC_B "\nmtu = 9000\n"

Test(striding, a_frame_longer_than_a_wqe_costs_it_and_the_queue_goes_on)
{
	struct link l = kit_open_link(LINK("512", "256", "530", ""));
	struct daqiri *raised = kit_open_text(RAISE_MTU);
	struct kit_burst good = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct kit_burst bad = {.n = 1, .min = 5000, .max = 5000, .dst = MAC_B};
	struct daqiri_queue_error err = {.size = sizeof(err)};

	if (strides(&l) > 64) /* then no frame is */
		bad.n = 0;
	for (uint64_t round = 1; round <= 200; round++) {
		kit_send(l.tx, &good);
		kit_send(l.tx, &bad);
		kit_expect(l.rx, &good);
		kit_wait_sent(l.tx, round * (10 + bad.n));
		while (bad.n && kit_port_stat(l.b, "rx_length_errors") < round)
			cr_assert_eq(daqiri_rx_poll(l.rx, &(struct daqiri_pkt){0}, 1), 0);
		good.first += 10;
	}
	cr_assert_eq(daqiri_rxq_error(l.rx, &err), (int)bad.n);
	if (bad.n)
		cr_assert_eq(err.rebuild, DAQIRI_REBUILD_NONE);
	daqiri_close(raised);
	daqiri_close(l.dq);
}

Test(striding, a_stopped_queue_says_so)
{
	struct link l = kit_open_link(LINK("1500", "2048", "2048", ""));
	struct kit_burst burst = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct ibv_wq_attr attr = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = IBV_WQS_ERR};
	struct daqiri_queue_error err = {.size = sizeof(err)};

	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	cr_assert_eq(ibv_modify_wq(daqiri_rxq_ibv_wq(l.rx), &attr), 0);
	cr_assert_eq(kit_poll_any(l.rx), -EIO);
	cr_assert_eq(daqiri_rxq_error(l.rx, &err), 1);
	cr_assert_eq(err.syndrome, 0x05);
	cr_assert_eq(err.rebuild, DAQIRI_REBUILD_QUEUE);
	daqiri_close(l.dq);
}

/* ---- several queues -------------------------------------------------------------------------- */

#define TWO_QUEUES                                                                                 \
	"[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"                              \
	"[region rx]\nkind = host\nnum_bufs = 2200\nbuf_size = 2048\n"                             \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"                           \
	"[txq a 0]\nregions = tx\n"                                                                \
	"[rxq b 0-1]\nregions = rx\nrx_mode = striding\n"                                          \
	"[flow b spread]\nethertype = 0x0800\nqueue = 0,1\ntag = 5\n"

/* IPv4 and UDP with as many source ports as frames. */
static void send_udp(struct daqiri_txq *q, uint32_t number)
{
	struct daqiri_pkt pkt;
	uint8_t *p;

	while (daqiri_tx_reserve(q, &pkt, 1) != 1)
		daqiri_tx_completed(q);
	p = (uint8_t *)(uintptr_t)pkt.addr;
	pkt.len = 60 + number % 1400;
	kit_fill(p, pkt.len, MAC_B, number);
	memcpy(p + 12,
	       "\x08\x00\x45\x00\x00\x2e\x00\x00\x00\x00\x40\x11\x00\x00"
	       "\xc6\x12\x00\x01\xc6\x12\x00\x02\x10\x00\x10\x00\x00\x1a\x00\x00",
	       30);
	memcpy(p + 34, &(uint16_t){(uint16_t)number}, 2);
	memcpy(p + 42, &number, 4);
	kit_post_all(q, &pkt, 1);
}

Test(striding, rss_spreads_over_striding_queues)
{
	struct link l = kit_open_link(TWO_QUEUES);
	struct daqiri_rxq *q[2] = {l.rx, daqiri_rxq_get(l.b, 1)};
	uint32_t counts[2] = {0}, seen = 0, sent = 0, next[2] = {0};
	int64_t end = kit_deadline();
	struct daqiri_pkt pkts[16];

	while (seen < 6000 && !kit_is_late(end)) {
		for (int i = 0; i < 8 && sent < 6000; i++)
			send_udp(l.tx, sent++);
		for (int k = 0; k < 2; k++) {
			int n = daqiri_rx_poll(q[k], pkts, 16);

			for (int i = 0; i < n; i++) {
				uint32_t number;

				memcpy(&number, (uint8_t *)(uintptr_t)pkts[i].addr + 42, 4);
				cr_assert_eq(pkts[i].len, 60 + number % 1400);
				cr_assert_geq(number, next[k], "out of order");
				next[k] = number + 1;
			}
			daqiri_rx_release(q[k], n);
			counts[k] += (uint32_t)n;
			seen += (uint32_t)n;
		}
		if (sent % 64 == 0)
			end = kit_deadline();
	}
	cr_assert_eq(seen, 6000u);
	cr_assert_gt(counts[0], 1000u);
	cr_assert_gt(counts[1], 1000u);
	daqiri_close(l.dq);
}
