/* SPDX-License-Identifier: Apache-2.0 */
#include "compress_kit.h"

#include <errno.h>

struct kit k;
static struct ibv_cq *tx_cq;
static struct ibv_qp *tx;

void compress_setup(void)
{
	struct ibv_qp_cap cap = {.max_send_wr = DEPTH, .max_send_sge = 1};

	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, (int)DEPTH);
	tx = kit_raw_cap(&k, &k.a, tx_cq, cap);
	cr_assert_not_null(tx);
}

void compress_teardown(void)
{
	kit_close(&k);
}

/* ---- the receiver ---------------------------------------------------------------------------- */

KIT_UNDO(ibv_destroy_cq, struct ibv_cq)
KIT_UNDO(ibv_destroy_wq, struct ibv_wq)

struct ibv_cq *new_cq(const struct ask *ask)
{
	struct ibv_cq_init_attr_ex attr = {.cqe = ask->entries ? ask->entries : DEPTH * 2 - 1,
					   .wc_flags = ask->wc_flags,
					   .channel = ask->channel};
	struct mlx5dv_cq_init_attr dv = {.comp_mask = MLX5DV_CQ_INIT_ATTR_MASK_COMPRESSED_CQE |
						      MLX5DV_CQ_INIT_ATTR_MASK_CQE_SIZE,
					 .cqe_comp_res_format = (uint8_t)ask->format,
					 .cqe_size =
						 (uint16_t)(ask->cqe_size ? ask->cqe_size : 64)};
	struct ibv_cq_ex *ex = mlx5dv_create_cq(k.b.ctx, &attr, &dv);

	if (!ex)
		return NULL;
	kit_defer(&k, undo_ibv_destroy_cq, ibv_cq_ex_to_cq(ex));
	return ibv_cq_ex_to_cq(ex);
}

/* Buffers of 2048 bytes, one behind the other: WQE i in slot i of KIT_SLOTS * 4. */
uint8_t *buffer(unsigned i)
{
	return k.b.mem + (size_t)(i % DEPTH) * 2048;
}

struct mlx5_wqe_data_seg *segment(const struct rxq *q, unsigned i)
{
	size_t slot = i & (q->dv.wqe_cnt - 1);

	return (struct mlx5_wqe_data_seg *)(void *)((uint8_t *)q->dv.buf + slot * q->dv.stride);
}

/* By hand: libmlx5, which sees no completion, would soon take the queue for full. */
void post(struct rxq *q, unsigned n)
{
	for (; n--; q->posted++) {
		struct mlx5_wqe_data_seg *seg = segment(q, q->posted);

		seg->addr = htobe64((uintptr_t)buffer(q->posted));
		seg->lkey = htobe32(k.b.mr->lkey);
		seg->byte_count = htobe32(2048);
	}
	__atomic_store_n(q->dv.dbrec, htobe32(q->posted & 0xffff), __ATOMIC_RELEASE);
}

void new_rxq(struct rxq *q, const struct ask *ask, uint64_t fields)
{
	struct ibv_wq_attr ready = {.attr_mask = IBV_WQ_ATTR_STATE, .wq_state = IBV_WQS_RDY};
	struct ibv_wq_init_attr attr = {.wq_type = IBV_WQT_RQ,
					.max_wr = DEPTH,
					.max_sge = 1,
					.pd = k.b.pd,
					.cq = q->cq,
					.comp_mask = IBV_WQ_INIT_ATTR_FLAGS,
					.create_flags = ask->wq_flags};

	struct mlx5dv_obj obj = {.rwq = {.out = &q->dv}};

	if (!q->cq)
		q->cq = attr.cq = new_cq(ask);
	cr_assert_not_null(q->cq, "%s", strerror(errno));
	kit_cqes(&q->cqes, q->cq);
	q->wq = ibv_create_wq(k.b.ctx, &attr);
	cr_assert_not_null(q->wq, "%s", strerror(errno));
	kit_defer(&k, undo_ibv_destroy_wq, q->wq);
	cr_assert_eq(ibv_modify_wq(q->wq, &ready), 0);
	q->qp = kit_hash_qp(&k, &k.b, kit_table(&k, &k.b, &q->wq, 0), fields);
	cr_assert_not_null(q->qp, "%s", strerror(errno));
	obj.rwq.in = q->wq;
	cr_assert_eq(mlx5dv_init_obj(&obj, MLX5DV_OBJ_RWQ), 0);
	q->next = 0;
	q->posted = 0;
}

struct rxq simple(const struct ask *ask, uint64_t fields)
{
	struct rxq q = {.cq = NULL};

	new_rxq(&q, ask, fields);
	kit_catch_all(&k, q.qp);
	post(&q, DEPTH);
	return q;
}

/* mlx5e and DPDK: the first array lies behind the title, the others at each eighth slot. */
static void read_mini(const struct kit_cqes *c, struct comp *comp, unsigned i)
{
	uint32_t slot = c->ci + (i < 8 ? 1 : i / 8 * 8);
	const uint8_t *mini = kit_cqe_slot(c, slot) + (size_t)(i % 8) * 8;
	uint32_t byte_cnt;

	memcpy(comp->word, mini, 4);
	memcpy(&byte_cnt, mini + 4, 4);
	comp->byte_cnt = be32toh(byte_cnt);
}

unsigned take(struct kit_cqes *c, struct comp *comp, unsigned ms)
{
	struct mlx5_cqe64 *cqe = kit_cqe(c, ms);
	unsigned n = 1;

	if (!cqe)
		return 0;
	if (mlx5dv_get_cqe_format(cqe) == 3)
		n = be32toh(cqe->byte_cnt);
	cr_assert_leq(n, MAX_BURST, "a session of %u", n);
	for (unsigned i = 0; i < n; i++) {
		comp[i] = (struct comp){
			.cqe = *cqe, .byte_cnt = be32toh(cqe->byte_cnt), .session = n};
		if (n > 1)
			read_mini(c, &comp[i], i);
	}
	kit_cqe_done(c, n);
	return n;
}

void take_all(struct kit_cqes *c, struct comp *comp, unsigned n, char *text)
{
	unsigned got = 0, len = 0, one;

	text[0] = 0;
	for (; got < n; got += one) {
		one = take(c, comp + got, 2000);
		cr_assert_gt(one, 0, "%u of %u completions came", got, n);
		len += (unsigned)sprintf(text + len, "%s%u", got ? " " : "", one);
	}
	cr_assert_eq(got, n);
}

/* ---- the sender ------------------------------------------------------------------------------ */

void send_burst(const struct frame *f, unsigned n)
{
	static struct ibv_send_wr wr[MAX_BURST];
	static struct ibv_sge sge[MAX_BURST];
	struct ibv_send_wr *bad;

	for (unsigned i = 0; i < n; i++) {
		uint8_t *mem = k.a.mem + (size_t)i * 2048;

		memcpy(mem, f[i].b, f[i].len);
		sge[i] = (struct ibv_sge){
			.addr = (uintptr_t)mem, .length = f[i].len, .lkey = k.a.mr->lkey};
		wr[i] = (struct ibv_send_wr){.next = i + 1 < n ? &wr[i + 1] : NULL,
					     .sg_list = &sge[i],
					     .num_sge = 1,
					     .opcode = IBV_WR_SEND,
					     .send_flags = i + 1 < n ? 0 : IBV_SEND_SIGNALED};
	}
	cr_assert_eq(ibv_post_send(tx, wr, &bad), 0);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
}

struct frame burst[MAX_BURST];

struct frame *flow_frame(unsigned i, unsigned proto, unsigned flow, unsigned payload)
{
	struct frame *f = &burst[i];

	fr_ether(f, k.b.mac, k.a.mac, 0x0800);
	fr_ipv4(f, proto, "10.0.0.1", "10.9.8.7");
	if (proto == UDP)
		fr_udp(f, 1000 + flow, 2000);
	else
		fr_tcp(f, 1000 + flow, 2000, 0);
	fr_payload(f, payload);
	f->b[f->len - 1] = (uint8_t)i;
	fr_finish(f);
	return f;
}

uint32_t toeplitz(const uint8_t *data, unsigned len)
{
	uint32_t result = 0;

	for (unsigned bit = 0; bit < len * 8; bit++) {
		uint32_t window = 0;

		for (unsigned i = bit; i < bit + 32; i++)
			window = window << 1 | ((uint32_t)kit_rss_key[i / 8] >> (7 - i % 8) & 1);
		if (data[bit / 8] >> (7 - bit % 8) & 1)
			result ^= window;
	}
	return result;
}

void check_frames(struct rxq *q, const struct comp *comp, unsigned n)
{
	for (unsigned i = 0; i < n; i++, q->next++) {
		uint16_t title = be16toh(comp[i].cqe.wqe_counter);

		cr_assert_eq(comp[i].byte_cnt, burst[i].len, "frame %u", i);
		cr_assert_arr_eq(buffer(q->next), burst[i].b, burst[i].len);
		if (i == 0 || comp[i].session == 1)
			cr_assert_eq(title, q->next, "frame %u: WQE %u", i, title);
	}
	post(q, n);
}
