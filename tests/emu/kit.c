/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

void kit_defer(struct kit *k, int (*fn)(void *obj), void *obj)
{
	cr_assert_lt(k->n_undo, sizeof(k->undo) / sizeof(k->undo[0]));
	k->undo[k->n_undo++] = (struct kit_undo){fn, obj};
}

KIT_UNDO(ibv_destroy_cq, struct ibv_cq)
KIT_UNDO(ibv_destroy_qp, struct ibv_qp)
KIT_UNDO(ibv_destroy_wq, struct ibv_wq)
KIT_UNDO(ibv_destroy_rwq_ind_table, struct ibv_rwq_ind_table)
KIT_UNDO(ibv_destroy_comp_channel, struct ibv_comp_channel)

void kit_forget(struct kit *k, const void *obj)
{
	unsigned i;

	for (i = 0; i < k->n_undo; i++)
		if (k->undo[i].obj == obj)
			k->undo[i].obj = NULL;
}

static void port_open(struct kit_port *p, struct ibv_device *dev, unsigned index)
{
	size_t size = (size_t)KIT_SLOT * KIT_SLOTS;

	p->ctx = ibv_open_device(dev);
	cr_assert_not_null(p->ctx, "%s: %s", ibv_get_device_name(dev), strerror(errno));
	p->pd = ibv_alloc_pd(p->ctx);
	cr_assert_not_null(p->pd);
	p->mem = aligned_alloc(4096, size);
	cr_assert_not_null(p->mem);
	memset(p->mem, 0, size);
	p->mr = ibv_reg_mr(p->pd, p->mem, size, IBV_ACCESS_LOCAL_WRITE);
	cr_assert_not_null(p->mr);
	snprintf(p->mac, sizeof(p->mac), "02:da:01:00:00:%02x", index + 1);
}

void kit_open(struct kit *k)
{
	struct ibv_device **list;
	int n, i;

	memset(k, 0, sizeof(*k));
	list = ibv_get_device_list(&n);
	cr_assert_not_null(list);
	cr_assert_geq(n, 2, "%d devices: is this running under daqiri-emu?", n);
	for (i = 0; i < n; i++) {
		if (!strcmp(ibv_get_device_name(list[i]), "mlx5_0"))
			port_open(&k->a, list[i], 0);
		else if (!strcmp(ibv_get_device_name(list[i]), "mlx5_1"))
			port_open(&k->b, list[i], 1);
	}
	ibv_free_device_list(list);
	cr_assert(k->a.ctx && k->b.ctx, "mlx5_0 and mlx5_1 are not both there");
}

static void must(int ret, const char *what)
{
	if (!ret)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(ret < 0 ? errno : ret));
	abort();
}

static void port_close(struct kit_port *p)
{
	if (!p->ctx)
		return;
	if (p->mr)
		must(ibv_dereg_mr(p->mr), "ibv_dereg_mr");
	if (p->pd)
		must(ibv_dealloc_pd(p->pd), "ibv_dealloc_pd");
	must(ibv_close_device(p->ctx), "ibv_close_device");
	free(p->mem);
}

void kit_close(struct kit *k)
{
	while (k->n_undo) {
		struct kit_undo *u = &k->undo[--k->n_undo];

		if (u->obj)
			must(u->fn(u->obj), "destroying what the test made");
	}
	port_close(&k->b);
	port_close(&k->a);
}

struct ibv_cq *kit_cq(struct kit *k, struct kit_port *p, int n)
{
	struct ibv_cq *cq = ibv_create_cq(p->ctx, n, NULL, NULL, 0);

	cr_assert_not_null(cq);
	kit_defer(k, undo_ibv_destroy_cq, cq);
	return cq;
}

struct ibv_cq *kit_event_cq(struct kit *k, struct kit_port *p, int n)
{
	struct ibv_comp_channel *channel = ibv_create_comp_channel(p->ctx);
	struct ibv_cq *cq;

	cr_assert_not_null(channel);
	kit_defer(k, undo_ibv_destroy_comp_channel, channel);
	cq = ibv_create_cq(p->ctx, n, NULL, channel, 0);
	cr_assert_not_null(cq);
	kit_defer(k, undo_ibv_destroy_cq, cq);
	return cq;
}

struct ibv_cq_ex *kit_cq_ex(struct kit *k, struct kit_port *p, uint64_t flags)
{
	struct ibv_cq_init_attr_ex attr = {.cqe = 16, .wc_flags = flags};
	struct ibv_cq_ex *ex = ibv_create_cq_ex(p->ctx, &attr);

	cr_assert_not_null(ex, "%s", strerror(errno));
	kit_defer(k, undo_ibv_destroy_cq, ibv_cq_ex_to_cq(ex));
	return ex;
}

void kit_to_state(struct ibv_qp *qp, enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = {.qp_state = state, .port_num = 1};
	int mask = IBV_QP_STATE | (state == IBV_QPS_INIT ? IBV_QP_PORT : 0);

	cr_assert_eq(ibv_modify_qp(qp, &attr, mask), 0, "to state %d", (int)state);
}

struct ibv_qp *kit_raw_cap(struct kit *k, struct kit_port *p, struct ibv_cq *cq,
			   struct ibv_qp_cap cap)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = cq, .recv_cq = cq, .cap = cap, .qp_type = IBV_QPT_RAW_PACKET};
	struct ibv_qp *qp = ibv_create_qp(p->pd, &attr);

	if (!qp)
		return NULL;
	kit_defer(k, undo_ibv_destroy_qp, qp);
	kit_to_state(qp, IBV_QPS_INIT);
	kit_to_state(qp, IBV_QPS_RTR);
	kit_to_state(qp, IBV_QPS_RTS);
	return qp;
}

struct ibv_qp *kit_raw(struct kit *k, struct kit_port *p, struct ibv_cq *cq)
{
	struct ibv_qp_cap cap = {.max_send_wr = 16,
				 .max_recv_wr = 16,
				 .max_send_sge = 2,
				 .max_recv_sge = 2,
				 .max_inline_data = 64};
	struct ibv_qp *qp = kit_raw_cap(k, p, cq, cap);

	cr_assert_not_null(qp, "raw packet QP: %s", strerror(errno));
	return qp;
}

struct ibv_wq *kit_wq(struct kit *k, struct kit_port *p, struct ibv_cq *cq, unsigned depth)
{
	struct ibv_wq_init_attr attr = {
		.wq_type = IBV_WQT_RQ, .max_wr = depth, .max_sge = 1, .pd = p->pd, .cq = cq};
	struct ibv_wq_attr ready = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = IBV_WQS_RDY};
	struct ibv_wq *wq = ibv_create_wq(p->ctx, &attr);

	cr_assert_not_null(wq, "%s", strerror(errno));
	kit_defer(k, undo_ibv_destroy_wq, wq);
	cr_assert_eq(ibv_modify_wq(wq, &ready), 0);
	return wq;
}

struct ibv_rwq_ind_table *kit_table(struct kit *k, struct kit_port *p, struct ibv_wq **wqs,
				    unsigned log_n)
{
	struct ibv_rwq_ind_table_init_attr attr = {.log_ind_tbl_size = log_n, .ind_tbl = wqs};
	struct ibv_rwq_ind_table *table = ibv_create_rwq_ind_table(p->ctx, &attr);

	cr_assert_not_null(table, "%s", strerror(errno));
	kit_defer(k, undo_ibv_destroy_rwq_ind_table, table);
	return table;
}

uint8_t kit_rss_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

struct ibv_qp *kit_hash_qp(struct kit *k, struct kit_port *p, struct ibv_rwq_ind_table *table,
			   uint64_t fields)
{
	struct ibv_qp_init_attr_ex attr = {
		.qp_type = IBV_QPT_RAW_PACKET,
		.comp_mask =
			IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_RX_HASH | IBV_QP_INIT_ATTR_IND_TABLE,
		.pd = p->pd,
		.rwq_ind_tbl = table,
		.rx_hash_conf = {.rx_hash_function = IBV_RX_HASH_FUNC_TOEPLITZ,
				 .rx_hash_key_len = sizeof(kit_rss_key),
				 .rx_hash_key = kit_rss_key,
				 .rx_hash_fields_mask = fields},
	};
	struct ibv_qp *qp = ibv_create_qp_ex(p->ctx, &attr);

	if (qp)
		kit_defer(k, undo_ibv_destroy_qp, qp);
	return qp;
}

struct kit_rx kit_rx(struct kit *k, struct kit_port *p, unsigned depth)
{
	struct kit_rx rx;

	rx.cq = kit_cq(k, p, (int)depth);
	rx.wq = kit_wq(k, p, rx.cq, depth);
	rx.table = kit_table(k, p, &rx.wq, 0);
	rx.qp = kit_hash_qp(k, p, rx.table, 0);
	cr_assert_not_null(rx.qp, "%s", strerror(errno));
	return rx;
}

struct ibv_sge kit_sge(const struct kit_port *p, unsigned slot, unsigned len)
{
	return (struct ibv_sge){
		.addr = (uintptr_t)kit_slot(p, slot), .length = len, .lkey = p->mr->lkey};
}

void kit_recv(struct ibv_qp *qp, const struct kit_port *p, unsigned slot, unsigned len)
{
	struct ibv_sge sge = kit_sge(p, slot, len);
	struct ibv_recv_wr wr = {.wr_id = slot, .sg_list = &sge, .num_sge = 1}, *bad;

	cr_assert_eq(ibv_post_recv(qp, &wr, &bad), 0);
}

void kit_wq_recv(struct ibv_wq *wq, const struct kit_port *p, unsigned slot, unsigned len)
{
	struct ibv_sge sge = kit_sge(p, slot, len);
	struct ibv_recv_wr wr = {.wr_id = slot, .sg_list = &sge, .num_sge = 1}, *bad;

	cr_assert_eq(ibv_post_wq_recv(wq, &wr, &bad), 0);
}

void kit_wq_fill(struct ibv_wq *wq, const struct kit_port *p, unsigned first, unsigned n)
{
	while (n--)
		kit_wq_recv(wq, p, first++, 2048);
}

void kit_post_send(struct ibv_qp *qp, struct ibv_sge *sge, int n, unsigned flags)
{
	struct ibv_send_wr wr = {.wr_id = KIT_SLOTS,
				 .sg_list = sge,
				 .num_sge = n,
				 .opcode = IBV_WR_SEND,
				 .send_flags = flags},
			   *bad;

	cr_assert_eq(ibv_post_send(qp, &wr, &bad), 0);
}

void kit_send(struct ibv_qp *qp, const struct kit_port *p, const struct frame *f, unsigned slot,
	      unsigned flags)
{
	struct ibv_sge sge = kit_sge(p, slot, f->len);
	struct ibv_send_wr wr = {.wr_id = slot,
				 .sg_list = &sge,
				 .num_sge = 1,
				 .opcode = IBV_WR_SEND,
				 .send_flags = flags},
			   *bad;

	memcpy(kit_slot(p, slot), f->b, f->len);
	cr_assert_eq(ibv_post_send(qp, &wr, &bad), 0);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int poll_for(struct ibv_cq *cq, struct ibv_wc *wc, int n, unsigned ms)
{
	uint64_t end = now_ms() + ms;
	int got = 0, ret;

	while (got < n && now_ms() < end) {
		ret = ibv_poll_cq(cq, n - got, wc + got);
		cr_assert_geq(ret, 0);
		got += ret;
		if (!ret)
			nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
	}
	return got;
}

int kit_wait(struct ibv_cq *cq, struct ibv_wc *wc, int n)
{
	return poll_for(cq, wc, n, 2000);
}

int kit_quiet(struct ibv_cq *cq)
{
	struct ibv_wc wc[8];

	return poll_for(cq, wc, 8, 50);
}

uint64_t kit_expect(struct ibv_cq *cq, enum ibv_wc_status status)
{
	struct ibv_wc wc;

	cr_assert_eq(kit_wait(cq, &wc, 1), 1, "no completion");
	cr_assert_eq(wc.status, status, "status is %s, not %s", ibv_wc_status_str(wc.status),
		     ibv_wc_status_str(status));
	return wc.wr_id;
}

void kit_expect_frame(struct ibv_cq *cq, const struct kit_port *p, const struct frame *f)
{
	struct ibv_wc wc;

	cr_assert_eq(kit_wait(cq, &wc, 1), 1, "no frame came");
	cr_assert_eq(wc.status, IBV_WC_SUCCESS, "%s", ibv_wc_status_str(wc.status));
	cr_assert_eq(wc.opcode, IBV_WC_RECV);
	cr_assert_eq(wc.byte_len, f->len);
	cr_assert_arr_eq(kit_slot(p, (unsigned)wc.wr_id), f->b, f->len);
}

bool kit_readable(int fd, int ms)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	return poll(&pfd, 1, ms) == 1;
}

void kit_frame(const struct kit *k, struct frame *f, unsigned len)
{
	fr_ether(f, k->b.mac, k->a.mac, 0x88b5);
	fr_payload(f, len - f->len);
}
