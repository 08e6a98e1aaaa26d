/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of --selftest: compressed completions, PRM "CQE compression". A title CQE tells how many
 * completions are a session; small ones of 8 bytes, eight in an entry, tell what is each frame's
 * own. Whether there are sessions is up to the device: what comes out of them, and of completions
 * that are in none, must be the same. The emulated one is known to make them, and is held to that.
 */
#include <string.h>

#include "st.h"
#include "st_report.h"

#define BURSTS	  60u
#define BURST_MAX 44u
#define ENTRIES	  256u /* of the largest ring here */
#define ARRAY	  8u   /* small completions in an entry */

#define HASHED                                                                                     \
	(IBV_RX_HASH_SRC_IPV4 | IBV_RX_HASH_DST_IPV4 | IBV_RX_HASH_SRC_PORT_UDP |                  \
	 IBV_RX_HASH_DST_PORT_UDP)

static const uint8_t key[40] = {0x3d, 0x18, 0x95, 0xe2, 0x61, 0xaf, 0x0c, 0x7b, 0x52, 0xd4,
				0x89, 0x36, 0xfb, 0x20, 0xc7, 0x5e, 0x14, 0xa9, 0x68, 0xdd,
				0x03, 0xb1, 0x7f, 0x4a, 0xe6, 0x9c, 0x25, 0x50, 0xcb, 0x87,
				0x1e, 0xf3, 0x6a, 0x39, 0x94, 0x0d, 0xb8, 0x47, 0x72, 0xec};

/* A completion queue that is read session by session. */
struct unpack {
	struct st_cq *cq;
	unsigned format, most; /* most: the longest session that the device says */
	struct st_cqe title;
	uint8_t small[ENTRIES][8];
	unsigned n, i;	      /* of the session: completions, and those that were taken */
	unsigned all, packed; /* completions; those of sessions of four and more */
};

struct packed {
	struct st_sq sq;
	struct st_rx rx;
	struct unpack u;
	unsigned sent, came;
};

static const struct {
	unsigned bit;
	const char *name;
} formats[] = {
	{MLX5DV_CQE_RES_FORMAT_HASH, "HASH"},
	{MLX5DV_CQE_RES_FORMAT_CSUM, "CSUM"},
	{MLX5DV_CQE_RES_FORMAT_CSUM_STRIDX, "CSUM_STRIDX"},
};

static bool no_format(struct st *st, unsigned format)
{
	const struct mlx5dv_context *dv = &st->b->dv;
	unsigned i = 0;

	if ((dv->comp_mask & MLX5DV_CONTEXT_MASK_CQE_COMPRESION) &&
	    (dv->cqe_comp_caps.supported_format & format))
		return false;
	while (formats[i].bit != format)
		i++;
	st_skip(st, "the device does not report compression by %s", formats[i].name);
	return true;
}

/* ---- sessions ---- */

/* The first array lies behind the title, the others at each eighth entry from it. */
static void read_small(struct unpack *u)
{
	for (unsigned i = 0; i < u->n; i++) {
		uint32_t at = u->cq->ci + (i < ARRAY ? 1 : i / ARRAY * ARRAY);

		memcpy(u->small[i], st_cq_slot(u->cq, at) + (size_t)(i % ARRAY) * 8, 8);
	}
}

static bool next_session(struct st *st, struct unpack *u)
{
	uint32_t ring = u->cq->dv.cqe_cnt, at = u->cq->ci & (ring - 1);

	if (!st_cq_peek(st, u->cq, &u->title, ST_WAIT_MS))
		return false;
	u->n = u->title.packed ? u->title.len : 1;
	u->i = 0;
	st_need(st, u->n && (!u->title.packed || u->n <= u->most),
		"a session of %u, where the device says %u at most", u->n, u->most);
	st_need(st, ring <= ENTRIES && at + u->n <= ring,
		"a session of %u at entry %u goes over the end of a ring of %u", u->n, at, ring);
	if (!st_good(st))
		return false;
	if (u->title.packed)
		read_small(u);
	st_cq_give_back(u->cq, u->n);
	u->all += u->n;
	u->packed += u->n >= 4 ? u->n : 0;
	return true;
}

/* PRM, mini CQE: hash, or checksum and stride index; byte count */
static bool next(struct st *st, struct unpack *u, struct st_cqe *cqe)
{
	uint32_t word;

	if (u->i == u->n && !next_session(st, u))
		return false;
	*cqe = u->title;
	if (u->title.packed) {
		word = st_get32(u->small[u->i]);
		cqe->len = st_get32(u->small[u->i] + 4);
		cqe->counter = (uint16_t)(u->title.counter + u->i);
		if (u->format == MLX5DV_CQE_RES_FORMAT_HASH)
			cqe->hash = word;
		else
			cqe->sum = (uint16_t)(word >> 16);
		if (u->format == MLX5DV_CQE_RES_FORMAT_CSUM_STRIDX)
			cqe->counter = (uint16_t)word;
	}
	u->i++;
	return true;
}

/* ---- frames ---- */

static void numbered(const struct st *st, struct st_frame *f, unsigned n, unsigned len)
{
	st_ether(f, st->b->info.mac, st->a->info.mac, 0x0800);
	st_ipv4(f, ST_UDP, 0xc6120001, 0xc6130001);
	st_l4(f, ST_UDP, 1000 + n % 50, 2000);
	st_fill(f, len, n);
	st_finish(f);
}

static unsigned len_of(unsigned n)
{
	return 60 + n * 37 % 500;
}

static void send_burst(struct st *st, struct st_sq *sq, unsigned first, unsigned n,
		       unsigned (*len)(unsigned n))
{
	struct st_frame f;

	if (!st_good(st))
		return;
	for (unsigned i = first; i < first + n; i++) {
		numbered(st, &f, i, len(i));
		st_wqe_begin(sq, MLX5_OPCODE_SEND, i + 1 < first + n ? ST_CE_FIRST : ST_CE_ALWAYS);
		st_wqe_eth(sq, 0);
		st_wqe_ptr(sq, st_stage(st->a, i, &f), f.len);
		st_wqe_end(sq);
	}
	st_sq_ring(sq);
	st_sq_wait(st, sq);
}

static void open_packed(struct st *st, struct packed *p, unsigned format)
{
	const struct st_rx_opts opts = {.format = format};
	struct st_rx *rx = &p->rx;
	struct ibv_qp *qp;
	struct st_rule r;

	memset(p, 0, sizeof(*p));
	st_sq_open(st, st->a, &p->sq, 64);
	st_rx_open(st, st->b, rx, &opts);
	p->u.cq = &rx->cq;
	p->u.format = format;
	p->u.most = st->b->dv.cqe_comp_caps.max_num;
	qp = format == MLX5DV_CQE_RES_FORMAT_HASH ? st_rss_open(st, &rx, 1, HASHED, key) : rx->qp;
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, 0x0800);
	st_flow(st, qp, &r);
}

/* RFC 1071, of all behind the Ethernet header; 0 and 0xffff are the same sum. */
static unsigned ip_sum(const struct st_frame *f)
{
	uint32_t sum = 0;

	for (unsigned i = f->l3; i < f->len; i++)
		sum += (uint32_t)f->b[i] << ((i - f->l3) & 1 ? 0 : 8);
	return sum % 0xffff;
}

static void judge_word(struct st *st, unsigned format, const struct st_cqe *cqe,
		       const struct st_frame *f)
{
	uint8_t input[12];
	uint32_t hash;

	if (format != MLX5DV_CQE_RES_FORMAT_HASH) {
		st_need(st, cqe->sum % 0xffff == ip_sum(f), "checksum 0x%04x, not 0x%04x", cqe->sum,
			ip_sum(f));
		return;
	}
	memcpy(input, f->b + f->l3 + 12, 8);
	memcpy(input + 8, f->b + f->l4, 4);
	hash = st_toeplitz(key, input, sizeof(input));
	st_need(st, cqe->hash == hash, "hash 0x%08x, not 0x%08x", cqe->hash, hash);
}

static void take_burst(struct st *st, struct packed *p, unsigned n)
{
	struct st_frame f;
	struct st_cqe cqe;

	for (; n-- && st_good(st); p->came++) {
		if (!next(st, &p->u, &cqe)) {
			st_fail(st, "frame %u did not arrive", p->came);
			return;
		}
		numbered(st, &f, p->came, len_of(p->came));
		st_need(st, cqe.opcode == ST_CQE_RESP_SEND, "completion with opcode %u, 0x%02x",
			cqe.opcode, cqe.syndrome);
		st_need(st, cqe.len == f.len, "the completion tells %u bytes, not %u", cqe.len,
			f.len);
		st_need(st, cqe.counter == (uint16_t)p->came, "WQE %u, not %u", cqe.counter,
			p->came & 0xffff);
		judge_word(st, p->u.format, &cqe, &f);
		st_need(st, !memcmp(st_slot(st->b, p->rx.slot + p->came % ST_RX_DEPTH), f.b, f.len),
			"frame %u is not what was sent", p->came);
		st_rx_post(&p->rx, 1);
	}
}

static unsigned burst_of(unsigned round)
{
	return 5 + round * 7 % (BURST_MAX - 4);
}

/* More came than was sent? */
static void nothing_more(struct st *st, struct unpack *u)
{
	struct st_cqe cqe;

	st_need(st, u->i == u->n && !st_cq_peek(st, u->cq, &cqe, 20), "a completion too many");
}

static void sessions_seen(struct st *st, const struct unpack *u)
{
	st_need(st, u->cq->ci / u->cq->dv.cqe_cnt > 3, "the ring went round %u times only",
		u->cq->ci / u->cq->dv.cqe_cnt);
	st_need(st, !st_emulated(st) || u->packed * 2 > u->all,
		"%u of %u completions were in sessions of four and more", u->packed, u->all);
}

static void by_format(struct st *st, unsigned format)
{
	struct packed p;

	if (no_format(st, format))
		return;
	open_packed(st, &p, format);
	for (unsigned round = 0; round < BURSTS && st_good(st); round++) {
		send_burst(st, &p.sq, p.came, burst_of(round), len_of);
		take_burst(st, &p, burst_of(round));
	}
	if (!st_good(st))
		return;
	nothing_more(st, &p.u);
	sessions_seen(st, &p.u);
}

static void by_hash(struct st *st)
{
	by_format(st, MLX5DV_CQE_RES_FORMAT_HASH);
}

static void by_checksum(struct st *st)
{
	by_format(st, MLX5DV_CQE_RES_FORMAT_CSUM);
}

/* ---- strides ---- */

static unsigned short_len(unsigned n)
{
	return 60 + n * 37 % 140;
}

static void take_strides(struct st *st, struct st_mpw *m, struct unpack *u, unsigned first,
			 unsigned n)
{
	struct st_frame f;
	struct st_cqe cqe;

	for (unsigned i = first; i < first + n && st_good(st);) {
		if (!next(st, u, &cqe)) {
			st_fail(st, "frame %u did not arrive", i);
			return;
		}
		numbered(st, &f, i, short_len(i));
		if (!st_mpw_take(st, m, &cqe, &f))
			continue;
		judge_word(st, u->format, &cqe, &f);
		i++;
	}
}

static void by_stride(struct st *st)
{
	struct st_mpw m = {.wqe = 0};
	struct unpack u = {.cq = &m.rx.cq,
			   .format = MLX5DV_CQE_RES_FORMAT_CSUM_STRIDX,
			   .most = st->b->dv.cqe_comp_caps.max_num};
	struct st_rule r;
	struct st_sq sq;
	unsigned n = 0;

	if (no_format(st, u.format) || !st_mpw_shape(st, &m))
		return;
	st_sq_open(st, st->a, &sq, 64);
	st_mpw_open(st, &m, u.format);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, 0x0800);
	st_flow(st, m.rx.qp, &r);
	for (unsigned round = 0; round < BURSTS && st_good(st); round++) {
		send_burst(st, &sq, n, burst_of(round), short_len);
		take_strides(st, &m, &u, n, burst_of(round));
		n += burst_of(round);
	}
	if (!st_good(st))
		return;
	nothing_more(st, &u);
	sessions_seen(st, &u);
}

static const struct st_check checks[] = {
	{"compress.hash", "small completions with length and hash", by_hash},
	{"compress.checksum", "small completions with length and checksum", by_checksum},
	{"compress.stride", "small completions with length, checksum and stride", by_stride},
};

const struct st_group st_group_compress = {checks, sizeof(checks) / sizeof(checks[0])};
