/* SPDX-License-Identifier: Apache-2.0 */
/* Regions and queues that come to a running context and go from it. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "dq_kit.h"

/* Adds what text describes; what it returns. */
static int add(struct daqiri *dq, const char *text)
{
	struct daqiri_config *cfg = NULL;
	int ret;

	cr_assert_eq(daqiri_config_parse(&cfg, text, strlen(text), "more.ini"), 0, "%s",
		     daqiri_error_detail());
	ret = daqiri_add(dq, cfg);
	daqiri_config_destroy(cfg);
	return ret;
}

static void added(struct daqiri *dq, const char *text)
{
	cr_assert_eq(add(dq, text), 0, "%s", daqiri_error_detail());
}

#define refused(call, err, ...)                                                                    \
	do {                                                                                       \
		int ret_ = (call);                                                                 \
		cr_assert_eq(ret_, -(err), "%s: %d: %s", #call, ret_, daqiri_error_detail());      \
		for (const char *const *part = (const char *const[]){__VA_ARGS__, NULL}; *part;    \
		     part++)                                                                       \
			assert_detail(*part);                                                      \
	} while (0)

static const struct kit_burst burst = {.n = 200, .min = 60, .max = 900, .dst = MAC_B};

static void still_works(struct link *l)
{
	kit_send(l->tx, &burst);
	kit_expect(l->rx, &burst);
}

static unsigned count_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += !lseek(fd, 0, SEEK_CUR) || errno != EBADF;
	return n;
}

/* ---- add ------------------------------------------------------------------------------------- */

Test(change, a_send_queue_is_added_and_destroyed)
{
	struct link l = kit_open_link(ONE_WAY("512"));
	struct daqiri_txq *tx;

	added(l.dq, "[region more]\nkind = host\nnum_bufs = 256\nbuf_size = 1000\n"
		    "[txq a 5]\nregions = more\n");
	tx = daqiri_txq_get(l.a, 5);
	cr_assert_not_null(tx);
	kit_send(tx, &burst);
	kit_expect(l.rx, &burst);
	kit_wait_sent(tx, burst.n);
	refused(daqiri_region_destroy(l.dq, daqiri_region_find(l.dq, "more")), EBUSY,
		"[region more]: cannot be destroyed, [txq a 5] uses it: destroy it first");
	cr_assert_eq(daqiri_txq_destroy(l.dq, tx), 0, "%s", daqiri_error_detail());
	cr_assert_null(daqiri_txq_get(l.a, 5));
	cr_assert_eq(daqiri_region_destroy(l.dq, daqiri_region_find(l.dq, "more")), 0);
	cr_assert_null(daqiri_region_find(l.dq, "more"));
	still_works(&l);
	cr_assert_eq(kit_port_stat(l.a, "tx_packets"), 2u * burst.n, "what went before counts");
	daqiri_close(l.dq);
}

Test(change, a_receive_queue_is_added_and_destroyed)
{
	struct link l = kit_open_link(PORTS "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n");
	struct daqiri_pkt pkts[200];
	struct daqiri_rxq *rx;

	added(l.dq, "[rxq b 1]\nkind = host\nnum_bufs = 600\nbuf_size = 2000\n");
	rx = daqiri_rxq_get(l.b, 1);
	cr_assert_not_null(rx);
	cr_assert_eq(daqiri_flow_add(l.b, "late", "dst_mac = " MAC_B "\nqueue = 1\n"), 0, "%s",
		     daqiri_error_detail());
	for (int round = 0; round < 10; round++) {
		kit_send(l.tx, &burst);
		cr_assert_eq(kit_receive(rx, pkts, (int)burst.n), (int)burst.n);
		cr_assert(kit_check((void *)(uintptr_t)pkts[199].addr, pkts[199].len,
				    &(uint32_t){0}));
		daqiri_rx_release(rx, (int)burst.n);
	}
	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(rx, pkts, (int)burst.n), (int)burst.n);
	refused(daqiri_rxq_destroy(l.dq, rx), EBUSY, "more.ini:1: [rxq b 1]: cannot be destroyed, ",
		"[flow b late] sends packets to it: remove it first");
	cr_assert_eq(daqiri_flow_remove(l.b, "late"), 0, "%s", daqiri_error_detail());
	refused(daqiri_rxq_destroy(l.dq, rx), EBUSY, "more.ini:1: [rxq b 1]: cannot be destroyed, ",
		"200 packets are polled and not released, 0 are kept");
	cr_assert_eq(daqiri_rx_keep(rx, pkts, 1), 1);
	daqiri_rx_release(rx, (int)burst.n);
	refused(daqiri_rxq_destroy(l.dq, rx), EBUSY,
		"0 packets are polled and not released, 1 are");
	cr_assert_eq(daqiri_rx_give_back(rx, pkts, 1), 1);
	cr_assert_eq(daqiri_rxq_destroy(l.dq, rx), 0, "%s", daqiri_error_detail());
	cr_assert_null(daqiri_rxq_get(l.b, 1));
	cr_assert_eq(kit_port_stat(l.b, "rx_packets"), 11u * burst.n, "what it received counts");
	daqiri_close(l.dq);
}

Test(change, a_queue_for_unmatched_frames_stays_as_long_as_the_context)
{
	struct link l = kit_open_link(PORTS "unmatched = queue 0\n[txq a 0]\nregions = tx\n"
					    "[rxq b 0]\nregions = rx\n");

	refused(daqiri_rxq_destroy(l.dq, l.rx), EBUSY,
		"[rxq b 0]: cannot be destroyed while the context is open: unmatched of [port b] "
		"names it");
	daqiri_close(l.dq);
}

/* What a message advises can be done in what is added. */
Test(change, what_does_not_fit_is_told_with_a_cure_that_is_left)
{
	struct link l = kit_open_link(ONE_WAY("512") "[region small]\nkind = host\n"
						     "num_bufs = 100\nbuf_size = 2000\n");

	refused(add(l.dq, "[rxq b 1]\nregions = small\ndepth = 128\n"), EINVAL,
		"regions=small: [region small] of the running context has 100 buffers",
		"it would take 128: make depth smaller, or add a region");
	refused(add(l.dq, "[rxq b 1-2]\nregions = small\n"), EINVAL,
		"leaves each queue less than 64 buffers; it would take 128");
	refused(add(l.dq, "[rxq b 1]\nregions = smalls\n"), EINVAL,
		"there is no [region smalls]; did you mean small?");
	refused(add(l.dq, "[rxq c 1]\nregions = small\n"), EINVAL, "there is no [port c]");
	added(l.dq, "");
	still_works(&l);
	daqiri_close(l.dq);
}

/* Posted packets are completed, dropped or on their way, also where their queue has stopped and
 * gone. */
Test(change, what_a_stopped_queue_will_not_send_is_counted_as_dropped)
{
	struct link l = kit_open_link(ONE_WAY("512") "[txq a 1]\ndepth = 64\n");
	struct daqiri_txq *tx = daqiri_txq_get(l.a, 1);
	struct daqiri_pkt pkts[3];

	cr_assert_eq(daqiri_tx_reserve(l.tx, pkts, 3), 3);
	for (int i = 0; i < 3; i++) {
		pkts[i].len = 60;
		pkts[i].key = daqiri_key_from_lkey(0xdead00);
	}
	cr_assert_eq(daqiri_tx_post(tx, pkts, 3), 3);
	kit_wait_error(tx);
	cr_assert_eq(daqiri_txq_destroy(l.dq, tx), 0, "%s", daqiri_error_detail());
	cr_assert_eq(kit_port_stat(l.a, "tx_packets"), 3u);
	cr_assert_eq(kit_port_stat(l.a, "tx_completed"), 0u);
	cr_assert_eq(kit_port_stat(l.a, "tx_reset_drops"), 3u);
	daqiri_close(l.dq);
}

/* What the program was refused is counted where the program sees the queue, which goes first. */
Test(change, a_worker_s_refusals_stay_in_the_sums)
{
	struct link l = kit_open_link(PORTS "[txq a 0]\nregions = tx\ndepth = 64\nmode = worker\n"
					    "cpu_core = 0\n[rxq b 0]\nregions = rx\n");
	struct daqiri_pkt pkts[300];
	uint64_t full = 0;

	for (int i = 0; i < 1000 && !full; i++) {
		int n = daqiri_tx_reserve(l.tx, pkts, 300);

		for (int k = 0; k < n; k++)
			kit_fill((void *)(uintptr_t)pkts[k].addr, pkts[k].len = 60, MAC_B, 0);
		for (int k = n; n > 0 && k < 300; k++)
			pkts[k] = pkts[k % n];
		if (n > 0)
			cr_assert_geq(daqiri_tx_post(l.tx, pkts, 300), 0);
		full = kit_port_stat(l.a, "tx_full");
	}
	cr_assert_gt(full, 0u);
	kit_wait_sent(l.tx, kit_port_stat(l.a, "tx_packets"));
	for (int64_t deadline = kit_deadline(); daqiri_txq_destroy(l.dq, l.tx);)
		cr_assert(!kit_is_late(deadline), "%s", daqiri_error_detail());
	cr_assert_geq(kit_port_stat(l.a, "tx_full"), full);
	daqiri_close(l.dq);
}

static unsigned n_unfed;

static void count_unfed(void *arg, enum daqiri_log_level level, const char *text)
{
	(void)arg;
	(void)level;
	n_unfed += strstr(text, "no flow leads to this queue") != NULL;
}

/* Only flows that come later can lead to it. */
Test(change, nobody_is_warned_of_an_added_queue_without_flows)
{
	struct link l = kit_open_link(PORTS "unmatched = queue 0\n[txq a 0]\nregions = tx\n"
					    "[rxq b 0]\nregions = rx\n");

	daqiri_log_set(count_unfed, NULL);
	added(l.dq, "[rxq b 1-2]\nkind = host\nnum_bufs = 256\nbuf_size = 2000\n");
	daqiri_log_set(NULL, NULL);
	cr_assert_eq(n_unfed, 0u);
	daqiri_close(l.dq);
}

Test(change, what_is_left_goes_with_the_context)
{
	struct link l = kit_open_link(ONE_WAY("512"));

	added(l.dq, "[region more]\nkind = host\nnum_bufs = 512\nbuf_size = 2000\n"
		    "[rxq b 1-2]\nregions = more\n[txq a 1]\n");
	added(l.dq, "[txq a 2]\nkind = host\nnum_bufs = 64\nbuf_size = 100\n");
	still_works(&l);
	daqiri_close(l.dq);
}

Test(change, a_region_may_be_used_again)
{
	struct link l = kit_open_link(ONE_WAY("512"));
	struct daqiri_region_info before = {.size = sizeof(before)}, after = before;
	struct daqiri_region *region = daqiri_region_find(l.dq, "tx");

	cr_assert_eq(daqiri_region_info(region, &before), 0);
	refused(add(l.dq, "[txq a 1]\nregions = tx\n"), EBUSY,
		"[region tx]: its buffers were dealt to [txq a 0] already");
	cr_assert_eq(daqiri_txq_destroy(l.dq, l.tx), 0);
	added(l.dq, "[txq a 0-1]\nregions = tx\n");
	cr_assert_eq(daqiri_region_find(l.dq, "tx"), region);
	cr_assert_eq(daqiri_region_info(region, &after), 0);
	cr_assert_eq(after.addr, before.addr);
	l.tx = daqiri_txq_get(l.a, 1);
	still_works(&l);
	refused(daqiri_region_destroy(l.dq, region), EBUSY, "[txq a 0], [txq a 1] use it");
	/* It is the opened part's, and the added one's queues go first. */
	daqiri_close(l.dq);
}

Test(change, a_worker_gets_more_queues_and_fewer)
{
	struct link l = kit_open_link(
		PORTS
		"[txq a 0]\nregions = tx\nmode = worker\ncpu_core = 0\n"
		"[rxq b 0]\nregions = rx\ndepth = 512\nmode = worker\ncpu_core = 0\nbatch = 1\n"
		"[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n");

	for (int round = 0; round < 3; round++) {
		struct daqiri_txq *tx[2];

		added(l.dq, "[region more]\nkind = host\nnum_bufs = 512\nbuf_size = 2000\n"
			    "[txq a 1]\nregions = more\nmode = worker\ncpu_core = 0\n"
			    "[txq a 2]\nregions = more\nmode = worker\ncpu_core = 1\n");
		for (unsigned i = 0; i < 2; i++) {
			tx[i] = daqiri_txq_get(l.a, i + 1);
			kit_send(tx[i], &burst);
			kit_expect(l.rx, &burst);
		}
		for (unsigned i = 0; i < 2; i++) {
			kit_wait_sent(tx[i], burst.n);
			cr_assert_eq(daqiri_txq_destroy(l.dq, tx[i]), 0, "%s",
				     daqiri_error_detail());
		}
		cr_assert_eq(daqiri_region_destroy(l.dq, daqiri_region_find(l.dq, "more")), 0);
		still_works(&l);
	}
	kit_wait_sent(l.tx, 3 * burst.n);
	cr_assert_eq(daqiri_txq_destroy(l.dq, l.tx), 0, "%s", daqiri_error_detail());
	daqiri_close(l.dq);
}

/* The tables of the worker shrink from one with more of the other kind. */
Test(change, a_worker_of_many_loses_one_of_the_other_kind)
{
	struct link l = kit_open_link(
		PORTS "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\ndepth = 512\n"
		      "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n");

	added(l.dq, "[rxq b 1]\nkind = host\nnum_bufs = 64\nbuf_size = 2000\nmode = worker\n"
		    "cpu_core = 0\n");
	for (unsigned i = 1; i < 9; i++) {
		char text[64];

		snprintf(text, sizeof(text), "[txq a %u]\nmode = worker\ncpu_core = 0\n", i);
		added(l.dq, text);
	}
	cr_assert_eq(daqiri_rxq_destroy(l.dq, daqiri_rxq_get(l.b, 1)), 0);
	for (unsigned i = 1; i < 8; i++)
		cr_assert_eq(daqiri_txq_destroy(l.dq, daqiri_txq_get(l.a, i)), 0);
	for (unsigned i = 2; i < 9; i++) {
		char text[96];

		snprintf(text, sizeof(text),
			 "[rxq b %u]\nkind = host\nnum_bufs = 64\nbuf_size = 2000\nmode = worker\n"
			 "cpu_core = 0\n",
			 i);
		added(l.dq, text);
	}
	cr_assert_eq(daqiri_txq_destroy(l.dq, daqiri_txq_get(l.a, 8)), 0);
	still_works(&l);
	daqiri_close(l.dq);
}

/* ---- what is refused changes nothing --------------------------------------------------------- */

Test(change, what_cannot_be_added)
{
	struct link l = kit_open_link(ONE_WAY("512"));
	struct daqiri_region *region;
	unsigned files = count_files();

	refused(add(l.dq, "[port c]\naddress = mlx5_7\n"), EINVAL, "more.ini:1: [port c]",
		"cannot be added to a context that runs; allowed [region], [rxq] and [txq]");
	refused(add(l.dq, "[daqiri]\nlog_level = info\n"), EINVAL, "cannot be added");
	refused(add(l.dq, "[region rx]\nkind = host\nnum_bufs = 64\nbuf_size = 64\n"), EINVAL,
		"more.ini:1: [region rx]", "the context has a region of this name");
	refused(add(l.dq, "[txq a 0]\n"), EEXIST,
		"more.ini:1: [txq a 0]: the context has this queue already");
	refused(add(l.dq, "[rxq b 0]\nkind = host\nnum_bufs = 64\nbuf_size = 2000\n"), EEXIST,
		"[rxq b 0]: the context has this queue already");
	refused(add(l.dq, "[txq c 1]\n"), EINVAL, "there is no [port c]");
	refused(add(l.dq, "[txq a 1]\nregions = text\n"), EINVAL, "there is no [region text]");
	refused(add(l.dq, "[rxq b 1]\nkind = host\nnum_bufs = 64\nbuf_size = 200\n"), EINVAL,
		"[rxq b 1]: slots of buf_size=200 bytes are too small");
	/* The region and the first queue can be made, the second queue cannot. */
	refused(add(l.dq, "[region more]\nkind = host\nnum_bufs = 512\nbuf_size = 200\n"
			  "[txq a 1]\nregions = more\n[rxq b 1]\nregions = more\n"),
		EINVAL, "[rxq b 1]");
	cr_assert_null(daqiri_region_find(l.dq, "more"));
	cr_assert_null(daqiri_txq_get(l.a, 1));
	cr_assert_eq(count_files(), files);
	region = daqiri_region_find(l.dq, "rx");
	refused(daqiri_region_destroy(l.dq, region), EBUSY, "[rxq b 0] uses it");
	still_works(&l);
	daqiri_close(l.dq);
}

Test(change, queues_in_use_cannot_be_destroyed)
{
	struct link l = kit_open_link(ONE_WAY("512"));
	struct daqiri_pkt pkt = {.addr = 0};

	refused(daqiri_rxq_destroy(l.dq, l.rx), EBUSY, "[rxq b 0]: cannot be destroyed, ",
		"[flow b all] sends packets to it: remove it first");
	cr_assert_eq(daqiri_tx_reserve(l.tx, &pkt, 1), 1);
	pkt.len = 60;
	kit_fill((void *)(uintptr_t)pkt.addr, pkt.len, MAC_B, 0);
	cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), 1);
	while (daqiri_txq_destroy(l.dq, l.tx) == -EBUSY)
		assert_detail("[txq a 0]: cannot be destroyed, 1 packets are posted and not");
	cr_assert_null(daqiri_txq_get(l.a, 0));
	daqiri_close(l.dq);
}

Test(change, objects_of_another_context)
{
	struct link l = kit_open_link(ONE_WAY("512"));
	struct daqiri_rxq *rx;

	added(l.dq, "[rxq b 1]\nkind = host\nnum_bufs = 64\nbuf_size = 2000\n");
	rx = daqiri_rxq_get(l.b, 1);
	cr_assert_eq(daqiri_rxq_destroy(l.dq, rx), 0);
	refused(daqiri_rxq_destroy(l.dq, rx), ENOENT,
		"daqiri_rxq_destroy: the context has no such");
	daqiri_close(l.dq);
}

/* Neither memory nor files are left behind by any of many. */
Test(change, many_times)
{
	struct link l = kit_open_link(ONE_WAY("512"));
	unsigned files = 0;

	for (int i = 0; i < 200; i++) {
		added(l.dq, "[region more]\nkind = host\nnum_bufs = 64\nbuf_size = 2000\n"
			    "[rxq b 1]\nregions = more\n[txq a 1]\n");
		cr_assert_eq(daqiri_rxq_destroy(l.dq, daqiri_rxq_get(l.b, 1)), 0);
		cr_assert_eq(daqiri_txq_destroy(l.dq, daqiri_txq_get(l.a, 1)), 0);
		cr_assert_eq(daqiri_region_destroy(l.dq, daqiri_region_find(l.dq, "more")), 0);
		if (!files)
			files = count_files();
	}
	cr_assert_eq(count_files(), files);
	still_works(&l);
	daqiri_close(l.dq);
}
