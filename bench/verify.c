/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "verify.h"

int perf_verifier_create(struct perf_verifier **out, enum perf_verify_mode mode,
			 struct perf_expect *streams, unsigned n)
{
	struct perf_verifier *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->mode = mode;
	v->streams = streams;
	v->n_streams = n;
	*out = v;
	return 0;
}

void perf_verifier_destroy(struct perf_verifier *v)
{
	free(v);
}

void perf_expect_path(struct perf_expect *e, const struct perf_headers *h)
{
	memcpy(e->path, h->bytes, h->l3);
	e->path[h->l3] = h->ipv6 ? h->bytes[h->l3 + 7] : 0;
	e->path_len = (uint8_t)h->l3;
	e->path_known = true;
}

/* The L2 header, and in IPv6 the hop limit that no checksum covers, are those of the stream. */
static bool path_right(const struct perf_expect *e, const struct perf_headers *h)
{
	if (h->l3 != e->path_len || memcmp(h->bytes, e->path, e->path_len))
		return false;
	return !h->ipv6 || h->bytes[h->l3 + 7] == e->path[e->path_len];
}

static bool find_stream(struct perf_verifier *v, uint16_t id)
{
	if (v->last < v->n_streams && v->streams[v->last].id == id)
		return true;
	for (unsigned i = 0; i < v->n_streams; i++) {
		if (v->streams[i].id == id) {
			v->last = i;
			return true;
		}
	}
	return false;
}

/* Whether the addresses and the destination port are those of a stream that is expected here. */
static bool flow_ours(const struct perf_verifier *v, const struct perf_headers *h)
{
	const uint8_t *dst_ip = h->bytes + h->l3 + (h->ipv6 ? 24 : 16);
	uint16_t port = perf_load16(h->bytes + h->len - 6);

	for (unsigned i = 0; i < v->n_streams; i++) {
		const struct perf_expect *e = &v->streams[i];

		if (e->flow.ipv6 == h->ipv6 && port >= e->udp.dst_lo && port <= e->udp.dst_hi &&
		    !memcmp(dst_ip, e->flow.dst_ip, h->ipv6 ? 16 : 4))
			return true;
	}
	return false;
}

/* Headers are broken: does a mark stand where one would in any of our four kinds of frame? */
static bool mark_somewhere(struct perf_verifier *v, const uint8_t *frame, uint32_t len)
{
	static const uint8_t places[] = { 42, 46, 62, 66 };

	for (unsigned i = 0; i < sizeof(places); i++) {
		const uint8_t *p = frame + places[i];

		if (places[i] + PERF_MARK_LEN <= len && perf_mark_likely(p) &&
		    find_stream(v, perf_load16(p + 2)))
			return true;
	}
	return false;
}

/* A slot by length, addresses and stream where they stand in most frames; anything will do else. */
static struct perf_headers *known_slot(struct perf_verifier *v, const uint8_t *frame, uint32_t len)
{
	unsigned h = perf_load16(frame + 44) + frame[29] * 7u + frame[33] * 13u + len;

	return &v->known[h & (PERF_KNOWN - 1)];
}

/*
 * All header bytes but the UDP ports, which the mark's check covers and the caller accounts for,
 * and IPv6's UDP checksum: these differ from frame to frame.
 */
static bool same_headers(const struct perf_headers *h, const uint8_t *frame, uint32_t len)
{
	const uint8_t *udp = frame + h->len - 8;
	uint64_t a[4], b[4];

	if (h->frame_len != len)
		return false;
	if (perf_load16(udp + 4) != perf_load16(h->bytes + h->len - 4) ||
	    (!h->ipv6 && perf_load16(udp + 6)))
		return false;
	if (h->len != 42)
		return !memcmp(h->bytes, frame, h->len - 8u);
	memcpy(a, frame, 32);
	memcpy(b, h->bytes, 32);
	if ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]))
		return false;
	return perf_load16(frame + 32) == perf_load16(h->bytes + 32);
}

static struct perf_ports ports_of(const struct perf_headers *h, const uint8_t *frame)
{
	const uint8_t *udp = frame + h->len - 8;

	return (struct perf_ports){ perf_load16(udp), perf_load16(udp + 2) };
}

static bool udp_checksum_right(const struct perf_headers *h, const uint8_t *frame)
{
	return !h->ipv6 || perf_udp6_sum(frame + h->l3, h->frame_len - h->l3 - 40) == 0xffff;
}

/* A mark that is right under headers that are: now they are known. */
static bool learn(struct perf_verifier *v, const struct perf_headers *h, struct perf_headers *slot)
{
	struct perf_expect *e = &v->streams[v->last];

	if (!e->path_known)
		perf_expect_path(e, h);
	if (!path_right(e, h))
		return false;
	*slot = *h;
	slot->sum ^= perf_ports_sum(ports_of(h, h->bytes), h->ipv6);
	return true;
}

/* Everything behind the headers. */
static enum perf_judgement judge_payload(struct perf_verifier *v, const struct perf_headers *h,
					 const uint8_t *frame, const struct perf_mark *mark)
{
	const uint8_t *pattern = frame + h->len + PERF_MARK_LEN;
	uint32_t len = h->frame_len - h->len - PERF_MARK_LEN;

	if (v->mode == PERF_VERIFY_FULL &&
	    (!perf_pattern_equal(pattern, len, perf_pattern_seed(mark->stream, mark->seq)) ||
	     !udp_checksum_right(h, frame)))
		return mark->type == PERF_DATA ? PERF_BAD_PAYLOAD : PERF_BAD_HEADER;
	return mark->type == PERF_DATA ? PERF_GOOD : PERF_GOOD_END;
}

/* Headers that are not among the known ones. */
static enum perf_judgement judge_new(struct perf_verifier *v, const uint8_t *frame, uint32_t len,
				     struct perf_mark *mark)
{
	struct perf_headers h;

	if (!perf_headers_parse(&h, frame, len))
		return mark_somewhere(v, frame, len) ? PERF_BAD_HEADER : PERF_NOT_OURS;
	if (!perf_mark_get(frame + h.len, mark, h.sum))
		return flow_ours(v, &h) || mark_somewhere(v, frame, len) ? PERF_BAD_HEADER :
									   PERF_NOT_OURS;
	if (!find_stream(v, mark->stream))
		return PERF_OTHER_STREAM;
	if (!learn(v, &h, known_slot(v, frame, len)))
		return PERF_BAD_HEADER;
	return judge_payload(v, &h, frame, mark);
}

/* Verification off: no check is computed, the mark is believed where its magic is right. */
static enum perf_judgement believe(struct perf_verifier *v, const uint8_t *frame, uint32_t len,
				   struct perf_mark *mark)
{
	uint32_t at = frame[12] == 0x81 ? 46 : 42;

	if (frame[at - 30] == 0x86)
		at += 20;
	if (at + PERF_MARK_LEN > len || !perf_mark_likely(frame + at))
		return PERF_NOT_OURS;
	perf_mark_get(frame + at, mark, 0);
	if (mark->type != PERF_DATA && mark->type != PERF_END)
		return PERF_NOT_OURS;
	if (!find_stream(v, mark->stream))
		return PERF_OTHER_STREAM;
	return mark->type == PERF_DATA ? PERF_GOOD : PERF_GOOD_END;
}

enum perf_judgement perf_verify(struct perf_verifier *v, const uint8_t *frame, uint32_t len,
				struct perf_mark *mark)
{
	const struct perf_headers *h;
	uint64_t sum;

	if (len < PERF_MIN_FRAME)
		return PERF_NOT_OURS;
	if (v->mode == PERF_VERIFY_OFF)
		return believe(v, frame, len, mark);
	h = known_slot(v, frame, len);
	if (!same_headers(h, frame, len))
		return judge_new(v, frame, len, mark);
	sum = h->sum ^ perf_ports_sum(ports_of(h, frame), h->ipv6);
	if (!perf_mark_get(frame + h->len, mark, sum))
		return PERF_BAD_HEADER;
	if (!find_stream(v, mark->stream))
		return PERF_OTHER_STREAM;
	return judge_payload(v, h, frame, mark);
}
