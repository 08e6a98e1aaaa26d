/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer entry: send WQEs of arbitrary bytes through the emulated device, from the doorbell to
 * the receive queue of the other port: nothing outside of the rings and of registered memory is
 * read or written, and the queue ends executed or in error, never in a loop.
 *
 * Input: settings (one byte each: log2 of the ring, first index 2, WQEBBs posted 2, steps and, from
 * bit 3 on, what the receiver is), a byte
 * of what is put right (see repair()), then the ring's bytes.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "emu/emu_dev.h"
#include "emu/pcap.h"
#include "emu/script.h"
#include "emu/wire.h"

enum { QPN = 0x123, PDN = 7, MEMORY = 4096, RX_SLOT = 2048, RX_DEPTH = 8, CQ_DEPTH = 64 };
#define IOVA 0x10000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- what the device calls, but does not bring along ------------------------------------------
 */

struct wire emu_wire;

void emu_complain(const char *format, ...)
{
	(void)format;
}

uint64_t emu_time_cqe(bool realtime)
{
	return realtime;
}

/* So far each time that every queue's turn comes. */
uint64_t emu_time_ns(void)
{
	static uint64_t now;

	return now += 1000000000;
}

/* For each mask of a WAIT, two of three times are late enough. */
uint64_t emu_time_clock(bool realtime)
{
	static uint64_t now;

	return now += realtime ? 0x5555555555555555 : 0x2aaaaaaaaaaaaaab;
}

void emu_time_expire(void)
{
}

bool emu_engine_grace(bool (*ready)(struct emu_rq *rq), struct emu_rq *rq)
{
	return ready(rq);
}

void emu_comp_event(struct emu_cq *cq)
{
	(void)cq;
}

void emu_async_event(struct emu_ctx *ctx, enum emu_async type, uint64_t element)
{
	(void)ctx;
	(void)type;
	(void)element;
}

uint32_t emu_script_on;

struct emu_script_line *emu_script_hit(enum emu_script_on on, unsigned port, unsigned call)
{
	(void)on;
	(void)port;
	(void)call;
	return NULL;
}

void emu_script_frame(unsigned port, const uint8_t *data, uint32_t len)
{
	emu_wire_cross(port, data, len);
}

bool emu_pcap_on;

void emu_pcap_frame(const uint8_t *data, uint32_t len)
{
	(void)data;
	(void)len;
}

void emu_ring_flush(void)
{
}

bool emu_ring_room(unsigned owner, uint32_t bytes)
{
	(void)owner;
	(void)bytes;
	return true;
}

void emu_ring_push(unsigned owner, unsigned port, const struct emu_frame *frame)
{
	(void)owner;
	(void)port;
	(void)frame;
}

bool emu_wire_lock(bool try)
{
	(void)try;
	return true;
}

void emu_wire_unlock(void)
{
}

/* ---- two ports --------------------------------------------------------------------------------
 */

/* All memory that the device may touch lies in blocks of its own, so that a byte more is seen. */
struct bench {
	struct emu_sq sq;
	struct emu_rq rq, *rqs[1];
	struct emu_cq tx_cq, rx_cq;
	struct emu_tir tir;
	struct emu_mkey mkey[2], *mkeys[3];
	struct emu_wire_port port[2];
	uint32_t sq_db[1], rq_db[1], tx_cq_db[2], rx_cq_db[2];
	uint8_t *memory, *ring, *rx_ring, *rx_memory, *tx_cqes, *rx_cqes;
};

static void check(bool good)
{
	if (!good)
		abort();
}

static void *block(size_t size)
{
	void *mem = aligned_alloc(64, size);

	check(mem != NULL);
	memset(mem, 0x5a, size);
	return mem;
}

static void make_key(struct bench *b, unsigned i, uint8_t *memory, uint64_t length)
{
	b->mkey[i] = (struct emu_mkey){.iova = IOVA,
				       .length = length,
				       .host = memory,
				       .key = (i + 1) << 8 | 0x11,
				       .access = EMU_ACCESS_LOCAL_WRITE,
				       .pdn = PDN,
				       .live = true};
	b->mkeys[i + 1] = &b->mkey[i];
}

static void make_cq(struct emu_cq *cq, struct emu_dev *dev, uint8_t *buf, uint32_t *dbrec)
{
	memset(dbrec, 0, 8);
	*cq = (struct emu_cq){.dev = dev,
			      .buf = buf,
			      .n_cqe = CQ_DEPTH,
			      .cqe_size = 64,
			      .dbrec = dbrec,
			      .comp_fd = -1};
	emu_cq_init(cq);
}

static void make_devices(struct bench *b)
{
	for (unsigned i = 0; i < 2; i++) {
		b->port[i] = (struct emu_wire_port){.mtu = 1500, .link_up = 1};
		emu_devs[i] = (struct emu_dev){.index = i, .wire = &b->port[i]};
		emu_devs[i].mkeys = b->mkeys;
		emu_devs[i].n_mkeys = 3;
		memcpy(emu_devs[i].mac, (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)i}, 6);
	}
	emu_settings.n_ports = 2;
	emu_wire.fd = 0;
	emu_wire.slot = 0;
}

enum { STRIDING = 1, SHIFTED = 2, TUNNELS = 4 }; /* kinds of receivers */

/* Of 32 strides of 64 bytes a WQE, and two bytes in front of a frame or none. */
static void make_striding(struct emu_rq *rq, unsigned kind)
{
	rq->log_stride = 6;
	rq->log_strides = 5;
	rq->shift = kind & SHIFTED ? 2 : 0;
}

static void make_receiver(struct bench *b, unsigned kind)
{
	struct emu_wqe_data *seg;
	uint32_t odd = kind & STRIDING ? RX_SLOT : 100;

	b->rx_ring = block(RX_DEPTH * EMU_DS);
	b->rx_memory = block((size_t)RX_DEPTH * RX_SLOT);
	b->rx_cqes = block((size_t)CQ_DEPTH * 64);
	make_key(b, 1, b->rx_memory, (uint64_t)RX_DEPTH * RX_SLOT);
	make_cq(&b->rx_cq, &emu_devs[1], b->rx_cqes, b->rx_cq_db);
	seg = (struct emu_wqe_data *)(void *)b->rx_ring;
	for (unsigned i = 0; i < RX_DEPTH; i++)
		seg[i] = (struct emu_wqe_data){.byte_count = htobe32(i % 2 ? RX_SLOT : odd),
					       .lkey = htobe32(b->mkey[1].key),
					       .addr = htobe64(IOVA + (uint64_t)i * RX_SLOT)};
	b->rq_db[0] = htobe32(RX_DEPTH);
	b->rq = (struct emu_rq){.dev = &emu_devs[1],
				.pdn = PDN,
				.buf = b->rx_ring,
				.n_wqe = RX_DEPTH,
				.stride = EMU_DS,
				.dbrec = b->rq_db,
				.cq = &b->rx_cq,
				.state = EMU_QUEUE_RDY};
	if (kind & STRIDING)
		make_striding(&b->rq, kind);
	b->rqs[0] = &b->rq;
	b->tir = (struct emu_tir){
		.dev = &emu_devs[1], .rqs = b->rqs, .n_rqs = 1, .tunnel = kind & TUNNELS};
}

/* Every frame that reaches the second port is the receiver's. */
static void make_rules(struct bench *b)
{
	struct emu_rule_def all = {.level = 15, .tir = (uint64_t)(uintptr_t)&b->tir};

	for (unsigned i = 0; i < 2; i++) {
		emu_wire.ports[i].steer = emu_steer_new(1);
		check(emu_wire.ports[i].steer != NULL);
	}
	check(!emu_steer_place(emu_wire.ports[1].steer, &all));
	check(!emu_steer_add(emu_wire.ports[1].steer, &all, 0));
}

static void make_sender(struct bench *b, uint32_t n_wqebb, uint16_t first)
{
	b->memory = block(MEMORY);
	b->ring = block((size_t)n_wqebb * EMU_WQEBB);
	b->tx_cqes = block((size_t)CQ_DEPTH * 64);
	make_key(b, 0, b->memory, MEMORY);
	make_cq(&b->tx_cq, &emu_devs[0], b->tx_cqes, b->tx_cq_db);
	b->sq = (struct emu_sq){.dev = &emu_devs[0],
				.qpn = QPN,
				.pdn = PDN,
				.buf = b->ring,
				.n_wqebb = n_wqebb,
				.dbrec = b->sq_db,
				.cq = &b->tx_cq,
				.state = EMU_QUEUE_RDY};
	b->sq.rate_kbps = n_wqebb == 8 ? 1000 : 0;
	emu_sq_reset(&b->sq);
	b->sq.ci = b->sq.pi = first;
}

static void destroy(struct bench *b)
{
	for (unsigned i = 0; i < 2; i++)
		emu_steer_free(emu_wire.ports[i].steer);
	free(b->memory);
	free(b->ring);
	free(b->tx_cqes);
	free(b->rx_ring);
	free(b->rx_memory);
	free(b->rx_cqes);
}

/* ---- the bytes --------------------------------------------------------------------------------
 */

enum {
	FIX_CTRL = 1, /* index, queue number, no modifier */
	FIX_OPCODE = 2,
	FIX_ETH = 4,	 /* nothing that this device lacks */
	FIX_KEYS = 8,	 /* pointer segments in registered memory */
	FIX_SIZE = 16,	 /* not beyond what is posted */
	FIX_HEADER = 32, /* a TCP header in the WQE, and a size of segments */
};

static const uint8_t opcodes[] = {EMU_OP_NOP, EMU_OP_SEND, EMU_OP_EMPW, EMU_OP_LSO, EMU_OP_WAIT};

/* The bytes that make a parser go on: Ethernet, IPv4 or IPv6, TCP; or a tunnel in front. */
static void fix_header(uint8_t *wqe, uint8_t size)
{
	uint8_t *frame = wqe + 30;

	wqe[22] = 0;
	wqe[23] |= 0x40;
	wqe[28] = 0;
	wqe[29] = 54;
	memcpy(frame + 12, (uint8_t[]){0x08, 0x00, 0x45}, 3);
	frame[20] = 0; /* no fragment */
	frame[21] = 0;
	frame[23] = 6;
	frame[46] = 0x50;
	if (size & 1) { /* UDP to VXLAN's port */
		frame[23] = 17;
		memcpy(frame + 36, (uint8_t[]){0x12, 0xb5}, 2);
		memcpy(frame + 62, (uint8_t[]){0x08, 0x00, 0x45}, 3);
		frame[73] = 6;
		frame[96] = 0x50;
		wqe[29] = 104;
	}
}

static void fix_pointer(const struct bench *b, uint8_t *at)
{
	struct emu_wqe_data seg;
	uint32_t addr;

	memcpy(&seg, at, sizeof(seg));
	if (be32toh(seg.byte_count) & EMU_INLINE_SEG)
		return;
	addr = (uint32_t)be64toh(seg.addr) % MEMORY;
	seg.lkey = htobe32(b->mkey[0].key);
	seg.addr = htobe64(IOVA + addr);
	seg.byte_count = htobe32(be32toh(seg.byte_count) % (MEMORY - addr + 1));
	memcpy(at, &seg, sizeof(seg));
}

static void fix_ctrl(uint8_t *wqe, uint16_t index, uint8_t fix)
{
	uint32_t first, second;

	memcpy(&first, wqe, 4);
	memcpy(&second, wqe + 4, 4);
	first = be32toh(first) & 0x020000ff;
	second = be32toh(second) & 0x3f;
	if (fix & FIX_OPCODE)
		first = opcodes[(first & 0xff) % sizeof(opcodes)];
	if (first == EMU_OP_WAIT && wqe[31] & 1) { /* what drivers write */
		first |= EMU_OPMOD_WAIT_TIME << 24;
		second = 3;
		memcpy(wqe + 16, (uint8_t[]){0, 0, 0, EMU_WAIT_CYCLIC_SMALLER}, 4);
		memset(wqe + 40, 0, 4);
		memset(wqe + 44, 0xff, 4);
	}
	if (fix & FIX_SIZE)
		second = 3 + second % 14;
	first = htobe32((uint32_t)index << 8 | first);
	second = htobe32(QPN << 8 | second);
	memcpy(wqe, &first, 4);
	memcpy(wqe + 4, &second, 4);
}

/* Makes some of the bytes what a driver writes, else nothing would get beyond the first check. */
static void repair(struct bench *b, uint16_t first, uint8_t fix)
{
	for (uint32_t i = 0; i < b->sq.n_wqebb; i++) {
		uint16_t index = (uint16_t)(first + i);
		uint8_t *wqe = b->ring + (size_t)(index & (b->sq.n_wqebb - 1)) * EMU_WQEBB;

		if (fix & FIX_CTRL)
			fix_ctrl(wqe, index, fix);
		if (fix & FIX_ETH && wqe[3] != EMU_OP_WAIT) {
			wqe[21] &= EMU_SWP_FLAGS;
			memset(wqe + 22, 0, 6);
			wqe[28] &= 0x83;
		}
		if (fix & FIX_HEADER && wqe[3] != EMU_OP_WAIT && i + 2 < b->sq.n_wqebb &&
		    (index & (b->sq.n_wqebb - 1)) + 2 < b->sq.n_wqebb)
			fix_header(wqe, wqe[16]);
		if (fix & FIX_KEYS)
			for (unsigned k = 2; k < 4; k++)
				fix_pointer(b, wqe + k * EMU_DS);
	}
}

static void run(struct bench *b, uint16_t posted, unsigned steps)
{
	uint32_t before;

	b->sq_db[0] = htobe32((uint32_t)(b->sq.ci + posted) & 0xffff);
	emu_sq_doorbell(&b->sq, -1);
	for (unsigned i = 0; i <= steps; i++) {
		before = (uint16_t)(b->sq.pi - b->sq.ci);
		emu_sq_run(&b->sq, 4);
		check((uint16_t)(b->sq.pi - b->sq.ci) <= before);
		b->tx_cq_db[0] = htobe32(b->tx_cq.pi);
		b->rx_cq_db[0] = htobe32(b->rx_cq.pi);
		b->rq_db[0] = htobe32((uint32_t)(b->rq.ci + RX_DEPTH) & 0xffff);
	}
	/* Each WQEBB is at most one turn, or one for each byte of data: after so many nothing is
	 * left. */
	/* A large send is sent a segment at a time where there is a rate. */
	for (uint32_t i = 0; i <= b->sq.n_wqebb * 4096 && b->sq.state == EMU_QUEUE_RDY; i++) {
		emu_sq_run(&b->sq, 1);
		b->tx_cq_db[0] = htobe32(b->tx_cq.pi);
	}
	check(b->sq.ci == b->sq.pi || b->sq.state != EMU_QUEUE_RDY || b->tx_cq.overrun);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench b;
	uint32_t n_wqebb;
	uint16_t first;
	size_t bytes;

	if (size < 7)
		return 0;
	memset(&b, 0, sizeof(b));
	n_wqebb = 1u << data[0] % 7;
	first = (uint16_t)(data[1] << 8 | data[2]);
	make_devices(&b);
	make_receiver(&b, data[5] >> 3);
	make_rules(&b);
	make_sender(&b, n_wqebb, first);
	bytes = (size_t)n_wqebb * EMU_WQEBB < size - 7 ? (size_t)n_wqebb * EMU_WQEBB : size - 7;
	memcpy(b.ring, data + 7, bytes);
	repair(&b, first, data[6]);
	run(&b, (uint16_t)(data[3] << 8 | data[4]) % (uint16_t)(n_wqebb + 2), data[5] % 8);
	destroy(&b);
	return 0;
}

void emu_devx_event(const struct emu_devx_obj *o, enum emu_async type)
{
	(void)o;
	(void)type;
}
