/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels' bodies: what the lanes of one warp do with one frame. For a GPU the includer defines
 * PERF_LANES 32 and the functions below it; for the CPU one lane does it all. Frames lie where
 * perf_at(address, length) says.
 *
 * Each judgement is that of verify.c, and each byte that of perf_frame_write().
 */
#ifndef PERF_GPU_BODY_H
#define PERF_GPU_BODY_H

#include "gpu_abi.h"

#ifndef PERF_LANES
#define PERF_LANES 1u
PERF_FN uint32_t perf_lane(void)
{
	return 0;
}
PERF_FN bool perf_any(bool v)
{
	return v;
}
PERF_FN uint64_t perf_lanes_sum(uint64_t v)
{
	return v;
}
PERF_FN void perf_lanes_wait(void)
{
}
#endif

/* ---- the pattern ----------------------------------------------------------------------------- */

/* Its 4 bytes from byte 4 * i on, least significant first. */
PERF_FN uint32_t perf_pattern_at(uint64_t seed, uint32_t i)
{
	return (uint32_t)((seed + (i / 2) * PERF_STEP) >> 32 * (i & 1));
}

PERF_FN uint8_t perf_pattern_byte(uint64_t seed, uint32_t i)
{
	return (uint8_t)(perf_pattern_at(seed, i / 4) >> 8 * (i & 3));
}

/* Likewise from any byte on. */
PERF_FN uint32_t perf_pattern_from(uint64_t seed, uint32_t at)
{
	uint32_t shift = 8 * (at & 3), low = perf_pattern_at(seed, at / 4) >> shift;

	return shift ? low | perf_pattern_at(seed, at / 4 + 1) << (32 - shift) : low;
}

PERF_FN bool perf_words(const uint8_t *p)
{
#if defined(PERF_DEVICE) || __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return !((uintptr_t)p & 3);
#else
	return false;
#endif
}

/* A piece of a frame, of which byte 0 is the pattern's byte from. */
struct perf_gpu_piece {
	uint8_t *bytes;
	uint32_t len, from;
};

PERF_FN void perf_lanes_fill(const struct perf_gpu_piece *p, uint64_t seed)
{
	uint32_t words = perf_words(p->bytes) ? p->len / 4 : 0;

	for (uint32_t i = perf_lane(); i < words; i += PERF_LANES)
		((uint32_t *)(void *)p->bytes)[i] = perf_pattern_from(seed, p->from + 4 * i);
	for (uint32_t i = 4 * words + perf_lane(); i < p->len; i += PERF_LANES)
		p->bytes[i] = perf_pattern_byte(seed, p->from + i);
}

PERF_FN bool perf_lanes_equal(const struct perf_gpu_piece *p, uint64_t seed)
{
	uint32_t words = perf_words(p->bytes) ? p->len / 4 : 0, wrong = 0;

	for (uint32_t i = perf_lane(); i < words; i += PERF_LANES)
		wrong |= ((const uint32_t *)(const void *)p->bytes)[i] ^
			 perf_pattern_from(seed, p->from + 4 * i);
	for (uint32_t i = 4 * words + perf_lane(); i < p->len; i += PERF_LANES)
		wrong |= (uint32_t)p->bytes[i] ^ perf_pattern_byte(seed, p->from + i);
	return !perf_any(wrong != 0);
}

/* This lane's part of the sum of 16-bit words; odd: the first byte is a word's second one. */
PERF_FN uint64_t perf_lane_sum(const uint8_t *p, uint32_t len, bool odd)
{
	uint64_t sum = 0;

	if (odd) {
		for (uint32_t i = perf_lane(); i < len; i += PERF_LANES)
			sum += (uint64_t)p[i] << 8 * (i & 1);
		return sum;
	}
	for (uint32_t i = 2 * perf_lane(); i < len; i += 2 * PERF_LANES)
		sum += i + 1 < len ? perf_load16(p + i) : (uint64_t)p[i] << 8;
	return sum;
}

/* A frame: its first piece, and where the rest lies; len: of both. */
struct perf_gpu_whole {
	uint8_t *bytes, *rest;
	uint32_t head, len;
};

/* As perf_udp6_sum() for the datagram behind the IPv6 header, which begins at l3. */
PERF_FN uint16_t perf_lanes_udp6(const struct perf_gpu_whole *w, uint32_t l3)
{
	uint32_t begin = l3 + DAQIRI_IPV6_LEN, len = w->len - begin;
	uint64_t sum = perf_lane_sum(w->bytes + begin, w->head - begin, false) +
		       perf_lane_sum(w->rest, w->len - w->head, (w->head - begin) & 1);

	return perf_fold_carries(perf_lanes_sum(sum) + perf_sum16(w->bytes + l3 + 8, 32) + len +
				 DAQIRI_PROTO_UDP);
}

/* What is pattern in both pieces, from byte at of the frame on. */
PERF_FN void perf_gpu_pieces(const struct perf_gpu_whole *w, uint32_t at,
			     struct perf_gpu_piece pieces[2])
{
	pieces[0].bytes = w->bytes + at;
	pieces[0].len = w->head - at;
	pieces[0].from = 0;
	pieces[1].bytes = w->rest;
	pieces[1].len = w->len - w->head;
	pieces[1].from = w->head - at;
}

/* The frame of descriptor i; rests 0: in one piece. */
PERF_FN void perf_gpu_locate(struct perf_gpu_whole *w, const struct daqiri_pkt *pkt, uint64_t shift,
			     uint64_t rests, uint64_t rest_shift)
{
	const struct daqiri_pkt *rest = (const struct daqiri_pkt *)(uintptr_t)rests;

	w->head = w->len = pkt->len;
	w->bytes = w->rest = (uint8_t *)perf_at(pkt->addr + shift, w->head);
	if (!rests || !rest->len)
		return;
	w->len += rest->len;
	w->rest = (uint8_t *)perf_at(rest->addr + rest_shift, rest->len);
}

/* ---- judging --------------------------------------------------------------------------------- */

struct perf_gpu_frame {
	struct perf_gpu_whole whole;
	const uint8_t *bytes; /* of it: the first piece */
	uint32_t len;
	const struct perf_gpu_expect *expects;
	uint32_t n_expects, mode;
	struct perf_layout at;
	struct perf_mark mark;
};

PERF_FN bool perf_gpu_find(const struct perf_gpu_frame *f, uint16_t id, struct perf_gpu_result *out)
{
	for (uint32_t i = 0; i < f->n_expects; i++) {
		if (f->expects[i].id != id)
			continue;
		out->index = (uint16_t)i;
		return true;
	}
	return false;
}

PERF_FN bool perf_gpu_same_ip(const uint8_t *a, const uint8_t *b, bool ipv6)
{
	bool same = true;

	for (unsigned i = 0; i < (ipv6 ? 16 : 4); i++)
		same &= a[i] == b[i];
	return same;
}

/* flow_ours() of verify.c */
PERF_FN bool perf_gpu_ours(const struct perf_gpu_frame *f)
{
	const uint8_t *dst_ip = f->bytes + f->at.l3 + (f->at.ipv6 ? 24 : 16);
	uint16_t port = perf_load16(f->bytes + f->at.len - 6);

	for (uint32_t i = 0; i < f->n_expects; i++) {
		const struct perf_gpu_expect *e = &f->expects[i];

		if (e->ipv6 == f->at.ipv6 && port >= e->dst_lo && port <= e->dst_hi &&
		    perf_gpu_same_ip(dst_ip, e->dst_ip, f->at.ipv6))
			return true;
	}
	return false;
}

/* mark_somewhere() of verify.c */
PERF_FN bool perf_gpu_somewhere(const struct perf_gpu_frame *f, struct perf_gpu_result *out)
{
	for (unsigned i = 0; i < 4; i++) {
		uint32_t place = perf_frame_min(i & 1, i & 2) - PERF_MARK_LEN;

		if (place + PERF_MARK_LEN <= f->len && perf_mark_likely(f->bytes + place) &&
		    perf_gpu_find(f, perf_load16(f->bytes + place + 2), out))
			return true;
	}
	return false;
}

/* believe() of verify.c */
PERF_FN uint8_t perf_gpu_believe(struct perf_gpu_frame *f, struct perf_gpu_result *out)
{
	uint32_t at = f->bytes[12] == 0x81 ? 46 : 42;

	if (f->bytes[at - 30] == 0x86)
		at += 20;
	if (at + PERF_MARK_LEN > f->len || !perf_mark_likely(f->bytes + at))
		return PERF_GPU_NOT_OURS;
	perf_mark_get(f->bytes + at, &f->mark, 0);
	if (f->mark.type != PERF_DATA && f->mark.type != PERF_END)
		return PERF_GPU_NOT_OURS;
	if (!perf_gpu_find(f, f->mark.stream, out))
		return PERF_GPU_OTHER_STREAM;
	return f->mark.type == PERF_DATA ? PERF_GPU_GOOD : PERF_GPU_GOOD_END;
}

PERF_FN bool perf_gpu_payload(const struct perf_gpu_frame *f)
{
	uint64_t seed = perf_pattern_seed(f->mark.stream, f->mark.seq);
	struct perf_gpu_piece pieces[2];

	if (f->mode != PERF_GPU_FULL)
		return true;
	perf_gpu_pieces(&f->whole, f->at.len + PERF_MARK_LEN, pieces);
	return perf_lanes_equal(&pieces[0], seed) && perf_lanes_equal(&pieces[1], seed) &&
	       (!f->at.ipv6 || perf_lanes_udp6(&f->whole, f->at.l3) == 0xffff);
}

/* As many bytes from each frame: the indices are constants then, and nothing goes to memory. */
PERF_FN void perf_gpu_path(const struct perf_gpu_frame *f, struct perf_gpu_result *out)
{
#ifdef PERF_DEVICE
#pragma unroll
#endif
	for (unsigned i = 0; i < PERF_GPU_PATH; i++)
		out->path[i] = f->bytes[i];
	out->path_len = (uint8_t)f->at.l3;
	out->hops = f->at.ipv6 ? f->bytes[f->at.l3 + 7] : 0;
}

PERF_FN uint8_t perf_gpu_judge(struct perf_gpu_frame *f, struct perf_gpu_result *out)
{
	bool data;

	if (f->len < 60) /* PERF_MIN_FRAME */
		return PERF_GPU_NOT_OURS;
	if (f->mode == PERF_GPU_OFF)
		return perf_gpu_believe(f, out);
	if (!perf_headers_find(&f->at, f->bytes, f->len))
		return perf_gpu_somewhere(f, out) ? PERF_GPU_BAD_HEADER : PERF_GPU_NOT_OURS;
	if (!perf_mark_get(f->bytes + f->at.len, &f->mark,
			   perf_headers_sum(f->bytes + f->at.l3, f->at.ipv6)))
		return perf_gpu_ours(f) || perf_gpu_somewhere(f, out) ? PERF_GPU_BAD_HEADER
								      : PERF_GPU_NOT_OURS;
	if (!perf_gpu_find(f, f->mark.stream, out))
		return PERF_GPU_OTHER_STREAM;
	perf_gpu_path(f, out);
	data = f->mark.type == PERF_DATA;
	if (!perf_gpu_payload(f))
		return data ? PERF_GPU_BAD_PAYLOAD : PERF_GPU_BAD_HEADER;
	return data ? PERF_GPU_GOOD : PERF_GPU_GOOD_END;
}

/* Frame i of a batch. All lanes judge, as they need what the others find; one writes. */
PERF_FN void perf_gpu_check_one(const struct perf_gpu_check *p, uint32_t i)
{
	const struct daqiri_pkt *pkt = (const struct daqiri_pkt *)(uintptr_t)p->pkts + i;
	struct perf_gpu_frame f;
	struct perf_gpu_result r;

	perf_gpu_locate(&f.whole, pkt, p->shift,
			p->rests ? p->rests + i * sizeof(struct daqiri_pkt) : 0, p->rest_shift);
	f.len = f.whole.len;
	f.bytes = f.whole.bytes;
	f.expects = (const struct perf_gpu_expect *)perf_at(
		p->expects, p->n_expects * sizeof(struct perf_gpu_expect));
	f.n_expects = p->n_expects;
	f.mode = p->mode;
	f.mark.stream = 0;
	f.mark.seq = f.mark.time_ns = 0;
	r.index = 0;
	r.path_len = 0;
	r.judgement = perf_gpu_judge(&f, &r);
	r.seq = f.mark.seq;
	r.time_ns = f.mark.time_ns;
	r.stream = f.mark.stream;
	if (!perf_lane())
		((struct perf_gpu_result *)(uintptr_t)p->results)[i] = r;
}

/* ---- filling --------------------------------------------------------------------------------- */

PERF_FN struct perf_ports perf_gpu_ports(const struct perf_gpu_fill *p, uint64_t seq)
{
	struct perf_ports ports;

	ports.src = (uint16_t)(p->src_lo + seq % p->n_src);
	ports.dst = (uint16_t)(p->dst_lo + seq / p->n_src % p->n_dst);
	return ports;
}

/* Everything up to the pattern: by one lane. */
PERF_FN void perf_gpu_head(uint8_t *frame, const struct perf_headers *h, struct perf_ports ports,
			   const struct perf_mark *mark)
{
	uint8_t *at = frame + h->len;

	for (unsigned i = 0; i < h->len; i++)
		frame[i] = h->bytes[i];
	perf_store16(at - 8, ports.src);
	perf_store16(at - 6, ports.dst);
	perf_mark_put(at, mark, h->sum ^ perf_ports_sum(ports, h->ipv6));
}

/* As perf_udp6_finish(): the field is still 0, as in h. */
PERF_FN void perf_gpu_udp6(const struct perf_gpu_whole *w, uint32_t l3)
{
	uint16_t sum;

	perf_lanes_wait(); /* the lanes' bytes are there for all of them */
	sum = (uint16_t)~perf_lanes_udp6(w, l3);
	if (!perf_lane())
		perf_store16(w->bytes + l3 + DAQIRI_IPV6_LEN + 6, sum ? sum : 0xffff);
}

PERF_FN void perf_gpu_fill_one(const struct perf_gpu_fill *p, uint32_t i)
{
	const struct daqiri_pkt *pkt = (const struct daqiri_pkt *)(uintptr_t)p->pkts + i;
	uint64_t seq = p->seq + i;
	const struct perf_headers *h =
		(const struct perf_headers *)perf_at(p->headers,
						     p->n_sizes * sizeof(struct perf_headers)) +
		seq % p->n_sizes;
	struct perf_gpu_piece pieces[2];
	struct perf_gpu_whole w;
	struct perf_mark mark;

	mark.type = (enum perf_type)p->type;
	mark.stream = p->stream;
	mark.seq = seq;
	mark.time_ns = p->time_ns;
	perf_gpu_locate(&w, pkt, p->shift,
			p->rests ? p->rests + i * sizeof(struct daqiri_pkt) : 0, p->rest_shift);
	if (!perf_lane())
		perf_gpu_head(w.bytes, h, perf_gpu_ports(p, seq), &mark);
	perf_gpu_pieces(&w, h->len + PERF_MARK_LEN, pieces);
	for (unsigned k = 0; k < 2; k++)
		perf_lanes_fill(&pieces[k], perf_pattern_seed(mark.stream, seq));
	if (h->ipv6)
		perf_gpu_udp6(&w, h->l3);
}

/* ---- packing --------------------------------------------------------------------------------- */

PERF_FN void perf_gpu_gather_one(const struct perf_gpu_gather *p, uint32_t i)
{
	const struct daqiri_pkt *pkt = (const struct daqiri_pkt *)(uintptr_t)p->pkts + i;
	const uint8_t *from = (const uint8_t *)perf_at(pkt->addr + p->shift, pkt->len) + p->skip;
	uint32_t have = pkt->len > p->skip ? pkt->len - p->skip : 0, words;
	uint8_t *out = (uint8_t *)perf_at(p->out + (uint64_t)i * p->length, p->length);

	have = have < p->length ? have : p->length;
	words = perf_words(from) && perf_words(out) ? have / 4 : 0;
	for (uint32_t k = perf_lane(); k < words; k += PERF_LANES)
		((uint32_t *)(void *)out)[k] = ((const uint32_t *)(const void *)from)[k];
	for (uint32_t k = 4 * words + perf_lane(); k < p->length; k += PERF_LANES)
		out[k] = k < have ? from[k] : 0;
}

#endif
