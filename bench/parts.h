/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames in two pieces, of queues with regions = HEADER,PAYLOAD. They are made and judged as one
 * piece, in memory of the queue's end: copied, as a program would that needs a frame as a whole.
 */
#ifndef PERF_PARTS_H
#define PERF_PARTS_H

#include <string.h>

#include <daqiri.h>

/* Of a queue's end; used by the queue's thread alone. */
struct perf_parts {
	struct daqiri_pkt
		*payloads;     /* of a batch, beside its headers; NULL: frames are one piece */
	uint8_t *whole;	       /* one frame */
	struct daqiri_pkt pkt; /* that one */
};

/* For batches of n, and frames of up to longest bytes; -1 after a message. */
int perf_parts_make(struct perf_parts *p, unsigned n, uint32_t longest);
void perf_parts_free(struct perf_parts *p);

/* The i-th frame as one piece, until the next one is. */
static inline const struct daqiri_pkt *perf_parts_join(struct perf_parts *p,
						       const struct daqiri_pkt *head, int i)
{
	const struct daqiri_pkt *payload = &p->payloads[i];

	memcpy(p->whole, (const void *)(uintptr_t)head->addr, head->len);
	memcpy(p->whole + head->len, (const void *)(uintptr_t)payload->addr, payload->len);
	p->pkt.addr = (uintptr_t)p->whole;
	p->pkt.len = head->len + payload->len;
	return &p->pkt;
}

/* Lays the frame of len bytes out in slot i, of which head has as much as fits. */
static inline void perf_parts_cut(struct perf_parts *p, struct daqiri_pkt *head, int i,
				  uint32_t len)
{
	struct daqiri_pkt *payload = &p->payloads[i];

	if (head->len > len)
		head->len = len;
	payload->len = len - head->len;
	memcpy((void *)(uintptr_t)head->addr, p->whole, head->len);
	memcpy((void *)(uintptr_t)payload->addr, p->whole + head->len, payload->len);
}

#endif
