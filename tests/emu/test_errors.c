/* SPDX-License-Identifier: Apache-2.0 */
/* What is late, long or wrong, on the emulated device: held and eaten slots, error CQEs, queues
 * that stop. */
#include <errno.h>

#include <infiniband/verbs.h>

#include <daqiri_verbs.h>

#include "dq_kit.h"

/* ---- receiving: release, overflow, errors ---------------------------------------------------- */

Test(errors, packets_stay_untouched_until_they_are_released)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.n = 64, .min = 60, .max = 60, .dst = MAC_B};
	uint64_t before = kit_port_stat(l.b, "hw_out_of_buffer");
	struct daqiri_pkt held[64], more[1];
	uint32_t number;

	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(l.rx, held, 64), 64);
	burst.first = 1000;
	kit_send(l.tx, &burst);
	kit_wait_sent(l.tx, 128);
	cr_assert_eq(daqiri_rx_poll(l.rx, more, 1), 0, "a held slot was filled again");
	for (uint32_t i = 0; i < 64; i++) {
		cr_assert(kit_check((void *)(uintptr_t)held[i].addr, held[i].len, &number));
		cr_assert_eq(number, i);
	}
	kit_wait_stat(l.b, "hw_out_of_buffer", before + 64);
	daqiri_rx_release(l.rx, 1000);
	burst.first = 2000;
	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	daqiri_close(l.dq);
}

Test(errors, a_partial_release_frees_the_oldest)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.n = 64, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt held[64], more[64];

	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(l.rx, held, 64), 64);
	daqiri_rx_release(l.rx, 10);
	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(l.rx, more, 10), 10);
	cr_assert_eq(daqiri_rx_poll(l.rx, more, 1), 0);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(more[i].addr, held[i].addr);
	daqiri_close(l.dq);
}

/* Port b takes frames longer than the queue's slots once a second context has raised its MTU. */
#define SMALL_SLOTS                                                                                \
	"[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"                               \
	"[region rx]\nkind = host\nnum_bufs = 64\nbuf_size = 530\n"                                \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\nmtu = 512\n"                \
	"[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n"                                       \
	"[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"
#define RAISE_MTU "[port b]\naddress = " MAC_B "\nmtu = 1500\n"

Test(errors, a_frame_longer_than_its_slot_is_counted_and_the_queue_goes_on)
{
	struct link l = kit_open_link(SMALL_SLOTS);
	struct daqiri *raised = kit_open_text(RAISE_MTU);
	struct kit_burst good = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct kit_burst bad = {.n = 1, .min = 1000, .max = 1000, .dst = MAC_B};
	struct daqiri_queue_error err = {.size = sizeof(err)};

	cr_assert_eq(daqiri_rxq_error(l.rx, &err), 0);
	kit_send(l.tx, &good);
	kit_send(l.tx, &bad);
	good.first = 10;
	kit_send(l.tx, &good);
	good = (struct kit_burst){.n = 20, .min = 60, .max = 60};
	kit_expect(l.rx, &good);
	cr_assert_eq(kit_port_stat(l.b, "rx_length_errors"), 1u);
	cr_assert_eq(daqiri_rxq_error(l.rx, &err), 1);
	cr_assert_eq(err.syndrome, 0x01);
	cr_assert_eq(err.wqe_index, 10);
	cr_assert_eq(err.errors, 1u);
	cr_assert_eq(err.rebuild, DAQIRI_REBUILD_NONE);
	daqiri_close(raised);
	daqiri_close(l.dq);
}

/* More bad frames than the ring has slots, and not one good among them to be released. */
Test(errors, long_frames_alone_do_not_starve_the_queue)
{
	struct link l = kit_open_link(SMALL_SLOTS);
	struct daqiri *raised = kit_open_text(RAISE_MTU);
	struct kit_burst bad = {.n = 64, .min = 1000, .max = 1000, .dst = MAC_B};
	struct kit_burst good = {.n = 64, .min = 60, .max = 60, .dst = MAC_B};

	for (int i = 1; i <= 5; i++) {
		kit_send(l.tx, &bad);
		kit_wait_sent(l.tx, (uint64_t)i * 64);
		cr_assert_eq(kit_receive_none(l.rx), 0);
		cr_assert_eq(kit_port_stat(l.b, "rx_length_errors"), (uint64_t)i * 64);
	}
	kit_send(l.tx, &good);
	kit_expect(l.rx, &good);
	daqiri_close(raised);
	daqiri_close(l.dq);
}

/* A slot that an error ate lies between held packets: it must go back in its turn. */
Test(errors, release_in_steps_across_an_eaten_slot_keeps_held_packets)
{
	struct link l = kit_open_link(SMALL_SLOTS);
	struct daqiri *raised = kit_open_text(RAISE_MTU);
	struct kit_burst good = {.n = 2, .min = 60, .max = 60, .dst = MAC_B};
	struct kit_burst bad = {.n = 1, .min = 1000, .max = 1000, .dst = MAC_B};
	struct daqiri_pkt held[4], filled[64];
	uint32_t number;

	kit_send(l.tx, &good); /* slots 0, 1 */
	kit_send(l.tx, &bad);  /* slot 2 */
	good.first = 2;
	kit_send(l.tx, &good); /* slots 3, 4 */
	cr_assert_eq(kit_receive(l.rx, held, 4), 4);
	daqiri_rx_release(l.rx, 1); /* slot 0 alone */
	good = (struct kit_burst){.first = 10, .n = 63, .min = 60, .max = 60, .dst = MAC_B};
	kit_send(l.tx, &good);
	cr_assert_eq(kit_receive(l.rx, filled, 60), 60, "59 free slots and slot 0");
	cr_assert_eq(daqiri_rx_poll(l.rx, filled, 1), 0);
	for (uint32_t i = 1; i < 4; i++) {
		cr_assert(kit_check((void *)(uintptr_t)held[i].addr, held[i].len, &number));
		cr_assert_eq(number, i);
	}
	daqiri_rx_release(l.rx, 1); /* slot 1, and 2 behind it */
	kit_send(l.tx, &good);
	cr_assert_eq(kit_receive(l.rx, filled, 2), 2);
	cr_assert_eq(daqiri_rx_poll(l.rx, filled, 1), 0);
	cr_assert_eq(filled[0].addr, held[1].addr);
	daqiri_rx_release(l.rx, 64);
	kit_send(l.tx, &good);
	cr_assert_eq(kit_receive(l.rx, filled, 63), 63);
	daqiri_close(raised);
	daqiri_close(l.dq);
}

Test(errors, a_stopped_receive_queue_says_so)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct ibv_wq_attr attr = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = IBV_WQS_ERR};
	struct daqiri_queue_error err = {.size = sizeof(err)};

	cr_assert_eq(ibv_modify_wq(daqiri_rxq_ibv_wq(l.rx), &attr), 0);
	cr_assert_eq(kit_poll_any(l.rx), -EIO);
	assert_detail("[rxq b 0]");
	cr_assert_eq(daqiri_rxq_error(l.rx, &err), 1);
	cr_assert_eq(err.syndrome, 0x05);
	cr_assert_eq(err.rebuild, DAQIRI_REBUILD_QUEUE);
	cr_assert_geq(err.errors, 1u);
	daqiri_close(l.dq);
}

/* ---- sending: errors ------------------------------------------------------------------------- */

Test(errors, a_wrong_key_stops_its_queue_and_no_other)
{
	struct link l = kit_open_link(ONE_WAY("64") "[txq a 1]\ndepth = 64\n");
	struct daqiri_txq *other = daqiri_txq_get(l.a, 1);
	struct daqiri_queue_error err = {.size = sizeof(err)};
	struct kit_burst burst = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkt;

	cr_assert_eq(daqiri_tx_reserve(l.tx, &pkt, 1), 1);
	kit_fill((void *)(uintptr_t)pkt.addr, 60, MAC_B, 0);
	pkt.len = 60;
	pkt.key = daqiri_key_from_lkey(0xdead00);
	cr_assert_eq(daqiri_txq_error(other, &err), 0);
	cr_assert_eq(daqiri_tx_post(other, &pkt, 1), 1);
	err = kit_wait_error(other);
	cr_assert_eq(err.syndrome, 0x04, "syndrome %#x", err.syndrome);
	cr_assert_eq(err.rebuild, DAQIRI_REBUILD_QUEUE);
	cr_assert_eq(err.wqe_index, 0);
	cr_assert(strstr(err.text, "protection"));
	cr_assert_eq(daqiri_tx_completed(other), 0u);
	cr_assert_eq(daqiri_tx_post(other, &pkt, 1), -EIO);
	assert_detail("[txq a 1]");
	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	cr_assert_eq(daqiri_txq_error(l.tx, &err), 0);
	daqiri_close(l.dq);
}

Test(errors, what_was_sent_before_an_error_is_completed)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.n = 20, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_queue_error err;
	struct daqiri_pkt pkts[2];

	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	kit_wait_sent(l.tx, 20);
	cr_assert_eq(daqiri_tx_reserve(l.tx, pkts, 2), 2);
	pkts[0].addr = 4096;
	pkts[0].len = pkts[1].len = 60;
	cr_assert_eq(daqiri_tx_post(l.tx, pkts, 2), 2);
	err = kit_wait_error(l.tx);
	cr_assert_eq(err.syndrome, 0x04, "syndrome %#x", err.syndrome);
	cr_assert_eq(daqiri_tx_completed(l.tx), 20u);
	daqiri_close(l.dq);
}

/* ---- sending: a queue begins anew ------------------------------------------------------------ */

/* Posts n frames and then one with a wrong key, which stops the queue. */
static void stop_after(struct daqiri_txq *q, uint32_t n)
{
	struct kit_burst burst = {.n = n, .min = 60, .max = 1400, .dst = MAC_B};
	uint64_t before = daqiri_tx_completed(q);
	struct daqiri_pkt pkts[3];

	kit_send(q, &burst);
	kit_wait_sent(q, before + n);
	cr_assert_eq(daqiri_tx_reserve(q, pkts, 3), 3);
	for (int i = 0; i < 3; i++)
		pkts[i].len = 60;
	pkts[0].key = daqiri_key_from_lkey(0xdead00);
	cr_assert_eq(daqiri_tx_post(q, pkts, 3), 3);
	cr_assert_eq(kit_wait_error(q).syndrome, 0x04);
	cr_assert_eq(daqiri_tx_completed(q), before + n);
	cr_assert_eq(daqiri_tx_post(q, pkts, 3), -EIO);
}

Test(errors, a_send_queue_that_has_stopped_is_reset_and_goes_on)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_queue_error err = {.size = sizeof(err)};
	struct kit_burst burst = {.n = 64, .min = 60, .max = 1400, .dst = MAC_B};
	struct daqiri_pkt first, again;
	uint64_t sent = 0;

	cr_assert_eq(daqiri_tx_reserve(l.tx, &first, 1), 1);
	for (uint32_t round = 1; round <= 5; round++) {
		stop_after(l.tx, 7 * round);
		burst.n = 7 * round;
		kit_expect(l.rx, &burst);
		cr_assert_eq(daqiri_txq_reset(l.tx, 0), 0, "%s", daqiri_error_detail());
		sent += 7 * round;
		cr_assert_eq(daqiri_txq_error(l.tx, &err), 0);
		cr_assert_eq(daqiri_tx_completed(l.tx), sent + 3 * round);
		cr_assert_eq(daqiri_tx_reserve(l.tx, &again, 1), 1);
		cr_assert_eq(again.addr, first.addr, "slots begin anew");
		/* The ring goes round, several times. */
		for (int i = 0; i < 9; i++) {
			burst.n = 61;
			kit_send(l.tx, &burst);
			kit_expect(l.rx, &burst);
			sent += 61;
			kit_wait_sent(l.tx, sent + 3 * round);
		}
		cr_assert_eq(kit_port_stat(l.a, "tx_packets"), sent + 3 * round);
		cr_assert_eq(kit_port_stat(l.a, "tx_completed"), sent);
		cr_assert_eq(kit_port_stat(l.a, "tx_reset_drops"), 3 * round);
		cr_assert_eq(kit_port_stat(l.a, "tx_resets"), round);
	}
	daqiri_close(l.dq);
}

Test(errors, a_send_queue_that_works_can_be_reset)
{
	struct link l = kit_open_link(ONE_WAY("64") "[txq a 1]\ndepth = 64\n");
	struct kit_burst burst = {.n = 20, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkts[64];
	uint64_t dropped;
	int n;

	cr_assert_eq(daqiri_txq_reset(l.tx, 0), 0);
	cr_assert_eq(daqiri_txq_reset(l.tx, 2), -EINVAL);
	assert_detail("0x2");
	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	kit_wait_sent(l.tx, 20);
	cr_assert_eq(daqiri_txq_reset(l.tx, 0), 0);
	/* Some or all of these are sent, some or none dropped: none is missing. */
	cr_assert_eq(daqiri_tx_reserve(l.tx, pkts, 64), 64);
	for (int i = 0; i < 64; i++) {
		kit_fill((void *)(uintptr_t)pkts[i].addr, 60, MAC_B, (uint32_t)i);
		pkts[i].len = 60;
	}
	cr_assert_eq(daqiri_tx_post(l.tx, pkts, 64), 64);
	n = daqiri_txq_reset(l.tx, 0);
	cr_assert(n == 0 || n == -EBUSY);
	if (n)
		assert_detail("not completed");
	cr_assert_eq(daqiri_txq_reset(l.tx, DAQIRI_RESET_INVALIDATE), 0);
	dropped = kit_port_stat(l.a, "tx_reset_drops");
	cr_assert_eq(daqiri_tx_completed(l.tx), 84u);
	cr_assert_eq(kit_port_stat(l.a, "tx_completed") + dropped, 84u);
	for (n = 0; n < 64;) {
		int got = daqiri_rx_poll(l.rx, pkts, 64);

		cr_assert_geq(got, 0);
		if (!got)
			break;
		daqiri_rx_release(l.rx, got);
		n += got;
	}
	kit_send(l.tx, &burst);
	kit_wait_sent(l.tx, 104);
	daqiri_close(l.dq);
}
