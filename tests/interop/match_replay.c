/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends the frames of pcap files from port "a" to port "b", by configurations that go with them,
 * and tells where each went. match_replay DIR N does so for DIR/0.ini with DIR/0.pcap up to N - 1.
 * Lines of what it prints:
 *
 *   ROW rx QUEUE FLOW NUMBER BYTES  a frame that came, by the last four bytes in it, in hexadecimal
 *   ROW count PACKETS BYTES         what [flow b x], or else [flow a x], has counted, if it counts
 *   ROW error TEXT                  the configuration is refused
 *
 * The last frame of a file is one that goes to queue 0: once it has come, so have all others.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <daqiri.h>

enum { QUEUES = 4, BATCH = 64, LAST = 0xffffff };

#define GIVE_UP_S 20
#define QUIET_NS  4000000

/* Records of a pcap file, in this machine's byte order, as scapy writes them. */
struct record {
	uint32_t seconds, fraction, len, wire_len;
};

struct row {
	unsigned number;
	struct daqiri *dq;
	struct daqiri_txq *tx;
	struct daqiri_rxq *rx[QUEUES];
	bool last; /* it has come */
};

static void die(const char *what)
{
	fprintf(stderr, "match_replay: %s: %s\n", what, daqiri_error_detail());
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void send_frame(struct row *row, const uint8_t *frame, uint32_t len)
{
	uint64_t end = now_ns() + GIVE_UP_S * 1000000000ull;
	struct daqiri_pkt pkt;

	while (daqiri_tx_reserve(row->tx, &pkt, 1) < 1)
		if (now_ns() > end)
			die("no room to send");
	if (len > pkt.len)
		die("a frame is too long");
	memcpy((void *)(uintptr_t)pkt.addr, frame, len);
	pkt.len = len;
	if (daqiri_tx_post(row->tx, &pkt, 1) != 1)
		die("a frame cannot be posted");
}

static void send_file(struct row *row, const char *path)
{
	uint8_t head[24], frame[2048];
	FILE *f = fopen(path, "rb");
	struct record r;

	if (!f || fread(head, sizeof(head), 1, f) != 1)
		die(path);
	while (fread(&r, sizeof(r), 1, f) == 1) {
		if (r.len > sizeof(frame) || fread(frame, r.len, 1, f) != 1)
			die(path);
		send_frame(row, frame, r.len);
	}
	fclose(f);
}

static void tell(struct row *row, unsigned queue, const struct daqiri_pkt *pkt)
{
	const uint8_t *frame = (const uint8_t *)(uintptr_t)pkt->addr, *tail = frame + pkt->len - 4;
	uint32_t id = (uint32_t)tail[0] << 24 | (uint32_t)tail[1] << 16 | (uint32_t)tail[2] << 8 |
		      tail[3];

	if (id == LAST && queue == 0) {
		row->last = true;
		return;
	}
	printf("%u rx %u %u %u ", row->number, queue, daqiri_key_flow(pkt->key), id);
	for (uint32_t i = 0; i < pkt->len; i++)
		printf("%02x", frame[i]);
	putchar('\n');
}

/* Whether something came. */
static bool poll_all(struct row *row)
{
	struct daqiri_pkt pkts[BATCH];
	bool any = false;
	int n;

	for (unsigned q = 0; q < QUEUES; q++) {
		n = row->rx[q] ? daqiri_rx_poll(row->rx[q], pkts, BATCH) : 0;
		if (n < 0)
			die("poll");
		for (int i = 0; i < n; i++)
			tell(row, q, &pkts[i]);
		if (n)
			daqiri_rx_release(row->rx[q], n);
		any |= n > 0;
	}
	return any;
}

static void receive(struct row *row)
{
	uint64_t end = now_ns() + GIVE_UP_S * 1000000000ull, quiet = 0;

	while (!row->last || now_ns() - quiet < QUIET_NS) {
		if (poll_all(row) || !row->last)
			quiet = now_ns();
		if (!row->last && now_ns() > end)
			die("the last frame did not come");
	}
}

static void run(const char *dir, unsigned number)
{
	struct row row = {.number = number};
	struct daqiri_port *a, *b;
	struct daqiri_stat stats[2];
	char path[512];

	snprintf(path, sizeof(path), "%s/%u.ini", dir, number);
	if (daqiri_open(&row.dq, path)) {
		printf("%u error %s\n", number, daqiri_error_detail());
		return;
	}
	a = daqiri_port_find(row.dq, "a");
	b = daqiri_port_find(row.dq, "b");
	row.tx = daqiri_txq_get(a, 0);
	for (unsigned q = 0; q < QUEUES; q++)
		row.rx[q] = daqiri_rxq_get(b, q);
	if (!row.tx || !row.rx[0])
		die(path);
	snprintf(path, sizeof(path), "%s/%u.pcap", dir, number);
	send_file(&row, path);
	receive(&row);
	if (daqiri_flow_stats(b, "x", stats, 2) == 2 || daqiri_flow_stats(a, "x", stats, 2) == 2)
		printf("%u count %" PRIu64 " %" PRIu64 "\n", number, stats[0].value,
		       stats[1].value);
	daqiri_close(row.dq);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: match_replay DIR N\n", stderr);
		return 2;
	}
	for (unsigned i = 0; i < (unsigned)atoi(argv[2]); i++)
		run(argv[1], i);
	return 0;
}
