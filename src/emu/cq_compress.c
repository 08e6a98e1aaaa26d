/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed completions, basic layout: a title CQE stands for the first of n completions that
 * differ in little, and small CQEs of 8 bytes, eight in a slot, say what is different. n
 * completions take n slots still; the device writes some of them only. A completion is held back
 * until the engine's turn ends, never to wait for more. Runs on the engine's thread.
 */
#include <errno.h>
#include <string.h>

#include "emu_dev.h"

/* The completion queues that hold any. */
SLIST_HEAD(emu_cq_holders, emu_cq);
static struct emu_cq_holders holders;

int emu_cq_compress(struct emu_cq *cq, unsigned format)
{
	if (format != EMU_MINI_HASH && format != EMU_MINI_CSUM && format != EMU_MINI_CSUM_STRIDX)
		return -EOPNOTSUPP;
	cq->session.on = true;
	cq->session.format = (uint8_t)format;
	return 0;
}

void emu_sessions_forget(void)
{
	SLIST_INIT(&holders);
}

/*
 * Where the n-th array of a session lies, counted from the title: behind it, and then at each
 * eighth slot, as mlx5e_decompress_cqes_cont() and DPDK's mlx5_rx_poll_len() read them.
 */
static uint32_t array_slot(uint32_t n)
{
	return n ? n * EMU_MINI_ARRAY : 1;
}

static void write_arrays(struct emu_cq *cq)
{
	struct emu_session *s = &cq->session;
	uint32_t i, used;
	uint8_t *dst;

	for (i = 0; i * EMU_MINI_ARRAY < s->n; i++) {
		used = s->n - i * EMU_MINI_ARRAY;
		used = (uint32_t)sizeof(s->mini[0]) *
		       (used < EMU_MINI_ARRAY ? used : EMU_MINI_ARRAY);
		dst = emu_cq_slot(cq, cq->pi + array_slot(i));
		memcpy(dst, &s->mini[(size_t)i * EMU_MINI_ARRAY], used);
		memset(dst + used, 0, sizeof(struct emu_cqe) - used);
	}
}

static void end(struct emu_cq *cq)
{
	struct emu_session *s = &cq->session;
	uint32_t n = s->n;

	if (!n)
		return;
	if (n > 1) {
		write_arrays(cq);
		s->title.op_own |= EMU_CQE_COMPRESSED;
		s->title.byte_cnt = emu_to_be32(n + (emu_broken(SESSION_COUNT) ? 1 : 0));
	}
	s->n = 0;
	emu_cq_publish(cq, &s->title, n);
	emu_cq_notify(cq, EMU_CQE_PLAIN);
}

void emu_sessions_end(void)
{
	struct emu_cq *cq;

	while ((cq = SLIST_FIRST(&holders))) {
		SLIST_REMOVE_HEAD(&holders, session.link);
		cq->session.listed = false;
		end(cq);
	}
}

/* What the small completion does not say must be as in the title. */
static bool joins(const struct emu_session *s, const struct emu_cqe *cqe)
{
	const struct emu_cqe *t = &s->title;

	if (s->format != EMU_MINI_CSUM_STRIDX && emu_from_be16(cqe->wqe_counter) != s->counter)
		return false;
	if (s->format != EMU_MINI_HASH && cqe->rx_hash_result != t->rx_hash_result)
		return false;
	return memcmp(t, cqe, offsetof(struct emu_cqe, rx_hash_result)) == 0 &&
	       cqe->rx_hash_type == t->rx_hash_type &&
	       memcmp(&t->hds_ip_ext, &cqe->hds_ip_ext,
		      offsetof(struct emu_cqe, byte_cnt) - offsetof(struct emu_cqe, hds_ip_ext)) ==
		       0 &&
	       cqe->sop_drop_qpn == t->sop_drop_qpn && cqe->op_own == t->op_own;
}

/* Drivers count on from the title: WQEs, or strides (mlx5e_decompress_cqe). */
static uint16_t counter_behind(const struct emu_cqe *cqe)
{
	uint32_t strides = emu_from_be32(cqe->byte_cnt) >> EMU_MPW_STRIDES_SHIFT & 0x7fff;

	return (uint16_t)(emu_from_be16(cqe->wqe_counter) + (strides ? strides : 1));
}

/* daqiri-emu --break: of all small completions but a session's first */
static void spoil(const struct emu_session *s, struct emu_mini_cqe *mini)
{
	if (emu_broken(MINI_BYTES))
		mini->byte_cnt = emu_to_be32(emu_from_be32(mini->byte_cnt) + 1);
	if (emu_broken(MINI_HASH) && s->format == EMU_MINI_HASH)
		mini->rx_hash_result ^= emu_to_be32(1);
	if (emu_broken(MINI_CSUM) && s->format != EMU_MINI_HASH)
		mini->checksum ^= emu_to_be16(1);
	if (emu_broken(MINI_STRIDE) && s->format == EMU_MINI_CSUM_STRIDX)
		mini->stridx = emu_to_be16((uint16_t)(emu_from_be16(mini->stridx) + 1));
}

static void hold(struct emu_cq *cq, const struct emu_cqe *cqe)
{
	struct emu_session *s = &cq->session;
	struct emu_mini_cqe *mini;

	if (!s->n)
		s->title = *cqe;
	mini = &s->mini[s->n++];
	mini->byte_cnt = cqe->byte_cnt;
	if (s->format == EMU_MINI_HASH) {
		mini->rx_hash_result = cqe->rx_hash_result;
	} else {
		mini->checksum = cqe->checksum;
		mini->stridx = s->format == EMU_MINI_CSUM_STRIDX ? cqe->wqe_counter : 0;
	}
	if (emu_settings.broken && s->n > 1)
		spoil(s, mini);
	s->counter = counter_behind(cqe);
	if (s->listed)
		return;
	s->listed = true;
	SLIST_INSERT_HEAD(&holders, cq, session.link);
}

/*
 * No session goes on from the ring's last entry to its first: DPDK's vector receive function walks
 * through one without wrapping, in the ring and in its own table of buffers (rxq_cq_decompress_v).
 */
static bool at_ring_end(const struct emu_cq *cq)
{
	return ((cq->pi + cq->session.n) & (cq->n_cqe - 1)) == 0 && !emu_broken(SESSION_END);
}

bool emu_session_write(struct emu_cq *cq, struct emu_cqe *img, enum emu_cqe_kind kind)
{
	struct emu_session *s = &cq->session;
	bool small = kind == EMU_CQE_PLAIN && img->op_own == EMU_CQE_RESP_SEND << 4 &&
		     !emu_broken(SESSION_NONE);

	if (cq->overrun)
		return false;
	if (s->n && (!small || s->n == EMU_MINI_MAX || at_ring_end(cq) || !joins(s, img)))
		end(cq);
	if (emu_cq_full(cq, s->n)) {
		end(cq);
		emu_cq_overrun(cq);
		return false;
	}
	if (small) {
		hold(cq, img);
		return true;
	}
	emu_cq_publish(cq, img, 1);
	emu_cq_notify(cq, kind);
	return true;
}
