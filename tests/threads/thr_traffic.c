/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues on threads of their own, while other threads read counters, errors, descriptions and
 * events of the same context, and one queue after the other meets an error.
 */
#include <stdio.h>
#include <string.h>

#include <infiniband/verbs.h>

#include <daqiri_verbs.h>

#include "thr.h"

enum { FRAMES = 20000, READERS = 2, N_STREAMS = 3 };

/* Streams a 0 -> b 0, a 1 -> b 1, b 0 -> a 0; and two queues that are to stop. */
static const char text[] = "[region rx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"
			   "[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"
			   "[region back]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
			   "[region forth]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
			   "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"
			   "[txq a 0-1]\nregions = tx\ndepth = 64\n[txq a 2]\ndepth = 64\n"
			   "[rxq b 0-2]\nregions = rx\ndepth = 64\n"
			   "[txq b 0]\nregions = back\n[rxq a 0]\nregions = forth\n"
			   "[flow b zero]\ndst_mac = 02:00:00:00:00:10\nqueue = 0\n"
			   "[flow b one]\ndst_mac = 02:00:00:00:00:11\nqueue = 1\n"
			   "[flow a back]\ndst_mac = 02:00:00:00:00:12\nqueue = 0\n";

struct shared {
	struct daqiri *dq;
	struct daqiri_port *a, *b;
	atomic_bool stop;
};

static uint64_t rx_packets(struct daqiri_port *port)
{
	struct daqiri_stat stats[256];
	int n = daqiri_port_stats(port, stats, 256);

	for (int i = 0; i < n; i++)
		if (!strcmp(stats[i].name, "rx_packets"))
			return stats[i].value;
	CHECK(false, "no rx_packets among %d counters", n);
}

static void read_queues(struct daqiri_port *port)
{
	struct daqiri_queue_error err = {.size = sizeof(err)};
	struct daqiri_rxq_info rx_info = {.size = sizeof(rx_info)};
	struct daqiri_txq_info tx_info = {.size = sizeof(tx_info)};
	struct daqiri_stat stats[16];
	struct daqiri_rxq *rx;
	struct daqiri_txq *tx;

	for (unsigned i = 0; (rx = daqiri_rxq_get(port, i)); i++) {
		CHECK(daqiri_rxq_stats(rx, stats, 16) > 0, "%s", daqiri_error_detail());
		CHECK(!daqiri_rxq_info(rx, &rx_info), "%s", daqiri_error_detail());
		if (daqiri_rxq_error(rx, &err))
			CHECK(err.text && err.errors, "an error of rxq %u that is not complete", i);
	}
	for (unsigned i = 0; (tx = daqiri_txq_get(port, i)); i++) {
		CHECK(daqiri_txq_stats(tx, stats, 16) > 0, "%s", daqiri_error_detail());
		CHECK(!daqiri_txq_info(tx, &tx_info), "%s", daqiri_error_detail());
		if (daqiri_txq_error(tx, &err))
			CHECK(err.text && err.errors, "an error of txq %u that is not complete", i);
	}
}

static void *read_all(void *arg)
{
	struct shared *sh = arg;
	struct daqiri_port_info info = {.size = sizeof(info)};
	uint64_t last = 0, value;
	uint32_t id;

	while (!atomic_load(&sh->stop)) {
		value = rx_packets(sh->b);
		CHECK(value >= last, "a counter goes back");
		last = value;
		read_queues(daqiri_port_find(sh->dq, "a"));
		read_queues(daqiri_port_get(sh->dq, 1));
		CHECK(!daqiri_port_info(sh->a, &info), "%s", daqiri_error_detail());
		CHECK(!daqiri_flow_id(sh->b, "one", &id), "%s", daqiri_error_detail());
		CHECK(daqiri_region_find(sh->dq, "tx"), "no region");
	}
	return NULL;
}

static void *read_events(void *arg)
{
	struct shared *sh = arg;
	struct daqiri_event ev = {.size = sizeof(ev)};

	while (!atomic_load(&sh->stop))
		CHECK(daqiri_event_get(sh->dq, &ev) >= 0, "%s", daqiri_error_detail());
	return NULL;
}

/* A send queue that is given memory which is not registered. */
static void *stop_txq(void *arg)
{
	struct shared *sh = arg;
	struct daqiri_txq *tx = daqiri_txq_get(sh->a, 2);
	struct daqiri_queue_error err = {.size = sizeof(err)};
	struct daqiri_pkt pkt = {.addr = 4096, .len = 60};

	CHECK(daqiri_tx_post(tx, &pkt, 1) == 1, "%s", daqiri_error_detail());
	while (!daqiri_txq_error(tx, &err))
		daqiri_tx_completed(tx);
	CHECK(daqiri_tx_post(tx, &pkt, 1) < 0, "a stopped queue takes packets");
	return NULL;
}

static void *stop_rxq(void *arg)
{
	struct shared *sh = arg;
	struct daqiri_rxq *rx = daqiri_rxq_get(sh->b, 2);
	struct ibv_wq_attr attr = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = IBV_WQS_ERR};
	struct daqiri_pkt pkt;

	CHECK(!ibv_modify_wq(daqiri_rxq_ibv_wq(rx), &attr), "cannot be stopped");
	while (daqiri_rx_poll(rx, &pkt, 1) >= 0)
		;
	return NULL;
}

int main(void)
{
	struct shared sh = {.dq = thr_open(text)};
	struct thr_stream streams[N_STREAMS] = {{.dst = {2, 0, 0, 0, 0, 0x10}},
						{.dst = {2, 0, 0, 0, 0, 0x11}},
						{.dst = {2, 0, 0, 0, 0, 0x12}}};
	struct thr readers[READERS + 1], stoppers[2];

	sh.a = daqiri_port_find(sh.dq, "a");
	sh.b = daqiri_port_find(sh.dq, "b");
	for (unsigned i = 0; i < N_STREAMS; i++) {
		streams[i].frames = FRAMES;
		streams[i].tx = i < 2 ? daqiri_txq_get(sh.a, i) : daqiri_txq_get(sh.b, 0);
		streams[i].rx = i < 2 ? daqiri_rxq_get(sh.b, i) : daqiri_rxq_get(sh.a, 0);
	}
	for (int i = 0; i < READERS; i++)
		thr_start(&readers[i], read_all, &sh);
	thr_start(&readers[READERS], read_events, &sh);
	for (int i = 0; i < N_STREAMS; i++)
		thr_stream_start(&streams[i]);
	thr_start(&stoppers[0], stop_txq, &sh);
	thr_start(&stoppers[1], stop_rxq, &sh);
	thr_join(stoppers, 2);
	thr_ok("queues that stop beside others are told of");
	for (int i = 0; i < N_STREAMS; i++)
		thr_stream_join(&streams[i]);
	thr_ok("streams on threads of their own arrive complete and in order");
	CHECK(rx_packets(sh.b) == 2 * FRAMES, "%llu", (unsigned long long)rx_packets(sh.b));
	atomic_store(&sh.stop, true);
	thr_join(readers, READERS + 1);
	thr_ok("counters, errors, descriptions and events are read meanwhile");
	daqiri_close(sh.dq);
	return thr_done();
}
