/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges received frames. One verifier per receive queue, used by the queue's thread alone.
 *
 * Headers that were found right are remembered: a frame that begins with the very same bytes needs
 * no further look at them. With verification off only what counting needs is read.
 */
#ifndef PERF_VERIFY_H
#define PERF_VERIFY_H

#include "frame.h"
#include "parse.h"

enum perf_verify_mode { PERF_VERIFY_OFF, PERF_VERIFY_HEADER, PERF_VERIFY_FULL };

/* A stream whose frames may come by. */
struct perf_expect {
	uint16_t id;
	struct perf_flow flow;  /* IP addresses and family as configured */
	struct perf_udp udp;
	bool path_known;        /* the path below is to be compared; else it is learned */
	uint8_t path_len;       /* of the L2 header */
	uint8_t path[19];       /* the L2 header, then in IPv6 the hop limit */
};

enum perf_judgement {
	PERF_GOOD,           /* mark says which data frame */
	PERF_GOOD_END,       /* mark.seq data frames were sent */
	PERF_BAD_PAYLOAD,    /* the mark is right, the pattern is not: mark says which data frame */
	PERF_BAD_HEADER,     /* a frame of ours, so wrong that nobody knows which */
	PERF_OTHER_STREAM,   /* a right frame of a stream that is not expected here: mark.stream */
	PERF_NOT_OURS        /* no frame of daqiri-perf */
};

#define PERF_KNOWN 64u /* power of two */

struct perf_verifier {
	enum perf_verify_mode mode;
	unsigned n_streams;
	struct perf_expect *streams;
	unsigned last;                           /* index of the stream seen last */
	struct perf_headers known[PERF_KNOWN];   /* frame_len 0: free; sum as if the ports were 0 */
};

/* streams stay the caller's, are changed (learned path) and must outlive the verifier. */
int perf_verifier_create(struct perf_verifier **out, enum perf_verify_mode mode,
			 struct perf_expect *streams, unsigned n);
void perf_verifier_destroy(struct perf_verifier *v);

/* Makes the headers that this process sends the expected path. */
void perf_expect_path(struct perf_expect *e, const struct perf_headers *h);

/* index: of the stream, where the judgement names one of the expected. */
enum perf_judgement perf_verify(struct perf_verifier *v, const uint8_t *frame, uint32_t len,
				struct perf_mark *mark);

/* The stream of the last frame that was PERF_GOOD, PERF_GOOD_END or PERF_BAD_PAYLOAD. */
static inline unsigned perf_verify_stream(const struct perf_verifier *v)
{
	return v->last;
}

#endif
