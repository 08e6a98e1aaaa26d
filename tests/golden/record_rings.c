/* SPDX-License-Identifier: Apache-2.0 */
/* Posts through libibverbs, and copies what libmlx5 left in the rings. */
#include "record.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

#define MEM_HINT ((void *)0x200000000000) /* so that addresses repeat, where it is free */
#define MEM_SIZE 65536u
#define FRAME	 60u

static struct port {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	uint8_t *mem;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct mlx5dv_qp ring;
	uint32_t posted; /* WQEBBs */
} port;

static void *must(void *p, const char *what)
{
	if (!p)
		die(what);
	return p;
}

static void must_0(int ret, const char *what)
{
	if (ret > 0)
		errno = ret;
	if (ret)
		die(what);
}

/* ---- objects ------------------------------------------------------------------------------- */

void record_open(void)
{
	struct ibv_device **list = must(ibv_get_device_list(NULL), "ibv_get_device_list");
	unsigned i;

	port.ctx = must(ibv_open_device(must(list[0], "a device")), "ibv_open_device");
	ibv_free_device_list(list);
	port.pd = must(ibv_alloc_pd(port.ctx), "ibv_alloc_pd");
	port.mem = mmap(MEM_HINT, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	if (port.mem == MAP_FAILED)
		die("mmap");
	for (i = 0; i < MEM_SIZE; i++)
		port.mem[i] = golden_byte(i);
	port.mr =
		must(ibv_reg_mr(port.pd, port.mem, MEM_SIZE, IBV_ACCESS_LOCAL_WRITE), "ibv_reg_mr");
}

void record_close(void)
{
	must_0(ibv_dereg_mr(port.mr), "ibv_dereg_mr");
	must_0(ibv_dealloc_pd(port.pd), "ibv_dealloc_pd");
	must_0(ibv_close_device(port.ctx), "ibv_close_device");
}

static void to_state(enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = {.qp_state = state, .port_num = 1};

	must_0(ibv_modify_qp(port.qp, &attr,
			     IBV_QP_STATE | (state == IBV_QPS_INIT ? IBV_QP_PORT : 0)),
	       "ibv_modify_qp");
}

static void qp_open(void)
{
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_RAW_PACKET,
		.cap = {.max_send_wr = 64,
			.max_recv_wr = 8,
			.max_send_sge = 2,
			.max_recv_sge = 2,
			.max_inline_data = FRAME},
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS |
			     IBV_QP_INIT_ATTR_MAX_TSO_HEADER,
		.pd = port.pd,
		.send_ops_flags = IBV_QP_EX_WITH_SEND,
		.max_tso_header = GOLDEN_HEADER,
	};
	struct mlx5dv_obj obj = {.qp = {.out = &port.ring}};

	attr.send_cq = attr.recv_cq = port.cq;
	port.qp = obj.qp.in = must(ibv_create_qp_ex(port.ctx, &attr), "ibv_create_qp_ex");
	to_state(IBV_QPS_INIT);
	to_state(IBV_QPS_RTR);
	to_state(IBV_QPS_RTS);
	must_0(mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP), "mlx5dv_init_obj");
	port.posted = 0;
}

static void qp_close(void)
{
	must_0(ibv_destroy_qp(port.qp), "ibv_destroy_qp");
}

static struct ibv_sge sge_at(unsigned offset, unsigned len)
{
	return (struct ibv_sge){
		.addr = (uintptr_t)port.mem + offset, .length = len, .lkey = port.mr->lkey};
}

static void sges_down(struct golden_sge *to, const struct ibv_sge *from, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		to[i] = (struct golden_sge){from[i].addr, from[i].length, from[i].lkey};
}

/* ---- send WQEs ------------------------------------------------------------------------------- */

/* Copies the WQE that was just posted and reads its length from it. */
static struct golden_wqe *wqe_down(const char *what, unsigned flags)
{
	struct golden_wqe *w = &record.wqes[record.n_wqes++];
	const struct mlx5_wqe_ctrl_seg *ctrl;
	uint32_t mask = port.ring.sq.wqe_cnt - 1, i, segs;

	ctrl = (const void *)((uint8_t *)port.ring.sq.buf + (port.posted & mask) * 64);
	segs = be32toh(ctrl->qpn_ds) & 0x3f;
	*w = (struct golden_wqe){.what = what,
				 .index = port.posted,
				 .qpn = port.qp->qp_num,
				 .signalled = !!(flags & IBV_SEND_SIGNALED),
				 .csum = !!(flags & IBV_SEND_IP_CSUM),
				 .n_bytes = segs * 16};
	if (w->n_bytes > sizeof(w->bytes))
		die("the WQE is longer than a record");
	for (i = 0; i < w->n_bytes; i += 64)
		memcpy(w->bytes + i,
		       (uint8_t *)port.ring.sq.buf + ((port.posted + i / 64) & mask) * 64,
		       w->n_bytes - i < 64 ? w->n_bytes - i : 64);
	port.posted += (w->n_bytes + 63) / 64;
	return w;
}

static int post(struct ibv_sge *sge, int n, unsigned flags)
{
	struct ibv_send_wr wr = {.wr_id = port.posted,
				 .sg_list = sge,
				 .num_sge = n,
				 .opcode = IBV_WR_SEND,
				 .send_flags = flags},
			   *bad;

	return ibv_post_send(port.qp, &wr, &bad);
}

static void record_post(const char *what, unsigned n, unsigned flags)
{
	struct ibv_sge sge[2] = {sge_at(0, n == 1 ? FRAME : 14), sge_at(4096, FRAME - 14)};
	struct golden_wqe *w;

	must_0(post(sge, (int)n, flags), "ibv_post_send");
	w = wqe_down(what, flags);
	if (flags & IBV_SEND_INLINE)
		return;
	w->n_sge = n;
	sges_down(w->sge, sge, n);
}

static void record_wr(const char *what, unsigned n, unsigned flags)
{
	struct ibv_sge sge[2] = {sge_at(0, n == 1 ? FRAME : 14), sge_at(4096, FRAME - 14)};
	struct ibv_qp_ex *qp = ibv_qp_to_qp_ex(port.qp);
	struct golden_wqe *w;

	ibv_wr_start(qp);
	qp->wr_id = port.posted;
	qp->wr_flags = flags;
	ibv_wr_send(qp);
	if (flags & IBV_SEND_INLINE)
		ibv_wr_set_inline_data(qp, port.mem, FRAME);
	else if (n == 1)
		ibv_wr_set_sge(qp, sge[0].lkey, sge[0].addr, sge[0].length);
	else
		ibv_wr_set_sge_list(qp, n, sge);
	must_0(ibv_wr_complete(qp), "ibv_wr_complete");
	w = wqe_down(what, flags);
	if (flags & IBV_SEND_INLINE)
		return;
	w->n_sge = n;
	sges_down(w->sge, sge, n);
}

/* The only way to have libmlx5 put a header into the Ethernet segment of a device that needs none.
 */
static void record_tso(void)
{
	struct ibv_send_wr wr = {.opcode = IBV_WR_TSO,
				 .tso = {.hdr = port.mem, .hdr_sz = GOLDEN_HEADER, .mss = 1000}};
	struct ibv_send_wr *bad;

	must_0(ibv_post_send(port.qp, &wr, &bad), "ibv_post_send, TSO");
	wqe_down("ibv_post_send, TSO with a header of 18 bytes", 0);
}

/* Polls until the work request at index has completed. */
static void drain(uint32_t index)
{
	struct ibv_wc wc;
	unsigned i;

	for (i = 0; i < 100000000; i++)
		if (ibv_poll_cq(port.cq, 1, &wc) == 1 && wc.wr_id == index)
			return;
	die("no completion came");
}

/* Sends until the WQEBB counter is at index. */
static void advance_to(uint32_t index)
{
	struct ibv_sge sge = sge_at(0, FRAME);

	while (port.posted < index) {
		bool signal = port.posted % 32 == 31 || port.posted + 1 == index;

		must_0(post(&sge, 1, signal ? IBV_SEND_SIGNALED : 0), "ibv_post_send");
		if (signal)
			drain(port.posted);
		port.posted++;
	}
}

static void record_rwqes(void);

void record_wqes(void)
{
	const unsigned sig = IBV_SEND_SIGNALED;

	port.cq = must(ibv_create_cq(port.ctx, 127, NULL, NULL, 0), "ibv_create_cq");
	qp_open();
	record_post("ibv_post_send, 1 segment, signalled", 1, sig);
	record_post("ibv_post_send, 1 segment", 1, 0);
	record_post("ibv_post_send, 2 segments, signalled", 2, sig);
	record_post("ibv_post_send, 1 segment, checksums, signalled", 1, sig | IBV_SEND_IP_CSUM);
	record_post("ibv_post_send, inline, signalled", 1, sig | IBV_SEND_INLINE);
	record_wr("ibv_wr_send, ibv_wr_set_sge, signalled", 1, sig);
	record_wr("ibv_wr_send, ibv_wr_set_sge", 1, 0);
	record_wr("ibv_wr_send, ibv_wr_set_sge_list, 2 segments", 2, 0);
	record_wr("ibv_wr_send, ibv_wr_set_sge, checksums", 1, IBV_SEND_IP_CSUM);
	record_wr("ibv_wr_send, ibv_wr_set_inline_data, signalled", 1, sig | IBV_SEND_INLINE);
	advance_to(0xffff);
	record_post("ibv_post_send at the last index", 1, sig);
	record_post("ibv_post_send behind the last index", 1, sig);
	record_tso();
	record_rwqes();
	qp_close();
	must_0(ibv_destroy_cq(port.cq), "ibv_destroy_cq");
}

/* ---- receive WQEs ---------------------------------------------------------------------------- */

static void rwqe_down(const char *what, const void *bytes, const struct ibv_recv_wr *wr,
		      unsigned max_sge)
{
	struct golden_rwqe *w = &record.rwqes[record.n_rwqes++];

	*w = (struct golden_rwqe){.what = what,
				  .max_sge = max_sge,
				  .n_sge = (uint32_t)wr->num_sge,
				  .n_bytes = max_sge * 16};
	memcpy(w->bytes, bytes, w->n_bytes);
	sges_down(w->sge, wr->sg_list, w->n_sge);
}

static void record_wq(void)
{
	struct ibv_wq_init_attr attr = {
		.wq_type = IBV_WQT_RQ, .max_wr = 8, .max_sge = 1, .pd = port.pd, .cq = port.cq};
	struct ibv_wq_attr ready = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = IBV_WQS_RDY};
	struct ibv_wq *wq = must(ibv_create_wq(port.ctx, &attr), "ibv_create_wq");
	struct mlx5dv_rwq ring;
	struct mlx5dv_obj obj = {.rwq = {.in = wq, .out = &ring}};
	struct ibv_sge sge = sge_at(8192, 2048);
	struct ibv_recv_wr wr = {.sg_list = &sge, .num_sge = 1}, *bad;

	must_0(ibv_modify_wq(wq, &ready), "ibv_modify_wq");
	must_0(mlx5dv_init_obj(&obj, MLX5DV_OBJ_RWQ), "mlx5dv_init_obj");
	must_0(ibv_post_wq_recv(wq, &wr, &bad), "ibv_post_wq_recv");
	rwqe_down("ibv_post_wq_recv, 1 segment", ring.buf, &wr, 1);
	must_0(ibv_destroy_wq(wq), "ibv_destroy_wq");
}

static void record_rwqes(void)
{
	struct ibv_sge sge[2] = {sge_at(8192, 128), sge_at(16384, 2048)};
	struct ibv_recv_wr wr = {.sg_list = sge, .num_sge = 2}, *bad;

	must_0(ibv_post_recv(port.qp, &wr, &bad), "ibv_post_recv");
	rwqe_down("ibv_post_recv, 2 segments of 2", port.ring.rq.buf, &wr, 2);
	wr.num_sge = 1;
	must_0(ibv_post_recv(port.qp, &wr, &bad), "ibv_post_recv");
	rwqe_down("ibv_post_recv, 1 segment of 2",
		  (uint8_t *)port.ring.rq.buf + port.ring.rq.stride, &wr, 2);
	record_wq();
}
