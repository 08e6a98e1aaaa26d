/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows added, removed, counted and asked by several threads while queues poll. The rule that a
 * stream comes by has to change its priority over and over, and no frame of it may be lost, come
 * twice, or come to another queue.
 */
#include <stdio.h>
#include <string.h>

#include "thr.h"

enum { FRAMES = 300000, N_STREAMS = 2, CHAIN = 13, BATCH = 40, TEXT = 128, NAME = 16 };

/* What is not the streams' goes to the kernel: there it would be lost. */
static const char text[] = "[region rx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"
			   "[region tx]\nkind = host\nnum_bufs = 256\nbuf_size = 2048\n"
			   "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"
			   "[txq a 0-1]\nregions = tx\ndepth = 64\n"
			   "[rxq b 0-2]\nregions = rx\ndepth = 64\n"
			   "[flow b zero]\ndst_mac = 02:00:00:00:00:10\nqueue = 0\ncount = on\n"
			   "[flow b one]\ndst_mac = 02:00:00:00:00:11\nqueue = 1\n";

struct shared {
	struct daqiri_port *b;
	atomic_bool stop;
	atomic_uint cycles;
};

static void add(struct daqiri_port *port, const char *name, const char *keys)
{
	CHECK(!daqiri_flow_add(port, name, keys), "%s", daqiri_error_detail());
}

static void drop(struct daqiri_port *port, const char *name)
{
	CHECK(!daqiri_flow_remove(port, name), "%s", daqiri_error_detail());
}

/*
 * Ever narrower flows for frames that are not sent, which the stream's rule has to make room for,
 * down to the last priority; then, without them, a wider one, which wants a priority behind it.
 */
static void push_down_and_up(struct daqiri_port *port)
{
	char name[NAME], keys[TEXT];

	for (int i = 0; i < CHAIN; i++) {
		snprintf(name, sizeof(name), "narrow%d", i);
		snprintf(keys, sizeof(keys),
			 "dst_mac = 02:00:00:00:00:10\nipv4_src = 10.0.0.0/%d\nqueue = 2\n", 8 + i);
		add(port, name, keys);
	}
	for (int i = 0; i < CHAIN; i++) {
		snprintf(name, sizeof(name), "narrow%d", i);
		drop(port, name);
	}
	add(port, "wide", "ethertype = 0x88b5\nqueue = 2\n");
	drop(port, "wide");
}

static void *change_order(void *arg)
{
	struct shared *sh = arg;

	while (!atomic_load(&sh->stop)) {
		push_down_and_up(sh->b);
		atomic_fetch_add(&sh->cycles, 1);
	}
	return NULL;
}

static void *change_many(void *arg)
{
	struct shared *sh = arg;
	char name[BATCH][NAME], keys[BATCH][TEXT];
	struct daqiri_flow_text flows[BATCH];
	const char *names[BATCH];

	for (int i = 0; i < BATCH; i++) {
		snprintf(name[i], NAME, "many%d", i);
		snprintf(keys[i], TEXT, "dst_mac = 02:00:00:00:01:%02x\n%s", (unsigned)i,
			 i % 3 ? "queue = 1,2\n" : "drop = on\ncount = on\n");
		flows[i] = (struct daqiri_flow_text){name[i], keys[i]};
		names[i] = name[i];
	}
	while (!atomic_load(&sh->stop)) {
		CHECK(!daqiri_flow_add_batch(sh->b, flows, BATCH), "%s", daqiri_error_detail());
		CHECK(daqiri_flow_add(sh->b, "many0", "udp_dst = 1\nqueue = 2\n") < 0, "twice");
		CHECK(!daqiri_flow_remove_batch(sh->b, names, BATCH), "%s", daqiri_error_detail());
	}
	return NULL;
}

static void *ask(void *arg)
{
	struct shared *sh = arg;
	struct daqiri_stat stats[2];
	uint64_t last = 0;
	uint32_t id;

	while (!atomic_load(&sh->stop)) {
		CHECK(daqiri_flow_stats(sh->b, "zero", stats, 2) == 2, "%s", daqiri_error_detail());
		CHECK(stats[0].value >= last, "a counter goes back");
		last = stats[0].value;
		CHECK(!daqiri_flow_id(sh->b, "one", &id), "%s", daqiri_error_detail());
		daqiri_flow_id(sh->b, "many3", &id);
		daqiri_flow_stats(sh->b, "many3", stats, 2);
	}
	return NULL;
}

static void check_rest(struct daqiri_port *b)
{
	struct daqiri_stat stats[2];
	struct daqiri_pkt pkt;

	CHECK(daqiri_flow_stats(b, "zero", stats, 2) == 2, "%s", daqiri_error_detail());
	CHECK(stats[0].value == FRAMES, "%llu counted", (unsigned long long)stats[0].value);
	for (unsigned i = 0; i < 3; i++)
		CHECK(daqiri_rx_poll(daqiri_rxq_get(b, i), &pkt, 1) == 0, "queue %u: a frame more",
		      i);
}

static void streams_pass(void)
{
	struct daqiri *dq = thr_open(text);
	struct daqiri_port *a = daqiri_port_find(dq, "a");
	struct shared sh = {.b = daqiri_port_find(dq, "b")};
	struct thr_stream streams[N_STREAMS] = {{.dst = {2, 0, 0, 0, 0, 0x10}},
						{.dst = {2, 0, 0, 0, 0, 0x11}}};
	struct thr changers[3];

	thr_start(&changers[0], change_order, &sh);
	thr_start(&changers[1], change_many, &sh);
	thr_start(&changers[2], ask, &sh);
	for (unsigned i = 0; i < N_STREAMS; i++) {
		streams[i].frames = FRAMES;
		streams[i].tx = daqiri_txq_get(a, i);
		streams[i].rx = daqiri_rxq_get(sh.b, i);
		thr_stream_start(&streams[i]);
	}
	for (int i = 0; i < N_STREAMS; i++)
		thr_stream_join(&streams[i]);
	atomic_store(&sh.stop, true);
	thr_join(changers, 3);
	CHECK(atomic_load(&sh.cycles) >= 1, "%u cycles", atomic_load(&sh.cycles));
	printf("# %u cycles of %d changes\n", atomic_load(&sh.cycles), 2 * CHAIN + 2);
	check_rest(sh.b);
	daqiri_close(dq);
	thr_ok("streams pass whole and in order while flows change");
}

int main(void)
{
	streams_pass();
	return thr_done();
}
