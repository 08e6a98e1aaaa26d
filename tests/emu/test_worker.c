/* SPDX-License-Identifier: Apache-2.0 */
/* What queues in worker mode refuse, and what they say. How they move packets: threads/. */
#include <errno.h>

#include "dq_kit.h"

#define WORKERS                                                                                    \
	PORTS "[txq a 0]\nregions = tx\nmode = worker\ncpu_core = 0\n"                             \
	      "[rxq b 0]\nregions = rx\ndepth = 512\nmode = worker\ncpu_core = 0\nbatch = 1\n"     \
	      "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\ntag = 77\n"

/* A packet that is held, so that nothing else is to blame. */
static struct link open_and_hold(struct daqiri_pkt *pkt)
{
	struct link l = kit_open_link(WORKERS);

	kit_send(l.tx, &(struct kit_burst){.n = 1, .min = 60, .max = 60, .dst = MAC_B});
	cr_assert_eq(kit_receive(l.rx, pkt, 1), 1);
	return l;
}

/* The queue goes on after what it has refused. */
static void still_works(struct link *l)
{
	struct kit_burst burst = {.first = 1, .n = 50, .min = 60, .max = 900, .dst = MAC_B};

	daqiri_rx_release(l->rx, 1);
	kit_send(l->tx, &burst);
	kit_expect(l->rx, &burst);
	daqiri_close(l->dq);
}

#define refuses(call, err, ...)                                                                    \
	do {                                                                                       \
		struct daqiri_pkt pkt;                                                             \
		struct link l = open_and_hold(&pkt);                                               \
		cr_assert_eq(call, -(err));                                                        \
		for (const char *const *part = (const char *const[]){__VA_ARGS__, NULL}; *part;    \
		     part++)                                                                       \
			assert_detail(*part);                                                      \
		still_works(&l);                                                                   \
	} while (0)

Test(worker, packets_cannot_be_kept)
{
	refuses(daqiri_rx_keep(l.rx, &pkt, 1), EOPNOTSUPP,
		"[rxq b 0]: ", "mode=worker cannot be kept in this version",
		"use mode=direct, or copy them");
}

Test(worker, nor_be_given_back)
{
	refuses(daqiri_rx_give_back(l.rx, &pkt, 1), EOPNOTSUPP,
		"[rxq b 0]: ", "mode=worker cannot be kept in this version");
}

Test(worker, nothing_is_told_of_packets)
{
	struct daqiri_rx_meta meta;

	refuses(daqiri_rx_poll_meta(l.rx, &pkt, &meta, 1), EINVAL,
		"[rxq b 0] mode=worker: ", "handed over without metadata: use mode = direct");
	cr_assert_eq(kit_try_text(PORTS "[rxq b 0]\nregions = rx\nmode = worker\ncpu_core = 0\n"
					"metadata = hash\n"),
		     -EINVAL);
	assert_detail(
		"[rxq b 0] metadata=hash: with mode = worker packets are handed over without");
}

Test(worker, there_is_nothing_to_wait_on)
{
	refuses(daqiri_rxq_fd(l.rx), EOPNOTSUPP,
		"[rxq b 0] mode=worker: ", "there is nothing to wait on: use mode = direct");
	refuses(daqiri_rxq_arm(l.rx), EOPNOTSUPP,
		"[rxq b 0] mode=worker: ", "there is nothing to wait on: use mode = direct");
}

Test(worker, queues_cannot_be_reset)
{
	refuses(daqiri_rxq_reset(l.rx, DAQIRI_RESET_INVALIDATE), EOPNOTSUPP,
		"[rxq b 0] mode=worker: ", "use mode = direct, or open the context again");
	refuses(daqiri_txq_reset(l.tx, DAQIRI_RESET_INVALIDATE), EOPNOTSUPP,
		"[txq a 0] mode=worker: ", "use mode = direct, or open the context again");
}
