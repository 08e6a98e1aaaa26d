/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <endian.h>
#include <string.h>

#include "rxq_compress.h"
#include "striding_device.h"

dq_rx_take_fn taker = dq_rx_stride_portable;
struct device d;
bool device_compresses;

const uint32_t starts[N_STARTS] = {0,	      1,	  15,	      64,	  0xfff0,
				  0xffff,     0x10000,	  0xffffc0,   0xffffff,	  0x1000000,
				  0x7ffffff0, 0x7fffffff, 0xffffff00, 0xfffffff0, 0xffffffff};

dq_rx_take_fn takers[3] = {dq_rx_stride_portable};
unsigned n_takers = 1;

/* Before any test. */
__attribute__((constructor)) static void find_takers(void)
{
#ifdef __x86_64__
	if (dq_simd_has(DQ_SIMD_SSE42))
		takers[n_takers++] = dq_rx_stride_sse42;
	if (dq_simd_has(DQ_SIMD_AVX2))
		takers[n_takers++] = dq_rx_stride_avx2;
#endif
}

static void put_wqe(uint32_t place, uint64_t addr)
{
	uint64_t be = htobe64(addr);

	memcpy(&d.wqes[place * 32 + 24], &be, sizeof(be));
}

static uint64_t wqe_addr(uint32_t index)
{
	uint64_t be;

	memcpy(&be, &d.wqes[index % PLACES * 32 + 24], sizeof(be));
	return be64toh(be);
}

void device_init(uint32_t start)
{
	static struct dq_rx_session session;

	dq_rx_stride_bufs_free(&d.st); /* of the last one */
	memset(&d, 0, sizeof(d));
	d.conf = (struct dq_conf_rxq){.where = "[rxq b 0]"};
	d.cqe_pi = d.settled = d.wqe = start;
	d.st = (struct dq_rx_striding){.where = d.where,
				       .buf = d.buf,
				       .end = d.end,
				       .wqes = d.wqes,
				       .wqe = start,
				       .oldest = start,
				       .mask = PLACES - 1,
				       .polled = start,
				       .strides = STRIDES,
				       .log_stride = LOG_STRIDE,
				       .log_strides = LOG_STRIDES,
				       .n_wqes = N_WQES,
				       .bufs = {.n = N_BUFS}};
	d.q = (struct daqiri_rxq){.poll = dq_rx_poll_striding,
				  .release = dq_rx_release_striding,
				  .keep = dq_rx_keep_striding,
				  .give_back = dq_rx_give_back_striding,
				  .base = BASE,
				  .take = taker,
				  .striding = &d.st,
				  .session = device_compresses ? &session : NULL,
				  .cqes = d.cqes,
				  .cq_dbrec = d.cq_dbrec,
				  .rq_dbrec = d.rq_dbrec,
				  .mask = CQES - 1,
				  .ci = start,
				  .posted = start + N_WQES,
				  .conf = &d.conf};
	cr_assert_eq(dq_rx_stride_bufs_init(&d.q), 0);
	for (uint32_t i = 0; i < N_WQES; i++) {
		d.buf[(start + i) % PLACES] = i;
		d.st.bufs.place[i] = (start + i) % PLACES;
		d.where[(start + i) % PLACES] = BASE + (uint64_t)i * WQE_BYTES;
		put_wqe((start + i) % PLACES, BASE + (uint64_t)i * WQE_BYTES);
	}
	d.cq_dbrec[0] = htobe32(start & 0xffffff);
	d.rq_dbrec[0] = htobe32((start + N_WQES) & 0xffff);
	for (uint32_t i = 0; i < CQES; i++) {
		uint32_t last = start + i - CQES;

		d.cqes[last % CQES].op_own = (uint8_t)(0xf0 | (last / CQES & 1));
	}
}

uint16_t device_room(void)
{
	return (uint16_t)(be32toh(d.rq_dbrec[0]) - d.wqe);
}

static struct mlx5_cqe64 *device_cqe(uint8_t opcode, uint32_t byte_cnt)
{
	struct mlx5_cqe64 *cqe = &d.cqes[d.cqe_pi % CQES];

	cr_assert_gt(device_room(), 0, "the device has no WQE");
	cr_assert_lt((d.cqe_pi - be32toh(d.cq_dbrec[0])) & 0xffffff, CQES, "CQ overrun");
	d.old[d.cqe_pi % CQES] = *cqe;
	memset(cqe, 0, sizeof(*cqe));
	cqe->wqe_id = htobe16((uint16_t)d.wqe);
	cqe->wqe_counter = htobe16((uint16_t)d.used);
	cqe->byte_cnt = htobe32(byte_cnt);
	cqe->signature = 0xe7;
	for (int i = 0; i < STRIDES; i++)
		d.beyond[i].op_own = (uint8_t)(0x20 | (d.q.ci / CQES & 1));
	cqe->op_own = (uint8_t)((unsigned)opcode << 4 | (d.cqe_pi / CQES & 1));
	d.cqe_pi++;
	return cqe;
}

void device_use(uint32_t strides)
{
	d.used += strides;
	cr_assert_leq(d.used, STRIDES);
	if (d.used < STRIDES)
		return;
	d.used = 0;
	d.wqe++;
}

void device_fill(void)
{
	uint32_t left = STRIDES - d.used;

	device_cqe(2, 1u << 31 | left << 16);
	device_use(left);
}

bool device_receive(uint32_t len)
{
	uint32_t need = (len + STRIDE - 1) / STRIDE,
		 tag = device_compresses ? 1 + d.number / 29 % 0xffff : 1 + d.number % 0xffff00;
	struct mlx5_cqe64 *cqe;

	if (!device_room())
		return false;
	if (need > STRIDES - d.used)
		device_fill();
	if (!device_room())
		return false;
	d.sent[d.n_sent++] = (struct sent){
		.addr = wqe_addr(d.wqe) + d.used * STRIDE, .len = len, .tag = tag, .wqe = d.wqe};
	cqe = device_cqe(2, need << 16 | len);
	cqe->sop_drop_qpn = htobe32(0x11000000 | tag);
	device_use(need);
	d.number++;
	return true;
}

void device_fail(uint8_t syndrome, bool tells)
{
	struct mlx5_cqe64 *cqe = device_cqe(14, tells ? (STRIDES - d.used) << 16 : 0);

	((uint8_t *)cqe)[55] = syndrome;
	((uint8_t *)cqe)[54] = 0x68;
	device_use(STRIDES - d.used);
}

uint32_t device_expect(struct daqiri_pkt *pkts, uint32_t max)
{
	int n;

	pkts[max].addr = ~0ull;
	n = daqiri_rx_poll(&d.q, pkts, (int)max);
	cr_assert_geq(n, 0);
	cr_assert_leq((uint32_t)n, max);
	cr_assert_leq((uint32_t)n, d.n_sent, "more than were sent");
	for (int i = 0; i < n; i++) {
		cr_assert_eq(pkts[i].addr, d.sent[i].addr, "packet %d of %d", i, n);
		cr_assert_eq(pkts[i].len, d.sent[i].len);
		cr_assert_eq(daqiri_key_flow(pkts[i].key), d.sent[i].tag);
	}
	cr_assert_eq(pkts[max].addr, ~0ull, "written behind the array");
	d.n_sent -= (uint32_t)n;
	memmove(d.sent, d.sent + n, d.n_sent * sizeof(d.sent[0]));
	return (uint32_t)n;
}

void device_restart(void)
{
	d.q.held = 0;
	d.q.stopped = d.q.error_seen = false;
	d.rq_dbrec[0] = htobe32(d.q.posted & 0xffff);
	d.wqe = d.used = d.n_sent = 0;
}

/* ---- compressed ------------------------------------------------------------------------------ */

/* What small completions do not say is the same in both. */
static bool joins(const struct mlx5_cqe64 *title, const struct mlx5_cqe64 *cqe)
{
	return title->op_own >> 4 == 2 && cqe->op_own >> 4 == 2 && title->wqe_id == cqe->wqe_id &&
	       title->sop_drop_qpn == cqe->sop_drop_qpn;
}

/*
 * PRM, "CQE compression", basic layout, with checksum and stride: only the title's slot and those
 * of the arrays are written. Sessions may go round the ring's end.
 */
static void put_session(uint32_t at, struct mlx5_cqe64 *cqes, uint32_t n)
{
	for (uint32_t i = 0; n > 1 && i < n; i++) {
		uint8_t *slot = (uint8_t *)&d.cqes[(at + (i < 8 ? 1 : i / 8 * 8)) % CQES];

		if (i % 8 == 0)
			memset(slot, 0, 64);
		memset(slot + i % 8 * 8, 0x77, 2);
		memcpy(slot + i % 8 * 8 + 2, &cqes[i].wqe_counter, 2);
		memcpy(slot + i % 8 * 8 + 4, &cqes[i].byte_cnt, 4);
	}
	if (n > 1) {
		cqes[0].byte_cnt = htobe32(n);
		cqes[0].op_own |= 0xc;
	}
	d.cqes[at % CQES] = cqes[0];
}

void device_settle(void)
{
	uint32_t first = d.settled, n = d.cqe_pi - first;
	struct mlx5_cqe64 cqes[CQES];

	d.settled = d.cqe_pi;
	if (!device_compresses)
		return;
	for (uint32_t i = 0; i < n; i++) {
		cqes[i] = d.cqes[(first + i) % CQES];
		d.cqes[(first + i) % CQES] = d.old[(first + i) % CQES];
	}
	for (uint32_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && joins(&cqes[i], &cqes[k]); k++)
			;
		put_session(first + i, &cqes[i], k - i);
	}
}
