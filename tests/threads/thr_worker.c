/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues in worker mode: a thread of the library polls and posts. The program sees what it would
 * see of other queues, only later.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <infiniband/verbs.h>

#include <daqiri_verbs.h>

#include "thr.h"

enum { FRAMES = 20000, N_STREAMS = 3, BATCH = 16, TEXT = 4096, KEYS = 160, PATIENCE_S = 60 };

/*
 * Rings of more than two windows of thr.c: what the receiver has released, and the sender so sends
 * again, may still be on its way back to the NIC, and a striding ring gives back whole WQEs.
 */
static const char memory[] = "[region rx]\nkind = host\nnum_bufs = 768\nbuf_size = 2048\n"
			     "[region tx]\nkind = host\nnum_bufs = 512\nbuf_size = 2048\n"
			     "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"
			     "[flow b zero]\ndst_mac = 02:00:00:00:00:10\nqueue = 0\n"
			     "[flow b one]\ndst_mac = 02:00:00:00:00:11\nqueue = 1\n"
			     "[flow b two]\ndst_mac = 02:00:00:00:00:12\nqueue = 2\n";

/* Of the cores that this process may use, the first and the last. */
static int cores[2];

static void find_cores(void)
{
	cpu_set_t set;

	CHECK(!sched_getaffinity(0, sizeof(set), &set), "%m");
	cores[0] = -1;
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		cores[0] = cores[0] < 0 ? (int)i : cores[0];
		cores[1] = (int)i;
	}
}

/* keys: of the three receive queues; mode of the send queues alike. */
static struct daqiri *open_queues(const char *rx_keys, const char *tx_keys)
{
	char text[TEXT];

	snprintf(text, sizeof(text),
		 "%s[rxq b 0-2]\nregions = rx\ndepth = 256\n%s[txq a 0-2]\nregions = tx\ndepth = "
		 "128\n"
		 "%s",
		 memory, rx_keys, tx_keys);
	return thr_open(text);
}

static struct daqiri *open_workers(unsigned timeout_us)
{
	char rx[KEYS], tx[KEYS];

	snprintf(rx, sizeof(rx), "mode = worker\ncpu_core = %d\nbatch = %d\ntimeout_us = %u\n",
		 cores[0], BATCH, timeout_us);
	snprintf(tx, sizeof(tx), "mode = worker\ncpu_core = %d\nbatch = %d\n", cores[1], BATCH);
	return open_queues(rx, tx);
}

static struct daqiri_rxq *rxq(struct daqiri *dq, unsigned i)
{
	return daqiri_rxq_get(daqiri_port_find(dq, "b"), i);
}

static struct daqiri_txq *txq(struct daqiri *dq, unsigned i)
{
	return daqiri_txq_get(daqiri_port_find(dq, "a"), i);
}

static uint64_t stat_of(struct daqiri *dq, const char *port, const char *name)
{
	struct daqiri_stat stats[256];
	int n = daqiri_port_stats(daqiri_port_find(dq, port), stats, 256);

	for (int i = 0; i < n; i++)
		if (!strcmp(stats[i].name, name))
			return stats[i].value;
	CHECK(false, "no %s among %d counters", name, n);
}

/* ---- streams ----------------------------------------------------------------------------------
 */

static void run_streams(struct daqiri *dq)
{
	struct thr_stream streams[N_STREAMS] = {{.dst = {2, 0, 0, 0, 0, 0x10}},
						{.dst = {2, 0, 0, 0, 0, 0x11}},
						{.dst = {2, 0, 0, 0, 0, 0x12}}};

	for (unsigned i = 0; i < N_STREAMS; i++) {
		streams[i].frames = FRAMES;
		streams[i].tx = txq(dq, i);
		streams[i].rx = rxq(dq, i);
		thr_stream_start(&streams[i]);
	}
	for (int i = 0; i < N_STREAMS; i++)
		thr_stream_join(&streams[i]);
	CHECK(stat_of(dq, "b", "rx_packets") == N_STREAMS * FRAMES, "rx_packets");
	CHECK(stat_of(dq, "a", "tx_packets") == N_STREAMS * FRAMES, "tx_packets");
	CHECK(stat_of(dq, "a", "tx_completed") == N_STREAMS * FRAMES, "tx_completed");
	daqiri_close(dq);
}

static void streams_arrive(void)
{
	char one[KEYS];

	run_streams(open_workers(50));
	thr_ok("workers hand streams over complete and in order");
	snprintf(one, sizeof(one), "mode = worker\ncpu_core = %d\n", cores[0]);
	run_streams(open_queues("", one));
	thr_ok("a send queue in worker mode feeds a receive queue in direct mode");
	snprintf(one, sizeof(one), "mode = worker\ncpu_core = %d\ntimeout_us = 1\n", cores[0]);
	run_streams(open_queues(one, ""));
	thr_ok("a receive queue in worker mode takes from a send queue in direct mode");
	snprintf(one, sizeof(one),
		 "mode = worker\ncpu_core = %d\ntimeout_us = 50\nrx_mode = striding\n", cores[0]);
	run_streams(open_queues(one, ""));
	thr_ok("so does one that is striding");
}

/* ---- batches ----------------------------------------------------------------------------------
 */

static void wait_a_little(time_t start, const char *what)
{
	CHECK(time(NULL) - start < PATIENCE_S, "%s", what);
	sched_yield();
}

static void send_frames(struct daqiri_txq *tx, int n)
{
	time_t start = time(NULL);
	struct daqiri_pkt pkt;

	while (n) {
		if (daqiri_tx_reserve(tx, &pkt, 1) != 1) {
			wait_a_little(start, "no slot");
			continue;
		}
		memset((void *)(uintptr_t)pkt.addr, 0, 60);
		memcpy((void *)(uintptr_t)pkt.addr, "\x02\0\0\0\0\x10\x02\xda\x01\0\0\x01\x88\xb5",
		       14);
		pkt.len = 60;
		CHECK(daqiri_tx_post(tx, &pkt, 1) == 1, "%s", daqiri_error_detail());
		n--;
	}
}

/* Until the NIC has received n frames: the worker polls soon after. */
static void wait_received(struct daqiri *dq, uint64_t n)
{
	time_t start = time(NULL);

	while (stat_of(dq, "b", "rx_packets") < n)
		wait_a_little(start, "reception");
}

/* What is handed over within a while. */
static int take(struct daqiri_rxq *rx, int ms)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	struct daqiri_pkt pkts[64];
	int n = 0, got = 0;

	for (int i = 0; i < ms && got < BATCH; i++) {
		n = daqiri_rx_poll(rx, pkts, 64);
		CHECK(n >= 0, "%s", daqiri_error_detail());
		daqiri_rx_release(rx, n);
		got += n;
		nanosleep(&nap, NULL);
	}
	return got;
}

static void batches_are_whole(void)
{
	struct daqiri *dq = open_workers(0);

	for (uint64_t sent = 0; sent < 20 * BATCH; sent += BATCH) {
		send_frames(txq(dq, 0), BATCH - 1);
		wait_received(dq, sent + BATCH - 1);
		CHECK(take(rxq(dq, 0), 5) == 0, "a part of a batch was handed over");
		send_frames(txq(dq, 0), 1);
		CHECK(take(rxq(dq, 0), PATIENCE_S * 1000) == BATCH, "the batch is not whole");
	}
	send_frames(txq(dq, 0), BATCH / 2);
	daqiri_close(dq);
	thr_ok("without a timeout only whole batches are handed over");
	dq = open_workers(2000);
	send_frames(txq(dq, 0), 3);
	for (int got = 0; got < 3;)
		got += take(rxq(dq, 0), 10);
	daqiri_close(dq);
	thr_ok("with one also parts of them");
}

/* Packets that are held and packets that were not taken, when the context goes. */
static void close_amid_traffic(void)
{
	for (int i = 0; i < 20; i++) {
		struct daqiri *dq = open_workers(1);
		struct daqiri_pkt pkts[8];

		send_frames(txq(dq, 0), 40);
		if (i & 1)
			wait_received(dq, 40);
		daqiri_rx_poll(rxq(dq, 0), pkts, 8);
		daqiri_close(dq);
	}
	thr_ok("a context is closed amid traffic");
}

/* ---- errors -----------------------------------------------------------------------------------
 */

static void a_receive_queue_stops(struct daqiri *dq)
{
	struct ibv_wq_attr attr = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = IBV_WQS_ERR};
	struct daqiri_queue_error err = {.size = sizeof(err)};
	struct daqiri_rxq *rx = rxq(dq, 0);
	time_t start = time(NULL);
	struct daqiri_pkt pkts[8];
	int n, got = 0;

	send_frames(txq(dq, 0), 5);
	wait_received(dq, 5);
	CHECK(!ibv_modify_wq(daqiri_rxq_ibv_wq(rx), &attr), "cannot be stopped");
	while ((n = daqiri_rx_poll(rx, pkts, 2)) >= 0) {
		got += n;
		wait_a_little(start, "the end");
	}
	CHECK(n == -EIO && strstr(daqiri_error_detail(), "stopped"), "%s", daqiri_error_detail());
	CHECK(got == 5, "%d packets before the end", got);
	daqiri_rx_release(rx, 5);
	CHECK(daqiri_rxq_error(rx, &err) == 1, "no error");
	CHECK(err.rebuild == DAQIRI_REBUILD_QUEUE && err.text, "%d", err.rebuild);
	thr_ok("a receive queue that stops is told of, after what came before");
}

static void a_send_queue_stops(struct daqiri *dq)
{
	struct daqiri_pkt pkt = {.addr = 4096, .len = 60};
	struct daqiri_queue_error err = {.size = sizeof(err)};
	struct daqiri_txq *tx = txq(dq, 1);
	time_t start = time(NULL);

	CHECK(daqiri_tx_post(tx, &pkt, 1) == 1, "%s", daqiri_error_detail());
	while (!daqiri_txq_error(tx, &err))
		wait_a_little(start, "no error");
	CHECK(err.rebuild == DAQIRI_REBUILD_QUEUE && err.text, "%d", err.rebuild);
	while (daqiri_tx_post(tx, &pkt, 1) >= 0)
		wait_a_little(start, "a stopped queue takes packets");
	CHECK(strstr(daqiri_error_detail(), "stopped"), "%s", daqiri_error_detail());
	CHECK(daqiri_tx_completed(tx) == 0, "an unsent packet counts");
	thr_ok("so is a send queue");
}

static void queues_stop(void)
{
	struct daqiri *dq = open_workers(1);
	struct daqiri_pkt pkt = {.addr = 4096};

	a_receive_queue_stops(dq);
	a_send_queue_stops(dq);
	CHECK(daqiri_rxq_fd(rxq(dq, 1)) == -EOPNOTSUPP, "there is nothing to wait on");
	CHECK(daqiri_rxq_arm(rxq(dq, 1)) == -EOPNOTSUPP, "there is nothing to wait on");
	CHECK(daqiri_rx_keep(rxq(dq, 1), &pkt, 1) == -EOPNOTSUPP, "a packet is kept");
	CHECK(daqiri_rxq_reset(rxq(dq, 1), 0) == -EOPNOTSUPP, "a queue is reset");
	CHECK(daqiri_txq_reset(txq(dq, 1), 0) == -EOPNOTSUPP, "a queue is reset");
	daqiri_close(dq);
}

/* ---- the threads ------------------------------------------------------------------------------
 */

/* The rest of the line of /proc/self/task/TID/status that begins with label. */
static void status_of(const char *tid, const char *label, char out[256])
{
	char path[300], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	f = fopen(path, "r");
	*out = '\0';
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, label, strlen(label)))
			snprintf(out, 256, "%s", line + strlen(label) + 1);
	if (f)
		fclose(f);
	out[strcspn(out, "\n")] = '\0';
}

static void judge_thread(const char *tid, int core)
{
	char text[256];

	status_of(tid, "Cpus_allowed_list:", text);
	CHECK(atoi(text) == core && !strpbrk(text, ",-"), "cores %s, not %d", text, core);
	status_of(tid, "SigBlk:", text);
	/* All that can be blocked: bits of SIGKILL, SIGSTOP and glibc's own two are not. */
	CHECK((strtoull(text, NULL, 16) | 0x1c0040100ull) >= 0x7fffffff, "blocked: %s", text);
	CHECK((strtoull(text, NULL, 16) & 0x4002) == 0x4002, "SIGINT, SIGTERM: %s", text);
}

/* How many threads the library has; each is looked at if core is none of them. */
static unsigned count_workers(bool judge)
{
	DIR *dir = opendir("/proc/self/task");
	char name[256], want[32];
	struct dirent *entry;
	unsigned n = 0;

	CHECK(dir, "%m");
	while ((entry = readdir(dir))) {
		status_of(entry->d_name, "Name:", name);
		for (int i = 0; i < 2; i++) {
			snprintf(want, sizeof(want), "daqiri-w%d", cores[i]);
			if (strcmp(name, want) || (i && cores[0] == cores[1]))
				continue;
			if (judge)
				judge_thread(entry->d_name, cores[i]);
			n++;
		}
	}
	closedir(dir);
	return n;
}

/* A thread names itself once it runs. */
static void threads_are_as_told(void)
{
	unsigned want = cores[0] == cores[1] ? 1 : 2;
	struct daqiri *dq = open_workers(0);
	time_t start = time(NULL);

	while (count_workers(false) < want)
		wait_a_little(start, "threads");
	CHECK(count_workers(true) == want, "%u threads", count_workers(false));
	daqiri_close(dq);
	CHECK(count_workers(false) == 0, "threads are left");
	thr_ok("one thread for each core, pinned, named, without signals, gone with the context");
}

static void a_core_that_is_not_there(void)
{
	char text[TEXT];
	struct daqiri_config *cfg;
	struct daqiri *dq = NULL;

	snprintf(text, sizeof(text),
		 "%s[rxq b 0-1]\nregions = rx\ndepth = 128\nmode = worker\ncpu_core = %d\n"
		 "[rxq b 2]\nregions = rx\ndepth = 128\nmode = worker\ncpu_core = 4095\n",
		 memory, cores[0]);
	cfg = thr_config(text);
	CHECK(daqiri_open_config(&dq, cfg) < 0 && !dq, "opened");
	CHECK(strstr(daqiri_error_detail(), "[rxq b 2] cpu_core=4095"), "%s",
	      daqiri_error_detail());
	CHECK(count_workers(false) == 0, "threads are left");
	daqiri_config_destroy(cfg);
	thr_ok("a core that is not there fails opening, and no thread is left");
}

int main(void)
{
	find_cores();
	streams_arrive();
	batches_are_whole();
	close_amid_traffic();
	queues_stop();
	threads_are_as_told();
	a_core_that_is_not_there();
	return thr_done();
}
