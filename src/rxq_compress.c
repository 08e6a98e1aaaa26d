/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed completions: part of the data path. No allocation, lock, log or system call. */
#include <config.h>

#include <string.h>

#include "barrier.h"
#include "rxq_minis.h"
#include "rxq_split.h"

/* ---- small completions ----------------------------------------------------------------------- */

/* A poll ends amid an array: what is left of it must outlast the slot. */
static void save(struct dq_rx_session *s)
{
	if (s->minis == s->saved)
		return;
	memcpy(s->saved, s->minis, sizeof(s->saved));
	dq_rx_minis_use_up(s->minis);
	s->minis = s->saved;
}

/* n packets of an array were taken. */
static void part_taken(struct daqiri_rxq *q, uint32_t n, uint64_t bytes)
{
	struct dq_rx_session *s = q->session;

	dq_rx_minis_taken(q, s, n, bytes);
	s->addr += (uint64_t)n * q->stride;
	s->index += n;
	if (s->index < DQ_MINI_ARRAY && s->left) {
		save(s);
		return;
	}
	dq_rx_minis_use_up(s->minis);
	s->minis = s->next;
	s->next = dq_rx_minis_behind(s->next);
	s->index = 0;
}

static inline __attribute__((always_inline)) uint32_t take(struct daqiri_rxq *q,
							   struct daqiri_pkt *pkts,
							   struct daqiri_rx_meta *meta,
							   uint32_t max, unsigned way)
{
	const struct dq_rx_session *s = q->session;
	const struct dq_mini_cqe *mini = s->minis + s->index;
	const uint64_t *slots = q->slots + (q->ci & q->mask);
	uint32_t n = DQ_MINI_ARRAY - s->index;
	uint64_t bytes = 0, addr = s->addr;

	n = n < s->left ? n : s->left;
	n = n < max ? n : max;
	for (uint32_t i = 0; i < n; i++, addr += q->stride) {
		uint32_t len = dq_from_be32(mini[i].byte_cnt);

		pkts[i] = (struct daqiri_pkt){.addr = way & DQ_MINIS_SLOTS ? slots[i] : addr,
					      .len = len,
					      .key = (daqiri_key)(s->key >> 32)};
		bytes += len;
		if (!(way & DQ_MINIS_TELL))
			continue;
		meta[i] = s->meta;
		meta[i].hash = dq_from_be32(mini[i].hash) & ~q->ask.no_hash;
	}
	part_taken(q, n, bytes);
	return n;
}

#define WAY(way)                                                                                   \
	static uint32_t take_##way(struct daqiri_rxq *q, struct daqiri_pkt *pkts,                  \
				   struct daqiri_rx_meta *meta, uint32_t max)                      \
	{                                                                                          \
		return take(q, pkts, meta, max, way);                                              \
	}
WAY(0)
WAY(1)
WAY(2)
WAY(3)

static const dq_rx_minis_fn take_part[DQ_MINIS_WAYS] = {take_0, take_1, take_2, take_3};

/* ---- sessions -------------------------------------------------------------------------------- */

void dq_rx_session_init(struct daqiri_rxq *q, const struct dq_rx_minis *by)
{
	struct dq_rx_session *s = q->session;

	s->minis_by = by;
	for (unsigned i = 0; i < 4; i++) {
		s->offset[i] = (uint64_t)(i & 1 ? 2 : 0) * q->stride + (i & 2 ? q->stride : 0);
		s->step[i] = (uint64_t)4 * q->stride;
	}
}

__attribute__((noinline)) void dq_rx_session_tell(struct daqiri_rxq *q,
						  const struct mlx5_cqe64 *title)
{
	q->session->meta = dq_rx_meta_of(title, &q->ask);
}

/* Plain completions, each of them used up when it is taken, or one that no receive queue gets. */
__attribute__((cold)) void dq_rx_session_refuse(struct daqiri_rxq *q)
{
	(void)dq_rx_expand(q);
}

void dq_rx_session_use_slots(struct daqiri_rxq *q)
{
	const struct dq_rx_minis *by = q->session->minis_by;

	q->session->slots = true;
	*(q->split ? &q->split->poll : &q->poll) =
		by->poll[(q->tell ? DQ_MINIS_TELL : 0) | DQ_MINIS_SLOTS];
}

/* Takes some of the session that is read: whole arrays, or of one. */
static uint32_t take_some(struct daqiri_rxq *q, struct daqiri_pkt *pkts,
			  struct daqiri_rx_meta *meta, uint32_t max)
{
	const struct dq_rx_session *s = q->session;
	unsigned way = (meta ? DQ_MINIS_TELL : 0) | (s->slots ? DQ_MINIS_SLOTS : 0);

	if (s->index || s->left < DQ_MINI_ARRAY || max < DQ_MINI_ARRAY)
		return take_part[way](q, pkts, meta, max);
	return s->minis_by->take[way](q, pkts, meta, max);
}

static uint32_t take_plain(struct daqiri_rxq *q, struct daqiri_pkt *pkts,
			   struct daqiri_rx_meta *meta, uint32_t max)
{
	uint32_t n = dq_rx_take_row(q, pkts, meta, max);
	struct mlx5_cqe64 *cqe = dq_rx_cqe(q, q->ci - n);

	for (uint32_t i = 0; i < n; i++)
		dq_cqe_use_up(&cqe[i]);
	return n;
}

/* No session is read. Takes what comes next; false: there is nothing. */
static bool take_next(struct daqiri_rxq *q, const struct dq_rx_wanted *want, uint32_t *n)
{
	struct mlx5_cqe64 *cqe = dq_rx_cqe(q, q->ci);
	unsigned owner = (q->ci & (q->mask + 1)) != 0;
	uint8_t op_own = dq_cqe_op_own(cqe), kind = op_own & DQ_CQE_OPCODE_OWNER;

	if (LIKELY(kind == dq_cqe_good_recv(owner))) {
		*n += take_plain(q, want->pkts + *n, want->meta ? want->meta + *n : NULL,
				 want->n - *n);
		return true;
	}
	if (!dq_cqe_is_ours(op_own, owner))
		return false;
	/* Pairs with the device's write of the ownership byte: title, arrays and packets are there.
	 */
	dq_from_device();
	if (kind == dq_cqe_title(owner))
		dq_rx_session_begin(q, cqe);
	else
		dq_rx_eat(q);
	return true;
}

uint32_t dq_rx_poll_sessions(struct daqiri_rxq *q, const struct dq_rx_wanted *want, uint32_t n)
{
	while (n < want->n) {
		if (q->session->left)
			n += take_some(q, want->pkts + n, want->meta ? want->meta + n : NULL,
				       want->n - n);
		else if (!take_next(q, want, &n))
			break;
	}
	return n;
}

static int poll_portable(struct daqiri_rxq *q, struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta,
			 uint32_t max)
{
	return dq_rx_polled(q, dq_rx_poll_sessions(q, &(struct dq_rx_wanted){pkts, meta, max}, 0));
}

const struct dq_rx_minis dq_rx_minis_portable = {
	.poll = {poll_portable, poll_portable, poll_portable, poll_portable},
	.take = {take_0, take_1, take_2, take_3}};

/* ---- written out ----------------------------------------------------------------------------- */

/* The i-th completion of a session, as if it had not been compressed. */
static struct mlx5_cqe64 plain_of(const struct daqiri_rxq *q, const struct mlx5_cqe64 *title,
				  const struct dq_mini_cqe *mini, uint32_t i)
{
	unsigned owner = ((q->ci + i) & (q->mask + 1)) != 0;
	struct mlx5_cqe64 cqe = *title;

	cqe.byte_cnt = mini->byte_cnt;
	if (q->striding) {
		cqe.wqe_counter = mini->stride;
	} else {
		cqe.wqe_counter = dq_to_be16((uint16_t)(dq_cqe_wqe_counter(title) + i));
		memcpy((uint8_t *)&cqe + DQ_CQE_HASH, &mini->hash, sizeof(mini->hash));
	}
	cqe.op_own = dq_cqe_good_recv(owner);
	return cqe;
}

/* A title that lies becomes a completion that no receive queue gets. */
static void refuse(struct mlx5_cqe64 *title)
{
	title->op_own = (uint8_t)(MLX5_CQE_REQ_ERR << 4 | (title->op_own & MLX5_CQE_OWNER_MASK));
}

bool dq_rx_expand(struct daqiri_rxq *q)
{
	const struct mlx5_cqe64 title = *dq_rx_cqe(q, q->ci);
	struct dq_mini_cqe minis[DQ_MINI_ARRAY];
	uint32_t n = dq_cqe_len(&title);

	if ((title.op_own & DQ_CQE_FORMAT) != DQ_CQE_FORMAT ||
	    dq_cqe_opcode(title.op_own) != MLX5_CQE_RESP_SEND)
		return false;
	if (n - 1 > q->mask) {
		refuse(dq_rx_cqe(q, q->ci));
		return true;
	}
	/* Each array is read before its slot, and those behind it, are written. */
	for (uint32_t i = 0; i < n; i++) {
		if (i % DQ_MINI_ARRAY == 0)
			memcpy(minis, dq_rx_cqe(q, q->ci + (i ? i : 1)), sizeof(minis));
		*dq_rx_cqe(q, q->ci + i) = plain_of(q, &title, &minis[i % DQ_MINI_ARRAY], i);
	}
	return true;
}

void dq_rx_session_drop(struct daqiri_rxq *q)
{
	struct dq_rx_session *s = q->session;

	if (!s->left)
		return;
	dq_counter_add(&q->count.reset_drops, s->left);
	dq_rx_minis_use_up(s->minis);
	for (; s->left; s->left--)
		dq_cqe_use_up(dq_rx_cqe(q, q->ci++));
	s->index = 0;
}
