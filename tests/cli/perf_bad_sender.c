/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sender that does wrong what daqiri-perf does right: tests/cli/perf-peers.test lets daqiri-perf
 * receive from it.
 *
 *     perf_bad_sender CONFIG WHAT
 *
 * WHAT = good, corrupt, header, duplicate, reorder, lose or tail.
 * 100 frames of [stream one] and three end frames.
 */
#include <stdio.h>
#include <string.h>

#include <daqiri.h>

#include "../../bench/frame.h"

#define N 100u

enum { STREAM_ONE = 0xa3c8 }; /* the id that daqiri-perf -v prints for this name */

struct sender {
	struct daqiri_txq *q;
	struct perf_headers headers;
	const char *what;
	uint64_t posted;
};

static int fail(const char *what)
{
	fprintf(stderr, "perf_bad_sender: %s: %s\n", what, daqiri_error_detail());
	return 1;
}

static int send_frame(struct sender *s, enum perf_type type, uint64_t seq, uint32_t spoil)
{
	struct perf_mark mark = { .type = type, .stream = STREAM_ONE, .seq = seq };
	struct daqiri_pkt pkt;
	uint8_t *p;

	if (daqiri_tx_reserve(s->q, &pkt, 1) != 1)
		return fail("no free slot");
	p = (uint8_t *)(uintptr_t)pkt.addr;
	perf_frame_write(p, &s->headers, (struct perf_ports){ 4000, 5000 }, &mark);
	if (spoil)
		p[spoil] ^= 0x40;
	pkt.len = s->headers.frame_len;
	if (daqiri_tx_post(s->q, &pkt, 1) != 1)
		return fail("not sent");
	s->posted++;
	return 0;
}

static int send_data(struct sender *s, uint64_t seq)
{
	bool here = seq == 50;

	if (!strcmp(s->what, "tail") && seq >= 95)
		return 0;
	if (here && !strcmp(s->what, "lose"))
		return 0;
	if (here && !strcmp(s->what, "corrupt"))
		return send_frame(s, PERF_DATA, seq, 99);
	if (here && !strcmp(s->what, "header"))
		return send_frame(s, PERF_DATA, seq, 47);
	if (here && !strcmp(s->what, "reorder"))
		return send_frame(s, PERF_DATA, 51, 0);
	if (seq == 51 && !strcmp(s->what, "reorder"))
		return send_frame(s, PERF_DATA, 50, 0);
	if (here && !strcmp(s->what, "duplicate") && send_frame(s, PERF_DATA, 49, 0))
		return 1;
	return send_frame(s, PERF_DATA, seq, 0);
}

static int send_all(struct sender *s)
{
	for (uint64_t seq = 0; seq < N; seq++)
		if (send_data(s, seq))
			return 1;
	for (int i = 0; i < 3; i++)
		if (send_frame(s, PERF_END, N, 0))
			return 1;
	while (daqiri_tx_completed(s->q) < s->posted)
		if (daqiri_txq_error(s->q, &(struct daqiri_queue_error){ .size = 16 }))
			return fail("queue error");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct perf_flow flow = {
		.dst_mac = { 2, 0xda, 1, 0, 0, 2 },
		.src_mac = { 2, 0xda, 1, 0, 0, 1 },
		.vlan = -1,
		.src_ip = { 198, 18, 0, 1 },
		.dst_ip = { 198, 18, 0, 2 },
	};
	struct sender s = { 0 };
	struct daqiri *dq;
	int ret;

	if (argc != 3)
		return 2;
	if (daqiri_open(&dq, argv[1]))
		return fail("cannot open");
	s.q = daqiri_txq_get(daqiri_port_get(dq, 0), 0);
	s.what = argv[2];
	perf_headers_build(&s.headers, &flow, 100);
	ret = send_all(&s);
	daqiri_close(dq);
	return ret;
}
