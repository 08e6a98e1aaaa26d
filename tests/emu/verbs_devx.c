/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues made by commands of the firmware alone, through unmodified libmlx5: they carry frames as
 * those of verbs do, and the kernel lets a program touch its own objects only.
 */
#include "devx_kit.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct kit k;

static void setup(void)
{
	kit_open(&k);
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(devx, .init = setup, .fini = teardown, .timeout = 60);

/* ---- a receiver on port b ------------------------------------------------------------------- */

struct rx {
	struct mlx5dv_devx_uar *uar;
	struct cmd_cq cq;
	struct cmd_mem mem;
	struct mlx5dv_devx_obj *td, *rq, *rqt, *tir, *set;
	uint32_t tdn, rqn, rqtn, tirn, setn;
	struct ibv_flow *flow;
};

static void rx_queue(struct rx *rx)
{
	struct cmd c;
	uint8_t *context = c.in + 32;

	cmd_init(&c, 0x771, 16, 16);
	rx->set = cmd_create(&k, &k.b, &c);
	cr_assert_not_null(rx->set);
	rx->setn = (uint32_t)cmd_get(c.out, 0x58, 8);
	rx->mem = cmd_mem(&k, &k.b, MEM_SIZE);
	cmd_init(&c, 0x908, 272, 16);
	cmd_set(context, 0x03, 1, 1); /* keep VLAN tags */
	cmd_set(context, 0x0d, 1, 1); /* flush in error */
	cmd_set(context, 0x48, 24, rx->cq.cqn);
	cmd_set(context, 0x60, 8, rx->setn);
	cmd_wq_fill(context + 48, &k.b, &rx->mem, 4);
	rx->rq = cmd_create(&k, &k.b, &c);
	cr_assert_not_null(rx->rq, "status %u", cmd_status(&c));
	rx->rqn = cmd_number(&c);
	cr_assert_eq(cmd_to_state(rx->rq, 0x909, rx->rqn, 0, 1), 0);
}

static struct mlx5dv_devx_obj *new_table(uint32_t rqn, uint32_t *number)
{
	struct mlx5dv_devx_obj *obj;
	struct cmd c;

	cmd_init(&c, 0x916, 272 + 8, 16);
	cmd_set(c.in + 32, 0xb0, 16, 2);
	cmd_set(c.in + 32, 0xd0, 16, 2);
	cmd_set(c.in + 272, 8, 24, rqn);
	cmd_set(c.in + 276, 8, 24, rqn);
	obj = cmd_create(&k, &k.b, &c);
	*number = cmd_number(&c);
	return obj;
}

static void rx_destination(struct rx *rx)
{
	struct cmd c;
	uint8_t *context = c.in + 32;

	rx->tdn = cmd_new_number(&k, &k.b, 0x816, &rx->td);
	rx->rqt = new_table(rx->rqn, &rx->rqtn);
	cr_assert_not_null(rx->rqt);
	cmd_init(&c, 0x900, 272, 16);
	cmd_set(context, 0x20, 4, 1); /* indirect */
	cmd_set(context, 0x108, 24, rx->rqtn);
	cmd_set(context, 0x120, 4, 2); /* Toeplitz */
	cmd_set(context, 0x128, 24, rx->tdn);
	memcpy(context + 40, kit_rss_key, 40);
	cmd_set(context, 0x280, 32, 0x40000000u | 0xf); /* IPv4, UDP: addresses and ports */
	rx->tir = cmd_create(&k, &k.b, &c);
	cr_assert_not_null(rx->tir, "status %u", cmd_status(&c));
	rx->tirn = cmd_number(&c);
}

KIT_UNDO(ibv_destroy_flow, struct ibv_flow)

/* Everything that is sent to b. */
static void rx_rule(struct rx *rx)
{
	struct kit_match mask = {.size = 64}, value = {.size = 64};
	struct mlx5dv_flow_action_attr action = {
		.type = MLX5DV_FLOW_ACTION_DEST_DEVX,
		.obj = rx->tir,
	};
	struct mlx5dv_flow_matcher *matcher;

	memset(mask.b + KIT_DMAC, 0xff, 6);
	for (unsigned i = 0; i < 6; i++)
		value.b[KIT_DMAC + i] = (uint8_t)strtoul(k.b.mac + 3 * i, NULL, 16);
	matcher = kit_matcher(&k, &k.b, &mask, 0);
	rx->flow = mlx5dv_create_flow(matcher, (void *)&value, 1, &action);
	cr_assert_not_null(rx->flow);
	kit_defer(&k, undo_ibv_destroy_flow, rx->flow);
}

static void rx_open(struct rx *rx)
{
	rx->uar = cmd_uar(&k, &k.b);
	rx->cq = cmd_cq(&k, &k.b, rx->uar);
	cr_assert_not_null(rx->cq.obj);
	rx_queue(rx);
	rx_destination(rx);
	rx_rule(rx);
}

static void rx_post(struct rx *rx, unsigned index)
{
	struct mlx5_wqe_data_seg *seg = (void *)(rx->mem.buf + (index & 31) * 16);

	mlx5dv_set_data_seg(seg, KIT_SLOT, k.b.mr->lkey, (uintptr_t)kit_slot(&k.b, index));
	kit_fence();
	*(uint32_t *)(void *)(rx->mem.buf + RECORD) = htobe32((index + 1) & 0xffff);
}

static uint32_t out_of_buffer(const struct rx *rx)
{
	struct cmd c;

	cmd_init(&c, 0x773, 32, 256);
	cmd_set(c.in, 0xf8, 8, rx->setn);
	cr_assert_eq(mlx5dv_devx_obj_query(rx->set, c.in, c.in_len, c.out, c.out_len), 0);
	return (uint32_t)cmd_get(c.out, 0x180, 32);
}

/* ---- tests ---------------------------------------------------------------------------------- */

Test(devx, queues_made_by_commands_carry_a_frame)
{
	struct mlx5_cqe64 cqe;
	struct frame f;
	struct rx rx;
	struct cmd_tx tx;

	cmd_tx_open(&k, &k.a, &tx);
	rx_open(&rx);
	kit_frame(&k, &f, 200);
	memcpy(kit_slot(&k.a, 0), f.b, f.len);
	rx_post(&rx, 0);
	cmd_tx_send(&k.a, &tx, 0, 0, f.len);
	cr_assert_eq(cmd_poll(&tx.cq, &cqe), MLX5_CQE_REQ);
	cr_expect_eq(be32toh(cqe.srqn_uidx) & 0xffffff, 0x123);
	cr_assert_eq(cmd_poll(&rx.cq, &cqe), MLX5_CQE_RESP_SEND);
	cr_expect_eq(be32toh(cqe.byte_cnt), f.len);
	cr_expect_arr_eq(kit_slot(&k.b, 0), f.b, f.len);
}

Test(devx, a_counter_set_counts_what_its_queues_had_no_room_for)
{
	struct mlx5_cqe64 cqe;
	struct frame f;
	struct rx rx;
	struct cmd_tx tx;

	cmd_tx_open(&k, &k.a, &tx);
	rx_open(&rx);
	kit_frame(&k, &f, 100);
	memcpy(kit_slot(&k.a, 0), f.b, f.len);
	for (unsigned i = 0; i < 3; i++)
		cmd_tx_send(&k.a, &tx, i, 0, f.len);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(cmd_poll(&tx.cq, &cqe), MLX5_CQE_REQ);
	for (unsigned i = 0; i < 1000 && out_of_buffer(&rx) < 3; i++)
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	cr_expect_eq(out_of_buffer(&rx), 3);
}

/* Arms the queue: record and doorbell page. */
static void arm(struct cmd_cq *cq, struct mlx5dv_devx_uar *uar, unsigned sn)
{
	uint32_t word = sn << 28 | (cq->ci & 0xffffff);

	((uint32_t *)(void *)(cq->mem.buf + RECORD))[1] = htobe32(word);
	kit_fence();
	*(volatile uint64_t *)(void *)((uint8_t *)uar->base_addr + 0x20) =
		htobe64((uint64_t)word << 32 | cq->cqn);
}

static int undo_channel(void *channel)
{
	mlx5dv_devx_destroy_event_channel(channel);
	return 0;
}

Test(devx, a_completion_is_told_on_an_event_channel)
{
	struct mlx5dv_devx_event_channel *channel;
	struct mlx5dv_devx_async_event_hdr event;
	uint16_t completion = 0;
	struct cmd_tx tx;

	cmd_tx_open(&k, &k.a, &tx);
	channel = mlx5dv_devx_create_event_channel(
		k.a.ctx, MLX5DV_DEVX_CREATE_EVENT_CHANNEL_FLAGS_OMIT_EV_DATA);
	cr_assert_not_null(channel);
	kit_defer(&k, undo_channel, channel);
	cr_assert_eq(mlx5dv_devx_subscribe_devx_event(channel, tx.cq.obj, sizeof(completion),
						      &completion, 0xcafe),
		     0);
	arm(&tx.cq, tx.uar, 0);
	cr_expect_not(kit_readable(channel->fd, 20));
	cmd_tx_send(&k.a, &tx, 0, 0, 64);
	cr_assert(kit_readable(channel->fd, 2000));
	cr_assert_eq(mlx5dv_devx_get_event(channel, &event, sizeof(event)), sizeof(event));
	cr_expect_eq(event.cookie, 0xcafe);
}

Test(devx, an_answer_comes_through_the_command_channel)
{
	struct mlx5dv_devx_cmd_comp *comp = mlx5dv_devx_create_cmd_comp(k.a.ctx);
	struct {
		uint64_t wr_id;
		uint8_t out[256];
	} answer;
	struct rx rx;
	struct cmd c;

	cr_assert_not_null(comp);
	rx_open(&rx);
	mlx5dv_devx_destroy_cmd_comp(comp);
	comp = mlx5dv_devx_create_cmd_comp(k.b.ctx);
	cmd_init(&c, 0x773, 32, 256);
	cmd_set(c.in, 0xf8, 8, rx.setn);
	cr_assert_eq(mlx5dv_devx_obj_query_async(rx.set, c.in, c.in_len, 256, 77, comp), 0);
	cr_assert(kit_readable(comp->fd, 2000));
	cr_assert_eq(mlx5dv_devx_get_async_cmd_comp(comp, (void *)&answer, sizeof(answer)), 0);
	cr_expect_eq(answer.wr_id, 77);
	cr_expect_eq(answer.out[0], 0);
	mlx5dv_devx_destroy_cmd_comp(comp);
}

Test(devx, what_is_in_use_is_not_destroyed)
{
	struct rx rx;
	struct cmd_tx tx;

	cmd_tx_open(&k, &k.a, &tx);
	rx_open(&rx);
	cr_expect_eq(mlx5dv_devx_obj_destroy(tx.td), EINVAL);
	cr_expect_eq(mlx5dv_devx_obj_destroy(tx.tis), EINVAL);
	cr_expect_eq(mlx5dv_devx_obj_destroy(tx.cq.obj), EINVAL);
	cr_expect_eq(mlx5dv_devx_umem_dereg(tx.mem.umem), EINVAL);
	cr_expect_eq(mlx5dv_devx_obj_destroy(rx.rq), EINVAL);
	cr_expect_eq(mlx5dv_devx_obj_destroy(rx.rqt), EINVAL);
	cr_expect_eq(mlx5dv_devx_obj_destroy(rx.tir), EINVAL);
	cr_expect_eq(mlx5dv_devx_obj_destroy(rx.set), EINVAL);
}

static int refill(const struct rx *rx, uint32_t rqn)
{
	struct cmd c;

	cmd_init(&c, 0x917, 272 + 8, 16);
	cmd_set(c.in, 0x48, 24, rx->rqtn);
	cmd_set(c.in, 0x80, 64, 1);
	cmd_set(c.in + 32, 0xd0, 16, 1);
	cmd_set(c.in + 272, 8, 24, rqn);
	return mlx5dv_devx_obj_modify(rx->rqt, c.in, c.in_len, c.out, c.out_len);
}

Test(devx, a_table_can_be_filled_anew)
{
	struct mlx5_cqe64 cqe;
	struct frame f;
	struct rx rx, other;
	struct cmd_tx tx;

	cmd_tx_open(&k, &k.a, &tx);
	rx_open(&rx);
	other.uar = rx.uar;
	other.cq = cmd_cq(&k, &k.b, rx.uar);
	rx_queue(&other);
	cr_assert_eq(refill(&rx, other.rqn), 0);
	kit_frame(&k, &f, 100);
	memcpy(kit_slot(&k.a, 0), f.b, f.len);
	rx_post(&other, 0);
	cmd_tx_send(&k.a, &tx, 0, 0, f.len);
	cr_expect_eq(cmd_poll(&other.cq, &cqe), MLX5_CQE_RESP_SEND);
	cr_expect_eq(mlx5dv_devx_obj_destroy(other.rq), EINVAL); /* the table holds it now */
	cr_expect_eq(refill(&rx, other.rqn + 1000), EREMOTEIO);	 /* no such queue */
	cr_expect_eq(refill(&rx, rx.rqn), 0);
}

Test(devx, a_command_may_only_name_the_object_of_its_handle)
{
	struct cmd_tx tx;
	struct cmd c;

	cmd_tx_open(&k, &k.a, &tx);
	cr_expect_eq(cmd_to_state(tx.sq, 0x905, tx.sqn + 1, 1, 0), EINVAL);
	cr_expect_eq(cmd_to_state(tx.sq, 0x909, tx.sqn, 1, 0), EINVAL);
	cmd_init(&c, 0x907, 16, 272);
	cmd_set(c.in, 0x48, 24, tx.sqn);
	cr_expect_eq(mlx5dv_devx_obj_query(tx.cq.obj, c.in, c.in_len, c.out, c.out_len), EINVAL);
	cr_assert_eq(mlx5dv_devx_obj_query(tx.sq, c.in, c.in_len, c.out, c.out_len), 0);
	cr_expect_eq(cmd_get(c.out + 32, 0x08, 4), 1);
	cr_expect_eq(cmd_get(c.out + 32, 0x48, 24), tx.cq.cqn);
}

Test(devx, a_queue_changes_its_state_as_the_manual_allows)
{
	struct cmd_tx tx;

	cmd_tx_open(&k, &k.a, &tx);
	cr_expect_eq(cmd_to_state(tx.sq, 0x905, tx.sqn, 0, 1), EREMOTEIO); /* it is not in reset */
	cr_expect_eq(cmd_to_state(tx.sq, 0x905, tx.sqn, 1, 3), 0);
	cr_expect_eq(cmd_to_state(tx.sq, 0x905, tx.sqn, 3, 1),
		     EREMOTEIO); /* not straight to ready */
	cr_expect_eq(cmd_to_state(tx.sq, 0x905, tx.sqn, 3, 2), EREMOTEIO); /* no such state */
	cr_expect_eq(cmd_to_state(tx.sq, 0x905, tx.sqn, 3, 0), 0);
	cr_expect_eq(cmd_to_state(tx.sq, 0x905, tx.sqn, 0, 1), 0);
}

/* A create command that is refused: status and a syndrome, and EREMOTEIO. */
static void refused(struct kit_port *p, struct cmd *c, unsigned status)
{
	errno = 0;
	cr_expect_null(cmd_create(&k, p, c));
	cr_expect_eq(errno, EREMOTEIO);
	cr_expect_eq(cmd_status(c), status, "status is %u, not %u", cmd_status(c), status);
	cr_expect_neq(cmd_get(c->out, 0x20, 32), 0);
}

Test(devx, a_send_queue_of_wrong_parts_is_refused)
{
	struct cmd_tx tx;
	struct cmd c;

	cmd_tx_domain(&k, &k.a, &tx);
	cmd_sq_fill(&c, &k.a, &tx);
	cmd_set(c.in + 32, 0x48, 24, tx.cq.cqn + 1); /* no such CQ */
	refused(&k.a, &c, 0x05);
	cmd_sq_fill(&c, &k.a, &tx);
	cmd_set(c.in + 32, 0x168, 24, tx.tdn); /* no TIS */
	refused(&k.a, &c, 0x05);
	cmd_sq_fill(&c, &k.a, &tx);
	cmd_set(c.in + 80, 0x48, 24, 0xfffff); /* no PD */
	refused(&k.a, &c, 0x05);
	cmd_sq_fill(&c, &k.a, &tx);
	cmd_set(c.in + 80, 0x11b, 5, 8); /* larger than its memory */
	refused(&k.a, &c, 0x03);
	cmd_sq_fill(&c, &k.a, &tx);
	cmd_set(c.in + 80, 0x80, 64, RECORD + 4); /* a doorbell record of no alignment */
	refused(&k.a, &c, 0x03);
	cmd_sq_fill(&c, &k.a, &tx);
	cmd_set(c.in + 32, 0x0e, 1, 1); /* hairpin */
	refused(&k.a, &c, 0x03);
	c.in_len = 200;
	refused(&k.a, &c, 0x50);
}

Test(devx, a_completion_queue_of_what_the_card_cannot_is_refused)
{
	static const struct {
		unsigned bit, bits, value;
	} bad[] = {
		{0x0e, 1, 1},	/* overrun ignored */
		{0x0b, 1, 1},	/* collapsed */
		{0x18, 8, 1},	/* enhanced compression layout */
		{0x63, 5, 30},	/* 2^30 entries */
		{0xb8, 8, 250}, /* no such event queue */
	};
	struct mlx5dv_devx_uar *uar = cmd_uar(&k, &k.a);
	struct cmd_cq cq = {.mem = cmd_mem(&k, &k.a, MEM_SIZE)};
	struct cmd c;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cmd_cq_fill(&c, &k.a, &cq, uar);
		cmd_set(c.in + 16, bad[i].bit, bad[i].bits, bad[i].value);
		refused(&k.a, &c, 0x03);
	}
	cmd_cq_fill(&c, &k.a, &cq, uar);
	cmd_set(c.in + 16, 0x68, 24, uar->page_id + 1000);
	refused(&k.a, &c, 0x05);
}

Test(devx, objects_of_another_context_do_not_exist)
{
	struct cmd_tx tx;
	struct cmd c;

	cmd_tx_domain(&k, &k.a, &tx);
	cmd_init(&c, 0x912, 192, 16);
	cmd_set(c.in + 32, 0x128, 24, tx.tdn);
	refused(&k.b, &c, 0x05);
}

Test(devx, commands_go_through_the_method_that_is_theirs)
{
	struct cmd c;

	cmd_init(&c, 0x905, 272, 16); /* MODIFY_SQ creates nothing */
	errno = 0;
	cr_expect_null(cmd_create(&k, &k.a, &c));
	cr_expect_eq(errno, EINVAL);
	cmd_init(&c, 0x816, 16, 16);
	cr_expect_eq(mlx5dv_devx_general_cmd(k.a.ctx, c.in, 16, c.out, 16), EINVAL);
	cmd_init(&c, 0x930, 64, 16); /* flow tables: the kernel knows them, this card does not */
	refused(&k.a, &c, 0x02);
}

Test(devx, a_memory_key_over_a_umem_serves_a_queue)
{
	struct cmd_mem mem;
	struct mlx5_cqe64 cqe;
	uint32_t key;
	struct cmd_tx tx;
	struct cmd c;

	cmd_tx_open(&k, &k.a, &tx);
	mem = cmd_mem(&k, &k.a, MEM_SIZE);
	cmd_init(&c, 0x200, 272, 16);
	cmd_set(c.in, 0x320, 32, mem.umem->umem_id);
	cmd_set(c.in + 16, 0x14, 2, 3); /* local write and read */
	cmd_set(c.in + 16, 0x16, 2, 1); /* MTT */
	cmd_set(c.in + 16, 0x20, 24, 0xffffff);
	cmd_set(c.in + 16, 0x38, 8, 0x5a);
	cmd_set(c.in + 16, 0x68, 24, cmd_pdn(k.a.pd));
	cmd_set(c.in + 16, 0x80, 64, 0x10000); /* addresses of its own */
	cmd_set(c.in + 16, 0xc0, 64, MEM_SIZE);
	cr_assert_not_null(cmd_create(&k, &k.a, &c));
	key = cmd_number(&c) << 8 | 0x5a;
	cmd_tx_send(&k.a, &tx, 0, 0, 64);
	cr_assert_eq(cmd_poll(&tx.cq, &cqe), MLX5_CQE_REQ);
	memset(tx.mem.buf + 64, 0, 64);
	mlx5dv_set_ctrl_seg((void *)(tx.mem.buf + 64), 1, MLX5_OPCODE_SEND, 0, tx.sqn,
			    MLX5_WQE_CTRL_CQ_UPDATE, 3, 0, 0);
	mlx5dv_set_data_seg((void *)(tx.mem.buf + 96), 64, key, 0x10000 + MEM_SIZE - 64);
	((uint32_t *)(void *)(tx.mem.buf + RECORD))[1] = htobe32(2);
	kit_fence();
	*(volatile uint64_t *)tx.uar->reg_addr = *(uint64_t *)(void *)(tx.mem.buf + 64);
	cr_expect_eq(cmd_poll(&tx.cq, &cqe), MLX5_CQE_REQ);
}

Test(devx, the_port_tells_of_its_own_vport_only)
{
	struct cmd c;

	cmd_init(&c, 0x754, 16, 272);
	cr_assert_eq(mlx5dv_devx_general_cmd(k.a.ctx, c.in, c.in_len, c.out, c.out_len), 0);
	cr_expect_geq(cmd_get(c.out + 16, 0x130, 16), 1500);
	cr_expect_eq(c.out[16 + 246 + 5], strtoul(k.a.mac + 15, NULL, 16));
	cmd_set(c.in, 0x40, 1, 1);
	cmd_set(c.in, 0x50, 16, 1);
	cr_expect_eq(mlx5dv_devx_general_cmd(k.a.ctx, c.in, c.in_len, c.out, c.out_len), EREMOTEIO);
	cr_expect_eq(cmd_status(&c), 0x03);
}

Test(devx, a_queue_pair_of_verbs_tells_its_transport_domain)
{
	struct ibv_qp *qp = kit_raw(&k, &k.a, kit_cq(&k, &k.a, 16));
	struct mlx5dv_qp dv = {.comp_mask = MLX5DV_QP_MASK_RAW_QP_HANDLES};
	struct mlx5dv_obj obj = {.qp = {.in = qp, .out = &dv}};
	struct cmd c;

	cr_assert_eq(mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP), 0);
	cmd_init(&c, 0x915, 16, 176);
	cmd_set(c.in, 0x48, 24, dv.tisn);
	cr_assert_eq(mlx5dv_devx_qp_query(qp, c.in, c.in_len, c.out, c.out_len), 0);
	cr_expect_neq(cmd_get(c.out + 16, 0x128, 24), 0);
	cmd_set(c.in, 0x48, 24, dv.tisn + 1);
	cr_expect_eq(mlx5dv_devx_qp_query(qp, c.in, c.in_len, c.out, c.out_len), EINVAL);
}

Test(devx, a_umem_must_be_the_programs_memory)
{
	errno = 0;
	cr_expect_null(mlx5dv_devx_umem_reg(k.a.ctx, (void *)0x1000, 4096, IBV_ACCESS_LOCAL_WRITE));
	cr_expect_eq(errno, EFAULT);
	errno = 0;
	cr_expect_null(mlx5dv_devx_umem_reg(k.a.ctx, k.a.mem, 4096, IBV_ACCESS_REMOTE_WRITE));
	cr_expect_eq(errno, EINVAL);
}
