/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests with several threads: plain programs that print TAP, since ThreadSanitizer cannot run under
 * Criterion. Only public headers are used.
 */
#ifndef TEST_THR_H
#define TEST_THR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <daqiri.h>

#define MAC_A "02:da:01:00:00:01"
#define MAC_B "02:da:01:00:00:02"

/* The program ends with what went wrong; any thread. */
#define CHECK(cond, ...)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			thr_fail(__FILE__, __LINE__, #cond, __VA_ARGS__);                          \
	} while (0)
__attribute__((noreturn, format(printf, 4, 5))) void
thr_fail(const char *file, int line, const char *what, const char *fmt, ...);

/* The TAP line of what succeeded, and the plan at the end. */
void thr_ok(const char *name);
int thr_done(void);

/* A configuration, and a context, from text. */
struct daqiri_config *thr_config(const char *text);
struct daqiri *thr_open(const char *text);

struct thr {
	pthread_t id;
	void *(*fn)(void *arg);
	void *arg;
};
void thr_start(struct thr *thr, void *(*fn)(void *arg), void *arg);
void thr_join(struct thr *threads, int n);

/* One stream of numbered frames from a queue to another, each used by a thread of its own. */
struct thr_stream {
	struct daqiri_txq *tx;
	struct daqiri_rxq *rx;
	uint8_t dst[6];
	uint64_t frames;
	atomic_uint_fast64_t received; /* so far: the sender keeps within a window */
	struct thr threads[2];
};
void thr_stream_start(struct thr_stream *s);
void thr_stream_join(struct thr_stream *s);

#endif
