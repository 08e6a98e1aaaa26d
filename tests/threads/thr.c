/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "thr.h"

enum { PATIENCE_S = 120, WINDOW = 48, BATCH = 16, LENGTH = 100, HEADER = 14 };

static int n_ok;

void thr_fail(const char *file, int line, const char *what, const char *fmt, ...)
{
	va_list ap;

	printf("not ok %d - %s:%d: %s: ", n_ok + 1, file, line, what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n1..%d\n", n_ok + 1);
	fflush(stdout);
	_Exit(1);
}

void thr_ok(const char *name)
{
	printf("ok %d - %s\n", ++n_ok, name);
	fflush(stdout);
}

int thr_done(void)
{
	printf("1..%d\n", n_ok);
	return 0;
}

struct daqiri_config *thr_config(const char *text)
{
	struct daqiri_config *cfg = NULL;
	int ret = daqiri_config_parse(&cfg, text, strlen(text), "test");

	CHECK(!ret, "%s", daqiri_error_detail());
	return cfg;
}

struct daqiri *thr_open(const char *text)
{
	struct daqiri_config *cfg = thr_config(text);
	struct daqiri *dq = NULL;
	int ret = daqiri_open_config(&dq, cfg);

	CHECK(!ret, "%s", daqiri_error_detail());
	daqiri_config_destroy(cfg);
	return dq;
}

void thr_start(struct thr *thr, void *(*fn)(void *arg), void *arg)
{
	int err = pthread_create(&thr->id, NULL, fn, arg);

	CHECK(!err, "%s", strerror(err));
}

void thr_join(struct thr *threads, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(threads[i].id, NULL);
}

/* ---- streams --------------------------------------------------------------------------------- */

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static void wait_a_little(time_t start, const char *what)
{
	CHECK(now() - start < PATIENCE_S, "%s", what);
	sched_yield();
}

static void fill(const struct thr_stream *s, struct daqiri_pkt *pkt, uint64_t number)
{
	uint8_t *frame = (uint8_t *)(uintptr_t)pkt->addr;

	memset(frame, (int)number, LENGTH);
	memcpy(frame, s->dst, 6);
	memcpy(frame + 6, "\x02\xda\x01\x00\x00\x01\x88\xb5", 8);
	memcpy(frame + HEADER, &number, sizeof(number));
	pkt->len = LENGTH;
}

static void *send_frames(void *arg)
{
	struct thr_stream *s = arg;
	struct daqiri_pkt pkts[BATCH];
	uint64_t sent = 0;
	time_t start = now();

	while (sent < s->frames) {
		uint64_t room = WINDOW - (sent - atomic_load(&s->received));
		uint64_t left = s->frames - sent < room ? s->frames - sent : room;
		int n = daqiri_tx_reserve(s->tx, pkts, left < BATCH ? (int)left : BATCH);

		CHECK(n >= 0, "%s", daqiri_error_detail());
		for (int i = 0; i < n; i++)
			fill(s, &pkts[i], sent + (uint64_t)i);
		n = daqiri_tx_post(s->tx, pkts, n);
		CHECK(n >= 0, "%s", daqiri_error_detail());
		sent += (uint64_t)n;
		if (!n)
			wait_a_little(start, "sending");
	}
	while (daqiri_tx_completed(s->tx) < s->frames)
		wait_a_little(start, "completion");
	return NULL;
}

static void check_frame(const struct daqiri_pkt *pkt, uint64_t number)
{
	const uint8_t *frame = (const uint8_t *)(uintptr_t)pkt->addr;
	uint64_t is;

	CHECK(pkt->len == LENGTH, "%u bytes", pkt->len);
	memcpy(&is, frame + HEADER, sizeof(is));
	CHECK(is == number, "frame %llu where %llu should be", (unsigned long long)is,
	      (unsigned long long)number);
	CHECK(frame[LENGTH - 1] == (uint8_t)number, "the frame's end is of another");
}

static void *receive_frames(void *arg)
{
	struct thr_stream *s = arg;
	struct daqiri_pkt pkts[BATCH];
	uint64_t got = 0;
	time_t start = now();

	while (got < s->frames) {
		int n = daqiri_rx_poll(s->rx, pkts, BATCH);

		CHECK(n >= 0, "%s", daqiri_error_detail());
		for (int i = 0; i < n; i++)
			check_frame(&pkts[i], got + (uint64_t)i);
		daqiri_rx_release(s->rx, n);
		got += (uint64_t)n;
		atomic_store(&s->received, got);
		if (!n)
			wait_a_little(start, "receiving");
	}
	return NULL;
}

void thr_stream_start(struct thr_stream *s)
{
	CHECK(s->tx && s->rx, "no such queue");
	atomic_store(&s->received, 0);
	thr_start(&s->threads[0], receive_frames, s);
	thr_start(&s->threads[1], send_frames, s);
}

void thr_stream_join(struct thr_stream *s)
{
	thr_join(s->threads, 2);
}
