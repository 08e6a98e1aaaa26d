/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device does to rings, from the PRM ("Completion Queue Entry Format", "WQE Format"): it
 * writes completions of packets that never were, and reads the WQEs of packets that go nowhere. It
 * checks all that it reads: no packet is lost, doubled, out of order or changed.
 */
#include "dp.h"

#include <endian.h>
#include <string.h>

enum {
	CQE_REQ = 0x0,	     /* MLX5_CQE_REQ: a send is done */
	CQE_RESP_SEND = 0x2, /* MLX5_CQE_RESP_SEND: a packet has come */
	OPCODE_SEND = 0x0a,
	OPCODE_EMPW = 0x29, /* MLX5_OPCODE_ENHANCED_MPSW */
	WQEBB = 64,
	SEG = 16,
	HEAD_SEGS = 2, /* control and Ethernet segment */
	CE_ALWAYS = 2 << 2,
	BUFFER = 2048,	      /* and a stride */
	ONE_STRIDE = 1 << 16, /* of byte_cnt: strides that the frame took */
	FRAME = 64,	      /* what the PCIe bytes are told for */
	SPACING = 7,	      /* of packets, in nanoseconds: frames of 64 bytes at 100 Gb/s */
	RIGHT_NS = 1000,      /* of times: the kernel corrects its clock meanwhile */
	DOORBELL = 8,
	HASH = 12,	     /* of a completion */
	MINIS = 8,	     /* small completions of a slot */
	COMPRESSED = 3 << 2, /* format of a title, in op_own */
	INVALID = 0xf	     /* MLX5_CQE_INVALID */
};

/* MLX5_INLINE_SEG */
#define INLINE 0x80000000u

/* Big-endian fields, wherever they lie. */
static uint32_t get32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static uint64_t get64(const void *p)
{
	return (uint64_t)get32(p) << 32 | get32((const uint8_t *)p + 4);
}

static void put32(void *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static void put64(void *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

static void put16(void *p, uint16_t v)
{
	v = htobe16(v);
	memcpy(p, &v, sizeof(v));
}

/* splitmix64: every packet has a length and a tag of its own, and both sides know them. */
static uint64_t mix(uint64_t number)
{
	number += 0x9e3779b97f4a7c15u;
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
	number = (number ^ number >> 27) * 0x94d049bb133111ebu;
	return number ^ number >> 31;
}

uint32_t dp_frame_len(uint64_t number)
{
	return 60 + (uint32_t)(mix(number) % 1455);
}

/* number: of the packet, or of the one whose completion is its title. */
static uint32_t frame_tag(uint64_t number)
{
	return 1 + (uint32_t)((mix(number) >> 32) % 0xfffffe);
}

/* ---- receive --------------------------------------------------------------------------------- */

/* The counter when a packet came, after the one at which the clock was read. */
static uint64_t counter_at(const struct mlx5dv_clock_info *clock, uint64_t number)
{
	return clock->last_cycles + (number * SPACING << clock->shift) / clock->mult;
}

/* All 64 bytes, those that the library must not look at too; the ownership byte last. */
static void write_rx_cqe(struct dp_rig *rig, uint64_t number)
{
	struct dp_rx_ring *rx = rig->rx;
	struct mlx5_cqe64 *cqe = &rx->cqes[rx->pi & (rx->depth - 1)];
	unsigned owner = (rx->pi & rx->depth) != 0;
	uint64_t noise = mix(~number);

	for (unsigned i = 0; i < 7; i++)
		memcpy((uint8_t *)cqe + (size_t)8 * i, &noise, sizeof(noise));
	put32(&cqe->byte_cnt, dp_frame_len(number) | (rx->per_wqe > 1 ? ONE_STRIDE : 0));
	if (rx->stamps == DP_FREE_COUNTER)
		put64(&cqe->timestamp, counter_at(&rig->clock, number));
	put16(&cqe->wqe_id, (uint16_t)(rx->pi / rx->per_wqe));
	put32(&cqe->sop_drop_qpn, (uint32_t)(noise & 0xff) << 24 | frame_tag(number));
	put16(&cqe->wqe_counter, (uint16_t)(rx->per_wqe > 1 ? rx->pi % rx->per_wqe : rx->pi));
	cqe->signature = (uint8_t)noise;
	__atomic_store_n(&cqe->op_own, (uint8_t)(CQE_RESP_SEND << 4 | owner), __ATOMIC_RELEASE);
	rx->pi++;
}

/* Where the packet of this index was put. */
static uint64_t place_of(const struct dp_rx_ring *rx, uint32_t index)
{
	uint32_t wqe = (index & (rx->depth - 1)) / rx->per_wqe;
	const struct mlx5_wqe_data_seg *seg =
		(const void *)(rx->wqes + (size_t)(wqe + 1) * rx->wqe_size - SEG);

	return get64(&seg->addr) + (uint64_t)(index % rx->per_wqe) * BUFFER;
}

/* The packet whose completion says what all those of its session have. */
static uint64_t title_of(const struct dp_rig *rig, uint64_t number)
{
	return rig->rx->compressed ? number - number % rig->session : number;
}

static uint32_t hash_of(uint64_t number)
{
	return (uint32_t)mix(~number ^ 0x5bd1e995);
}

/*
 * A session, as the PRM has it ("CQE compression", basic layout): the title in the first of its
 * slots, arrays of eight small completions, of hash and byte count, in the next one and in each
 * eighth. The other slots stay as they are. One completion alone is not compressed.
 */
static void write_session(struct dp_rig *rig, uint64_t number, uint32_t n)
{
	struct dp_rx_ring *rx = rig->rx;
	struct mlx5_cqe64 *title = &rx->cqes[rx->pi & (rx->depth - 1)];
	uint8_t *array = NULL;
	uint8_t op_own;

	write_rx_cqe(rig, number);
	op_own = title->op_own;
	if (n == 1) {
		put32((uint8_t *)title + HASH, hash_of(number));
		return;
	}
	title->op_own = (uint8_t)(INVALID << 4);
	for (uint32_t i = 0; i < n; i++) {
		if (i % MINIS == 0)
			array = (uint8_t *)(title + (i ? i : 1));
		put32(array + (size_t)(i % MINIS) * 8, hash_of(number + i));
		put32(array + (size_t)(i % MINIS) * 8 + 4, dp_frame_len(number + i));
	}
	put32(&title->byte_cnt, n);
	__atomic_store_n(&title->op_own, (uint8_t)(op_own | COMPRESSED), __ATOMIC_RELEASE);
	rx->pi += n - 1;
}

/* Writes a lap's completions; returns the slots that were written. */
static uint32_t write_completions(struct dp_rig *rig)
{
	uint32_t slots = 0;

	if (!rig->rx->compressed) {
		for (uint32_t i = 0; i < rig->lap; i++)
			write_rx_cqe(rig, rig->received + i);
		return rig->lap;
	}
	for (uint32_t i = 0; i < rig->lap; i += rig->session) {
		write_session(rig, rig->received + i, rig->session);
		slots += rig->session == 1 ? 1 : 1 + (rig->session + MINIS - 1) / MINIS;
	}
	return slots;
}

void dp_device_receive(struct dp_rig *rig)
{
	struct dp_rx_ring *rx = rig->rx;
	uint32_t wqes = (rx->pi + rx->depth - rig->owed) / rx->per_wqe;

	if ((uint16_t)get32(rx->rq_dbrec) != (uint16_t)wqes)
		dp_fail("the receive queue was not given back: %u, not %u", get32(rx->rq_dbrec),
			wqes & 0xffff);
	if (((get32(rx->cq_dbrec) ^ rx->pi) & 0xffffff) != 0)
		dp_fail("the completions were not given back");
	for (uint32_t i = 0; i < rig->lap; i++)
		rig->place[i] = place_of(rx, rx->pi + i);
	/* Completions, and a receive WQE or a part of one for each frame, cross the bus. */
	rig->pcie_bytes += write_completions(rig) * sizeof(struct mlx5_cqe64) +
			   (uint64_t)rig->lap * FRAME +
			   (uint64_t)rig->lap * rx->wqe_size / rx->per_wqe;
}

/*
 * Metadata of a completion whose first 32 bytes are noise: hash at 12, checksums at 28, types at
 * 29, the tag at 30 (kernel: include/linux/mlx5/device.h, struct mlx5_cqe64).
 */
static struct daqiri_rx_meta noise_meta(const struct dp_rig *rig, uint64_t number)
{
	static const uint8_t l4[8] = {0, DAQIRI_TYPE_TCP, DAQIRI_TYPE_UDP, DAQIRI_TYPE_TCP,
				      DAQIRI_TYPE_TCP};
	uint64_t title = title_of(rig, number), noise = mix(~title);
	uint8_t b[8], protocol, ip;

	memcpy(b, &noise, sizeof(b));
	protocol = l4[b[5] >> 4 & 7];
	ip = b[5] >> 2 & 3;
	return (struct daqiri_rx_meta){
		.hash = rig->rx->compressed ? hash_of(number) : get32(b + 4),
		.flow = frame_tag(title),
		.vlan_tci = (uint16_t)(b[5] & 1 ? b[6] << 8 | b[7] : 0),
		.checksum = (uint8_t)((b[4] & 6) | (protocol ? DAQIRI_CSUM_L4_KNOWN : 0) |
				      (ip == 1 || ip == 2 ? DAQIRI_CSUM_L3_KNOWN : 0)),
		.type = (uint8_t)((b[5] & 0x8e) | protocol),
	};
}

/* By what was told when the context was opened, or of noise: seconds and nanoseconds. */
static uint64_t time_of(const struct dp_rig *rig, uint64_t number)
{
	struct mlx5dv_clock_info clock = rig->clock;
	uint64_t noise = mix(~number);

	if (rig->rx->stamps == DP_UNTIMED)
		return 0;
	if (rig->rx->stamps == DP_FREE_COUNTER)
		return mlx5dv_ts_to_ns(&clock, counter_at(&clock, number));
	return (uint64_t)get32(&noise) * 1000000000 + get32((uint8_t *)&noise + 4);
}

static void check_meta(const struct dp_rig *rig)
{
	for (uint32_t i = 0; i < rig->lap; i++) {
		uint64_t number = rig->received - rig->lap + i;
		struct daqiri_rx_meta want = noise_meta(rig, number);
		uint64_t right = time_of(rig, number), ns = rig->meta[i].time_ns;

		want.time_ns = ns;
		if (ns - right + RIGHT_NS > 2ull * RIGHT_NS ||
		    (ns != right && rig->rx->stamps != DP_FREE_COUNTER))
			dp_fail("packet %u of the lap: came at %llu, and not at %llu", i,
				(unsigned long long)ns, (unsigned long long)right);

		if (memcmp(&rig->meta[i], &want, sizeof(want)) != 0)
			dp_fail("packet %u of the lap: not the metadata that came", i);
	}
}

/* Where the header of the packet of this index was put, and whether both parts are what they were.
 */
static bool is_split(const struct dp_rig *rig, uint32_t i, uint32_t index, uint32_t len)
{
	const struct dp_rx_ring *rx = rig->rx;
	const struct daqiri_pkt *head = &rig->in[i], *rest = &rig->in_rest[i];
	const struct mlx5_wqe_data_seg *seg =
		(const void *)(rx->wqes + (size_t)(index & (rx->depth - 1)) * rx->wqe_size);
	uint32_t at = len < DP_SPLIT ? len : DP_SPLIT;

	return head->addr == get64(&seg->addr) && head->len == at && rest->len == len - at &&
	       rest->addr == rig->place[i] && rest->key == head->key;
}

static bool is_whole(const struct dp_rig *rig, uint32_t i, uint32_t index, uint32_t len)
{
	(void)index;
	return rig->in[i].addr == rig->place[i] && rig->in[i].len == len;
}

/* Its key: the flow's tag; the send side knows the other kind. */
static bool is_tagged(const struct dp_rig *rig, uint32_t i, uint64_t number)
{
	return rig->wire == rig->in ||
	       daqiri_key_flow(rig->in[i].key) == frame_tag(title_of(rig, number));
}

void dp_device_check_received(const struct dp_rig *rig)
{
	const struct dp_rx_ring *rx = rig->rx;
	uint32_t first = rx->pi - rig->lap;

	for (uint32_t i = 0; i < rig->lap; i++) {
		const struct daqiri_pkt *pkt = &rig->in[i];
		uint64_t number = rig->received - rig->lap + i;

		if (!(rig->has_rest ? is_split : is_whole)(rig, i, first + i,
							   dp_frame_len(number)) ||
		    !is_tagged(rig, i, number))
			dp_fail("packet %llu: %u bytes at %#llx with tag %#x: not what came",
				(unsigned long long)number, pkt->len, (unsigned long long)pkt->addr,
				daqiri_key_flow(pkt->key));
	}
	if (rig->has_meta)
		check_meta(rig);
}

/* ---- send ------------------------------------------------------------------------------------ */

static void write_tx_cqe(struct dp_rig *rig, uint32_t index)
{
	struct dp_tx_ring *tx = &rig->tx;
	struct mlx5_cqe64 *cqe = &tx->cqes[tx->cqe_pi & (tx->cq_depth - 1)];
	unsigned owner = (tx->cqe_pi & tx->cq_depth) != 0;

	if (((tx->cqe_pi - get32(tx->cq_dbrec)) & 0xffffff) >= tx->cq_depth)
		dp_fail("the send queue's completion ring is overrun");
	memset(cqe, 0xa5, sizeof(*cqe) - 1);
	put16(&cqe->wqe_counter, (uint16_t)index);
	__atomic_store_n(&cqe->op_own, (uint8_t)(CQE_REQ << 4 | owner), __ATOMIC_RELEASE);
	tx->cqe_pi++;
	rig->pcie_bytes += sizeof(*cqe);
}

/* Where a segment of the WQE at wqebb is, or what is behind it: the ring goes round. */
static const uint8_t *segment(const struct dp_tx_ring *tx, uint32_t wqebb, uint32_t seg)
{
	size_t at = (size_t)(wqebb & (tx->depth - 1)) * WQEBB + (size_t)seg * SEG;

	return tx->wqebbs + at % ((size_t)tx->depth * WQEBB);
}

static void not_posted(const struct dp_rig *rig)
{
	dp_fail("packet %u of the lap: not what was posted", rig->seen);
}

static void send_pointer(struct dp_rig *rig, const uint8_t *seg, bool rest)
{
	const struct daqiri_pkt *pkt = rest ? &rig->out_rest[rig->seen] : &rig->wire[rig->seen];
	const struct mlx5_wqe_data_seg *data = (const void *)seg;

	if (get64(&data->addr) != pkt->addr || get32(&data->byte_count) != pkt->len ||
	    memcmp(&data->lkey, &pkt->key, sizeof(pkt->key)) != 0)
		not_posted(rig);
	/* Its payload comes next. */
	if (rig->send == DP_TX_GATHER && !rest)
		return;
	rig->seen++;
	rig->pcie_bytes += FRAME;
}

/* A frame in the WQE itself; returns its segments. */
static uint32_t send_inline(struct dp_rig *rig, uint32_t wqebb, uint32_t seg)
{
	const struct daqiri_pkt *pkt = &rig->wire[rig->seen];
	const uint8_t *frame = (const uint8_t *)(uintptr_t)pkt->addr;
	uint32_t segs = (4 + pkt->len + SEG - 1) / SEG;

	if (get32(segment(&rig->tx, wqebb, seg)) != (INLINE | pkt->len))
		not_posted(rig);
	for (uint32_t i = 0, at = 4; i < pkt->len; i++, at++)
		if (segment(&rig->tx, wqebb, seg + at / SEG)[at % SEG] != frame[i])
			not_posted(rig);
	rig->seen++;
	return segs;
}

static uint32_t send_segment(struct dp_rig *rig, uint32_t wqebb, uint32_t seg)
{
	const uint8_t *at = segment(&rig->tx, wqebb, seg);

	if (get32(at) & INLINE)
		return send_inline(rig, wqebb, seg);
	send_pointer(rig, at, rig->send == DP_TX_GATHER && seg > HEAD_SEGS);
	return 1;
}

/* One WQE; returns its WQEBBs. */
static uint32_t send_wqe(struct dp_rig *rig)
{
	struct dp_tx_ring *tx = &rig->tx;
	const struct mlx5_wqe_ctrl_seg *ctrl = (const void *)segment(tx, tx->ci, 0);
	uint32_t word = get32(&ctrl->opmod_idx_opcode), segs = get32(&ctrl->qpn_ds) & 0x3f, blocks;

	if (word >> 8 != (tx->ci & 0xffff) || (word & 0xff) != rig->opcode)
		dp_fail("WQE %u begins with %#x", tx->ci & 0xffff, word);
	for (uint32_t s = HEAD_SEGS; s < segs;)
		s += send_segment(rig, tx->ci, s);
	if ((ctrl->fm_ce_se & CE_ALWAYS) != 0)
		write_tx_cqe(rig, tx->ci);
	blocks = (segs + 3) / 4;
	rig->pcie_bytes += (uint64_t)blocks * WQEBB;
	return blocks;
}

/*
 * The register, in one half or the other, has the first bytes of the last WQE, or all of one that
 * is copied into it.
 */
static void check_doorbell(const struct dp_tx_ring *tx, uint32_t last, size_t bytes)
{
	const uint8_t *wqe = segment(tx, last, 0);

	if (memcmp(tx->bf, wqe, bytes) != 0 &&
	    (!tx->bf_half || memcmp(tx->bf + tx->bf_half, wqe, bytes) != 0))
		dp_fail("the doorbell of WQE %u was not rung", last & 0xffff);
}

void dp_device_send(struct dp_rig *rig)
{
	struct dp_tx_ring *tx = &rig->tx;
	uint16_t pi = (uint16_t)get32(tx->sq_dbrec);
	uint32_t last = tx->ci, before = rig->seen;
	bool copied;

	if ((uint16_t)tx->ci == pi)
		dp_fail("nothing was rung");
	while ((uint16_t)tx->ci != pi) {
		last = tx->ci;
		tx->ci += send_wqe(rig);
	}
	/* The device need not read a WQE that is in the register. */
	copied = rig->send == DP_TX_LATENCY && rig->seen == before + 1;
	check_doorbell(tx, last, copied ? WQEBB : DOORBELL);
	rig->pcie_bytes += copied ? 0 : DOORBELL;
}
